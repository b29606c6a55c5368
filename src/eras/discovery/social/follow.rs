//! Follow and Unfollow (handlers-c 2.5).

use super::{pair::known, subscribe, target::check_tie};
use crate::{
    eras::discovery::{Call, Handled, Scope},
    model::{
        EntityTx,
        tables::{Follow, FollowBy},
    },
};

/// Follows an entity and subscribes to it.
///
/// # Errors
/// See [`check_tie`].
pub fn follow(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call.tx, scope, false)
}

/// Takes back [`follow`], the subscription included.
///
/// Parity: without a row to take back, tombstones are written.
///
/// # Errors
/// See [`check_tie`].
pub fn unfollow(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call.tx, scope, true)
}

fn set(tx: &EntityTx, scope: &mut Scope<'_>, is_delete: bool) -> Handled {
    scope.want_by::<Follow>(FollowBy::Pair, (tx.user_id, tx.entity_id));
    subscribe::want(tx, scope);
    check_tie(tx, scope)?;
    write(tx, scope, is_delete)?;
    subscribe::write(tx, scope, is_delete)
}

fn write(tx: &EntityTx, scope: &mut Scope<'_>, is_delete: bool) -> Handled {
    let rows = scope.view_by::<Follow>(FollowBy::Pair, (tx.user_id, tx.entity_id))?;
    let known = known(rows, tx, scope, |row| row.blocknumber);
    if known.as_ref().is_some_and(|row| row.is_delete == is_delete) {
        return Ok(());
    }
    let row = Follow {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        follower_user_id: tx.user_id,
        followee_user_id: tx.entity_id,
        is_current: true,
        is_delete,
        created_at: scope.block.time,
        txhash: tx.hash.clone(),
        slot: None,
    };
    scope.replace(known.as_deref(), row)
}
