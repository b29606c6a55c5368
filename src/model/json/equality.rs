//! The equalities of JSON values: PostgreSQL's of `jsonb` (`==`), Python's, and Go's.

use super::{Json, Object, number};

/// Which values count as equal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Numbers by the decimal that PostgreSQL keeps; booleans only equal booleans; `NaN` equals
    /// itself so that the relation is reflexive.
    Jsonb,
    /// Numbers and booleans by exact value; `NaN` equals nothing.
    Python,
    /// Numbers by the double that they are read as.
    Go,
}

impl Json {
    /// Python's `==`: `True == 1 == 1.0`, integers and floats by exact value, objects without
    /// regard to order, `NaN` unequal to itself.
    pub fn python_eq(&self, other: &Self) -> bool {
        equal(self, other, Rule::Python)
    }

    /// Equality of two values as Go decodes them: numbers are doubles, objects have no order.
    pub fn go_eq(&self, other: &Self) -> bool {
        equal(self, other, Rule::Go)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        equal(self, other, Rule::Jsonb)
    }
}

impl Eq for Json {}

impl Object {
    /// See [`Json::go_eq`].
    pub fn go_eq(&self, other: &Self) -> bool {
        let mut pairs = Vec::new();
        push_entries(self, other, &mut pairs) && all_equal(pairs, Rule::Go)
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = Vec::new();
        push_entries(self, other, &mut pairs) && all_equal(pairs, Rule::Jsonb)
    }
}

impl Eq for Object {}

fn equal(left: &Json, right: &Json, rule: Rule) -> bool {
    match (left, right) {
        (Json::List(_), Json::List(_)) | (Json::Object(_), Json::Object(_)) => {
            all_equal(vec![(left, right)], rule)
        }
        _ => scalars_equal(left, right, rule),
    }
}

fn all_equal<'a>(mut pairs: Vec<(&'a Json, &'a Json)>, rule: Rule) -> bool {
    while let Some(pair) = pairs.pop() {
        let same = match pair {
            (Json::List(left), Json::List(right)) => {
                pairs.extend(left.iter().zip(right));
                left.len() == right.len()
            }
            (Json::Object(left), Json::Object(right)) => push_entries(left, right, &mut pairs),
            (left, right) => scalars_equal(left, right, rule),
        };
        if !same {
            return false;
        }
    }
    true
}

/// Queues the values of the common keys; false when the key sets differ.
fn push_entries<'a>(
    left: &'a Object,
    right: &'a Object,
    pairs: &mut Vec<(&'a Json, &'a Json)>,
) -> bool {
    left.len() == right.len()
        && left.iter().all(|(key, value)| match right.get(key) {
            Some(other) => {
                pairs.push((value, other));
                true
            }
            None => false,
        })
}

fn scalars_equal(left: &Json, right: &Json, rule: Rule) -> bool {
    if rule == Rule::Go
        && let (Some(left), Some(right)) = (left.as_f64(), right.as_f64())
    {
        return left == right;
    }
    match (left, right) {
        (Json::Null, Json::Null) => true,
        (Json::Bool(left), Json::Bool(right)) => left == right,
        (Json::Str(left), Json::Str(right)) | (Json::Big(left), Json::Big(right)) => left == right,
        (Json::Int(left), Json::Int(right)) => left == right,
        (Json::Float(left), Json::Float(right)) => {
            left == right || rule == Rule::Jsonb && left.is_nan() && right.is_nan()
        }
        (Json::Int(int), Json::Float(float)) | (Json::Float(float), Json::Int(int)) => match rule {
            Rule::Python => number::int_equals_float_exactly(*int, *float),
            Rule::Jsonb | Rule::Go => number::digits_equal_float_text(&int.to_string(), *float),
        },
        (Json::Big(digits), Json::Float(float)) | (Json::Float(float), Json::Big(digits)) => {
            match rule {
                Rule::Python => number::big_equals_float_exactly(digits, *float),
                Rule::Jsonb | Rule::Go => number::digits_equal_float_text(digits, *float),
            }
        }
        (Json::Bool(value), number @ (Json::Int(_) | Json::Float(_)))
        | (number @ (Json::Int(_) | Json::Float(_)), Json::Bool(value)) => {
            rule == Rule::Python && number.as_f64() == Some(f64::from(u8::from(*value)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn python_equality_mixes_numbers_and_booleans() {
        let equal = [
            ("true", "1"),
            ("false", "0.0"),
            ("1", "1.0"),
            ("[1,{\"a\":2,\"b\":[true]}]", "[1.0,{\"b\":[1],\"a\":2.0}]"),
            ("100000000000000000000", "1e20"),
            ("0", "-0.0"),
        ];
        for (left, right) in equal {
            assert!(parse(left).python_eq(&parse(right)), "{left} {right}");
            assert!(parse(right).python_eq(&parse(left)), "{right} {left}");
        }
        let unequal = [
            ("true", "\"true\""),
            ("1", "\"1\""),
            ("null", "0"),
            ("[]", "{}"),
            ("[1]", "[1,1]"),
            ("{\"a\":1}", "{\"b\":1}"),
            ("{\"a\":1}", "{\"a\":1,\"b\":1}"),
            ("NaN", "NaN"),
            ("100000000000000000000000", "1e23"),
            ("9007199254740993", "9007199254740992.0"),
        ];
        for (left, right) in unequal {
            assert!(!parse(left).python_eq(&parse(right)), "{left} {right}");
        }
    }

    #[test]
    fn doubles_are_compared_for_go() {
        for (left, right) in [("1", "1.0"), ("9007199254740993", "9007199254740992"), ("0", "-0.0")]
        {
            assert!(parse(left).go_eq(&parse(right)), "{left} {right}");
        }
        for (left, right) in [("true", "1"), ("1", "\"1\""), ("[1]", "[1,1]"), ("1", "1.5")] {
            assert!(!parse(left).go_eq(&parse(right)), "{left} {right}");
        }
    }

    #[test]
    fn stored_equality_keeps_booleans_apart_and_compares_decimals() {
        assert_ne!(parse("true"), parse("1"));
        assert_eq!(parse("1"), parse("1.0"));
        assert_eq!(parse("100000000000000000000000"), parse("1e23"));
        assert_eq!(
            parse("123456789012345680000000000000"),
            parse("123456789012345678901234567890.5")
        );
        assert_eq!(parse("{\"a\":1,\"b\":2}"), parse("{\"b\":2,\"a\":1.0}"));
        assert_eq!(parse("NaN"), parse("NaN"));
        assert_ne!(parse("1"), parse("NaN"));
        assert_eq!(parse("0"), parse("-0.0"));
    }
}
