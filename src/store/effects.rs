//! Results of calls outside the chain that a step makes: kept, so that a step which is made again,
//! or a process that is started again, does not ask again.
//!
//! A result belongs to the checkpoint of the step that asked for it. It can be read from then on,
//! also while that step is being written, and is dropped for want of room only once the step is in
//! the database. Going back forgets what later checkpoints brought.

use rustc_hash::FxHashMap;

/// A kind of outside call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Its name in the database.
    pub name: &'static str,
    /// Results are written with their checkpoint and known again after a restart. Those of other
    /// kinds live in memory, and are asked for again.
    pub is_persisted: bool,
}

/// A result as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRow {
    /// Name of the effect.
    pub name: &'static str,
    /// What was asked.
    pub key: String,
    /// The answer.
    pub value: String,
}

/// The results in memory.
#[derive(Debug, Default)]
pub struct Effects {
    results: FxHashMap<(&'static str, String), Kept>,
    /// Keys of the step that is being made.
    open: Vec<(&'static str, String)>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    value: String,
    /// `None` while the step that asked has no checkpoint yet.
    checkpoint: Option<u64>,
    is_persisted: bool,
}

impl Effects {
    /// The result of a call, if it is known.
    pub fn get(&self, effect: Effect, key: &str) -> Option<&str> {
        let kept = self.results.get(&(effect.name, key.to_owned()))?;
        Some(&kept.value)
    }

    /// Keeps a result of the step that is being made. One that is known stays as it is.
    pub fn put(&mut self, effect: Effect, key: String, value: String) {
        if self.get(effect, &key).is_none() {
            self.open.push((effect.name, key.clone()));
            self.keep(effect, key, value, None);
        }
    }

    /// Takes in results of an earlier run.
    pub fn restore(&mut self, effect: Effect, rows: impl IntoIterator<Item = (String, String)>) {
        for (key, value) in rows {
            self.keep(effect, key, value, Some(0));
        }
    }

    /// Ends the step: its results belong to `checkpoint` now. Returns those to be written with it.
    pub fn close(&mut self, checkpoint: u64) -> Vec<EffectRow> {
        let mut rows = Vec::new();
        for place in std::mem::take(&mut self.open) {
            let Some(kept) = self.results.get_mut(&place) else { continue };
            kept.checkpoint = Some(checkpoint);
            if kept.is_persisted {
                let (name, key) = place;
                rows.push(EffectRow { name, key, value: kept.value.clone() });
            }
        }
        rows
    }

    /// Forgets what later checkpoints brought, and what belongs to none yet.
    pub fn forget_above(&mut self, checkpoint: u64) {
        self.open.clear();
        self.retain(|kept| kept.checkpoint.is_some_and(|of| of <= checkpoint));
    }

    /// Makes room until at most `bytes` are taken up, oldest results first. What is not `committed`
    /// stays, and so do persisted results, of which there are few.
    pub fn evict(&mut self, committed: u64, bytes: usize) {
        let Some(mut excess) = self.bytes.checked_sub(bytes).filter(|excess| *excess > 0) else {
            return;
        };
        let evictable = |kept: &Kept| {
            kept.checkpoint.filter(|checkpoint| !kept.is_persisted && *checkpoint <= committed)
        };
        let mut by_age: Vec<(u64, usize)> = self
            .results
            .iter()
            .filter_map(|((_, key), kept)| Some((evictable(kept)?, size(key, &kept.value))))
            .collect();
        by_age.sort_unstable();
        let mut newest_to_go = None;
        for (checkpoint, size) in by_age {
            newest_to_go = Some(checkpoint);
            excess = excess.saturating_sub(size);
            if excess == 0 {
                break;
            }
        }
        self.retain(|kept| evictable(kept).is_none_or(|of| Some(of) > newest_to_go));
    }

    /// Approximate bytes of the results.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn keep(&mut self, effect: Effect, key: String, value: String, checkpoint: Option<u64>) {
        self.bytes += size(&key, &value);
        let kept = Kept { value, checkpoint, is_persisted: effect.is_persisted };
        let key_size = key.len();
        if let Some(old) = self.results.insert((effect.name, key), kept) {
            self.bytes -= key_size + old.value.len() + ENTRY;
        }
    }

    fn retain(&mut self, stays: impl Fn(&Kept) -> bool) {
        let bytes = &mut self.bytes;
        self.results.retain(|(_, key), kept| {
            let stays = stays(kept);
            if !stays {
                *bytes -= size(key, &kept.value);
            }
            stays
        });
    }
}

/// Bytes that a result takes up besides its texts.
const ENTRY: usize = size_of::<((&str, String), Kept)>() + 16;

fn size(key: &str, value: &str) -> usize {
    key.len() + value.len() + ENTRY
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEPT: Effect = Effect { name: "kept", is_persisted: true };
    const FLEETING: Effect = Effect { name: "fleeting", is_persisted: false };

    #[test]
    fn a_result_is_readable_at_once_and_written_with_its_step() {
        let mut effects = Effects::default();
        effects.put(KEPT, "a".into(), "1".into());
        effects.put(FLEETING, "a".into(), "2".into());
        effects.put(KEPT, "a".into(), "other".into());
        assert_eq!((effects.get(KEPT, "a"), effects.get(FLEETING, "a")), (Some("1"), Some("2")));
        let row = EffectRow { name: "kept", key: "a".into(), value: "1".into() };
        assert_eq!(effects.close(7), [row]);
        assert_eq!(effects.close(8), []);
        assert_eq!(effects.get(KEPT, "a"), Some("1"));
    }

    #[test]
    fn what_is_not_in_the_database_is_never_dropped_for_want_of_room() {
        let mut effects = Effects::default();
        for checkpoint in 1..=3 {
            effects.put(FLEETING, checkpoint.to_string(), "x".into());
            effects.put(KEPT, checkpoint.to_string(), "x".into());
            effects.close(checkpoint);
        }
        effects.put(FLEETING, "open".into(), "x".into());
        effects.evict(2, 0);
        let known = |key: &str| effects.get(FLEETING, key).is_some();
        assert_eq!(["1", "2", "3", "open"].map(known), [false, false, true, true]);
        assert!(["1", "2", "3"].iter().all(|key| effects.get(KEPT, key).is_some()));
    }

    #[test]
    fn going_back_forgets_what_came_later() {
        let mut effects = Effects::default();
        effects.restore(KEPT, [("old".to_owned(), "1".to_owned())]);
        for checkpoint in [4, 5] {
            effects.put(KEPT, checkpoint.to_string(), "x".into());
            effects.close(checkpoint);
        }
        effects.put(KEPT, "open".into(), "x".into());
        effects.forget_above(4);
        let known = |key: &str| effects.get(KEPT, key).is_some();
        assert_eq!(["old", "4", "5", "open"].map(known), [true, true, false, false]);
        assert_eq!(effects.close(9), []);
    }

    proptest! {
        #[test]
        fn the_sum_of_bytes_is_that_of_what_is_there(
            steps in prop::collection::vec((0_u8..4, 0_u64..6), 0..60)
        ) {
            let mut effects = Effects::default();
            for (step, number) in steps {
                match step {
                    0 => effects.put(FLEETING, number.to_string(), "value".into()),
                    1 => drop(effects.close(number)),
                    2 => effects.forget_above(number),
                    _ => effects.evict(number, 300),
                }
                let sum: usize =
                    effects.results.iter().map(|((_, key), kept)| size(key, &kept.value)).sum();
                prop_assert_eq!(effects.bytes(), sum);
            }
        }
    }
}
