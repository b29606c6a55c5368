//! (Playlist, Create) (handlers-b 9).

use super::{fields, membership, price, routes, validate};
use crate::{
    eras::discovery::{Call, Handled, Scope, ensure, signer},
    model::{Json, tables::Playlist},
};

/// Lowest playlist id that may be created.
const FIRST_ID: i64 = 400_000;

/// Creates a playlist or album. A malformed price rejects the call, yet everything but the price is
/// written by then (handlers-b 1.5).
///
/// # Errors
/// See handlers-b 9, "Rejects".
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    fields::preload(call, scope);
    signer::authorize(tx, scope)?;
    ensure(scope.view::<Playlist>(tx.entity_id)?.is_none(), "playlist_exists")?;
    ensure(tx.entity_id >= FIRST_ID, "playlist_id_below_offset")?;
    let data = validate::metadata(call)?;

    let mut playlist = fields::new_playlist(call, data, scope.block)?;
    routes::update(tx, &playlist, true, scope)?;
    let merge = fields::merge(&mut playlist, call, data, true, scope)?;
    merge.finish()?;
    scope.put(playlist.clone())?;
    membership::update(&playlist, &Json::Null, scope)?;
    price::record(&playlist, data, scope)
}
