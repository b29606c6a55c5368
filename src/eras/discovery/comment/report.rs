//! (Comment, Report) (handlers-c 3.6).

use crate::{
    eras::discovery::{Call, Handled, Scope, ensure, signer::authorize},
    model::tables::CommentReport,
};

/// Reports a comment, once for ever.
///
/// Parity: the comment need not exist.
///
/// # Errors
/// Rejects repeated reports.
pub fn report(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let key = (tx.entity_id, tx.user_id);
    scope.want::<CommentReport>(key);
    authorize(tx, scope)?;
    ensure(scope.view::<CommentReport>(key)?.is_none(), "already_reported")?;
    scope.put(CommentReport {
        comment_id: tx.entity_id,
        user_id: tx.user_id,
        created_at: scope.block.time,
        updated_at: scope.block.time,
        is_delete: Some(false),
        txhash: tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
    })
}
