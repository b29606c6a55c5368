//! What Create and Update check alike: the track, the text, the parent and the mentions of a
//! comment (handlers-c 3.2 and 3.3).

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    eras::discovery::{
        Call, HandlerError, Scope, ensure,
        metadata::ensure_length,
        poison,
        query::{dict_key, item},
        reject, skip,
    },
    model::{
        Json,
        json::Object,
        tables::{Comment, CommentThread, Track},
    },
    rules::columns,
};

/// Code points, or list elements, of a comment.
const BODY_LIMIT: usize = 400;

/// Mentions that are kept.
const MENTION_LIMIT: usize = 10;

/// A checked comment, before it is written.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The track commented on.
    pub(super) track: Arc<Track>,
    /// The track's id as sent; notifications repeat it.
    pub(super) entity_id: &'a Json,
    /// The text as stored.
    pub(super) text: String,
    /// The comment that this one answers.
    pub(super) parent: Option<Arc<Comment>>,
    /// The ids of the first ten mentions, each once.
    pub(super) mentions: BTreeSet<i64>,
}

impl<'a> Draft<'a> {
    /// Checks the metadata of a call. The signer and the comment itself come before.
    ///
    /// # Errors
    /// Rejects what the reference validates; skips metadata that lacks a key or has one of a type
    /// that Python stumbles over.
    pub(super) fn check(call: &'a Call<'_>, scope: &mut Scope<'_>) -> Result<Self, HandlerError> {
        let data = call.data().ok_or_else(|| skip("metadata_empty"))?;
        let entity_type = data.get("entity_type");
        // An Update may leave the type out; a Create always has the key.
        let on_track = entity_type.is_none_or(|value| value.as_str() == Some("Track"));
        ensure(on_track, "entity_type_not_track")?;
        let entity_id = item(data, "entity_id", "entity_id_missing")?;
        ensure(!entity_id.is_null(), "entity_id_null")?;
        let track = match dict_key(entity_id) {
            Some(id) => scope.view::<Track>(id)?,
            None => None,
        };
        let track = track.ok_or_else(|| reject("track_not_found"))?;
        let body = item(data, "body", "body_missing")?;
        check_body(body)?;
        let parent = parent(data, call.tx.entity_id, scope)?;
        let mentions = mentions(call.sent("mentions"))?;
        let text = columns::text(body)?.ok_or_else(|| reject("body_empty"))?;
        Ok(Self { track, entity_id, text, parent, mentions })
    }
}

/// Asks early for what [`Draft::check`] reads.
pub(super) fn want(call: &Call<'_>, scope: &mut Scope<'_>) {
    let comment_id = call.tx.entity_id;
    scope.want::<Comment>(comment_id);
    let id = |key| dict_key(call.sent(key));
    if let Some(track_id) = id("entity_id") {
        scope.want::<Track>(track_id);
    }
    if let Some(parent_id) = id("parent_comment_id").filter(|id| *id != 0) {
        scope.want::<Comment>(parent_id);
        scope.want::<CommentThread>((parent_id, comment_id));
    }
}

fn check_body(body: &Json) -> Result<(), HandlerError> {
    match body {
        Json::Null => Err(reject("body_empty")),
        Json::Str(text) => {
            ensure(!text.is_empty(), "body_empty")?;
            ensure_length(text, BODY_LIMIT, "body_too_long")
        }
        Json::List(items) => ensure(items.len() <= BODY_LIMIT, "body_too_long"),
        Json::Object(object) => ensure(object.len() <= BODY_LIMIT, "body_too_long"),
        Json::Bool(_) | Json::Int(_) | Json::Big(_) | Json::Float(_) => {
            Err(skip("body_without_length"))
        }
    }
}

fn parent(
    data: &Object,
    comment_id: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<Arc<Comment>>, HandlerError> {
    let Some(parent) = data.get("parent_comment_id").filter(|parent| parent.truthy()) else {
        return Ok(None);
    };
    ensure(parent.is_int(), "parent_not_integer")?;
    let parent_id = parent.as_int().ok_or_else(|| reject("parent_not_found"))?;
    let row = scope.view::<Comment>(parent_id)?.ok_or_else(|| reject("parent_not_found"))?;
    let key = (parent_id, comment_id);
    scope.stored::<CommentThread>(key)?;
    // Parity: only threads from before the block are known.
    ensure(scope.at_block_start::<CommentThread>(key).is_none(), "thread_exists")?;
    Ok(Some(row))
}

/// The mentioned users.
///
/// Parity: text and objects with characters or keys are refused, since those are no numbers; other
/// values that Python cannot iterate are a skip. A boolean passes as a number and then fails in a
/// query, unless an equal number came first.
fn mentions(value: &Json) -> Result<BTreeSet<i64>, HandlerError> {
    let items = match value {
        falsy if !falsy.truthy() => return Ok(BTreeSet::new()),
        Json::List(items) => items,
        Json::Str(_) | Json::Object(_) => return Err(reject("mentions_not_integers")),
        _ => return Err(skip("mentions_not_iterable")),
    };
    let all_integers = items.iter().all(|item| item.is_int() || item.as_bool().is_some());
    ensure(all_integers, "mentions_not_integers")?;
    let mut mentions = BTreeSet::new();
    for item in &items[..items.len().min(MENTION_LIMIT)] {
        let id = item.as_i64_or_bool().ok_or_else(|| poison("mention_out_of_range"))?;
        if mentions.insert(id) && item.as_bool().is_some() {
            return Err(poison("mention_boolean"));
        }
    }
    Ok(mentions)
}
