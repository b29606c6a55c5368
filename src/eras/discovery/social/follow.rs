//! Follow and Unfollow (handlers-c 2.5).

use std::sync::Arc;

use super::{subscribe, target::check_tie};
use crate::{
    eras::discovery::{Call, Handled, Scope},
    model::{
        EntityTx,
        table::Record,
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

/// Of the rows of a pair, the one that a call replaces.
///
/// Parity: rows from before the block are known under the type `User` only, so a call with another
/// type adds a row beside them. Of several such rows the newest counts. Calls of one block that
/// name one pair under different types are taken for the same; the reference tells them apart.
pub(super) fn known<R: Record>(
    rows: Vec<Arc<R>>,
    tx: &EntityTx,
    scope: &Scope<'_>,
    number: impl Fn(&R) -> Option<i64>,
) -> Option<Arc<R>> {
    let of_block = |row: &R| scope.at_block_start::<R>(row.key()).is_none();
    rows.into_iter()
        .filter(|row| tx.entity_type == "User" || of_block(row))
        .max_by_key(|row| (of_block(row), number(row)))
}
