//! One chunk of holders: the call, its answer, and what to do when it is too large.

use std::sync::atomic::Ordering;

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Balance, PER_HOLDER, Unknown, Wei};
use crate::eth::abi::{DelegateManager, Multicall3, Staking, Token};
use crate::eth::classify::Class;
use crate::eth::error::{Error, Fault};
use crate::eth::provider::{BlockRef, Divisible, Provider};

/// Timeouts after which a chunk is no longer halved: then the node is slow, not the chunk large.
const TIMEOUTS: u8 = 2;

/// A reader of chunks at one block.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) provider: &'a Provider,
    pub(super) at: BlockRef,
}

/// What a sub-call returned.
type Returned = Multicall3::Result;

impl<'a> Chunk<'a> {
    /// The balances of `holders`, with one call if it goes through.
    pub(super) fn read(self, holders: &'a [Address]) -> BoxFuture<'a, Result<Vec<Balance>, Error>> {
        self.divided(holders, TIMEOUTS)
    }

    fn divided(
        self,
        holders: &'a [Address],
        patience: u8,
    ) -> BoxFuture<'a, Result<Vec<Balance>, Error>> {
        async move {
            let (class, text) = match self.once(holders, patience).await {
                Ok(returned) => return self.judged(holders, &returned, patience).await,
                Err(Error::Refused { source, .. }) if may_be_size(source.class) => {
                    (source.class, source.to_string())
                }
                Err(error) => return Err(error),
            };
            if holders.len() == 1 {
                if is_cap(class) {
                    // Where the smallest call is refused as well, it is not about the holder.
                    self.aggregate(vec![self.block_number()], Divisible::No).await?;
                }
                return Ok(vec![Balance::Unknown(Unknown::Refused(text))]);
            }
            self.provider.count_split();
            let (first, second) = holders.split_at(holders.len() / 2);
            tracing::debug!(holders = holders.len(), text, "chunk halved");
            if class == Class::TooMuchGas || class == Class::TooLarge {
                self.provider.chunk().fetch_min(first.len().max(second.len()), Ordering::Relaxed);
            }
            let patience = patience.saturating_sub(u8::from(class == Class::Timeout));
            let mut balances = self.divided(first, patience).await?;
            balances.extend(self.divided(second, patience).await?);
            Ok(balances)
        }
        .boxed()
    }

    /// Balances from an answer. Where gas ran out inside a sub-call, it failed without a word:
    /// such holders are asked for again, fewer at a time.
    async fn judged(
        self,
        holders: &'a [Address],
        returned: &[Returned],
        patience: u8,
    ) -> Result<Vec<Balance>, Error> {
        let mut balances: Vec<_> = returned.chunks(PER_HOLDER).map(balance).collect();
        let starved: Vec<usize> = returned
            .chunks(PER_HOLDER)
            .enumerate()
            .filter(|(_, three)| three.iter().any(|one| !one.success && one.returnData.is_empty()))
            .map(|(index, _)| index)
            .collect();
        if starved.is_empty() || holders.len() == 1 {
            return Ok(balances);
        }
        self.provider.count_split();
        for half in starved.chunks(starved.len().div_ceil(2)) {
            let again: Vec<Address> = half.iter().map(|&index| holders[index]).collect();
            let read = Chunk { provider: self.provider, at: self.at };
            for (&index, balance) in half.iter().zip(read.divided(&again, patience).await?) {
                balances[index] = balance;
            }
        }
        Ok(balances)
    }

    /// One call for all `holders`.
    async fn once(self, holders: &[Address], patience: u8) -> Result<Vec<Returned>, Error> {
        let contracts = self.provider.contracts();
        let mut calls = Vec::with_capacity(1 + holders.len() * PER_HOLDER);
        calls.push(self.block_number());
        for &holder in holders {
            let balance_of = Token::balanceOfCall { account: holder };
            let staked = Staking::totalStakedForCall { account: holder };
            let delegated = DelegateManager::getTotalDelegatorStakeCall { delegator: holder };
            calls.push(sub_call(contracts.audio, balance_of.abi_encode()));
            calls.push(sub_call(contracts.staking, staked.abi_encode()));
            calls.push(sub_call(contracts.delegate_manager, delegated.abi_encode()));
        }
        // A slow node is asked no differently for being asked for less.
        let divisible = if patience == 0 { Divisible::ExceptTimeouts } else { Divisible::Yes };
        self.aggregate(calls, divisible).await
    }

    /// The delegators of each service provider.
    pub(super) async fn delegators(
        self,
        service_providers: &[Address],
    ) -> Result<Vec<Result<Vec<Address>, Unknown>>, Error> {
        let target = self.provider.contracts().delegate_manager;
        let lists = service_providers.iter().map(|&provider| {
            let call = DelegateManager::getDelegatorsListCall { serviceProvider: provider };
            sub_call(target, call.abi_encode())
        });
        let calls = std::iter::once(self.block_number()).chain(lists).collect();
        let returned = self.aggregate(calls, Divisible::No).await?;
        Ok(returned.iter().map(list).collect())
    }

    fn block_number(self) -> Multicall3::Call3 {
        let call = Multicall3::getBlockNumberCall {}.abi_encode();
        sub_call(self.provider.contracts().multicall, call)
    }

    /// Runs the sub-calls, the first of which asks for the block number, and returns what the
    /// others returned.
    async fn aggregate(
        self,
        calls: Vec<Multicall3::Call3>,
        divisible: Divisible,
    ) -> Result<Vec<Returned>, Error> {
        let wanted = calls.len();
        let data = Bytes::from(Multicall3::aggregate3Call { calls }.abi_encode());
        let number = self.at.number;
        let to = self.provider.contracts().multicall;
        let read = |answer: &Bytes| opened(answer, wanted, number);
        self.provider.call_read(to, &data, self.at, divisible, read).await
    }
}

/// What the sub-calls but the first returned, if the answer is one to this call at this block.
fn opened(answer: &Bytes, wanted: usize, number: u64) -> Result<Vec<Returned>, Fault> {
    let odd = |text: String| Fault::own(Class::Transient, text);
    let mut returned = Multicall3::aggregate3Call::abi_decode_returns_validate(answer)
        .map_err(|error| odd(format!("the answer of aggregate3 is not readable: {error}")))?;
    if returned.len() != wanted {
        return Err(odd(format!("{} results for {wanted} sub-calls", returned.len())));
    }
    let check = returned.remove(0);
    match word(&check) {
        Some(found) if found == U256::from(number) => Ok(returned),
        // Without gas even for the first sub-call, fewer of them may do.
        None if !check.success => Err(Fault::own(Class::TooMuchGas, "no gas for getBlockNumber")),
        found => Err(odd(format!("answered for block {found:?}, asked for {number}"))),
    }
}

const fn may_be_size(class: Class) -> bool {
    class.asks_for_less() || matches!(class, Class::Reverted)
}

/// Whether a fault is about what the node gives to one call.
const fn is_cap(class: Class) -> bool {
    matches!(class, Class::TooMuchGas | Class::TooLarge)
}

fn sub_call(target: Address, data: Vec<u8>) -> Multicall3::Call3 {
    Multicall3::Call3 { target, allowFailure: true, callData: data.into() }
}

/// The first 32 bytes of what a successful sub-call returned.
fn word(returned: &Returned) -> Option<U256> {
    let bytes = returned.returnData.get(..32).filter(|_| returned.success)?;
    Some(U256::from_be_slice(bytes))
}

/// The sum of what the three sub-calls for a holder returned.
fn balance(three: &[Returned]) -> Balance {
    const NAMES: [&str; PER_HOLDER] = ["balanceOf", "totalStakedFor", "getTotalDelegatorStake"];
    let mut sum = Wei::ZERO;
    for (returned, call) in three.iter().zip(NAMES) {
        match word(returned) {
            Some(amount) => sum += Wei::from(amount),
            None => return Balance::Unknown(unknown(call, returned)),
        }
    }
    Balance::Known(sum)
}

fn unknown(call: &'static str, returned: &Returned) -> Unknown {
    if returned.success {
        return Unknown::Short { call, bytes: returned.returnData.len() };
    }
    let reason = alloy::sol_types::decode_revert_reason(&returned.returnData).unwrap_or_default();
    Unknown::Failed { call, reason: reason.chars().take(200).collect() }
}

fn list(returned: &Returned) -> Result<Vec<Address>, Unknown> {
    let failed = || unknown("getDelegatorsList", returned);
    if !returned.success {
        return Err(failed());
    }
    <Vec<Address>>::abi_decode_validate(&returned.returnData).map_err(|_malformed| failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returned(success: bool, data: &[u8]) -> Returned {
        Returned { success, returnData: Bytes::copy_from_slice(data) }
    }

    fn amount(value: u64) -> Returned {
        returned(true, &U256::from(value).to_be_bytes::<32>())
    }

    #[test]
    fn a_balance_is_the_sum_of_the_three() {
        assert_eq!(balance(&[amount(1), amount(2), amount(4)]), Balance::Known(Wei::from(7)));
    }

    #[test]
    fn zero_is_a_balance() {
        assert_eq!(balance(&[amount(0), amount(0), amount(0)]), Balance::Known(Wei::ZERO));
    }

    #[test]
    fn a_failed_sub_call_makes_the_balance_unknown_even_with_data() {
        let failed = returned(false, &[0xff; 32]);
        let read = balance(&[amount(1), failed, amount(4)]);
        assert!(
            matches!(read, Balance::Unknown(Unknown::Failed { call: "totalStakedFor", .. })),
            "{read:?}"
        );
    }

    #[test]
    fn an_empty_or_short_answer_makes_the_balance_unknown() {
        for bytes in [0, 16, 31] {
            let read = balance(&[amount(1), amount(2), returned(true, &vec![1; bytes])]);
            let call = "getTotalDelegatorStake";
            assert_eq!(read, Balance::Unknown(Unknown::Short { call, bytes }));
        }
    }

    #[test]
    fn of_a_longer_answer_the_first_word_counts() {
        let mut long = amount(7).returnData.to_vec();
        long.extend([0xff; 32]);
        let read = balance(&[returned(true, &long), amount(0), amount(0)]);
        assert_eq!(read, Balance::Known(Wei::from(7)));
    }

    #[test]
    fn the_sum_of_three_largest_amounts_is_held() {
        let most = returned(true, &[0xff; 32]);
        let read = balance(&[most.clone(), most.clone(), most]);
        assert_eq!(read, Balance::Known(Wei::from(U256::MAX) * Wei::from(3)));
    }

    #[test]
    fn an_answer_for_another_block_is_refused() {
        let answer = |number: u64| {
            let results = vec![amount(number), amount(5)];
            Bytes::from(Multicall3::aggregate3Call::abi_encode_returns(&results))
        };
        assert_eq!(opened(&answer(9), 2, 9).unwrap().len(), 1);
        assert!(opened(&answer(8), 2, 9).is_err());
        assert!(opened(&answer(9), 3, 9).is_err());
        assert!(opened(&Bytes::new(), 2, 9).is_err());
    }
}
