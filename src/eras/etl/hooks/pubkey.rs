//! The public key that a user signed up with (frame.md 4.3).

use base64::Engine as _;

use crate::{
    decode::signer::recover_key,
    eras::etl::{Call, Handled, Scope, Wants},
    model::tables::UserPubkey,
};

/// Stores the key that signed a new user, unless one is there or none can be recovered.
///
/// Parity: whose key it is says the entity id, which nothing compares with the user's; a migrated
/// user gets the key of the migration.
///
/// # Errors
/// Only [`crate::eras::etl::Halt::Missing`].
pub(super) fn note(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let user_id = call.tx.entity_id;
    if i32::try_from(user_id).is_err() || scope.get::<UserPubkey>(user_id)?.is_some() {
        return Ok(());
    }
    let Some(key) = recover_key(call.tx, scope.block.domain) else { return Ok(()) };
    let pubkey_base64 = base64::engine::general_purpose::STANDARD.encode(key);
    scope.insert(UserPubkey { user_id, pubkey_base64 })
}

/// Names what [`note`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<UserPubkey>(call.tx.entity_id);
}
