//! Repost and Unrepost (handlers-c 2.6).

use super::{check_cosign, has_flag, target::check_content};
use crate::{
    eras::discovery::{Call, Handled, Scope},
    model::{EntityTx, tables::Repost},
};

/// Reposts a track or playlist; albums are playlists here.
///
/// # Errors
/// See [`check_content`] and [`check_cosign`].
pub fn repost(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    set(tx, scope, Some(has_flag(tx, "is_repost_of_repost")))?;
    check_cosign(tx, scope)
}

/// Takes back [`repost`].
///
/// Parity: without a row to take back, a tombstone is written.
///
/// # Errors
/// See [`check_content`].
pub fn unrepost(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call.tx, scope, None)
}

/// Writes the row; `of_repost` is `None` for its tombstone, whose flag is left to the default.
fn set(tx: &EntityTx, scope: &mut Scope<'_>, of_repost: Option<bool>) -> Handled {
    let item_type = tx.entity_type.to_lowercase();
    let key = (tx.user_id, item_type.as_str(), tx.entity_id);
    scope.want::<Repost>(key);
    check_content(tx, scope)?;
    let is_delete = of_repost.is_none();
    let row = scope.view::<Repost>(key)?;
    if row.is_some_and(|row| row.is_delete == is_delete) {
        return Ok(());
    }
    scope.put(Repost {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        user_id: tx.user_id,
        repost_item_id: tx.entity_id,
        repost_type: item_type,
        is_current: true,
        is_delete,
        created_at: scope.block.time,
        txhash: tx.hash.clone(),
        slot: None,
        is_repost_of_repost: of_repost,
    })
}
