//! Sweeping: reading the balances again that were read longest ago, so that whatever the events
//! missed is put right.
//!
//! ```text
//!  lease ──▶ read ──▶ store          a batch: the oldest wallets, taken by nobody else
//!    ▲                  │            all of it pinned to one block
//!    └──────────────────┘            balances, failures and the end of the lease are one transaction
//! ```
//!
//! - Wallets are leased: rows are picked with `FOR UPDATE SKIP LOCKED` and noted in a table, in a
//!   transaction of milliseconds. So any number of sweeps on any number of machines share the work,
//!   and no row stays locked while a node is asked. The lease of a process that died runs out.
//! - A full pass has a start; every row that was stored before it is due. A second machine that
//!   starts a full pass while one is under way joins it.
//! - Balances are stored by [`eth_balances`](crate::db::eth_balances), which the index uses too: an
//!   older read never replaces a newer one.
//! - A wallet that cannot be read is tried again later, each time after a longer pause, and does not
//!   hold up the others.
//! - What is no address (`0x` and 40 lower-case digits) is never read, and reported.

mod batch;
mod error;
mod lease;
mod ticks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::Address;
use sqlx::postgres::PgPool;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::db::Database;
use crate::eth::{BlockRef, Provider};

pub use error::Error;
pub use lease::{Lease, Pass};
pub use ticks::every;

/// Batches that a full pass works on at once: one is read while another is stored.
const AT_ONCE: usize = 2;

/// How many times the calls in flight a batch of a full pass fills.
const ROUNDS: usize = 4;

/// A full pass reads batch after batch at the same block for this long: a pass is no more exact for
/// asking for the head every time.
const HEAD_AGE: Duration = Duration::from_secs(2);

/// How often a full pass looks again when all that is due is in other hands.
const OTHERS: Duration = Duration::from_millis(300);

/// Sweeps wallets of one database with one chain. Clones share everything.
#[derive(Clone, Debug)]
pub struct Sweeper {
    database: Database,
    pool: PgPool,
    provider: Provider,
    /// Who we are, in leases.
    holder: String,
    tally: Arc<Mutex<Tally>>,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Wallets that were asked for.
    pub asked: u64,
    /// Balances stored.
    pub stored: u64,
    /// Wallets whose balance is unknown, and those somebody else had read at a later block, by
    /// reason, with one of them each.
    pub failed: BTreeMap<String, (u64, String)>,
    /// Batches.
    pub batches: u64,
    /// The block that was read last.
    pub at: Option<BlockRef>,
}

impl Tally {
    /// Wallets that could not be read or stored.
    pub fn failures(&self) -> u64 {
        self.failed.values().map(|(count, _)| count).sum()
    }

    fn absorb(&mut self, other: &Self) {
        self.asked += other.asked;
        self.stored += other.stored;
        self.batches += other.batches;
        self.at = other.at.or(self.at);
        for (reason, (count, example)) in &other.failed {
            self.failed.entry(reason.clone()).or_insert_with(|| (0, example.clone())).0 += count;
        }
    }

    fn fail(&mut self, reason: &str, wallet: &str) {
        self.failed.entry(reason.to_owned()).or_insert_with(|| (0, wallet.to_owned())).0 += 1;
    }
}

/// A wallet as the database has it, and as the contracts do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Lower-case hexadecimal with 0x.
    pub text: String,
    /// The same.
    pub address: Address,
}

impl Sweeper {
    /// A sweeper that calls itself `holder` in its leases; `pool` is one of `database`.
    pub fn new(database: Database, pool: PgPool, provider: Provider, holder: String) -> Self {
        Self { database, pool, provider, holder, tally: Arc::default() }
    }

    /// The sums of everything swept so far.
    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The nodes that are asked.
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Reads one batch: the `limit` wallets that were read longest ago.
    ///
    /// # Errors
    /// The database or the chain cannot be asked.
    pub async fn batch(&self, limit: usize) -> Result<Tally, Error> {
        let head = self.provider.head().await?.block();
        match self.lease(limit, None, None).await? {
            Some(lease) => self.refresh(lease, head).await,
            None => Ok(Tally::default()),
        }
    }

    /// Begins a full pass, or joins the one that is under way elsewhere.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn begin_pass(&self) -> Result<Pass, Error> {
        lease::begin_pass(&self.pool).await
    }

    /// Reads until every wallet was stored after the pass began, but for those that cannot be read.
    /// Cancelled, it ends after the batches at hand.
    ///
    /// # Errors
    /// The database or the chain cannot be asked.
    pub async fn full(&self, pass: &Pass, cancel: &CancellationToken) -> Result<(), Error> {
        let config = self.provider.config();
        let limit = config.chunk.max(1) * config.in_flight.max(1) * ROUNDS;
        loop {
            let workers = (0..AT_ONCE).map(|_| self.work(pass, limit, cancel));
            futures::future::try_join_all(workers).await?;
            if cancel.is_cancelled() || lease::is_done(&self.pool, pass).await? {
                return Ok(());
            }
            // The rest is in other hands, which may drop it.
            sleep(OTHERS).await;
            while !cancel.is_cancelled() && lease::is_any_leased(&self.pool).await? {
                sleep(OTHERS).await;
            }
        }
    }

    /// Gives back what is still leased under our name, for example after an interrupted batch.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn release_all(&self) -> Result<(), Error> {
        lease::release_all(&self.pool, &self.holder).await
    }

    /// Takes and reads wallets until there are none to take. It never looks back: the index on when
    /// wallets were stored still holds what was there before they were stored anew.
    async fn work(
        &self,
        pass: &Pass,
        limit: usize,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let (mut head, mut from) = (None, None);
        while !cancel.is_cancelled() {
            let at = self.recent(&mut head).await?;
            let Some(lease) = self.lease(limit, Some(pass), from.as_deref()).await? else { break };
            from = Some(lease.stored.clone());
            self.refresh(lease, at).await?;
        }
        Ok(())
    }

    /// The newest block, or one that was so a moment ago.
    async fn recent(&self, known: &mut Option<(Instant, BlockRef)>) -> Result<BlockRef, Error> {
        match *known {
            Some((seen, block)) if seen.elapsed() < HEAD_AGE => Ok(block),
            _ => {
                let block = self.provider.head().await?.block();
                *known = Some((Instant::now(), block));
                Ok(block)
            }
        }
    }

    fn count(&self, tally: &Tally) {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).absorb(tally);
    }
}
