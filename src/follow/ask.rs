//! What the follower asks contracts at a block, each thing once: a step that is made again after a
//! failure finds what the first attempt was told.

use std::fmt::Write as _;

use alloy::primitives::Address;

use super::{Error, Follower, address_text};
use crate::eth::{Balance, BlockRef, Unknown, Wei};
use crate::store::Effect;

/// Balance of a wallet at a block, in wei.
const BALANCE: Effect = Effect { name: "balance", is_persisted: false };

/// Delegators of a service provider at a block.
const DELEGATORS: Effect = Effect { name: "delegators", is_persisted: false };

/// Bytes of results from which those that are in the database are dropped, oldest first.
const RESULTS_BYTES: usize = 4 << 20;

impl Follower {
    /// Balances after a block, in the order of the wallets.
    pub(super) async fn balances(
        &mut self,
        wallets: &[Address],
        at: BlockRef,
    ) -> Result<Vec<Balance>, Error> {
        let known = |wallet: &Address| {
            let wei: Wei = self.effects.get(BALANCE, &key(*wallet, at))?.parse().ok()?;
            Some(wei)
        };
        let mut found: Vec<Option<Balance>> =
            wallets.iter().map(|wallet| known(wallet).map(Balance::Known)).collect();
        let unknown = wallets.iter().zip(&found).filter(|(_, found)| found.is_none());
        let asked: Vec<Address> = unknown.map(|(wallet, _)| *wallet).collect();
        if !asked.is_empty() {
            let answers = self.provider.balances(&asked, at).await?;
            let open = found.iter_mut().filter(|found| found.is_none());
            for ((place, wallet), answer) in open.zip(asked).zip(answers) {
                if let Balance::Known(wei) = &answer {
                    self.effects.put(BALANCE, key(wallet, at), wei.to_string());
                }
                *place = Some(answer);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// The delegators of service providers after a block, in their order; `Err` where the contract
    /// does not say.
    pub(super) async fn delegators(
        &mut self,
        providers: &[Address],
        at: BlockRef,
    ) -> Result<Vec<Result<Vec<Address>, Unknown>>, Error> {
        let known = |provider: &Address| {
            let list = self.effects.get(DELEGATORS, &key(*provider, at))?;
            let addresses = list.split_terminator(',').map(|address| address.parse().ok());
            addresses.collect::<Option<Vec<Address>>>()
        };
        let mut found: Vec<Option<Result<Vec<Address>, Unknown>>> =
            providers.iter().map(|provider| known(provider).map(Ok)).collect();
        let unknown = providers.iter().zip(&found).filter(|(_, found)| found.is_none());
        let asked: Vec<Address> = unknown.map(|(provider, _)| *provider).collect();
        if !asked.is_empty() {
            let answers = self.provider.delegators(&asked, at).await?;
            let open = found.iter_mut().filter(|found| found.is_none());
            for ((place, provider), answer) in open.zip(asked).zip(answers) {
                if let Ok(delegators) = &answer {
                    let list = delegators.iter().fold(String::new(), |mut list, delegator| {
                        let _never_fails = write!(list, "{delegator:#x},");
                        list
                    });
                    self.effects.put(DELEGATORS, key(provider, at), list);
                }
                *place = Some(answer);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Drops results that nobody will ask for again.
    pub(super) fn drop_results(&mut self) {
        self.effects.evict(self.writer.committed(), RESULTS_BYTES);
    }
}

fn key(address: Address, at: BlockRef) -> String {
    format!("{}@{:#x}", address_text(address), at.hash)
}
