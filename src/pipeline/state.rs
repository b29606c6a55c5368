//! What a run holds while it goes on: its parts, the batch that comes next, and the blocks that are
//! not durable yet.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Error, Pulse, RejectLog,
    apply::Unsettled,
    event::{PipelineEvent, Summary},
    indexes::MissingIndexes,
    input::{Batches, Next, Turn},
    releases::Releases,
    thread::ApplyThread,
};
use crate::{
    db::load::Loader,
    eras::Numbering,
    model::{Block, table::Row},
    store::LoadRequest,
    writer::{ChainStatus, WriterHandle, WrittenBlock},
};

/// Bounds on memory and work in flight.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Blocks in a batch.
    pub batch_blocks: usize,
    /// Transactions in a batch; a larger block is still a batch.
    pub batch_txs: usize,
    /// Changes and raw rows that are not yet written.
    pub max_changes: usize,
    /// Bytes of rows in memory, two thirds, and of what is not yet written.
    pub max_bytes: usize,
}

/// The parts of a run that goes on.
pub(super) struct Running {
    pub(super) apply: ApplyThread,
    pub(super) loader: Arc<Loader>,
    pub(super) writer: WriterHandle,
    pub(super) rejects: RejectLog,
    pub(super) limits: Limits,
    pub(super) keep_history: u64,
    pub(super) events: mpsc::Sender<PipelineEvent>,
    pub(super) status: ChainStatus,
    pub(super) indexes: MissingIndexes,
    pub(super) releases: Option<Releases>,
    pub(super) pulse: Pulse,
    /// Hashes of transactions that were handed over and may not be visible to the loader yet, with
    /// their checkpoint.
    pub(super) recent: FxHashMap<String, u64>,
    /// What is looked at ahead.
    pub(super) upcoming: Option<Upcoming>,
    /// Blocks that were handed over, and those to be applied again.
    pub(super) unwritten: Unwritten,
}

/// What comes next.
pub(super) enum Upcoming {
    /// A batch whose rows are being loaded.
    Batch(Box<Loading>),
    /// What comes then is of another era or chain.
    Turn(Turn),
    /// The node has nothing above this height yet.
    AtHead(i64),
    /// The range has ended.
    End,
    /// Reading failed.
    Failed(Error),
}

/// A batch, and the task that loads for it.
pub(super) struct Loading {
    pub(super) blocks: Arc<[Arc<Block>]>,
    pub(super) summary: Summary,
    /// What the blocks add to the sums of the run was told before.
    pub(super) is_counted: bool,
    /// Last checkpoint that was in the database when loading began.
    pub(super) committed: u64,
    pub(super) unsettled: Unsettled,
    pub(super) rows: JoinHandle<Result<Loaded, Error>>,
}

/// What was loaded for a batch: the rows it will probably read, and which of its hashes are known.
pub(super) type Loaded = (Vec<(LoadRequest, Vec<Row>)>, FxHashSet<String>);

/// A batch whose rows are in memory as far as they could be foreseen.
pub(super) struct Ready {
    pub(super) blocks: Arc<[Arc<Block>]>,
    /// What reading and loading it took.
    pub(super) summary: Summary,
    /// Hashes of its transactions that are in the database.
    pub(super) known_hashes: FxHashSet<String>,
    /// Checkpoints above this one may hold further ones.
    pub(super) committed: u64,
    /// What the blocks add to the sums of the run was told before.
    pub(super) is_counted: bool,
}

/// Blocks that are not durable yet.
#[derive(Default)]
pub(super) struct Unwritten {
    /// Those that were handed over, in order, with their checkpoints and what they were numbered
    /// after.
    pub(super) handed_over: VecDeque<(Arc<Block>, u64, Numbering)>,
    /// Those of the batch that is being loaded for.
    pub(super) at_hand: Option<(Next, bool)>,
    /// Those to be applied again, and whether they were counted before.
    pub(super) again: VecDeque<(Next, bool)>,
    /// The block at which nothing was found at fault.
    pub(super) unexplained: Option<i64>,
}

impl Unwritten {
    /// What comes next, and whether it was counted before.
    pub(super) async fn next(&mut self, batches: &mut Batches) -> (Next, bool) {
        match self.again.pop_front() {
            Some(next) => next,
            None => (batches.next().await, false),
        }
    }

    /// Keeps the blocks of a batch while their rows are loaded.
    pub(super) fn hold(&mut self, loading: &Loading) {
        let next = Next::Batch(loading.blocks.to_vec(), Box::new(loading.summary.clone()));
        self.at_hand = Some((next, loading.is_counted));
    }

    /// Keeps a turn until what lies before it is durable.
    pub(super) fn hold_turn(&mut self, turn: Turn) {
        self.at_hand = Some((Next::Turn(turn), true));
    }

    /// The batch at hand goes its way.
    pub(super) fn release(&mut self) {
        self.at_hand = None;
    }

    /// Keeps a block until it is durable. The writer holds it as long, so that takes no memory.
    pub(super) fn add(&mut self, written: &WrittenBlock, before: Numbering) {
        self.handed_over.push_back((Arc::clone(&written.block), written.checkpoint.id, before));
    }

    /// Forgets what is durable.
    pub(super) fn forget_written(&mut self, committed: u64) {
        while self.handed_over.front().is_some_and(|(_, id, _)| *id <= committed) {
            self.handed_over.pop_front();
        }
    }
}
