//! The write cycle: one task that drains the queue of batches, one durable write at a time.
//!
//! It knows nothing of SQL. What makes a [`Run`] durable is a [`Sink`], so that tests drive the
//! cycle with one that fails, hangs or lags.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};
use tracing::Instrument as _;

use super::{
    Batch, ChainStatus, Checkpoint, CheckpointIds, Error, EthereumWrite, Lane, PerLane, Weight,
    WriterConfig, WriterHandle, WrittenBlock,
    refusal::{self, Narrowing, Rehearsal},
};

/// How often chain metadata is written when nothing else is.
pub const STATUS_INTERVAL: Duration = Duration::from_millis(500);

/// What one durable transaction holds: the leading batches of the queue that share a lane and a
/// history mode.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Whose batches these are.
    pub lane: Lane,
    /// The blocks in order; none when only the chain status changed.
    pub blocks: Vec<WrittenBlock>,
    /// What the Ethereum follower has to write, in order; only on its lane.
    pub ethereum: Vec<EthereumWrite>,
    /// Transactions in the blocks.
    pub transactions: u64,
    /// Keep before-images.
    pub keep_history: bool,
    /// Before-images at and below this height are no longer needed.
    pub safe_height: Option<i64>,
    /// Status of the lane's chain, if it changed since it was last written.
    pub status: Option<ChainStatus>,
}

impl Run {
    /// The state after the run; `None` when it holds a chain status only.
    pub fn last_checkpoint(&self) -> Option<&Checkpoint> {
        let ethereum = self.ethereum.last().map(|write| &write.checkpoint);
        self.blocks.last().map(|block| &block.checkpoint).or(ethereum)
    }

    /// The first checkpoint that it brings.
    pub fn first_checkpoint(&self) -> Option<&Checkpoint> {
        let ethereum = self.ethereum.first().map(|write| &write.checkpoint);
        self.blocks.first().map(|block| &block.checkpoint).or(ethereum)
    }
}

/// What a durable transaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Whose run it was.
    pub lane: Lane,
    /// Where the database stands now; `None` if only the chain status was written.
    pub checkpoint: Option<Checkpoint>,
    /// Blocks written.
    pub blocks: usize,
    /// Rows inserted by table, tables in the order of writing.
    pub rows: Vec<(&'static str, u64)>,
    /// Values that were cleaned because PostgreSQL cannot hold them.
    pub sanitized_values: u64,
    /// Plays without a usable track id: they are in `etl_plays`, but not in `plays`.
    pub plays_left_out: u64,
    /// How often the transaction was started over.
    pub retries: u32,
    /// How long it took.
    pub elapsed: Duration,
}

/// Makes runs durable. An error it returns is final: whatever can be retried, the sink has retried.
pub trait Sink: Send + 'static {
    /// Writes a run in one transaction.
    fn write(&mut self, run: Arc<Run>) -> impl Future<Output = Result<Written, Error>> + Send;

    /// Does everything that writing a run does, and takes it back. The inner error is the server's
    /// refusal of its data.
    fn rehearse(
        &mut self,
        run: Arc<Run>,
    ) -> impl Future<Output = Result<Result<(), Error>, Error>> + Send;

    /// Takes the database back to an earlier checkpoint, in one transaction.
    fn rollback(
        &mut self,
        checkpoint: u64,
    ) -> impl Future<Output = Result<Checkpoint, Error>> + Send;

    /// Ends the session.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// Where the writer stands.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Last durable checkpoint of each lane.
    pub(super) committed: PerLane<u64>,
    /// Generation of the chain status that is durable.
    pub(super) status: PerLane<u64>,
    /// Refusals so far: wakes those who wait on a lane that is held at one.
    pub(super) refusals: u64,
    /// Why the writer ended, if it did on an error.
    pub failed: Option<Arc<Error>>,
}

/// What handles and the task share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    pub(super) wake: Notify,
}

impl Shared {
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        // The queue is only ever changed by assignments that cannot panic half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that is waiting. Its length is bounded by the capacity gate of whoever submits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Batches with their weights, which take a look at every row to find out.
    pub(super) batches: VecDeque<Queued>,
    /// Weight of the queued batches and of the run in flight.
    pub(super) pending: PerLane<Weight>,
    /// Last checkpoint that was submitted.
    pub(super) submitted: PerLane<u64>,
    pub(super) status: PerLane<Option<ChainStatus>>,
    /// Counts changes of `status`.
    pub(super) status_generation: PerLane<u64>,
    /// Write the status without waiting for the throttle.
    pub(super) flush: bool,
    pub(super) rollbacks: VecDeque<Rollback>,
    pub(super) rehearsals: VecDeque<Rehearsal>,
    /// What a lane is held at.
    pub(super) refused: PerLane<Option<Arc<Error>>>,
    pub(super) closing: bool,
    /// The task is gone: nothing that is queued from now on would ever be answered.
    pub(super) ended: bool,
}

/// A batch that waits.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) lane: Lane,
    pub(super) batch: Batch,
    pub(super) weight: Weight,
}

/// A rollback somebody waits for.
#[derive(Debug)]
pub(super) struct Rollback {
    pub(super) lane: Lane,
    pub(super) checkpoint: u64,
    pub(super) reply: oneshot::Sender<Result<Checkpoint, Arc<Error>>>,
}

/// Marks the queue as ended when the task ends, even by a panic.
struct EndGuard(Arc<Shared>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.ended = true;
        queue.batches.clear();
        queue.rollbacks.clear();
        queue.rehearsals.clear();
    }
}

/// A run taken off the queue.
struct Taken {
    run: Run,
    weight: Weight,
    /// Generation of the status in the run.
    generation: Option<u64>,
}

/// What the task does next.
enum Step {
    Write(Taken),
    Rollback(Rollback),
    Rehearse(Rehearsal),
    Close,
    /// Nothing to do; the instant is when an unwritten status is due.
    Wait(Option<Instant>),
}

/// Starts the task.
pub(super) fn spawn<S: Sink>(
    sink: S,
    config: WriterConfig,
    on_written: impl FnMut(&Written) + Send + 'static,
) -> WriterHandle {
    let shared = Arc::new(Shared::default());
    let start = PerLane::of(config.committed);
    shared.queue().submitted = start;
    let (progress, receiver) = watch::channel(Progress { committed: start, ..Progress::default() });
    let ids = CheckpointIds::after(config.committed);
    let cycle = Cycle {
        ended: EndGuard(Arc::clone(&shared)),
        sink,
        config,
        shared: Arc::clone(&shared),
        progress,
        on_written,
        status_due: Instant::now(),
        narrowing: None,
    };
    tokio::spawn(cycle.run());
    WriterHandle { shared, progress: receiver, ids, lane: Lane::Core }
}

struct Cycle<S, F> {
    ended: EndGuard,
    sink: S,
    config: WriterConfig,
    shared: Arc<Shared>,
    progress: watch::Sender<Progress>,
    on_written: F,
    /// Earliest time at which the status is written on its own.
    status_due: Instant,
    /// A refusal is being narrowed down.
    narrowing: Option<Narrowing>,
}

impl<S: Sink, F: FnMut(&Written) + Send + 'static> Cycle<S, F> {
    async fn run(mut self) {
        loop {
            let result = match self.next_step() {
                Step::Write(taken) => self.write(taken).await,
                Step::Rollback(rollback) => self.rollback(rollback).await,
                Step::Rehearse(rehearsal) => self.rehearse(rehearsal).await,
                Step::Wait(due) => {
                    self.wait(due).await;
                    Ok(())
                }
                Step::Close => break,
            };
            if let Err(error) = result {
                let error = Arc::new(error);
                self.progress.send_modify(|progress| progress.failed = Some(error));
                break;
            }
        }
        let Self { sink, ended, progress, .. } = self;
        drop(ended);
        sink.close().await;
        // Dropped last: whoever waits for the end goes on once the session is closed.
        drop(progress);
    }

    fn next_step(&self) -> Step {
        let mut queue = self.shared.queue();
        // A rollback follows what its own lane has queued; the other lane may never run dry.
        let batches = &queue.batches;
        let ready = |rollback: &Rollback| batches.iter().all(|queued| queued.lane != rollback.lane);
        if let Some(position) = queue.rollbacks.iter().position(ready)
            && let Some(rollback) = queue.rollbacks.remove(position)
        {
            return Step::Rollback(rollback);
        }
        if let Some(rehearsal) = queue.rehearsals.pop_front() {
            return Step::Rehearse(rehearsal);
        }
        if let Some(lane) = queue.batches.front().map(|queued| queued.lane) {
            return Step::Write(self.take_run(&mut queue, lane));
        }
        if let Some(lane) = Lane::ALL.into_iter().find(|lane| self.status_changed(&queue, *lane)) {
            let due = queue.flush || queue.closing || Instant::now() >= self.status_due;
            if due {
                return Step::Write(self.take_run(&mut queue, lane));
            }
            return Step::Wait(Some(self.status_due));
        }
        queue.flush = false;
        if queue.closing || self.progress.is_closed() { Step::Close } else { Step::Wait(None) }
    }

    fn status_changed(&self, queue: &Queue, lane: Lane) -> bool {
        queue.status_generation[lane] > self.progress.borrow().status[lane]
    }

    /// Takes the leading batches that share the first one's lane and history mode and fit one
    /// transaction.
    fn take_run(&self, queue: &mut Queue, lane: Lane) -> Taken {
        let mut run = Run { lane, ..Run::default() };
        let mut weight = Weight::default();
        let mut first = true;
        while let Some(next) = queue.batches.front().filter(|next| next.lane == lane) {
            let sum = weight + next.weight;
            let most_blocks = self.narrowing.map_or(usize::MAX, |narrowing| narrowing.most_blocks);
            let fits = sum.rows() <= self.config.max_rows
                && sum.bytes <= self.config.max_bytes
                && run.blocks.len() + next.batch.blocks.len() <= most_blocks;
            if !first && (next.batch.in_reorg_threshold != run.keep_history || !fits) {
                break;
            }
            let Some(Queued { batch, .. }) = queue.batches.pop_front() else { break };
            run.keep_history = batch.in_reorg_threshold;
            run.safe_height = run.safe_height.max(batch.safe_height);
            run.transactions += batch.transactions;
            run.blocks.extend(batch.blocks);
            run.ethereum.extend(batch.ethereum);
            weight = sum;
            first = false;
        }
        let changed = self.status_changed(queue, lane);
        let generation = changed.then_some(queue.status_generation[lane]);
        if changed {
            run.status.clone_from(&queue.status[lane]);
        }
        Taken { run, weight, generation }
    }

    async fn write(&mut self, taken: Taken) -> Result<(), Error> {
        let Taken { run, weight, generation } = taken;
        let lane = run.lane;
        let last = run.last_checkpoint().map(|checkpoint| checkpoint.id);
        let started = Instant::now();
        let newest = run.last_checkpoint().map(|at| (at.chain.clone(), at.height));
        let (chain, height) = newest.unzip();
        let span = tracing::warn_span!("write", chain, height);
        let run = Arc::new(run);
        let mut written = match self.sink.write(Arc::clone(&run)).instrument(span).await {
            Ok(written) => written,
            Err(error) if error.refusal().is_some() && !run.blocks.is_empty() => {
                self.refused(Arc::unwrap_or_clone(run), error);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        written.lane = lane;
        written.elapsed = started.elapsed();
        self.status_due = Instant::now() + self.config.status_interval;
        {
            let mut queue = self.shared.queue();
            queue.pending[lane] = queue.pending[lane] - weight;
        }
        if last.is_some_and(|last| self.narrowing.is_some_and(|found| found.is_over(last))) {
            self.narrowing = None;
        }
        // What is reported is durable, and it is reported before anybody who waits goes on.
        (self.on_written)(&written);
        self.progress.send_modify(|progress| {
            progress.committed[lane] = last.unwrap_or(progress.committed[lane]);
            progress.status[lane] = generation.unwrap_or(progress.status[lane]);
        });
        Ok(())
    }

    /// A run of several blocks is tried again in parts; a single block is where the lane stops.
    fn refused(&mut self, run: Run, error: Error) {
        let (lane, blocks) = (run.lane, run.blocks.len());
        if blocks > 1 {
            self.narrowing = Some(refusal::put_back(&mut self.shared.queue(), run));
            return;
        }
        self.narrowing = None;
        let committed = self.progress.borrow().committed[lane];
        refusal::hold(&mut self.shared.queue(), committed, lane, error);
        self.progress.send_modify(|progress| progress.refusals += 1);
    }

    async fn rehearse(&mut self, rehearsal: Rehearsal) -> Result<(), Error> {
        let outcome = self.sink.rehearse(Arc::new(rehearsal.run)).await?;
        // Nobody listening any more is no reason to stop.
        drop(rehearsal.reply.send(outcome.map_err(Arc::new)));
        Ok(())
    }

    async fn rollback(&mut self, rollback: Rollback) -> Result<(), Error> {
        match self.sink.rollback(rollback.checkpoint).await {
            Ok(checkpoint) => {
                let lane = rollback.lane;
                self.shared.queue().submitted[lane] = checkpoint.id;
                self.progress.send_modify(|progress| progress.committed[lane] = checkpoint.id);
                // Nobody listening any more is no reason to stop.
                drop(rollback.reply.send(Ok(checkpoint)));
                Ok(())
            }
            // A rollback that is not possible has changed nothing, so writing can go on.
            Err(error @ Error::HistoryGone { .. }) => {
                drop(rollback.reply.send(Err(Arc::new(error))));
                Ok(())
            }
            Err(error) => {
                // The caller gets the shared error: its reply channel closes.
                drop(rollback.reply);
                Err(error)
            }
        }
    }

    async fn wait(&mut self, due: Option<Instant>) {
        let due_time = due.unwrap_or_else(Instant::now);
        tokio::select! {
            () = self.shared.wake.notified() => {}
            () = self.progress.closed() => {}
            () = tokio::time::sleep_until(due_time), if due.is_some() => {}
        }
    }
}
