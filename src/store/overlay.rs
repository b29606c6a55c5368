//! The open block's writes to one table, in two layers.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::keys::Keys;

use crate::model::{
    key::Key,
    table::{Row, TableDef},
    tables::TableId,
};

/// Which writes of the open block a read sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Everything: pending records over immediate writes over the rows at block start.
    View,
    /// Immediate writes over the rows at block start, what the reference's queries see.
    Stored,
}

/// A position in the journal of the open block.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl Mark {
    pub(super) const fn new(position: usize) -> Self {
        Self(position)
    }

    pub(super) const fn position(self) -> usize {
        self.0
    }
}

/// How to take back one overlay write.
#[derive(Debug)]
pub(super) struct Undo {
    table: TableId,
    layer: Layer,
    key: Key,
    previous: Option<Option<Row>>,
}

impl Undo {
    pub(super) const fn table(&self) -> TableId {
        self.table
    }
}

/// One layer: rows (or absences) by key, in order of first touch.
#[derive(Debug, Default)]
struct Rows {
    by_key: FxHashMap<Key, (usize, Option<Row>)>,
    touched: usize,
}

impl Rows {
    fn set(&mut self, key: Key, row: Option<Option<Row>>) -> Option<Option<Row>> {
        match row {
            None => self.by_key.remove(&key).map(|(_, row)| row),
            Some(row) => {
                let position = self.touched;
                match self.by_key.entry(key) {
                    Entry::Occupied(mut slot) => {
                        Some(std::mem::replace(&mut slot.get_mut().1, row))
                    }
                    Entry::Vacant(slot) => {
                        slot.insert((position, row));
                        self.touched += 1;
                        None
                    }
                }
            }
        }
    }
}

/// The open block's writes to one table.
#[derive(Debug)]
pub(super) struct Overlay {
    def: &'static TableDef,
    view: Rows,
    stored: Rows,
    /// Keys that at some time in this block had a lookup value; readers check the row itself.
    lookups: Vec<FxHashMap<Key, Keys>>,
}

impl Overlay {
    pub(super) fn new(def: &'static TableDef) -> Self {
        Self {
            def,
            view: Rows::default(),
            stored: Rows::default(),
            lookups: def.lookups.iter().map(|_| FxHashMap::default()).collect(),
        }
    }

    /// The write that a read through `layer` sees; the outer `None` means "look below".
    pub(super) fn get(&self, layer: Layer, key: &Key) -> Option<Option<Row>> {
        let pending = match layer {
            Layer::View => self.view.by_key.get(key),
            Layer::Stored => None,
        };
        pending.or_else(|| self.stored.by_key.get(key)).map(|(_, row)| row.clone())
    }

    pub(super) fn lookup(&self, lookup: usize, key: &Key) -> Vec<Key> {
        self.lookups[lookup].get(key).map_or_else(Vec::new, Keys::to_vec)
    }

    pub(super) fn write(&mut self, id: TableId, layer: Layer, key: Key, row: Option<Row>) -> Undo {
        if let Some(row) = &row {
            for (index, lookup) in self.def.lookups.iter().enumerate() {
                if let Some(value) = lookup.key_of(row.as_ref()) {
                    match self.lookups[index].entry(value) {
                        Entry::Occupied(mut keys) => keys.get_mut().insert(&key),
                        Entry::Vacant(place) => drop(place.insert(Keys::One(key.clone()))),
                    }
                }
            }
        }
        let previous = self.layer(layer).set(key.clone(), Some(row));
        Undo { table: id, layer, key, previous }
    }

    pub(super) fn discard(&mut self, id: TableId, layer: Layer, key: &Key) -> Option<Undo> {
        let previous = self.layer(layer).set(key.clone(), None)?;
        Some(Undo { table: id, layer, key: key.clone(), previous: Some(previous) })
    }

    pub(super) fn undo(&mut self, undo: Undo) {
        self.layer(undo.layer).set(undo.key, undo.previous);
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = (&Key, Option<&Row>)> {
        let mut rows: Vec<_> = self.view.by_key.iter().collect();
        rows.sort_unstable_by_key(|(_, (position, _))| *position);
        rows.into_iter().map(|(key, (_, row))| (key, row.as_ref()))
    }

    /// Empties the overlay: the final row per key, pending over immediate, in order of first touch,
    /// and whether it was pending.
    pub(super) fn drain(&mut self) -> Vec<(Key, Option<Row>, bool)> {
        let mut rows: Vec<(u8, usize, Key, Option<Row>)> = Vec::new();
        for (key, (position, row)) in self.stored.by_key.drain() {
            if !self.view.by_key.contains_key(&key) {
                rows.push((0, position, key, row));
            }
        }
        rows.extend(self.view.by_key.drain().map(|(key, (position, row))| (1, position, key, row)));
        rows.sort_unstable_by_key(|(layer, position, ..)| (*layer, *position));
        self.clear();
        rows.into_iter().map(|(layer, _, key, row)| (key, row, layer == 1)).collect()
    }

    pub(super) fn clear(&mut self) {
        self.view = Rows::default();
        self.stored = Rows::default();
        for lookup in &mut self.lookups {
            lookup.clear();
        }
    }

    fn layer(&mut self, layer: Layer) -> &mut Rows {
        match layer {
            Layer::View => &mut self.view,
            Layer::Stored => &mut self.stored,
        }
    }
}
