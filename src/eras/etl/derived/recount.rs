//! Counters that a trigger makes, counted as production's job does (production.md 4.2). They are made
//! with the user, track or playlist, to which hardly anything can refer by then.

use super::{
    Halt, Scope,
    tally::{comment_counts, is_public, recounted},
};
use crate::model::tables::{
    AggregatePlaylist, AggregateTrack, AggregateUser, Comment, CommentBy, CurrentFollow,
    CurrentFollowBy, Playlist, PlaylistBy, Repost, RepostBy, Save, SaveBy,
};

fn count<T>(rows: impl IntoIterator<Item = T>) -> Option<i64> {
    i64::try_from(rows.into_iter().count()).ok()
}

/// A user's counters. The total of tracks is no business of the job, and stays 0 until the trigger of
/// a track counts it.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn user(user_id: i64, scope: &mut Scope<'_>) -> Result<AggregateUser, Halt> {
    let followers = scope.find::<CurrentFollow>(CurrentFollowBy::Followee, user_id)?;
    let followees = scope.find::<CurrentFollow>(CurrentFollowBy::Follower, user_id)?;
    let reposts = scope.find::<Repost>(RepostBy::User, user_id)?;
    let saves = scope.find::<Save>(SaveBy::User, user_id)?;
    let playlists = scope.find::<Playlist>(PlaylistBy::Owner, user_id)?;
    let public = playlists.iter().filter(|playlist| is_public(playlist));
    let row = AggregateUser {
        user_id,
        track_count: Some(0),
        playlist_count: count(public.clone().filter(|playlist| !playlist.is_album)),
        album_count: count(public.filter(|playlist| playlist.is_album)),
        follower_count: count(followers.iter().filter(|follow| !follow.is_delete)),
        following_count: count(followees.iter().filter(|follow| !follow.is_delete)),
        repost_count: count(reposts.iter().filter(|repost| !repost.is_delete)),
        track_save_count: count(
            saves.iter().filter(|save| !save.is_delete && save.save_type == "track"),
        ),
        supporter_count: Some(0),
        supporting_count: Some(0),
        dominant_genre: None,
        dominant_genre_count: None,
        score: Some(0),
        total_track_count: Some(0),
        track_share_count: Some(0),
    };
    let row = recounted(row, scope)?;
    Ok(AggregateUser { total_track_count: Some(0), ..row })
}

/// A track's counters.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn track(track_id: i64, scope: &mut Scope<'_>) -> Result<AggregateTrack, Halt> {
    let comments = scope.find::<Comment>(CommentBy::Entity, ("Track", track_id))?;
    Ok(AggregateTrack {
        track_id,
        repost_count: Some(reposts_of(&["track"], track_id, scope)?),
        save_count: Some(saves_of(&["track"], track_id, scope)?),
        comment_count: count(comments.iter().filter(|comment| comment_counts(comment))),
        share_count: Some(0),
    })
}

/// A playlist's counters.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn playlist(
    playlist_id: i64,
    is_album: bool,
    scope: &mut Scope<'_>,
) -> Result<AggregatePlaylist, Halt> {
    Ok(AggregatePlaylist {
        playlist_id,
        is_album: Some(is_album),
        repost_count: Some(reposts_of(&LISTS, playlist_id, scope)?),
        save_count: Some(saves_of(&LISTS, playlist_id, scope)?),
        share_count: Some(0),
    })
}

/// The types of saves and reposts that count for a playlist.
pub(super) const LISTS: [&str; 2] = ["playlist", "album"];

fn saves_of(kinds: &[&str], id: i64, scope: &mut Scope<'_>) -> Result<i64, Halt> {
    let mut active = 0;
    for kind in kinds {
        let rows = scope.find::<Save>(SaveBy::Item, (*kind, id))?;
        active += rows.iter().filter(|row| !row.is_delete).map(|_| 1).sum::<i64>();
    }
    Ok(active)
}

fn reposts_of(kinds: &[&str], id: i64, scope: &mut Scope<'_>) -> Result<i64, Halt> {
    let mut active = 0;
    for kind in kinds {
        let rows = scope.find::<Repost>(RepostBy::Item, (*kind, id))?;
        active += rows.iter().filter(|row| !row.is_delete).map(|_| 1).sum::<i64>();
    }
    Ok(active)
}
