//! Which era a block is of: one for all blocks, or a sequence of them that changes at heights or
//! block times.

use std::{fmt, str::FromStr};

use chrono::DateTime;

use super::{BlockResult, Era, Numbering};
use crate::{
    model::{Block, Timestamp, tables::TableId},
    store::Store,
};

/// Block time from which on the Go ETL wrote production: 2026-06-02T00:00:00Z.
pub const PRODUCTION_CHANGE: Timestamp = Timestamp::from_seconds(1_780_358_400);

/// Where one era ends and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// With the block of this height.
    Height(i64),
    /// With the first block that is not older.
    Time(Timestamp),
}

/// Where eras change, in order, whichever they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    at: Vec<When>,
    /// The chain whose heights are meant. On a chain that follows it they are all passed.
    chain: Option<String>,
}

/// Eras in their order, with what lies between them. As text: `discovery,etl@24012345`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule<E> {
    eras: Vec<E>,
    changes: Changes,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// An era that nobody knows.
    #[error("{0}")]
    Era(String),
    /// A later era that does not say where it begins.
    #[error(
        "era `{0}` needs its first height or block time: {0}@HEIGHT or {0}@2026-06-02T00:00:00Z"
    )]
    NoChange(String),
    /// A place that is neither a height nor a time. What was typed may be a secret and is not shown.
    #[error("what follows @ is neither a height nor a time like 2026-06-02T00:00:00Z")]
    When,
    /// The first era, which has no beginning, or a change that does not come after the one before.
    #[error(
        "`{0}` is out of order: the first era has no @, and every change comes after the one before"
    )]
    Order(String),
}

impl When {
    fn is_after(self, other: Self) -> bool {
        match (self, other) {
            (Self::Height(this), Self::Height(other)) => this > other,
            (Self::Time(this), Self::Time(other)) => this > other,
            // Which comes first, only the chain knows.
            _ => true,
        }
    }
}

impl Changes {
    /// How many changes lie behind when `block` comes. Blocks with different numbers are not applied
    /// together.
    pub fn part_of(&self, block: &Block) -> usize {
        let elsewhere = self.chain.as_ref().is_some_and(|chain| *chain != block.chain_id);
        let is_passed = |when: &&When| match when {
            When::Height(height) => elsewhere || block.height >= *height,
            When::Time(time) => block.time >= *time,
        };
        self.at.iter().take_while(is_passed).count()
    }
}

impl<E> Schedule<E> {
    /// One era for every block.
    pub fn only(era: E) -> Self {
        Self { eras: vec![era], changes: Changes::default() }
    }

    /// `first`, and `then` from `when` on.
    pub fn changing(first: E, when: When, then: E) -> Self {
        Self { eras: vec![first, then], changes: Changes { at: vec![when], chain: None } }
    }

    /// Takes heights for those of `chain`.
    #[must_use]
    pub fn on_chain(mut self, chain: Option<&str>) -> Self {
        self.changes.chain = chain.map(str::to_owned);
        self
    }

    /// Where they change.
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The eras, in order.
    pub fn eras(&self) -> &[E] {
        &self.eras
    }
}

impl<E: FromStr<Err = String>> FromStr for Schedule<E> {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let mut eras = Vec::new();
        let mut at: Vec<When> = Vec::new();
        for (position, part) in text.split(',').map(str::trim).enumerate() {
            let (name, when) = match part.split_once('@') {
                Some((name, when)) => (name, Some(self::when(when)?)),
                None => (part, None),
            };
            eras.push(name.parse().map_err(ScheduleError::Era)?);
            match when {
                None if position == 0 => {}
                None => return Err(ScheduleError::NoChange(name.to_owned())),
                Some(when) if position > 0 && at.last().is_none_or(|last| when.is_after(*last)) => {
                    at.push(when);
                }
                Some(_) => return Err(ScheduleError::Order(part.to_owned())),
            }
        }
        Ok(Self { eras, changes: Changes { at, chain: None } })
    }
}

fn when(text: &str) -> Result<When, ScheduleError> {
    if let Ok(height) = text.parse::<i64>()
        && height >= 0
    {
        return Ok(When::Height(height));
    }
    let time = DateTime::parse_from_rfc3339(text);
    let time = time.map_err(|_| ScheduleError::When)?;
    Ok(When::Time(time.to_utc().into()))
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Height(height) => write!(f, "{height}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Schedule<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, era) in self.eras.iter().enumerate() {
            match position.checked_sub(1).and_then(|before| self.changes.at.get(before)) {
                None => write!(f, "{era}")?,
                Some(when) => write!(f, ",{era}@{when}")?,
            }
        }
        Ok(())
    }
}

/// The wings of a schedule, each for its blocks.
#[derive(Debug)]
pub struct Scheduled {
    changes: Changes,
    wings: Vec<Box<dyn Era>>,
}

impl Scheduled {
    /// The wings in the order of the schedule, and where they change.
    pub const fn new(changes: Changes, wings: Vec<Box<dyn Era>>) -> Self {
        Self { changes, wings }
    }

    fn wing(&self, block: &Block) -> Option<&dyn Era> {
        let part = self.changes.part_of(block);
        self.wings.get(part).or(self.wings.last()).map(|wing| &**wing)
    }
}

impl Era for Scheduled {
    fn wants(&self, block: &Block, positions: Vec<usize>, store: &mut Store) -> Vec<usize> {
        self.wing(block).map_or_else(Vec::new, |wing| wing.wants(block, positions, store))
    }

    fn apply(
        &self,
        block: &Block,
        numbering: &mut Numbering,
        store: &mut Store,
        checkpoint: u64,
    ) -> BlockResult {
        let Some(wing) = self.wing(block) else { return BlockResult::default() };
        let result = wing.apply(block, numbering, store, checkpoint);
        // What the next era goes on from, as a new process would find it.
        let slots = result.provenance.plays.iter().map(|play| play.slot);
        numbering.plays_slot = slots.fold(numbering.plays_slot, i64::max);
        result
    }

    fn writes(&self, block: &Block, table: TableId) -> bool {
        self.wing(block).is_none_or(|wing| wing.writes(block, table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Name(String);

    impl FromStr for Name {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            match text {
                "discovery" | "etl" => Ok(Self(text.to_owned())),
                other => Err(format!("unknown {other}")),
            }
        }
    }

    impl fmt::Display for Name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    fn parsed(text: &str) -> Result<Schedule<Name>, ScheduleError> {
        text.parse()
    }

    fn block(chain: &str, height: i64, time: Timestamp) -> Block {
        Block {
            chain_id: chain.into(),
            height,
            hash: String::new(),
            proposer: String::new(),
            time,
            txs: Vec::new(),
            size: 0,
        }
    }

    #[test]
    fn the_change_of_production_is_the_second_of_june() {
        assert_eq!(PRODUCTION_CHANGE.to_string(), "2026-06-02T00:00:00Z");
    }

    #[test]
    fn a_schedule_reads_as_it_is_written() {
        for text in ["etl", "discovery,etl@24012345", "discovery,etl@2026-06-02T00:00:00Z"] {
            assert_eq!(parsed(text).unwrap().to_string(), text);
        }
        let shifted = parsed("discovery,etl@2026-06-02T02:00:00+02:00").unwrap();
        assert_eq!(shifted.to_string(), "discovery,etl@2026-06-02T00:00:00Z");
        for text in ["", "go", "etl,etl", "etl@5", "discovery,etl@x", "discovery,etl@9,etl@9"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn heights_are_those_of_the_first_chain() {
        let schedule = parsed("discovery,etl@100").unwrap().on_chain(Some("a"));
        let part =
            |chain, height| schedule.changes().part_of(&block(chain, height, Timestamp::default()));
        assert_eq!([part("a", 99), part("a", 100), part("b", 7)], [0, 1, 1]);
        let schedule = parsed("discovery,etl@2026-06-02T00:00:00Z").unwrap();
        let part = |seconds| {
            let time = Timestamp::from_seconds(PRODUCTION_CHANGE.seconds() + seconds);
            schedule.changes().part_of(&block("a", 1, time))
        };
        assert_eq!([part(-1), part(0)], [0, 1]);
    }
}
