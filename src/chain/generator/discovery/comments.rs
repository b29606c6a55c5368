//! Calls about comments and events.

use serde_json::{Value, json};

use crate::chain::generator::alike::rfc_time;
use crate::chain::generator::world::{Call, Comment, Event, Relation, World};

pub(super) fn create(world: &mut World) -> Option<Call> {
    let (author, track) = (world.user()?, world.track()?);
    let id = world.new_comment_id();
    let parent = world.comments.pick(&mut world.random).filter(|_| world.random.chance(300));
    let track = parent.map_or(track, |parent| parent.track);
    let mut data = json!({
        "user_id": author.id,
        "entity_id": track.id,
        "entity_type": "Track",
        "body": world.random.words(1, 25),
        "parent_comment_id": parent.map(|parent| parent.id),
        "mentions": mentions(world),
    });
    if world.random.chance(500) {
        data["track_timestamp_s"] = world.random.between(0, 300).into();
    }
    let metadata = world.envelope(&data);
    world.comments.add(Comment { id, author, track });
    let call = Call::by(author, ("Comment", "Create"), id, metadata);
    Some(world.delegated(call))
}

fn mentions(world: &mut World) -> Value {
    if world.random.chance(850) {
        return json!([]);
    }
    let count = world.random.between(1, 3);
    (0..count).filter_map(|_| world.user()).map(|user| user.id).collect()
}

pub(super) fn update(world: &mut World) -> Option<Call> {
    let comment = world.comments.pick(&mut world.random)?;
    let data = json!({
        "body": world.random.words(1, 25),
        "entity_id": comment.track.id,
        "entity_type": "Track",
        "mentions": mentions(world),
    });
    let metadata = world.envelope(&data);
    Some(Call::by(comment.author, ("Comment", "Update"), comment.id, metadata))
}

pub(super) fn react(world: &mut World) -> Option<Call> {
    let (account, comment) = (world.user()?, world.comments.pick(&mut world.random)?);
    let data = json!({ "entity_id": comment.track.id, "entity_type": "Track" });
    let metadata = world.envelope(&data);
    world.reactions.add(Relation { account, entity_type: "Comment", id: comment.id });
    Some(Call::by(account, ("Comment", "React"), comment.id, metadata))
}

pub(super) fn unreact(world: &mut World) -> Option<Call> {
    let reaction = world.reactions.take(&mut world.random)?;
    Some(Call::by(reaction.account, ("Comment", "Unreact"), reaction.id, ""))
}

pub(super) fn report(world: &mut World) -> Option<Call> {
    let (account, comment) = (world.user()?, world.comments.pick(&mut world.random)?);
    Some(Call::by(account, ("Comment", "Report"), comment.id, ""))
}

pub(super) fn pin(world: &mut World) -> Option<Call> {
    let comment = world.comments.pick(&mut world.random)?;
    world.pins.add(comment);
    Some(pinning(world, comment, "Pin"))
}

pub(super) fn unpin(world: &mut World) -> Option<Call> {
    let comment = world.pins.take(&mut world.random)?;
    Some(pinning(world, comment, "Unpin"))
}

fn pinning(world: &mut World, comment: Comment, action: &'static str) -> Call {
    let data = json!({ "entity_id": comment.track.id, "entity_type": "Track" });
    let metadata = world.envelope(&data);
    Call::by(comment.track.owner, ("Comment", action), comment.id, metadata)
}

/// A remix contest on a track that is no remix, or an event that needs none.
pub(super) fn event_create(world: &mut World) -> Option<Call> {
    let track = world.tracks.pick_settled(&mut world.random).filter(|track| !track.special)?;
    let id = world.new_event_id();
    let end = world.now + world.random.between(3_600, 86_400 * 60);
    let data = if world.random.chance(800) {
        json!({
            "event_type": "remix_contest",
            "entity_type": "track",
            "entity_id": track.id,
            "end_date": rfc_time(end),
            "event_data": { "description": world.random.words(3, 20), "prizeInfo": "$100" },
        })
    } else {
        json!({
            "event_type": world.random.pick(&["live_event", "new_release"]),
            "end_date": rfc_time(end),
            "event_data": { "title": world.random.title() },
        })
    };
    let metadata = world.envelope(&data);
    world.events.add(Event { id, host: track.owner, track: track.id, end });
    Some(Call::by(track.owner, ("Event", "Create"), id, metadata))
}

pub(super) fn event_delete(world: &mut World) -> Option<Call> {
    let event = world.events.take(&mut world.random)?;
    Some(Call::by(event.host, ("Event", "Delete"), event.id, ""))
}
