//! The keys that have one value of a lookup.

use std::collections::BTreeSet;

use crate::model::key::Key;

/// A key with its rank among those of its value ([`crate::model::table::LookupDef::rank_of`]).
pub(super) type Ranked = (i64, Key);

/// Keys of one lookup value, in order of their ranks. Most values have one, and a set for one key
/// takes ten times as much.
#[derive(Debug, Default)]
pub(super) enum Keys {
    #[default]
    None,
    One(Ranked),
    Many(BTreeSet<Ranked>),
}

impl Keys {
    pub(super) fn insert(&mut self, key: Ranked) {
        match self {
            Self::None => *self = Self::One(key),
            Self::One(only) if *only == key => {}
            Self::One(_) => {
                let mut keys = BTreeSet::from([key]);
                if let Self::One(only) = std::mem::take(self) {
                    keys.insert(only);
                }
                *self = Self::Many(keys);
            }
            Self::Many(keys) => {
                keys.insert(key);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Ranked) {
        match self {
            Self::None => {}
            Self::One(only) => {
                if only == key {
                    *self = Self::None;
                }
            }
            Self::Many(keys) => {
                keys.remove(key);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(keys) => keys.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From the lowest rank to the highest.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Ranked> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(only) => (Some(only), None),
            Self::Many(keys) => (None, Some(keys)),
        };
        let keys = one.into_iter().chain(many.into_iter().flatten());
        #[cfg(test)]
        let keys = keys.inspect(|_| WALKED.set(WALKED.get() + 1));
        keys
    }
}

#[cfg(test)]
thread_local! {
    /// Keys that lookups of this thread have walked over: what tests of costs count.
    pub(crate) static WALKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_rank_and_are_there_once() {
        let mut keys = Keys::default();
        for (rank, key) in [(2, 1), (2, 1), (1, 5), (1, 4)] {
            keys.insert((rank, Key::from(key)));
        }
        let of = |keys: &Keys| keys.iter().map(|(rank, _)| *rank).collect::<Vec<_>>();
        assert_eq!(of(&keys), [1, 1, 2]);
        keys.remove(&(2, Key::from(5)));
        assert_eq!(keys.len(), 3, "another rank is another entry");
        keys.remove(&(1, Key::from(5)));
        keys.remove(&(2, Key::from(1)));
        assert_eq!(of(&keys), [1]);
        keys.remove(&(1, Key::from(4)));
        assert!(keys.is_empty());
    }
}
