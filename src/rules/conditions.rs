//! Access conditions, purchase splits, remix parents and prices in metadata (handlers-b 2 and 10).
//!
//! The reference works on whatever JSON came; `in`, `len` and indexing on the wrong type raise,
//! which is a skip.

use super::Refusal;
use crate::model::Json;
use crate::model::json::Object;

/// The condition that sells an entity.
const PURCHASE: &str = "usdc_purchase";

const WRONG_TYPE: Refusal = Refusal::Skip("conditions_wrong_type");

/// Track access conditions on the metadata as sent (handlers-b 2.1).
///
/// # Errors
/// Rejects as the section lists them; a skip where a key that must be there is absent or a value
/// has a type that Python's operations refuse.
pub fn check_track_access(data: &Object) -> Result<(), Refusal> {
    let stream_gated = is_truthy(data, "is_stream_gated");
    let download_gated = is_truthy(data, "is_download_gated");
    if !stream_gated && !download_gated {
        return Ok(());
    }
    if is_truthy(data, "stem_of") {
        return Err(Refusal::Reject("stem_gated"));
    }
    let key = if stream_gated { "stream_conditions" } else { "download_conditions" };
    check_has_splits(data.get(key).ok_or(Refusal::Skip("conditions_missing"))?)?;
    let stream = data.get_or_null("stream_conditions");
    let download = data.get_or_null("download_conditions");
    if !stream_gated {
        return check_one_condition(download);
    }
    check_one_condition(stream)?;
    if !download_gated {
        return Err(Refusal::Reject("stream_gated_without_download_gate"));
    }
    if !stream.python_eq(download) {
        return Err(Refusal::Reject("stream_and_download_conditions_differ"));
    }
    Ok(())
}

/// Playlist access conditions on the metadata as sent (handlers-b 2.2).
///
/// # Errors
/// Rejects a stream gate without exactly one condition.
pub fn check_playlist_access(data: &Object) -> Result<(), Refusal> {
    if !is_truthy(data, "is_stream_gated") {
        return Ok(());
    }
    check_one_condition(data.get_or_null("stream_conditions"))
}

/// Conditions in the form they are stored in (handlers-b 2.3): legacy purchase splits, an object,
/// become a list that gives everything to `owner`.
///
/// # Errors
/// A skip where the purchase condition has no `splits`, or is of a wrong type.
pub fn with_list_splits(conditions: &Json, owner: &Json) -> Result<Json, Refusal> {
    if !conditions.truthy() || !contains(conditions, PURCHASE)? {
        return Ok(conditions.clone());
    }
    let purchase = conditions.get(PURCHASE).and_then(Json::as_object).ok_or(WRONG_TYPE)?;
    let splits = purchase.get("splits").ok_or(Refusal::Skip("splits_missing"))?;
    if splits.as_object().is_none() {
        return Ok(conditions.clone());
    }
    let whole = Json::object([("user_id", owner.clone()), ("percentage", Json::Float(100.0))]);
    let mut purchase = purchase.clone();
    purchase.insert("splits", Json::list([whole]));
    let mut converted = conditions.as_object().ok_or(WRONG_TYPE)?.clone();
    converted.insert(PURCHASE, Json::Object(purchase));
    Ok(Json::Object(converted))
}

/// The parents a `remix_of` names by an integer `parent_track_id`, as sent, repeats included
/// (handlers-b 2.5). Integers beyond 64 bits become the nearest one, which no track has.
///
/// # Errors
/// Poison for a boolean id: it passes the reference's type test and breaks its query.
pub fn remix_parents(remix_of: &Json) -> Result<Vec<i64>, Refusal> {
    let tracks = remix_of.get("tracks").and_then(Json::as_list).unwrap_or_default();
    let parents = tracks.iter().filter_map(|track| parent_track_id(track).transpose());
    parents.collect()
}

/// The integer `parent_track_id` of a `stem_of` or of one element of `remix_of.tracks`.
///
/// # Errors
/// See [`remix_parents`].
pub fn parent_track_id(link: &Json) -> Result<Option<i64>, Refusal> {
    match link.get("parent_track_id") {
        Some(Json::Int(parent)) => Ok(Some(*parent)),
        Some(Json::Big(digits)) if digits.starts_with('-') => Ok(Some(i64::MIN)),
        Some(Json::Big(_)) => Ok(Some(i64::MAX)),
        Some(Json::Bool(_)) => Err(Refusal::Poison("parent_track_id_boolean")),
        _ => Ok(None),
    }
}

/// What a price gives access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Listening, and with it downloading.
    Stream,
    /// Downloading only.
    Download,
}

impl Access {
    /// The label of the `usdc_purchase_access_type` enum.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Download => "download",
        }
    }
}

/// A price that metadata sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// What is sold.
    pub access: Access,
    /// Cents, possibly zero or negative.
    pub total_price_cents: i64,
    /// Who gets which percentage: a JSON list as sent.
    pub splits: Json,
}

/// The price in a track's metadata (handlers-b 10); `None` when nothing is sold.
///
/// # Errors
/// Rejects a price that is no integer and splits that are no list; poison for a boolean price.
pub fn track_price(data: &Object, owner: &Json) -> Result<Option<Price>, Refusal> {
    if let Some(conditions) = gate(data, "is_stream_gated", "stream_conditions") {
        return price(conditions, owner, Access::Stream);
    }
    match gate(data, "is_download_gated", "download_conditions") {
        Some(conditions) => price(conditions, owner, Access::Download),
        None => Ok(None),
    }
}

/// The price in a playlist's metadata (handlers-b 10); see [`track_price`].
///
/// # Errors
/// See [`track_price`].
pub fn album_price(data: &Object, owner: &Json) -> Result<Option<Price>, Refusal> {
    match gate(data, "is_stream_gated", "stream_conditions") {
        Some(conditions) => price(conditions, owner, Access::Stream),
        None => Ok(None),
    }
}

/// The non-empty conditions behind a gate that is on.
fn gate<'a>(data: &'a Object, flag: &str, conditions: &str) -> Option<&'a Json> {
    data.get(conditions).filter(|conditions| is_truthy(data, flag) && conditions.truthy())
}

fn price(conditions: &Json, owner: &Json, access: Access) -> Result<Option<Price>, Refusal> {
    let conditions = with_list_splits(conditions, owner)?;
    let Some(purchase) = conditions.get(PURCHASE) else { return Ok(None) };
    let cents = match purchase.get("price") {
        Some(Json::Int(cents)) => Ok(*cents),
        // Integers to Python's type test, but the statement refuses them.
        Some(Json::Big(_)) => Err(Refusal::Poison("price_out_of_range")),
        Some(Json::Bool(_)) => Err(Refusal::Poison("price_boolean")),
        _ => return Err(Refusal::Reject("price_not_integer")),
    };
    match purchase.get("splits") {
        Some(splits @ Json::List(_)) => {
            Ok(Some(Price { access, total_price_cents: cents?, splits: splits.clone() }))
        }
        _ => Err(Refusal::Reject("splits_not_list")),
    }
}

fn is_truthy(data: &Object, key: &str) -> bool {
    data.get(key).is_some_and(Json::truthy)
}

/// Python's `key in value`.
fn contains(value: &Json, key: &str) -> Result<bool, Refusal> {
    match value {
        Json::Object(object) => Ok(object.contains_key(key)),
        Json::Str(text) => Ok(text.contains(key)),
        Json::List(items) => Ok(items.iter().any(|item| item.as_str() == Some(key))),
        _ => Err(WRONG_TYPE),
    }
}

/// Rule 2 of handlers-b 2.1: a purchase condition needs splits.
fn check_has_splits(conditions: &Json) -> Result<(), Refusal> {
    if !conditions.truthy() || !contains(conditions, PURCHASE)? {
        return Ok(());
    }
    let purchase = conditions.get(PURCHASE).and_then(Json::as_object).ok_or(WRONG_TYPE)?;
    if is_truthy(purchase, "splits") { Ok(()) } else { Err(Refusal::Reject("splits_missing")) }
}

/// A gate needs exactly one condition.
fn check_one_condition(conditions: &Json) -> Result<(), Refusal> {
    if !conditions.truthy() {
        return Err(Refusal::Reject("gated_without_conditions"));
    }
    let count = match conditions {
        Json::Object(object) => object.len(),
        Json::List(items) => items.len(),
        Json::Str(text) => text.chars().count(),
        _ => return Err(WRONG_TYPE),
    };
    if count == 1 { Ok(()) } else { Err(Refusal::Reject("more_than_one_condition")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object {
        Json::parse(text).unwrap().into_object().unwrap()
    }

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    /// The letter of the outcome and its code.
    fn verdict<T>(result: &Result<T, Refusal>) -> (char, &'static str) {
        match result {
            Ok(_) => ('-', ""),
            Err(refusal @ Refusal::Reject(_)) => ('V', refusal.code()),
            Err(refusal @ Refusal::Skip(_)) => ('X', refusal.code()),
            Err(refusal @ Refusal::Poison(_)) => ('F', refusal.code()),
        }
    }

    #[test]
    fn track_gates_need_matching_conditions() {
        for (text, expected) in [
            (r#"{}"#, '-'),
            (r#"{"is_stream_gated":false,"stream_conditions":{"a":1,"b":2}}"#, '-'),
            (r#"{"stem_of":{"a":1},"is_stream_gated":true}"#, 'V'),
            (r#"{"stem_of":1,"is_download_gated":1}"#, 'V'),
            (r#"{"stem_of":{},"is_download_gated":true}"#, 'X'),
            (r#"{"is_stream_gated":true}"#, 'X'),
            (r#"{"is_stream_gated":true,"stream_conditions":null}"#, 'V'),
            (r#"{"is_stream_gated":true,"stream_conditions":{}}"#, 'V'),
            (r#"{"is_stream_gated":true,"stream_conditions":{"a":1,"b":2}}"#, 'V'),
            (r#"{"is_stream_gated":true,"stream_conditions":{"a":1}}"#, 'V'),
            (
                r#"{"is_stream_gated":true,"stream_conditions":{"a":1},"is_download_gated":true}"#,
                'V',
            ),
            (
                r#"{"is_stream_gated":1,"stream_conditions":{"a":{"x":1,"y":true}},
                    "is_download_gated":"yes","download_conditions":{"a":{"y":1,"x":1.0}}}"#,
                '-',
            ),
            (r#"{"is_download_gated":true,"download_conditions":{"token_gate":{}}}"#, '-'),
            (r#"{"is_download_gated":true,"download_conditions":{}}"#, 'V'),
            (r#"{"is_download_gated":true,"download_conditions":{"a":1,"b":1}}"#, 'V'),
            (r#"{"is_download_gated":true,"download_conditions":5}"#, 'X'),
            (r#"{"is_download_gated":true,"download_conditions":"a"}"#, '-'),
            (r#"{"is_download_gated":true,"download_conditions":"a usdc_purchase"}"#, 'X'),
            (r#"{"is_download_gated":true,"download_conditions":["usdc_purchase"]}"#, 'X'),
            (r#"{"is_download_gated":true,"download_conditions":{"usdc_purchase":{}}}"#, 'V'),
            (r#"{"is_download_gated":true,"download_conditions":{"usdc_purchase":[]}}"#, 'X'),
            (
                r#"{"is_download_gated":true,"download_conditions":{"usdc_purchase":{"splits":[]}}}"#,
                'V',
            ),
            (
                r#"{"is_download_gated":true,"download_conditions":{"usdc_purchase":{"splits":[1]}}}"#,
                '-',
            ),
        ] {
            assert_eq!(verdict(&check_track_access(&object(text))).0, expected, "{text}");
        }
    }

    #[test]
    fn playlist_gates_need_one_condition() {
        for (text, expected) in [
            (r#"{}"#, '-'),
            (r#"{"is_stream_gated":true}"#, 'V'),
            (r#"{"is_stream_gated":"x","stream_conditions":{}}"#, 'V'),
            (r#"{"is_stream_gated":true,"stream_conditions":{"a":1,"b":1}}"#, 'V'),
            (r#"{"is_stream_gated":true,"stream_conditions":{"usdc_purchase":{}}}"#, '-'),
            (r#"{"is_stream_gated":true,"stream_conditions":5}"#, 'X'),
            (r#"{"is_stream_gated":false,"stream_conditions":5}"#, '-'),
        ] {
            assert_eq!(verdict(&check_playlist_access(&object(text))).0, expected, "{text}");
        }
    }

    #[test]
    fn legacy_splits_become_a_list_for_the_owner() {
        let convert = |text: &str| with_list_splits(&json(text), &Json::Int(7));
        let legacy = r#"{"usdc_purchase":{"price":100,"splits":{"wallet":1}}}"#;
        let expected =
            r#"{"usdc_purchase":{"price":100,"splits":[{"user_id":7,"percentage":100.0}]}}"#;
        assert_eq!(convert(legacy).unwrap().to_json_text(), expected);
        for unchanged in [
            "null",
            "{}",
            r#"{"follow_user_id":1}"#,
            r#"{"usdc_purchase":{"splits":[{"user_id":1}]}}"#,
            r#"{"usdc_purchase":{"splits":"x"}}"#,
            r#""text""#,
            "[1]",
        ] {
            assert_eq!(convert(unchanged).unwrap().to_json_text(), unchanged);
        }
        for text in [
            r#"{"usdc_purchase":{"price":1}}"#,
            r#"{"usdc_purchase":5}"#,
            r#"{"usdc_purchase":null}"#,
            r#""usdc_purchase""#,
            r#"["usdc_purchase"]"#,
            "5",
            "true",
        ] {
            assert_eq!(verdict(&convert(text)).0, 'X', "{text}");
        }
    }

    #[test]
    fn remix_parents_are_integers() {
        for (text, expected) in [
            (
                r#"{"tracks":[{"parent_track_id":1},{"parent_track_id":2.0},{"parent_track_id":"3"},
                    5,{},{"parent_track_id":4,"x":1},{"parent_track_id":1}]}"#,
                vec![1, 4, 1],
            ),
            (r#"{"tracks":[{"parent_track_id":99999999999999999999}]}"#, vec![i64::MAX]),
            (r#"{"tracks":{"parent_track_id":1}}"#, vec![]),
            (r#"{"tracks":[]}"#, vec![]),
            ("{}", vec![]),
            ("null", vec![]),
            ("[]", vec![]),
        ] {
            assert_eq!(remix_parents(&json(text)), Ok(expected), "{text}");
        }
        let boolean = json(r#"{"tracks":[{"parent_track_id":true}]}"#);
        assert_eq!(verdict(&remix_parents(&boolean)).0, 'F');
        assert_eq!(parent_track_id(&json(r#"{"parent_track_id":5}"#)), Ok(Some(5)));
        assert_eq!(parent_track_id(&json(r#"{"parent_track_id":5.0}"#)), Ok(None));
    }

    #[test]
    fn prices_come_from_the_gate_that_is_on() {
        let owner = Json::Int(7);
        let purchase = |rest: &str| format!(r#"{{"usdc_purchase":{{{rest}}}}}"#);
        let sold = purchase(r#""price":-5,"splits":[{"user_id":1,"percentage":100}]"#);
        let stream = object(&format!(r#"{{"is_stream_gated":1,"stream_conditions":{sold}}}"#));
        let price = track_price(&stream, &owner).unwrap().unwrap();
        assert_eq!((price.access, price.total_price_cents), (Access::Stream, -5));
        assert_eq!(price.splits.to_json_text(), r#"[{"user_id":1,"percentage":100}]"#);
        assert_eq!(album_price(&stream, &owner).unwrap(), Some(price));

        let legacy = purchase(r#""price":1,"splits":{}"#);
        let download =
            object(&format!(r#"{{"is_download_gated":true,"download_conditions":{legacy}}}"#));
        let price = track_price(&download, &owner).unwrap().unwrap();
        assert_eq!(price.access.label(), "download");
        assert_eq!(price.splits.to_json_text(), r#"[{"user_id":7,"percentage":100.0}]"#);
        assert_eq!(album_price(&download, &owner), Ok(None));

        for (rest, expected) in [
            (r#""splits":[]"#, 'V'),
            (r#""price":100.0,"splits":[]"#, 'V'),
            (r#""price":"1","splits":[]"#, 'V'),
            (r#""price":1,"splits":"x""#, 'V'),
            (r#""price":true,"splits":[]"#, 'F'),
            (r#""price":true,"splits":5"#, 'V'),
            (r#""price":99999999999999999999,"splits":[]"#, 'F'),
            (r#""price":1"#, 'X'),
        ] {
            let conditions = purchase(rest);
            let data =
                object(&format!(r#"{{"is_stream_gated":true,"stream_conditions":{conditions}}}"#));
            assert_eq!(verdict(&track_price(&data, &owner)).0, expected, "{rest}");
        }
        for nothing in [
            "{}",
            r#"{"is_stream_gated":true,"stream_conditions":{}}"#,
            r#"{"stream_conditions":{"usdc_purchase":{"price":1,"splits":[]}}}"#,
            r#"{"is_stream_gated":true,"stream_conditions":{"follow_user_id":1}}"#,
        ] {
            assert_eq!(track_price(&object(nothing), &owner), Ok(None), "{nothing}");
        }
    }
}
