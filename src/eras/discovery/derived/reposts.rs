//! `handle_repost`: counters, the owner's and the followees' notifications, co-signs.

use std::collections::BTreeSet;

use super::{
    Handled, HandlerError, Note, Scope, Stamp,
    counters::{
        add, add_or_count, change_user, difference, is_album_of, is_banned, playlist, reposts_of,
        track, user,
    },
    milestones::ContentMilestone,
};
use crate::{
    model::{
        Json, Timestamp,
        tables::{
            AggregatePlaylist, AggregateTrack, AggregateUser, Follow, FollowBy, Playlist, Repost,
            RepostBy, Track, first_parent, has_uncastable_parent,
        },
        value::NULL_ELEMENT,
    },
    rules::dates::a_month_before,
};

pub(super) fn inserted(row: &Repost, before: Option<&Repost>, scope: &mut Scope<'_>) -> Handled {
    let is_track = row.repost_type == "track";
    let item = row.repost_item_id;
    let step = difference(before.is_some_and(|old| !old.is_delete), !row.is_delete);
    user(scope, row.user_id)?;
    change_user(scope, row.user_id, |counters| add(&mut counters.repost_count, step))?;
    let (count, is_album) = if is_track {
        let (mut counters, known) = track(scope, item)?;
        if known {
            add(&mut counters.repost_count, step);
        } else {
            counters.repost_count = Some(reposts_of(scope, &row.repost_type, item)?);
        }
        scope.insert(counters.clone())?;
        (counters.repost_count, None)
    } else {
        let is_album = is_album_of(scope, item)?;
        // Where the playlist comes later in the block, there is nothing to count on yet.
        match playlist(scope, item, is_album)? {
            None => (None, Some(false)),
            Some(mut counters) => {
                add_or_count(&mut counters.repost_count, step, || {
                    reposts_of(scope, &row.repost_type, item)
                })?;
                scope.insert(counters.clone())?;
                (counters.repost_count, Some(counters.is_album.unwrap_or(false)))
            }
        }
    };
    if row.is_delete || is_banned(scope, row.user_id)? {
        return Ok(());
    }
    let owner = owner_of(scope, is_track, item)?;
    let stamp = Stamp { blocknumber: row.blocknumber, slot: None, timestamp: row.created_at };
    ContentMilestone {
        name: if is_track { "TRACK_REPOST_COUNT" } else { "PLAYLIST_REPOST_COUNT" },
        item,
        owner,
        count: count.unwrap_or(0),
        is_album,
    }
    .check(stamp, scope)?;
    if is_track && cosign_fails(scope, item)? {
        return Ok(());
    }
    Note {
        kind: "repost",
        group_id: format!("repost:{item}:type:{}", row.repost_type),
        specifier: row.user_id.to_string(),
        user_ids: vec![owner.unwrap_or(NULL_ELEMENT)],
        data: Json::object([
            ("repost_item_id", Json::Int(item)),
            ("user_id", Json::Int(row.user_id)),
            ("type", Json::Str(row.repost_type.clone())),
        ]),
    }
    .write(stamp, scope)?;
    if row.is_repost_of_repost.unwrap_or(false) {
        notify_followees(row, is_album, stamp, scope)?;
    }
    if is_track {
        notify_cosign(row.user_id, item, owner, stamp, scope)?;
    }
    Ok(())
}

fn notify_followees(
    row: &Repost,
    is_album: Option<bool>,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let item = row.repost_item_id;
    // Parity: unlike a save, a repost does not compare the type.
    let receivers =
        followees_who_reposted(scope, row.user_id, (item, &row.repost_type), true, row.created_at)?;
    if receivers.is_empty() {
        return Ok(());
    }
    let kind = if is_album == Some(true) { "album" } else { &row.repost_type };
    Note {
        kind: "repost_of_repost",
        group_id: format!("repost_of_repost:{item}:type:{}", row.repost_type),
        specifier: row.user_id.to_string(),
        user_ids: receivers,
        data: Json::object([
            ("repost_of_repost_item_id", Json::Int(item)),
            ("user_id", Json::Int(row.user_id)),
            ("type", Json::Str(kind.to_owned())),
        ]),
    }
    .write(stamp, scope)
}

/// Whether the co-sign check of a save or repost of the track fails on its first parent.
///
/// Parity: the failure undoes the notifications that the trigger wrote before it.
pub(super) fn cosign_fails(scope: &mut Scope<'_>, track_id: i64) -> Result<bool, HandlerError> {
    let track = scope.stored::<Track>(track_id)?;
    Ok(track.is_some_and(|track| track.remix_of.as_deref().is_some_and(has_uncastable_parent)))
}

/// The owner of a current track or playlist.
pub(super) fn owner_of(
    scope: &mut Scope<'_>,
    is_track: bool,
    item: i64,
) -> Result<Option<i64>, HandlerError> {
    Ok(if is_track {
        scope.stored::<Track>(item)?.map(|track| track.owner_id)
    } else {
        scope.stored::<Playlist>(item)?.map(|playlist| playlist.playlist_owner_id)
    })
}

/// The types of reposts there are.
pub(in super::super) const TYPES: [&str; 3] = ["track", "playlist", "album"];

/// Whether the reposts of an item are fewer than the followees of a user, as their counters have it:
/// then they are the shorter way to the followees who reposted it.
pub(in super::super) fn fewer_reposts(reposts: Option<i64>, followees: Option<i64>) -> bool {
    reposts.unwrap_or(0) <= followees.unwrap_or(0)
}

/// Followees of `user` who reposted the item within the month before `now`, ascending, one entry per
/// repost. Without a `kind`: whatever has the item's number.
pub(super) fn followees_who_reposted(
    scope: &mut Scope<'_>,
    user: i64,
    (item, kind): (i64, &str),
    any_kind: bool,
    now: Timestamp,
) -> Result<Vec<i64>, HandlerError> {
    let since = a_month_before(now);
    let counts = |repost: &Repost| {
        !repost.is_delete
            && (any_kind || repost.repost_type == kind)
            && since < repost.created_at
            && repost.created_at < now
    };
    let followees = scope.stored::<AggregateUser>(user)?.and_then(|row| row.following_count);
    let reposts = if kind == "track" {
        scope.stored::<AggregateTrack>(item)?.and_then(|row| row.repost_count)
    } else {
        scope.stored::<AggregatePlaylist>(item)?.and_then(|row| row.repost_count)
    };
    let mut receivers = Vec::new();
    if fewer_reposts(reposts, followees) {
        let reposts = scope.stored_by::<Repost>(RepostBy::ItemId, item)?;
        for repost in reposts.iter().filter(|repost| counts(repost)) {
            let pair = (user, repost.user_id);
            let follows = scope.stored_by::<Follow>(FollowBy::Pair, pair)?;
            receivers.extend(follows.iter().find(|follow| !follow.is_delete).map(|_| pair.1));
        }
    } else {
        let follows = scope.stored_by::<Follow>(FollowBy::Follower, user)?;
        let followees: BTreeSet<i64> = follows
            .iter()
            .filter(|follow| !follow.is_delete)
            .map(|follow| follow.followee_user_id)
            .collect();
        let kinds = if any_kind { &TYPES[..] } else { &[kind] };
        for followee in followees {
            for kind in kinds {
                let repost = scope.stored::<Repost>((followee, *kind, item))?;
                receivers.extend(repost.filter(|repost| counts(repost)).map(|_| followee));
            }
        }
    }
    receivers.sort_unstable();
    Ok(receivers)
}

/// Tells the remix's owner that the owner of its first parent saved or reposted it.
pub(super) fn notify_cosign(
    actor: i64,
    track_id: i64,
    owner: Option<i64>,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let (Some(track), Some(owner)) = (scope.stored::<Track>(track_id)?, owner) else {
        return Ok(());
    };
    let Some(parent) = track.remix_of.as_deref().and_then(first_parent) else { return Ok(()) };
    if scope.stored::<Track>(parent)?.is_none_or(|parent| parent.owner_id != actor) {
        return Ok(());
    }
    Note {
        kind: "cosign",
        group_id: format!("cosign:parent_track{parent}:original_track:{track_id}"),
        specifier: actor.to_string(),
        user_ids: vec![owner],
        data: Json::object([
            ("parent_track_id", Json::Int(parent)),
            ("track_id", Json::Int(track_id)),
            ("track_owner_id", Json::Int(owner)),
        ]),
    }
    .write(stamp, scope)
}
