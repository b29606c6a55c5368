//! What a run reports while it goes on, and the sums at its end. Plain data: the pipeline and the
//! writer fill it, `terminal` renders it, tests read it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Timestamp;

/// Something that happened to the run as a whole.
#[derive(Clone, Debug)]
pub enum PipelineEvent {
    /// The cursor is known and blocks are about to flow.
    Started(Start),
    /// A source said how high its chain is.
    Head {
        /// Height of the head.
        height: i64,
    },
    /// A batch went through the handlers: what it adds to the sums. Not durable yet.
    Applied(Box<Summary>),
    /// A run of batches is in the database: what writing it adds to the sums, with
    /// [`Summary::committed_height`] set. Sent after the commit, never before.
    Committed(Box<Summary>),
    /// An index that was left out of the initial sync is there: the time it took.
    IndexBuilt(Box<Summary>),
    /// The database refused transactions for their data, and they are left out: how many.
    Refused(Box<Summary>),
}

/// Where a run begins and, when that is known, where it will end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Chain id of the cursor, when there is one.
    pub chain_id: Option<String>,
    /// First height that will be read.
    pub first_height: i64,
    /// Last height of an earlier run, when this one continues it.
    pub resumed_from: Option<i64>,
    /// Last height that will be read: `--end`, or the head seen at the start with `--once`.
    pub last_height: Option<i64>,
}

/// The sums of a run, or of a part of it. Parts are added up with [`Summary::absorb`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Chain id of the blocks.
    pub chain_id: Option<String>,
    /// Last height of an earlier run that this one continues.
    pub resumed_from: Option<i64>,
    /// Lowest height processed.
    pub first_height: Option<i64>,
    /// Highest height processed.
    pub last_height: Option<i64>,
    /// Time of the newest block processed.
    pub last_block_time: Option<Timestamp>,
    /// Highest height that is durable.
    pub committed_height: Option<i64>,
    /// Blocks processed.
    pub blocks: u64,
    /// Transactions by type (`manage_entity`, `plays`, …), whatever became of them.
    pub transactions: BTreeMap<&'static str, u64>,
    /// Transactions whose payload this build does not know, by its tag or name. Part of
    /// `transactions` too.
    pub unknown_members: BTreeMap<String, u64>,
    /// Transactions whose hash had been indexed before.
    pub duplicates: u64,
    /// Single plays inside `plays` transactions.
    pub plays: u64,
    /// What became of entity transactions.
    pub entities: EntityCounts,
    /// Rows written by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Values that PostgreSQL cannot hold (NUL, lone surrogates) and that were cleaned.
    pub sanitized_values: u64,
    /// Transactions that were left out because the database refused their data.
    pub refused_by_database: u64,
    /// Results of `--verify-signatures`.
    pub signatures: SignatureCounts,
    /// Where the time went. The stages overlap, so the parts add up to more than the whole.
    pub time: TimeSplit,
}

/// What became of an entity transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Its handler ran to the end.
    Applied,
    /// Refused by a rule: no effect but what the rule leaves behind.
    Rejected,
    /// Left out by the reference after an error of its own; no effect.
    Skipped,
    /// Would stop the reference for ever; refused here.
    Poison,
    /// It failed; nothing of it stays.
    Error,
    /// No handler exists for this entity and action.
    Unrouted,
}

impl Outcome {
    /// Every outcome, in the order in which a summary lists them.
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::Rejected, Self::Skipped, Self::Poison, Self::Error, Self::Unrouted];

    /// The word for it in summaries, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Poison => "poison",
            Self::Error => "error",
            Self::Unrouted => "unrouted",
        }
    }
}

/// How many transactions had each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts([u64; Outcome::ALL.len()]);

impl OutcomeCounts {
    /// Transactions with `outcome`.
    pub const fn get(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    /// Transactions with any outcome.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn add(&mut self, outcome: Outcome, count: u64) {
        self.0[outcome as usize] += count;
    }

    fn absorb(&mut self, other: &Self) {
        for outcome in Outcome::ALL {
            self.add(outcome, other.get(outcome));
        }
    }
}

/// Outcomes of entity transactions by pair and by reason.
///
/// Entity and action are text from the chain, so anyone can invent pairs: beyond
/// [`Self::MAX_PAIRS`] the new ones are counted together as `(other)`, which keeps the memory of an
/// endless run bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityCounts {
    pairs: BTreeMap<String, BTreeMap<String, PairCounts>>,
    distinct_pairs: usize,
    reasons: BTreeMap<(Outcome, &'static str), u64>,
}

/// Outcomes of one pair, and why its transactions were not applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PairCounts {
    outcomes: OutcomeCounts,
    reasons: BTreeMap<(Outcome, &'static str), u64>,
}

impl EntityCounts {
    /// Pairs counted one by one: all that exist several times over, and room for inventions.
    pub const MAX_PAIRS: usize = 400;

    /// Counts one transaction. `reason` is the stable code of a reject, skip or poison.
    pub fn record(
        &mut self,
        entity: &str,
        action: &str,
        outcome: Outcome,
        reason: Option<&'static str>,
    ) {
        let pair = self.pair_mut(entity, action);
        pair.outcomes.add(outcome, 1);
        if let Some(code) = reason {
            *pair.reasons.entry((outcome, code)).or_default() += 1;
            *self.reasons.entry((outcome, code)).or_default() += 1;
        }
    }

    /// The pairs seen, in alphabetical order: entity, action, outcomes.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str, &OutcomeCounts)> {
        self.pairs.iter().flat_map(|(entity, actions)| {
            actions
                .iter()
                .map(move |(action, counts)| (entity.as_str(), action.as_str(), &counts.outcomes))
        })
    }

    /// Why transactions of each pair were not applied: entity, action, outcome, reason code, count.
    pub fn refusals(&self) -> impl Iterator<Item = (&str, &str, Outcome, &'static str, u64)> {
        self.pairs.iter().flat_map(|(entity, actions)| {
            actions.iter().flat_map(move |(action, counts)| {
                counts.reasons.iter().map(move |(&(outcome, code), &count)| {
                    (entity.as_str(), action.as_str(), outcome, code, count)
                })
            })
        })
    }

    /// Why transactions were not applied: outcome, reason code, count.
    pub fn reasons(&self) -> impl Iterator<Item = (Outcome, &'static str, u64)> {
        self.reasons.iter().map(|(&(outcome, code), &count)| (outcome, code, count))
    }

    /// Outcomes of all pairs together.
    pub fn totals(&self) -> OutcomeCounts {
        let mut totals = OutcomeCounts::default();
        for (_, _, counts) in self.pairs() {
            totals.absorb(counts);
        }
        totals
    }

    fn absorb(&mut self, other: &Self) {
        for (entity, actions) in &other.pairs {
            for (action, counts) in actions {
                let pair = self.pair_mut(entity, action);
                pair.outcomes.absorb(&counts.outcomes);
                for (&key, count) in &counts.reasons {
                    *pair.reasons.entry(key).or_default() += count;
                }
            }
        }
        for (&key, count) in &other.reasons {
            *self.reasons.entry(key).or_default() += count;
        }
    }

    /// The counts of a pair. Allocates for a new pair only: this runs for every transaction.
    fn pair_mut(&mut self, entity: &str, action: &str) -> &mut PairCounts {
        let known = self.pairs.get(entity).is_some_and(|actions| actions.contains_key(action));
        let (entity, action) = match (known, self.distinct_pairs < Self::MAX_PAIRS) {
            (true, _) => (entity, action),
            (false, true) => {
                self.distinct_pairs += 1;
                (entity, action)
            }
            (false, false) => ("(other)", "(other)"),
        };
        if !self.pairs.contains_key(entity) {
            self.pairs.insert(entity.to_owned(), BTreeMap::new());
        }
        let actions = self.pairs.get_mut(entity).expect("inserted above when absent");
        if !actions.contains_key(action) {
            actions.insert(action.to_owned(), PairCounts::default());
        }
        actions.get_mut(action).expect("inserted above when absent")
    }
}

/// Results of recovering signers from signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignatureCounts {
    /// Signatures looked at.
    pub checked: u64,
    /// Those whose recovered address is the signer the transaction names.
    pub matching: u64,
}

/// Where the time of a run went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSplit {
    /// From start to end, by the clock.
    pub elapsed: Duration,
    /// Reading blocks from their source.
    pub fetch: Duration,
    /// Decoding them, summed over all threads.
    pub decode: Duration,
    /// Loading rows that handlers need.
    pub load: Duration,
    /// Running handlers.
    pub apply: Duration,
    /// Writing to PostgreSQL.
    pub write: Duration,
    /// Building the indexes that were left out of the initial sync.
    pub indexes: Duration,
    /// Handlers idle because no block was there.
    pub stalled_on_fetch: Duration,
    /// Handlers idle because too much was unwritten.
    pub stalled_on_write: Duration,
}

impl Summary {
    /// Transactions of all types.
    pub fn transactions_total(&self) -> u64 {
        self.transactions.values().sum()
    }

    /// Rows of all tables.
    pub fn rows_total(&self) -> u64 {
        self.rows.values().sum()
    }

    /// Adds the sums of another part of the same run. The order of the parts doesn't matter.
    pub fn absorb(&mut self, other: &Self) {
        if other.chain_id.is_some() && self.chain_id != other.chain_id {
            if self.chain_id.is_some() {
                // Heights of two chains are not comparable: from here on they are the next one's.
                (self.resumed_from, self.first_height) = (None, None);
                (self.last_height, self.committed_height) = (None, None);
            }
            self.chain_id.clone_from(&other.chain_id);
        }
        self.resumed_from = self.resumed_from.or(other.resumed_from);
        self.first_height = [self.first_height, other.first_height].into_iter().flatten().min();
        self.last_height = self.last_height.max(other.last_height);
        self.last_block_time = self.last_block_time.max(other.last_block_time);
        self.committed_height = self.committed_height.max(other.committed_height);
        self.blocks += other.blocks;
        add_all(&mut self.transactions, &other.transactions);
        add_all(&mut self.unknown_members, &other.unknown_members);
        self.duplicates += other.duplicates;
        self.plays += other.plays;
        self.entities.absorb(&other.entities);
        add_all(&mut self.rows, &other.rows);
        self.sanitized_values += other.sanitized_values;
        self.refused_by_database += other.refused_by_database;
        self.signatures.checked += other.signatures.checked;
        self.signatures.matching += other.signatures.matching;
        self.time.absorb(&other.time);
    }
}

impl TimeSplit {
    fn absorb(&mut self, other: &Self) {
        self.elapsed += other.elapsed;
        self.fetch += other.fetch;
        self.decode += other.decode;
        self.load += other.load;
        self.apply += other.apply;
        self.write += other.write;
        self.indexes += other.indexes;
        self.stalled_on_fetch += other.stalled_on_fetch;
        self.stalled_on_write += other.stalled_on_write;
    }
}

fn add_all<K: Ord + Clone>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key.clone()).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(height: i64, outcome: Outcome, reason: Option<&'static str>) -> Summary {
        let mut summary = Summary {
            first_height: Some(height),
            last_height: Some(height),
            blocks: 1,
            transactions: BTreeMap::from([("manage_entity", 1)]),
            ..Summary::default()
        };
        summary.entities.record("User", "Create", outcome, reason);
        summary
    }

    #[test]
    fn absorbing_parts_gives_the_same_sums_in_any_order() {
        let parts = [
            part(7, Outcome::Applied, None),
            part(5, Outcome::Rejected, Some("unknown_user")),
            part(9, Outcome::Rejected, Some("unknown_user")),
        ];
        let (mut forwards, mut backwards) = (Summary::default(), Summary::default());
        parts.iter().for_each(|part| forwards.absorb(part));
        parts.iter().rev().for_each(|part| backwards.absorb(part));
        assert_eq!(forwards, backwards);
        assert_eq!((forwards.first_height, forwards.last_height), (Some(5), Some(9)));
        assert_eq!(forwards.transactions_total(), 3);
        assert_eq!(forwards.entities.totals().get(Outcome::Rejected), 2);
        let reasons: Vec<_> = forwards.entities.reasons().collect();
        assert_eq!(reasons, [(Outcome::Rejected, "unknown_user", 2)]);
    }

    #[test]
    fn invented_pairs_are_counted_together_once_there_are_too_many() {
        let mut counts = EntityCounts::default();
        let invented = 3 * EntityCounts::MAX_PAIRS;
        for number in 0..invented {
            counts.record("Nonsense", &number.to_string(), Outcome::Unrouted, None);
        }
        assert!(counts.pairs().count() <= EntityCounts::MAX_PAIRS + 1);
        assert_eq!(counts.totals().get(Outcome::Unrouted), invented as u64);
    }

    #[test]
    fn a_pair_known_before_the_limit_is_still_counted_under_its_name() {
        let mut counts = EntityCounts::default();
        counts.record("User", "Create", Outcome::Applied, None);
        for number in 0..EntityCounts::MAX_PAIRS {
            counts.record("Nonsense", &number.to_string(), Outcome::Unrouted, None);
        }
        counts.record("User", "Create", Outcome::Applied, None);
        let user = counts.pairs().find(|(entity, ..)| *entity == "User");
        assert_eq!(user.map(|(_, _, counts)| counts.get(Outcome::Applied)), Some(2));
    }
}
