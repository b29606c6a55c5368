//! (Track, Create) of a genesis (tracks.md 11).

use crate::eras::etl::{
    Call, Handled, Scope, Wants, ensure, signer,
    track::{self, Carried},
};

/// Writes a track with its route, whatever its id, its texts and its conditions.
///
/// # Errors
/// Rejects a call without metadata, with another owner, and an id that is taken; see
/// [`track::store`].
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    ensure(!call.meta.is_none(), "metadata_missing")?;
    track::check_owner(call)?;
    signer::authorize(call, call.tx.user_id, scope)?;
    track::check_new(call, scope)?;
    track::store(call, &Carried::of(call), scope)
}

/// Names what [`create`] reads.
pub(super) fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    track::store_wants(call, &Carried::of(call), wants);
}
