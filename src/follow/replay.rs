//! Reading a closed range of blocks once more: the wallets that its events name, and their balances
//! now.
//!
//! Balances are those of a block near the head, whatever the range, because that is what the table
//! holds. Nothing that a running follower relies on is touched: rows are guarded one by one
//! ([`eth_balances`](crate::db::eth_balances)), its checkpoint stays, and what is read at a block that turns out to be gone it
//! finds by the block's hash.

use std::time::Duration;

use futures::TryFutureExt;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::wallets::Listed;
use super::{Error, Touched, Wallets, address_text, hash_text, number};
use crate::db::eth_balances::WalletBalance;
use crate::eth::{Balance, BlockRef, LogFilter, LogPage, Provider};

/// How long balances are read at the same block. Nodes keep the state of some 25 minutes.
const PIN_FOR: Duration = Duration::from_secs(300);

/// Wallets of which is remembered that they are read: beyond, some are read twice.
const REMEMBERED: usize = 500_000;

/// What a replay did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// First block read in this run; above `to` if there was nothing left to do.
    pub from: u64,
    /// Last block.
    pub to: u64,
    /// Blocks read so far.
    pub blocks: u64,
    /// Events.
    pub logs: u64,
    /// Tracked wallets that they name.
    pub wallets: u64,
    /// Balances stored; the others had been read later already.
    pub stored: u64,
    /// Wallets that could not be read, and are on the list of `index` now.
    pub unread: u64,
}

/// A replay, ready to run.
#[derive(Debug)]
pub struct Replay {
    /// Asks the nodes.
    pub provider: Provider,
    /// The database.
    pub wallets: Wallets,
    /// First block.
    pub from: u64,
    /// Last block; not above the head.
    pub to: u64,
    /// Read logs only, and store nothing.
    pub dry_run: bool,
}

impl Replay {
    /// Reads the range, from where an interrupted run of the same range has left it. `None` if it
    /// was interrupted again.
    ///
    /// # Errors
    /// When nodes or database fail; what was stored stays, and the next run goes on there.
    pub async fn run(
        &self,
        cancel: &CancellationToken,
        mut report: impl FnMut(&Replayed),
    ) -> Result<Option<Replayed>, Error> {
        let head = self.provider.head().await?;
        let to = self.to.min(head.number);
        let name = format!("audius_etl transfers {} {}-{to}", self.provider.chain_id(), self.from);
        let done = if self.dry_run { None } else { self.wallets.replayed(&name).await? };
        let from = done.map_or(self.from, |done| done + 1);
        let filter = LogFilter::balances(self.provider.contracts());
        let mut sums = Replayed { from, to, ..Replayed::default() };
        let mut pin = (head.block(), Instant::now());
        let mut seen = Seen::default();
        let mut page = self.page(&filter, from, to).await?;
        while let Some(LogPage { logs, end }) = page {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            if pin.1.elapsed() > PIN_FOR {
                pin = (self.provider.head().await?.block(), Instant::now());
                seen.read.clear();
            }
            sums.logs += logs.len() as u64;
            let mut touched = Touched::default();
            for log in &logs {
                touched.add(log, self.provider.contracts());
            }
            drop(logs);
            // The next logs are fetched while these wallets are read.
            let next = self.page(&filter, end.number + 1, to);
            let store = self.store(touched, pin.0, &mut seen, &mut sums).and_then(|()| async {
                if self.dry_run {
                    Ok(())
                } else {
                    self.wallets.note_replayed(&name, end.number).await
                }
            });
            let (next, stored) = tokio::join!(next, store);
            stored?;
            page = next?;
            sums.blocks = (end.number + 1).saturating_sub(from);
            report(&sums);
        }
        self.note_events(&mut seen).await?;
        if !self.dry_run {
            self.wallets.forget_replay(&name).await?;
        }
        Ok(Some(sums))
    }

    async fn page(&self, filter: &LogFilter, from: u64, to: u64) -> Result<Option<LogPage>, Error> {
        if from > to {
            return Ok(None);
        }
        match self.provider.logs(filter, from, to).await? {
            Some(page) => Ok(Some(page)),
            None => Err(Error::NoBlock { number: from }),
        }
    }

    /// Reads the tracked wallets among the touched ones that were not read before, and stores them.
    async fn store(
        &self,
        mut touched: Touched,
        at: BlockRef,
        seen: &mut Seen,
        sums: &mut Replayed,
    ) -> Result<(), Error> {
        let providers: Vec<_> = touched.service_providers.keys().copied().collect();
        let mut unread = Vec::new();
        for (provider, found) in
            providers.iter().zip(self.provider.delegators(&providers, at).await?)
        {
            match found {
                Ok(delegators) => touched.add_delegators(*provider, &delegators),
                Err(_) => unread.push(Listed {
                    wallet: *provider,
                    event_block: touched.service_providers.get(provider).copied().map(number),
                    with_delegators: true,
                }),
            }
        }
        for (wallet, block) in &touched.wallets {
            if seen.read.contains(wallet) {
                seen.events.insert(*wallet, *block);
            }
        }
        touched.wallets.retain(|wallet, _| !seen.read.contains(wallet));
        let wallets = self.wallets.tracked(&touched.wallets).await?;
        sums.wallets += wallets.len() as u64;
        if self.dry_run {
            seen.remember(&touched);
            return Ok(());
        }
        if seen.events.len() > REMEMBERED {
            self.note_events(seen).await?;
        }
        let holders: Vec<_> = wallets.iter().map(|listed| listed.wallet).collect();
        let balances = self.provider.balances(&holders, at).await?;
        let mut known = Vec::with_capacity(wallets.len());
        for (listed, balance) in wallets.into_iter().zip(balances) {
            match balance {
                Balance::Known(wei) => known.push(WalletBalance {
                    wallet: address_text(listed.wallet),
                    balance: wei.to_string(),
                    event_block: listed.event_block,
                }),
                Balance::Unknown(_) => {
                    if unread.iter().all(|other| other.wallet != listed.wallet) {
                        unread.push(listed);
                    }
                }
            }
        }
        sums.unread += unread.len() as u64;
        sums.stored +=
            self.wallets.store(&known, &unread, number(at.number), &hash_text(at)).await?;
        seen.remember(&touched);
        Ok(())
    }

    /// Notes later events at wallets that were read at an earlier one.
    async fn note_events(&self, seen: &mut Seen) -> Result<(), Error> {
        let events = std::mem::take(&mut seen.events);
        if self.dry_run || events.is_empty() {
            return Ok(());
        }
        let listed = events.into_iter().map(|(wallet, block)| Listed {
            wallet,
            event_block: Some(number(block)),
            with_delegators: false,
        });
        self.wallets.note_events(&listed.collect::<Vec<_>>()).await
    }
}

/// What is known of wallets so far.
#[derive(Debug, Default)]
struct Seen {
    /// Wallets that are read, or not tracked.
    read: FxHashSet<alloy::primitives::Address>,
    /// Blocks of later events of those.
    events: FxHashMap<alloy::primitives::Address, u64>,
}

impl Seen {
    fn remember(&mut self, touched: &Touched) {
        if self.read.len() > REMEMBERED {
            self.read.clear();
        }
        self.read.extend(touched.wallets.keys());
    }
}
