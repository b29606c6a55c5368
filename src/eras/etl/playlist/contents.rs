//! `playlist_contents`: what is read of it, and the form in which it is stored (social.md 2.4).

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    eras::etl::{Metadata, go_int},
    model::{Json, Timestamp, json::Object},
    rules::hashid,
};

/// Contents as they were sent.
#[derive(Debug)]
pub(super) struct Contents {
    is_sent: bool,
    entries: Vec<Entry>,
}

/// An entry with a track.
#[derive(Clone, Copy, Debug)]
struct Entry {
    track: i64,
    time: Option<i64>,
    metadata_time: Option<i64>,
}

impl Contents {
    /// The contents in the metadata of a call; what is neither a list nor an object with a list
    /// `track_ids` is empty.
    pub(super) fn sent(meta: &Metadata<'_>) -> Self {
        let contents = meta.get("playlist_contents");
        let list = match contents {
            Some(Json::List(items)) => items.as_slice(),
            Some(Json::Object(object)) => listed(object),
            _ => &[],
        };
        let entries = list.iter().filter_map(Json::as_object).filter_map(Entry::of);
        Self { is_sent: contents.is_some(), entries: entries.collect() }
    }

    /// The key was there, whatever its value.
    pub(super) const fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// No entry has a track.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tracks in order, repeated ones too.
    pub(super) fn tracks(&self) -> impl Iterator<Item = i64> + Clone + '_ {
        self.entries.iter().map(|entry| entry.track)
    }

    /// A track was sent that the stored contents lack.
    pub(super) fn add_to(&self, stored: &Json) -> bool {
        if self.is_empty() {
            return false;
        }
        let old: FxHashSet<i64> = entries_of(stored).map(|entry| entry.track).collect();
        self.tracks().any(|track| !old.contains(&track))
    }

    /// The form in which they are stored. An entry without a time, or one that is not positive, has
    /// that of its track in the contents that were `stored` before, else `now` in whole seconds.
    pub(super) fn canonical(&self, stored: Option<&Json>, now: Timestamp) -> Json {
        let mut earlier = None;
        let items = self.entries.iter().map(|entry| {
            let time = entry.time.filter(|time| *time > 0).unwrap_or_else(|| {
                let times = earlier.get_or_insert_with(|| times_of(stored));
                times.get(&entry.track).copied().unwrap_or_else(|| now.seconds())
            });
            entry.stored(time)
        });
        let items = Json::List(items.collect());
        Json::object([("track_ids", items)])
    }
}

impl Entry {
    fn of(object: &Object) -> Option<Self> {
        Some(Self {
            track: track_id(object)?,
            time: first_number(object, ["time", "timestamp"]),
            metadata_time: first_number(object, ["metadata_time", "metadata_timestamp"]),
        })
    }

    fn stored(self, time: i64) -> Json {
        let mut object = Object::with_capacity(3);
        object.insert("time", Json::Int(time));
        object.insert("track", Json::Int(self.track));
        if let Some(time) = self.metadata_time {
            object.insert("metadata_time", Json::Int(time));
        }
        Json::Object(object)
    }
}

/// The track that an entry names: a number, a hash id, or digits, under `track_id` before `track`.
pub(super) fn track_id(entry: &Object) -> Option<i64> {
    ["track_id", "track"].iter().find_map(|key| match entry.get(key)? {
        Json::Str(text) if text.is_empty() => None,
        Json::Str(text) => hashid::decode(text).or_else(|| text.parse().ok()),
        other => go_int(other),
    })
}

fn first_number(entry: &Object, keys: [&str; 2]) -> Option<i64> {
    keys.iter().find_map(|key| go_int(entry.get(key)?))
}

fn listed(contents: &Object) -> &[Json] {
    contents.get("track_ids").and_then(Json::as_list).unwrap_or_default()
}

/// The entries of stored contents. Parity: a bare list, which older rows may hold, has none.
fn entries_of(stored: &Json) -> impl Iterator<Item = Entry> + '_ {
    let list = stored.as_object().map(listed).unwrap_or_default();
    list.iter().filter_map(Json::as_object).filter_map(Entry::of)
}

/// The last positive time of each track in stored contents.
fn times_of(stored: Option<&Json>) -> FxHashMap<i64, i64> {
    let entries = stored.into_iter().flat_map(entries_of);
    let timed = entries.filter_map(|entry| Some((entry.track, entry.time?)));
    timed.filter(|(_, time)| *time > 0).collect()
}
