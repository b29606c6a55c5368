//! JSON values as parameters of the reference's queries: what PostgreSQL makes of them where a
//! column is compared with whatever the metadata held (handlers-a 0.7, corrections 5 and 6).

use super::{HandlerError, poison, skip};
use crate::{
    model::{Json, json::Object},
    rules::columns::whole,
};

/// The integer that an integer column must hold to equal `value`; `None` when no integer does.
///
/// # Errors
/// Poison where the comparison is an error and so ends the reference's transaction: booleans,
/// arrays and text that is no integer. An object, also inside an array, never reaches the database
/// and is a skip.
pub fn integer(value: &Json) -> Result<Option<i64>, HandlerError> {
    match value {
        Json::Null | Json::Big(_) => Ok(None),
        Json::Int(value) => Ok(Some(*value)),
        Json::Float(value) => Ok(whole(*value)),
        Json::Str(text) => match text.trim_matches(is_pg_space).parse::<i32>() {
            Ok(value) => Ok(Some(value.into())),
            Err(_) => Err(poison("query_text_for_integer")),
        },
        Json::Bool(_) => Err(poison("query_boolean_for_integer")),
        value if holds_object(value) => Err(skip("query_object_for_integer")),
        _ => Err(poison("query_array_for_integer")),
    }
}

/// Whether the value is an object or a list with one inside: the reference's driver raises on those
/// before the database sees anything.
pub fn holds_object(value: &Json) -> bool {
    match value {
        Json::Object(_) => true,
        Json::List(items) => items.iter().any(holds_object),
        _ => false,
    }
}

/// The integer key of a Python dict that `value` finds: integers, floats and booleans that equal it.
pub fn dict_key(value: &Json) -> Option<i64> {
    match value {
        Json::Int(value) => Some(*value),
        Json::Float(value) => whole(*value),
        Json::Bool(value) => Some((*value).into()),
        Json::Null | Json::Big(_) | Json::Str(_) | Json::List(_) | Json::Object(_) => None,
    }
}

/// Python's `value[key]` for a key whose absence is an exception there.
///
/// # Errors
/// A skip when the key is absent.
pub fn item<'a>(
    object: &'a Object,
    key: &str,
    code: &'static str,
) -> Result<&'a Json, HandlerError> {
    object.get(key).ok_or_else(|| skip(code))
}

/// What PostgreSQL's integer input passes over at both ends.
fn is_pg_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_column_compares_as_postgresql_would() {
        let of = |text: &str| integer(&Json::parse(text).unwrap());
        assert_eq!(of("5"), Ok(Some(5)));
        assert_eq!(of("\" 5 \""), Ok(Some(5)));
        assert_eq!(of("5.0"), Ok(Some(5)));
        for never in ["null", "5.5", "1e300", "99999999999999999999"] {
            assert_eq!(of(never), Ok(None), "{never}");
        }
        for fatal in ["true", "\"abc\"", "\"\"", "\"99999999999\"", "[1]"] {
            assert!(matches!(of(fatal), Err(HandlerError::Poison(_))), "{fatal}");
        }
        assert!(matches!(of("{}"), Err(HandlerError::Skip(_))));
    }
}
