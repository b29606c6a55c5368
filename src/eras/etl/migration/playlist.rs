//! (Playlist, Create) of a genesis (frame.md 7.2, social.md 7).

use crate::eras::etl::{
    Call, Handled, Scope, Wants, ensure,
    playlist::{self, Carried},
    signer,
};

/// Writes a playlist with its route and the tracks that left it, whatever its id and its texts.
///
/// # Errors
/// Rejects a call without metadata and an id that is taken; see [`playlist::store`].
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    ensure(!call.meta.is_none(), "metadata_missing")?;
    signer::authorize(call, call.tx.user_id, scope)?;
    ensure(!playlist::exists(call.tx.entity_id, scope)?, "playlist_exists")?;
    playlist::store(call, &Carried::of(call), scope)
}

/// Names what [`create`] reads.
pub(super) fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    playlist::exists_wants(call.tx.entity_id, wants);
    playlist::store_wants(call, &Carried::of(call), wants);
}
