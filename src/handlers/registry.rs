//! The list of handlers: one line per entity and action.

use std::{collections::HashMap, sync::LazyLock};

use super::Handler;
use crate::model::EntityTx;

/// Matches every entity type.
pub const ANY: &str = "*";

/// One registered pair.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Entity type, exact, or [`ANY`].
    pub entity: &'static str,
    /// Action, exact.
    pub action: &'static str,
    /// The handler.
    pub handler: Handler,
}

/// All handlers, grouped by entity (handlers-a 0.3).
pub const HANDLERS: &[Entry] = &[];

static BY_PAIR: LazyLock<HashMap<(&str, &str), &Entry>> =
    LazyLock::new(|| HANDLERS.iter().map(|entry| ((entry.entity, entry.action), entry)).collect());

/// The handler of a transaction, if its pair has one.
pub fn find(tx: &EntityTx) -> Option<&'static Entry> {
    let (entity, action) = (tx.entity_type.as_str(), tx.action.as_str());
    BY_PAIR.get(&(entity, action)).or_else(|| BY_PAIR.get(&(ANY, action))).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_pair_is_registered_twice() {
        let mut seen = HashSet::new();
        for entry in HANDLERS {
            assert!(seen.insert((entry.entity, entry.action)), "{entry:?}");
        }
    }
}
