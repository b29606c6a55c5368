//! Comments.

use super::note;
use crate::{
    eras::etl::{
        Call, Wants,
        derived::{comment_notices, contests, fans},
    },
    model::{
        Json,
        tables::{
            AggregateTrack, Comment, CommentMention, CommentNotificationSetting, CommentThread,
            CommentThreadBy, CurrentFollow, CurrentFollowBy, CurrentSubscription,
            CurrentSubscriptionBy, Event, MutedUser, Notification, NotificationBy, Track,
        },
    },
};

/// A place that a comment is about.
#[derive(Clone, Copy)]
struct Place<'a> {
    kind: &'a str,
    id: i64,
}

impl Place<'_> {
    fn owner(&self, wants: &mut Wants<'_>) -> Option<i64> {
        match self.kind {
            "Track" => wants.look::<Track>(self.id).row().map(|track| track.owner_id),
            "Event" => wants.look::<Event>(self.id).row().map(|event| event.user_id),
            "FanClub" => Some(self.id),
            _ => None,
        }
    }
}

fn place_of<'a>(call: &'a Call<'_>) -> Place<'a> {
    let kind = call.meta.filled("entity_type").unwrap_or("Track");
    Place { kind, id: call.meta.int("entity_id").unwrap_or_default() }
}

/// Who is told of a new comment, and the counter of its track.
pub(super) fn created(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (author, comment_id) = (call.tx.user_id, call.tx.entity_id);
    let place = place_of(call);
    if place.kind == "Track" {
        wants.row::<AggregateTrack>(place.id);
    }
    wants.rows::<CommentThread>(CommentThreadBy::Child, comment_id);
    mentions(author, place, call, wants);
    let parent = ["parent_comment_id", "parent_id"].iter().find_map(|key| call.meta.int(key));
    if let Some(parent_id) = parent.filter(|id| *id > 0) {
        answered(author, comment_id, parent_id, wants);
        return;
    }
    match place.owner(wants) {
        Some(owner) if owner == author => posted(author, comment_id, place, wants),
        Some(owner) => {
            wants.row::<CommentMention>((comment_id, owner));
            may_be_told(owner, author, place, wants);
            note(&comment_notices::comment_group(place.kind, place.id), comment_id, wants);
        }
        None => {}
    }
}

/// Who is told of what the owner of a place posts there.
fn posted(author: i64, comment_id: i64, place: Place<'_>, wants: &mut Wants<'_>) {
    let group = match place.kind {
        "FanClub" => {
            wants.rows::<CurrentFollow>(CurrentFollowBy::Followee, author);
            fans::post_group(comment_id, author)
        }
        "Event" => {
            let key = ("Event", place.id);
            wants.rows::<CurrentSubscription>(CurrentSubscriptionBy::Entity, key);
            contests::post_group(comment_id, place.id)
        }
        _ => return,
    };
    wants.rows::<Notification>(NotificationBy::Group, group);
}

/// Whether a user wants to hear of another, and of a place.
fn may_be_told(receiver: i64, author: i64, place: Place<'_>, wants: &mut Wants<'_>) {
    wants.row::<MutedUser>((receiver, author));
    wants.row::<CommentNotificationSetting>((receiver, place.id, place.kind));
}

/// The author of a comment that is answered.
fn answered(author: i64, comment_id: i64, parent_id: i64, wants: &mut Wants<'_>) {
    note(&comment_notices::thread_group(parent_id), comment_id, wants);
    let Some(parent) = wants.look::<Comment>(parent_id).row() else { return };
    may_be_told(parent.user_id, author, Place { kind: "Comment", id: parent_id }, wants);
}

/// The users whom the comment of a call mentions.
fn mentions(author: i64, place: Place<'_>, call: &Call<'_>, wants: &mut Wants<'_>) {
    let users = call.meta.value("mentions").and_then(Json::as_list).unwrap_or_default();
    let users: Vec<i64> = users.iter().filter_map(Json::as_int).take(10).collect();
    if users.is_empty() {
        return;
    }
    let owner = place.owner(wants);
    for user in users {
        note(&comment_notices::mention_group(call.tx.entity_id), user, wants);
        if owner == Some(user) {
            may_be_told(user, author, place, wants);
        } else {
            wants.row::<MutedUser>((user, author));
        }
    }
}

/// The users whom a changed comment mentions.
pub(super) fn mentioned(call: &Call<'_>, wants: &mut Wants<'_>) {
    let Some(comment) = wants.look::<Comment>(call.tx.entity_id).row() else { return };
    let place = Place { kind: &comment.entity_type, id: comment.entity_id };
    mentions(comment.user_id, place, call, wants);
}

/// The counter of a deleted comment's track.
pub(super) fn deleted(call: &Call<'_>, wants: &mut Wants<'_>) {
    let Some(comment) = wants.look::<Comment>(call.tx.entity_id).row() else { return };
    if comment.entity_type == "Track" {
        wants.row::<AggregateTrack>(comment.entity_id);
    }
}

/// The author of a comment that a user reacts to.
pub(super) fn reacted(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (reacter, comment_id) = (call.tx.user_id, call.tx.entity_id);
    note(&comment_notices::reaction_group(comment_id), reacter, wants);
    let Some(comment) = wants.look::<Comment>(comment_id).row() else { return };
    let receiver = comment.user_id;
    may_be_told(receiver, reacter, Place { kind: "Comment", id: comment_id }, wants);
    let place = Place { kind: &comment.entity_type, id: comment.entity_id };
    if place.owner(wants) == Some(receiver) {
        wants.row::<CommentNotificationSetting>((receiver, place.id, place.kind));
    }
}
