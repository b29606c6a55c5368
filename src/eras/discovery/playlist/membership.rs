//! `playlist_tracks` and the membership columns of tracks (handlers-b 8.4).
//!
//! All writes are immediate; a failure on the way keeps those before it (corrections 13).

use std::{collections::HashMap, sync::Arc};

use crate::{
    eras::discovery::{Handled, HandlerError, Scope, poison, skip},
    model::{
        Json,
        json::Object,
        tables::{Playlist, PlaylistTrack, PlaylistTrackBy, Track},
    },
    rules::{columns, contents},
};

/// Asks for the rows that [`update`] reads, given the entries' ids.
pub(super) fn preload<'a>(
    playlist_id: i64,
    ids: impl Iterator<Item = &'a Json>,
    scope: &mut Scope<'_>,
) {
    scope.want_by::<PlaylistTrack>(PlaylistTrackBy::Playlist, playlist_id);
    for id in ids.filter_map(Json::as_int) {
        scope.want::<PlaylistTrack>((playlist_id, id));
        scope.want::<Track>(id);
    }
}

/// Brings the rows of a playlist's tracks in line with its contents. `before` is what they were.
///
/// # Errors
/// Skips where a track's `playlists_previously_containing_track` is no object; poison for ids that
/// the table cannot hold.
pub(super) fn update(playlist: &Playlist, before: &Json, scope: &mut Scope<'_>) -> Handled {
    let playlist_id = playlist.playlist_id;
    let entries = contents::stored_entries(&playlist.playlist_contents)?;
    let ids = entries.iter().filter_map(|entry| entry.get("track"));
    let ids: Vec<Member> = ids.map(Member::of).collect::<Result<_, _>>()?;
    preload_members(playlist_id, &ids, scope)?;
    let rows = scope.stored_by::<PlaylistTrack>(PlaylistTrackBy::Playlist, playlist_id)?;
    let rows: HashMap<i64, Arc<PlaylistTrack>> =
        rows.into_iter().map(|row| (row.track_id, row)).collect();
    let kept: std::collections::HashSet<i64> = ids.iter().filter_map(|id| id.equals).collect();
    let dropped = rows.values().filter(|row| !kept.contains(&row.track_id));
    for row in in_stored_order(dropped, before) {
        if !row.is_removed {
            let removed = PlaylistTrack { is_removed: true, ..touched(row, scope) };
            scope.insert(removed)?;
        }
        leave(playlist_id, row.track_id, scope)?;
    }
    for id in &ids {
        if let Some(track_id) = id.equals {
            join(playlist_id, track_id, scope)?;
        }
        let Some(track_id) = id.equals.filter(|track_id| rows.contains_key(track_id)) else {
            add(playlist_id, id, scope)?;
            continue;
        };
        // A digit string before it may have brought the row back already.
        let row = scope.stored::<PlaylistTrack>((playlist_id, track_id))?;
        if let Some(row) = row.filter(|row| row.is_removed) {
            scope.insert(PlaylistTrack { is_removed: false, ..touched(&row, scope) })?;
        }
    }
    Ok(())
}

/// Rows in the order in which a scan of the table meets them: the order in which they were last
/// written, those of one block in the order of the contents then. It shows where a failure ends the
/// update half-way.
fn in_stored_order<'a>(
    rows: impl Iterator<Item = &'a Arc<PlaylistTrack>>,
    contents: &Json,
) -> Vec<&'a PlaylistTrack> {
    let mut rows: Vec<_> = rows.map(Arc::as_ref).collect();
    if rows.len() > 1 {
        let entries = contents.get("track_ids").and_then(Json::as_list).unwrap_or_default();
        let ids = entries.iter().filter_map(|entry| entry.get("track")?.as_int());
        let mut positions = HashMap::with_capacity(entries.len());
        for (position, id) in ids.enumerate() {
            positions.entry(id).or_insert(position);
        }
        rows.sort_by_key(|row| {
            let position = positions.get(&row.track_id).copied().unwrap_or(usize::MAX);
            (row.updated_at, position, row.track_id)
        });
    }
    rows
}

/// An entry's track id as it stands in the contents.
struct Member {
    /// The integer it equals in Python: numbers only.
    equals: Option<i64>,
    /// The integer PostgreSQL stores for it.
    stored: i64,
    /// A fraction was rounded away.
    is_rounded: bool,
}

impl Member {
    fn of(id: &Json) -> Result<Self, HandlerError> {
        let stored = track_id(id)?;
        let equals = Some(stored).filter(|stored| id.python_eq(&Json::Int(*stored)));
        let is_rounded = equals.is_none() && id.as_str().is_none();
        Ok(Self { equals, stored, is_rounded })
    }
}

/// The track id that PostgreSQL makes of an entry's id: digit strings are cast, fractions rounded
/// (corrections 6).
fn track_id(id: &Json) -> Result<i64, HandlerError> {
    match id {
        Json::Bool(_) => Err(poison("track_id_boolean")),
        _ => columns::int4(id)?.ok_or_else(|| poison("track_id_null")),
    }
}

fn preload_members(playlist_id: i64, ids: &[Member], scope: &mut Scope<'_>) -> Handled {
    for id in ids {
        scope.want::<PlaylistTrack>((playlist_id, id.stored));
        scope.want::<Track>(id.stored);
    }
    let rows = scope.stored_by::<PlaylistTrack>(PlaylistTrackBy::Playlist, playlist_id)?;
    for row in rows {
        scope.want::<Track>(row.track_id);
    }
    Ok(())
}

fn touched(row: &PlaylistTrack, scope: &Scope<'_>) -> PlaylistTrack {
    PlaylistTrack { updated_at: scope.block.time, ..row.clone() }
}

/// Adds an entry that Python does not find among the rows. A digit string may name a row all the
/// same: the reference then merges the new row into it.
fn add(playlist_id: i64, id: &Member, scope: &mut Scope<'_>) -> Handled {
    let row = scope.stored::<PlaylistTrack>((playlist_id, id.stored))?;
    if id.is_rounded && row.is_some() {
        return Err(poison("track_id_rounds_to_another"));
    }
    scope.insert(PlaylistTrack {
        playlist_id,
        track_id: id.stored,
        is_removed: false,
        created_at: scope.block.time,
        updated_at: scope.block.time,
    })
}

/// Takes the playlist out of a track's list and notes when, unless that is noted.
fn leave(playlist_id: i64, track_id: i64, scope: &mut Scope<'_>) -> Handled {
    let Some(track) = scope.stored::<Track>(track_id)? else { return Ok(()) };
    let mut track = (*track).clone();
    let mut containing = track.playlists_containing_track.take().unwrap_or_default();
    let at = containing.iter().position(|id| *id == playlist_id);
    if let Some(at) = at {
        containing.remove(at);
    }
    track.playlists_containing_track = Some(containing);
    if at.is_some() {
        track.updated_at = scope.block.time;
        scope.insert(track.clone())?;
    }
    let key = playlist_id.to_string();
    let previous = track.playlists_previously_containing_track.as_deref();
    let mut previous = match previous.filter(|previous| previous.truthy()) {
        None => Object::new(),
        Some(previous) if contains(previous, &key)? => return Ok(()),
        Some(previous) => previous.as_object().cloned().ok_or_else(not_an_object)?,
    };
    let time = Json::Int(scope.block.time.seconds());
    previous.insert(key, Json::object([("time", time)]));
    track.playlists_previously_containing_track = Some(Arc::new(Json::Object(previous)));
    track.updated_at = scope.block.time;
    scope.insert(track)
}

/// Puts the playlist into a track's list and forgets that it left.
fn join(playlist_id: i64, track_id: i64, scope: &mut Scope<'_>) -> Handled {
    let Some(track) = scope.stored::<Track>(track_id)? else { return Ok(()) };
    let containing = track.playlists_containing_track.as_deref().unwrap_or_default();
    let key = playlist_id.to_string();
    let mut joined = None;
    if !containing.contains(&playlist_id) {
        let mut row = (*track).clone();
        row.playlists_containing_track.get_or_insert_default().push(playlist_id);
        row.updated_at = scope.block.time;
        scope.insert(row.clone())?;
        joined = Some(row);
    }
    let previous = track.playlists_previously_containing_track.as_deref();
    let Some(previous) = previous else { return Ok(()) };
    if !contains(previous, &key)? {
        return Ok(());
    }
    let mut previous = previous.as_object().cloned().ok_or_else(not_an_object)?;
    previous.remove(&key);
    let mut row = joined.unwrap_or_else(|| (*track).clone());
    row.playlists_previously_containing_track = Some(Arc::new(Json::Object(previous)));
    row.updated_at = scope.block.time;
    scope.insert(row)
}

/// Python's `key in value`.
fn contains(value: &Json, key: &str) -> Result<bool, HandlerError> {
    match value {
        Json::Object(object) => Ok(object.contains_key(key)),
        Json::List(items) => Ok(items.iter().any(|item| item.as_str() == Some(key))),
        Json::Str(text) => Ok(text.contains(key)),
        Json::Null | Json::Bool(_) | Json::Int(_) | Json::Big(_) | Json::Float(_) => {
            Err(not_an_object())
        }
    }
}

/// Parity: `dict(value)` of what a Track Update may have put there raises (corrections 13).
fn not_an_object() -> HandlerError {
    skip("previous_playlists_not_object")
}
