//! (Comment, React) and (Comment, Unreact) (handlers-c 3.5).

use std::sync::Arc;

use super::{
    notice::{self, ReactionNotice},
    silence::{self, Karma, is_muted_by_karma, is_off},
};
use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, ensure, query::dict_key, reject, signer::authorize,
        skip,
    },
    model::{
        EntityTx,
        tables::{Comment, CommentReaction, Track},
    },
};

/// Records a reaction and tells the comment's author.
///
/// Parity: a reaction that was taken back cannot be given again.
///
/// # Errors
/// Rejects unknown and deleted comments and repeated reactions; skips empty metadata, and after
/// the reaction is recorded, a track that does not exist.
pub fn react(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    silence::want(tx.user_id, scope);
    let (comment, reaction) = check(tx, scope)?;
    // Parity: a call without metadata has no reaction of before the block fetched.
    let is_fetched = call.data().is_some();
    let reaction = reaction.filter(|row| is_fetched || row.blocknumber == Some(scope.block.number));
    ensure(reaction.is_none(), "already_reacted")?;
    if !is_fetched {
        return Err(skip("metadata_empty"));
    }
    scope.put(CommentReaction {
        comment_id: tx.entity_id,
        user_id: tx.user_id,
        created_at: scope.block.time,
        updated_at: scope.block.time,
        is_delete: Some(false),
        txhash: tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
    })?;
    tell_author(call, &comment, scope)
}

/// Takes a reaction back, again and again.
///
/// # Errors
/// Rejects unknown and deleted comments, and users who never reacted.
pub fn unreact(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let reaction = check(tx, scope)?.1.ok_or_else(|| reject("not_reacted"))?;
    scope.put(CommentReaction {
        is_delete: Some(true),
        updated_at: scope.block.time,
        txhash: tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*reaction).clone()
    })
}

type Found = (Arc<Comment>, Option<Arc<CommentReaction>>);

fn check(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<Found, HandlerError> {
    let key = (tx.entity_id, tx.user_id);
    scope.want::<Comment>(tx.entity_id);
    scope.want::<CommentReaction>(key);
    authorize(tx, scope)?;
    let comment =
        scope.view::<Comment>(tx.entity_id)?.ok_or_else(|| reject("comment_not_found"))?;
    ensure(comment.is_delete != Some(true), "comment_deleted")?;
    Ok((comment, scope.view::<CommentReaction>(key)?))
}

fn tell_author(call: &Call<'_>, comment: &Comment, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let entity_id = call.sent("entity_id");
    if !entity_id.truthy() {
        return Ok(());
    }
    let track = match dict_key(entity_id) {
        Some(id) => scope.view::<Track>(id)?,
        None => None,
    };
    let track = track.ok_or_else(|| skip("track_not_found"))?;
    let (author, owner) = (comment.user_id, track.owner_id);
    let is_muted = is_muted_by_karma(tx.user_id, Karma::Above, scope)?;
    let is_author_off = is_off("Comment", tx.entity_id, author, tx.user_id, scope)?;
    let is_owner_off = is_off("Track", track.track_id, owner, tx.user_id, scope)?;
    if author == tx.user_id || is_author_off || is_muted || (author == owner && is_owner_off) {
        return Ok(());
    }
    let entity_type = call.sent("entity_type");
    let notice = ReactionNotice { entity_type, entity_id, track_owner: owner, author };
    notice::reaction(tx, &notice, scope)
}
