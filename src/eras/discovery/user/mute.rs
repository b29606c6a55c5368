//! (User, Mute) and (User, Unmute).

use crate::{
    eras::discovery::{Call, Handled, Scope, ensure, reject, signer::authorize},
    model::{
        key::Key,
        tables::{MutedUser, User},
    },
};

/// Mutes another user; oneself, too (handlers-a 1).
pub fn mute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let key = Key::from((tx.user_id, tx.entity_id));
    scope.want::<MutedUser>(key.clone());
    authorize(tx, scope)?;
    ensure(tx.user_id != tx.entity_id || scope.env.rules.self_mute, "self_mute")?;
    let existing = scope.view::<MutedUser>(key)?;
    ensure(existing.as_ref().is_none_or(|row| row.is_delete == Some(true)), "already_muted")?;
    ensure(scope.view::<User>(tx.entity_id)?.is_some(), "muted_user_not_found")?;
    let kept = existing.filter(|_| !scope.env.rules.rewrites_reset_created_at);
    scope.put(MutedUser {
        muted_user_id: tx.entity_id,
        user_id: tx.user_id,
        created_at: kept.map_or(scope.block.time, |row| row.created_at),
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
    let repeats = scope.env.rules.unmute_repeats;
    let user = scope.view::<User>(tx.entity_id)?;
    ensure(user.is_some() || !repeats, "muted_user_not_found")?;
    let row = scope.view::<MutedUser>(key)?.ok_or_else(|| reject("not_muted"))?;
    ensure(row.is_delete != Some(true) || repeats, "not_muted")?;
    scope.put(MutedUser {
        updated_at: scope.block.time,
        is_delete: Some(true),
        txhash: tx.hash.clone(),
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        ..(*row).clone()
    })
}
