//! The open block's writes to one table, in two layers.

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

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    pub(super) const fn layer(&self) -> Layer {
        self.layer
    }

    /// What the layer had before: outer `None` if nothing, inner `None` if no row.
    pub(super) const fn previous(&self) -> Option<&Option<Row>> {
        self.previous.as_ref()
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
                    std::collections::hash_map::Entry::Occupied(mut slot) => {
                        Some(std::mem::replace(&mut slot.get_mut().1, row))
                    }
                    std::collections::hash_map::Entry::Vacant(slot) => {
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
    /// By lookup, and by its value.
    lookups: Vec<FxHashMap<Key, Entry>>,
}

/// What the open block did to one value of a lookup.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Keys whose row in [`Layer::View`] has the value.
    view: Keys,
    /// Keys whose row in [`Layer::Stored`] has the value.
    stored: Keys,
    /// How many rows at block start with the value have been written to in [`Layer::Stored`] since:
    /// what is left of them is in `stored`.
    covered: usize,
}

impl Entry {
    /// Keys whose row in the layer itself, not in one below, has the value.
    pub(super) const fn keys(&self, layer: Layer) -> &Keys {
        match layer {
            Layer::View => &self.view,
            Layer::Stored => &self.stored,
        }
    }

    const fn keys_mut(&mut self, layer: Layer) -> &mut Keys {
        match layer {
            Layer::View => &mut self.view,
            Layer::Stored => &mut self.stored,
        }
    }

    pub(super) const fn covered(&self) -> usize {
        self.covered
    }
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
    pub(super) fn get(&self, layer: Layer, key: &Key) -> Option<Option<&Row>> {
        let pending = match layer {
            Layer::View => self.view.by_key.get(key),
            Layer::Stored => None,
        };
        pending.or_else(|| self.stored.by_key.get(key)).map(|(_, row)| row.as_ref())
    }

    pub(super) fn lookup(&self, lookup: usize, key: &Key) -> &Entry {
        const NONE: &Entry = &Entry { view: Keys::None, stored: Keys::None, covered: 0 };
        self.lookups[lookup].get(key).unwrap_or(NONE)
    }

    /// Writes `row` over `base`, the row at block start.
    pub(super) fn write(
        &mut self,
        layer: Layer,
        key: Key,
        row: Option<Row>,
        base: Option<&Row>,
    ) -> Undo {
        let previous = self.set(layer, &key, Some(row), base);
        Undo { table: self.def.id, layer, key, previous }
    }

    pub(super) fn discard(&mut self, layer: Layer, key: &Key, base: Option<&Row>) -> Option<Undo> {
        let previous = self.set(layer, key, None, base)?;
        Some(Undo { table: self.def.id, layer, key: key.clone(), previous: Some(previous) })
    }

    pub(super) fn undo(&mut self, undo: Undo, base: Option<&Row>) {
        self.set(undo.layer, &undo.key, undo.previous, base);
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = (&Key, Option<&Row>)> {
        let mut rows: Vec<_> = self.view.by_key.iter().collect();
        #[cfg(test)]
        super::keys::WALKED.set(super::keys::WALKED.get() + rows.len());
        rows.sort_unstable_by_key(|(_, (position, _))| *position);
        rows.into_iter().map(|(key, (_, row))| (key, row.as_ref()))
    }

    /// What [`Layer::View`] itself has at `key`; the outer `None` means nothing.
    pub(super) fn pending_at(&self, key: &Key) -> Option<Option<&Row>> {
        self.view.by_key.get(key).map(|(_, row)| row.as_ref())
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

    /// Sets what a layer has at `key`, `None` for nothing, and keeps the lookups in step.
    fn set(
        &mut self,
        layer: Layer,
        key: &Key,
        row: Option<Option<Row>>,
        base: Option<&Row>,
    ) -> Option<Option<Row>> {
        let covers = row.is_some();
        let after = row.clone().flatten();
        let into = match layer {
            Layer::View => &mut self.view,
            Layer::Stored => &mut self.stored,
        };
        let previous = into.set(key.clone(), row);
        let before = previous.as_ref().and_then(Option::as_ref);
        let base = base.filter(|_| layer == Layer::Stored && covers != previous.is_some());
        for (lookup, entries) in self.def.lookups.iter().zip(&mut self.lookups) {
            let place = |row: &Row| {
                lookup.key_of(row.as_ref()).map(|value| (value, lookup.rank_of(row.as_ref())))
            };
            let (old, new) = (before.and_then(place), after.as_ref().and_then(place));
            if old != new {
                if let Some((value, rank)) = new {
                    let keys = entries.entry(value).or_default().keys_mut(layer);
                    keys.insert((rank, key.clone()));
                }
                if let Some((value, rank)) = old
                    && let Some(entry) = entries.get_mut(&value)
                {
                    entry.keys_mut(layer).remove(&(rank, key.clone()));
                }
            }
            if let Some(value) = base.and_then(|row| lookup.key_of(row.as_ref())) {
                let covered = &mut entries.entry(value).or_default().covered;
                *covered = if covers { *covered + 1 } else { covered.saturating_sub(1) };
            }
        }
        previous
    }
}
