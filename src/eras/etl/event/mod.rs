//! Events: remix contests and others (social.md 5).

mod create;
mod delete;
mod update;

use std::sync::Arc;

pub use create::{create, create_wants, insert, shape};
pub use delete::{delete, delete_wants};
pub use update::{update, update_wants};

use super::{
    Call, Halt, Scope, ensure,
    entry::{Entry, entry},
    int4, reject, signer,
};
use crate::{
    model::tables::Event,
    rules::dates::{GoTime, rfc3339, wall_clock},
};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("Event", "Create", create_wants, create),
    entry("Event", "Update", update_wants, update),
    entry("Event", "Delete", delete_wants, delete),
];

/// Event type of remix contests.
pub const CONTEST: &str = "remix_contest";

/// The event of an id, unless it is deleted.
///
/// # Errors
/// A hard error for an id that the column does not hold.
pub fn live(event_id: i64, scope: &mut Scope<'_>) -> Result<Option<Arc<Event>>, Halt> {
    let event = scope.get::<Event>(int4(event_id)?)?;
    Ok(event.filter(|event| event.is_deleted == Some(false)))
}

/// The undeleted event of a call, if it is the acting user's.
fn owned(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Arc<Event>, Halt> {
    signer::authorize(call, call.tx.user_id, scope)?;
    let event = live(call.tx.entity_id, scope)?.ok_or_else(|| reject("event_not_found"))?;
    ensure(event.user_id == call.tx.user_id, "event_of_other")?;
    Ok(event)
}

/// Reads the end of an event.
fn end_date(text: &str) -> Result<GoTime<'_>, Halt> {
    rfc3339(text).or_else(|| wall_clock(text, b'T')).ok_or_else(|| reject("end_date_malformed"))
}

#[cfg(test)]
mod tests;
