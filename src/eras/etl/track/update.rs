//! (Track, Update) (tracks.md 3).

use super::{authorities, collaborators, create, fields, gates, owned, price, relations, routes};
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, signer},
    model::tables::Track,
};

/// What an Update cannot change (tracks.md 3.2).
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
    "track_id",
    "owner_id",
    "is_available",
    "ddex_app",
];

/// Changes the columns that were sent, with remixes, stems, collaborators, price and route.
///
/// Parity: a call without metadata is accepted, and moves time, hash and block number only.
///
/// # Errors
/// Rejects a track that is not there or not the user's. A malformed price is a reject after the row
/// and what belongs to it are written: the old route stays (tracks.md 5.3).
pub(super) fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    create::check_texts(&call.meta)?;
    gates::check(&call.meta)?;
    signer::authorize(call, call.tx.user_id, scope)?;
    let old = owned(call, scope)?;
    let meta = call.meta.clone().hiding(IMMUTABLE);
    let is_renamed = title(call).is_some_and(|title| old.title.as_deref() != Some(title));
    scope.update(&old, fields::updated(call, &meta, &old, scope))?;
    if meta.has("remix_of") {
        relations::replace_remixes(call, scope)?;
    }
    relations::add_stem(call, scope)?;
    if meta.has("collaborators") {
        collaborators::reconcile(call, scope)?;
    }
    price::record(call, scope)?;
    authorities::update(call, scope)?;
    match title(call).filter(|_| is_renamed) {
        Some(title) => routes::rename(call, title, scope),
        None => Ok(()),
    }
}

/// Names what [`update`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    let track = wants.look::<Track>(call.tx.entity_id).row();
    let Some(track) = track.filter(|track| track.owner_id == call.tx.user_id) else { return };
    relations::wants(call, wants);
    if call.meta.has("collaborators") {
        collaborators::wants(call, wants);
    }
    price::wants(call, wants);
    if let Some(title) = title(call).filter(|title| track.title.as_deref() != Some(title)) {
        routes::rename_wants(call, title, wants);
    }
}

fn title<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    call.meta.filled("title")
}
