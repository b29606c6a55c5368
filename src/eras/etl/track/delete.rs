//! (Track, Delete) (tracks.md 3.5).

use super::owned;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, signer},
    model::tables::{Stem, StemBy, Track},
};

/// Marks a track as deleted; it is no stem any more. Routes, remixes and prices stay.
///
/// # Errors
/// Rejects a track that is not there, is deleted already, or is somebody else's.
pub(super) fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let old = owned(call, scope)?;
    let deleted = Track {
        is_delete: true,
        stem_of: None,
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*old).clone()
    };
    scope.update(&old, deleted)?;
    scope.delete_found::<Stem>(StemBy::Child, call.tx.entity_id)
}

/// Names what [`delete`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Track>(call.tx.entity_id);
    wants.rows::<Stem>(StemBy::Child, call.tx.entity_id);
}
