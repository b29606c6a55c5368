//! What the process around the indexer does after a call and with plays (frame.md 4).
//!
//! A hook runs on the savepoint of its transaction and logs its errors away. Those of the driver lose
//! what the hook wrote; one of the server would lose the whole transaction.

mod events;
mod plays;
mod pubkey;
#[cfg(test)]
mod tests;

use super::{Call, Handled, Scope, Wants};

pub(super) use plays::{plays, plays_wants};

pub use plays::record;

/// Runs after a handler that succeeded.
///
/// # Errors
/// Only [`super::Halt::Missing`].
pub(super) fn after(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    match (call.tx.entity_type.as_str(), call.tx.action.as_str()) {
        ("User", "Create") => {
            pubkey::note(call, scope)?;
            events::note(call, scope)
        }
        ("User", "Update") => events::note(call, scope),
        _ => Ok(()),
    }
}

/// Names the rows that the hooks of a call read.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    match (call.tx.entity_type.as_str(), call.tx.action.as_str()) {
        ("User", "Create") => {
            pubkey::wants(call, wants);
            events::wants(call, wants);
        }
        ("User", "Update") => events::wants(call, wants),
        _ => {}
    }
}
