//! (User, Mute) and (User, Unmute).

use crate::{
    eras::discovery::{Call, Handled, Scope, ensure, reject, signer::authorize},
    model::{
        key::Key,
        tables::{MutedUser, User},
    },
};

/// Mutes another user; oneself, too (handlers-a 1). A mute that was taken back begins anew.
pub fn mute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let key = Key::from((tx.user_id, tx.entity_id));
    scope.want::<MutedUser>(key.clone());
    authorize(tx, scope)?;
    let existing = scope.view::<MutedUser>(key)?;
    ensure(existing.is_none_or(|row| row.is_delete == Some(true)), "already_muted")?;
    ensure(scope.view::<User>(tx.entity_id)?.is_some(), "muted_user_not_found")?;
    scope.put(MutedUser {
        muted_user_id: tx.entity_id,
        user_id: tx.user_id,
        created_at: scope.block.time,
        updated_at: scope.block.time,
        is_delete: Some(false),
        txhash: tx.hash.clone(),
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
    })
}

/// Takes a mute back, again and again (handlers-a 1).
pub fn unmute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let key = Key::from((tx.user_id, tx.entity_id));
    scope.want::<MutedUser>(key.clone());
    authorize(tx, scope)?;
    ensure(scope.view::<User>(tx.entity_id)?.is_some(), "muted_user_not_found")?;
    let row = scope.view::<MutedUser>(key)?.ok_or_else(|| reject("not_muted"))?;
    scope.put(MutedUser {
        updated_at: scope.block.time,
        is_delete: Some(true),
        txhash: tx.hash.clone(),
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        ..(*row).clone()
    })
}
