//! The two chains that one writer serves, and the numbers they share.

use std::{
    ops::{Index, IndexMut},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Whose batches are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Blocks of the core chain.
    #[default]
    Core,
    /// Balances on Ethereum.
    Ethereum,
}

impl Lane {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Core, Self::Ethereum];

    /// The lane of a chain, by its id: Ethereum chains are named as CAIP-2 has them, `eip155:1`.
    pub fn of_chain(chain: &str) -> Self {
        if chain.starts_with("eip155:") { Self::Ethereum } else { Self::Core }
    }
}

/// One value for each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerLane<T>([T; 2]);

impl<T: Copy> PerLane<T> {
    /// The same value for all.
    pub const fn of(value: T) -> Self {
        Self([value, value])
    }
}

impl<T> Index<Lane> for PerLane<T> {
    type Output = T;

    fn index(&self, lane: Lane) -> &T {
        &self.0[lane as usize]
    }
}

impl<T> IndexMut<Lane> for PerLane<T> {
    fn index_mut(&mut self, lane: Lane) -> &mut T {
        &mut self.0[lane as usize]
    }
}

/// Gives out checkpoint ids: each is higher than all before, whoever asks. Ids that are given out
/// and never written leave gaps, which mean nothing.
#[derive(Clone, Debug, Default)]
pub struct CheckpointIds(Arc<AtomicU64>);

impl CheckpointIds {
    /// Ids above `last`.
    pub fn after(last: u64) -> Self {
        Self(Arc::new(AtomicU64::new(last)))
    }

    /// The next id.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}
