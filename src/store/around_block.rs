//! The open block seen from outside of it: what it put so far, and what was there before it.

use super::{Layer, Miss, Store};
use crate::model::{key::Key, table::Row, tables::TableId};

impl Store {
    /// Rows the open block put into the block view of a table, in order of first touch.
    pub fn pending(&self, id: TableId) -> impl Iterator<Item = (&Key, Option<&Row>)> {
        self.table(id).overlay.pending()
    }

    /// What the open block put into the block view at `key`: the outer `None` means nothing.
    pub fn pending_at(&self, id: TableId, key: &Key) -> Option<Option<&Row>> {
        self.table(id).overlay.pending_at(key)
    }

    /// The rows that the open block put into the block view and whose `lookup` has the value `key`,
    /// in the order of their ranks. Nothing is loaded for it.
    pub fn pending_by<'a>(
        &'a self,
        id: TableId,
        lookup: usize,
        key: &Key,
    ) -> impl DoubleEndedIterator<Item = &'a Row> + use<'a> {
        let overlay = &self.table(id).overlay;
        let keys = overlay.lookup(lookup, key).keys(Layer::View).iter();
        keys.filter_map(|(_, key)| overlay.pending_at(key).flatten())
    }

    /// Everything the open block put into the block view, in the order in which the reference saves
    /// it: tables by first touch, then keys by first touch (handlers-a 0.9).
    pub fn save_order(&self) -> Vec<(TableId, Key, Option<Row>)> {
        let rows_of = |id: &TableId| {
            let id = *id;
            self.pending(id).map(move |(key, row)| (id, key.clone(), row.cloned()))
        };
        self.touched.iter().flat_map(rows_of).collect()
    }

    /// The row at `key` before the open block, if it is in memory.
    pub fn before_block(&self, id: TableId, key: &Key) -> Option<&Row> {
        self.table(id).base.get(key).flatten()
    }

    /// What is known of the row at `key` before the open block: outer `None` if nothing, inner `None`
    /// if there is none.
    pub fn known(&self, id: TableId, key: &Key) -> Option<Option<&Row>> {
        let known = self.table(id).base.get(key);
        known.or_else(|| {
            let is_absent = !self.may_be_there(id, None, key) || self.is_ruled_out(id, key);
            is_absent.then_some(None)
        })
    }

    /// The rows whose `lookup` had the value `key` before the open block; `None` if not all of them
    /// are in memory.
    pub fn known_by(&self, id: TableId, lookup: usize, key: &Key) -> Option<Vec<Row>> {
        let base = &self.table(id).base;
        let rows = |key: &Key| base.get(key).map(|row| row.cloned());
        if !base.is_complete(lookup, key) {
            return None;
        }
        let mut keys: Vec<&Key> = base.keys(lookup, key).iter().map(|(_, key)| key).collect();
        keys.sort_unstable();
        let found: Option<Vec<_>> = keys.into_iter().map(rows).collect();
        found.map(|rows| rows.into_iter().flatten().collect())
    }

    /// The last row ([`Store::last`]) whose `lookup` had the value `key` before the open block: outer
    /// `None` if it is not known, inner `None` if there is none.
    pub fn known_last(&self, id: TableId, lookup: usize, key: &Key) -> Option<Option<&Row>> {
        let base = &self.table(id).base;
        if !base.is_complete(lookup, key) {
            return (!self.may_be_there(id, Some(lookup), key)).then_some(None);
        }
        match base.keys(lookup, key).iter().next_back() {
            None => Some(None),
            Some((_, row_key)) => base.get(row_key),
        }
    }

    /// All rows whose `lookup` had the value `key` before the open block, in key order.
    ///
    /// # Errors
    /// As for [`Store::find`].
    pub fn find_before_block(
        &mut self,
        id: TableId,
        lookup: usize,
        key: &Key,
    ) -> Result<Vec<Row>, Miss> {
        if !self.table(id).base.is_complete(lookup, key) {
            self.miss(id, Some(lookup), key)?;
        }
        let keys = self.table(id).base.keys(lookup, key).iter();
        let mut keys: Vec<Key> = keys.map(|(_, key)| key.clone()).collect();
        keys.sort_unstable();
        let mut rows = Vec::with_capacity(keys.len());
        for row_key in keys {
            match self.table(id).base.get(&row_key) {
                Some(row) => rows.extend(row.cloned()),
                None => self.miss(id, None, &row_key)?,
            }
        }
        Ok(rows)
    }
}
