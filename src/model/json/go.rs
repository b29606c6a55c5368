//! JSON as Go's `encoding/json` reads and writes it, on top of what the parser accepts.

use super::{
    Json, ParseError,
    walk::{Event, Walk},
};

/// Go's decoder refuses deeper nesting.
const MAX_DEPTH: usize = 10_000;

/// 2^53: integers up to it are doubles.
const EXACT: i64 = 1 << 53;

/// Characters that Go writes as escapes for the sake of HTML, and PostgreSQL as they are.
const GO_ESCAPED: [char; 5] = ['<', '>', '&', '\u{2028}', '\u{2029}'];

impl Json {
    /// Whether Go's decoder takes the value in: it knows no `NaN` or infinity, no number beyond a
    /// double, and no nesting beyond 10,000.
    pub fn is_go_json(&self) -> bool {
        let mut depth = 0;
        Walk::new(self).all(|event| match event {
            Event::OpenList(_) | Event::OpenObject(_) => {
                depth += 1;
                depth <= MAX_DEPTH
            }
            Event::CloseList | Event::CloseObject => {
                depth -= 1;
                true
            }
            Event::Key(_) => true,
            Event::Scalar(value) => value.as_f64().is_none_or(f64::is_finite),
        })
    }

    /// The value as Go writes it again after it went through doubles: `1.0` is 1, `1E2` is 100,
    /// integers beyond 2^53 lose digits.
    #[must_use]
    pub fn go_encoded(mut self) -> Self {
        let mut open = vec![&mut self];
        while let Some(value) = open.pop() {
            match value {
                Self::List(items) => open.extend(items),
                Self::Object(object) => open.extend(object.values_mut()),
                Self::Int(number) if (-EXACT..=EXACT).contains(number) => {}
                Self::Int(_) | Self::Big(_) | Self::Float(_) => {
                    *value = number(value.as_f64().unwrap_or_default());
                }
                Self::Null | Self::Bool(_) | Self::Str(_) => {}
            }
        }
        self
    }

    /// Whether PostgreSQL prints this stored value exactly as Go encodes `sent`, which went through
    /// [`Json::go_encoded`]: the former puts blanks after commas and colons, so nothing that has
    /// one is ever the same (tracks.md 5.2).
    pub fn prints_as_go(&self, sent: &Self) -> bool {
        let (mut stored, mut sent) = (self, sent);
        loop {
            match (stored, sent) {
                (Self::List(a), Self::List(b)) => match (a.as_slice(), b.as_slice()) {
                    ([a], [b]) => (stored, sent) = (a, b),
                    (a, b) => return a.is_empty() && b.is_empty(),
                },
                (Self::Object(a), Self::Object(b)) => return a.is_empty() && b.is_empty(),
                (Self::Null, Self::Null) => return true,
                (Self::Bool(a), Self::Bool(b)) => return a == b,
                (Self::Int(a), Self::Int(b)) => return a == b,
                // From 1e21 on, and below 1e-6, Go writes exponents.
                (Self::Big(a), Self::Big(b)) => {
                    return a == b && a.trim_start_matches('-').len() <= 21;
                }
                (Self::Float(a), Self::Float(b)) => {
                    return a.to_bits() == b.to_bits() && a.abs() >= 1e-6;
                }
                (Self::Str(a), Self::Str(b)) => return a == b && !a.contains(GO_ESCAPED),
                _ => return false,
            }
        }
    }

    /// Parses a text with each lone surrogate escape as U+FFFD, as Go reads it.
    ///
    /// # Errors
    /// See [`Json::parse`].
    pub fn parse_replacing(text: &str) -> Result<Self, ParseError> {
        Self::parse_with(text, '\u{fffd}')
    }
}

/// A double in its shortest decimal form: an integer where it is one.
fn number(value: f64) -> Json {
    if value.fract() != 0.0 {
        return Json::Float(value);
    }
    // The shortest digits that read back as the same double, without an exponent.
    let digits = format!("{value:.0}");
    let shortest = shortest_integer(value).unwrap_or(digits);
    match shortest.parse() {
        Ok(number) => Json::Int(number),
        Err(_too_big) => Json::Big(shortest),
    }
}

/// The digits of a whole double as its shortest form has them, zeros after: 123456789012345680.
fn shortest_integer(value: f64) -> Option<String> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: usize = exponent.parse().ok()?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = exponent.checked_sub(fraction.len())?;
    Some(format!("{sign}{whole}{fraction}{}", "0".repeat(zeros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        Json::parse(text).unwrap().go_encoded().to_json_text()
    }

    #[test]
    fn numbers_go_through_doubles() {
        assert_eq!(
            encoded("[1.0, 1E2, 123456789012345678, 1.5, -0.0]"),
            "[1,100,123456789012345680,1.5,0]"
        );
        assert_eq!(encoded("1e21"), "1000000000000000000000");
        assert_eq!(encoded("9007199254740993"), "9007199254740992");
    }

    #[test]
    fn what_no_double_holds_is_not_json_to_go() {
        for text in ["1e400", "[NaN]", "{\"a\":-Infinity}"] {
            assert!(!Json::parse(text).unwrap().is_go_json(), "{text}");
        }
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Json::parse(&deep(10_000)).unwrap().is_go_json());
        assert!(!Json::parse(&deep(10_001)).unwrap().is_go_json());
    }

    #[test]
    fn what_has_a_comma_or_a_colon_never_prints_the_same() {
        let same = |text: &str| {
            let json = Json::parse(text).unwrap();
            json.prints_as_go(&json)
        };
        for text in
            ["1", "[[1.5]]", "[]", "{}", "null", "\"a\\n\"", "[true]", "99999999999999999999"]
        {
            assert!(same(text), "{text}");
        }
        for text in ["[1,2]", "{\"a\":1}", "\"<\"", "0.0000001", "[{\"a\":1}]"] {
            assert!(!same(text), "{text}");
        }
        assert!(!Json::Float(1.0).prints_as_go(&Json::Int(1)));
    }

    #[test]
    fn lone_surrogates_are_replaced() {
        let json = Json::parse_replacing(r#""a\ud800b\udc00\ud83d\ude00""#).unwrap();
        assert_eq!(json.as_str(), Some("a\u{fffd}b\u{fffd}\u{1f600}"));
    }
}
