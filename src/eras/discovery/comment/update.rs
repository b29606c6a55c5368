//! (Comment, Update) (handlers-c 3.3).

use std::{collections::BTreeMap, sync::Arc};

use super::{
    create,
    draft::{self, Draft},
    notice,
    silence::{self, Karma, is_muted_by_karma, is_off, reports},
};
use crate::{
    eras::discovery::{Call, Handled, HandlerError, Scope, reject, signer::authorize, skip},
    model::{
        EntityTx,
        tables::{Comment, CommentMention, CommentMentionBy, CommentReport, CommentReportBy},
    },
};

/// Changes the text of a comment and, if it mentions anybody, its mentions.
///
/// Parity: anybody may edit any comment, and the track that the metadata names need not be the
/// comment's.
///
/// # Errors
/// See [`Draft::check`].
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    draft::want(call, scope);
    silence::want(tx.user_id, scope);
    scope.want_by::<CommentMention>(CommentMentionBy::Comment, tx.entity_id);
    scope.want_by::<CommentReport>(CommentReportBy::Comment, tx.entity_id);
    authorize(tx, scope)?;
    let comment = scope
        .view::<Comment>(tx.entity_id)?
        .filter(|comment| comment.is_delete != Some(true))
        .ok_or_else(|| reject("comment_not_found"))?;
    let draft = Draft::check(call, scope)?;
    if !call.sent("parent_comment_id").is_hashable() {
        return Err(skip("parent_unhashable"));
    }
    let untold = Untold::new(tx, &draft, scope)?;
    scope.put(Comment {
        text: draft.text.clone(),
        is_edited: Some(true),
        updated_at: scope.block.time,
        txhash: tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..(*comment).clone()
    })?;
    if draft.mentions.is_empty() { Ok(()) } else { set_mentions(tx, &draft, &untold, scope) }
}

/// Makes the mentions of a comment those of the draft.
fn set_mentions(
    tx: &EntityTx,
    draft: &Draft<'_>,
    untold: &Untold,
    scope: &mut Scope<'_>,
) -> Handled {
    let existing = scope.view_by::<CommentMention>(CommentMentionBy::Comment, tx.entity_id)?;
    let existing: BTreeMap<i64, Arc<CommentMention>> =
        existing.into_iter().map(|mention| (mention.user_id, mention)).collect();
    for user in draft.mentions.iter().filter(|user| !existing.contains_key(user)) {
        scope.want::<CommentMention>((tx.entity_id, *user));
    }
    notice::want(tx, draft, scope);
    for (user, mention) in &existing {
        if !draft.mentions.contains(user) && mention.is_delete != Some(true) {
            scope.put(changed(mention, true, tx, scope))?;
        }
    }
    for user in &draft.mentions {
        match existing.get(user) {
            Some(mention) => {
                if mention.is_delete == Some(true) {
                    scope.put(changed(mention, false, tx, scope))?;
                }
            }
            None => {
                scope.put(create::mention(tx, *user, scope))?;
                if !untold.contains(*user) {
                    notice::mention(tx, draft, *user, scope)?;
                }
            }
        }
    }
    Ok(())
}

fn changed(
    mention: &CommentMention,
    is_delete: bool,
    tx: &EntityTx,
    scope: &Scope<'_>,
) -> CommentMention {
    CommentMention {
        is_delete: Some(is_delete),
        updated_at: scope.block.time,
        txhash: tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
        ..mention.clone()
    }
}

/// Whom an edit must not tell of being mentioned.
struct Untold {
    everybody: bool,
    users: Vec<i64>,
}

impl Untold {
    fn new(tx: &EntityTx, draft: &Draft<'_>, scope: &mut Scope<'_>) -> Result<Self, HandlerError> {
        let owner = draft.track.owner_id;
        let reports = reports(tx.entity_id, scope)?;
        let is_muted = is_muted_by_karma(tx.user_id, Karma::AtLeast, scope)?;
        let is_owner_off = is_off("Track", draft.track.track_id, owner, tx.user_id, scope)?;
        let everybody = reports.is_shadow_banned || reports.users.contains(&owner) || is_muted;
        let mut users = reports.users;
        users.push(tx.user_id);
        users.extend(draft.parent.as_ref().map(|parent| parent.user_id));
        users.extend(is_owner_off.then_some(owner));
        Ok(Self { everybody, users })
    }

    fn contains(&self, user: i64) -> bool {
        self.everybody || self.users.contains(&user)
    }
}
