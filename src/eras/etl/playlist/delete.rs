//! (Playlist, Delete) (social.md 2.9).

use super::owned;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, signer},
    model::tables::Playlist,
};

/// Marks a playlist as deleted; its members and routes stay.
///
/// # Errors
/// Rejects a playlist that is not there, deleted already, or not the user's.
pub(super) fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let old = owned(call, scope)?;
    let new = Playlist {
        is_delete: true,
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*old).clone()
    };
    scope.update(&old, new)
}

/// Names what [`delete`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Playlist>(call.tx.entity_id);
}
