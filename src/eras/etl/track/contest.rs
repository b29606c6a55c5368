//! Who uploads a remix into an open contest is subscribed to it (tracks.md 9).

use std::sync::Arc;

use super::relations::remix_parents;
use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants},
    model::tables::{CurrentSubscription, Event, EventBy},
};

/// Bytes that the key of the subscription has at most.
const LONGEST_KEY: usize = 200;

/// Subscribes the uploader of a remix to the contest of its first parent.
///
/// Parity: whoever unsubscribed from the contest has a current row already, and loses the track: the
/// conflict that the reference ignores is one of another key.
///
/// # Errors
/// A hard error in this case, and for a parent that the column cannot hold.
pub(super) fn subscribe(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let Some(parent) = contested(call) else { return Ok(()) };
    let Some(event) = open_contest(parent, call, scope)? else { return Ok(()) };
    let uploader = call.tx.user_id;
    if event.user_id == uploader || is_subscribed(uploader, event.event_id, scope)? {
        return Ok(());
    }
    scope.insert(CurrentSubscription {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        subscriber_id: uploader,
        user_id: event.event_id,
        is_current: true,
        is_delete: false,
        created_at: call.now,
        txhash: key(event.event_id, &call.tx.hash),
        entity_type: "Event".to_owned(),
        entity_id: Some(event.event_id),
    })
}

/// Names what [`subscribe`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let Some(parent) = contested(call) else { return };
    for event in wants.found::<Event>(EventBy::Entity, parent) {
        wants.row::<CurrentSubscription>((call.tx.user_id, event.event_id, "Event"));
    }
}

/// The first parent of a remix that is no stem.
fn contested(call: &Call<'_>) -> Option<i64> {
    let is_stem = call.meta.get("stem_of").is_some_and(|stem_of| stem_of.as_object().is_some());
    if is_stem { None } else { remix_parents(call).next() }
}

fn open_contest(
    parent: i64,
    call: &Call<'_>,
    scope: &mut Scope<'_>,
) -> Result<Option<Arc<Event>>, Halt> {
    let events = scope.find::<Event>(EventBy::Entity, parent)?;
    let is_open = |event: &Arc<Event>| {
        event.event_type == "remix_contest"
            && event.is_deleted == Some(false)
            && event.end_date.is_none_or(|end| end > call.instant)
    };
    Ok(events.into_iter().find(is_open))
}

fn is_subscribed(user_id: i64, event_id: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let row = scope.get::<CurrentSubscription>((user_id, event_id, "Event"))?;
    Ok(row.is_some_and(|row| !row.is_delete))
}

/// The hash under which the subscription stands.
fn key(event_id: i64, tx_hash: &str) -> String {
    let mut key = format!("auto_e{event_id}_{tx_hash}");
    let end = key.floor_char_boundary(LONGEST_KEY);
    key.truncate(end);
    key
}
