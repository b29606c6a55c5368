//! (Event, Delete) (handlers-c 4.3).

use super::{change, owned};
use crate::{
    eras::discovery::{Call, Handled, Scope, signer::authorize},
    model::tables::Event,
};

/// Marks an event as deleted, again and again.
///
/// # Errors
/// Skips unknown events and rejects those of others.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want::<Event>(tx.entity_id);
    authorize(tx, scope)?;
    let event = Event { is_deleted: Some(true), ..owned(tx, scope)? };
    change(event, tx, scope)
}
