//! The wallets that events name (eth 2.1).

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use alloy::sol_types::SolEvent;

use crate::eth::abi::{DelegateManager, Staking, Token};
use crate::eth::{Contracts, Log};

/// Wallets whose balance may have changed, with the highest block in which each was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Wallets named by events.
    pub wallets: BTreeMap<Address, u64>,
    /// Service providers whose delegators are touched, too: claims and slashes name none of them.
    pub service_providers: BTreeMap<Address, u64>,
}

impl Touched {
    /// What the logs name. Logs that are no such events name nobody.
    pub fn of(logs: &[Log], contracts: &Contracts) -> Self {
        let mut touched = Self::default();
        for log in logs {
            touched.add(log, contracts);
        }
        touched
    }

    /// Adds what a log names.
    pub fn add(&mut self, log: &Log, contracts: &Contracts) {
        let Some(event) = log.topics.first().copied() else { return };
        let block = log.block_number;
        let named = |index| log.address_in(index);
        let (first, second, delegators) = match log.address {
            address if address == contracts.audio && event == Token::Transfer::SIGNATURE_HASH => {
                (named(1), named(2), false)
            }
            address
                if address == contracts.staking
                    && [
                        Staking::Staked::SIGNATURE_HASH,
                        Staking::Unstaked::SIGNATURE_HASH,
                        Staking::Slashed::SIGNATURE_HASH,
                    ]
                    .contains(&event) =>
            {
                (named(1), None, false)
            }
            address if address == contracts.delegate_manager => match event {
                DelegateManager::IncreaseDelegatedStake::SIGNATURE_HASH
                | DelegateManager::UndelegateStakeRequestEvaluated::SIGNATURE_HASH
                | DelegateManager::RemoveDelegatorRequestEvaluated::SIGNATURE_HASH => {
                    (named(1), named(2), false)
                }
                // The rewards in a claim read 0 even where there are some.
                DelegateManager::Claim::SIGNATURE_HASH | DelegateManager::Slash::SIGNATURE_HASH => {
                    (named(1), None, true)
                }
                _ => return,
            },
            _ => return,
        };
        for wallet in [first, second].into_iter().flatten() {
            raise(&mut self.wallets, wallet, block);
        }
        if let Some(provider) = first.filter(|_| delegators) {
            raise(&mut self.service_providers, provider, block);
        }
    }

    /// Adds the delegators of a service provider, as touched in the block in which it was.
    pub fn add_delegators(&mut self, provider: Address, delegators: &[Address]) {
        let Some(block) = self.service_providers.get(&provider).copied() else { return };
        for delegator in delegators.iter().collect::<BTreeSet<_>>() {
            raise(&mut self.wallets, *delegator, block);
        }
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.wallets.is_empty()
    }
}

fn raise(wallets: &mut BTreeMap<Address, u64>, wallet: Address, block: u64) {
    let known = wallets.entry(wallet).or_insert(block);
    *known = (*known).max(block);
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use smallvec::SmallVec;

    use super::*;

    fn log(address: Address, event: B256, named: &[u8], block: u64) -> Log {
        let words = named.iter().map(|byte| Address::with_last_byte(*byte).into_word());
        Log {
            address,
            topics: std::iter::once(event).chain(words).collect::<SmallVec<_>>(),
            block_number: block,
            block_hash: B256::ZERO,
            log_index: 0,
            removed: false,
        }
    }

    fn named(logs: &[Log]) -> Vec<(u8, u64)> {
        let touched = Touched::of(logs, &Contracts::default());
        touched.wallets.iter().map(|(wallet, block)| (wallet.0[19], *block)).collect()
    }

    #[test]
    fn a_transfer_names_both_sides_and_the_highest_block_counts() {
        let audio = Contracts::default().audio;
        let transfer = Token::Transfer::SIGNATURE_HASH;
        let logs = [log(audio, transfer, &[1, 2], 9), log(audio, transfer, &[2, 3], 7)];
        assert_eq!(named(&logs), [(1, 9), (2, 9), (3, 7)]);
    }

    #[test]
    fn an_event_of_another_contract_names_nobody() {
        let contracts = Contracts::default();
        let transfer = Token::Transfer::SIGNATURE_HASH;
        let staked = Staking::Staked::SIGNATURE_HASH;
        assert_eq!(named(&[log(contracts.staking, transfer, &[1, 2], 1)]), []);
        assert_eq!(named(&[log(contracts.audio, staked, &[1], 1)]), []);
        assert_eq!(named(&[log(contracts.audio, transfer, &[], 1)]), []);
    }

    #[test]
    fn claims_and_slashes_touch_the_delegators_too() {
        let contracts = Contracts::default();
        for event in
            [DelegateManager::Claim::SIGNATURE_HASH, DelegateManager::Slash::SIGNATURE_HASH]
        {
            let claim = log(contracts.delegate_manager, event, &[5, 0, 0], 3);
            let mut touched = Touched::of(&[claim], &contracts);
            let provider = Address::with_last_byte(5);
            assert_eq!(touched.service_providers.get(&provider), Some(&3));
            touched.add_delegators(provider, &[Address::with_last_byte(6)]);
            assert_eq!(touched.wallets.get(&Address::with_last_byte(6)), Some(&3));
        }
    }

    #[test]
    fn delegating_names_delegator_and_service_provider() {
        let manager = Contracts::default().delegate_manager;
        let event = DelegateManager::IncreaseDelegatedStake::SIGNATURE_HASH;
        assert_eq!(named(&[log(manager, event, &[1, 2, 100], 4)]), [(1, 4), (2, 4)]);
    }
}
