//! JSON-schema checks of single metadata fields (handlers-a 0.5 rule 2, handlers-b 6 column "S"),
//! with draft-7 semantics: `5.0` is an integer, booleans are neither integers nor numbers.

use super::Refusal;
use super::columns::without_nul;
use crate::model::Json;

/// Keys of `field_visibility`, all true by default.
pub const VISIBILITY_KEYS: [&str; 6] = ["mood", "tags", "genre", "share", "play_count", "remixes"];

/// Schema type `integer`.
pub fn is_integer(value: &Json) -> bool {
    match value {
        Json::Int(_) | Json::Big(_) => true,
        Json::Float(number) => number.is_finite() && number.fract() == 0.0,
        _ => false,
    }
}

/// Schema type `number`.
pub const fn is_number(value: &Json) -> bool {
    matches!(value, Json::Int(_) | Json::Big(_) | Json::Float(_))
}

/// A schema-checked text column: a string or null; a falsy value of another type becomes null.
///
/// # Errors
/// See [`cleaned`].
pub fn checked_text(value: &Json) -> Result<Option<String>, Refusal> {
    Ok(cleaned(value)?.as_str().map(without_nul))
}

/// The value, unless the ORM's text clean-up raises on it. It passes over what is falsy.
///
/// # Errors
/// Skip for a truthy value that is no text.
pub fn cleaned(value: &Json) -> Result<&Json, Refusal> {
    let is_text = value.as_str().is_some() || !value.truthy();
    if is_text { Ok(value) } else { Err(Refusal::Skip("text_not_string")) }
}

/// A schema-checked boolean column with default false: everything but a boolean becomes false.
pub fn checked_bool(value: &Json) -> bool {
    value.as_bool().unwrap_or(false)
}

/// `users.artist_pick_track_id`: an integer or null; anything else becomes null.
///
/// # Errors
/// Poison for an integer that does not fit the column.
pub fn checked_artist_pick(value: &Json) -> Result<Option<i64>, Refusal> {
    if is_integer(value) { super::columns::int4(value) } else { Ok(None) }
}

/// The default of `field_visibility`.
pub fn default_field_visibility() -> Json {
    Json::object(VISIBILITY_KEYS.map(|key| (key, Json::Bool(true))))
}

/// `field_visibility`: an object of booleans with only the six known keys.
pub fn valid_field_visibility(value: &Json) -> bool {
    value.as_object().is_some_and(|object| {
        object.iter().all(|(key, flag)| VISIBILITY_KEYS.contains(&key) && flag.as_bool().is_some())
    })
}

/// `track_segments`: a list of objects of exactly a numeric `duration` and a `multihash`.
pub fn valid_track_segments(value: &Json) -> bool {
    value.as_list().is_some_and(|segments| segments.iter().all(valid_segment))
}

fn valid_segment(segment: &Json) -> bool {
    let Some(object) = segment.as_object() else { return false };
    object.len() == 2
        && object.get("duration").is_some_and(is_number)
        && object.get("multihash").is_some_and(valid_multihash)
}

/// Null, or `Qm` and 44 letters or digits.
fn valid_multihash(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Str(text) => {
            text.len() == 46
                && text.starts_with("Qm")
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        _ => false,
    }
}

/// `stem_of`: exactly a text `category` and an integer `parent_track_id`.
pub fn valid_stem_of(value: &Json) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == 2
            && object.get("category").is_some_and(|category| category.as_str().is_some())
            && object.get("parent_track_id").is_some_and(is_integer)
    })
}

/// `remix_of`: exactly `tracks`, a list of at least one object of exactly an integer
/// `parent_track_id`.
pub fn valid_remix_of(value: &Json) -> bool {
    let Some(object) = value.as_object() else { return false };
    let Some(tracks) = object.get("tracks").and_then(Json::as_list) else { return false };
    object.len() == 1
        && !tracks.is_empty()
        && tracks.iter().all(|track| {
            track.as_object().is_some_and(|track| {
                track.len() == 1 && track.get("parent_track_id").is_some_and(is_integer)
            })
        })
}

/// A DDEX object column (`rights_controller` and the like): stored only when a non-empty object.
pub fn is_filled_object(value: &Json) -> bool {
    value.as_object().is_some_and(|object| !object.is_empty())
}

/// A DDEX list column (`artists` and the like): stored only when a non-empty list of objects.
pub fn is_filled_object_list(value: &Json) -> bool {
    value.as_list().is_some_and(|items| {
        !items.is_empty() && items.iter().all(|item| item.as_object().is_some())
    })
}

/// `duration`: an integer above zero; a boolean passes as one and then fails in the statement.
///
/// # Errors
/// Poison for `true` and for integers that do not fit the column.
pub fn checked_duration(value: &Json) -> Result<Option<i64>, Refusal> {
    match value {
        Json::Int(seconds) if *seconds > 0 => super::columns::int4(value),
        Json::Big(digits) if !digits.starts_with('-') => super::columns::int4(value),
        Json::Bool(true) => Err(Refusal::Poison("duration_boolean")),
        _ => Ok(None),
    }
}

/// A CID column: a text of the right shape, else ignored.
///
/// # Errors
/// Skip for a value that is neither text nor null.
pub fn checked_cid(value: &Json) -> Result<Option<String>, Refusal> {
    match value {
        Json::Null => Ok(None),
        Json::Str(text) if super::genre::is_cid(text) => Ok(Some(text.clone())),
        Json::Str(_) => Ok(None),
        _ => Err(Refusal::Skip("cid_not_text")),
    }
}

/// The genre rule (handlers-b 5.1): null or one of the list.
///
/// # Errors
/// Reject for other scalars, the empty text included; skip for lists and objects.
pub fn check_genre(value: &Json) -> Result<(), Refusal> {
    match value {
        Json::Null => Ok(()),
        Json::Str(text) if super::genre::is_genre(text) => Ok(()),
        Json::List(_) | Json::Object(_) => Err(Refusal::Skip("genre_not_text")),
        _ => Err(Refusal::Reject("genre_unknown")),
    }
}

/// The check of a genre where the list is open (handlers-b 5.1, "Go differs").
///
/// # Errors
/// Reject for text over 100 code points. Other types count as absent.
pub fn check_open_genre(value: &Json) -> Result<(), Refusal> {
    match value.as_str() {
        Some(text) if text.chars().count() > 100 => Err(Refusal::Reject("genre_too_long")),
        _ => Ok(()),
    }
}

/// A length limit in code points on a description, bio or the like: absent and null pass; lists and
/// objects are measured by Python too.
///
/// # Errors
/// Reject when longer than `limit`; skip for a value without a length (corrections 11).
pub fn check_length(value: &Json, limit: usize, code: &'static str) -> Result<(), Refusal> {
    let length = match value {
        Json::Null => return Ok(()),
        Json::Str(text) => text.chars().count(),
        Json::List(items) => items.len(),
        Json::Object(object) => object.len(),
        _ => return Err(Refusal::Skip("value_without_length")),
    };
    if length > limit { Err(Refusal::Reject(code)) } else { Ok(()) }
}

/// `allowed_api_keys`: null, or a list (or the characters of a text) lower-cased.
///
/// # Errors
/// Skip for elements that are no text and for values that cannot be iterated.
pub fn checked_api_keys(value: &Json) -> Result<Option<Vec<String>>, Refusal> {
    const REFUSAL: Refusal = Refusal::Skip("allowed_api_keys");
    let lower = super::unicode::lower;
    match value {
        Json::Null => Ok(None),
        Json::List(items) => {
            let keys = items.iter().map(|item| item.as_str().map(lower).ok_or(REFUSAL));
            keys.collect::<Result<_, _>>().map(Some)
        }
        Json::Str(text) => {
            Ok(Some(text.chars().map(|c| lower(c.encode_utf8(&mut [0; 4]))).collect()))
        }
        Json::Object(object) => Ok(Some(object.keys().map(lower).collect())),
        _ => Err(REFUSAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    fn check(test: fn(&Json) -> bool, valid: &[&str], invalid: &[&str]) {
        for text in valid {
            assert!(test(&json(text)), "{text}");
        }
        for text in invalid {
            assert!(!test(&json(text)), "{text}");
        }
    }

    #[test]
    fn integers_and_numbers_have_draft_7_types() {
        check(
            is_integer,
            &["5", "5.0", "-0.0", "99999999999999999999", "1e300"],
            &["5.5", "true", "\"5\"", "null", "NaN", "Infinity"],
        );
        check(is_number, &["5", "5.5", "NaN", "99999999999999999999"], &["true", "\"5\"", "null"]);
    }

    #[test]
    fn stems_name_a_category_and_a_parent() {
        check(
            valid_stem_of,
            &[
                r#"{"category":"BASS","parent_track_id":5}"#,
                r#"{"parent_track_id":5.0,"category":""}"#,
            ],
            &[
                r#"{"parent_track_id":5}"#,
                r#"{"category":"BASS"}"#,
                r#"{"category":"BASS","parent_track_id":5,"extra":1}"#,
                r#"{"category":null,"parent_track_id":5}"#,
                r#"{"category":"BASS","parent_track_id":true}"#,
                r#"{"category":"BASS","parent_track_id":"5"}"#,
                r#"{"category":"BASS","parent_track_id":5.5}"#,
                "[]",
                "null",
            ],
        );
    }

    #[test]
    fn remixes_name_their_parents() {
        check(
            valid_remix_of,
            &[
                r#"{"tracks":[{"parent_track_id":5}]}"#,
                r#"{"tracks":[{"parent_track_id":5.0},{"parent_track_id":6}]}"#,
            ],
            &[
                r#"{"tracks":[]}"#,
                r#"{"tracks":[{"parent_track_id":5,"extra":1}]}"#,
                r#"{"tracks":[{"parent_track_id":true}]}"#,
                r#"{"tracks":[{"parent_track_id":"5"}]}"#,
                r#"{"tracks":[5]}"#,
                r#"{"tracks":{"parent_track_id":5}}"#,
                r#"{"tracks":[{"parent_track_id":5}],"extra":1}"#,
                "{}",
                "[]",
            ],
        );
    }

    #[test]
    fn visibility_has_six_keys() {
        check(
            valid_field_visibility,
            &["{}", r#"{"mood":true,"remixes":false}"#, &default_field_visibility().to_json_text()],
            &[r#"{"mood":1}"#, r#"{"other":true}"#, r#"{"mood":null}"#, "5", "[]", "null"],
        );
    }

    #[test]
    fn segments_have_a_duration_and_a_multihash() {
        let hash = format!("Qm{}", "aB3x".repeat(11));
        let segment = |hash: &str| format!(r#"[{{"duration":1.5,"multihash":{hash}}}]"#);
        let long = format!("\"{hash}a\"");
        let newline = format!("\"{}\\n\"", &hash[..45]);
        check(
            valid_track_segments,
            &["[]", &segment(&format!("\"{hash}\"")), &segment("null")],
            &[
                "{}",
                "[[]]",
                &segment(&long),
                &segment(&newline),
                &segment("\"x\""),
                &segment("5"),
                r#"[{"duration":1}]"#,
                r#"[{"multihash":null}]"#,
                r#"[{"duration":"1","multihash":null}]"#,
                r#"[{"duration":true,"multihash":null}]"#,
                r#"[{"duration":1,"multihash":null,"extra":1}]"#,
            ],
        );
    }

    #[test]
    fn checked_columns_fall_back_to_their_default() {
        assert_eq!(checked_text(&json("\"a\\u0000\"")), Ok(Some("a".to_owned())));
        assert_eq!(checked_text(&json("\"\"")), Ok(Some(String::new())));
        for falsy in ["null", "0", "false", "[]", "{}", "0.0"] {
            assert_eq!(checked_text(&json(falsy)), Ok(None), "{falsy}");
        }
        for truthy in ["5", "true", "[1]", "{\"a\":1}", "NaN"] {
            assert!(matches!(checked_text(&json(truthy)), Err(Refusal::Skip(_))), "{truthy}");
        }
        assert!(checked_bool(&Json::Bool(true)));
        for other in ["1", "\"true\"", "null", "false", "{}"] {
            assert!(!checked_bool(&json(other)), "{other}");
        }
        assert_eq!(checked_artist_pick(&json("5.0")), Ok(Some(5)));
        assert_eq!(checked_artist_pick(&json("5")), Ok(Some(5)));
        assert!(checked_artist_pick(&json("5000000000")).is_err());
        for other in ["true", "\"5\"", "5.5", "[]"] {
            assert_eq!(checked_artist_pick(&json(other)), Ok(None), "{other}");
        }
        check(is_filled_object, &[r#"{"a":null}"#], &["{}", "[1]", "\"x\"", "null"]);
        check(is_filled_object_list, &["[{}]"], &["[]", "[{},1]", "{}", "\"x\"", "null"]);
    }

    #[test]
    fn durations_cids_and_api_keys() {
        assert_eq!(checked_duration(&json("5")), Ok(Some(5)));
        for ignored in ["0", "-5", "5.0", "\"5\"", "null", "false", "-99999999999999999999"] {
            assert_eq!(checked_duration(&json(ignored)), Ok(None), "{ignored}");
        }
        for fatal in ["true", "99999999999", "99999999999999999999"] {
            assert!(matches!(checked_duration(&json(fatal)), Err(Refusal::Poison(_))), "{fatal}");
        }
        assert_eq!(checked_cid(&json("\"some-track-cid\"")), Ok(None));
        assert_eq!(checked_cid(&Json::Null), Ok(None));
        assert!(matches!(checked_cid(&json("5")), Err(Refusal::Skip(_))));
        let cid = Json::Str("a1".repeat(31));
        assert_eq!(checked_cid(&cid), Ok(Some("a1".repeat(31))));

        let keys = |items: &[&str]| Ok(Some(items.iter().map(|item| (*item).to_owned()).collect()));
        assert_eq!(checked_api_keys(&json("[\"AB\",\"c\"]")), keys(&["ab", "c"]));
        assert_eq!(checked_api_keys(&json("\"Ab\"")), keys(&["a", "b"]));
        assert_eq!(checked_api_keys(&json("[]")), keys(&[]));
        for other in ["5", "true", "[5]", "[null]"] {
            assert!(matches!(checked_api_keys(&json(other)), Err(Refusal::Skip(_))), "{other}");
        }
    }

    #[test]
    fn genres_and_lengths_are_limited() {
        assert_eq!(check_genre(&json("\"Hip-Hop/Rap\"")), Ok(()));
        assert_eq!(check_genre(&Json::Null), Ok(()));
        for other in ["\"\"", "\"EDM\"", "5", "false"] {
            assert!(matches!(check_genre(&json(other)), Err(Refusal::Reject(_))), "{other}");
        }
        for other in ["[]", "{}"] {
            assert!(matches!(check_genre(&json(other)), Err(Refusal::Skip(_))), "{other}");
        }
        let limit = |value: &Json| check_length(value, 3, "too_long");
        assert_eq!(limit(&json("\"äöü\"")), Ok(()));
        assert_eq!(limit(&json("[1,2,3]")), Ok(()));
        assert_eq!(limit(&Json::Null), Ok(()));
        assert_eq!(limit(&json("\"abcd\"")), Err(Refusal::Reject("too_long")));
        for other in ["0", "false", "5"] {
            assert!(matches!(limit(&json(other)), Err(Refusal::Skip(_))), "{other}");
        }
    }
}
