//! `handle_track`: the owner's counters, and what followers of a new public track are told.

use super::{
    Handled, Note, Scope, Stamp, contests,
    counters::{
        add, change_user, counts_as_listed, counts_as_track, difference, recount_tracks, track,
    },
};
use crate::model::{
    Json,
    tables::{AggregateUser, Notification, Subscription, SubscriptionBy, Track, first_parent},
};

pub(super) fn inserted(row: &Track, before: Option<&Track>, scope: &mut Scope<'_>) -> Handled {
    track(scope, row.track_id)?;
    if scope.stored::<AggregateUser>(row.owner_id)?.is_some() {
        let total = difference(before.is_some_and(counts_as_track), counts_as_track(row));
        let listed = difference(before.is_some_and(counts_as_listed), counts_as_listed(row));
        change_user(scope, row.owner_id, |counters| {
            add(&mut counters.total_track_count, total);
            add(&mut counters.track_count, listed);
        })?;
    } else {
        recount_tracks(scope, row.owner_id)?;
    }
    if !counts_as_listed(row) {
        return Ok(());
    }
    let stamp = Stamp { blocknumber: row.blocknumber, slot: None, timestamp: row.updated_at };
    if !row.is_playlist_upload.unwrap_or(false) {
        let group_id = format!("create:track:user_id:{}", row.owner_id);
        let specifier = row.track_id.to_string();
        tell_subscribers(row.owner_id, (group_id, specifier), stamp, scope, || {
            Json::object([("track_id", Json::Int(row.track_id))])
        })?;
    }
    let Some(parent) = row.remix_of.as_deref().and_then(first_parent) else { return Ok(()) };
    notify_remix(row, parent, stamp, scope)?;
    contests::submission(parent, stamp, scope)
}

fn notify_remix(row: &Track, parent: i64, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    let Some(original) = scope.stored::<Track>(parent)? else { return Ok(()) };
    Note {
        kind: "remix",
        group_id: format!("remix:track:{}:parent_track:{parent}", row.track_id),
        specifier: row.owner_id.to_string(),
        user_ids: vec![original.owner_id],
        data: Json::object([
            ("track_id", Json::Int(row.track_id)),
            ("parent_track_id", Json::Int(parent)),
        ]),
    }
    .write(stamp, scope)
}

/// Tells the active subscribers of a user, if there are any, what the user made. Who they are is
/// asked only if they were not told before: popular users have many.
pub(super) fn tell_subscribers(
    user_id: i64,
    (group_id, specifier): (String, String),
    stamp: Stamp,
    scope: &mut Scope<'_>,
    data: impl FnOnce() -> Json,
) -> Handled {
    if scope.stored::<Notification>((&group_id, &specifier))?.is_some() {
        return Ok(());
    }
    let rows = scope.stored_by::<Subscription>(SubscriptionBy::User, user_id)?;
    let active = rows.iter().filter(|row| !row.is_delete);
    let mut user_ids: Vec<i64> = active.map(|row| row.subscriber_id).collect();
    if user_ids.is_empty() {
        return Ok(());
    }
    user_ids.sort_unstable();
    Note { kind: "create", group_id, specifier, user_ids, data: data() }.write(stamp, scope)
}
