//! Metadata values as column values: what the reference's ORM and driver write and what PostgreSQL
//! makes of it (handlers-a 0.5 rule 4, corrections 4, 6, 9, 12, 15).
//!
//! `Ok(None)` is SQL NULL and only comes from `null`. A [`Refusal::Poison`] is a value at which the
//! statement fails and with it the reference's whole block. Defaults, JSON `null` against SQL NULL
//! and schema checks are not decided here.

use super::{Refusal, dates};
use crate::model::json::{numeric_text, python_str};
use crate::model::{Json, Timestamp, value::NULL_ELEMENT};

/// Range of an `integer` column.
const INT4: std::ops::RangeInclusive<i64> = -2_147_483_648..=2_147_483_647;

/// 2^53: up to here floats are exact integers.
const EXACT: f64 = 9_007_199_254_740_992.0;

type Column<T> = Result<Option<T>, Refusal>;

const fn poison<T>(code: &'static str) -> Column<T> {
    Err(Refusal::Poison(code))
}

/// A `text` or `varchar` column. NUL is stripped from strings (corrections 4), other scalars become
/// their text form, lists PostgreSQL's array text.
///
/// # Errors
/// Poison for objects and for lists that are no PostgreSQL array.
pub fn text(value: &Json) -> Column<String> {
    match value {
        Json::Null => Ok(None),
        Json::Str(text) => Ok(Some(without_nul(text))),
        other => python_str(other).map_or_else(|| poison("text_column"), |text| Ok(Some(text))),
    }
}

/// A text without U+0000, as every text column is cleaned on assignment (handlers-b 1.8).
pub fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

/// A `boolean` column: `true`, `false`, and the numbers that equal them.
///
/// # Errors
/// Poison for everything else.
pub fn boolean(value: &Json) -> Column<bool> {
    match value {
        Json::Null => Ok(None),
        Json::Bool(value) => Ok(Some(*value)),
        Json::Int(0) => Ok(Some(false)),
        Json::Int(1) => Ok(Some(true)),
        Json::Float(value) if *value == 0.0 => Ok(Some(false)),
        Json::Float(value) if *value == 1.0 => Ok(Some(true)),
        _ => poison("boolean_column"),
    }
}

/// An `integer` column. Floats are rounded half away from zero (the driver writes them as numeric
/// literals, corrections 9); text is read by PostgreSQL: blanks around, a sign, digits.
///
/// # Errors
/// Poison for booleans, `NaN`, other text, lists, objects and numbers out of range.
pub fn int4(value: &Json) -> Column<i64> {
    match int8(value)? {
        Some(number) if !INT4.contains(&number) => poison("integer_out_of_range"),
        number => Ok(number),
    }
}

/// A `bigint` column; see [`int4`].
///
/// # Errors
/// See [`int4`].
pub fn int8(value: &Json) -> Column<i64> {
    match value {
        Json::Null => Ok(None),
        Json::Int(number) => Ok(Some(*number)),
        Json::Float(number) if number.is_finite() => match rounded(*number) {
            Some(number) => Ok(Some(number)),
            None => poison("integer_out_of_range"),
        },
        Json::Str(text) => match pg_integer(text) {
            Some(number) => Ok(Some(number)),
            None => poison("integer_text"),
        },
        Json::Big(_) => poison("integer_out_of_range"),
        _ => poison("integer_column"),
    }
}

/// Rounds half away from zero, in the decimal that Python prints; `None` beyond 64 bits.
fn rounded(number: f64) -> Option<i64> {
    if number.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "integral and below 2^53")]
        let whole = number.round() as i64;
        return Some(whole);
    }
    let text = numeric_text(number);
    text.strip_suffix(".0").unwrap_or(&text).parse().ok()
}

/// PostgreSQL's integer input.
pub(super) fn pg_integer(text: &str) -> Option<i64> {
    let text = trim_blanks(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// What C's `isspace` trims around numbers.
fn trim_blanks(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}'])
}

/// A `double precision` column: numbers, and text as PostgreSQL reads it, `NaN` and `inf` included.
///
/// # Errors
/// Poison for booleans, text that is no decimal number, lists, objects and numbers that overflow or
/// vanish.
pub fn float8(value: &Json) -> Column<f64> {
    match value {
        Json::Null => Ok(None),
        Json::Float(number) => Ok(Some(*number)),
        Json::Int(_) | Json::Big(_) => match value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => poison("float_out_of_range"),
        },
        Json::Str(text) => match pg_float(text) {
            Some(number) => Ok(Some(number)),
            None => poison("float_text"),
        },
        _ => poison("float_column"),
    }
}

/// PostgreSQL's float input, without hexadecimal floats.
fn pg_float(text: &str) -> Option<f64> {
    let text = trim_blanks(text);
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = match unsigned.to_ascii_lowercase().as_str() {
        "nan" => return Some(f64::NAN),
        "inf" | "infinity" => f64::INFINITY,
        decimal => {
            // Rust's float syntax is C's once words are out of the way.
            if !decimal.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                return None;
            }
            let number: f64 = decimal.parse().ok()?;
            let mantissa = decimal.split('e').next().unwrap_or(decimal);
            let vanished = number == 0.0 && mantissa.contains(|c: char| ('1'..='9').contains(&c));
            if number.is_infinite() || vanished {
                return None;
            }
            number
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// An `integer[]` column. Python lists a text by its characters and an object by its keys, so the
/// empty ones are empty arrays.
///
/// # Errors
/// Poison for other types, elements that are no integers, and nested lists.
pub fn int4_array(value: &Json) -> Column<Vec<i64>> {
    let items = match value {
        Json::Null => return Ok(None),
        Json::List(items) => items.as_slice(),
        Json::Str(text) if text.is_empty() => &[],
        Json::Object(object) if object.is_empty() => &[],
        _ => return poison("integer_array"),
    };
    // Texts without a number among them are typed as text and refused, with one they are read as
    // numbers. Nulls alone are of no type.
    let is_text = |item: &Json| item.as_str().is_some();
    if items.iter().any(is_text) && items.iter().all(|item| item.is_null() || is_text(item)) {
        return poison("integer_array");
    }
    let numbers = items.iter().map(|item| match int4(item) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Ok(NULL_ELEMENT),
        Err(refusal) => Err(refusal),
    });
    numbers.collect::<Result<_, _>>().map(Some)
}

/// A `text[]` column; a text is split into characters, an object into keys.
///
/// # Errors
/// Poison for numbers and booleans, `null` elements, elements of different types, nested lists,
/// and U+0000 (which is not stripped here).
pub fn text_array(value: &Json) -> Column<Vec<String>> {
    let items: Vec<String> = match value {
        Json::Null => return Ok(None),
        Json::List(items) => text_elements(items)?,
        Json::Str(text) => text.chars().map(String::from).collect(),
        Json::Object(object) => object.keys().map(str::to_owned).collect(),
        _ => return poison("text_array"),
    };
    if items.iter().any(|item| item.contains('\0')) {
        return poison("text_array_nul");
    }
    Ok(Some(items))
}

fn text_elements(items: &[Json]) -> Result<Vec<String>, Refusal> {
    let kinds = |test: fn(&Json) -> bool| items.iter().all(test);
    let uniform = kinds(|item| item.as_str().is_some())
        || kinds(|item| item.as_bool().is_some())
        || kinds(|item| item.as_f64().is_some());
    if !uniform {
        return Err(Refusal::Poison("text_array"));
    }
    items.iter().map(|item| python_str(item).ok_or(Refusal::Poison("text_array"))).collect()
}

/// A `jsonb` column: any value PostgreSQL stores, JSON `null` included.
///
/// # Errors
/// Poison for U+0000 and for numbers that are not finite (corrections 4, 12).
pub fn jsonb(value: &Json) -> Result<Json, Refusal> {
    match value.json_storable() {
        Ok(()) => Ok(value.clone()),
        Err(_) => Err(Refusal::Poison("jsonb")),
    }
}

/// An enum column with the given labels.
///
/// # Errors
/// Poison for everything but `null` and a label.
pub fn label(value: &Json, labels: &[&'static str]) -> Column<&'static str> {
    match value {
        Json::Null => Ok(None),
        Json::Str(text) => match labels.iter().find(|label| *label == text) {
            Some(label) => Ok(Some(label)),
            None => poison("enum_label"),
        },
        _ => poison("enum_column"),
    }
}

/// A `timestamp` column that gets a value as sent: ISO forms as PostgreSQL reads them, offsets
/// dropped.
///
/// # Errors
/// Poison for other types and text that [`dates::stored_timestamp`] does not know.
pub fn timestamp(value: &Json) -> Column<Timestamp> {
    match value {
        Json::Null => Ok(None),
        Json::Str(text) => match dates::stored_timestamp(text) {
            Some(at) => Ok(Some(at)),
            None => poison("timestamp_text"),
        },
        _ => poison("timestamp_column"),
    }
}

/// Python's `float(value)` of a number, boolean or text; `None` is an exception.
pub fn python_float(value: &Json) -> Option<f64> {
    match value {
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::Int(_) | Json::Float(_) => value.as_f64(),
        Json::Big(_) => value.as_f64().filter(|number| number.is_finite()),
        Json::Str(text) => python_float_text(text),
        _ => None,
    }
}

/// Python's `float(text)`: blanks around, a sign, digits of any script with single underscores
/// between them, `nan`, `inf` and `infinity`; overflow is infinite.
fn python_float_text(text: &str) -> Option<f64> {
    let text = text.trim_matches(char::is_whitespace);
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut before = None;
    while let Some(character) = characters.next() {
        let digit = super::unicode::decimal_digit(character);
        if character == '_' {
            let after = characters.peek().and_then(|next| super::unicode::decimal_digit(*next));
            before.filter(|_| after.is_some())?;
        } else {
            plain.push(digit.map_or(character, |digit| char::from(b'0' + digit)));
        }
        before = digit;
    }
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain).to_ascii_lowercase();
    let is_word = matches!(unsigned.as_str(), "nan" | "inf" | "infinity");
    let is_decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    (is_word || is_decimal).then(|| plain.parse().ok()).flatten()
}

/// `bpm` (handlers-b 6): a number or numeric text other than zero; `None` when it is ignored.
///
/// # Errors
/// Skip for an integer beyond all floats, on which Python's `float` raises.
pub fn bpm(value: &Json) -> Result<Option<f64>, Refusal> {
    match (value, python_float(value)) {
        (Json::Big(_), None) => Err(Refusal::Skip("bpm_beyond_floats")),
        (_, number) => Ok(number.filter(|number| *number != 0.0)),
    }
}

/// The integer that a float equals, within 64 bits.
pub fn whole(value: f64) -> Option<i64> {
    /// 2^63, the first float past `i64`.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() != 0.0 || !(-LIMIT..LIMIT).contains(&value) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the range, so exact")]
    let whole = value as i64;
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    fn is_poison<T: std::fmt::Debug>(result: &Result<T, Refusal>) -> bool {
        matches!(result, Err(Refusal::Poison(_)))
    }

    #[test]
    fn integers_are_assigned_as_postgresql_does() {
        for (text, expected) in [
            ("5", 5),
            ("2.5", 3),
            ("-2.5", -3),
            ("1.4", 1),
            ("5.5", 6),
            ("2.6", 3),
            ("0.49999999999999994", 0),
            ("1e-07", 0),
            ("\"7\"", 7),
            ("\" 7 \"", 7),
            ("\"+7\"", 7),
            ("\"007\"", 7),
            ("\"7\\n\"", 7),
            ("2147483647.4", 2_147_483_647),
            ("-2147483648.4", -2_147_483_648),
        ] {
            assert_eq!(int4(&json(text)), Ok(Some(expected)), "{text}");
        }
        for text in [
            "true",
            "2147483648",
            "2147483647.5",
            "1e300",
            "NaN",
            "Infinity",
            "99999999999999999999",
            "\"7.0\"",
            "\"0x7\"",
            "\"1_0\"",
            "\"\"",
            "\"abc\"",
            "\"\\u00a07\"",
            "[]",
            "{}",
        ] {
            assert!(is_poison(&int4(&json(text))), "{text}");
        }
        assert_eq!(int4(&Json::Null), Ok(None));
        assert_eq!(int8(&json("2147483648")), Ok(Some(2_147_483_648)));
        assert_eq!(int8(&json("1.2345678901234568e+17")), Ok(Some(123_456_789_012_345_680)));
        assert!(is_poison(&int8(&json("1e19"))));
    }

    #[test]
    fn texts_take_scalars_and_lists() {
        for (text_in, expected) in [
            ("\"a\\u0000b\"", "ab"),
            ("\"\"", ""),
            ("5", "5"),
            ("true", "true"),
            ("5.5", "5.5"),
            ("1e16", "10000000000000000"),
            ("1.5e-07", "0.00000015"),
            ("[1,2]", "{1,2}"),
            ("[\"a\"]", "{a}"),
        ] {
            assert_eq!(text(&json(text_in)), Ok(Some(expected.to_owned())), "{text_in}");
        }
        assert_eq!(text(&Json::Null), Ok(None));
        assert!(is_poison(&text(&json("{}"))));
        assert!(is_poison(&text(&json("[{}]"))));
    }

    #[test]
    fn booleans_take_zero_and_one() {
        for (text, expected) in [("true", true), ("0", false), ("1", true), ("1.0", true)] {
            assert_eq!(boolean(&json(text)), Ok(Some(expected)), "{text}");
        }
        assert_eq!(boolean(&Json::Null), Ok(None));
        for text in ["2", "\"true\"", "\"x\"", "[]", "{}", "0.5", "NaN"] {
            assert!(is_poison(&boolean(&json(text))), "{text}");
        }
    }

    #[test]
    fn floats_take_numeric_text() {
        for (text, expected) in [
            ("1", 1.0),
            ("1.5", 1.5),
            ("\" 1.5 \"", 1.5),
            ("\"1.\"", 1.0),
            ("\".5\"", 0.5),
            ("\"-INF\"", f64::NEG_INFINITY),
            ("\"+infinity\"", f64::INFINITY),
            ("\"1e5\"", 1e5),
            ("\"4e-324\"", 5e-324),
            ("\"0e-999\"", 0.0),
            ("100000000000000000000", 1e20),
        ] {
            assert_eq!(float8(&json(text)), Ok(Some(expected)), "{text}");
        }
        assert!(float8(&json("NaN")).unwrap().unwrap().is_nan());
        assert!(float8(&json("\"nan\"")).unwrap().unwrap().is_nan());
        let long = "9".repeat(400);
        for text in [
            "true",
            "\"abc\"",
            "\"\"",
            "\".\"",
            "\"1e400\"",
            "\"1e-400\"",
            "\"2e-324\"",
            "\"1_0\"",
            "\"1,5\"",
            "\"1d5\"",
            "\"infin\"",
            "\"e5\"",
            "\"--1\"",
            "[]",
            &long,
        ] {
            assert!(is_poison(&float8(&json(text))), "{text}");
        }
    }

    #[test]
    fn arrays_follow_the_driver() {
        assert_eq!(int4_array(&json("[1,2.5,-2.5]")), Ok(Some(vec![1, 3, -3])));
        assert_eq!(int4_array(&json("[1,\"2\"]")), Ok(Some(vec![1, 2])));
        assert_eq!(int4_array(&json("[null,5]")), Ok(Some(vec![NULL_ELEMENT, 5])));
        assert_eq!(int4_array(&json("[null]")), Ok(Some(vec![NULL_ELEMENT])));
        for empty in ["[]", "\"\"", "{}"] {
            assert_eq!(int4_array(&json(empty)), Ok(Some(vec![])), "{empty}");
        }
        for text in ["[\"1\",\"2\"]", "\"abc\"", "[true]", "5", "[9999999999]", "[[1]]"] {
            assert!(is_poison(&int4_array(&json(text))), "{text}");
        }
        let texts =
            |items: &[&str]| Ok(Some(items.iter().map(|item| (*item).to_owned()).collect()));
        assert_eq!(text_array(&json("[\"US\",\"DE\"]")), texts(&["US", "DE"]));
        assert_eq!(text_array(&json("[1,2.5]")), texts(&["1", "2.5"]));
        assert_eq!(text_array(&json("[true]")), texts(&["true"]));
        assert_eq!(text_array(&json("\"ab\"")), texts(&["a", "b"]));
        assert_eq!(text_array(&json("[]")), texts(&[]));
        for text in ["5", "true", "[null]", "[1,\"a\"]", "[\"a\\u0000\"]", "[[\"a\"]]"] {
            assert!(is_poison(&text_array(&json(text))), "{text}");
        }
        assert_eq!(text_array(&Json::Null), Ok(None));
    }

    #[test]
    fn labels_json_and_timestamps() {
        assert_eq!(label(&json("\"label\""), &["label"]), Ok(Some("label")));
        assert_eq!(label(&Json::Null, &["label"]), Ok(None));
        assert!(is_poison(&label(&json("\"\""), &["label"])));
        assert!(is_poison(&label(&json("1"), &["label"])));
        assert!(is_poison(&jsonb(&json("[NaN]"))));
        assert!(is_poison(&jsonb(&json("{\"a\\u0000\":1}"))));
        assert_eq!(jsonb(&Json::Null), Ok(Json::Null));
        let at = Timestamp::from_seconds(1_706_263_200);
        assert_eq!(timestamp(&json("\"2024-01-26T10:00:00+02:00\"")), Ok(Some(at)));
        assert!(is_poison(&timestamp(&json("1706263200"))));
        assert!(is_poison(&timestamp(&json("\"2024-01-26T25:00\""))));
        assert!(is_poison(&timestamp(&json("\"2024-01-26T10:60\""))));
    }

    #[test]
    fn bpm_takes_numbers_and_numeric_text_but_not_zero() {
        for (text, expected) in [
            ("120", 120.0),
            ("-1.5", -1.5),
            ("true", 1.0),
            ("\"120.5\"", 120.5),
            ("\" 1_2_0 \"", 120.0),
            ("\"١٢٠\"", 120.0),
            ("\"1e400\"", f64::INFINITY),
            ("\"-inf\"", f64::NEG_INFINITY),
            ("Infinity", f64::INFINITY),
        ] {
            assert_eq!(bpm(&json(text)), Ok(Some(expected)), "{text}");
        }
        assert!(bpm(&json("NaN")).unwrap().unwrap().is_nan());
        assert!(bpm(&json("\"NaN\"")).unwrap().unwrap().is_nan());
        for text in [
            "0", "0.0", "false", "null", "\"\"", "\"abc\"", "\"1__0\"", "\"_1\"", "\"1_\"",
            "\"1 0\"", "\"0x10\"", "\"1e\"", "[]", "{}",
        ] {
            assert_eq!(bpm(&json(text)), Ok(None), "{text}");
        }
        let beyond = Json::parse(&format!("1{}", "0".repeat(400))).unwrap();
        assert_eq!(bpm(&beyond), Err(Refusal::Skip("bpm_beyond_floats")));
    }
}
