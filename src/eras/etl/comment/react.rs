//! (Comment, React) and (Comment, Unreact) (social.md 4.4).

use super::is_active;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, ensure, int4, reject, signer},
    model::tables::{Comment, CommentReaction},
};

/// Records a reaction to a comment, or brings it back.
///
/// # Errors
/// Rejects comments that are missing or deleted, and a second reaction.
pub fn react(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let comment_id = int4(call.tx.entity_id)?;
    let comment = scope.get::<Comment>(comment_id)?;
    ensure(is_active(comment.as_deref()), "comment_not_found")?;
    let before = scope.get::<CommentReaction>((comment_id, call.tx.user_id))?;
    ensure(!before.is_some_and(|before| is_given(&before)), "reaction_exists")?;
    let reaction = CommentReaction {
        comment_id,
        user_id: call.tx.user_id,
        created_at: call.now,
        updated_at: call.now,
        is_delete: Some(false),
        txhash: call.tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
    };
    scope.upsert(reaction, |old, new| CommentReaction {
        created_at: old.created_at,
        blockhash: old.blockhash.clone(),
        ..new
    })
}

/// Names what [`react`] reads.
pub fn react_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<Comment>(call.tx.entity_id);
    unreact_wants(call, wants);
}

/// Takes a reaction back. The comment may be gone.
///
/// # Errors
/// Rejects where there is none.
pub fn unreact(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let before = scope.get::<CommentReaction>((int4(call.tx.entity_id)?, call.tx.user_id))?;
    let old =
        before.filter(|before| is_given(before)).ok_or_else(|| reject("reaction_not_found"))?;
    let new = CommentReaction {
        is_delete: Some(true),
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*old).clone()
    };
    scope.update(&old, new)
}

/// Names what [`unreact`] reads.
pub fn unreact_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<CommentReaction>((call.tx.entity_id, call.tx.user_id));
}

fn is_given(reaction: &CommentReaction) -> bool {
    reaction.is_delete == Some(false)
}
