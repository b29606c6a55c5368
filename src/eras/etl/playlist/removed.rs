//! Tracks that left a playlist before the genesis of the chain (frame.md 7.3).

use rustc_hash::FxHashSet;

use super::{contents::track_id, member_index as index};
use crate::{
    eras::etl::{Call, Handled, Scope, Wants},
    model::{
        Json, Timestamp,
        json::Object,
        tables::{PlaylistTrack, Track},
    },
    rules::dates,
};

/// Parity: Go's zero time, 0001-01-01, counts as none.
const GO_ZERO: Timestamp = Timestamp::from_seconds(-62_135_596_800);

/// A track that was in a playlist.
#[derive(Clone, Copy, Debug)]
pub struct Removed {
    track_id: i64,
    joined: Option<Timestamp>,
    left: Option<Timestamp>,
}

impl Removed {
    /// The entries of a list that name a track.
    pub(super) fn listed(list: &Json) -> Vec<Self> {
        let entries = list.as_list().unwrap_or_default().iter().filter_map(Json::as_object);
        entries.filter_map(Self::of).collect()
    }

    fn of(entry: &Object) -> Option<Self> {
        let time = |key| {
            let time = dates::go_release_date(entry.get(key)?.as_str()?)?;
            (time != GO_ZERO).then_some(time)
        };
        Some(Self {
            track_id: track_id(entry)?,
            joined: time("created_at"),
            left: time("updated_at"),
        })
    }
}

/// Records tracks that left the call's playlist, but none that is among its `tracks` now.
///
/// # Errors
/// A hard error for an id or a time that the column cannot hold.
pub(super) fn store(
    call: &Call<'_>,
    removed: &[Removed],
    tracks: impl Iterator<Item = i64>,
    scope: &mut Scope<'_>,
) -> Handled {
    if removed.is_empty() {
        return Ok(());
    }
    let mut seen: FxHashSet<i64> = tracks.collect();
    let new = removed.iter().filter(|entry| seen.insert(entry.track_id));
    let left = |entry: &Removed| entry.left.map_or((call.instant, call.now), |left| (left, left));
    let mut new: Vec<_> = new.map(|entry| (left(entry), entry)).collect();
    new.sort_by_key(|((instant, _), entry)| (*instant, entry.track_id));
    let playlist_id = call.tx.entity_id;
    for ((instant, _), entry) in &new {
        scope.insert_new(PlaylistTrack {
            playlist_id,
            track_id: entry.track_id,
            is_removed: true,
            created_at: entry.joined.unwrap_or(*instant),
            updated_at: *instant,
        })?;
    }
    for ((instant, left), entry) in new {
        index::leave(playlist_id, entry.track_id, left, instant, scope)?;
    }
    Ok(())
}

/// Names what [`store`] reads.
pub(super) fn wants(playlist_id: i64, removed: &[Removed], wants: &mut Wants<'_>) {
    for entry in removed {
        wants.row::<PlaylistTrack>((playlist_id, entry.track_id));
        wants.row::<Track>(entry.track_id);
    }
}
