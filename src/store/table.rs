//! The base rows of one table: what is loaded or was folded in, with its lookups.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    LoadRequest,
    change::{Change, SlotState},
};
use crate::model::{
    key::Key,
    table::{Row, TableDef},
};

/// A key that is in memory: its row, or the knowledge that there is none.
#[derive(Debug)]
struct Slot {
    row: Option<Row>,
    state: SlotState,
}

impl Slot {
    fn size(&self) -> usize {
        size_of::<Self>() + self.row.as_ref().map_or(0, |row| row.size())
    }
}

/// One lookup: keys by value, and the values whose keys are all known.
#[derive(Debug, Default)]
struct Index {
    keys: FxHashMap<Key, BTreeSet<Key>>,
    complete: FxHashSet<Key>,
}

/// The base rows of one table.
#[derive(Debug)]
pub(super) struct BaseTable {
    def: &'static TableDef,
    slots: FxHashMap<Key, Slot>,
    indexes: Vec<Index>,
    bytes: usize,
}

static NO_KEYS: BTreeSet<Key> = BTreeSet::new();

impl BaseTable {
    pub(super) fn new(def: &'static TableDef) -> Self {
        Self {
            def,
            slots: FxHashMap::default(),
            indexes: def.lookups.iter().map(|_| Index::default()).collect(),
            bytes: 0,
        }
    }

    /// The row at `key`: outer `None` if it was never loaded, inner `None` if there is none.
    pub(super) fn get(&self, key: &Key) -> Option<Option<&Row>> {
        self.slots.get(key).map(|slot| slot.row.as_ref())
    }

    /// The keys of a lookup value; `None` if they aren't all known.
    pub(super) fn lookup(&self, lookup: usize, key: &Key) -> Option<&BTreeSet<Key>> {
        let index = &self.indexes[lookup];
        index.complete.contains(key).then(|| index.keys.get(key).unwrap_or(&NO_KEYS))
    }

    /// Folds in a block's last version of a row. `None` when there was no row before or after.
    pub(super) fn apply(
        &mut self,
        key: Key,
        after: Option<Row>,
        put: bool,
        checkpoint: u64,
    ) -> Option<Change> {
        let (before, previous) = match self.slots.get(&key) {
            Some(slot) => (slot.row.clone(), slot.state),
            None => (None, SlotState::default()),
        };
        if before.is_none() && after.is_none() {
            return None;
        }
        self.set(&key, after.clone(), SlotState { changed_at: checkpoint });
        Some(Change { table: self.def.id, key, before, after, put, previous })
    }

    /// Takes back [`BaseTable::apply`].
    pub(super) fn revert(&mut self, change: &Change) {
        self.set(&change.key, change.before.clone(), change.previous);
    }

    pub(super) fn absorb(&mut self, request: &LoadRequest, rows: Vec<Row>) {
        for row in rows {
            let key = self.def.key_of(row.as_ref());
            if !self.slots.contains_key(&key) {
                self.set(&key, Some(row), SlotState::default());
            }
        }
        match request.lookup {
            None => {
                for key in &request.keys {
                    if !self.slots.contains_key(key) {
                        self.set(key, None, SlotState::default());
                    }
                }
            }
            Some(lookup) => self.indexes[lookup].complete.extend(request.keys.iter().cloned()),
        }
    }

    /// Takes it that there is no row at `key`, or none of a lookup value besides those in memory.
    pub(super) fn guess(&mut self, lookup: Option<usize>, key: &Key) {
        match lookup {
            None => self.set(key, None, SlotState::default()),
            Some(lookup) => drop(self.indexes[lookup].complete.insert(key.clone())),
        }
    }

    /// Takes back [`BaseTable::guess`] for the keys of `request`.
    pub(super) fn forget(&mut self, request: &LoadRequest) {
        for key in &request.keys {
            match request.lookup {
                None => {
                    if self.slots.get(key).is_some_and(|slot| slot.row.is_none())
                        && let Some(slot) = self.slots.remove(key)
                    {
                        self.bytes -= key.size() + slot.size();
                    }
                }
                Some(lookup) => drop(self.indexes[lookup].complete.remove(key)),
            }
        }
    }

    pub(super) fn evict(&mut self, committed: u64, keep_loaded: bool) -> usize {
        let before = self.slots.len();
        self.slots.retain(|_, slot| {
            let uncommitted = slot.state.changed_at > committed;
            uncommitted || (keep_loaded && slot.state.changed_at == 0)
        });
        if self.slots.len() < before {
            self.rebuild();
        }
        before - self.slots.len()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn set(&mut self, key: &Key, row: Option<Row>, state: SlotState) {
        let new = Slot { row, state };
        self.bytes += new.size();
        self.index(key, new.row.as_ref());
        let old = match self.slots.get_mut(key) {
            Some(slot) => Some(std::mem::replace(slot, new)),
            None => {
                self.bytes += key.size();
                self.slots.insert(key.clone(), new);
                None
            }
        };
        if let Some(old) = old {
            self.bytes -= old.size();
            self.unindex(key, old.row.as_ref());
        }
    }

    fn index(&mut self, key: &Key, row: Option<&Row>) {
        let Some(row) = row else { return };
        for (lookup, index) in self.def.lookups.iter().zip(&mut self.indexes) {
            if let Some(value) = lookup.key_of(row.as_ref()) {
                index.keys.entry(value).or_default().insert(key.clone());
            }
        }
    }

    /// Removes `key` from the lookup values it no longer has.
    fn unindex(&mut self, key: &Key, old: Option<&Row>) {
        let Some(old) = old else { return };
        let current = self.slots.get(key).and_then(|slot| slot.row.as_ref());
        for (lookup, index) in self.def.lookups.iter().zip(&mut self.indexes) {
            let Some(value) = lookup.key_of(old.as_ref()) else { continue };
            if current.and_then(|row| lookup.key_of(row.as_ref())).as_ref() == Some(&value) {
                continue;
            }
            if let Some(keys) = index.keys.get_mut(&value) {
                keys.remove(key);
                if keys.is_empty() {
                    index.keys.remove(&value);
                }
            }
        }
    }

    /// Builds the lookups from the rows that are left. No lookup value is complete afterwards.
    fn rebuild(&mut self) {
        self.indexes = self.def.lookups.iter().map(|_| Index::default()).collect();
        let slots = std::mem::take(&mut self.slots);
        self.bytes = 0;
        for (key, slot) in &slots {
            self.bytes += key.size() + slot.size();
            self.index(key, slot.row.as_ref());
        }
        self.slots = slots;
    }
}
