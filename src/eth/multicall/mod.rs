//! Balances of many holders in few calls: Multicall3, pinned to one block.
//!
//! A chunk is one `eth_call` of `aggregate3` with `allowFailure`: the block number as a check, then
//! per holder the token balance, the stake as a service provider and the delegated stake. A holder's
//! balance is the sum of the three, as the reference has it; tokens delegated to a service provider
//! count for both.
//!
//! A chunk that is too large for a node (gas, size, time) is halved, down to the single holder that
//! is to blame, whose balance is then unknown. What size went through is remembered, so the next
//! refresh starts with it.

mod chunk;

use std::fmt;
use std::sync::atomic::Ordering;

use alloy::primitives::{Address, U512};
use futures::{StreamExt, TryStreamExt, stream};

use self::chunk::Chunk;
use super::error::Error;
use super::provider::{BlockRef, Provider};

/// An amount in the smallest unit of the token; wide enough for the sum of three `uint256`.
pub type Wei = U512;

/// Sub-calls per holder.
const PER_HOLDER: usize = 3;

/// The balance of a holder, if the node could tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Token, stake and delegated stake together.
    Known(Wei),
    /// Not to be taken for zero, and never to replace a known balance.
    Unknown(Unknown),
}

impl Balance {
    /// The amount, if it is known.
    pub const fn known(&self) -> Option<&Wei> {
        match self {
            Self::Known(wei) => Some(wei),
            Self::Unknown(_) => None,
        }
    }
}

/// Why a balance is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// A sub-call failed.
    Failed {
        /// What was called.
        call: &'static str,
        /// The data it returned, as text where it is a reason.
        reason: String,
    },
    /// A sub-call returned fewer than 32 bytes.
    Short {
        /// What was called.
        call: &'static str,
        /// Bytes returned.
        bytes: usize,
    },
    /// The call for this holder alone was refused.
    Refused(String),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { call, reason } if reason.is_empty() => write!(f, "{call} failed"),
            Self::Failed { call, reason } => write!(f, "{call} failed: {reason}"),
            Self::Short { call, bytes } => write!(f, "{call} returned {bytes} bytes"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
        }
    }
}

impl Provider {
    /// The balances of `holders` after block `at`, in their order. All chunks are pinned to the
    /// block's hash, several are in flight at once.
    ///
    /// # Errors
    /// No endpoint answers, or none has the block on its chain ([`Error::is_missing`]: orphaned, or
    /// too old for the node).
    pub async fn balances(&self, holders: &[Address], at: BlockRef) -> Result<Vec<Balance>, Error> {
        let size = self.chunk().load(Ordering::Relaxed).max(1);
        let reader = Chunk { provider: self, at };
        let parts: Vec<_> = holders.chunks(size).map(|holders| reader.read(holders)).collect();
        let in_flight = self.config().in_flight.max(1);
        stream::iter(parts).buffered(in_flight).try_concat().await
    }

    /// The delegators of each service provider after block `at`; `Err` where the contract does not
    /// say.
    ///
    /// # Errors
    /// As for [`Provider::balances`].
    pub async fn delegators(
        &self,
        service_providers: &[Address],
        at: BlockRef,
    ) -> Result<Vec<Result<Vec<Address>, Unknown>>, Error> {
        let size = (self.chunk().load(Ordering::Relaxed) / 10).max(1);
        let mut all = Vec::with_capacity(service_providers.len());
        for part in service_providers.chunks(size) {
            all.extend(Chunk { provider: self, at }.delegators(part).await?);
        }
        Ok(all)
    }
}
