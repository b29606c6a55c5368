//! `handle_follow` (triggers.md 4.1).

use std::sync::Arc;

use super::{
    Handled, Scope,
    counters::{add_to_user, difference, is_banned},
    milestones,
    note::{Note, Stamp},
    swallowing,
};
use crate::{
    model::{Json, tables::CurrentFollow},
    rules::milestones::FOLLOWERS,
};

/// Moves the counters of both, and tells the followee.
///
/// Parity: a row that was active and is written again as active moves nothing, and is told again
/// where that was not done.
pub(super) fn fired(
    old: Option<&CurrentFollow>,
    new: &Arc<CurrentFollow>,
    scope: &mut Scope<'_>,
) -> Handled {
    let (follower, followee) = (new.follower_user_id, new.followee_user_id);
    let step = difference(old.is_some_and(|old| !old.is_delete), !new.is_delete);
    add_to_user(follower, |row| &mut row.following_count, step, scope)?;
    let count = add_to_user(followee, |row| &mut row.follower_count, step, scope)?;
    if new.is_delete || is_banned(follower, scope)? {
        return Ok(());
    }
    if let Some(count) = count.filter(|count| FOLLOWERS.contains(count)) {
        reach_milestone(new, count, scope)?;
    }
    swallowing(scope, |scope| {
        Note {
            kind: "follow",
            group_id: group(followee),
            specifier: follower.to_string(),
            user_ids: vec![followee],
            data: Json::object([
                ("followee_user_id", Json::Int(followee)),
                ("follower_user_id", Json::Int(follower)),
            ]),
        }
        .write(Stamp::of(new.blocknumber, new.created_at), scope)
    })
}

/// The group of the notification of a new follower.
pub(super) fn group(followee: i64) -> String {
    format!("follow:{followee}")
}

fn reach_milestone(new: &CurrentFollow, count: i64, scope: &mut Scope<'_>) -> Handled {
    const NAME: &str = "FOLLOWER_COUNT";
    let followee = new.followee_user_id;
    let stamp = Stamp { blocknumber: new.blocknumber, slot: new.slot, timestamp: new.created_at };
    milestones::reach(NAME, followee, count, stamp, scope)?;
    Note {
        kind: "milestone_follower_count",
        group_id: milestones::group(NAME, followee, count),
        specifier: followee.to_string(),
        user_ids: vec![followee],
        data: Json::object([
            ("type", Json::Str(NAME.to_owned())),
            ("user_id", Json::Int(followee)),
            ("threshold", Json::Int(count)),
        ]),
    }
    .write(Stamp::of(new.blocknumber, new.created_at), scope)
}
