//! What an operator sees of a running process: metrics, health and readiness over HTTP, and word to
//! the service manager.
//!
//! [`Telemetry`] only listens. The pipeline's events, the writer's reports and the counters of the
//! chain's readers carry everything; nothing here is called from a hot path.
//!
//! **Stalled is not quiet.** A stage is stalled when it has work and does not finish it: no node
//! answers, handlers do not come to an end, the database does not take what is unwritten. A chain
//! without new blocks whose node answers is quiet: head age grows, and nothing else.

mod connections;
pub mod exposition;
mod health;
mod metrics;
pub mod notify;
mod process;
mod server;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

pub use health::{Report, Stall};
pub use server::{Server, serve};
pub use work::{Standing, Work};

use crate::chain::Activity;
use crate::eth::Provider;
use crate::follow::{FollowStatus, chain_name};
use crate::model::Timestamp;
use crate::pipeline::Pulse;
use crate::pipeline::event::{PipelineEvent, Summary};
use crate::writer::{Weight, WriterHandle, Written};
use exposition::Histogram;

/// Between two looks for a stage that stalls.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// From when on a stage counts as stalled, and a chain as caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Without an answer of any node.
    pub fetch: Duration,
    /// In the same batch.
    pub apply: Duration,
    /// With unwritten rows and no commit.
    pub write: Duration,
    /// Without an answer of any Ethereum node, or behind the head without going on.
    pub ethereum: Duration,
    /// Blocks that a chain may be behind its head and still be ready.
    pub ready_lag: i64,
}

/// Listens to a run. Clones are the same.
#[derive(Clone, Debug)]
pub struct Telemetry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    begun: Instant,
    begun_at: SystemTime,
    activity: Activity,
    pulse: Pulse,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether blocks come from nodes; archives have nobody to answer.
    live: bool,
    /// The core chain's id, once known.
    core: Option<String>,
    chains: BTreeMap<String, ChainState>,
    sums: Summary,
    writes: Histogram,
    write_retries: u64,
    plays_left_out: u64,
    last_write: Option<SystemTime>,
    last_commit: Option<Instant>,
    /// Since when something is handed over and no commit came.
    unwritten_since: Option<Instant>,
    writer: Option<WriterHandle>,
    ethereum: Option<Ethereum>,
    balances: Option<Balances>,
    /// What a command other than `index` works through.
    work: Option<Work>,
    ended: bool,
}

/// What is known of one chain.
#[derive(Clone, Debug, Default)]
struct ChainState {
    head: Option<i64>,
    processed: Option<i64>,
    committed: Option<i64>,
    /// Time of the newest block processed.
    block_time: Option<Timestamp>,
    /// When the chain last went on here.
    progress: Option<Instant>,
}

/// The nodes of Ethereum, and how following the chain stands.
#[derive(Debug)]
struct Ethereum {
    provider: Provider,
    status: FollowStatus,
    /// When the chain last went on, or the watching began.
    progress: Instant,
}

/// How the balances in the database stand, as last looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Balances {
    /// Wallets with a balance row.
    pub wallets: Option<i64>,
    /// Age of the row that was read longest ago, in seconds.
    pub oldest_seconds: Option<f64>,
    /// Wallets that wait to be read again after a failure.
    pub waiting: Option<i64>,
}

impl Telemetry {
    /// Begins to listen to a run that reads with `activity` and moves with `pulse`.
    pub fn new(limits: Limits, activity: Activity, pulse: Pulse) -> Self {
        Self(Arc::new(Shared {
            limits,
            begun: Instant::now(),
            begun_at: now(),
            activity,
            pulse,
            state: Mutex::default(),
        }))
    }

    /// Takes the heights that the database stands at, and how the chain is read.
    pub fn starts(&self, core: Option<&str>, live: bool, writer: WriterHandle) {
        let mut state = self.state();
        state.live = live;
        state.core = core.map(str::to_owned);
        state.writer = Some(writer);
    }

    /// Takes whether blocks will come from nodes, before any of them has answered.
    pub fn opens(&self, live: bool) {
        self.state().live = live;
    }

    /// Says in the log when a stage stalls and when it moves again, until the run ends.
    pub async fn tell_stalls(&self) {
        let mut told: Option<&'static str> = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let reading = self.0.activity.reading();
            let state = self.state();
            if state.ended {
                return;
            }
            let stalled = health::worst(health::stalls(&self.0, &state, &reading));
            drop(state);
            match (&stalled, told) {
                (Some(stall), was) if was != Some(stall.stage) => tracing::warn!(
                    stage = stall.stage,
                    seconds = stall.stalled_seconds.round(),
                    limit = stall.limit_seconds,
                    "{}",
                    stall.meaning()
                ),
                (None, Some(stage)) => tracing::info!(stage, "it moves again"),
                _ => {}
            }
            told = stalled.map(|stall| stall.stage);
        }
    }

    /// Takes where the database stands on a chain before anything is written.
    pub fn stands_at(&self, chain: &str, height: i64, block_time: Option<Timestamp>) {
        let mut state = self.state();
        let chain = state.chain(chain);
        chain.processed = chain.processed.max(Some(height));
        chain.committed = chain.committed.max(Some(height));
        chain.block_time = chain.block_time.max(block_time);
    }

    /// Takes an event of the pipeline.
    pub fn observe(&self, event: &PipelineEvent) {
        let at = Instant::now();
        match event {
            PipelineEvent::Started(start) => {
                let mut state = self.state();
                if start.chain_id.is_some() {
                    state.core.clone_from(&start.chain_id);
                }
            }
            PipelineEvent::Head { height } => {
                let mut state = self.state();
                let Some(core) = state.core.clone() else { return };
                let chain = state.chain(&core);
                chain.head = chain.head.max(Some(*height));
            }
            PipelineEvent::Applied(part) => {
                let mut state = self.state();
                if part.chain_id.is_some() {
                    state.core.clone_from(&part.chain_id);
                }
                state.sums.absorb(part);
                state.unwritten_since.get_or_insert(at);
                let Some(core) = state.core.clone() else { return };
                let chain = state.chain(&core);
                chain.processed = chain.processed.max(part.last_height);
                chain.block_time = chain.block_time.max(part.last_block_time);
                chain.progress = Some(at);
            }
            PipelineEvent::IndexBuilt(part) | PipelineEvent::Refused(part) => {
                self.state().sums.absorb(part);
            }
            // The writer reports with more detail than the event has.
            PipelineEvent::Committed(_) => {}
        }
    }

    /// Takes the writer's report of a durable transaction.
    pub fn written(&self, written: &Written) {
        let at = Instant::now();
        let mut state = self.state();
        state.last_write = Some(now());
        state.last_commit = Some(at);
        let rest = state.pending();
        state.unwritten_since = (rest.rows() > 0).then_some(at);
        state.writes.observe(written.elapsed);
        state.write_retries += u64::from(written.retries);
        state.plays_left_out += written.plays_left_out;
        state.sums.sanitized_values += written.sanitized_values;
        state.sums.time.write += written.elapsed;
        for (table, rows) in &written.rows {
            *state.sums.rows.entry(table).or_default() += rows;
        }
        if let Some(checkpoint) = &written.checkpoint {
            let chain = state.chain(&checkpoint.chain);
            chain.committed = chain.committed.max(Some(checkpoint.height));
            chain.processed = chain.processed.max(Some(checkpoint.height));
            chain.block_time = chain.block_time.max(Some(checkpoint.block_time));
            chain.progress = Some(at);
        }
    }

    /// Takes the nodes of Ethereum.
    pub fn follows_ethereum(&self, provider: Provider) {
        let (status, progress) = (FollowStatus::default(), Instant::now());
        self.state().ethereum = Some(Ethereum { provider, status, progress });
    }

    /// Takes how following Ethereum stands.
    pub fn saw_ethereum(&self, status: FollowStatus) {
        let at = Instant::now();
        let mut state = self.state();
        let Some(ethereum) = &mut state.ethereum else { return };
        let processed = status.processed.map(|block| block.number);
        let went_on = processed != ethereum.status.processed.map(|block| block.number);
        if went_on {
            ethereum.progress = at;
        }
        ethereum.status = status;
        let id = chain_name(ethereum.provider.chain_id());
        let height = |number: u64| i64::try_from(number).ok();
        let chain = state.chain(&id);
        chain.head = chain.head.max(height(status.head).filter(|head| *head > 0));
        // A reorganisation takes it back, and so it goes back here.
        chain.processed = processed.and_then(height).or(chain.processed);
        if went_on {
            chain.progress = Some(at);
        }
    }

    /// Takes what the command works through.
    pub fn works(&self, work: Work) {
        self.state().work = Some(work);
    }

    /// Takes what a look at the balances found.
    pub fn saw_balances(&self, balances: Balances) {
        self.state().balances = Some(balances);
    }

    /// The run has ended: nothing can stall any more.
    pub fn ends(&self) {
        let mut state = self.state();
        state.ended = true;
        state.writer = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete at any point where it could panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn chain(&mut self, id: &str) -> &mut ChainState {
        if !self.chains.contains_key(id) {
            self.chains.insert(id.to_owned(), ChainState::default());
        }
        self.chains.get_mut(id).expect("inserted above when absent")
    }

    /// What is handed over and not yet durable.
    fn pending(&self) -> Weight {
        self.writer.as_ref().map(WriterHandle::pending).unwrap_or_default()
    }
}

/// The time by the clock on the wall.
#[expect(
    clippy::disallowed_methods,
    reason = "those who watch a run want to know how old things are"
)]
pub fn now() -> SystemTime {
    SystemTime::now()
}
