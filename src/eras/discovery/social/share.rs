//! Share (handlers-c 2.7).

use super::target::check_content;
use crate::{
    eras::discovery::{Call, Handled, Scope},
    model::tables::Share,
};

/// Notes that a user shared a track or playlist: once for ever, a repetition has no effect.
///
/// # Errors
/// See [`check_content`].
pub fn share(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let item_type = tx.entity_type.to_lowercase();
    let key = (tx.user_id, item_type.as_str(), tx.entity_id);
    scope.want::<Share>(key);
    check_content(tx, scope)?;
    if scope.view::<Share>(key)?.is_some() {
        return Ok(());
    }
    scope.put(Share {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        user_id: tx.user_id,
        share_item_id: tx.entity_id,
        share_type: item_type,
        created_at: scope.block.time,
        txhash: tx.hash.clone(),
        slot: None,
    })
}
