//! `handle_follow`: counters move by one per inserted row, without a recount.

use super::{
    Handled, HandlerError, Note, Scope, Stamp,
    counters::{add, change_user, is_banned, user},
    milestones::reach,
};
use crate::{
    model::{
        Json,
        tables::{AggregateUser, Follow},
    },
    rules::milestones::FOLLOWERS,
};

/// Moves both users' counters; returns the followee's.
pub(super) fn count(row: &Follow, scope: &mut Scope<'_>) -> Result<AggregateUser, HandlerError> {
    let (follower, followee) = (row.follower_user_id, row.followee_user_id);
    scope.want::<AggregateUser>(follower);
    user(scope, followee)?;
    user(scope, follower)?;
    let step = if row.is_delete { -1 } else { 1 };
    change_user(scope, follower, |counters| add(&mut counters.following_count, step))?;
    change_user(scope, followee, |counters| add(&mut counters.follower_count, step))
}

pub(super) fn inserted(row: &Follow, _: Option<&Follow>, scope: &mut Scope<'_>) -> Handled {
    let (follower, followee) = (row.follower_user_id, row.followee_user_id);
    let counters = count(row, scope)?;
    if row.is_delete || is_banned(scope, follower)? {
        return Ok(());
    }
    let stamp = Stamp { blocknumber: row.blocknumber, slot: row.slot, timestamp: row.created_at };
    let count = counters.follower_count.unwrap_or(0);
    if FOLLOWERS.contains(&count) {
        reach(scope, "FOLLOWER_COUNT", followee, count, stamp)?;
        Note {
            kind: "milestone_follower_count",
            group_id: format!("milestone:FOLLOWER_COUNT:id:{followee}:threshold:{count}"),
            specifier: followee.to_string(),
            user_ids: vec![followee],
            data: Json::object([
                ("type", Json::Str("FOLLOWER_COUNT".to_owned())),
                ("user_id", Json::Int(followee)),
                ("threshold", Json::Int(count)),
            ]),
        }
        .write(stamp, scope)?;
    }
    Note {
        kind: "follow",
        group_id: format!("follow:{followee}"),
        specifier: follower.to_string(),
        user_ids: vec![followee],
        data: Json::object([
            ("followee_user_id", Json::Int(followee)),
            ("follower_user_id", Json::Int(follower)),
        ]),
    }
    .write(stamp, scope)
}
