//! What holds on the chain between users and things: who follows whom, who saved what.

/// Facts that are remembered; of a longer chain, newer ones push out older ones.
const CAPACITY: usize = 1 << 20;

/// A kind of fact and the two numbers that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact(pub(super) &'static str, pub(super) i64, pub(super) i64);

impl Fact {
    /// Spreads the fact over all numbers but 0.
    fn hash(self) -> u64 {
        let bytes = self.0.bytes().chain(self.1.to_le_bytes()).chain(self.2.to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1
    }
}

/// A set of facts of bounded size. It may forget a fact, but never makes one up.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The hash of a fact each, 0 where there is none. Empty until the first one is noted.
    slots: Vec<u64>,
    /// What the slots held that were changed since the last mark.
    changed: Vec<(usize, u64)>,
}

impl Facts {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), changed: Vec::new() }
    }

    /// Whether a fact holds.
    pub(super) fn holds(&self, fact: Fact) -> bool {
        let hash = fact.hash();
        self.slots.get(slot(hash)) == Some(&hash)
    }

    /// Notes a fact; false if it held already.
    pub(super) fn note(&mut self, fact: Fact) -> bool {
        let is_new = !self.holds(fact);
        self.slots.resize(CAPACITY, 0);
        self.set(slot(fact.hash()), fact.hash());
        is_new
    }

    /// Ends a fact.
    pub(super) fn end(&mut self, fact: Fact) {
        if self.holds(fact) {
            self.set(slot(fact.hash()), 0);
        }
    }

    /// Begins anew to remember what is changed.
    pub(super) fn mark(&mut self) {
        self.changed.clear();
    }

    /// Takes back what was changed since the last mark.
    pub(super) fn forget(&mut self) {
        while let Some((slot, before)) = self.changed.pop() {
            self.slots[slot] = before;
        }
    }

    fn set(&mut self, slot: usize, value: u64) {
        self.changed.push((slot, self.slots[slot]));
        self.slots[slot] = value;
    }
}

fn slot(hash: u64) -> usize {
    usize::try_from(hash >> 32).unwrap_or_default() % CAPACITY
}

#[cfg(test)]
mod tests {
    use super::{Fact, Facts};

    #[test]
    fn a_fact_holds_from_its_note_to_its_end() {
        let mut facts = Facts::new();
        let fact = Fact("follow", 3_000_000, 3_000_001);
        assert!(!facts.holds(fact));
        assert!(facts.note(fact) && facts.holds(fact) && !facts.note(fact));
        assert!(!facts.holds(Fact("follow", 3_000_001, 3_000_000)));
        facts.end(fact);
        assert!(!facts.holds(fact));
    }

    #[test]
    fn what_was_changed_since_a_mark_is_taken_back() {
        let mut facts = Facts::new();
        let (one, two) = (Fact("save", 1, 1), Fact("save", 1, 2));
        facts.note(one);
        facts.mark();
        facts.note(two);
        facts.end(one);
        facts.forget();
        assert!(facts.holds(one) && !facts.holds(two));
    }
}
