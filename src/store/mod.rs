//! STAGE 4 KEEP: current rows in memory, with the changes of the block at hand on top.
//!
//! A handler sees two views of a table (design section 3): the *block view*, rows at block start
//! overlaid by what earlier transactions of the block put, and the *stored* view, rows at block
//! start plus the few writes that the reference makes at once. At block end the last version of
//! every touched key is folded into the base rows, and the list of [`Change`]s is handed on.
//!
//! **Invariant:** a key that was never loaded is a [`Miss`], never silently "absent". Every miss is
//! remembered until the pipeline takes the list and loads it. With [`Store::guess_absent`] the
//! reader is told "absent" meanwhile, so that one run over a batch finds most of what is missing;
//! the guesses are checked against what was loaded ([`Store::confirms`]), and a run that rests on a
//! wrong one is undone and [forgotten](Store::forget_guesses).
//!
//! **Invariant:** undoing the changes of a block restores the base rows exactly.

mod around_block;
mod change;
mod effects;
mod keys;
pub mod memory;
mod overlay;
mod seen;
mod statements;
mod table;

use std::sync::Arc;

pub use change::Change;
pub use effects::{Effect, EffectRow, Effects};
use keys::{Keys, Ranked};
use overlay::Overlay;
pub use overlay::{Layer, Mark};
use rustc_hash::FxHashSet;
use seen::SeenKeys;
pub use statements::Statement;
use statements::{Entry, Origin};
pub use table::Evictable;
use table::{AGES, BaseTable};

use crate::model::{
    key::Key,
    table::{Row, TableDef},
    tables::TableId,
};

/// A row or lookup was read that is not in memory; it was noted for the next load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miss;

/// What to load from one table: rows by natural key, or all rows for values of a lookup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoadRequest {
    /// The table.
    pub table: TableId,
    /// The lookup to load by; `None` for the natural key.
    pub lookup: Option<usize>,
    /// Distinct keys or lookup values.
    pub keys: Vec<Key>,
}

/// The rows in memory.
#[derive(Debug)]
pub struct Store {
    tables: Vec<StoreTable>,
    missing: FxHashSet<(TableId, Option<usize>, Key)>,
    /// Journal of overlay writes in the open block, for rolling back one transaction.
    journal: Vec<Entry>,
    /// What is written now, triggers write.
    derives: bool,
    /// Tables whose block view the open block wrote to, in order of first touch.
    touched: Vec<TableId>,
    /// Whether what is missing reads as absent until it is loaded.
    guessing: bool,
    /// What may be in a database that was empty.
    seen: Option<SeenKeys>,
}

#[derive(Debug)]
struct StoreTable {
    base: BaseTable,
    overlay: Overlay,
}

impl StoreTable {
    /// The keys that may have a value of a lookup as seen through `layer`, in their order.
    fn keys(&self, layer: Layer, lookup: usize, value: &Key) -> Vec<Key> {
        let written = self.overlay.lookup(lookup, value);
        let pending = (layer == Layer::View).then(|| written.keys(Layer::View).iter());
        let stored = written.keys(Layer::Stored).iter();
        let mut keys: Vec<Key> =
            pending.into_iter().flatten().chain(stored).map(|(_, key)| key.clone()).collect();
        let at_start = self.base.keys(lookup, value);
        if at_start.len() > written.covered() {
            let untouched = at_start.iter().map(|(_, key)| key);
            keys.extend(untouched.filter(|key| self.overlay.get(layer, key).is_none()).cloned());
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The last of the keys that have a value of a lookup as seen through `layer`.
    fn last_key(&self, layer: Layer, lookup: usize, value: &Key) -> Option<&Key> {
        let written = self.overlay.lookup(lookup, value);
        let pending = (layer == Layer::View).then(|| written.keys(Layer::View)).map(Keys::iter);
        let mut last = pending.and_then(|mut keys| keys.next_back());
        // What stands below is looked through only down to the last of above.
        let is_seen =
            |(_, key): &&Ranked| layer == Layer::Stored || self.overlay.pending_at(key).is_none();
        let stored = written.keys(Layer::Stored).iter().rev();
        last = last.max(stored.take_while(|key| Some(*key) > last).find(is_seen));
        let is_untouched = |(_, key): &&Ranked| self.overlay.get(layer, key).is_none();
        let at_start = self.base.keys(lookup, value).iter().rev();
        last = last.max(at_start.take_while(|key| Some(*key) > last).find(is_untouched));
        last.map(|(_, key)| key)
    }
}

impl Default for Store {
    fn default() -> Self {
        let tables = TableId::ALL
            .iter()
            .map(|id| StoreTable {
                base: BaseTable::new(id.def()),
                overlay: Overlay::new(id.def()),
            })
            .collect();
        Self {
            tables,
            missing: FxHashSet::default(),
            journal: Vec::new(),
            derives: false,
            touched: Vec::new(),
            guessing: false,
            seen: None,
        }
    }
}

impl Store {
    fn table(&self, id: TableId) -> &StoreTable {
        &self.tables[id as usize]
    }

    fn table_mut(&mut self, id: TableId) -> &mut StoreTable {
        &mut self.tables[id as usize]
    }

    /// Lets what is missing read as absent from now on, until it is loaded. Most keys that a chain
    /// names for the first time are absent, so most guesses are right.
    pub fn guess_absent(&mut self) {
        self.guessing = true;
    }

    /// Takes it that these tables are empty, and that nobody else writes to them: from now on, keys
    /// that the store itself never wrote there are absent without a look.
    pub fn begin_empty(&mut self, tables: &[TableId]) {
        self.seen = Some(SeenKeys::of_empty(tables));
    }

    /// Takes [`Store::begin_empty`] back: others may write, too.
    pub fn look_everywhere(&mut self) {
        self.seen = None;
    }

    /// Whether all rows with a part of the key are in memory, and so not the one of the key. What is
    /// only guessed of them does not count: a guess of the key's own has to be checked as well.
    fn is_ruled_out(&self, id: TableId, key: &Key) -> bool {
        let base = &self.table(id).base;
        id.def().by_key_part.iter().any(|(lookup, places)| {
            let parts = places.iter().filter_map(|place| key.parts().get(*place));
            let value = Key::from_parts(parts.cloned());
            base.is_complete(*lookup, &value) && !self.missing.contains(&(id, Some(*lookup), value))
        })
    }

    fn may_be_there(&self, id: TableId, lookup: Option<usize>, key: &Key) -> bool {
        self.seen.as_ref().is_none_or(|seen| seen.may_be_there(id, lookup, key))
    }

    /// Whether the answer to a request agrees with what was guessed.
    pub fn confirms(&self, request: &LoadRequest, rows: &[Row]) -> bool {
        let base = &self.table(request.table).base;
        // A row in memory was no guess, or the request for its own key says so.
        let known = |row: &Row| base.get(&request.table.def().key_of(row.as_ref())).is_some();
        match request.lookup {
            None => rows.is_empty(),
            Some(_) => rows.iter().all(known),
        }
    }

    /// Takes back what was guessed for the keys of `request`. What a run on the guess wrote has to
    /// be undone before.
    pub fn forget_guesses(&mut self, request: &LoadRequest) {
        self.table_mut(request.table).base.forget(request);
    }

    /// The row at `key` as seen through `layer` and everything below it.
    ///
    /// # Errors
    /// [`Miss`] when the key was never loaded.
    pub fn get(&mut self, id: TableId, layer: Layer, key: &Key) -> Result<Option<Row>, Miss> {
        let table = self.table(id);
        if let Some(found) = table.overlay.get(layer, key) {
            return Ok(found.cloned());
        }
        match table.base.get(key) {
            Some(found) => Ok(found.cloned()),
            None => self.miss(id, None, key).map(|()| None),
        }
    }

    /// All rows whose `lookup` has the value `key`, as seen through `layer`, in key order.
    ///
    /// # Errors
    /// [`Miss`] when the lookup was never loaded for the value, or one of its rows was dropped.
    pub fn find(
        &mut self,
        id: TableId,
        layer: Layer,
        lookup: usize,
        key: &Key,
    ) -> Result<Vec<Row>, Miss> {
        let rows = self.find_keyed(id, layer, lookup, key)?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The same with the keys that the rows stand under.
    ///
    /// # Errors
    /// See [`Store::find`].
    pub fn find_keyed(
        &mut self,
        id: TableId,
        layer: Layer,
        lookup: usize,
        key: &Key,
    ) -> Result<Vec<(Key, Row)>, Miss> {
        if !self.table(id).base.is_complete(lookup, key) {
            self.miss(id, Some(lookup), key)?;
        }
        let keys = self.table(id).keys(layer, lookup, key);
        let mut rows = Vec::with_capacity(keys.len());
        let mut missed = false;
        for row_key in keys {
            match self.get(id, layer, &row_key) {
                Ok(Some(row)) => {
                    if id.def().lookups[lookup].key_of(row.as_ref()).as_ref() == Some(key) {
                        rows.push((row_key, row));
                    }
                }
                Ok(None) => {}
                Err(Miss) => missed = true,
            }
        }
        if missed { Err(Miss) } else { Ok(rows) }
    }

    /// The last of the rows whose `lookup` has the value `key`, as seen through `layer`: the one that
    /// its rank puts last, and of several the one with the greatest key.
    ///
    /// The cost does not grow with their number, but for those of block start that the open block
    /// took away from the end.
    ///
    /// # Errors
    /// As for [`Store::find`].
    pub fn last(
        &mut self,
        id: TableId,
        layer: Layer,
        lookup: usize,
        key: &Key,
    ) -> Result<Option<Row>, Miss> {
        if !self.table(id).base.is_complete(lookup, key) {
            self.miss(id, Some(lookup), key)?;
        }
        match self.table(id).last_key(layer, lookup, key).cloned() {
            Some(row_key) => self.get(id, layer, &row_key),
            None => Ok(None),
        }
    }

    /// Writes a row, or its absence, to a layer of the open block.
    ///
    /// # Errors
    /// [`Miss`] when the row that it replaces was never loaded.
    pub fn write(
        &mut self,
        id: TableId,
        layer: Layer,
        key: Key,
        row: Option<Row>,
    ) -> Result<(), Miss> {
        if self.table(id).base.get(&key).is_none() {
            self.miss(id, None, &key)?;
        }
        if layer == Layer::View {
            self.touch(id);
        }
        let StoreTable { base, overlay } = self.table_mut(id);
        let at_start = base.get(&key).flatten();
        let undo = overlay.write(layer, key, row, at_start);
        self.note(undo);
        Ok(())
    }

    /// Writes a row under a key that nothing else has, here or in the database.
    pub fn append(&mut self, id: TableId, key: Key, row: Row) {
        let undo = self.table_mut(id).overlay.write(Layer::Stored, key, Some(row), None);
        self.note(undo);
    }

    fn note(&mut self, undo: overlay::Undo) {
        let origin = if self.derives { Origin::Trigger } else { Origin::Statement };
        self.journal.push(Entry::Write { undo, origin });
    }

    /// Counts the table as touched from here on, for [`Store::save_order`].
    pub fn touch(&mut self, id: TableId) {
        if !self.touched.contains(&id) {
            self.touched.push(id);
        }
    }

    /// Forgets what the open block wrote to a layer at `key`.
    pub fn discard(&mut self, id: TableId, layer: Layer, key: &Key) {
        let StoreTable { base, overlay } = self.table_mut(id);
        if let Some(undo) = overlay.discard(layer, key, base.get(key).flatten()) {
            self.note(undo);
        }
    }

    /// Asks for a key to be loaded with the next round, if it isn't in memory.
    pub fn want(&mut self, id: TableId, key: Key) {
        let table = self.table(id);
        if table.overlay.get(Layer::View, &key).is_none()
            && table.base.get(&key).is_none()
            && self.may_be_there(id, None, &key)
            && !self.is_ruled_out(id, &key)
        {
            self.missing.insert((id, None, key));
        }
    }

    /// Asks for a lookup value to be loaded with the next round, if it isn't in memory.
    pub fn want_lookup(&mut self, id: TableId, lookup: usize, key: Key) {
        if !self.table(id).base.is_complete(lookup, &key)
            && self.may_be_there(id, Some(lookup), &key)
        {
            self.missing.insert((id, Some(lookup), key));
        }
    }

    /// Where the open block stands; see [`Store::rollback`].
    pub fn mark(&self) -> Mark {
        Mark::new(self.journal.len())
    }

    /// Undoes every overlay write since `mark`.
    pub fn rollback(&mut self, mark: Mark) {
        while self.journal.len() > mark.position() {
            if let Some(Entry::Write { undo, .. }) = self.journal.pop() {
                let StoreTable { base, overlay } = self.table_mut(undo.table());
                let at_start = base.get(undo.key()).flatten();
                overlay.undo(undo, at_start);
            }
        }
    }

    /// Ends the block: folds the overlays into the base rows.
    ///
    /// `checkpoint` stamps the rows; they stay in memory until it is committed. Changes come in the
    /// order in which the reference stores them: what was written at once, then the records, table
    /// by table as they were touched, each in order of first touch.
    pub fn fold(&mut self, checkpoint: u64) -> Vec<Change> {
        self.journal.clear();
        let touched = std::mem::take(&mut self.touched);
        let mut changes = Vec::new();
        for table in &mut self.tables {
            for (key, after, put) in table.overlay.drain() {
                let is_new = put || table.base.get(&key).flatten().is_none();
                let with_defaults = |row: Row| row.with_defaults().unwrap_or(row);
                // What was changed in place keeps its NULLs.
                let after = if is_new { after.map(with_defaults) } else { after };
                if let Some(change) = table.base.apply(key, after, put, checkpoint) {
                    changes.push(change);
                }
            }
        }
        changes.sort_by_key(|change| {
            change.put.then(|| touched.iter().position(|table| *table == change.table))
        });
        if let Some(seen) = &mut self.seen {
            seen.add(&changes);
        }
        changes
    }

    /// Drops the open block without folding it.
    pub fn abandon_block(&mut self) {
        self.rollback(Mark::new(0));
        self.touched.clear();
        for table in &mut self.tables {
            table.overlay.clear();
        }
    }

    /// Takes back the folds of one block; blocks are undone last first.
    pub fn undo(&mut self, changes: &[Change]) {
        for change in changes.iter().rev() {
            self.table_mut(change.table).base.revert(change);
        }
    }

    /// Whether something was missed since the last [`Store::take_missing`].
    pub fn has_missing(&self) -> bool {
        !self.missing.is_empty()
    }

    /// What was missed or wanted, one request per table and lookup, in a fixed order.
    pub fn take_missing(&mut self) -> Vec<LoadRequest> {
        let mut wanted: Vec<_> = self.missing.drain().collect();
        wanted.sort_unstable();
        let mut requests: Vec<LoadRequest> = Vec::new();
        for (table, lookup, key) in wanted {
            match requests.last_mut() {
                Some(last) if last.table == table && last.lookup == lookup => last.keys.push(key),
                _ => requests.push(LoadRequest { table, lookup, keys: vec![key] }),
            }
        }
        requests
    }

    /// Takes in the answer to a request. Rows that changed in memory meanwhile stay as they are.
    pub fn absorb(&mut self, request: &LoadRequest, rows: Vec<Row>) {
        self.table_mut(request.table).base.absorb(request, rows);
    }

    /// Begins a generation: rows that are used from here on are newer than those used before.
    pub fn begin_generation(&mut self) {
        self.tables.iter_mut().for_each(|table| table.base.begin_generation());
    }

    /// Drops rows that `what` allows, those that were not used for longest first, until at most
    /// `bytes` are left. Returns how many rows went.
    pub fn evict(&mut self, what: Evictable, bytes: usize) -> usize {
        let excess = self.bytes().saturating_sub(bytes);
        if excess == 0 {
            return 0;
        }
        let mut by_age = [0; AGES];
        for table in &self.tables {
            table.base.count_evictable(what, &mut by_age);
        }
        let mut freed = 0;
        let oldest_first = by_age.iter().enumerate().rev();
        let age = oldest_first
            .map(|(age, bytes)| {
                freed += bytes;
                (age, freed)
            })
            .find_map(|(age, freed)| (freed >= excess).then_some(age))
            .map_or(what.min_age, |age| age.max(what.min_age));
        self.tables.iter_mut().map(|table| table.base.evict(what, age)).sum()
    }

    /// Rows in memory, absent ones included.
    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.base.len()).sum()
    }

    /// Whether no row is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Approximate bytes of the rows in memory.
    pub fn bytes(&self) -> usize {
        self.tables.iter().map(|table| table.base.bytes()).sum()
    }

    /// Notes that something is missing. `Ok` if it reads as absent from now on.
    fn miss(&mut self, id: TableId, lookup: Option<usize>, key: &Key) -> Result<(), Miss> {
        debug_assert!(
            lookup
                .is_none_or(|lookup| { key.parts().len() == id.def().lookups[lookup].parts.len() }),
            "no row of {id:?} has {key} as the value of a lookup with other parts"
        );
        if !self.may_be_there(id, lookup, key) {
            // Rows that get this value from now on are in memory: together they are all there are.
            if lookup.is_some() {
                self.table_mut(id).base.guess(lookup, key);
            }
            return Ok(());
        }
        if lookup.is_none() && self.is_ruled_out(id, key) {
            return Ok(());
        }
        self.missing.insert((id, lookup, key.clone()));
        if !self.guessing {
            return Err(Miss);
        }
        self.table_mut(id).base.guess(lookup, key);
        Ok(())
    }
}

/// The definition of a table by its id, for messages.
pub fn table_name(id: TableId) -> &'static str {
    let def: &TableDef = id.def();
    def.name
}

/// A shared row of a record.
pub fn row_of<R: crate::model::table::Record>(record: R) -> Row {
    Arc::new(record)
}

#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod tests;

/// Keys that the lookups of `work` walk over.
#[cfg(test)]
pub(crate) fn keys_walked(work: impl FnOnce()) -> usize {
    let before = keys::WALKED.get();
    work();
    keys::WALKED.get() - before
}
