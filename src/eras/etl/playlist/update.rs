//! (Playlist, Update) (social.md 2.8).

use super::{contents::Contents, fields, membership, owned, price, routes};
use crate::{
    eras::etl::{Call, Handled, Metadata, Scope, Wants, signer},
    model::tables::Playlist,
};

/// What an Update cannot change (social.md 2.2).
const IMMUTABLE: &[&str] = &[
    "blocknumber",
    "blockhash",
    "txhash",
    "created_at",
    "updated_at",
    "slot",
    "metadata_multihash",
    "is_current",
    "is_delete",
    "playlist_id",
    "playlist_owner_id",
    "is_album",
    "ddex_app",
];

/// Changes the columns that were sent, with members, price and route.
///
/// Parity: a call without metadata is accepted, and moves time, hash and block number only.
///
/// # Errors
/// Rejects a playlist that is not there or not the user's. A malformed price is a reject after the
/// row and its members are written: the old route stays (social.md 2.7).
pub(super) fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    fields::check_description(&call.meta)?;
    signer::authorize(call, call.tx.user_id, scope)?;
    let old = owned(call, scope)?;
    let meta = changeable(call);
    let contents = Contents::sent(&meta);
    let new = fields::updated(call, &meta, &old, &contents, scope);
    let name = new.playlist_name.clone();
    let is_renamed = meta.filled("playlist_name").is_some() && name != old.playlist_name;
    scope.update::<Playlist>(&old, new)?;
    if contents.is_sent() {
        membership::update(call, contents.tracks(), scope)?;
    }
    price::record(call, scope)?;
    match name.filter(|_| is_renamed) {
        Some(name) => routes::rename(call, &name, scope),
        None => Ok(()),
    }
}

/// Names what [`update`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    let playlist = wants.look::<Playlist>(call.tx.entity_id).row();
    let Some(playlist) = playlist.filter(|row| row.playlist_owner_id == call.tx.user_id) else {
        return;
    };
    let contents = Contents::sent(&call.meta);
    if contents.is_sent() {
        membership::wants(call.tx.entity_id, contents.tracks(), wants);
    }
    price::wants(call, wants);
    let name = call.meta.filled("playlist_name");
    if let Some(name) = name.filter(|name| Some(*name) != playlist.playlist_name.as_deref()) {
        routes::rename_wants(call, name, wants);
    }
}

fn changeable<'a>(call: &Call<'a>) -> Metadata<'a> {
    call.meta.clone().hiding(IMMUTABLE)
}
