//! (Event, Update) (handlers-c 4.2).

use std::sync::Arc;

use super::{CONTEST, change, end_date, owned, winners::Winners};
use crate::{
    eras::discovery::{Call, Handled, Scope, ensure, signer::authorize, skip},
    model::{Timestamp, tables::Event},
    rules::columns,
};

/// Changes the end date and the data of an event: what is sent replaces what was there.
///
/// # Errors
/// Rejects events of others and end dates that are malformed or too early; skips unknown events
/// and empty metadata, and data whose winners are no list.
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want::<Event>(tx.entity_id);
    authorize(tx, scope)?;
    let mut event = owned(tx, scope)?;
    let data = call.data().ok_or_else(|| skip("metadata_empty"))?;
    if let Some(end) = end_date::instant(call.sent("end_date"))? {
        check_end(&event, end, scope)?;
    }
    let sent_data = data.get("event_data");
    let winners = Winners::of(&event, sent_data)?;
    if winners.are_first() {
        super::winners::announce(tx.entity_id, scope)?;
    }
    if let Some(end) = data.get("end_date") {
        event.end_date = columns::timestamp(end)?;
    }
    if let Some(sent) = sent_data {
        event.event_data = Some(Arc::new(sent.clone()));
    }
    change(event, tx, scope)?;
    winners.check()
}

/// A contest may only be prolonged; other events must not end in the past.
///
/// Parity: an end date that was set earlier in the block is still text to the reference, which then
/// fails to compare it. One that equals the stored one is not recognised here.
fn check_end(event: &Event, end: Timestamp, scope: &Scope<'_>) -> Handled {
    let Some(current) = event.end_date.filter(|_| event.event_type == CONTEST) else {
        return ensure(end >= scope.block.time, "end_date_past");
    };
    let before = scope.at_block_start::<Event>(event.event_id);
    if before.and_then(|before| before.end_date) != Some(current) {
        return Err(skip("end_date_pending"));
    }
    ensure(end >= current, "end_date_earlier")
}
