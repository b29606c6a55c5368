//! Following Ethereum: AUDIO balances kept right through reorganisations and bad nodes.
//!
//! ```text
//!  new head (websocket or poll) ──▶ is what we know still part of the chain? ──no──▶ go back
//!        │ yes
//!        ▼
//!  logs of the next block ──▶ wallets touched ∩ tracked ──▶ balances at that block ──▶ writer
//! ```
//!
//! # Rules
//!
//! - **The chain of headers is the authority.** Within the window below the head, blocks are taken
//!   one by one, and each must name the one before as its parent. A block at a known height with
//!   another hash, or a head that stays below what was seen, means that the chain was reorganised.
//!   Nothing is derived from `removed` logs, and a websocket only says when to look.
//! - **Balances are read, never added up.** An event says which wallets to read; what is stored is
//!   the state at the checkpoint's block. Below the window they are read at the window's lower end,
//!   because nodes keep no older state.
//! - **Balances and checkpoint are one transaction**, and so are the wallets that could not be read:
//!   they are on a list in the database until a read succeeds.
//! - **Going back restores rows from their before-images** and puts every wallet that was read above
//!   on the list. Where no image is kept that far, the list alone does it.
//! - **New wallets get on the list**, too: those of users and linked wallets without a balance.

mod ask;
mod error;
mod headers;
mod registry;
mod reorg;
mod replay;
mod step;
mod touched;
mod wallets;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::headers::{HeaderChain, Link};
use self::step::Doubt;
use crate::db::start::ChainPosition;
use crate::eth::{BlockRef, Header, Heads, LogFilter, Provider};
use crate::store::Effects;
use crate::writer::{ChainStatus, CheckpointIds, WriterHandle};

pub use self::error::Error;
pub use self::registry::{REGISTERED, registered_contracts};
pub use self::replay::{Replay, Replayed};
pub use self::touched::Touched;
pub use self::wallets::{Wallets, address_text, wallet_of};

/// Without a reason to write, progress is written after this many blocks …
const QUIET_BLOCKS: u64 = 32;
/// … or this long.
const QUIET_TIME: Duration = Duration::from_secs(30);

/// The highest block that a first head may be: a block a second for 30,000 years.
const HIGHEST: u64 = 1_000_000_000_000;

/// Seconds that a first head may be ahead of the database's clock.
const AHEAD: i64 = 900;

/// Blocks that a second node may lag behind a first head.
const LAG: u64 = 32;

/// Between two looks for newly tracked wallets.
const RECONCILE_EVERY: Duration = Duration::from_secs(2);

/// Knobs of a follower.
#[derive(Clone, Debug)]
pub struct FollowConfig {
    /// Last block that counts as known where there is no earlier run; `None` is the head.
    pub start: Option<u64>,
    /// Go back to this block first, where an earlier run is above it.
    pub rewind_to: Option<u64>,
    /// Stop at the head seen at the start, once every wallet that can be read has been.
    pub once: bool,
    /// Blocks below the head that are taken one by one and can be rolled back. The chain is final
    /// after 64; nodes keep the state of 128.
    pub window: u64,
    /// Between two looks at the head when no websocket says anything.
    pub poll: Duration,
    /// How long a head may stay below what was seen before that counts as a rollback, and not as a
    /// node that lags.
    pub patience: Duration,
}

impl Default for FollowConfig {
    fn default() -> Self {
        Self {
            start: None,
            rewind_to: None,
            once: false,
            window: 64,
            poll: Duration::from_secs(6),
            patience: Duration::from_secs(20),
        }
    }
}

/// How things stand, for people and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowStatus {
    /// Highest block that a node has shown.
    pub head: u64,
    /// Last block that was processed.
    pub processed: Option<BlockRef>,
    /// Reorganisations met.
    pub reorganisations: u64,
    /// Balances read since the start.
    pub balances: u64,
    /// Whether the websocket stands; `None` without one.
    pub websocket: Option<bool>,
    /// Websocket connections that ended.
    pub reconnects: u64,
    /// Headers that came over the websocket.
    pub headers: u64,
}

/// How following ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The head was reached and nothing more was wanted.
    Finished,
    /// It was asked to stop.
    Interrupted,
}

/// Follows one Ethereum chain.
#[derive(Debug)]
pub struct Follower {
    provider: Provider,
    wallets: Wallets,
    /// The writer's handle for this lane.
    writer: WriterHandle,
    ids: CheckpointIds,
    config: FollowConfig,
    filter: LogFilter,
    /// Id of the chain as the database has it, `eip155:1`.
    chain_id: String,
    chain: HeaderChain,
    /// Where the database stood at the start.
    stored: Vec<ChainPosition>,
    /// Since when the head is below what was seen.
    low_since: Option<Instant>,
    stored_at: Instant,
    reconciled_at: Option<Instant>,
    doubts: VecDeque<Doubt>,
    effects: Effects,
    known: ChainStatus,
    status: watch::Sender<FollowStatus>,
}

/// The id under which the database knows an Ethereum chain (CAIP-2).
pub fn chain_name(chain_id: u64) -> String {
    format!("eip155:{chain_id}")
}

impl Follower {
    /// A follower for the provider's chain. `writer` is the handle of the Ethereum lane, `effects`
    /// what is known from earlier runs, and what is to be kept for later ones.
    pub fn new(
        provider: Provider,
        wallets: Wallets,
        writer: WriterHandle,
        config: FollowConfig,
        effects: Effects,
    ) -> Self {
        let chain_id = chain_name(provider.chain_id());
        Self {
            filter: LogFilter::balances(provider.contracts()),
            ids: writer.ids(),
            known: ChainStatus { chain: chain_id.clone(), ..ChainStatus::default() },
            chain: HeaderChain::default(),
            stored: Vec::new(),
            chain_id,
            provider,
            wallets,
            writer,
            config,
            low_since: None,
            stored_at: Instant::now(),
            reconciled_at: None,
            doubts: VecDeque::new(),
            effects,
            status: watch::Sender::new(FollowStatus::default()),
        }
    }

    /// The nodes that are asked.
    pub fn provider(&self) -> Provider {
        self.provider.clone()
    }

    /// How things stand, from now on.
    pub fn status(&self) -> watch::Receiver<FollowStatus> {
        self.status.subscribe()
    }

    /// Follows until `cancel` fires, or with [`FollowConfig::once`] until the head is reached.
    /// `stored` is where the database stands ([`ChainPosition`]s of this chain are looked up).
    ///
    /// # Errors
    /// When the writer or the database fails, or the settings make no sense. Nodes that do not
    /// answer are waited for, except with `once`.
    pub async fn run(
        mut self,
        stored: Vec<ChainPosition>,
        cancel: CancellationToken,
    ) -> Result<End, Error> {
        self.stored = stored;
        let ended = self.follow(cancel).await;
        // What was processed is right, whatever happened then.
        if ended.is_ok() && !self.chain.is_empty() {
            self.store_tip()?;
        }
        let flushed = self.writer.flush().await;
        let ended = ended?;
        flushed?;
        Ok(ended)
    }

    async fn follow(&mut self, cancel: CancellationToken) -> Result<End, Error> {
        let mut heads = if self.config.once { None } else { self.provider.subscribe_heads() };
        let mut failures = 0;
        let mut progress = self.writer.progress();
        loop {
            let before = self.chain.last_number();
            let caught_up = tokio::select! {
                () = cancel.cancelled() => return Ok(End::Interrupted),
                failed = progress.wait_for(|progress| progress.failed.is_some()) => {
                    let error = failed.ok().and_then(|progress| progress.failed.clone());
                    return Err(error.map_or(Error::WriterGone, Error::from));
                }
                caught_up = self.catch_up() => caught_up,
            };
            let pause = match caught_up {
                Ok(Turn::AtHead) if self.config.once => return Ok(End::Finished),
                Ok(Turn::AtHead) => {
                    failures = 0;
                    None
                }
                Ok(Turn::Again) => {
                    failures = 0;
                    continue;
                }
                // Something is about to change on the node's side; look again soon.
                Ok(Turn::Soon) => Some(self.config.poll.min(Duration::from_millis(250))),
                Err(error) if error.is_retryable() && !self.config.once => {
                    // Where it got on meanwhile, the pause begins anew.
                    let got_on = self.chain.last_number() > before;
                    failures = if got_on { 1 } else { failures + 1 };
                    let pause = self.provider.config().retry.delay(failures);
                    tracing::warn!(%error, cause = error.cause(), ?pause, "following Ethereum is tried again");
                    Some(pause)
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(End::Interrupted),
                () = self.wait(&mut heads, pause) => {}
            }
        }
    }

    /// Waits for a reason to look at the head again.
    async fn wait(&self, heads: &mut Option<Heads>, pause: Option<Duration>) {
        let limit = pause.unwrap_or(self.config.poll);
        match heads {
            Some(heads) if pause.is_none() => {
                let hint = heads.next(limit).await;
                self.status.send_modify(|status| {
                    status.websocket = Some(hint.connected);
                    status.reconnects = hint.reconnects;
                    status.headers = hint.received;
                });
            }
            _ => sleep(limit).await,
        }
    }

    /// Says how far processing has come.
    fn note_tip(&self) {
        let tip = self.chain.tip().block;
        self.status.send_if_modified(|status| status.processed.replace(tip) != Some(tip));
    }

    /// Goes on to the head, if there is a way, then reads the wallets on the list.
    async fn catch_up(&mut self) -> Result<Turn, Error> {
        if self.chain.is_empty() {
            self.begin().await?;
        }
        let head = self.provider.head().await?;
        self.note_head(&head);
        if head.number <= self.chain.tip().block.number {
            if self.is_gone(&head).await? {
                return self.go_back().await;
            }
        } else {
            self.low_since = None;
            match self.advance(&head).await? {
                step::Advance::AtHead => {}
                step::Advance::Behind => return Ok(Turn::Soon),
                step::Advance::Moved => return self.go_back().await,
            }
        }
        self.note_tip();
        self.store_tip_in_time()?;
        self.reconcile().await?;
        self.settle_doubts().await?;
        self.refresh().await
    }

    /// Finds where to begin, and stores it at once: from then on nothing is missed, also when the
    /// process ends before the first event.
    async fn begin(&mut self) -> Result<(), Error> {
        if self.stored.iter().any(|position| position.chain == self.chain_id) {
            self.chain = self.wallets.header_chain(&self.chain_id).await?;
        }
        if let Some(to) = self.config.rewind_to.filter(|to| self.chain.last_number() > Some(*to)) {
            let below = self.header_at(to).await?;
            self.restart(Link::of(&below)).await?;
        }
        if self.chain.is_empty() {
            let head = self.first_head().await?;
            let known = self.wallets.reference_progress().await?;
            let first = self.config.start.or(known).map_or(head.number, |n| n.min(head.number));
            let begin = match first {
                number if number == head.number => head,
                number => self.header_at(number).await?,
            };
            tracing::info!(block = begin.number, head = head.number, "following Ethereum begins");
            self.chain.push(Link::of(&begin));
            self.store_tip()?;
            self.writer.flush().await?;
        }
        Ok(())
    }

    /// The head that a new database begins at, checked: what is stored of it stays.
    ///
    /// A head counts if its height and time can be, and if a block a little below it is there when
    /// asked for by number, with the second node where there are several.
    async fn first_head(&self) -> Result<Header, Error> {
        let head = self.provider.head().await?;
        let number = head.number;
        let unlikely = |reason| Err(Error::UnlikelyHead { number, reason });
        if number > HIGHEST {
            return unlikely("no chain is that long");
        }
        let latest = self.wallets.now().await?.seconds().saturating_add(AHEAD);
        if i64::try_from(head.timestamp).map_or(true, |time| time > latest) {
            return unlikely("its time is ahead of the database's clock");
        }
        let below = number.saturating_sub(LAG);
        match self.provider.second_header_at(below).await? {
            Some(found) if below < number || found.hash == head.hash => Ok(head),
            Some(_) => unlikely("another block has its number"),
            None => unlikely("no block is there below it"),
        }
    }

    /// Whether the last known block is no longer part of the chain, now that the head is `head`, not
    /// above it.
    async fn is_gone(&mut self, head: &Header) -> Result<bool, Error> {
        let tip = self.chain.tip().block;
        if head.block() == tip {
            self.low_since = None;
            return Ok(false);
        }
        if self.chain.hash_at(head.number).is_some_and(|hash| hash != head.hash) {
            return Ok(true);
        }
        // The head is below: the node lags, or the chain was cut. Only time can tell.
        let since = *self.low_since.get_or_insert_with(Instant::now);
        if since.elapsed() < self.config.patience {
            return Ok(false);
        }
        Ok(self.provider.header_of(tip.hash).await?.is_none())
    }

    fn note_head(&mut self, head: &Header) {
        self.known.head_height = i64::try_from(head.number).ok();
        self.known.head_time = Some(headers::time_of(head.timestamp));
        self.writer.set_status(self.known.clone());
        self.status.send_modify(|status| status.head = head.number);
    }

    async fn header_at(&self, number: u64) -> Result<Header, Error> {
        self.provider.header_at(number).await?.ok_or(Error::NoBlock { number })
    }

    /// Writes the tip if it has been quiet for so long that a restart would read much again.
    fn store_tip_in_time(&mut self) -> Result<(), Error> {
        let behind = self.chain.blocks_since_stored();
        if behind >= QUIET_BLOCKS || (behind > 0 && self.stored_at.elapsed() >= QUIET_TIME) {
            self.store_tip()?;
        }
        Ok(())
    }

    /// Puts newly tracked wallets on the list.
    async fn reconcile(&mut self) -> Result<(), Error> {
        if self.reconciled_at.is_some_and(|at| at.elapsed() < RECONCILE_EVERY) {
            return Ok(());
        }
        let found = self.wallets.reconcile().await?;
        if found > 0 {
            tracing::info!(wallets = found, "newly tracked wallets");
        }
        self.reconciled_at = Some(Instant::now());
        Ok(())
    }
}

/// What comes next after a look at the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Nothing to do until something happens.
    AtHead,
    /// There is more to do at once.
    Again,
    /// The node is about to have more.
    Soon,
}

/// A block as the database writes it.
fn hash_text(block: BlockRef) -> String {
    format!("{:#x}", block.hash)
}

/// A block number as the database writes it.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
