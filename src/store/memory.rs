//! A database in memory that answers load requests: what tests run handlers against.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::{Change, LoadRequest, Store};
use crate::model::{key::Key, table::Row, tables::TableId};

/// Rows of all tables by natural key.
#[derive(Clone, Debug, Default)]
pub struct MemoryDatabase {
    rows: BTreeMap<(TableId, Key), Row>,
}

impl MemoryDatabase {
    /// Adds or replaces a row.
    pub fn insert(&mut self, row: Row) {
        let id = row.table();
        self.rows.insert((id, id.def().key_of(row.as_ref())), row);
    }

    /// Makes the changes of a block durable.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            let at = (change.table, change.key.clone());
            match &change.after {
                Some(row) => self.rows.insert(at, row.clone()),
                None => self.rows.remove(&at),
            };
        }
    }

    /// The rows of a table in key order.
    pub fn table(&self, id: TableId) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |((table, _), _)| *table == id).map(|(_, row)| row)
    }

    /// Loads everything that `store` misses.
    pub fn answer(&self, store: &mut Store) {
        for request in store.take_missing() {
            let rows = self.load(&request);
            store.absorb(&request, rows);
        }
    }

    /// The answer to a request.
    pub fn load(&self, request: &LoadRequest) -> Vec<Row> {
        let def = request.table.def();
        let keys: FxHashSet<&Key> = request.keys.iter().collect();
        self.table(request.table)
            .filter(|row| match request.lookup {
                None => keys.contains(&def.key_of(row.as_ref())),
                Some(lookup) => def.lookups[lookup]
                    .key_of(row.as_ref())
                    .is_some_and(|value| keys.contains(&value)),
            })
            .cloned()
            .collect()
    }
}
