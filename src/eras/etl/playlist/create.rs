//! (Playlist, Create) (social.md 2.1).

use super::{
    Carried, contents::Contents, exists, exists_wants, fields, membership, price, removed, routes,
};
use crate::eras::etl::{Call, Handled, Scope, Wants, ensure, signer};

/// Ids below are those of playlists from before the chain.
const FIRST_ID: i64 = 400_000;

/// Adds a playlist.
///
/// # Errors
/// Rejects an id that is too low or taken, and a call without metadata; see [`store`].
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    ensure(call.tx.entity_id >= FIRST_ID, "playlist_id_too_low")?;
    ensure(!call.meta.is_none(), "metadata_missing")?;
    fields::check_description(&call.meta)?;
    signer::authorize(call, call.tx.user_id, scope)?;
    ensure(!exists(call.tx.entity_id, scope)?, "playlist_exists")?;
    store(call, &Carried::default(), scope)
}

/// Names what [`create`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    exists_wants(call.tx.entity_id, wants);
    store_wants(call, &Carried::default(), wants);
}

/// Writes the playlist of a call with its members, price and routes.
///
/// # Errors
/// Rejects a price that is malformed; the playlist and its members stay, without a route
/// (social.md 2.7). A hard error where a column does not take its value, and for a slug that is
/// taken.
pub fn store(call: &Call<'_>, carried: &Carried<'_>, scope: &mut Scope<'_>) -> Handled {
    let contents = Contents::sent(&call.meta);
    let playlist = fields::created(call, &contents, carried.is_delete, scope);
    scope.insert(playlist)?;
    membership::update(call, contents.tracks(), scope)?;
    removed::store(call, &carried.removed, contents.tracks(), scope)?;
    price::record(call, scope)?;
    routes::create(call, carried.route.as_ref(), scope)
}

/// Names what [`store`] reads.
pub fn store_wants(call: &Call<'_>, carried: &Carried<'_>, wants: &mut Wants<'_>) {
    let contents = Contents::sent(&call.meta);
    membership::wants(call.tx.entity_id, contents.tracks(), wants);
    removed::wants(call.tx.entity_id, &carried.removed, wants);
    price::wants(call, wants);
    routes::create_wants(call, carried.route.as_ref(), wants);
}
