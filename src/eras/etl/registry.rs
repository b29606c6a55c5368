//! Finds the handler of a call. Each entity's folder lists its own; this is the list of lists
//! (frame.md 3.1).

use std::{collections::HashMap, sync::LazyLock};

use super::{
    associated_wallet, collaborator, comment, dashboard_wallet, developer_app, email,
    entry::{ANY, Entry},
    event, grant, migration, notification, play_count, playlist, social, track, user,
};

/// The handlers of live traffic, by folder.
pub const LIVE: &[&[Entry]] = &[
    associated_wallet::HANDLERS,
    collaborator::HANDLERS,
    comment::HANDLERS,
    dashboard_wallet::HANDLERS,
    developer_app::HANDLERS,
    email::HANDLERS,
    event::HANDLERS,
    grant::HANDLERS,
    notification::HANDLERS,
    play_count::HANDLERS,
    playlist::HANDLERS,
    social::HANDLERS,
    track::HANDLERS,
    user::HANDLERS,
];

type Pairs = HashMap<(&'static str, &'static str), &'static Entry>;

static LIVE_PAIRS: LazyLock<Pairs> = LazyLock::new(|| pairs(LIVE));
static MIGRATED_PAIRS: LazyLock<Pairs> = LazyLock::new(|| pairs(&[migration::HANDLERS]));

fn pairs(lists: &[&'static [Entry]]) -> Pairs {
    let all = lists.iter().flat_map(|list| list.iter());
    all.map(|entry| ((entry.entity, entry.action), entry)).collect()
}

/// The handler of a live call: that of its exact pair, else that of its action for any type.
pub fn live(entity: &str, action: &str) -> Option<&'static Entry> {
    of(&LIVE_PAIRS, entity, action)
}

/// The handler of a migrated call: its own where there is one, else that of a live call.
pub fn migrated(entity: &str, action: &str) -> Option<&'static Entry> {
    of(&MIGRATED_PAIRS, entity, action).or_else(|| live(entity, action))
}

fn of(pairs: &Pairs, entity: &str, action: &str) -> Option<&'static Entry> {
    pairs.get(&(entity, action)).or_else(|| pairs.get(&(ANY, action))).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_pair_is_registered_twice() {
        let mut seen = HashSet::new();
        for entry in LIVE.iter().flat_map(|list| list.iter()) {
            assert!(seen.insert((entry.entity, entry.action)), "{entry:?}");
        }
    }
}
