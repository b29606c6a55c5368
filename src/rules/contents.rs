//! `playlist_contents`: the canonical form and its timestamps (handlers-b 8.2), and
//! `last_added_to` (handlers-b 8.3).

use super::{Refusal, dates};
use crate::model::{Json, Timestamp, json::Object};

/// Most entries a playlist may be sent with.
const MAX_ENTRIES: usize = 5000;

/// The entries of a `playlist_contents` value: `track_ids` of an object, or the list itself.
///
/// # Errors
/// Rejects contents that hold no list and more than 5000 entries; poison for entries that are no
/// objects, which the reference's pre-fetch cannot walk.
pub fn entries(contents: &Json) -> Result<Vec<&Object>, Refusal> {
    let list = match contents {
        Json::Object(object) => match object.get("track_ids") {
            None => return Err(Refusal::Reject("contents_not_list")),
            Some(Json::List(items)) => items,
            // Empty texts and objects can be walked, over nothing.
            Some(Json::Str(text)) if text.is_empty() => {
                return Err(Refusal::Reject("contents_not_list"));
            }
            Some(Json::Object(object)) if object.is_empty() => {
                return Err(Refusal::Reject("contents_not_list"));
            }
            Some(_) => return Err(Refusal::Poison("contents_not_walkable")),
        },
        Json::List(items) => items,
        _ => return Err(Refusal::Poison("contents_not_walkable")),
    };
    let objects = list.iter().map(|item| item.as_object());
    let entries: Option<Vec<_>> = objects.collect();
    let entries = entries.ok_or(Refusal::Poison("contents_entry_not_object"))?;
    if entries.len() > MAX_ENTRIES {
        return Err(Refusal::Reject("contents_too_long"));
    }
    Ok(entries)
}

/// The first of the keys that has a truthy value.
fn first_truthy<'a>(entry: &'a Object, keys: &[&str]) -> Option<&'a Json> {
    keys.iter().filter_map(|key| entry.get(key)).find(|value| value.truthy())
}

/// The track id of an entry as sent: `track`, else `track_id`; `None` when missing or zero.
pub fn track_of(entry: &Object) -> Option<&Json> {
    first_truthy(entry, &["track", "track_id"])
}

/// The number under which a view keyed by integers finds an id: integers, whole floats and
/// booleans; `None` for everything else, texts of digits included.
pub fn view_id(id: &Json) -> Option<i64> {
    match id {
        Json::Float(number) => crate::rules::columns::whole(*number),
        other => other.as_i64_or_bool(),
    }
}

fn canonical_entry(track: &Json, time: Json, metadata_time: Json) -> Json {
    Json::object([("track", track.clone()), ("time", time), ("metadata_time", metadata_time)])
}

/// The preliminary pass of Playlist Create: what the merge then sees as previous entries.
///
/// # Errors
/// Rejects an entry without a track id or without a `timestamp` or `time`.
pub fn preliminary(entries: &[&Object], block_seconds: i64) -> Result<Vec<Json>, Refusal> {
    let pass = entries.iter().map(|entry| {
        let track = track_of(entry).ok_or(Refusal::Reject("entry_without_track"))?;
        let time = first_truthy(entry, &["timestamp", "time"]);
        let time = time.ok_or(Refusal::Reject("entry_without_time"))?;
        Ok(canonical_entry(track, Json::Int(block_seconds), time.clone()))
    });
    pass.collect()
}

/// The merge pass of Playlist Create and Update: canonical entries, each with the block's time
/// unless a previous entry of the same track has the same client time.
///
/// `previous` is the `track_ids` stored before (on Create, what [`preliminary`] gave). `keep`
/// decides about each track; for albums it tells whether the playlist's owner owns it.
///
/// # Errors
/// Rejects an entry without a track id; skips when a previous entry lacks its `track`; passes on
/// the errors of `keep`.
pub fn merge<E: From<Refusal>>(
    entries: &[&Object],
    previous: &[Json],
    block_seconds: i64,
    mut keep: impl FnMut(&Json) -> Result<bool, E>,
) -> Result<Vec<Json>, E> {
    let mut merged = Vec::with_capacity(entries.len());
    let previous = PreviousTimes::new(previous);
    for entry in entries {
        let track = track_of(entry).ok_or(Refusal::Reject("entry_without_track"))?;
        // Parity: where none is truthy, it is the last one as sent.
        let sent = first_truthy(entry, &["metadata_timestamp", "timestamp"]);
        let sent = sent.or_else(|| entry.get("time"));
        let metadata_time = sent.cloned().unwrap_or_default();
        if !keep(track)? {
            continue;
        }
        let time = previous.matching(track, &metadata_time)?;
        let time = time.cloned().unwrap_or(Json::Int(block_seconds));
        merged.push(canonical_entry(track, time, metadata_time));
    }
    Ok(merged)
}

/// The previous entries, found by track without walking all of them for each new entry.
struct PreviousTimes<'a> {
    entries: &'a [Json],
    /// Positions by integer track id, in order; entries with another id are under `None`.
    by_track: std::collections::HashMap<Option<i64>, Vec<usize>, rustc_hash::FxBuildHasher>,
}

impl<'a> PreviousTimes<'a> {
    fn new(entries: &'a [Json]) -> Self {
        let mut by_track: std::collections::HashMap<_, Vec<usize>, _> =
            std::collections::HashMap::default();
        for (at, entry) in entries.iter().enumerate() {
            let track = entry.get("track").and_then(view_id);
            by_track.entry(track).or_default().push(at);
        }
        Self { entries, by_track }
    }

    /// The time of the last previous entry of the track whose client time equals `metadata_time`.
    fn matching(&self, track: &Json, metadata_time: &Json) -> Result<Option<&'a Json>, Refusal> {
        let mut found = None;
        for at in self.by_track.get(&view_id(track)).into_iter().flatten() {
            let entry = self.entries[*at].as_object().ok_or(Refusal::Skip("contents_stored"))?;
            let other = entry.get("track").ok_or(Refusal::Skip("contents_stored"))?;
            if !other.python_eq(track) {
                continue;
            }
            let client_time = first_truthy(entry, &["metadata_time"]).or_else(|| entry.get("time"));
            let client_time = client_time.ok_or(Refusal::Skip("contents_stored"))?;
            if client_time.python_eq(metadata_time) {
                found = Some(client_time);
            }
        }
        Ok(found)
    }
}

/// The stored form of canonical entries.
pub fn canonical(entries: Vec<Json>) -> Json {
    Json::object([("track_ids", Json::List(entries))])
}

/// The `track_ids` of stored contents.
///
/// # Errors
/// A skip when the stored value has none.
pub fn stored_entries(contents: &Json) -> Result<&[Json], Refusal> {
    let track_ids = contents.get("track_ids").and_then(Json::as_list);
    track_ids.ok_or(Refusal::Skip("contents_stored"))
}

/// `last_added_to` after a change (handlers-b 8.3): the largest `time` of the entries. `None`
/// leaves the column as it is: there are no entries, or the number is in no year of Python's.
///
/// # Errors
/// A skip when a time is no number, and when it is beyond what the C library takes.
pub fn last_added_to(entries: &[Json]) -> Result<Option<Timestamp>, Refusal> {
    const NOT_A_NUMBER: Refusal = Refusal::Skip("entry_time_not_number");
    let mut largest: Option<&Json> = None;
    for entry in entries {
        let time = entry.get("time").ok_or(Refusal::Skip("contents_stored"))?;
        if !(time.as_f64().is_some() || time.as_bool().is_some()) {
            return Err(NOT_A_NUMBER);
        }
        if largest.is_none_or(|largest| is_greater(time, largest)) {
            largest = Some(time);
        }
    }
    let Some(largest) = largest else { return Ok(None) };
    match dates::utc_from_timestamp(largest) {
        Some(Ok(at)) => Ok(Some(at)),
        Some(Err(dates::DateRange::Year)) => Ok(None),
        // Parity: the reference only expects a `ValueError`.
        Some(Err(dates::DateRange::Overflow)) => Err(Refusal::Skip("entry_time_overflow")),
        None => Err(NOT_A_NUMBER),
    }
}

fn is_greater(left: &Json, right: &Json) -> bool {
    match (left.as_i64_or_bool(), right.as_i64_or_bool()) {
        (Some(left), Some(right)) => left > right,
        (left_int, right_int) => {
            let float = |value: &Json, int: Option<i64>| {
                int.map_or_else(|| value.as_f64(), |int| Json::Int(int).as_f64())
            };
            float(left, left_int) > float(right, right_int)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Block time of the create and of the update in the worked example of handlers-b 8.2.
    const CREATED: i64 = 1_585_336_422;
    const UPDATED: i64 = 1_585_336_427;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    fn all(_: &Json) -> Result<bool, Refusal> {
        Ok(true)
    }

    fn created(contents: &str) -> Result<Vec<Json>, Refusal> {
        let contents = json(contents);
        let entries = entries(&contents)?;
        merge(&entries, &preliminary(&entries, CREATED)?, CREATED, all)
    }

    fn updated(contents: &str, previous: &[Json]) -> Result<Vec<Json>, Refusal> {
        let contents = json(contents);
        merge(&entries(&contents)?, previous, UPDATED, all)
    }

    fn entry(track: i64, time: i64, metadata_time: i64) -> Json {
        canonical_entry(&Json::Int(track), Json::Int(time), Json::Int(metadata_time))
    }

    #[test]
    fn the_worked_example_holds() {
        let sent = r#"{"track_ids":[{"track":1,"time":1585336422},{"track":2,"time":1585336422}]}"#;
        let previous = created(sent).unwrap();
        assert_eq!(previous, [entry(1, CREATED, CREATED), entry(2, CREATED, CREATED)]);
        let merged = updated(
            r#"{"track_ids":[
                {"track":1,"time":1585336422},
                {"track":2,"timestamp":1585336422,"metadata_timestamp":1585336422},
                {"track":2,"timestamp":0,"metadata_timestamp":1585336425},
                {"track":3,"time":1585336425}]}"#,
            &previous,
        );
        let expected = [
            entry(1, CREATED, CREATED),
            entry(2, CREATED, CREATED),
            entry(2, UPDATED, 1_585_336_425),
            entry(3, UPDATED, 1_585_336_425),
        ];
        assert_eq!(merged.unwrap(), expected);
    }

    #[test]
    fn create_takes_the_client_time_unless_another_is_given() {
        // Quirk B of handlers-b 8.2.
        assert_eq!(created(r#"[{"track_id":1,"time":5}]"#).unwrap(), [entry(1, 5, 5)]);
        let other = created(r#"[{"track":1,"timestamp":5,"metadata_timestamp":6}]"#);
        assert_eq!(other.unwrap(), [entry(1, CREATED, 6)]);
        for refused in [
            r#"[{"track":0,"time":5}]"#,
            r#"[{"time":5}]"#,
            r#"[{"track":1}]"#,
            r#"[{"track":1,"time":0}]"#,
            r#"[{"track":1,"metadata_timestamp":5}]"#,
        ] {
            assert!(matches!(created(refused), Err(Refusal::Reject(_))), "{refused}");
        }
    }

    #[test]
    fn update_restamps_what_it_does_not_recognise() {
        // Quirk A: the stored block time gives way to the client's.
        let previous = [entry(1, CREATED, 5)];
        assert_eq!(updated(r#"[{"track":1,"time":5}]"#, &previous).unwrap(), [entry(1, 5, 5)]);
        // Quirk C: the stored block time is sent back as the client's.
        let resent = format!(r#"[{{"track":1,"time":{CREATED}}}]"#);
        assert_eq!(updated(&resent, &previous).unwrap(), [entry(1, UPDATED, CREATED)]);
        // Quirk D: no time at all.
        let none = updated(r#"[{"track":1,"metadata_time":5}]"#, &previous).unwrap();
        assert_eq!(none[0].to_json_text(), r#"{"track":1,"time":1585336427,"metadata_time":null}"#);
        assert!(matches!(updated(r#"[{"time":5}]"#, &[]), Err(Refusal::Reject(_))));
        // Without a client time the stored time counts.
        let legacy = [json(r#"{"track":1,"time":9}"#)];
        assert_eq!(updated(r#"[{"track":1,"time":9}]"#, &legacy).unwrap(), [entry(1, 9, 9)]);
    }

    #[test]
    fn ids_are_kept_as_sent_and_compared_as_python_does() {
        let merged = updated(
            r#"[{"track":"7","time":5},{"track":7.0,"time":5},{"track":1.5,"time":5}]"#,
            &[entry(7, 1, 5)],
        );
        let times: Vec<_> = merged.unwrap().iter().map(Json::to_json_text).collect();
        assert_eq!(
            times,
            [
                r#"{"track":"7","time":1585336427,"metadata_time":5}"#,
                r#"{"track":7.0,"time":5,"metadata_time":5}"#,
                r#"{"track":1.5,"time":1585336427,"metadata_time":5}"#,
            ]
        );
    }

    #[test]
    fn albums_drop_what_the_owner_does_not_own() {
        let contents = json(r#"[{"track":1,"time":5},{"track":2,"time":5}]"#);
        let entries = entries(&contents).unwrap();
        let owned = |id: &Json| Ok::<_, Refusal>(view_id(id) == Some(2));
        assert_eq!(merge(&entries, &[], 9, owned).unwrap(), [entry(2, 9, 5)]);
    }

    #[test]
    fn contents_must_be_a_list_of_objects() {
        let refusal = |text: &str| entries(&json(text)).err();
        assert_eq!(refusal("[]"), None);
        assert_eq!(refusal(r#"{"track_ids":[]}"#), None);
        for rejected in [r#"{"foo":1}"#, r#"{"track_ids":""}"#, r#"{"track_ids":{}}"#] {
            assert!(matches!(refusal(rejected), Some(Refusal::Reject(_))), "{rejected}");
        }
        for fatal in [
            r#"{"track_ids":null}"#,
            r#"{"track_ids":{"a":1}}"#,
            r#"{"track_ids":5}"#,
            r#""text""#,
            "5",
            "[1]",
            r#"["a"]"#,
            r#"[{},[]]"#,
        ] {
            assert!(matches!(refusal(fatal), Some(Refusal::Poison(_))), "{fatal}");
        }
        let many = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(refusal(&many(5000)), None);
        assert!(matches!(refusal(&many(5001)), Some(Refusal::Reject(_))));
    }

    #[test]
    fn last_added_is_the_largest_time() {
        let of = |times: &str| {
            let entries = json(times).into_list().unwrap();
            let entries: Vec<_> =
                entries.into_iter().map(|time| Json::object([("time", time)])).collect();
            last_added_to(&entries)
        };
        assert_eq!(of("[]"), Ok(None));
        assert_eq!(of("[5,9,7]"), Ok(Some(Timestamp::from_seconds(9))));
        assert_eq!(of("[5.5,5]"), Ok(Some(Timestamp::from_micros(5_500_000))));
        assert_eq!(of("[true,0]"), Ok(Some(Timestamp::from_seconds(1))));
        assert_eq!(of("[-5]"), Ok(Some(Timestamp::from_seconds(-5))));
        for out_of_range in ["[1585336422000]", "[10000000000000000,5]", "[NaN,5]"] {
            assert_eq!(of(out_of_range), Ok(None), "{out_of_range}");
        }
        for other in [
            "[\"5\"]",
            "[5,\"6\"]",
            "[null]",
            "[[]]",
            "[5,99999999999999999999]",
            "[100000000000000000]",
            "[1e300]",
        ] {
            assert!(matches!(of(other), Err(Refusal::Skip(_))), "{other}");
        }
    }
}
