//! Follow, save, repost, subscribe, share and their opposites.

use serde_json::json;

use crate::chain::generator::world::{Account, Call, Relation, World};

/// What an act is about: its id and, for what has one, its owner.
struct Target {
    id: i64,
    owner: Option<Account>,
}

fn target(world: &mut World, entity_type: &str) -> Option<Target> {
    match entity_type {
        "User" => world
            .users
            .pick(&mut world.random)
            .map(|user| Target { id: user.id, owner: Some(user) }),
        "Track" => world.track().map(|track| Target { id: track.id, owner: Some(track.owner) }),
        "Playlist" => world.playlist().map(|list| Target { id: list.id, owner: Some(list.owner) }),
        "Comment" => world
            .comments
            .pick(&mut world.random)
            .map(|comment| Target { id: comment.id, owner: None }),
        _ => world.events.pick(&mut world.random).map(|event| Target { id: event.id, owner: None }),
    }
}

/// A user and something that is not the user's own.
fn pair(world: &mut World, entity_type: &'static str) -> Option<Relation> {
    let account = world.user()?;
    let target = target(world, entity_type)?;
    if target.owner == Some(account) || target.id == account.id {
        return None;
    }
    Some(Relation { account, entity_type, id: target.id })
}

fn call(world: &mut World, relation: Relation, action: &'static str, metadata: String) -> Call {
    let call = Call::by(relation.account, (relation.entity_type, action), relation.id, metadata);
    world.delegated(call)
}

pub(super) fn follow(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation = pair(world, entity_type)?;
    if entity_type == "User" {
        world.follows.add(relation);
    }
    Some(call(world, relation, "Follow", String::new()))
}

pub(super) fn unfollow(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation = match entity_type {
        "User" => world.follows.take(&mut world.random)?,
        _ => pair(world, entity_type)?,
    };
    Some(Call::by(relation.account, (entity_type, "Unfollow"), relation.id, ""))
}

pub(super) fn subscribe(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation = pair(world, entity_type)?;
    if entity_type == "User" {
        world.subscriptions.add(relation);
    }
    Some(call(world, relation, "Subscribe", String::new()))
}

pub(super) fn unsubscribe(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation = match entity_type {
        "User" => world.subscriptions.take(&mut world.random)?,
        _ => pair(world, entity_type)?,
    };
    Some(Call::by(relation.account, (entity_type, "Unsubscribe"), relation.id, ""))
}

pub(super) fn save(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation = pair(world, entity_type)?;
    world.saves.add(relation);
    let metadata = flag(world, "is_save_of_repost");
    Some(call(world, relation, "Save", metadata))
}

pub(super) fn repost(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation = pair(world, entity_type)?;
    world.reposts.add(relation);
    let metadata = flag(world, "is_repost_of_repost");
    Some(call(world, relation, "Repost", metadata))
}

/// The bare object, without an envelope, in which clients send these flags.
fn flag(world: &mut World, key: &str) -> String {
    if world.random.chance(600) {
        return String::new();
    }
    json!({ key: world.random.chance(400) }).to_string()
}

pub(super) fn unsave(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation =
        world.saves.take_if(&mut world.random, |save| save.entity_type == entity_type)?;
    Some(Call::by(relation.account, (entity_type, "Unsave"), relation.id, ""))
}

pub(super) fn unrepost(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let wanted = |repost: &Relation| repost.entity_type == entity_type;
    let relation = world.reposts.take_if(&mut world.random, wanted)?;
    Some(Call::by(relation.account, (entity_type, "Unrepost"), relation.id, ""))
}

pub(super) fn share(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let relation = pair(world, entity_type)?;
    Some(call(world, relation, "Share", String::new()))
}
