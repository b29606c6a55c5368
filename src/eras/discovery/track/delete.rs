//! (Track, Delete) (handlers-b 7).

use super::{clause::null_clause, copied, relations, validate};
use crate::{
    eras::discovery::{Call, Handled, Scope, signer},
    model::tables::{Stem, StemBy, Track},
};

/// Marks a track as deleted and detaches it from the track it is a stem of. Routes, remixes and
/// playlists keep it. Deleting it again succeeds.
///
/// # Errors
/// Rejects an unauthorised signer, an unknown track, another user's, and one of another DDEX app.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want_by::<Stem>(StemBy::Child, tx.entity_id);
    signer::authorize(tx, scope)?;
    let existing = validate::owned_track(tx, scope)?;
    scope.touch::<Track>();
    validate::check_ddex_signer(tx, existing.ddex_app.as_deref())?;

    let mut track = copied(&existing, tx, scope.block);
    track.is_delete = true;
    track.stem_of = null_clause();
    relations::remove_stems(track.track_id, scope)?;
    scope.put(track)
}
