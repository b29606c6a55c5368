//! (Playlist, Delete) (handlers-b 9).

use super::{copied, validate};
use crate::{
    eras::discovery::{Call, Handled, Scope, signer, track::check_ddex_signer},
    model::tables::Playlist,
};

/// Marks a playlist as deleted. Its routes, tracks and prices stay; deleting it again succeeds.
///
/// # Errors
/// Rejects an unauthorised signer, an unknown playlist, another user's, and one of another DDEX
/// app.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    signer::authorize(tx, scope)?;
    let existing = validate::owned_playlist(tx, scope)?;
    scope.touch::<Playlist>();
    check_ddex_signer(tx, existing.ddex_app.as_deref())?;
    let mut playlist = copied(&existing, tx, scope.block);
    playlist.is_delete = true;
    scope.put(playlist)
}
