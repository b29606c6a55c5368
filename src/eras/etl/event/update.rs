//! (Event, Update) (social.md 5.2).

use super::{
    CONTEST,
    create::{data, stored},
    end_date, owned,
};
use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, signer},
    model::{Timestamp, tables::Event},
};

/// Changes the end and the data of an event, where they are sent.
///
/// Parity: without metadata the row is only touched.
///
/// # Errors
/// Rejects unknown and deleted events and those of others, and ends that are malformed or too early.
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let old = owned(call, scope)?;
    let end = match call.meta.filled("end_date") {
        Some(text) => Some(new_end(text, &old, call.now)?),
        None => old.end_date,
    };
    let new = Event {
        end_date: end,
        event_data: data(call).or_else(|| old.event_data.clone()),
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*old).clone()
    };
    scope.update(&old, new)
}

/// Names what [`update`] reads.
pub fn update_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Event>(call.tx.entity_id);
}

/// Reads a new end: contests may only be prolonged, other events must not end in the past.
fn new_end(text: &str, old: &Event, now: Timestamp) -> Result<Timestamp, Halt> {
    let end = end_date(text)?;
    match old.end_date.filter(|_| old.event_type == CONTEST) {
        Some(current) => ensure(end.instant() >= current, "end_date_earlier")?,
        None => ensure(end.instant() >= now, "end_date_past")?,
    }
    stored(end)
}
