//! What the follower asks contracts at a block, each thing once: a step that is made again after a
//! failure finds what the first attempt was told.

use alloy::primitives::Address;

use super::{Error, Follower, address_text};
use crate::eth::{self, Balance, BlockRef, Unknown, Wei};
use crate::store::{Effect, Effects};

/// Balance of a wallet at a block, in wei.
const BALANCE: Effect = Effect { name: "balance", is_persisted: false };

/// Delegators of a service provider at a block.
const DELEGATORS: Effect = Effect { name: "delegators", is_persisted: false };

/// Bytes of results from which those that are in the database are dropped, oldest first.
const RESULTS_BYTES: usize = 4 << 20;

/// What was asked of a contract once: how an answer is kept, and how it is read back.
struct Once<T> {
    effect: Effect,
    /// The text to keep; `None` for an answer that is none, and is asked for again.
    keep: fn(&T) -> Option<String>,
    read: fn(&str) -> Option<T>,
}

impl<T> Once<T> {
    /// The answers for addresses after a block, in their order; `ask` gets those without one.
    async fn answers<F: Future<Output = Result<Vec<T>, eth::Error>>>(
        self,
        effects: &mut Effects,
        addresses: &[Address],
        at: BlockRef,
        ask: impl FnOnce(Vec<Address>) -> F,
    ) -> Result<Vec<T>, Error> {
        let key = |address: Address| format!("{}@{:#x}", address_text(address), at.hash);
        let known = |address: &Address| (self.read)(effects.get(self.effect, &key(*address))?);
        let mut found: Vec<Option<T>> = addresses.iter().map(known).collect();
        let unknown = addresses.iter().zip(&found).filter(|(_, found)| found.is_none());
        let asked: Vec<Address> = unknown.map(|(address, _)| *address).collect();
        if !asked.is_empty() {
            let answers = ask(asked.clone()).await?;
            let open = found.iter_mut().filter(|found| found.is_none());
            for ((place, address), answer) in open.zip(asked).zip(answers) {
                if let Some(text) = (self.keep)(&answer) {
                    effects.put(self.effect, key(address), text);
                }
                *place = Some(answer);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}

impl Follower {
    /// Balances after a block, in the order of the wallets.
    pub(super) async fn balances(
        &mut self,
        wallets: &[Address],
        at: BlockRef,
    ) -> Result<Vec<Balance>, Error> {
        let once = Once {
            effect: BALANCE,
            keep: |balance: &Balance| balance.known().map(Wei::to_string),
            read: |text| text.parse().ok().map(Balance::Known),
        };
        let provider = self.provider.clone();
        let ask = |wallets: Vec<Address>| async move { provider.balances(&wallets, at).await };
        once.answers(&mut self.effects, wallets, at, ask).await
    }

    /// The delegators of service providers after a block, in their order; `Err` where the contract
    /// does not say.
    pub(super) async fn delegators(
        &mut self,
        providers: &[Address],
        at: BlockRef,
    ) -> Result<Vec<Result<Vec<Address>, Unknown>>, Error> {
        let once = Once {
            effect: DELEGATORS,
            keep: |list: &Result<Vec<Address>, Unknown>| {
                let texts = list.as_ref().ok()?.iter().map(|address| address_text(*address));
                Some(texts.collect::<Vec<_>>().join(","))
            },
            read: |text| {
                let addresses = text.split_terminator(',').map(|address| address.parse().ok());
                addresses.collect::<Option<Vec<Address>>>().map(Ok)
            },
        };
        let provider = self.provider.clone();
        let ask = |asked: Vec<Address>| async move { provider.delegators(&asked, at).await };
        once.answers(&mut self.effects, providers, at, ask).await
    }

    /// Drops results that nobody will ask for again.
    pub(super) fn drop_results(&mut self) {
        self.effects.evict(self.writer.committed(), RESULTS_BYTES);
    }
}
