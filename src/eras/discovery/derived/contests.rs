//! Remix contests: who is told that one began, and how many entries it has.

use std::collections::BTreeSet;

use super::{Handled, Note, Scope, Stamp};
use crate::model::{
    Json,
    tables::{
        Event, EventBy, Follow, FollowBy, Save, SaveBy, Track, TrackBy, has_uncastable_parent,
    },
};

/// Entries at which the host is told.
const SUBMISSION_MILESTONES: [usize; 3] = [1, 10, 50];

/// `handle_event`: tells the host's followers and the track's savers that a contest began.
pub(super) fn event_inserted(row: &Event, _: Option<&Event>, scope: &mut Scope<'_>) -> Handled {
    if row.event_type != "remix_contest" || row.is_deleted.unwrap_or(false) {
        return Ok(());
    }
    let Some(track_id) = row.entity_id else { return Ok(()) };
    let Some(track) = scope.stored::<Track>(track_id)? else { return Ok(()) };
    if track.is_unlisted.unwrap_or(false) {
        return Ok(());
    }
    scope.want_by::<Save>(SaveBy::Item, ("track", track_id));
    let followers = scope.stored_by::<Follow>(FollowBy::Followee, row.user_id)?;
    let savers = scope.stored_by::<Save>(SaveBy::Item, ("track", track_id))?;
    let receivers: BTreeSet<i64> = followers
        .iter()
        .filter(|follow| !follow.is_delete)
        .map(|follow| follow.follower_user_id)
        .chain(savers.iter().filter(|save| !save.is_delete).map(|save| save.user_id))
        .collect();
    let stamp = Stamp { blocknumber: row.blocknumber, slot: None, timestamp: row.created_at };
    for receiver in receivers {
        Note {
            kind: "fan_remix_contest_started",
            group_id: format!("fan_remix_contest_started:{track_id}:user:{}", row.user_id),
            specifier: receiver.to_string(),
            user_ids: vec![receiver],
            data: Json::object([
                ("entity_user_id", Json::Int(track.owner_id)),
                ("entity_id", Json::Int(track_id)),
            ]),
        }
        .write(stamp, scope)?;
    }
    Ok(())
}

/// Part of `handle_track`: a public remix of a track with a running contest is an entry.
pub(super) fn submission(parent: i64, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    let events = scope.stored_by::<Event>(EventBy::Entity, parent)?;
    let contests: Vec<_> = events
        .iter()
        .filter(|event| event.event_type == "remix_contest" && !event.is_deleted.unwrap_or(false))
        .collect();
    // Parity: the trigger compares with the database's own clock, not with block time. A contest
    // that ends while the chain is followed has ended by block time as well.
    let now = scope.env.database_now.max(scope.block.time);
    let Some(running) = contests.iter().find(|event| event.end_date.is_some_and(|end| end > now))
    else {
        return Ok(());
    };
    // Parity: the count casts the first parent of every remix there is, so one that can't be cast
    // makes it fail for all contests.
    let odd = scope.stored_by::<Track>(TrackBy::OddParents, 1)?;
    if odd.iter().any(|track| {
        !track.is_delete && track.remix_of.as_deref().is_some_and(has_uncastable_parent)
    }) {
        return Ok(());
    }
    let remixes = scope.stored_by::<Track>(TrackBy::FirstParent, parent)?;
    // Parity: the count joins every contest of the track, so an entry counts once per contest that
    // it is not older than.
    let entries = contests
        .iter()
        .map(|contest| {
            remixes
                .iter()
                .filter(|track| !track.is_delete && track.created_at >= contest.created_at)
                .count()
        })
        .sum::<usize>();
    if !SUBMISSION_MILESTONES.contains(&entries) {
        return Ok(());
    }
    let milestone = i64::try_from(entries).unwrap_or(i64::MAX);
    Note {
        kind: "artist_remix_contest_submissions",
        group_id: format!("artist_remix_contest_submissions:{}:{milestone}", running.event_id),
        specifier: format!("{milestone}:{}", running.event_id),
        user_ids: vec![running.user_id],
        data: Json::object([
            ("event_id", Json::Int(running.event_id)),
            ("milestone", Json::Int(milestone)),
            ("entity_id", Json::Int(parent)),
        ]),
    }
    .write(stamp, scope)
}
