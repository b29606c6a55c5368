//! Which keys a database may hold that was empty when the run began.
//!
//! Most keys that a chain names are new, and in an initial sync nobody but the run itself writes
//! rows: what it never wrote is not there, and need not be looked for. The keys are kept in a Bloom
//! filter of fixed size. When more keys come than it is made for, it more and more often says that a
//! key may be there, and the database is asked as ever.

use std::hash::{Hash as _, Hasher as _};

use rustc_hash::FxHasher;

use super::Change;
use crate::model::{key::Key, key::KeyPart, tables::TableId};

/// Bits, a power of two: 16 MiB, enough for some ten million keys.
const BITS: usize = 1 << 27;

/// Bits that a key sets.
const HASHES: u32 = 4;

/// The keys and lookup values of rows that were written since the database was empty.
#[derive(Debug)]
pub(super) struct SeenKeys {
    bits: Vec<u64>,
    /// Tables that were empty, by their number.
    tables: Vec<bool>,
    /// By the same number, the other definitions of the same table.
    siblings: Vec<Vec<TableId>>,
}

impl SeenKeys {
    /// Nothing seen yet in `tables`, which are empty; the others are not spoken of.
    pub(super) fn of_empty(tables: &[TableId]) -> Self {
        let tables = TableId::ALL.iter().map(|id| tables.contains(id)).collect();
        let others =
            |id: &TableId| TableId::of_name(id.def().name).filter(|other| other != id).collect();
        let siblings = TableId::ALL.iter().map(others).collect();
        Self { bits: vec![0; BITS / 64], tables, siblings }
    }

    /// Whether the database may have a row at this key, or with this lookup value.
    pub(super) fn may_be_there(&self, id: TableId, lookup: Option<usize>, key: &Key) -> bool {
        // Other programs write notifications, too, in groups of their own.
        let is_spoken_of =
            self.tables[id as usize] && (lookup.is_none() || id != TableId::Notifications);
        !is_spoken_of || places(id, lookup, key).all(|(word, bit)| self.bits[word] & bit != 0)
    }

    /// Takes note of rows that are written.
    pub(super) fn add(&mut self, changes: &[Change]) {
        for change in changes {
            let (id, Some(row)) = (change.table, &change.after) else { continue };
            self.add_siblings(id);
            self.add_key(id, None, &change.key);
            for (lookup, def) in id.def().lookups.iter().enumerate() {
                if let Some(value) = def.key_of(row.as_ref()) {
                    self.add_key(id, Some(lookup), &value);
                }
            }
        }
    }

    /// Rows of other definitions of the same table are the database's to tell from now on.
    fn add_siblings(&mut self, id: TableId) {
        for sibling in &self.siblings[id as usize] {
            self.tables[*sibling as usize] = false;
        }
    }

    fn add_key(&mut self, id: TableId, lookup: Option<usize>, key: &Key) {
        let has_nul = |part: &KeyPart| matches!(part, KeyPart::Text(text) if text.contains('\0'));
        if key.parts().iter().any(has_nul) {
            // The database gets another key in its place.
            self.tables[id as usize] = false;
        }
        for (word, bit) in places(id, lookup, key) {
            self.bits[word] |= bit;
        }
    }
}

/// The bits of a key: word and mask.
fn places(id: TableId, lookup: Option<usize>, key: &Key) -> impl Iterator<Item = (usize, u64)> {
    let mut hasher = FxHasher::default();
    (id as usize, lookup, key).hash(&mut hasher);
    let hash = hasher.finish();
    // Double hashing: the second half steps, and is odd so that it reaches every bit.
    let (start, step) = (hash, hash.rotate_left(32) | 1);
    (0..u64::from(HASHES)).map(move |n| {
        let place = start.wrapping_add(n.wrapping_mul(step)) >> (64 - BITS.trailing_zeros());
        let place = usize::try_from(place).unwrap_or(0);
        (place / 64, 1 << (place % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_most_else_is_not() {
        let mut seen = SeenKeys::of_empty(&[TableId::Users]);
        for number in 0..100_000_i64 {
            seen.add_key(TableId::Users, None, &Key::from(number));
        }
        let there = |key: i64| seen.may_be_there(TableId::Users, None, &Key::from(key));
        assert!((0..100_000).all(there));
        assert!((100_000..200_000).filter(|key| there(*key)).count() < 50);
        assert!(seen.may_be_there(TableId::Tracks, None, &Key::from(1)), "it was not empty");
        let wallet = Key::from("0xa");
        assert!(!seen.may_be_there(TableId::Users, Some(0), &wallet));
        seen.add_key(TableId::Users, Some(0), &Key::from("a\0b"));
        assert!(seen.may_be_there(TableId::Users, Some(0), &wallet), "no longer spoken of");
    }
}
