//! Follow, save, repost, subscribe, share and their opposites. What holds already is refused, so
//! pairs are looked for that are new.

use serde_json::json;

use crate::chain::generator::facts::Fact;
use crate::chain::generator::random::Random;
use crate::chain::generator::wallet::Key;
use crate::chain::generator::world::{Account, Call, Pool, Relation, World};

/// How often a new pair is looked for.
const TRIES: usize = 4;

/// A mark that users set on tracks and playlists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    set: &'static str,
    unset: &'static str,
    flag: &'static str,
    marks: fn(&mut World) -> (&mut Pool<Relation>, &mut Random),
}

/// A favourite.
pub(super) const SAVE: Mark = Mark {
    set: "Save",
    unset: "Unsave",
    flag: "is_save_of_repost",
    marks: |world| (&mut world.saves, &mut world.random),
};

/// A repost.
pub(super) const REPOST: Mark = Mark {
    set: "Repost",
    unset: "Unrepost",
    flag: "is_repost_of_repost",
    marks: |world| (&mut world.reposts, &mut world.random),
};

/// The id of something of a type.
fn target(world: &mut World, entity_type: &str) -> Option<i64> {
    match entity_type {
        "Track" => world.track().map(|track| track.id),
        "Playlist" => world.playlist().map(|list| list.id),
        "Event" => world.events.pick(&mut world.random).map(|event| event.id),
        _ => world.users.pick(&mut world.random).map(|user| user.id),
    }
}

/// A user, its signer and something of which no fact of this kind holds yet; the fact is noted.
fn new_pair(
    world: &mut World,
    kind: &'static str,
    entity_type: &str,
) -> Option<(Account, Key, i64)> {
    for _ in 0..TRIES {
        let (account, signer) = world.actor()?;
        let id = target(world, entity_type)?;
        if id != account.id && world.facts.note(Fact(kind, account.id, id)) {
            return Some((account, signer, id));
        }
    }
    None
}

/// A follow of a user, whatever the type says. It subscribes, too.
pub(super) fn follow(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let (account, signer, id) = new_pair(world, "Follow", "User")?;
    world.facts.note(Fact("User", account.id, id));
    world.follows.add(Relation { account, entity_type: "User", id });
    Some(Call::by(account, (entity_type, "Follow"), id, "").signed_by(signer))
}

pub(super) fn unfollow(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let follow = world.follows.take(&mut world.random)?;
    world.facts.end(Fact("Follow", follow.account.id, follow.id));
    world.facts.end(Fact("User", follow.account.id, follow.id));
    Some(Call::by(follow.account, (entity_type, "Unfollow"), follow.id, ""))
}

/// A subscription to a user or an event; its fact is of the kind of its target.
pub(super) fn subscribe(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let (account, signer, id) = new_pair(world, entity_type, entity_type)?;
    world.subscriptions.add(Relation { account, entity_type, id });
    Some(Call::by(account, (entity_type, "Subscribe"), id, "").signed_by(signer))
}

pub(super) fn unsubscribe(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let wanted = |relation: &Relation| relation.entity_type == entity_type;
    let relation = world.subscriptions.take_if(&mut world.random, wanted)?;
    let fact = Fact(entity_type, relation.account.id, relation.id);
    // An unfollow may have ended it.
    if !world.facts.holds(fact) {
        return None;
    }
    world.facts.end(fact);
    world.facts.note(Fact("left", relation.account.id, relation.id));
    Some(Call::by(relation.account, (entity_type, "Unsubscribe"), relation.id, ""))
}

/// Saves or reposts a track or a playlist.
pub(super) fn mark(world: &mut World, mark: Mark, entity_type: &'static str) -> Option<Call> {
    let (account, signer, id) = new_pair(world, mark.set, entity_type)?;
    (mark.marks)(world).0.add(Relation { account, entity_type, id });
    let metadata = if world.random.chance(600) {
        String::new()
    } else {
        json!({ mark.flag: world.random.chance(400) }).to_string()
    };
    Some(Call::by(account, (entity_type, mark.set), id, metadata).signed_by(signer))
}

/// Takes a save or a repost back.
pub(super) fn unmark(world: &mut World, mark: Mark, entity_type: &'static str) -> Option<Call> {
    let (marks, random) = (mark.marks)(world);
    let relation = marks.take_if(random, |relation| relation.entity_type == entity_type)?;
    world.facts.end(Fact(mark.set, relation.account.id, relation.id));
    Some(Call::by(relation.account, (entity_type, mark.unset), relation.id, ""))
}

pub(super) fn share(world: &mut World, entity_type: &'static str) -> Option<Call> {
    let (account, signer) = world.actor()?;
    let id = target(world, entity_type)?;
    Some(Call::by(account, (entity_type, "Share"), id, "").signed_by(signer))
}
