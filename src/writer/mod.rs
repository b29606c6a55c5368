//! STAGE 5 WRITE: a background task; every entity row reaches PostgreSQL here.
//!
//! Handing over a [`Batch`] returns at once. The task drains the leading run of queued batches that
//! share a history mode into one SQL transaction, leaves the rest queued, and never has more than
//! one transaction in flight.
//!
//! **Invariant:** a checkpoint is reported as committed only once it is durable, and checkpoints
//! become durable in ascending order.
//!
//! **Invariant:** nobody waits for ever. The first error ends the task, and everyone who waits or
//! comes later gets that one error.
//!
//! Two chains may share the writer, each on its [`Lane`]: the core chain with its blocks, Ethereum
//! with its balances. Checkpoint ids come from one counter ([`CheckpointIds`]) and ascend on each
//! lane; what is submitted, durable, pending or rolled back is counted per lane, and a transaction
//! holds batches of one lane only.
//!
//! A run that the server refuses for its data is narrowed down to one block, and the lane is held
//! there until whoever submits goes on without what is at fault (`refusal`).
//!
//! To start: open a [`PostgresSink`] (it takes the writer lock), read the start state with
//! `db::load` while the lock is held, then [`spawn`].

mod batch;
mod cycle;
mod error;
pub mod ethereum;
mod in_place;
mod insert;
mod lane;
mod merge;
mod postgres;
mod prepare;
mod raw;
mod raw_blocks;
mod referenced;
mod refusal;
mod rollback;
mod rows;
mod session;
mod sla;
mod transaction;
mod triggered;
mod triggers;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use tokio::sync::{oneshot, watch};

pub use batch::{Batch, ChainStatus, Checkpoint, Weight, WrittenBlock};
pub use cycle::{Progress, Run, STATUS_INTERVAL, Sink, Written};
use cycle::{Queued, Rollback, Shared};
pub use error::{Error, ErrorKind, LockHolder};
pub use ethereum::EthereumWrite;
pub use lane::{CheckpointIds, Lane, PerLane};
pub use postgres::{PostgresConfig, PostgresSink};
pub use raw_blocks::{Missing, RawBlocks};
pub use refusal::Words;
pub use session::exclusive;
pub use session::lock_holder;
pub use triggers::Triggers;

/// Knobs of the write cycle.
#[derive(Clone, Debug)]
pub struct WriterConfig {
    /// Highest checkpoint in the database when the writer starts; 0 if there is none.
    pub committed: u64,
    /// Changes and raw rows in one transaction at most; a single larger batch still goes whole.
    pub max_rows: usize,
    /// Approximate bytes in one transaction at most.
    pub max_bytes: usize,
    /// How often the chain status is written when nothing else is.
    pub status_interval: Duration,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self {
            committed: 0,
            // A transaction of this size takes about a second or two, which is how much work a
            // crash can cost; larger ones were not measurably faster.
            max_rows: 100_000,
            max_bytes: 64 << 20,
            status_interval: STATUS_INTERVAL,
        }
    }
}

/// Starts the writer. `on_written` is called after every commit, before anybody who waits for it
/// goes on; it must return quickly.
pub fn spawn<S: Sink>(
    sink: S,
    config: WriterConfig,
    on_written: impl FnMut(&Written) + Send + 'static,
) -> WriterHandle {
    cycle::spawn(sink, config, on_written)
}

/// The way to the writer task. When the last handle is dropped, the task writes what is queued and
/// ends.
///
/// A handle serves one lane: everything but [`WriterHandle::shutdown`] is about the batches of that
/// lane.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
    ids: CheckpointIds,
    lane: Lane,
}

impl WriterHandle {
    /// The handle of another lane. [`spawn`] returns the one of the core chain.
    #[must_use]
    pub fn on(&self, lane: Lane) -> Self {
        Self { lane, ..self.clone() }
    }

    /// Where checkpoint ids come from, on every lane.
    pub fn ids(&self) -> CheckpointIds {
        self.ids.clone()
    }

    /// Hands over a batch and returns at once. The queue has no limit of its own: see
    /// [`WriterHandle::pending`] and [`WriterHandle::wait_for_commit`].
    ///
    /// # Errors
    /// The error that ended the writer, or [`Error::OutOfOrder`] for a batch that does not continue
    /// where the last one ended.
    pub fn submit(&self, batch: Batch) -> Result<(), Arc<Error>> {
        let (Some(first), Some(last)) = (batch.first_id(), batch.last_id()) else {
            return Ok(());
        };
        let lane = self.lane;
        let weight = batch.weight();
        let mut queue = self.shared.queue();
        if queue.ended {
            drop(queue);
            return Err(self.ended());
        }
        if let Some(error) = &queue.refused[lane] {
            return Err(Arc::clone(error));
        }
        if first <= queue.submitted[lane] {
            let after = queue.submitted[lane];
            return Err(Arc::new(Error::OutOfOrder { after, found: first }));
        }
        queue.pending[lane] = queue.pending[lane] + weight;
        queue.submitted[lane] = last;
        queue.batches.push_back(Queued { lane, batch, weight });
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Sets what is known of the chain. Written with the next run, or by itself when nothing flows;
    /// an unchanged status is not written again.
    pub fn set_status(&self, status: ChainStatus) {
        let mut queue = self.shared.queue();
        let lane = self.lane;
        if queue.status[lane].as_ref() == Some(&status) {
            return;
        }
        queue.status[lane] = Some(status);
        queue.status_generation[lane] += 1;
        drop(queue);
        self.shared.wake.notify_one();
    }

    /// Id of the last durable checkpoint.
    pub fn committed(&self) -> u64 {
        self.progress.borrow().committed[self.lane]
    }

    /// Where the writer stands, for waiting on more than one thing.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// What is submitted and not yet durable, the run in flight included.
    pub fn pending(&self) -> Weight {
        self.shared.queue().pending[self.lane]
    }

    /// Waits until another run is durable. Returns at once when nothing is submitted, since then
    /// nothing could ever free memory.
    ///
    /// # Errors
    /// The error that ended the writer.
    pub async fn wait_for_commit(&self) -> Result<u64, Arc<Error>> {
        let mut progress = self.progress.clone();
        let lane = self.lane;
        let before = progress.borrow_and_update().committed[lane];
        if self.shared.queue().submitted[lane] <= before {
            return self.checked().map(|()| before);
        }
        self.wait_until(progress, |progress| progress.committed[lane] != before).await
    }

    /// Waits until everything that is submitted now, and the chain status, is durable.
    ///
    /// # Errors
    /// The error that ended the writer.
    pub async fn flush(&self) -> Result<u64, Arc<Error>> {
        let lane = self.lane;
        let (target, status) = {
            let mut queue = self.shared.queue();
            queue.flush = true;
            (queue.submitted[lane], queue.status_generation[lane])
        };
        self.shared.wake.notify_one();
        self.wait_until(self.progress.clone(), |progress| {
            progress.committed[lane] >= target && progress.status[lane] >= status
        })
        .await
    }

    /// Flushes, then takes the database back to an earlier checkpoint: rows, chain progress and raw
    /// rows in one transaction. The caller submits nothing until it returns, and drops from its own
    /// memory what came after the checkpoint.
    ///
    /// # Errors
    /// [`Error::HistoryGone`] when the checkpoint is older than the history that is kept; the
    /// writer goes on. Any other error has ended the writer.
    pub async fn rollback_to(&self, checkpoint: u64) -> Result<Checkpoint, Arc<Error>> {
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.queue();
            if queue.ended {
                drop(queue);
                return Err(self.ended());
            }
            queue.rollbacks.push_back(Rollback { lane: self.lane, checkpoint, reply });
        }
        self.shared.wake.notify_one();
        match answer.await {
            Ok(result) => result,
            Err(_closed) => Err(self.trouble().await),
        }
    }

    /// Flushes every lane, ends the task and closes its connection, which frees the writer lock.
    ///
    /// # Errors
    /// The error that ended the writer before.
    pub async fn shutdown(&self) -> Result<(), Arc<Error>> {
        let mut flushed = Ok(0);
        for lane in Lane::ALL {
            flushed = flushed.and(self.on(lane).flush().await);
        }
        self.shared.queue().closing = true;
        self.shared.wake.notify_one();
        let mut progress = self.progress.clone();
        while progress.changed().await.is_ok() {}
        flushed.map(|_committed| ())
    }

    fn checked(&self) -> Result<(), Arc<Error>> {
        if self.shared.queue().ended {
            return Err(self.ended());
        }
        let refused = self.shared.queue().refused[self.lane].clone();
        refused.map_or(Ok(()), Err)
    }

    /// Why the task is gone.
    fn ended(&self) -> Arc<Error> {
        self.progress.borrow().failed.clone().unwrap_or_else(|| Arc::new(Error::Stopped))
    }

    async fn wait_until(
        &self,
        mut progress: watch::Receiver<Progress>,
        reached: impl Fn(&Progress) -> bool,
    ) -> Result<u64, Arc<Error>> {
        let outcome = progress
            .wait_for(|progress| self.problem(progress).is_some() || reached(progress))
            .await
            .map(|progress| (self.problem(&progress), progress.committed[self.lane]));
        match outcome {
            Ok((None, committed)) => Ok(committed),
            Ok((Some(error), _)) => Err(error),
            Err(_closed) => Err(self.ended()),
        }
    }
}
