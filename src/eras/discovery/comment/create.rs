//! (Comment, Create) (handlers-c 3.2).

use super::{
    draft::{self, Draft},
    notice,
    silence::{self, Karma, is_muted_by_karma, is_off},
};
use crate::{
    eras::discovery::{Call, Handled, HandlerError, Scope, ensure, signer::authorize},
    model::{
        EntityTx,
        tables::{Comment, CommentMention, CommentThread},
    },
    rules::columns,
};

/// Writes a comment, its mentions and its place in a thread, and tells those whom it concerns.
///
/// # Errors
/// See [`Draft::check`].
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    draft::want(call, scope);
    silence::want(tx.user_id, scope);
    authorize(tx, scope)?;
    ensure(scope.view::<Comment>(tx.entity_id)?.is_none(), "comment_exists")?;
    let draft = Draft::check(call, scope)?;
    notice::want(tx, &draft, scope);
    for user in &draft.mentions {
        scope.want::<CommentMention>((tx.entity_id, *user));
    }
    let is_reply = !call.sent("parent_comment_id").is_null();
    let owner = draft.track.owner_id;
    let is_owner_off = is_off("Track", draft.track.track_id, owner, tx.user_id, scope)?;
    let is_muted = is_muted_by_karma(tx.user_id, Karma::AtLeast, scope)?;

    scope.put(comment(call, &draft, scope)?)?;
    let is_owner_told = !is_reply && !draft.mentions.contains(&owner) && owner != tx.user_id;
    if is_owner_told && !is_owner_off && !is_muted {
        notice::comment(tx, &draft, scope)?;
    }
    let parent_author = draft.parent.as_ref().map(|parent| parent.user_id);
    for user in &draft.mentions {
        scope.put(mention(tx, *user, scope))?;
        // Parity: a mute of the author by the mentioned user is looked up and then ignored.
        let is_told = *user != tx.user_id && Some(*user) != parent_author;
        if is_told && !(*user == owner && is_owner_off) && !is_muted {
            notice::mention(tx, &draft, *user, scope)?;
        }
    }
    answer(tx, &draft, is_muted, scope)
}

/// Places an answer below its parent and tells the parent's author.
fn answer(
    tx: &EntityTx,
    draft: &Draft<'_>,
    is_muted: bool,
    scope: &mut Scope<'_>,
) -> Result<(), HandlerError> {
    let Some(parent) = &draft.parent else { return Ok(()) };
    let (parent_id, author) = (parent.comment_id, parent.user_id);
    if scope.stored::<CommentThread>((parent_id, tx.entity_id))?.is_none() {
        scope.insert(CommentThread { comment_id: tx.entity_id, parent_comment_id: parent_id })?;
    }
    let is_parent_off = is_off("Comment", parent_id, author, tx.user_id, scope)?;
    if author != tx.user_id && !is_parent_off && !is_muted {
        notice::thread(tx, draft, (parent_id, author), scope)?;
    }
    Ok(())
}

fn comment(call: &Call<'_>, draft: &Draft<'_>, scope: &Scope<'_>) -> Result<Comment, HandlerError> {
    Ok(Comment {
        comment_id: call.tx.entity_id,
        text: draft.text.clone(),
        user_id: call.tx.user_id,
        entity_id: draft.track.track_id,
        entity_type: "Track".to_owned(),
        track_timestamp_s: columns::int8(call.sent("track_timestamp_s"))?,
        created_at: scope.block.time,
        updated_at: scope.block.time,
        is_delete: Some(false),
        is_visible: Some(true),
        is_edited: Some(false),
        is_members_only: None,
        txhash: call.tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
        video_url: None,
    })
}

/// A new mention of a user in the call's comment.
pub(super) fn mention(tx: &EntityTx, user: i64, scope: &Scope<'_>) -> CommentMention {
    CommentMention {
        comment_id: tx.entity_id,
        user_id: user,
        created_at: scope.block.time,
        updated_at: scope.block.time,
        is_delete: Some(false),
        txhash: tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
    }
}
