//! The blocks we stand on: numbers and hashes below the tip, as far down as going back may lead.

use std::collections::VecDeque;

use alloy::primitives::B256;

use crate::eth::{BlockRef, Header};
use crate::model::Timestamp;

/// A block that was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) block: BlockRef,
    /// Seconds since the epoch.
    pub(super) timestamp: u64,
    /// Its checkpoint, if it has one.
    pub(super) checkpoint: Option<u64>,
}

impl Link {
    pub(super) const fn of(header: &Header) -> Self {
        Self { block: header.block(), timestamp: header.timestamp, checkpoint: None }
    }
}

/// Blocks in ascending order. Without gaps inside the window, except where a restart knows
/// checkpoints only.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderChain(VecDeque<Link>);

impl HeaderChain {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Height of the last block; `None` where nothing is known yet.
    pub(super) fn last_number(&self) -> Option<u64> {
        self.0.back().map(|link| link.block.number)
    }

    /// The last block.
    ///
    /// # Panics
    /// When the chain is empty; a follower gives it a block before anything else.
    pub(super) fn tip(&self) -> &Link {
        self.0.back().expect("a follower begins with a block")
    }

    pub(super) fn tip_mut(&mut self) -> &mut Link {
        self.0.back_mut().expect("a follower begins with a block")
    }

    pub(super) fn push(&mut self, link: Link) {
        debug_assert!(self.0.back().is_none_or(|tip| tip.block.number < link.block.number));
        self.0.push_back(link);
    }

    /// The lowest block that is known.
    pub(super) fn lowest(&self) -> Option<&Link> {
        self.0.front()
    }

    pub(super) fn hash_at(&self, number: u64) -> Option<B256> {
        let position = self.0.binary_search_by_key(&number, |link| link.block.number).ok()?;
        self.0.get(position).map(|link| link.block.hash)
    }

    /// From the tip down.
    pub(super) fn downwards(&self) -> impl Iterator<Item = &Link> {
        self.0.iter().rev()
    }

    /// Drops what is above a height.
    pub(super) fn cut_above(&mut self, number: u64) {
        while self.0.back().is_some_and(|link| link.block.number > number) {
            self.0.pop_back();
        }
    }

    /// Drops what is below a height, but keeps the highest checkpoint at or below it: that is where
    /// going back may end.
    pub(super) fn forget_below(&mut self, number: u64) {
        let stored = |link: &Link| link.checkpoint.is_some() && link.block.number <= number;
        let Some(keep) = self.0.iter().rposition(stored) else { return };
        self.0.drain(..keep);
    }

    /// Blocks above the last one with a checkpoint.
    pub(super) fn blocks_since_stored(&self) -> u64 {
        let tip = self.tip().block.number;
        let stored = self.downwards().find(|link| link.checkpoint.is_some());
        stored.map_or(u64::MAX, |link| tip - link.block.number)
    }
}

impl FromIterator<Link> for HeaderChain {
    fn from_iter<I: IntoIterator<Item = Link>>(links: I) -> Self {
        Self(links.into_iter().collect())
    }
}

/// A block's time as the database has it.
pub(super) fn time_of(timestamp: u64) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(timestamp).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(links: &[(u64, bool)]) -> HeaderChain {
        let link = |(number, stored): &(u64, bool)| Link {
            block: BlockRef {
                number: *number,
                hash: B256::with_last_byte(u8::try_from(*number).unwrap()),
            },
            timestamp: 0,
            checkpoint: stored.then_some(*number),
        };
        links.iter().map(link).collect()
    }

    fn numbers(chain: &HeaderChain) -> Vec<u64> {
        chain.0.iter().map(|link| link.block.number).collect()
    }

    #[test]
    fn forgetting_keeps_a_checkpoint_to_go_back_to() {
        let mut known = chain(&[(1, true), (2, false), (3, true), (4, false), (5, true)]);
        known.forget_below(4);
        assert_eq!(numbers(&known), [3, 4, 5]);
        known.forget_below(2);
        assert_eq!(numbers(&known), [3, 4, 5]);
    }

    #[test]
    fn quiet_blocks_are_counted_from_the_last_checkpoint() {
        assert_eq!(chain(&[(1, true), (2, false), (9, false)]).blocks_since_stored(), 8);
        assert_eq!(chain(&[(1, false)]).blocks_since_stored(), u64::MAX);
        assert_eq!(chain(&[(7, true)]).blocks_since_stored(), 0);
    }

    #[test]
    fn a_height_between_checkpoints_has_no_hash() {
        let known = chain(&[(1, true), (4, true)]);
        assert!(known.hash_at(4).is_some() && known.hash_at(2).is_none());
    }
}
