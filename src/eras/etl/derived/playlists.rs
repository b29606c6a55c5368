//! `handle_playlist` (triggers.md 4.6).

use std::sync::Arc;

use super::{
    Halt, Handled, Scope,
    counters::{self, add_to_owner, difference},
    note::{Note, Stamp},
    subscribers, swallowing,
    tally::is_public,
};
use crate::{
    eras::etl::error,
    model::{
        Json, Timestamp,
        tables::{Playlist, Track},
    },
};

/// Counts a playlist, and tells of a new public one. Changes are told to nobody.
pub(super) fn fired(old: Option<&Playlist>, new: &Arc<Playlist>, scope: &mut Scope<'_>) -> Handled {
    if old.is_none() {
        counters::playlist(new.playlist_id, new.is_album, scope)?;
    }
    count(old, new, scope)?;
    if old.is_some() || !is_public(new) {
        return Ok(());
    }
    let stamp = Stamp::of(new.blocknumber, new.updated_at);
    if new.created_at == new.updated_at {
        swallowing(scope, |scope| {
            let place = (create_group(new.playlist_id), new.playlist_owner_id.to_string());
            let data = Json::object([
                ("playlist_id", Json::Int(new.playlist_id)),
                ("is_album", Json::Bool(new.is_album)),
            ]);
            subscribers::tell(new.playlist_owner_id, place, data, stamp, scope)
        })?;
    }
    swallowing(scope, |scope| tell_track_owners(new, stamp, scope))
}

/// The group of the notification of a new playlist.
pub(super) fn create_group(playlist_id: i64) -> String {
    format!("create:playlist_id:{playlist_id}")
}

/// Moves the owner's counter of playlists or albums, if the owner has counters.
fn count(old: Option<&Playlist>, new: &Playlist, scope: &mut Scope<'_>) -> Handled {
    let step = difference(old.is_some_and(is_public), is_public(new));
    if step == 0 {
        return Ok(());
    }
    let owner = new.playlist_owner_id;
    if new.is_album {
        add_to_owner(owner, |row| &mut row.album_count, step, scope)
    } else {
        add_to_owner(owner, |row| &mut row.playlist_count, step, scope)
    }
}

/// Tells the owners of tracks that the playlist has from its beginning.
///
/// # Errors
/// Where an entry has a time or a number that the trigger's casts refuse: then no owner is told.
fn tell_track_owners(new: &Playlist, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    let entries = new.playlist_contents.get("track_ids").and_then(Json::as_list);
    for entry in entries.unwrap_or_default() {
        let Some(track_id) = added_track(entry, new.updated_at)? else { continue };
        let Some(track) = scope.get::<Track>(track_id)? else { continue };
        if track.owner_id == new.playlist_owner_id {
            continue;
        }
        Note {
            kind: "track_added_to_playlist",
            group_id: added_group(new.playlist_id, track_id),
            specifier: track.owner_id.to_string(),
            user_ids: vec![track.owner_id],
            data: Json::object([
                ("track_id", Json::Int(track_id)),
                ("playlist_id", Json::Int(new.playlist_id)),
                ("playlist_owner_id", Json::Int(new.playlist_owner_id)),
            ]),
        }
        .write(stamp, scope)?;
    }
    Ok(())
}

/// The group of the notification that a track is in a new playlist.
pub(super) fn added_group(playlist_id: i64, track_id: i64) -> String {
    format!("track_added_to_playlist:playlist_id:{playlist_id}:track_id:{track_id}")
}

/// The track of an entry whose time is not before `since`.
///
/// Parity: both times are rounded to seconds, that of the entry to even, `since` away from zero: of
/// block times in the second half of a second, entries of that second are before it.
///
/// # Errors
/// Where a cast of the trigger fails.
pub(super) fn added_track(entry: &Json, since: Timestamp) -> Result<Option<i64>, Halt> {
    let Some(time) = entry.get("time").filter(|time| !time.is_null()) else { return Ok(None) };
    let time = time.as_f64().map(f64::round_ties_even).filter(|time| is_int4(*time));
    let time = time.ok_or_else(|| error("uncastable_time"))?;
    if time < rounded_seconds(since) {
        return Ok(None);
    }
    let Some(track) = entry.get("track").filter(|track| !track.is_null()) else { return Ok(None) };
    let track = track.as_int().filter(|id| i32::try_from(*id).is_ok());
    track.map(Some).ok_or_else(|| error("uncastable_track"))
}

fn is_int4(value: f64) -> bool {
    (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value)
}

/// Seconds since the epoch, rounded half away from zero as `extract(epoch from …)::int` is.
fn rounded_seconds(time: Timestamp) -> f64 {
    let (seconds, micros) = (time.seconds(), time.micros().rem_euclid(1_000_000));
    let half_up = if seconds < 0 { micros > 500_000 } else { micros >= 500_000 };
    #[expect(clippy::cast_precision_loss, reason = "seconds of any stored time are exact")]
    let rounded = (seconds + i64::from(half_up)) as f64;
    rounded
}
