//! Who is told of a comment, a mention, an answer, a reaction (triggers.md 4.8). Nobody's score is
//! asked for.
//!
//! Parity: a comment whose `is_delete` or `is_visible` is NULL passes, in all of them; a mention, a
//! mute and an event count as undeleted only where the column is false.

use std::sync::Arc;

use super::{
    Halt, Handled, Scope,
    note::{Note, Stamp},
    swallowing,
};
use crate::model::{
    Json,
    json::Object,
    tables::{
        Comment, CommentMention, CommentNotificationSetting, CommentReaction, CommentThread,
        CommentThreadBy, Event, MutedUser, Track,
    },
};

/// Whether a comment can be seen.
pub(super) fn is_shown(comment: &Comment) -> bool {
    comment.is_delete != Some(true) && comment.is_visible != Some(false)
}

/// Whether a comment answers another one.
pub(super) fn is_answer(comment: &Comment, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let threads = scope.find::<CommentThread>(CommentThreadBy::Child, comment.comment_id)?;
    Ok(!threads.is_empty())
}

/// To whom the place belongs that a comment is about, as far as that is known.
fn owner_of(comment: &Comment, scope: &mut Scope<'_>) -> Result<Option<i64>, Halt> {
    let id = comment.entity_id;
    Ok(match comment.entity_type.as_str() {
        "Track" => scope.get::<Track>(id)?.map(|track| track.owner_id),
        "Event" => {
            let event = scope.get::<Event>(id)?;
            event.filter(|event| event.is_deleted == Some(false)).map(|event| event.user_id)
        }
        "FanClub" => Some(id),
        _ => None,
    })
}

/// Whether a user does not want to hear of another.
fn mutes(user: i64, other: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    Ok(scope.get::<MutedUser>((user, other))?.is_some_and(|mute| mute.is_delete == Some(false)))
}

/// Whether a user turned off what is told about a place or comment.
fn is_off(user: i64, kind: &str, id: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let setting = scope.get::<CommentNotificationSetting>((user, id, kind))?;
    Ok(setting.is_some_and(|setting| setting.is_muted == Some(true)))
}

fn number(id: Option<i64>) -> Json {
    id.map_or(Json::Null, Json::Int)
}

/// What every notice says of the place: its type and number.
fn about(place: &Comment) -> Object {
    let mut data = Object::new();
    data.insert("type", Json::Str(place.entity_type.clone()));
    data.insert("entity_id", Json::Int(place.entity_id));
    data
}

/// Tells the owner of the place, at the block's end.
pub(super) fn commented(comment: &Comment, scope: &mut Scope<'_>) -> Handled {
    let (id, author) = (comment.comment_id, comment.user_id);
    let Some(owner) = owner_of(comment, scope)?.filter(|owner| *owner != author) else {
        return Ok(());
    };
    if !is_shown(comment) || is_answer(comment, scope)? {
        return Ok(());
    }
    let mention = scope.get::<CommentMention>((id, owner))?;
    if mention.is_some_and(|mention| mention.is_delete == Some(false))
        || is_off(owner, &comment.entity_type, comment.entity_id, scope)?
        || mutes(owner, author, scope)?
    {
        return Ok(());
    }
    let mut data = about(comment);
    data.insert("comment_user_id", Json::Int(author));
    data.insert("comment_id", Json::Int(id));
    Note {
        kind: "comment",
        group_id: comment_group(&comment.entity_type, comment.entity_id),
        specifier: id.to_string(),
        user_ids: vec![owner],
        data: Json::Object(data),
    }
    .write(Stamp::of(comment.blocknumber, comment.created_at), scope)
}

/// The group of the notifications of comments about a place.
pub(super) fn comment_group(kind: &str, id: i64) -> String {
    format!("comment:{id}:type:{kind}")
}

/// Tells a user who was mentioned. A mention that comes back is an update, and told to nobody.
pub(super) fn mentioned(
    old: Option<&CommentMention>,
    new: &Arc<CommentMention>,
    scope: &mut Scope<'_>,
) -> Handled {
    if old.is_some() || new.is_delete == Some(true) {
        return Ok(());
    }
    swallowing(scope, |scope| tell_mentioned(new, scope))
}

fn tell_mentioned(new: &CommentMention, scope: &mut Scope<'_>) -> Handled {
    let receiver = new.user_id;
    let Some(comment) = scope.get::<Comment>(new.comment_id)? else { return Ok(()) };
    let (kind, author) = (comment.entity_type.as_str(), comment.user_id);
    let is_known = ["Track", "Event", "FanClub"].contains(&kind);
    if !is_known || !is_shown(&comment) || receiver == author || mutes(receiver, author, scope)? {
        return Ok(());
    }
    let owner = owner_of(&comment, scope)?;
    if owner == Some(receiver) && is_off(receiver, kind, comment.entity_id, scope)? {
        return Ok(());
    }
    let mut data = about(&comment);
    data.insert("entity_user_id", number(owner));
    data.insert("comment_user_id", Json::Int(author));
    data.insert("comment_id", Json::Int(comment.comment_id));
    Note {
        kind: "comment_mention",
        group_id: mention_group(comment.comment_id),
        specifier: receiver.to_string(),
        user_ids: vec![receiver],
        data: Json::Object(data),
    }
    .write(Stamp::of(comment.blocknumber, comment.created_at), scope)
}

/// The group of the notifications of a comment's mentions.
pub(super) fn mention_group(comment_id: i64) -> String {
    format!("comment_mention:{comment_id}")
}

/// Tells the author of a comment that was answered.
pub(super) fn answered(
    old: Option<&CommentThread>,
    new: &Arc<CommentThread>,
    scope: &mut Scope<'_>,
) -> Handled {
    if old.is_some() {
        return Ok(());
    }
    swallowing(scope, |scope| tell_answered(new, scope))
}

fn tell_answered(new: &CommentThread, scope: &mut Scope<'_>) -> Handled {
    let parent = scope.get::<Comment>(new.parent_comment_id)?;
    let answer = scope.get::<Comment>(new.comment_id)?.filter(|answer| is_shown(answer));
    let (Some(parent), Some(answer)) = (parent, answer) else { return Ok(()) };
    let (receiver, author) = (parent.user_id, answer.user_id);
    if receiver == author
        || is_off(receiver, "Comment", parent.comment_id, scope)?
        || mutes(receiver, author, scope)?
    {
        return Ok(());
    }
    let mut data = about(&parent);
    data.insert("entity_user_id", number(owner_of(&parent, scope)?));
    data.insert("comment_user_id", Json::Int(author));
    data.insert("comment_id", Json::Int(answer.comment_id));
    Note {
        kind: "comment_thread",
        group_id: thread_group(parent.comment_id),
        specifier: answer.comment_id.to_string(),
        user_ids: vec![receiver],
        data: Json::Object(data),
    }
    .write(Stamp::of(answer.blocknumber, answer.created_at), scope)
}

/// The group of the notifications of a comment's answers.
pub(super) fn thread_group(parent_id: i64) -> String {
    format!("comment_thread:{parent_id}")
}

/// Tells the author of a comment that somebody reacted to. A reaction that comes back is an update,
/// and told to nobody.
pub(super) fn reacted(
    old: Option<&CommentReaction>,
    new: &Arc<CommentReaction>,
    scope: &mut Scope<'_>,
) -> Handled {
    if old.is_some() || new.is_delete == Some(true) {
        return Ok(());
    }
    swallowing(scope, |scope| tell_of_reaction(new, scope))
}

fn tell_of_reaction(new: &CommentReaction, scope: &mut Scope<'_>) -> Handled {
    let reacter = new.user_id;
    let comment = scope.get::<Comment>(new.comment_id)?.filter(|comment| is_shown(comment));
    let Some(comment) = comment.filter(|comment| comment.user_id != reacter) else {
        return Ok(());
    };
    let receiver = comment.user_id;
    if is_off(receiver, "Comment", comment.comment_id, scope)? || mutes(receiver, reacter, scope)? {
        return Ok(());
    }
    let owner = owner_of(&comment, scope)?;
    if owner == Some(receiver) && is_off(receiver, &comment.entity_type, comment.entity_id, scope)?
    {
        return Ok(());
    }
    let mut data = about(&comment);
    data.insert("entity_user_id", number(owner));
    data.insert("comment_id", Json::Int(comment.comment_id));
    data.insert("reacter_user_id", Json::Int(reacter));
    Note {
        kind: "comment_reaction",
        group_id: reaction_group(comment.comment_id),
        specifier: reacter.to_string(),
        user_ids: vec![receiver],
        data: Json::Object(data),
    }
    .write(Stamp::of(new.blocknumber, new.created_at), scope)
}

/// The group of the notifications of a comment's reactions.
pub(super) fn reaction_group(comment_id: i64) -> String {
    format!("comment_reaction:{comment_id}")
}
