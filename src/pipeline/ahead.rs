//! The batch after the one at hand: its rows are loaded while that one is applied.

use std::{sync::Arc, time::Instant};

use rustc_hash::FxHashSet;
use tokio::task::JoinHandle;

use super::{
    Error,
    apply::{Foreseen, Unsettled},
    event::Summary,
    input::{Next, Turn},
    run::Running,
};
use crate::{
    model::{Block, table::Row},
    store::LoadRequest,
};

/// How often rows are looked up through rows that were just loaded: a reaction leads to a comment,
/// that to a track, that to its owner.
const ROUNDS: usize = 3;

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
    committed: u64,
    unsettled: Unsettled,
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

impl Running {
    /// Starts loading for a batch. What is loaded has to be taken in before rows are dropped from
    /// memory again: until then, whatever is changed meanwhile is in memory, and wins.
    pub(super) async fn look_ahead(&self, next: Next, is_counted: bool) -> Result<Upcoming, Error> {
        let (blocks, summary) = match next {
            Next::Batch(blocks, summary) => (blocks, summary),
            Next::Turn(turn) => return Ok(Upcoming::Turn(turn)),
            Next::AtHead(head) => return Ok(Upcoming::AtHead(head)),
            Next::End => return Ok(Upcoming::End),
            Next::Failed(error) => return Ok(Upcoming::Failed(error)),
        };
        let blocks: Arc<[Arc<Block>]> = blocks.into();
        let committed = self.writer.committed();
        let Foreseen { requests, unsettled } = self.foresee(&blocks, None).await?;
        let (loader, batch) = (Arc::clone(&self.loader), Arc::clone(&blocks));
        let rows = tokio::spawn(async move {
            let txs = batch.iter().flat_map(|block| &block.txs);
            let hashes: Vec<&str> = txs.map(|tx| tx.hash.as_str()).collect();
            let loaded = tokio::try_join!(loader.load(requests), loader.known_hashes(&hashes));
            loaded.map_err(Error::from)
        });
        let summary = *summary;
        let loading = Loading { blocks, summary, is_counted, committed, unsettled, rows };
        Ok(Upcoming::Batch(Box::new(loading)))
    }

    /// Takes in what was loaded for a batch, and loads what only those rows let foresee.
    pub(super) async fn loaded(&self, loading: Loading) -> Result<Ready, Error> {
        let Loading { blocks, mut summary, is_counted, committed, unsettled, rows } = loading;
        let height = blocks.first().map_or(0, |block| block.height);
        let gone = || Error::Ended { stage: "load", height };
        let started = Instant::now();
        let (rows, known_hashes) = rows.await.map_err(|_panic| gone())??;
        self.apply
            .call(move |applier| {
                applier.store_mut().begin_generation();
                applier.absorb(rows);
            })
            .await
            .ok_or_else(gone)?;
        summary.time.load += started.elapsed();
        let evicted = self.await_capacity(&mut summary).await?;
        let started = Instant::now();
        let mut again = (!evicted).then_some(unsettled);
        for _ in 0..ROUNDS {
            let Foreseen { requests, unsettled } = self.foresee(&blocks, again).await?;
            if requests.is_empty() {
                break;
            }
            let rows = self.loader.load(requests).await?;
            self.apply.call(move |applier| applier.absorb(rows)).await.ok_or_else(gone)?;
            again = Some(unsettled);
        }
        summary.time.load += started.elapsed();
        Ok(Ready { blocks, summary, known_hashes, committed, is_counted })
    }

    async fn foresee(
        &self,
        blocks: &Arc<[Arc<Block>]>,
        again: Option<Unsettled>,
    ) -> Result<Foreseen, Error> {
        let batch = Arc::clone(blocks);
        let foreseen = self.apply.call(move |applier| applier.preload(&batch, again)).await;
        let height = blocks.first().map_or(0, |block| block.height);
        foreseen.ok_or(Error::Ended { stage: "apply", height })
    }
}
