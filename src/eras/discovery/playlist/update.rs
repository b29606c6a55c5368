//! (Playlist, Update) (handlers-b 9).

use super::{copied, fields, membership, price, routes, validate};
use crate::{
    eras::discovery::{Call, Handled, Scope, signer, track::check_ddex_signer},
    model::tables::Playlist,
};

/// Updates a playlist by the keys that were sent; a deleted one stays deleted.
///
/// Parity: its route and its tracks are brought in line even when no name and no contents were
/// sent, and a malformed price
/// rejects the call when everything else is written.
///
/// # Errors
/// See handlers-b 9, "Rejects".
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    fields::preload(call, scope);
    signer::authorize(tx, scope)?;
    let existing = validate::owned_playlist(tx, scope)?;
    let data = validate::metadata(call)?;
    scope.touch::<Playlist>();
    check_ddex_signer(tx, existing.ddex_app.as_deref())?;

    let mut playlist = copied(&existing, tx, scope.block);
    let merge = fields::merge(&mut playlist, call, data, false, scope)?;
    routes::update(tx, &playlist, false, scope)?;
    membership::update(&playlist, &existing.playlist_contents, scope)?;
    merge.finish()?;
    scope.put(playlist.clone())?;
    price::record(&playlist, data, scope)
}
