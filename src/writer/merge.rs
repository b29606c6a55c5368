//! The changes of a run, merged: the latest version per key, and whether the database holds an
//! older one.

use rustc_hash::FxHashMap;

use crate::{
    model::{key::Key, table::Row, tables::TableId},
    store::Change,
};

/// What a run does to one row.
#[derive(Debug)]
pub(super) struct MergedRow<'a> {
    pub(super) key: &'a Key,
    /// The row before the run; `None` if there was none.
    pub(super) before: Option<&'a Row>,
    /// The row after the run; `None` if it is gone.
    pub(super) after: Option<&'a Row>,
}

/// Merges changes in order; rows of a table come in the order of their first change.
pub(super) fn merge<'a>(
    changes: impl Iterator<Item = &'a Change>,
) -> Vec<(TableId, Vec<MergedRow<'a>>)> {
    let mut tables: Vec<(FxHashMap<&Key, usize>, Vec<MergedRow<'_>>)> =
        TableId::ALL.iter().map(|_| Default::default()).collect();
    for change in changes {
        let (positions, rows) = &mut tables[change.table as usize];
        let position = *positions.entry(&change.key).or_insert_with(|| {
            rows.push(MergedRow { key: &change.key, before: change.before.as_ref(), after: None });
            rows.len() - 1
        });
        rows[position].after = change.after.as_ref();
    }
    TableId::ALL
        .iter()
        .copied()
        .zip(tables)
        .filter(|(_, (_, rows))| !rows.is_empty())
        .map(|(id, (_, rows))| (id, rows))
        .collect()
}
