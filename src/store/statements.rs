//! The open block as the statements of the reference, for a database whose own triggers see them.
//!
//! The journal has every write in order, and none that was taken back. What a write found and left is
//! read off it backwards, from the rows as they are at the end.

use rustc_hash::FxHashMap;

use super::{Layer, Store, overlay::Undo};
use crate::model::{key::Key, table::Row, tables::TableId};

/// What the reference sent to its database.
#[derive(Clone, Debug)]
pub enum Statement {
    /// One row: an `INSERT` where there is none before, a `DELETE` where there is none after, else an
    /// `UPDATE`. A row that is retired is of another definition of the same table afterwards.
    Row {
        /// The row that it found.
        before: Option<Row>,
        /// The row that it left.
        after: Option<Row>,
    },
    /// The rows of `plays` that one transaction brings.
    Plays {
        /// Its position in [`Block::txs`](crate::model::Block::txs).
        tx: usize,
    },
}

/// Who is behind a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A statement of the reference.
    Statement,
    /// The other half of the statement before it: where its row went.
    Moved,
    /// A trigger.
    Trigger,
}

/// An entry of the journal.
#[derive(Debug)]
pub(super) enum Entry {
    Write { undo: Undo, origin: Origin },
    Plays { tx: usize },
}

impl Store {
    /// Notes that the plays of a transaction are stored here.
    pub fn note_plays(&mut self, tx: usize) {
        self.journal.push(Entry::Plays { tx });
    }

    /// Takes what is written from here on for what triggers write, or no longer. Returns what held
    /// before.
    pub fn derive(&mut self, derives: bool) -> bool {
        std::mem::replace(&mut self.derives, derives)
    }

    /// Makes a row of one definition of a table a row of another, which nobody asks for by its key.
    ///
    /// # Errors
    /// See [`Store::write`].
    pub fn relocate(
        &mut self,
        (from, key): (TableId, Key),
        (to, new_key, row): (TableId, Key, Row),
    ) -> Result<(), super::Miss> {
        self.write(from, Layer::Stored, key, None)?;
        self.append(to, new_key, row);
        if let Some(Entry::Write { origin, .. }) = self.journal.last_mut()
            && *origin == Origin::Statement
        {
            *origin = Origin::Moved;
        }
        Ok(())
    }

    /// What the open block did, statement by statement, without what triggers did. Pending records
    /// of [`Layer::View`] are none.
    pub fn statements(&self) -> Vec<Statement> {
        let mut later: FxHashMap<(TableId, &Key), Option<Row>> = FxHashMap::default();
        let mut found = Vec::new();
        for entry in self.journal.iter().rev() {
            match entry {
                Entry::Plays { tx } => found.push((Statement::Plays { tx: *tx }, false)),
                Entry::Write { undo, .. } if undo.layer() != Layer::Stored => {}
                Entry::Write { undo, origin } => {
                    let (id, key) = (undo.table(), undo.key());
                    let table = self.table(id);
                    let at_start = || table.base.get(key).flatten();
                    let before = undo.previous().map_or_else(at_start, Option::as_ref).cloned();
                    let after = later.remove(&(id, key)).unwrap_or_else(|| {
                        table.overlay.get(Layer::Stored, key).flatten().cloned()
                    });
                    later.insert((id, key), before.clone());
                    if *origin != Origin::Trigger && (before.is_some() || after.is_some()) {
                        let statement = Statement::Row { before, after };
                        found.push((statement, *origin == Origin::Moved));
                    }
                }
            }
        }
        found.reverse();
        join_moves(found)
    }
}

/// Makes one statement of the two halves of a move.
fn join_moves(found: Vec<(Statement, bool)>) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::with_capacity(found.len());
    for (statement, is_moved) in found {
        if is_moved
            && let Statement::Row { after: moved, .. } = &statement
            && let Some(Statement::Row { after, .. }) = statements.last_mut()
        {
            after.clone_from(moved);
        } else {
            statements.push(statement);
        }
    }
    statements
}
