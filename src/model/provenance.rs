//! How a block and its transactions are recorded besides the rows of its entities: what the writer
//! puts into `blocks`, `core_indexed_blocks`, `plays` and the raw `etl_*` tables.

use super::Json;

/// The record of one block, as the program whose behaviour is followed keeps it.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// Number in the `blocks` sequence; `None` for a block without entity calls.
    pub em_block: Option<i64>,
    /// The row in `blocks` was there before: its number was taken over and nothing is added.
    pub is_adopted: bool,
    /// `blocks.is_current` tells the newest row from the others; NULL without.
    pub marks_current: bool,
    /// Hash of the block below on the same chain, where it is recorded.
    pub parent_hash: Option<String>,
    /// `core_indexed_blocks.plays_slot`.
    pub plays_slot: Option<i64>,
    /// Rows of `plays`, in order.
    pub plays: Vec<PlayRow>,
    /// Plays that `plays` should have and cannot hold.
    pub plays_left_out: u64,
    /// Transactions that need a `skipped_transactions` row, by hash.
    pub skipped: Vec<String>,
    /// `prev_records` of the block's `revert_blocks` row.
    pub revert: Option<Json>,
    /// Users whose balance on Ethereum is to be added up again: their wallets changed.
    pub eth_balances: Vec<i64>,
    /// Transactions that are not recorded in full, by position in
    /// [`Block::txs`](super::Block::txs), ascending.
    pub exceptions: Vec<(usize, Recorded)>,
}

/// A row of `plays`: what is not read off the play itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayRow {
    /// Position of the transaction in [`Block::txs`](super::Block::txs).
    pub tx: usize,
    /// Position of the play in its transaction.
    pub play: usize,
    /// The listener, where the id is a number.
    pub user: Option<i64>,
    /// The track.
    pub track: i64,
    /// `plays.slot`.
    pub slot: i64,
}

impl Provenance {
    /// How much of the transaction at `position` the raw tables show.
    pub fn recorded(&self, position: usize) -> Recorded {
        let found = self.exceptions.binary_search_by_key(&position, |(position, _)| *position);
        found.map_or(Recorded::InFull, |found| self.exceptions[found].1)
    }
}

/// How much of a transaction the raw `etl_*` tables show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Everything: its row in `etl_transactions` and those of its type.
    InFull,
    /// Its row in `etl_transactions` alone; those of its type were taken back with its effects.
    WithoutDetails,
    /// A row in `etl_transactions` with an empty type and no address, and nothing else.
    Blank,
    /// Nothing at all.
    Nothing,
}
