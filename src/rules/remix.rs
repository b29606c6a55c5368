//! The first parent of a remix, as production's triggers read it.

use super::columns::pg_integer;
use crate::model::{Json, tables::first_parent_value};

/// A first parent that PostgreSQL's cast to `integer` refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncastable;

/// `(remix_of -> 'tracks' -> 0 ->> 'parent_track_id')::int`.
///
/// # Errors
/// Where the cast fails, and with it the statement.
pub fn cast_parent(remix_of: &Json) -> Result<Option<i64>, Uncastable> {
    let number = match first_parent_value(remix_of) {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Int(id)) => Some(*id),
        Some(Json::Str(text)) => pg_integer(text),
        Some(_) => None,
    };
    number.filter(|id| i32::try_from(*id).is_ok()).map(Some).ok_or(Uncastable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_of_numbers_are_cast_and_all_else_fails() {
        let cast = |parent: &str| {
            let text = format!(r#"{{"tracks":[{{"parent_track_id":{parent}}}]}}"#);
            cast_parent(&Json::parse(&text).unwrap())
        };
        for (parent, id) in
            [("7", Some(7)), ("\" +7 \"", Some(7)), ("-1", Some(-1)), ("null", None)]
        {
            assert_eq!(cast(parent), Ok(id), "{parent}");
        }
        for parent in ["12.5", "5.0", "3000000000", "true", "\"\"", "\"5.0\"", "[1]"] {
            assert_eq!(cast(parent), Err(Uncastable), "{parent}");
        }
        for other in ["\"x\"", "[]", r#"{"tracks":[]}"#, r#"{"tracks":[1]}"#] {
            assert_eq!(cast_parent(&Json::parse(other).unwrap()), Ok(None), "{other}");
        }
    }
}
