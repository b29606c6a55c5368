//! The loop: takes batches from the read side, applies them, hands them to the writer.

use std::{sync::Arc, time::Instant};

use futures::FutureExt as _;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    Applied, Applier, Attempt, Doing, Error, Pulse, RejectLog,
    event::{PipelineEvent, Summary},
    indexes::MissingIndexes,
    input::{self, Batches, Turn},
    releases::Releases,
    state::{Limits, Loading, Ready, Running, Unwritten, Upcoming},
    thread::ApplyThread,
};
use crate::{
    chain::BlockSource,
    db::load::Loader,
    decode::Pool,
    eras::schedule::Changes,
    model::{Block, Recorded},
    store::{Evictable, Store},
    writer::{ChainStatus, WriterHandle},
};

/// Rounds of loading after which a batch counts as stuck. A round resolves one link of a chain of
/// dependent reads, and batches have at most this many blocks.
const MAX_ROUNDS: usize = 10_000;

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The source or the wanted range ended.
    Finished,
    /// The run was asked to stop.
    Interrupted,
}

/// The parts of a run, ready to be started.
pub struct Pipeline {
    /// Where blocks come from.
    pub source: Box<dyn BlockSource>,
    /// Loads rows.
    pub loader: Arc<Loader>,
    /// Makes batches durable.
    pub writer: WriterHandle,
    /// Applies batches; owns the store.
    pub applier: Applier,
    /// Where eras change: no batch has blocks of two.
    pub changes: Changes,
    /// Lists rejected calls.
    pub rejects: RejectLog,
    /// Recover and count signers.
    pub check_signatures: bool,
    /// Blocks below the head for which before-images are kept; 0 keeps none.
    pub keep_history: u64,
    /// Bounds.
    pub limits: Limits,
    /// Where events go.
    pub events: mpsc::Sender<PipelineEvent>,
    /// Asks for an early end.
    pub cancel: CancellationToken,
    /// What was known of the chain at the start.
    pub status: ChainStatus,
    /// Indexes to build once the chain is caught up.
    pub indexes: MissingIndexes,
    /// Publishes scheduled releases.
    pub releases: Option<Releases>,
    /// Tells what the run is doing.
    pub pulse: Pulse,
}

/// A batch that was applied.
struct Processed {
    ready: Ready,
    applied: Applied,
}

impl Pipeline {
    /// Runs until the source ends, something fails, or `cancel` fires; then flushes.
    ///
    /// # Errors
    /// The first error of any stage. Everything that was applied before is written.
    pub async fn run(self) -> Result<End, Error> {
        let pool = Pool::new(0).map_err(|error| Error::Thread(std::io::Error::other(error)))?;
        let reading = self.cancel.child_token();
        let receiver =
            input::start(self.source, Arc::new(pool), self.check_signatures, reading.clone());
        let Limits { batch_blocks, batch_txs, .. } = self.limits;
        let mut batches = Batches::new(receiver, batch_blocks, batch_txs, self.changes);
        let mut running = Running {
            apply: ApplyThread::start(self.applier)?,
            loader: self.loader,
            writer: self.writer,
            rejects: self.rejects,
            limits: self.limits,
            keep_history: self.keep_history,
            events: self.events,
            status: self.status,
            indexes: self.indexes,
            releases: self.releases,
            pulse: self.pulse,
            recent: FxHashMap::default(),
            upcoming: None,
            unwritten: Unwritten::default(),
        };
        let chain = tracing::warn_span!("chain", chain = running.status.chain);
        let ended = running.follow(&mut batches, &self.cancel).instrument(chain).await;
        reading.cancel();
        // Also after a failed read: what was applied is right, and is kept.
        let flushed = running.writer.flush().await;
        let ended = ended?;
        match flushed {
            // What is refused is found again by the next start.
            Err(error) if ended == End::Interrupted && error.refusal().is_some() => {
                running.writer.resume();
            }
            flushed => drop(flushed?),
        }
        if ended == End::Finished {
            running.pulse.begins(Doing::Indexes);
            running.indexes.build(&running.events, &self.cancel).await?;
        }
        Ok(if running.indexes.is_empty() { ended } else { End::Interrupted })
    }
}

impl Running {
    async fn follow(
        &mut self,
        batches: &mut Batches,
        cancel: &CancellationToken,
    ) -> Result<End, Error> {
        loop {
            match self.step(batches, cancel).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => {}
                Err(error) => tokio::select! {
                    biased;
                    done = self.work_around(error, cancel) => done?,
                    // What is refused is found again by the next start.
                    () = cancel.cancelled() => self.writer.resume(),
                },
            }
            if cancel.is_cancelled() {
                return Ok(End::Interrupted);
            }
        }
    }

    /// Takes the next batch, or whatever comes next, to its end; returns the end of the run.
    async fn step(
        &mut self,
        batches: &mut Batches,
        cancel: &CancellationToken,
    ) -> Result<Option<End>, Error> {
        let next = match self.upcoming.take() {
            Some(next) => next,
            None => {
                self.pulse.begins(Doing::Fetch);
                let releases = self.releases.as_ref();
                let (next, is_counted) = tokio::select! {
                    // First: reading ends with it too, which looks like the end of the source.
                    biased;
                    () = cancel.cancelled() => return Ok(Some(End::Interrupted)),
                    error = self.writer.trouble() => return Err(error.into()),
                    () = time_for(releases) => return self.publish().await.map(|()| None),
                    next = self.unwritten.next(batches) => next,
                };
                self.look_ahead(next, is_counted).await?
            }
        };
        match next {
            Upcoming::Batch(loading) => {
                let height = loading.blocks.first().map(|block| block.height);
                let span = tracing::warn_span!("batch", height);
                let applied = tokio::select! {
                    // However long its calls take: what is not handed over comes again.
                    biased;
                    () = cancel.cancelled() => return Ok(Some(End::Interrupted)),
                    applied = self.process(*loading, batches).instrument(span.clone()) => applied?,
                };
                self.hand_over(applied).instrument(span).await?;
            }
            Upcoming::Turn(turn) => self.turn_to(turn).await?,
            Upcoming::AtHead(head) => {
                self.send(PipelineEvent::Head { height: head }).await;
                self.reach_head(head, cancel).await?;
            }
            Upcoming::End => {
                self.pulse.begins(Doing::Write);
                self.writer.flush().await?;
                return Ok(Some(End::Finished));
            }
            Upcoming::Failed(error) => return Err(error),
        }
        Ok(None)
    }

    /// Goes on with another era or chain as a new run would: from what is durable, with nothing in
    /// memory.
    async fn turn_to(&mut self, turn: Turn) -> Result<(), Error> {
        self.pulse.begins(Doing::Write);
        self.unwritten.hold_turn(turn);
        self.writer.flush().await?;
        self.unwritten.release();
        self.recent.clear();
        if turn == Turn::Chain {
            self.status = ChainStatus::default();
        }
        let turned = self.apply.call(move |applier| applier.turn(turn)).await;
        turned.ok_or(Error::Ended { stage: "apply", height: 0 })
    }

    /// Publishes what is scheduled, as a job beside the indexer would. What is in memory knows
    /// nothing of it, so it goes.
    async fn publish(&mut self) -> Result<(), Error> {
        let Some(releases) = &mut self.releases else { return Ok(()) };
        match releases.are_due().await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                tracing::warn!(%error, "scheduled releases are looked for again later");
                return Ok(());
            }
        }
        self.pulse.begins(Doing::Write);
        self.writer.flush().await?;
        match releases.publish().await {
            Ok(released) => {
                tracing::info!(
                    tracks = released.tracks,
                    albums = released.albums,
                    "published scheduled releases"
                );
            }
            Err(error) => tracing::warn!(%error, "publishing releases is tried again later"),
        }
        let forgotten = self.apply.call(Applier::forget).await;
        forgotten.ok_or(Error::Ended { stage: "apply", height: 0 })
    }

    /// Notes the head. The first time it also ends an initial sync: the database keeps up once
    /// every index is there.
    async fn reach_head(&mut self, head: i64, cancel: &CancellationToken) -> Result<(), Error> {
        self.status.head_height = Some(head);
        if let Some(releases) = &mut self.releases {
            releases.begin();
        }
        if !self.indexes.is_empty() {
            self.pulse.begins(Doing::Write);
            self.writer.flush().await?;
            self.pulse.begins(Doing::Indexes);
            self.indexes.build(&self.events, cancel).await?;
        }
        // Readers and other writers may use the database from now on.
        self.with_store(Store::look_everywhere).await?;
        if self.indexes.is_empty() && self.status.ready_at.is_none() {
            self.status.ready_at = Some(self.loader.now().await?);
        }
        self.writer.set_status(self.status.clone());
        Ok(())
    }

    /// Applies a batch, and begins to load for the one after it.
    async fn process(
        &mut self,
        loading: Loading,
        batches: &mut Batches,
    ) -> Result<Processed, Error> {
        self.pulse.begins(Doing::Apply);
        self.unwritten.hold(&loading);
        let mut ready = self.loaded(loading).await?;
        if let Some((next, is_counted)) = self.unwritten.next(batches).now_or_never() {
            self.upcoming = Some(self.look_ahead(next, is_counted).await?);
        }
        self.unwritten.release();
        self.pulse.begins(Doing::Apply);
        let applied = self.apply(Arc::clone(&ready.blocks), &mut ready.summary).await?;
        Ok(Processed { ready, applied })
    }

    /// Hands an applied batch to the writer.
    async fn hand_over(&mut self, processed: Processed) -> Result<(), Error> {
        let Processed { ready, applied } = processed;
        // The blocks are written to below, which takes that nobody else holds them.
        let Ready { mut summary, known_hashes, committed, is_counted, blocks } = ready;
        drop(blocks);
        let Applied { mut batch, summary: applied_summary, rejects, before } = applied;
        summary.absorb(&applied_summary);
        for (written, before) in batch.blocks.iter_mut().zip(before) {
            // Parsed metadata takes several times as much as its text, which is all that is written.
            if let Some(block) = Arc::get_mut(&mut written.block) {
                block.forget_parsed();
            }
            self.unwritten.add(written, before);
        }
        self.unwritten.forget_written(self.writer.committed());
        self.recent.retain(|_, checkpoint| *checkpoint > committed);
        summary.duplicates += self.mark_duplicates(&mut batch, &known_hashes);
        if !is_counted {
            self.rejects.record(&rejects)?;
        }
        self.choose_history_mode(&mut batch);
        batch.transactions = summary.transactions_total();
        if let Some(last) = batch.blocks.last() {
            let checkpoint = &last.checkpoint;
            self.status.chain.clone_from(&checkpoint.chain);
            // An archive has no head: how far the chain is beyond it, nobody knows.
            let head = self.status.head_height;
            self.status.head_height = head.map(|head| head.max(checkpoint.height));
            self.status.head_time = self.status.head_time.max(Some(checkpoint.block_time));
            self.writer.set_status(self.status.clone());
        }
        if !is_counted {
            self.send(PipelineEvent::Applied(Box::new(summary))).await;
        }
        Ok(self.writer.submit(batch)?)
    }

    /// Applies a batch, loading what it misses until it misses nothing.
    pub(super) async fn apply(
        &mut self,
        blocks: Arc<[Arc<Block>]>,
        summary: &mut Summary,
    ) -> Result<Applied, Error> {
        let height = blocks.first().map_or(0, |block| block.height);
        let gone = || Error::Ended { stage: "apply", height };
        let mut answers = None;
        for _ in 0..MAX_ROUNDS {
            let started = Instant::now();
            let batch = Arc::clone(&blocks);
            let attempt = self.apply.call(move |applier| match answers {
                None => applier.attempt(&batch),
                Some(answers) => applier.answer(&batch, answers),
            });
            let attempt = attempt.await.ok_or_else(gone)?;
            summary.time.apply += started.elapsed();
            let requests = match attempt {
                Attempt::Done(applied) => return Ok(*applied),
                Attempt::Missing(requests) => requests,
            };
            let started = Instant::now();
            answers = Some(self.loader.load(requests).await?);
            summary.time.load += started.elapsed();
        }
        Err(Error::NeverComplete { height, rounds: MAX_ROUNDS })
    }

    /// Before-images are kept inside the window below the head; without a known head, always.
    pub(super) fn choose_history_mode(&self, batch: &mut crate::writer::Batch) {
        let Some(last) = batch.blocks.last().filter(|_| self.keep_history > 0) else { return };
        let height = last.checkpoint.height;
        let window = i64::try_from(self.keep_history).unwrap_or(i64::MAX);
        batch.in_reorg_threshold =
            self.status.head_height.is_none_or(|head| height > head.saturating_sub(window));
        batch.safe_height = Some(height.saturating_sub(window));
    }

    /// Finds the transactions whose hash was indexed before, and returns how many; the first
    /// occurrence keeps its `etl_transactions` row (core-chain (e), Duplicates).
    fn mark_duplicates(
        &mut self,
        batch: &mut crate::writer::Batch,
        known: &FxHashSet<String>,
    ) -> u64 {
        let mut count = 0;
        for written in &mut batch.blocks {
            for (index, tx) in written.block.txs.iter().enumerate() {
                if written.provenance.recorded(index) == Recorded::Nothing {
                    continue;
                }
                if known.contains(&tx.hash) || self.recent.contains_key(&tx.hash) {
                    written.duplicates.push(index);
                } else {
                    self.recent.insert(tx.hash.clone(), written.checkpoint.id);
                }
            }
            count += written.duplicates.len() as u64;
        }
        count
    }

    /// Waits until there is room for another batch (design section 3, Backpressure): drops
    /// committed rows but spares loaded ones, then those too, then waits for a commit, but only
    /// where one can free something. What the last batches used goes last.
    ///
    /// Returns whether rows may be gone that the last batch used.
    pub(super) async fn await_capacity(&self, summary: &mut Summary) -> Result<bool, Error> {
        self.pulse.begins(Doing::Write);
        for (keep_loaded, min_age) in [(true, 2), (false, 2)] {
            if self.has_room().await? {
                return Ok(false);
            }
            self.evict(keep_loaded, min_age).await?;
        }
        let started = Instant::now();
        let mut evicted = false;
        while !self.has_room().await? && self.writer.pending().rows() > 0 {
            self.writer.wait_for_commit().await?;
            self.evict(false, 1).await?;
            evicted = true;
        }
        summary.time.stalled_on_write += started.elapsed();
        Ok(evicted)
    }

    async fn has_room(&self) -> Result<bool, Error> {
        let (rows, bytes) = self.with_store(|store| (store.len(), store.bytes())).await?;
        self.pulse.holds(rows, bytes);
        let pending = self.writer.pending();
        Ok(pending.rows() <= self.limits.max_changes
            && pending.bytes <= self.limits.max_bytes / 3
            && bytes <= self.limits.max_bytes / 3 * 2)
    }

    /// Makes more room than the next batch needs, so that this is done once in a while.
    async fn evict(&self, keep_loaded: bool, min_age: usize) -> Result<(), Error> {
        let what = Evictable { committed: self.writer.committed(), keep_loaded, min_age };
        let left = self.limits.max_bytes / 2;
        self.with_store(move |store| store.evict(what, left)).await.map(drop)
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let done = self.apply.call(move |applier| work(applier.store_mut())).await;
        done.ok_or(Error::Ended { stage: "apply", height: 0 })
    }

    pub(super) async fn send(&self, event: PipelineEvent) {
        // Events are for people: nobody listening is no reason to stop.
        drop(self.events.send(event).await);
    }
}

/// Ends when it is time to look for releases; never without any.
async fn time_for(releases: Option<&Releases>) {
    match releases {
        Some(releases) => releases.time().await,
        None => std::future::pending().await,
    }
}
