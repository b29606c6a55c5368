//! How the clients of a time speak to the chain: which calls they send, with which keys, and what
//! goes wrong with them.

use super::mix::Pairs;
use super::spoil::Spoiling;

/// The calls that one program understands.
#[derive(Debug)]
pub struct Dialect {
    /// Time of the first block, in seconds since the epoch.
    pub(super) first_time: i64,
    pub(super) pairs: Pairs,
    pub(super) spoiling: Spoiling,
}

impl Dialect {
    /// The pairs, type and action, of which every chain of a few thousand calls has some.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.pairs.all.iter().map(|pair| (pair.0, pair.1))
    }
}
