//! The rows of counters: made where a trigger makes them, and changed by a difference.

use std::sync::Arc;

use super::{Halt, Handled, Scope, genres};
use crate::model::tables::{AggregatePlaylist, AggregateTrack, AggregateUser, Playlist};

/// The change of a count when a row that counted before, or not, counts now, or not.
pub(super) const fn difference(before: bool, after: bool) -> i64 {
    after as i64 - before as i64
}

/// Adds to a counter; one that is NULL stays NULL.
pub(super) const fn add(counter: &mut Option<i64>, difference: i64) {
    if let Some(count) = counter {
        *count += difference;
    }
}

/// A user's counters at the start: what the job makes of a user without anything.
pub(super) const fn new_user(user_id: i64) -> AggregateUser {
    AggregateUser {
        user_id,
        track_count: Some(0),
        playlist_count: Some(0),
        album_count: Some(0),
        follower_count: Some(0),
        following_count: Some(0),
        repost_count: Some(0),
        track_save_count: Some(0),
        supporter_count: Some(0),
        supporting_count: Some(0),
        dominant_genre: None,
        dominant_genre_count: None,
        score: Some(0),
        total_track_count: Some(0),
        track_share_count: Some(0),
    }
}

/// A user's counters; made if they are missing.
pub(super) fn user(user_id: i64, scope: &mut Scope<'_>) -> Result<Arc<AggregateUser>, Halt> {
    if let Some(row) = scope.get::<AggregateUser>(user_id)? {
        return Ok(row);
    }
    let row = genres::recounted(new_user(user_id), scope)?;
    scope.derive(row.clone())?;
    Ok(Arc::new(row))
}

/// Adds to one of a user's counters, which must be there; returns what the user's are then.
pub(super) fn add_to_user(
    user_id: i64,
    counter: fn(&mut AggregateUser) -> &mut Option<i64>,
    difference: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<Arc<AggregateUser>>, Halt> {
    let Some(row) = scope.get::<AggregateUser>(user_id)?.filter(|_| difference != 0) else {
        return scope.get(user_id);
    };
    let mut row = (*row).clone();
    add(counter(&mut row), difference);
    scope.derive(row.clone())?;
    Ok(Some(Arc::new(row)))
}

/// Whether what a user does is told to nobody: with a negative score, and with none.
pub(super) fn is_banned(user_id: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let row = scope.get::<AggregateUser>(user_id)?;
    Ok(row.and_then(|row| row.score).is_none_or(|score| score < 0))
}

/// A track's counters; made if they are missing.
pub(super) fn track(track_id: i64, scope: &mut Scope<'_>) -> Result<Arc<AggregateTrack>, Halt> {
    if let Some(row) = scope.get::<AggregateTrack>(track_id)? {
        return Ok(row);
    }
    let row = AggregateTrack {
        track_id,
        repost_count: Some(0),
        save_count: Some(0),
        comment_count: Some(0),
        share_count: Some(0),
    };
    scope.derive(row.clone())?;
    Ok(Arc::new(row))
}

/// Adds to one of a track's counters, made if they are missing; returns it.
pub(super) fn add_to_track(
    track_id: i64,
    counter: fn(&mut AggregateTrack) -> &mut Option<i64>,
    difference: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<i64>, Halt> {
    let mut row = (*track(track_id, scope)?).clone();
    add(counter(&mut row), difference);
    let count = *counter(&mut row);
    if difference != 0 {
        scope.derive(row)?;
    }
    Ok(count)
}

/// Makes a playlist's counters, if they are missing.
pub(super) fn new_playlist(playlist_id: i64, is_album: bool, scope: &mut Scope<'_>) -> Handled {
    if scope.get::<AggregatePlaylist>(playlist_id)?.is_some() {
        return Ok(());
    }
    scope.derive(AggregatePlaylist {
        playlist_id,
        is_album: Some(is_album),
        repost_count: Some(0),
        save_count: Some(0),
        share_count: Some(0),
    })
}

/// Adds to one of a playlist's counters; returns it, and whether the row says that it is an album.
/// Counters that are missing are made where the playlist has a current row, and nothing is counted
/// where it has none.
pub(super) fn add_to_playlist(
    playlist_id: i64,
    counter: fn(&mut AggregatePlaylist) -> &mut Option<i64>,
    difference: i64,
    scope: &mut Scope<'_>,
) -> Result<(Option<i64>, Option<bool>), Halt> {
    if scope.get::<AggregatePlaylist>(playlist_id)?.is_none()
        && let Some(playlist) = scope.get::<Playlist>(playlist_id)?
    {
        new_playlist(playlist_id, playlist.is_album, scope)?;
    }
    let Some(row) = scope.get::<AggregatePlaylist>(playlist_id)? else {
        return Ok((None, None));
    };
    let mut row = (*row).clone();
    add(counter(&mut row), difference);
    let found = (*counter(&mut row), row.is_album);
    if difference != 0 {
        scope.derive(row)?;
    }
    Ok(found)
}
