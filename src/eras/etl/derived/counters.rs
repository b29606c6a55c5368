//! The rows of counters: made where a trigger makes them, and changed by a difference.

use super::{Halt, Handled, Scope, recount};
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

/// A row of counters that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// It was there before.
    Kept,
    /// It was made, with everything counted that is there: the row that was just written, too.
    Made,
}

/// Makes a user's counters, if they are missing.
pub(super) fn user(user_id: i64, scope: &mut Scope<'_>) -> Result<Row, Halt> {
    if scope.get::<AggregateUser>(user_id)?.is_some() {
        return Ok(Row::Kept);
    }
    let row = recount::user(user_id, scope)?;
    scope.derive(row)?;
    Ok(Row::Made)
}

/// Adds to one of a user's counters, made if they are missing; returns it.
pub(super) fn add_to_user(
    user_id: i64,
    counter: fn(&mut AggregateUser) -> &mut Option<i64>,
    difference: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<i64>, Halt> {
    let is_kept = user(user_id, scope)? == Row::Kept;
    let Some(row) = scope.get::<AggregateUser>(user_id)? else { return Ok(None) };
    let mut row = (*row).clone();
    if is_kept && difference != 0 {
        add(counter(&mut row), difference);
        scope.derive(row.clone())?;
    }
    Ok(*counter(&mut row))
}

/// Whether what a user does is told to nobody: with a negative score, and with none.
pub(super) fn is_banned(user_id: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let row = scope.get::<AggregateUser>(user_id)?;
    Ok(row.and_then(|row| row.score).is_none_or(|score| score < 0))
}

/// Makes a track's counters, if they are missing.
pub(super) fn track(track_id: i64, scope: &mut Scope<'_>) -> Result<Row, Halt> {
    if scope.get::<AggregateTrack>(track_id)?.is_some() {
        return Ok(Row::Kept);
    }
    let row = recount::track(track_id, scope)?;
    scope.derive(row)?;
    Ok(Row::Made)
}

/// Adds to one of a track's counters, made if they are missing; returns it.
pub(super) fn add_to_track(
    track_id: i64,
    counter: fn(&mut AggregateTrack) -> &mut Option<i64>,
    difference: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<i64>, Halt> {
    let is_kept = track(track_id, scope)? == Row::Kept;
    let Some(row) = scope.get::<AggregateTrack>(track_id)? else { return Ok(None) };
    let mut row = (*row).clone();
    if is_kept && difference != 0 {
        add(counter(&mut row), difference);
        scope.derive(row.clone())?;
    }
    Ok(*counter(&mut row))
}

/// Makes a playlist's counters, if they are missing.
pub(super) fn playlist(
    playlist_id: i64,
    is_album: bool,
    scope: &mut Scope<'_>,
) -> Result<Row, Halt> {
    if scope.get::<AggregatePlaylist>(playlist_id)?.is_some() {
        return Ok(Row::Kept);
    }
    let row = recount::playlist(playlist_id, is_album, scope)?;
    scope.derive(row)?;
    Ok(Row::Made)
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
    let mut is_kept = true;
    if scope.get::<AggregatePlaylist>(playlist_id)?.is_none()
        && let Some(current) = scope.get::<Playlist>(playlist_id)?
    {
        is_kept = playlist(playlist_id, current.is_album, scope)? == Row::Kept;
    }
    let Some(row) = scope.get::<AggregatePlaylist>(playlist_id)? else {
        return Ok((None, None));
    };
    let mut row = (*row).clone();
    if is_kept && difference != 0 {
        add(counter(&mut row), difference);
        scope.derive(row.clone())?;
    }
    Ok((*counter(&mut row), row.is_album))
}

/// Adds to one of the counters of a playlist's owner, who may have none.
pub(super) fn add_to_owner(
    user_id: i64,
    counter: fn(&mut AggregateUser) -> &mut Option<i64>,
    difference: i64,
    scope: &mut Scope<'_>,
) -> Handled {
    if scope.get::<AggregateUser>(user_id)?.is_some() {
        add_to_user(user_id, counter, difference, scope)?;
    }
    Ok(())
}
