//! (Event, Delete) (social.md 5.3).

use super::owned;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, signer},
    model::tables::Event,
};

/// Deletes an event.
///
/// # Errors
/// Rejects unknown and deleted events and those of others.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let old = owned(call, scope)?;
    let new = Event {
        is_deleted: Some(true),
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*old).clone()
    };
    scope.update(&old, new)
}

/// Names what [`delete`] reads.
pub fn delete_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Event>(call.tx.entity_id);
}
