//! Eras: what each program that wrote production did with a block, one wing each (design section
//! 11).
//!
//! A wing has a frame, a reader of metadata, a registry, handlers, derived rows and a way to record
//! blocks of its own, over the store and the pure `rules` that all wings share. No wing knows
//! another, and nothing outside asks which one it has before it: [`Era`] is all the pipeline sees, and
//! a [`schedule`] is one too.

pub mod chain_rows;
pub mod discovery;
pub mod etl;
pub mod schedule;

use std::{fmt, sync::Arc};

use crate::{
    model::{Block, Provenance, block::RollupCounts, tables::TableId},
    store::{Change, Statement, Store},
};

/// The behaviour of one of the programs that wrote production.
pub trait Era: fmt::Debug + Send {
    /// Asks `store` for the rows that the transactions of `block` at `positions` will probably read
    /// and that are not in memory. Returns the positions of those that have to be looked at again
    /// once the rows are there: they lead to others.
    ///
    /// No more than a guess: a row that is left out costs a second attempt at the batch, one that
    /// nobody reads costs a load, and neither changes a result.
    fn wants(&self, block: &Block, positions: Vec<usize>, store: &mut Store) -> Vec<usize>;

    /// Applies `block` to the rows in memory and folds it into the store as `checkpoint`.
    fn apply(
        &self,
        block: &Block,
        numbering: &mut Numbering,
        store: &mut Store,
        checkpoint: u64,
    ) -> BlockResult;

    /// Whether changes of `table` by `block` are for the database; the others are for the memory of
    /// this program alone.
    fn writes(&self, _block: &Block, _table: TableId) -> bool {
        true
    }
}

/// How a wing records a block and its plays, whatever becomes of its entity calls. Plays are listed
/// where the last argument is true.
pub type Record = fn(&Block, &mut Numbering, bool) -> Provenance;

/// What is numbered from block to block.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    /// Highest number of the `blocks` sequence.
    pub em_block: i64,
    /// Highest slot in `plays`.
    pub plays_slot: i64,
    /// Height and hash of the last block of the chain, where known.
    pub last: Option<(i64, String)>,
    /// Numbers of new notifications.
    pub notification_ids: SerialIds,
}

/// The numbers that a sequence gives to new rows, as far as rows have them already.
#[derive(Clone, Debug, Default)]
pub struct SerialIds {
    next: i64,
    /// Ranges of numbers that rows have, first and last, ascending.
    taken: Arc<[(i64, i64)]>,
    /// Ranges that lie behind `next`.
    passed: usize,
}

impl SerialIds {
    /// A sequence that gives `next` first, where rows have the numbers of the ranges `taken`.
    pub fn new(next: i64, taken: Vec<(i64, i64)>) -> Self {
        Self { next, taken: taken.into(), passed: 0 }
    }

    /// Takes the next number; whether a row has it already.
    pub fn draw(&mut self) -> bool {
        let Some(&(first, last)) = self.taken.get(self.passed) else { return false };
        let id = self.next;
        self.next += 1;
        if id >= last {
            self.passed += 1;
        }
        id >= first
    }
}

/// What one block did.
#[derive(Debug, Default)]
pub struct BlockResult {
    /// Outcome of each entity call, and of other transactions that failed, with their positions in
    /// [`Block::txs`], ascending.
    pub outcomes: Vec<(usize, Outcome)>,
    /// How the block is recorded.
    pub provenance: Provenance,
    /// Storage challenges that the block's SLA rollups report on.
    pub rollups: Vec<RollupCounts>,
    /// Net changes of rows.
    pub changes: Vec<Change>,
    /// What the program whose behaviour is followed sent to its database, in order; only for a
    /// database whose triggers see it ([`Derive::Triggers`]).
    pub statements: Option<Vec<Statement>>,
    /// Rows were missing: the result counts for nothing, the block must run again.
    pub incomplete: bool,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handler wrote what it had to.
    Applied,
    /// Validation refused it.
    Rejected(Reason),
    /// It failed; a `skipped_transactions` row is due.
    Skipped(Reason),
    /// It would have stalled the reference; counted as a reject, nothing of it stays.
    Poisoned(Reason),
    /// It failed and nothing of it stays.
    Failed(Reason),
    /// No handler exists for the pair.
    Unrouted,
    /// Rows were missing; the outcome counts for nothing.
    Missing,
}

/// A stable code for counting, and a detail for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable, lower-case, for example `signer_unknown_user`.
    pub code: &'static str,
    /// What exactly, for the debug log; may be empty.
    pub detail: Box<str>,
}

impl Reason {
    /// A reason without a detail.
    pub fn of(code: &'static str) -> Self {
        Self { code, detail: Box::default() }
    }
}

/// Who derives aggregates, milestones and notifications from the entity rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derive {
    /// This program, in memory, as part of the block.
    Here,
    /// The database's own triggers: what they see is written statement by statement, and what they
    /// derive is known here, for later blocks and for what they refuse, and not written.
    Triggers,
    /// Nobody.
    Elsewhere,
}
