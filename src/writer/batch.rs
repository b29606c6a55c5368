//! What the apply stage hands over: applied blocks with their changes. Plain data, no tokio.

use std::sync::Arc;

use super::EthereumWrite;
use crate::{
    model::{Block, Provenance, Recorded, Timestamp, Tx, TxBody, block::RollupCounts},
    store::{Change, Statement},
};

/// A point that the database can stand at: the state after one block of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number over all chains of the process: they ascend on every chain, and none repeats.
    pub id: u64,
    /// Chain id.
    pub chain: String,
    /// Height on the chain.
    pub height: i64,
    /// Block hash, lower-case hex.
    pub block_hash: String,
    /// Block time.
    pub block_time: Timestamp,
    /// Number in the `blocks` sequence; `None` for a block without entity calls.
    pub em_block: Option<i64>,
}

/// A block that the handlers are done with.
#[derive(Clone, Debug)]
pub struct WrittenBlock {
    /// The state after it.
    pub checkpoint: Checkpoint,
    /// The block itself; the raw `etl_*` rows come from it.
    pub block: Arc<Block>,
    /// How it is recorded besides its rows.
    pub provenance: Provenance,
    /// Net changes of rows.
    pub changes: Vec<Change>,
    /// Statements by which the changes came about, where triggers are to see them.
    pub statements: Option<Vec<Statement>>,
    /// Positions in [`Block::txs`], ascending, of transactions whose hash is indexed already.
    pub duplicates: Vec<usize>,
    /// One entry per SLA rollup of the block, in order.
    pub rollups: Vec<RollupCounts>,
}

impl WrittenBlock {
    /// Raw rows that the block brings: a measure for capacity, not an exact count.
    pub fn item_count(&self) -> usize {
        let plays = |body: &TxBody| match body {
            TxBody::Plays(plays) => plays.len(),
            _ => 1,
        };
        1 + self.block.txs.iter().map(|tx| 1 + plays(&tx.body)).sum::<usize>()
    }

    /// The transactions whose rows the tables of their types have, with their positions.
    pub fn detailed(&self) -> impl Iterator<Item = (usize, &Tx)> {
        let txs = self.block.txs.iter().enumerate();
        txs.filter(|(position, _)| self.provenance.recorded(*position) == Recorded::InFull)
    }

    /// Approximate bytes that the block keeps in memory until it is committed.
    pub fn size(&self) -> usize {
        let statements = self.statements.as_ref().map_or(0, Vec::len) * size_of::<Statement>();
        self.block.size + statements + self.changes.iter().map(Change::size).sum::<usize>()
    }
}

/// Blocks that are handed over together. Ids of checkpoints ascend within a batch and from one batch
/// of a lane to the next.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The blocks in order.
    pub blocks: Vec<WrittenBlock>,
    /// What the Ethereum follower has to write; nothing else is in such a batch.
    pub ethereum: Option<EthereumWrite>,
    /// Transactions in the blocks, as they are counted in `audius_etl_chains.events_processed`.
    pub transactions: u64,
    /// Keep before-images, so that the blocks can be rolled back.
    pub in_reorg_threshold: bool,
    /// No rollback goes below this height any more: older before-images are pruned.
    pub safe_height: Option<i64>,
}

impl Batch {
    /// Id of the first checkpoint; `None` for an empty batch.
    pub fn first_id(&self) -> Option<u64> {
        let ethereum = self.ethereum.as_ref().map(|write| write.checkpoint.id);
        self.blocks.first().map(|block| block.checkpoint.id).or(ethereum)
    }

    /// Id of the last checkpoint; `None` for an empty batch.
    pub fn last_id(&self) -> Option<u64> {
        let ethereum = self.ethereum.as_ref().map(|write| write.checkpoint.id);
        self.blocks.last().map(|block| block.checkpoint.id).or(ethereum)
    }

    /// How much of the capacity the batch takes up.
    pub fn weight(&self) -> Weight {
        let ethereum = self.ethereum.as_ref().map(EthereumWrite::weight).unwrap_or_default();
        self.blocks.iter().fold(ethereum, |sum, block| {
            sum + Weight {
                changes: block.changes.len(),
                items: block.item_count(),
                bytes: block.size(),
            }
        })
    }
}

/// An amount of work or memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Changed rows.
    pub changes: usize,
    /// Raw rows.
    pub items: usize,
    /// Approximate bytes.
    pub bytes: usize,
}

impl std::ops::Add for Weight {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            changes: self.changes + other.changes,
            items: self.items + other.items,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl std::ops::Sub for Weight {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            changes: self.changes - other.changes,
            items: self.items - other.items,
            bytes: self.bytes - other.bytes,
        }
    }
}

impl Weight {
    /// Changes and raw rows together, what the limit of uncommitted changes counts.
    pub const fn rows(&self) -> usize {
        self.changes + self.items
    }
}

/// What is known of a chain besides its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainStatus {
    /// Chain id.
    pub chain: String,
    /// Highest block that a source has shown.
    pub head_height: Option<i64>,
    /// Time of that block.
    pub head_time: Option<Timestamp>,
    /// Since when the database has kept up with the head.
    pub ready_at: Option<Timestamp>,
}
