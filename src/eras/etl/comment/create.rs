//! (Comment, Create) (social.md 4.1).

use super::{
    draft::{self, Draft, FAN_CLUB},
    mention,
};
use crate::{
    eras::etl::{Call, Halt, Handled, Metadata, Scope, Wants, ensure, int4, reject, signer},
    model::tables::{Comment, CommentThread},
};

/// What a migrated comment brings with it; a new one has neither.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    /// It was deleted.
    pub is_delete: bool,
    /// Its text was changed.
    pub is_edited: bool,
}

/// Writes a comment, its mentions and its place in a thread.
///
/// # Errors
/// See [`create_with`].
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    create_with(Marks::default(), call, scope)
}

/// Names what [`create`] reads.
pub fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let comment_id = call.tx.entity_id;
    signer::wants(call, wants);
    wants.row::<Comment>(comment_id);
    draft::wants(call, wants);
    mention::wants(call, wants);
    if let Some(parent_id) = parent_id(&call.meta) {
        wants.row::<Comment>(parent_id);
        wants.row::<CommentThread>((parent_id, comment_id));
    }
}

/// Writes a comment with the marks of a migrated one, its mentions and its place in a thread.
///
/// # Errors
/// Rejects ids that are taken, what [`Draft::check`] refuses, posts for members only outside of fan
/// clubs, long addresses of videos, and parents that are missing or about something else.
pub fn create_with(marks: Marks, call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let comment_id = int4(call.tx.entity_id)?;
    ensure(scope.get::<Comment>(comment_id)?.is_none(), "comment_exists")?;
    let draft = Draft::check(call, scope)?;
    let is_members_only = call.meta.bool("is_members_only") == Some(true);
    ensure(!is_members_only || draft.entity_type == FAN_CLUB, "members_only_outside_fan_club")?;
    draft::check_video(call)?;
    let parent_id = parent(&draft, call, scope)?;
    scope.insert(comment(&draft, marks, is_members_only, call, scope))?;
    mention::add(&mention::mentioned(call), call, scope)?;
    if let Some(parent_comment_id) = parent_id {
        scope.insert_new(CommentThread { comment_id, parent_comment_id })?;
    }
    Ok(())
}

fn comment(
    draft: &Draft<'_>,
    marks: Marks,
    is_members_only: bool,
    call: &Call<'_>,
    scope: &Scope<'_>,
) -> Comment {
    Comment {
        comment_id: call.tx.entity_id,
        text: draft.body.to_owned(),
        user_id: call.tx.user_id,
        entity_id: draft.entity_id,
        entity_type: draft.entity_type.to_owned(),
        track_timestamp_s: call.meta.int("track_timestamp_s"),
        created_at: call.now,
        updated_at: call.now,
        is_delete: Some(marks.is_delete),
        is_visible: Some(true),
        is_edited: Some(marks.is_edited),
        is_members_only: Some(is_members_only),
        txhash: call.tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
        video_url: call.meta.filled("video_url").map(str::to_owned),
    }
}

/// The comment that a new one answers, if it names one.
///
/// Parity: a text is no id, so such an answer stands by itself; deleted comments and answers can be
/// answered.
fn parent_id(meta: &Metadata<'_>) -> Option<i64> {
    let id = |key| meta.int(key).filter(|id| *id > 0);
    id("parent_comment_id").or_else(|| id("parent_id"))
}

/// Checks the parent of a new comment.
fn parent(draft: &Draft<'_>, call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Option<i64>, Halt> {
    let Some(parent_id) = parent_id(&call.meta) else { return Ok(None) };
    let parent = scope.get::<Comment>(int4(parent_id)?)?;
    let parent = parent.ok_or_else(|| reject("parent_not_found"))?;
    let is_beside = parent.entity_type == draft.entity_type && parent.entity_id == draft.entity_id;
    ensure(is_beside, "parent_elsewhere")?;
    let thread = scope.get::<CommentThread>((parent_id, call.tx.entity_id))?;
    ensure(thread.is_none(), "thread_exists")?;
    Ok(Some(parent_id))
}
