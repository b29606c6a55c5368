//! (Comment, Delete) (social.md 4.3).

use crate::{
    eras::etl::{Call, Handled, Scope, Wants, ensure, error, int4, reject, signer},
    model::tables::{Comment, Track},
};

/// Deletes a comment: its author's doing, or that of the owner of the track with the number that the
/// comment is about.
///
/// Parity: the kind of entity is not looked at, so artists and hosts cannot delete what others say
/// in their fan club or contest, unless a track of theirs has its number. A second Delete fails hard.
///
/// # Errors
/// Rejects unknown comments and those of others.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let comment = scope.get::<Comment>(int4(call.tx.entity_id)?)?;
    let old = comment.ok_or_else(|| reject("comment_not_found"))?;
    if old.is_delete == Some(true) {
        return Err(error("comment_deleted"));
    }
    if old.user_id != call.tx.user_id {
        let track = scope.get::<Track>(old.entity_id)?;
        let track = track.ok_or_else(|| error("comment_without_track"))?;
        ensure(track.owner_id == call.tx.user_id, "comment_of_other")?;
    }
    let new = Comment {
        is_delete: Some(true),
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*old).clone()
    };
    scope.update(&old, new)
}

/// Names what [`delete`] reads.
pub fn delete_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    if let Some(comment) = wants.look::<Comment>(call.tx.entity_id).row()
        && comment.user_id != call.tx.user_id
    {
        wants.row::<Track>(comment.entity_id);
    }
}
