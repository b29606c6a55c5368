//! The aggregate rows: read or made, and changed by a difference.

use super::{Handled, HandlerError, Scope};
use crate::model::tables::{
    AggregatePlaylist, AggregateTrack, AggregateUser, Comment, CommentBy, Playlist, Repost,
    RepostBy, Save, SaveBy, Share, ShareBy, Track, TrackBy,
};

/// The change of a count when a row that counted before, or not, counts now, or not.
pub(super) const fn difference(before: bool, after: bool) -> i64 {
    after as i64 - before as i64
}

/// A user's counters; the row is made if it is missing.
pub(super) fn user(scope: &mut Scope<'_>, user_id: i64) -> Result<AggregateUser, HandlerError> {
    if let Some(row) = scope.stored::<AggregateUser>(user_id)? {
        return Ok((*row).clone());
    }
    let row = AggregateUser {
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
        dominant_genre_count: Some(0),
        score: Some(0),
        total_track_count: Some(0),
        track_share_count: Some(0),
    };
    scope.insert(row.clone())?;
    Ok(row)
}

/// Changes a user's counters.
pub(super) fn change_user(
    scope: &mut Scope<'_>,
    user_id: i64,
    change: impl FnOnce(&mut AggregateUser),
) -> Result<AggregateUser, HandlerError> {
    let mut row = user(scope, user_id)?;
    change(&mut row);
    scope.insert(row.clone())?;
    Ok(row)
}

/// Adds to a counter that the database may hold as NULL.
pub(super) fn add(counter: &mut Option<i64>, difference: i64) {
    *counter = Some(counter.unwrap_or(0) + difference);
}

/// Whether the acting user's notifications are held back. A NULL score holds them back too: the
/// trigger's comparison is three-valued.
pub(super) fn is_banned(scope: &mut Scope<'_>, user_id: i64) -> Result<bool, HandlerError> {
    let row = scope.stored::<AggregateUser>(user_id)?;
    Ok(row.and_then(|row| row.score).is_none_or(|score| score < 0))
}

/// A track's counters and whether they were there before. A new row is counted from the rows as
/// they are now, the one that was just inserted included.
pub(super) fn track(
    scope: &mut Scope<'_>,
    track_id: i64,
) -> Result<(AggregateTrack, bool), HandlerError> {
    if let Some(row) = scope.stored::<AggregateTrack>(track_id)? {
        return Ok(((*row).clone(), true));
    }
    scope.want_by::<Save>(SaveBy::Item, ("track", track_id));
    scope.want_by::<Repost>(RepostBy::Item, ("track", track_id));
    scope.want_by::<Share>(ShareBy::Item, ("track", track_id));
    scope.want_by::<Comment>(CommentBy::Entity, ("Track", track_id));
    let row = AggregateTrack {
        track_id,
        repost_count: Some(0),
        save_count: Some(0),
        comment_count: Some(0),
        share_count: Some(0),
    };
    scope.insert(row.clone())?;
    Ok((row, false))
}

/// A playlist's counters. `None` when they are missing and there is no playlist (`is_album` is
/// `None`) to make them for.
pub(super) fn playlist(
    scope: &mut Scope<'_>,
    playlist_id: i64,
    is_album: Option<bool>,
) -> Result<Option<AggregatePlaylist>, HandlerError> {
    if let Some(row) = scope.stored::<AggregatePlaylist>(playlist_id)? {
        return Ok(Some((*row).clone()));
    }
    if is_album.is_none() {
        return Ok(None);
    }
    let row = AggregatePlaylist {
        playlist_id,
        is_album,
        repost_count: Some(0),
        save_count: Some(0),
        share_count: Some(0),
    };
    scope.insert(row.clone())?;
    Ok(Some(row))
}

/// Moves a counter of a playlist.
///
/// Parity: the reference counts anew each time, and saves a block's records table by table. What it
/// saved before the row of the playlist itself is in no counter until the next time, so one at zero
/// is counted here too.
pub(super) fn add_or_count(
    counter: &mut Option<i64>,
    step: i64,
    count: impl FnOnce() -> Result<i64, HandlerError>,
) -> Handled {
    if counter.unwrap_or(0) > 0 {
        add(counter, step);
    } else {
        *counter = Some(count()?);
    }
    Ok(())
}

/// Whether the stored playlist is an album; `None` if there is no such playlist.
pub(super) fn is_album_of(
    scope: &mut Scope<'_>,
    playlist_id: i64,
) -> Result<Option<bool>, HandlerError> {
    Ok(scope.stored::<Playlist>(playlist_id)?.map(|playlist| playlist.is_album))
}

/// Active saves of an item.
pub(super) fn saves_of(
    scope: &mut Scope<'_>,
    item_type: &str,
    item: i64,
) -> Result<i64, HandlerError> {
    let rows = scope.stored_by::<Save>(SaveBy::Item, (item_type, item))?;
    Ok(count(rows.iter().filter(|row| !row.is_delete)))
}

/// Active reposts of an item.
pub(super) fn reposts_of(
    scope: &mut Scope<'_>,
    item_type: &str,
    item: i64,
) -> Result<i64, HandlerError> {
    let rows = scope.stored_by::<Repost>(RepostBy::Item, (item_type, item))?;
    Ok(count(rows.iter().filter(|row| !row.is_delete)))
}

/// Shares of an item.
pub(super) fn shares_of(
    scope: &mut Scope<'_>,
    item_type: &str,
    item: i64,
) -> Result<i64, HandlerError> {
    Ok(count(scope.stored_by::<Share>(ShareBy::Item, (item_type, item))?.iter()))
}

/// Whether a track counts in its owner's total.
pub(super) fn counts_as_track(track: &Track) -> bool {
    !track.is_delete && track.is_available.unwrap_or(true) && track.stem_of.is_none()
}

/// Whether a track counts among its owner's listed ones, which everybody sees.
pub(super) fn counts_as_listed(track: &Track) -> bool {
    counts_as_track(track) && !track.is_unlisted.unwrap_or(false)
}

/// Recounts an owner's tracks: all that aren't stems, and the listed ones among them.
pub(super) fn recount_tracks(scope: &mut Scope<'_>, owner_id: i64) -> Handled {
    let tracks = scope.stored_by::<Track>(TrackBy::Owner, owner_id)?;
    let total = count(tracks.iter().filter(|track| counts_as_track(track)));
    let listed = count(tracks.iter().filter(|track| counts_as_listed(track)));
    change_user(scope, owner_id, |row| {
        row.total_track_count = Some(total);
        row.track_count = Some(listed);
    })
    .map(drop)
}

fn count<T>(rows: impl Iterator<Item = T>) -> i64 {
    i64::try_from(rows.count()).unwrap_or(i64::MAX)
}
