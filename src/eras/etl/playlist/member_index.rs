//! What tracks know of the playlists that they are and were in (social.md 2.5): the list
//! `playlists_containing_track`, and `playlists_previously_containing_track` with the time when each
//! was left.

use std::sync::Arc;

use crate::{
    eras::etl::{Halt, Handled, Scope, error},
    model::{Json, Timestamp, tables::Track},
};

/// Puts a playlist on the list of a track and forgets that it left.
///
/// # Errors
/// A hard error where the record of what was left is neither an object nor a list.
pub(super) fn join(
    playlist_id: i64,
    track_id: i64,
    now: Timestamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let Some(track) = scope.get::<Track>(track_id)? else { return Ok(()) };
    let key = playlist_id.to_string();
    let contains = contains(&track, playlist_id);
    if contains && !has_left(&track, &key) {
        return Ok(());
    }
    let mut new = (*track).clone();
    if !contains {
        new.playlists_containing_track.get_or_insert_default().push(playlist_id);
    }
    let left = new.playlists_previously_containing_track.take();
    new.playlists_previously_containing_track = left.map(|left| without(left, &key)).transpose()?;
    new.updated_at = now;
    scope.update(&track, new)
}

/// Takes a playlist off the list of a track and notes the time, unless one is noted. `now` is what
/// the column of the track holds, `instant` what is noted (see [`Call`](crate::eras::etl::Call)).
///
/// # Errors
/// As for [`join`].
pub(super) fn leave(
    playlist_id: i64,
    track_id: i64,
    now: Timestamp,
    instant: Timestamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let Some(track) = scope.get::<Track>(track_id)? else { return Ok(()) };
    let key = playlist_id.to_string();
    let has_left = has_left(&track, &key);
    if has_left && !contains(&track, playlist_id) {
        return Ok(());
    }
    let mut new = (*track).clone();
    if let Some(containing) = &mut new.playlists_containing_track {
        containing.retain(|id| *id != playlist_id);
    }
    let left = new.playlists_previously_containing_track.take();
    new.playlists_previously_containing_track = match left {
        Some(left) if !has_left => Some(with(&left, key, instant)?),
        left => left,
    };
    new.updated_at = now;
    scope.update(&track, new)
}

fn contains(track: &Track, playlist_id: i64) -> bool {
    let containing = track.playlists_containing_track.as_deref().unwrap_or_default();
    containing.contains(&playlist_id)
}

/// `jsonb_exists`: a key of an object, an element of a list, a text itself.
fn has_left(track: &Track, key: &str) -> bool {
    match track.playlists_previously_containing_track.as_deref() {
        Some(Json::Object(left)) => left.contains_key(key),
        Some(Json::List(items)) => items.iter().any(|item| item.as_str() == Some(key)),
        Some(Json::Str(text)) => text == key,
        _ => false,
    }
}

/// `left - key`.
fn without(left: Arc<Json>, key: &str) -> Result<Arc<Json>, Halt> {
    match &*left {
        Json::Object(object) if object.contains_key(key) => {
            let mut object = object.clone();
            object.remove(key);
            Ok(Arc::new(Json::Object(object)))
        }
        Json::Object(_) => Ok(left),
        Json::List(items) => {
            let kept = items.iter().filter(|item| item.as_str() != Some(key));
            Ok(Arc::new(Json::List(kept.cloned().collect())))
        }
        _ => Err(error("delete_from_scalar")),
    }
}

/// `jsonb_set` of the time under `key`, which is not there. A list takes it as its last element: no
/// list is as long as the number of a playlist.
fn with(left: &Json, key: String, instant: Timestamp) -> Result<Arc<Json>, Halt> {
    let time = Json::object([("time", Json::Int(instant.seconds()))]);
    let mut left = left.clone();
    match &mut left {
        Json::Object(object) => drop(object.insert(key, time)),
        Json::List(items) => items.push(time),
        _ => return Err(error("path_in_scalar")),
    }
    Ok(Arc::new(left))
}
