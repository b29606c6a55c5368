//! Remix contests and other events.

use serde_json::json;

use crate::chain::generator::alike::rfc_time;
use crate::chain::generator::facts::Fact;
use crate::chain::generator::world::{Call, Event, World};

/// A contest on a track that is no remix and has none yet, or another event about a track.
pub(super) fn create(world: &mut World) -> Option<Call> {
    let track = world.tracks.pick_settled(&mut world.random).filter(|track| !track.special)?;
    let is_contest = world.random.chance(800);
    if is_contest && !world.facts.note(Fact("Contest", track.id, 0)) {
        return None;
    }
    let id = world.new_event_id();
    let end = world.now + world.random.between(3_600, 86_400 * 60);
    let event_type = if is_contest {
        "remix_contest"
    } else {
        world.random.pick(&["live_event", "new_release"])
    };
    let data = json!({
        "event_type": event_type,
        "entity_type": "track",
        "entity_id": track.id,
        "end_date": rfc_time(end),
        "event_data": { "description": world.random.words(3, 20), "prizeInfo": "$100" },
    });
    let metadata = world.envelope(&data);
    world.events.add(Event { id, host: track.owner, track: track.id, end });
    Some(Call::by(track.owner, ("Event", "Create"), id, metadata))
}

pub(super) fn delete(world: &mut World) -> Option<Call> {
    let event = world.events.take(&mut world.random)?;
    Some(Call::by(event.host, ("Event", "Delete"), event.id, ""))
}
