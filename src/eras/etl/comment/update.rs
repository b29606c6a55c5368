//! (Comment, Update) (social.md 4.2).

use super::{
    draft::{self, Draft},
    is_active, mention,
};
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, int4, reject, signer},
    model::tables::{Comment, CommentMention, CommentMentionBy},
};

/// Changes the text of a comment, its video if one is sent, and its mentions if any are.
///
/// Parity: anybody may edit any comment, and what the metadata names need not be what the comment is
/// about. A video that is sent as nothing becomes an empty text, not NULL.
///
/// # Errors
/// Rejects comments that are missing or deleted, and what [`Draft::check`] refuses.
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let comment = scope.get::<Comment>(int4(call.tx.entity_id)?)?;
    let old = comment
        .filter(|comment| is_active(Some(comment)))
        .ok_or_else(|| reject("comment_not_found"))?;
    let draft = Draft::check(call, scope)?;
    draft::check_video(call)?;
    let video_url = if call.meta.has("video_url") {
        Some(call.meta.text("video_url").to_owned())
    } else {
        old.video_url.clone()
    };
    let new = Comment {
        text: draft.body.to_owned(),
        is_edited: Some(true),
        video_url,
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*old).clone()
    };
    scope.update(&old, new)?;
    let mentioned = mention::mentioned(call);
    if mentioned.is_empty() { Ok(()) } else { mention::replace(&mentioned, call, scope) }
}

/// Names what [`update`] reads.
pub fn update_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Comment>(call.tx.entity_id);
    draft::wants(call, wants);
    if call.meta.has("mentions") {
        wants.rows::<CommentMention>(CommentMentionBy::Comment, call.tx.entity_id);
        mention::wants(call, wants);
    }
}
