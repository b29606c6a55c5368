//! One step: the logs of the next block or blocks, the balances of the wallets they name, and the
//! hand-over to the writer.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::primitives::{Address, Bloom, BloomInput};
use tokio::time::{Instant, sleep};

use super::headers::{Link, time_of};
use super::wallets::Listed;
use super::{Error, Follower, Touched, Turn, address_text, hash_text, number};
use crate::db::eth_balances::WalletBalance;
use crate::eth::{Balance, BlockRef, Header, LogPage};
use crate::writer::ethereum::UnreadWallet;
use crate::writer::{Batch, Checkpoint, EthereumWrite};

/// Wallets named below the window after which balances are read and progress is written.
const WALLETS_AT_ONCE: usize = 20_000;

/// The same in time: how much reading a crash can cost.
const UNWRITTEN_TIME: Duration = Duration::from_secs(30);

/// Wallets of the list that are read at once.
const LISTED_AT_ONCE: i64 = 2_000;

/// Rows handed over and not yet written from which reading waits.
const MOST_PENDING: usize = 50_000;

/// How often a block is asked for logs that its header says it may have.
const ASK_AGAIN: u32 = 3;

/// How long to wait before a doubtful block is looked at once more.
const LOOK_AGAIN: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(300),
];

/// Where a walk towards the head ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// At the head that was wanted.
    AtHead,
    /// Before it: no node has the next block.
    Behind,
    /// The next block does not build on the last one.
    Moved,
}

/// A block without logs whose header says that there may be some. Headers are right about what is
/// not there, not about what is, so time has to show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    pub(super) block: BlockRef,
    looks: usize,
    next: Instant,
}

impl Follower {
    /// Walks towards `head`, which is above the last known block.
    pub(super) async fn advance(&mut self, head: &Header) -> Result<Advance, Error> {
        let tip = self.chain.tip().block;
        if head.number - tip.number > self.config.window {
            let here = self.provider.header_at(tip.number).await?;
            match here {
                Some(header) if header.hash == tip.hash => {}
                Some(_) => return Ok(Advance::Moved),
                None => return Ok(Advance::Behind),
            }
            if !self.advance_below_window(head.number - self.config.window).await? {
                return Ok(Advance::Behind);
            }
        }
        while self.chain.tip().block.number < head.number {
            match self.next_block().await? {
                Advance::AtHead => {}
                ended => return Ok(ended),
            }
            if self.writer.pending().rows() > MOST_PENDING {
                self.writer.wait_for_commit().await?;
            }
        }
        Ok(Advance::AtHead)
    }

    /// Walks up to `to` in wide steps. Balances are read at the upper end, once. `false` if no node
    /// goes that far.
    async fn advance_below_window(&mut self, to: u64) -> Result<bool, Error> {
        let mut touched = Touched::default();
        let mut logs = 0;
        let mut from = self.chain.tip().block.number + 1;
        let mut written = Instant::now();
        while from <= to {
            let Some(LogPage { logs: found, end }) =
                self.provider.logs(&self.filter, from, to).await?
            else {
                return Ok(false);
            };
            logs += found.len() as u64;
            for log in &found {
                touched.add(log, self.provider.contracts());
            }
            from = end.number + 1;
            let enough = touched.wallets.len() >= WALLETS_AT_ONCE;
            if end.number < to && !enough && written.elapsed() < UNWRITTEN_TIME {
                continue;
            }
            let at = if end.number == to { end } else { self.header_at(to).await? };
            self.write_below_window(std::mem::take(&mut touched), logs, &end, &at).await?;
            (logs, written) = (0, Instant::now());
        }
        Ok(true)
    }

    async fn write_below_window(
        &mut self,
        touched: Touched,
        logs: u64,
        end: &Header,
        at: &Header,
    ) -> Result<(), Error> {
        let mut write = self.empty_write(end.block(), end.timestamp);
        (write.read_number, write.read_hash) = (number(at.number), hash_text(at.block()));
        let wallets = self.resolve(&mut write, touched, at.block()).await?;
        self.read(&mut write, &wallets, at.block()).await?;
        tracing::info!(block = end.number, logs, wallets = wallets.len(), "caught up to");
        self.chain.push(Link::of(end));
        self.submit(write, logs, false)?;
        self.writer.flush().await?;
        Ok(())
    }

    /// Processes the block above the tip. [`Advance::AtHead`] says that it is done.
    async fn next_block(&mut self) -> Result<Advance, Error> {
        let tip = self.chain.tip().block;
        let from = tip.number + 1;
        let mut asked = 0;
        let page = loop {
            // A node that says nothing time and again is not asked alone.
            let first = if asked + 1 == ASK_AGAIN { 1 } else { 0 };
            let Some(page) = self.provider.logs_from(first, &self.filter, from, from).await? else {
                return Ok(Advance::Behind);
            };
            if page.end.parent_hash != tip.hash {
                return Ok(Advance::Moved);
            }
            if !page.logs.is_empty() || !self.may_have_logs(page.end.logs_bloom.as_ref()) {
                if first > 0 && !page.logs.is_empty() {
                    tracing::warn!(
                        block = from,
                        "the first node has no logs of a block that has some"
                    );
                }
                break page;
            }
            asked += 1;
            // Without a bloom every empty block is in doubt: it is enough to look again later.
            if asked == ASK_AGAIN || page.end.logs_bloom.is_none() {
                let next = Instant::now() + LOOK_AGAIN[0];
                self.doubts.push_back(Doubt { block: page.end.block(), looks: 0, next });
                break page;
            }
            sleep(Duration::from_millis(50)).await;
        };
        let LogPage { logs, end } = page;
        let touched = Touched::of(&logs, self.provider.contracts());
        if touched.is_empty() {
            self.chain.push(Link::of(&end));
            self.store_tip_in_time()?;
            return Ok(Advance::AtHead);
        }
        let mut write = self.empty_write(end.block(), end.timestamp);
        let wallets = self.resolve(&mut write, touched, end.block()).await?;
        self.read(&mut write, &wallets, end.block()).await?;
        self.chain.push(Link::of(&end));
        self.submit(write, logs.len() as u64, true)?;
        Ok(Advance::AtHead)
    }

    /// Whether a block may hold logs we want, by its header.
    fn may_have_logs(&self, bloom: Option<&Bloom>) -> bool {
        let Some(bloom) = bloom else { return true };
        self.filter
            .addresses
            .iter()
            .any(|address| bloom.contains_input(BloomInput::Raw(address.as_slice())))
            && self
                .filter
                .topics
                .iter()
                .any(|topic| bloom.contains_input(BloomInput::Raw(topic.as_slice())))
    }

    /// The tracked wallets among those that events touched, delegators included. A service provider
    /// whose delegators are not known now gets on the list.
    async fn resolve(
        &mut self,
        write: &mut EthereumWrite,
        mut touched: Touched,
        at: BlockRef,
    ) -> Result<Vec<Listed>, Error> {
        let providers: Vec<Address> = touched.service_providers.keys().copied().collect();
        let found = self.delegators(&providers, at).await?;
        for (provider, delegators) in providers.into_iter().zip(found) {
            match delegators {
                Ok(delegators) => {
                    touched.add_delegators(provider, &delegators);
                    write.settled.push(address_text(provider));
                }
                Err(reason) => {
                    tracing::warn!(%provider, %reason, "its delegators are not known yet");
                    write.unread.push(UnreadWallet {
                        wallet: address_text(provider),
                        event_block: touched.service_providers.get(&provider).copied().map(number),
                        reason: format!("listing its delegators: {reason}"),
                        with_delegators: true,
                    });
                }
            }
        }
        self.wallets.tracked(&touched.wallets).await
    }

    /// Reads wallets at a block and adds what came of it to `write`.
    async fn read(
        &mut self,
        write: &mut EthereumWrite,
        wallets: &[Listed],
        at: BlockRef,
    ) -> Result<(), Error> {
        if wallets.is_empty() {
            return Ok(());
        }
        let holders: Vec<Address> = wallets.iter().map(|listed| listed.wallet).collect();
        let balances = self.balances(&holders, at).await?;
        for (Listed { wallet, event_block, .. }, balance) in wallets.iter().zip(balances) {
            let (wallet, event_block) = (address_text(*wallet), *event_block);
            match balance {
                Balance::Known(wei) => {
                    let balance = wei.to_string();
                    write.balances.push(WalletBalance { wallet, balance, event_block });
                }
                Balance::Unknown(reason) => {
                    tracing::debug!(wallet, %reason, "balance unknown");
                    let reason = reason.to_string();
                    let with_delegators = false;
                    write.unread.push(UnreadWallet {
                        wallet,
                        event_block,
                        reason,
                        with_delegators,
                    });
                }
            }
        }
        Ok(())
    }

    /// A step to `block` that changes nothing yet.
    pub(super) fn empty_write(&self, block: BlockRef, timestamp: u64) -> EthereumWrite {
        EthereumWrite {
            checkpoint: Checkpoint {
                id: self.ids.next(),
                chain: self.chain_id.clone(),
                height: number(block.number),
                block_hash: hash_text(block),
                block_time: time_of(timestamp),
                em_block: None,
            },
            read_number: number(block.number),
            read_hash: hash_text(block),
            balances: Vec::new(),
            unread: Vec::new(),
            settled: Vec::new(),
            effects: Vec::new(),
            blocks: self.recent_blocks(block),
            restart: false,
        }
    }

    /// Blocks since the last checkpoint, and the one at hand.
    fn recent_blocks(&self, block: BlockRef) -> Vec<(i64, String)> {
        let recent = self.chain.downwards().take_while(|link| link.checkpoint.is_none());
        recent
            .map(|link| link.block)
            .chain([block])
            .map(|block| (number(block.number), hash_text(block)))
            .collect()
    }

    /// Hands a step over whose block is the tip.
    pub(super) fn submit(
        &mut self,
        mut write: EthereumWrite,
        logs: u64,
        keep_history: bool,
    ) -> Result<(), Error> {
        let id = write.checkpoint.id;
        let safe = write.checkpoint.height - 2 * number(self.config.window);
        let balances = write.balances.len() as u64;
        write.effects = self.effects.close(id);
        self.drop_results();
        self.writer.submit(Batch {
            ethereum: Some(write),
            transactions: logs,
            in_reorg_threshold: keep_history,
            safe_height: Some(safe),
            ..Batch::default()
        })?;
        let tip = self.chain.tip_mut();
        tip.checkpoint = Some(id);
        let tip = tip.block.number;
        self.stored_at = Instant::now();
        self.chain.forget_below(tip.saturating_sub(2 * self.config.window));
        self.status.send_modify(|status| status.balances += balances);
        self.note_tip();
        Ok(())
    }

    /// Writes the tip, if it is not written.
    pub(super) fn store_tip(&mut self) -> Result<(), Error> {
        let tip = *self.chain.tip();
        if tip.checkpoint.is_some() {
            return Ok(());
        }
        // The very first block has nothing below it to go back to.
        let keep_history = self.chain.downwards().any(|link| link.checkpoint.is_some());
        let write = self.empty_write(tip.block, tip.timestamp);
        self.submit(write, 0, keep_history)
    }

    /// Reads the wallets on the list, at the tip, as long as there are some that are due.
    pub(super) async fn refresh(&mut self) -> Result<Turn, Error> {
        self.writer.flush().await?;
        let due = self.wallets.due(LISTED_AT_ONCE).await?;
        if due.is_empty() {
            if self.config.once || self.known.ready_at.is_none() {
                self.known.ready_at = Some(self.wallets.now().await?);
                self.writer.set_status(self.known.clone());
            }
            return Ok(Turn::AtHead);
        }
        self.store_tip()?;
        let tip = *self.chain.tip();
        let mut write = self.empty_write(tip.block, tip.timestamp);
        let due = self.with_delegators(&mut write, due, tip.block).await?;
        self.read(&mut write, &due, tip.block).await?;
        self.submit(write, 0, true)?;
        self.writer.flush().await?;
        Ok(Turn::Again)
    }

    /// Wallets that are due, and the delegators of those service providers among them that wait for
    /// their delegators.
    async fn with_delegators(
        &mut self,
        write: &mut EthereumWrite,
        due: Vec<Listed>,
        at: BlockRef,
    ) -> Result<Vec<Listed>, Error> {
        let (waiting, mut due): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|listed| listed.with_delegators);
        let mut touched = Touched::default();
        for Listed { wallet, event_block, .. } in waiting {
            let block = event_block.and_then(|block| u64::try_from(block).ok());
            touched.wallets.insert(wallet, block.unwrap_or(at.number));
            touched.service_providers.insert(wallet, block.unwrap_or(at.number));
        }
        let found = self.resolve(write, touched, at).await?;
        let listed: BTreeSet<Address> = due.iter().map(|listed| listed.wallet).collect();
        due.extend(found.into_iter().filter(|found| !listed.contains(&found.wallet)));
        Ok(due)
    }

    /// Looks once more at blocks that may have logs although none came.
    pub(super) async fn settle_doubts(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        for _ in 0..self.doubts.len() {
            let Some(mut doubt) = self.doubts.pop_front() else { break };
            if doubt.next > now {
                self.doubts.push_back(doubt);
                continue;
            }
            let number = doubt.block.number;
            // Each look begins with another node.
            let page = self.provider.logs_from(doubt.looks, &self.filter, number, number).await?;
            let page = page.filter(|page| page.end.block() == doubt.block);
            match page {
                Some(page) if !page.logs.is_empty() => {
                    tracing::warn!(block = number, "a node had kept logs back");
                    let touched = Touched::of(&page.logs, self.provider.contracts());
                    let mut wallets = self.wallets.tracked(&touched.wallets).await?;
                    for (provider, block) in touched.service_providers {
                        let event_block = Some(super::number(block));
                        wallets.retain(|listed| listed.wallet != provider);
                        let with_delegators = true;
                        wallets.push(Listed { wallet: provider, event_block, with_delegators });
                    }
                    self.wallets.list(&wallets, "its event came late").await?;
                }
                _ => {
                    doubt.looks += 1;
                    if let Some(pause) = LOOK_AGAIN.get(doubt.looks) {
                        doubt.next = now + *pause;
                        self.doubts.push_back(doubt);
                    }
                }
            }
        }
        Ok(())
    }
}
