//! Values as the text that a `text` column ends up with when the reference writes them there.

use super::number::Decimal;
use super::{Json, Kind};

/// PostgreSQL takes arrays of at most this many dimensions.
const MAX_DIMENSIONS: usize = 6;

/// The text that PostgreSQL stores in a `text` column for a value the reference hands over as is
/// (handlers-a 0.5 rule 4, corrections 15); `None` where the statement would fail (poison).
///
/// Numbers are numeric literals (`1e20` becomes `100000000000000000000`), booleans `true` and
/// `false`, arrays PostgreSQL's array text. Strings pass unchanged; the ORM strips NUL from them
/// before, which is the caller's part. `null` is not a text and gives `None` too: test it first.
pub fn python_str(value: &Json) -> Option<String> {
    match value {
        Json::Null | Json::Object(_) => None,
        Json::Bool(value) => Some(value.to_string()),
        Json::Int(value) => Some(value.to_string()),
        Json::Big(digits) => Some(digits.clone()),
        Json::Float(value) => Some(numeric_text(*value)),
        Json::Str(text) => Some(text.clone()),
        Json::List(items) => array_text(items),
    }
}

/// The text of PostgreSQL's `numeric` for a float that Python printed: never an exponent, no
/// negative zero; `NaN`, `Infinity` and `-Infinity` as PostgreSQL spells them.
pub fn numeric_text(value: f64) -> String {
    match Decimal::of(value) {
        Some(mut decimal) => {
            decimal.negative &= value != 0.0;
            // Python prints `1e+16` without a fraction, so the literal has scale zero.
            decimal.positional(decimal.in_scientific_notation())
        }
        None if value.is_nan() => "NaN".to_owned(),
        None if value > 0.0 => "Infinity".to_owned(),
        None => "-Infinity".to_owned(),
    }
}

/// `float8` output of a numeric literal: the shortest form, with an exponent as C prints it.
fn float8_text(value: f64) -> String {
    match Decimal::of(value) {
        None => numeric_text(value),
        Some(_) if value == 0.0 => "0".to_owned(),
        Some(decimal) if (-4..15).contains(&decimal.exponent) => decimal.positional(true),
        Some(decimal) => decimal.scientific(),
    }
}

/// How the elements of an array literal are typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Text,
    Bool,
    Numeric,
    Float8,
}

/// `ARRAY[...]` as the driver writes it, cast to text.
fn array_text(items: &[Json]) -> Option<String> {
    let mut shape = Vec::new();
    measure(items, 0, &mut shape)?;
    let element = element_type(items)?;
    let mut text = String::new();
    write_array(items, element, &mut text)?;
    Some(text)
}

/// Records the length of each dimension; `None` when sub-arrays differ or are too deep.
fn measure(items: &[Json], dimension: usize, shape: &mut Vec<usize>) -> Option<()> {
    if dimension >= MAX_DIMENSIONS {
        return None;
    }
    if dimension == shape.len() {
        shape.push(items.len());
    }
    if shape[dimension] != items.len() {
        return None;
    }
    let lists = items.iter().filter(|item| item.kind() == Kind::List).count();
    if lists == 0 {
        return Some(());
    }
    if lists != items.len() {
        return None;
    }
    items.iter().filter_map(Json::as_list).try_for_each(|list| measure(list, dimension + 1, shape))
}

/// The common type of all elements; quoted strings adapt to the type of the others.
fn element_type(items: &[Json]) -> Option<Element> {
    let mut found = None;
    for item in items {
        let element = match item {
            Json::Null | Json::Str(_) => continue,
            Json::Object(_) => return None,
            Json::Bool(_) => Element::Bool,
            Json::Int(_) | Json::Big(_) => Element::Numeric,
            Json::Float(value) if value.is_finite() => Element::Numeric,
            Json::Float(_) => Element::Float8,
            Json::List(inner) => match element_type(inner)? {
                Element::Text => continue,
                other => other,
            },
        };
        found = Some(match (found, element) {
            (None, element) => element,
            (Some(Element::Bool), Element::Bool) => Element::Bool,
            (Some(Element::Bool), _) | (Some(_), Element::Bool) => return None,
            (Some(Element::Float8), _) | (_, Element::Float8) => Element::Float8,
            (Some(other), _) => other,
        });
    }
    Some(found.unwrap_or(Element::Text))
}

fn write_array(items: &[Json], element: Element, text: &mut String) -> Option<()> {
    text.push('{');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match (item, element) {
            (Json::List(inner), _) => write_array(inner, element, text)?,
            (Json::Null, _) => text.push_str("NULL"),
            (Json::Bool(value), _) => text.push(if *value { 't' } else { 'f' }),
            (Json::Str(value), Element::Text) => write_element(value, text)?,
            // A string among numbers or booleans is read as one of them. Only the usual forms are
            // taken over, everything else is left to the poison rule.
            (Json::Str(value), Element::Bool) => text.push(match value.as_str() {
                "t" | "true" => 't',
                "f" | "false" => 'f',
                _ => return None,
            }),
            (Json::Str(value), Element::Numeric) => {
                text.push_str(&value.trim().parse::<i64>().ok()?.to_string());
            }
            (Json::Str(_), _) => return None,
            (number, Element::Float8) => text.push_str(&float8_text(number.as_f64()?)),
            (number, _) => text.push_str(&python_str(number)?),
        }
    }
    text.push('}');
    Some(())
}

/// An element of a `text[]` with PostgreSQL's quoting.
fn write_element(value: &str, text: &mut String) -> Option<()> {
    if value.contains('\0') {
        return None;
    }
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | ',' | ' ' | '\t'..='\r');
    if !value.is_empty() && !value.eq_ignore_ascii_case("null") && !value.contains(special) {
        text.push_str(value);
        return Some(());
    }
    text.push('"');
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_the_text_postgresql_stores() {
        for (json, text) in [
            ("5", "5"),
            ("true", "true"),
            ("5.5", "5.5"),
            ("5.0", "5.0"),
            ("1e20", "100000000000000000000"),
            ("1e-5", "0.00001"),
            ("1.25e-7", "0.000000125"),
            ("-0.0", "0.0"),
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("\"x\"", "x"),
            ("[1,2]", "{1,2}"),
            ("[\"a\"]", "{a}"),
            ("[]", "{}"),
            ("[null,\"NULL\",\"\"]", "{NULL,\"NULL\",\"\"}"),
            (
                "[\"a b\",\"c,d\",\"e\\\"f\",\"g\\\\h\",\"{}\"]",
                r#"{"a b","c,d","e\"f","g\\h","{}"}"#,
            ),
            ("[true,false]", "{t,f}"),
            ("[1.5,2]", "{1.5,2}"),
            ("[100.0,NaN]", "{100,NaN}"),
            ("[1000000000000000.0,-0.0,NaN]", "{1e+15,0,NaN}"),
            ("[\"t\",null,false]", "{t,NULL,f}"),
            ("[[1,2],[3,4]]", "{{1,2},{3,4}}"),
            ("[\"1\",2]", "{1,2}"),
            ("[null]", "{NULL}"),
        ] {
            assert_eq!(python_str(&Json::parse(json).unwrap()).as_deref(), Some(text), "{json}");
        }
    }

    #[test]
    fn what_the_statement_refuses_has_no_text() {
        for json in [
            "{}",
            "[{}]",
            "[true,1]",
            "[\"a\",1]",
            "[[1],[2,3]]",
            "[1,[2]]",
            "[\"a\\u0000\"]",
            "[[[[[[[1]]]]]]]",
        ] {
            assert_eq!(python_str(&Json::parse(json).unwrap()), None, "{json}");
        }
    }
}
