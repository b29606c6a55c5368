//! (`User`, Mute) and (`User`, Unmute).

use crate::{
    eras::etl::{
        Call, Halt, Handled, Scope, Wants, ensure, int4,
        signer::{self, authorize},
    },
    model::tables::{MutedUser, User},
};

/// Mutes a user (users.md 1.4). Parity: the hash of the block is not written, which production's
/// column does not take.
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn mute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (user_id, muted) = (call.tx.user_id, call.tx.entity_id);
    authorize(call, user_id, scope)?;
    ensure(scope.get::<User>(int4(muted)?)?.is_some(), "muted_user_not_found")?;
    ensure(user_id != muted, "self_mute")?;
    ensure(!is_muted(call, scope)?, "already_muted")?;
    write(call, false, scope)
}

/// Takes a mute back. The muted user need not exist.
///
/// # Errors
/// See [`mute`].
pub fn unmute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    authorize(call, call.tx.user_id, scope)?;
    ensure(is_muted(call, scope)?, "not_muted")?;
    write(call, true, scope)
}

/// Names what [`mute`] reads.
pub fn mute_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<User>(call.tx.entity_id);
    unmute_wants(call, wants);
}

/// Names what [`unmute`] reads.
pub fn unmute_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<MutedUser>((call.tx.user_id, call.tx.entity_id));
}

fn is_muted(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let key = (call.tx.user_id, int4(call.tx.entity_id)?);
    let row = scope.get::<MutedUser>(key)?;
    Ok(row.is_some_and(|row| row.is_delete != Some(true)))
}

fn write(call: &Call<'_>, is_delete: bool, scope: &mut Scope<'_>) -> Handled {
    let row = MutedUser {
        muted_user_id: call.tx.entity_id,
        user_id: call.tx.user_id,
        created_at: call.now,
        updated_at: call.now,
        is_delete: Some(is_delete),
        txhash: call.tx.hash.clone(),
        blockhash: None,
        blocknumber: Some(scope.block.number),
    };
    scope.upsert(row, |old, row| MutedUser {
        created_at: old.created_at,
        blockhash: old.blockhash.clone(),
        ..row
    })
}
