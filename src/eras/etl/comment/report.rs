//! (Comment, Report) (social.md 4.4).

use crate::{
    eras::etl::{Call, Handled, Scope, Wants, ensure, int4, signer},
    model::tables::CommentReport,
};

/// Records that a user reported a comment, which need not exist.
///
/// # Errors
/// Rejects a second report.
pub fn report(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let comment_id = int4(call.tx.entity_id)?;
    let before = scope.get::<CommentReport>((comment_id, call.tx.user_id))?;
    ensure(before.is_none(), "report_exists")?;
    scope.insert(CommentReport {
        comment_id,
        user_id: call.tx.user_id,
        created_at: call.now,
        updated_at: call.now,
        is_delete: Some(false),
        txhash: call.tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
    })
}

/// Names what [`report`] reads.
pub fn report_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<CommentReport>((call.tx.entity_id, call.tx.user_id));
}
