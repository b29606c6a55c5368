//! The notifications about comments (handlers-c 3.11).

use super::draft::Draft;
use crate::{
    eras::discovery::{Handled, Scope, notify::notify},
    model::{EntityTx, Json, json::float_repr, tables::Notification},
};

/// Tells a track's owner of a comment.
pub(super) fn comment(tx: &EntityTx, draft: &Draft<'_>, scope: &mut Scope<'_>) -> Handled {
    let data = Json::object([
        ("type", Json::from("Track")),
        ("entity_id", draft.entity_id.clone()),
        ("comment_user_id", Json::Int(tx.user_id)),
        ("comment_id", Json::Int(tx.entity_id)),
    ]);
    let (group, specifier) = comment_key(tx, draft.entity_id);
    notify(scope, "comment", group, specifier, vec![draft.track.owner_id], data)
}

/// Tells a user that a comment mentions them.
pub(super) fn mention(
    tx: &EntityTx,
    draft: &Draft<'_>,
    user: i64,
    scope: &mut Scope<'_>,
) -> Handled {
    let (group, specifier) = mention_key(tx.entity_id, user);
    let data = about_comment(tx, draft);
    notify(scope, "comment_mention", group, specifier, vec![user], data)
}

/// Tells the author of a comment of an answer.
pub(super) fn thread(
    tx: &EntityTx,
    draft: &Draft<'_>,
    parent: (i64, i64),
    scope: &mut Scope<'_>,
) -> Handled {
    let (parent_id, author) = parent;
    let group = format!("comment_thread:{parent_id}");
    let data = about_comment(tx, draft);
    notify(scope, "comment_thread", group, tx.entity_id.to_string(), vec![author], data)
}

/// A reaction, as its notification tells of it.
#[derive(Debug)]
pub(super) struct ReactionNotice<'a> {
    /// `entity_type` of the metadata, whatever it is.
    pub(super) entity_type: &'a Json,
    /// `entity_id` of the metadata.
    pub(super) entity_id: &'a Json,
    /// Owner of the track that the metadata names.
    pub(super) track_owner: i64,
    /// Author of the comment.
    pub(super) author: i64,
}

/// Tells the author of a comment of a reaction.
pub(super) fn reaction(
    tx: &EntityTx,
    notice: &ReactionNotice<'_>,
    scope: &mut Scope<'_>,
) -> Handled {
    let data = Json::object([
        ("type", notice.entity_type.clone()),
        ("entity_id", notice.entity_id.clone()),
        ("entity_user_id", Json::Int(notice.track_owner)),
        ("comment_id", Json::Int(tx.entity_id)),
        ("reacter_user_id", Json::Int(tx.user_id)),
    ]);
    let group = format!("comment_reaction:{}", tx.entity_id);
    notify(scope, "comment_reaction", group, tx.user_id.to_string(), vec![notice.author], data)
}

/// Asks early for the notifications that a new comment may find.
pub(super) fn want(tx: &EntityTx, draft: &Draft<'_>, scope: &mut Scope<'_>) {
    scope.want::<Notification>(comment_key(tx, draft.entity_id));
    for user in &draft.mentions {
        scope.want::<Notification>(mention_key(tx.entity_id, *user));
    }
}

fn comment_key(tx: &EntityTx, entity_id: &Json) -> (String, String) {
    // An id sent as a float keeps its fraction in the group.
    let entity_id = match entity_id {
        Json::Float(value) => float_repr(*value),
        other => other.to_json_text(),
    };
    (format!("comment:{entity_id}:type:Track"), tx.entity_id.to_string())
}

fn mention_key(comment_id: i64, user: i64) -> (String, String) {
    (format!("comment_mention:{comment_id}"), user.to_string())
}

fn about_comment(tx: &EntityTx, draft: &Draft<'_>) -> Json {
    Json::object([
        ("type", Json::from("Track")),
        ("entity_id", draft.entity_id.clone()),
        ("entity_user_id", Json::Int(draft.track.owner_id)),
        ("comment_user_id", Json::Int(tx.user_id)),
        ("comment_id", Json::Int(tx.entity_id)),
    ])
}
