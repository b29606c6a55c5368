//! Subscribe and Unsubscribe (handlers-c 2.7), and the subscription that goes with a follow.

use super::{pair::known, target::check_tie};
use crate::{
    eras::discovery::{Call, Handled, Scope},
    model::{
        EntityTx,
        tables::{Subscription, SubscriptionBy},
    },
};

/// Subscribes to an entity. The column `user_id` takes its id, whatever its type.
///
/// # Errors
/// See [`check_tie`].
pub fn subscribe(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call.tx, scope, false)
}

/// Takes back [`subscribe`].
///
/// Parity: without a row to take back, a tombstone is written.
///
/// # Errors
/// See [`check_tie`].
pub fn unsubscribe(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call.tx, scope, true)
}

fn set(tx: &EntityTx, scope: &mut Scope<'_>, is_delete: bool) -> Handled {
    want(tx, scope);
    check_tie(tx, scope)?;
    write(tx, scope, is_delete)
}

/// Asks early for what [`write()`] reads.
pub(super) fn want(tx: &EntityTx, scope: &mut Scope<'_>) {
    scope.want_by::<Subscription>(SubscriptionBy::Pair, (tx.user_id, tx.entity_id));
}

/// Writes the subscription of the call's user to its entity, unless it is that way already.
///
/// # Errors
/// Only [`crate::eras::discovery::HandlerError::Missing`], and poison for ids out of the columns' range.
pub(super) fn write(tx: &EntityTx, scope: &mut Scope<'_>, is_delete: bool) -> Handled {
    let pair = (tx.user_id, tx.entity_id);
    let rows = scope.view_by::<Subscription>(SubscriptionBy::Pair, pair)?;
    let known = known(rows, tx, scope, |row| row.blocknumber);
    if known.as_ref().is_some_and(|row| row.is_delete == is_delete) {
        return Ok(());
    }
    let row = Subscription {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        subscriber_id: tx.user_id,
        user_id: tx.entity_id,
        is_current: true,
        is_delete,
        created_at: scope.block.time,
        txhash: tx.hash.clone(),
    };
    scope.replace(known.as_deref(), row)
}
