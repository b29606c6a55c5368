//! Chooses which entity calls a generated chain has.
//!
//! The shares follow a recording of main net where it has the pair; the others are rare. So that
//! short chains have every pair too, one call in so many is of the pair that was used least.

use super::random::Random;
use super::world::{Call, World};

/// How many pairs are tried before the fallback is made.
const ATTEMPTS: usize = 8;

type Make = fn(&mut World) -> Option<Call>;

/// A pair: type, action, share, and how it is made (`None`: what it needs is not there yet).
#[derive(Debug)]
pub(super) struct Pair(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) u64,
    pub(super) Make,
);

/// The pairs of a chain and how they are chosen.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) all: &'static [Pair],
    /// One call in this many is of the pair that was used least.
    pub(super) evening_out: u64,
    /// What can always be made.
    pub(super) fallback: Make,
}

/// Chooses pairs by their shares.
#[derive(Clone, Debug)]
pub(super) struct Mix {
    pairs: &'static Pairs,
    total: u64,
    used: Vec<u64>,
}

impl Mix {
    pub(super) fn new(pairs: &'static Pairs) -> Self {
        let total = pairs.all.iter().map(|pair| pair.2).sum();
        Self { pairs, total, used: vec![0; pairs.all.len()] }
    }

    /// The next valid call.
    pub(super) fn call(&mut self, world: &mut World) -> Call {
        if world.random.below(self.pairs.evening_out) == 0 {
            let mut rarest: Vec<usize> = (0..self.used.len()).collect();
            rarest.sort_by_key(|index| self.used[*index]);
            if let Some(call) = rarest.into_iter().find_map(|index| self.attempt(index, world)) {
                return call;
            }
        }
        for _ in 0..ATTEMPTS {
            let index = self.choose(&mut world.random);
            if let Some(call) = self.attempt(index, world) {
                return call;
            }
        }
        (self.pairs.fallback)(world).expect("the fallback can always be made")
    }

    fn attempt(&mut self, index: usize, world: &mut World) -> Option<Call> {
        let call = self.pairs.all[index].3(world)?;
        self.used[index] += 1;
        Some(call)
    }

    /// A call of one pair, if what it needs is there.
    pub(super) fn make(&self, wanted: (&str, &str), world: &mut World) -> Option<Call> {
        let pair = self.pairs.all.iter().find(|pair| (pair.0, pair.1) == wanted)?;
        pair.3(world)
    }

    fn choose(&self, random: &mut Random) -> usize {
        let mut left = random.below(self.total);
        for (index, pair) in self.pairs.all.iter().enumerate() {
            if left < pair.2 {
                return index;
            }
            left -= pair.2;
        }
        0
    }
}
