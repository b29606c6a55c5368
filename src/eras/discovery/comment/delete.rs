//! (Comment, Delete) (handlers-c 3.4).

use crate::{
    eras::discovery::{Call, Handled, Scope, ensure, reject, signer::authorize},
    model::tables::{Comment, Track},
};

/// Marks a comment as deleted, again and again; what hangs on it stays.
///
/// # Errors
/// Rejects unknown comments, and actors who are neither the author nor the stored owner of the
/// track.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want::<Comment>(tx.entity_id);
    authorize(tx, scope)?;
    let comment =
        scope.view::<Comment>(tx.entity_id)?.ok_or_else(|| reject("comment_not_found"))?;
    if tx.user_id != comment.user_id {
        let track = scope.stored::<Track>(comment.entity_id)?;
        let is_owner = track.is_some_and(|track| track.owner_id == tx.user_id);
        ensure(is_owner, "comment_of_other")?;
    }
    scope.put(Comment {
        is_delete: Some(true),
        updated_at: scope.block.time,
        txhash: tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*comment).clone()
    })
}
