//! The keys of rows that share a lookup value.

use std::collections::BTreeSet;

use crate::model::key::Key;

/// The keys of one lookup value. Most values have one, and a set for one key takes ten times as much.
#[derive(Debug)]
pub(super) enum Keys {
    One(Key),
    Many(BTreeSet<Key>),
}

impl Keys {
    pub(super) fn insert(&mut self, key: &Key) {
        match self {
            Self::One(only) if only == key => {}
            Self::One(only) => *self = Self::Many(BTreeSet::from([only.clone(), key.clone()])),
            Self::Many(keys) => {
                keys.insert(key.clone());
            }
        }
    }

    /// Returns whether none is left.
    pub(super) fn remove(&mut self, key: &Key) -> bool {
        match self {
            Self::One(only) => only == key,
            Self::Many(keys) => {
                keys.remove(key);
                keys.is_empty()
            }
        }
    }

    pub(super) fn to_vec(&self) -> Vec<Key> {
        match self {
            Self::One(key) => vec![key.clone()],
            Self::Many(keys) => keys.iter().cloned().collect(),
        }
    }
}
