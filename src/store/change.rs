//! What one block changed in one row.

use crate::model::{key::Key, table::Row, tables::TableId};

/// The net change of one row in one block.
#[derive(Clone, Debug)]
pub struct Change {
    /// The table.
    pub table: TableId,
    /// The row's natural key.
    pub key: Key,
    /// The row before the block; `None` if there was none.
    pub before: Option<Row>,
    /// The row after the block; `None` if it was removed.
    pub after: Option<Row>,
    /// The block put the row as a record, which the reference stores by deleting and inserting;
    /// otherwise it changed the row in place.
    pub put: bool,
    /// Bookkeeping of the slot before the block, for undoing.
    pub(super) previous: SlotState,
}

impl Change {
    /// Approximate bytes that the change keeps in memory.
    pub fn size(&self) -> usize {
        let row = |row: &Option<Row>| row.as_ref().map_or(0, |row| row.size());
        size_of::<Self>() + self.key.size() + row(&self.before) + row(&self.after)
    }
}

/// When a slot last changed and whether its row came from the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotState {
    /// Checkpoint of the last change; 0 if it never changed in memory.
    pub(super) changed_at: u64,
}
