//! Events, in practice remix contests (handlers-c 4).
//!
//! Update and Delete change the stored row at once instead of replacing it at block end; an event
//! created earlier in the block is changed where it waits.

mod create;
mod delete;
mod end_date;
mod update;
mod winners;

pub use create::create;
pub use delete::delete;
pub use update::update;

use super::{Handled, HandlerError, Scope, ensure, skip};
use crate::model::{EntityTx, tables::Event};

/// What makes an event a remix contest.
const CONTEST: &str = "remix_contest";

/// The event of a call, provided that the acting user owns it.
///
/// Parity: an unknown event is a `KeyError`, so a skip; a deleted one counts.
///
/// # Errors
/// Skips unknown events and rejects those of others.
fn owned(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<Event, HandlerError> {
    let event = scope.view::<Event>(tx.entity_id)?.ok_or_else(|| skip("event_not_found"))?;
    ensure(event.user_id == tx.user_id, "event_of_other")?;
    Ok((*event).clone())
}

/// Writes a changed event with the block columns of the call.
fn change(mut event: Event, tx: &EntityTx, scope: &mut Scope<'_>) -> Handled {
    event.updated_at = scope.block.time;
    event.txhash.clone_from(&tx.hash);
    event.blockhash.clone_from(&scope.block.hash);
    event.blocknumber = Some(scope.block.number);
    if scope.stored::<Event>(event.event_id)?.is_some() {
        scope.insert(event)
    } else {
        scope.put(event)
    }
}

#[cfg(test)]
mod tests;
