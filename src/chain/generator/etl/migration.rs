//! Calls of the genesis of a new chain: those of live traffic with the times and marks of an export.

use serde_json::{Map, Value, json};

use super::social;
use crate::chain::generator::alike::rfc_time;
use crate::chain::generator::facts::Fact;
use crate::chain::generator::world::{Call, World};

/// A live call as the genesis has it.
pub(super) fn of(world: &mut World, make: fn(&mut World) -> Option<Call>) -> Option<Call> {
    let call = make(world)?;
    let mut top = match serde_json::from_str(&call.metadata) {
        Ok(Value::Object(top)) => top,
        _ => Map::new(),
    };
    let marks = marks(world, &call);
    match top.get_mut("data") {
        Some(Value::Object(data)) => data.extend(marks),
        _ => top.extend(marks),
    }
    let metadata = Value::Object(top).to_string();
    Some(Call { metadata, signer: call.signer.to_ascii_lowercase(), migrated: true, ..call })
}

/// A migrated follow, which subscribes to nobody.
pub(super) fn of_follow(world: &mut World) -> Option<Call> {
    let call = of(world, |world| social::follow(world, "User"))?;
    world.facts.end(Fact("User", call.user_id, call.entity_id));
    Some(call)
}

/// What an export adds to a call: when it was made, and what became of the row.
fn marks(world: &mut World, call: &Call) -> Map<String, Value> {
    let at = world.now - world.random.between(0, 90_000_000);
    let mut marks = Map::new();
    marks.insert("created_at".into(), rfc_time(at).into());
    marks.insert("is_delete".into(), false.into());
    let mut add = |key: &str, value: Value| marks.insert(key.into(), value);
    match (&*call.entity_type, &*call.action) {
        ("User", "Create") => {
            add("is_verified", world.random.chance(20).into());
            add("is_deactivated", false.into());
            add("is_available", true.into());
        }
        ("Track", "Create") => {
            let slug = format!("track-{}", call.entity_id);
            add("route_slug", format!("{slug}-1").into());
            add("route_title_slug", slug.into());
            add("route_collision_id", 1.into());
        }
        ("Playlist", "Create") => {
            add("route_slug", format!("list-{}", call.entity_id).into());
            let removed = world.track().map(|track| {
                let times = (rfc_time(at), rfc_time(at + 3600));
                json!({ "track_id": track.id, "created_at": times.0, "updated_at": times.1 })
            });
            add("removed_tracks", removed.into_iter().collect());
        }
        ("Comment", "Create") => {
            add("is_edited", world.random.chance(100).into());
        }
        ("Grant", "Create") => {
            add("is_revoked", false.into());
        }
        _ => {}
    }
    marks
}
