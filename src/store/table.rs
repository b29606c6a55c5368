//! The base rows of one table: what is loaded or was folded in, with its lookups.

use std::cell::Cell;

use rustc_hash::FxHashMap;

use super::{
    LoadRequest,
    change::{Change, SlotState},
    keys::{Keys, Ranked},
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
    /// Generation in which it was last read or written.
    used: Cell<u32>,
}

impl Slot {
    fn size(&self, def: &TableDef) -> usize {
        let row = self.row.as_ref().map_or(0, |row| row.size() + def.lookups.len() * LOOKUP_ENTRY);
        size_of::<Self>() + row
    }
}

/// One lookup: keys by value, and the values whose keys are all known, with the generation in which
/// each was last read.
#[derive(Debug, Default)]
struct Index {
    keys: FxHashMap<Key, Keys>,
    complete: FxHashMap<Key, Cell<u32>>,
}

/// Bytes that a row takes up in one lookup: two keys and their places in the maps.
const LOOKUP_ENTRY: usize = size_of::<Key>() + size_of::<Ranked>() + 48;

/// Generations that are told apart by [`BaseTable::count_evictable`]; older ones count as the last.
pub(super) const AGES: usize = 16;

/// What may be dropped from memory.
#[derive(Clone, Copy, Debug)]
pub struct Evictable {
    /// Last checkpoint that is in the database; what changed later stays.
    pub committed: u64,
    /// Spare what came from the database and was never changed.
    pub keep_loaded: bool,
    /// Spare what was used in this many generations, the one at hand included.
    pub min_age: usize,
}

impl Evictable {
    const fn allows(self, slot: &Slot) -> bool {
        let changed_at = slot.state.changed_at;
        changed_at <= self.committed && !(self.keep_loaded && changed_at == 0)
    }
}

/// The base rows of one table.
#[derive(Debug)]
pub(super) struct BaseTable {
    def: &'static TableDef,
    slots: FxHashMap<Key, Slot>,
    indexes: Vec<Index>,
    bytes: usize,
    /// Counts up with every batch; see [`BaseTable::evict`].
    generation: u32,
}

impl BaseTable {
    pub(super) fn new(def: &'static TableDef) -> Self {
        Self {
            def,
            slots: FxHashMap::default(),
            indexes: def.lookups.iter().map(|_| Index::default()).collect(),
            bytes: 0,
            generation: 0,
        }
    }

    /// Everything read or written from here on counts as used later than what was before.
    pub(super) const fn begin_generation(&mut self) {
        self.generation += 1;
    }

    /// The row at `key`: outer `None` if it was never loaded, inner `None` if there is none.
    pub(super) fn get(&self, key: &Key) -> Option<Option<&Row>> {
        let slot = self.slots.get(key)?;
        slot.used.set(self.generation);
        Some(slot.row.as_ref())
    }

    /// Whether all keys of a lookup value are known.
    pub(super) fn is_complete(&self, lookup: usize, key: &Key) -> bool {
        let used = self.indexes[lookup].complete.get(key);
        used.inspect(|used| used.set(self.generation)).is_some()
    }

    /// The known keys of a lookup value.
    pub(super) fn keys(&self, lookup: usize, key: &Key) -> &Keys {
        const NONE: &Keys = &Keys::None;
        self.indexes[lookup].keys.get(key).unwrap_or(NONE)
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
            Some(lookup) => {
                let used = Cell::new(self.generation);
                let complete = request.keys.iter().map(|key| (key.clone(), used.clone()));
                self.indexes[lookup].complete.extend(complete);
            }
        }
    }

    /// Takes it that there is no row at `key`, or none of a lookup value besides those in memory.
    pub(super) fn guess(&mut self, lookup: Option<usize>, key: &Key) {
        match lookup {
            None => self.set(key, None, SlotState::default()),
            Some(lookup) => {
                self.indexes[lookup].complete.insert(key.clone(), Cell::new(self.generation));
            }
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
                        self.bytes -= key.size() + slot.size(self.def);
                    }
                }
                Some(lookup) => {
                    self.indexes[lookup].complete.remove(key);
                }
            }
        }
    }

    /// Adds up the bytes that may be dropped, by the generations since they were used.
    pub(super) fn count_evictable(&self, what: Evictable, bytes: &mut [usize; AGES]) {
        for (key, slot) in self.slots.iter().filter(|(_, slot)| what.allows(slot)) {
            bytes[self.age(&slot.used)] += key.size() + slot.size(self.def);
        }
    }

    /// Drops what may be dropped and was not used in the last `age` generations; returns how many
    /// rows went. Lookup values that lose a row are no longer complete.
    pub(super) fn evict(&mut self, what: Evictable, age: usize) -> usize {
        let old = |(_, slot): &(&Key, &Slot)| what.allows(slot) && self.age(&slot.used) >= age;
        let keys: Vec<Key> = self.slots.iter().filter(old).map(|(key, _)| key.clone()).collect();
        for key in &keys {
            let Some(slot) = self.slots.remove(key) else { continue };
            self.bytes -= key.size() + slot.size(self.def);
            let Some(row) = slot.row else { continue };
            for (lookup, index) in self.def.lookups.iter().zip(&mut self.indexes) {
                if let Some(value) = lookup.key_of(row.as_ref()) {
                    index.complete.remove(&value);
                    index.remove(&value, &(lookup.rank_of(row.as_ref()), key.clone()));
                }
            }
        }
        let generation = self.generation;
        for index in &mut self.indexes {
            index.complete.retain(|_, used| age_of(generation, used) < age);
        }
        keys.len()
    }

    fn age(&self, used: &Cell<u32>) -> usize {
        age_of(self.generation, used)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Approximate bytes, those of the lookups included.
    pub(super) fn bytes(&self) -> usize {
        let complete: usize = self.indexes.iter().map(|index| index.complete.len()).sum();
        self.bytes + complete * LOOKUP_ENTRY
    }

    fn set(&mut self, key: &Key, row: Option<Row>, state: SlotState) {
        let new = Slot { row, state, used: Cell::new(self.generation) };
        self.bytes += new.size(self.def);
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
            self.bytes -= old.size(self.def);
            self.unindex(key, old.row.as_ref());
        }
    }

    fn index(&mut self, key: &Key, row: Option<&Row>) {
        let Some(row) = row else { return };
        for (lookup, index) in self.def.lookups.iter().zip(&mut self.indexes) {
            if let Some(value) = lookup.key_of(row.as_ref()) {
                let ranked = (lookup.rank_of(row.as_ref()), key.clone());
                index.keys.entry(value).or_default().insert(ranked);
            }
        }
    }

    /// Removes `key` from the lookup values, and the ranks, that it no longer has.
    fn unindex(&mut self, key: &Key, old: Option<&Row>) {
        let Some(old) = old else { return };
        let current = self.slots.get(key).and_then(|slot| slot.row.as_ref());
        for (lookup, index) in self.def.lookups.iter().zip(&mut self.indexes) {
            let Some(value) = lookup.key_of(old.as_ref()) else { continue };
            let rank = lookup.rank_of(old.as_ref());
            let is_still = |row: &Row| {
                lookup.rank_of(row.as_ref()) == rank
                    && lookup.key_of(row.as_ref()).as_ref() == Some(&value)
            };
            if !current.is_some_and(is_still) {
                index.remove(&value, &(rank, key.clone()));
            }
        }
    }
}

impl Index {
    fn remove(&mut self, value: &Key, key: &Ranked) {
        let Some(keys) = self.keys.get_mut(value) else { return };
        keys.remove(key);
        if keys.is_empty() {
            self.keys.remove(value);
        }
    }
}

/// Generations since `used`, up to the last that is told apart.
fn age_of(generation: u32, used: &Cell<u32>) -> usize {
    usize::try_from(generation - used.get()).unwrap_or(AGES).min(AGES - 1)
}
