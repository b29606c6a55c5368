//! (User, Create) of a genesis (frame.md 7.2, users.md 1.1).

use crate::{
    eras::etl::{
        Call, Handled, Scope, Wants,
        user::create::{Standing, check_is_new, insert},
    },
    model::tables::User,
};

/// Writes a user as the source has them, whatever their id, handle, name and wallet.
///
/// Parity: the wallet is the signer, so a user without one gets an empty one; nobody checks the pick.
///
/// # Errors
/// Rejects a user who is there; a hard error where a column does not take its value.
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    check_is_new(call.tx.user_id, scope)?;
    let standing = Standing {
        is_verified: call.meta.bool("is_verified").unwrap_or(false),
        is_deactivated: call.meta.bool("is_deactivated").unwrap_or(false),
        is_available: call.meta.bool("is_available").unwrap_or(true),
        artist_pick_track_id: call.meta.int("artist_pick_track_id"),
    };
    insert(call, standing, scope)
}

/// Names what [`create`] reads.
pub(super) fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<User>(call.tx.user_id);
}
