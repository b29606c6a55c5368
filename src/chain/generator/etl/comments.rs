//! Comments on tracks, posts to fan clubs, comments on contests.

use serde_json::{Value, json};

use crate::chain::generator::facts::Fact;
use crate::chain::generator::world::{Call, Comment, Relation, World};

/// A comment on a track, mostly; one in ten is a post to a fan club, one in twenty on a contest.
pub(super) fn create(world: &mut World) -> Option<Call> {
    match world.random.below(20) {
        0 | 1 => post(world),
        2 => on_contest(world),
        _ => on_track(world),
    }
}

fn on_track(world: &mut World) -> Option<Call> {
    let ((author, signer), track) = (world.actor()?, world.track()?);
    let id = world.new_comment_id();
    let parent = world.comments.pick(&mut world.random).filter(|_| world.random.chance(300));
    let track = parent.map_or(track, |parent| parent.track);
    let mut data = said(world, "Track", track.id);
    if let Some(parent) = parent {
        data["parent_comment_id"] = parent.id.into();
    }
    if world.random.chance(500) {
        data["track_timestamp_s"] = world.random.between(0, 300).into();
    }
    let metadata = world.envelope(&data);
    world.comments.add(Comment { id, author, track });
    Some(Call::by(author, ("Comment", "Create"), id, metadata).signed_by(signer))
}

fn post(world: &mut World) -> Option<Call> {
    let artist = world.user()?;
    let mut data = said(world, "FanClub", artist.id);
    data["is_members_only"] = world.random.chance(300).into();
    if world.random.chance(200) {
        data["video_url"] = format!("https://video.example.com/{}", world.random.hex::<5>()).into();
    }
    let metadata = world.envelope(&data);
    Some(Call::by(artist, ("Comment", "Create"), world.new_comment_id(), metadata))
}

fn on_contest(world: &mut World) -> Option<Call> {
    let (author, event) = (world.user()?, world.events.pick_settled(&mut world.random)?);
    let author = if world.random.chance(300) { event.host } else { author };
    let data = said(world, "Event", event.id);
    let metadata = world.envelope(&data);
    Some(Call::by(author, ("Comment", "Create"), world.new_comment_id(), metadata))
}

fn said(world: &mut World, entity_type: &str, entity_id: i64) -> Value {
    json!({
        "entity_type": entity_type,
        "entity_id": entity_id,
        "body": world.random.words(1, 25),
        "mentions": mentions(world),
    })
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
    let data = said(world, "Track", comment.track.id);
    let metadata = world.envelope(&data);
    Some(Call::by(comment.author, ("Comment", "Update"), comment.id, metadata))
}

/// A comment and a user who has not done this to it yet.
fn new_act(world: &mut World, kind: &'static str) -> Option<Relation> {
    let (account, comment) = (world.user()?, world.comments.pick(&mut world.random)?);
    let is_new = world.facts.note(Fact(kind, account.id, comment.id));
    is_new.then_some(Relation { account, entity_type: "Comment", id: comment.id })
}

pub(super) fn react(world: &mut World) -> Option<Call> {
    let reaction = new_act(world, "React")?;
    world.reactions.add(reaction);
    Some(Call::by(reaction.account, ("Comment", "React"), reaction.id, ""))
}

pub(super) fn unreact(world: &mut World) -> Option<Call> {
    let reaction = world.reactions.take(&mut world.random)?;
    world.facts.end(Fact("React", reaction.account.id, reaction.id));
    Some(Call::by(reaction.account, ("Comment", "Unreact"), reaction.id, ""))
}

pub(super) fn report(world: &mut World) -> Option<Call> {
    let report = new_act(world, "Report")?;
    Some(Call::by(report.account, ("Comment", "Report"), report.id, ""))
}

/// The owner pins a comment on a track that has none pinned.
pub(super) fn pin(world: &mut World) -> Option<Call> {
    let comment = world.comments.pick(&mut world.random)?;
    if !world.facts.note(Fact("Pin", comment.track.id, 0)) {
        return None;
    }
    world.pins.add(comment);
    Some(pinning(world, comment, "Pin"))
}

pub(super) fn unpin(world: &mut World) -> Option<Call> {
    let comment = world.pins.take(&mut world.random)?;
    world.facts.end(Fact("Pin", comment.track.id, 0));
    Some(pinning(world, comment, "Unpin"))
}

fn pinning(world: &mut World, comment: Comment, action: &'static str) -> Call {
    let metadata = world.envelope(&json!({ "entity_id": comment.track.id }));
    Call::by(comment.track.owner, ("Comment", action), comment.id, metadata)
}
