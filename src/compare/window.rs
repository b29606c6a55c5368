//! The stretch of the chain that both databases have indexed, in the numbers of each of them.
//!
//! Heights belong to a chain id and are never compared across two. `blocks` numbers, by which
//! entity rows are dated, are counted by each database from its own start, so each side gets its
//! own limits, and the distance between the two counts is part of the comparison.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::session::Session;
use super::spec::Position;
use super::sql::{identifier, quoted};
use super::{Error, Side};

/// First and last number, both included; empty where the first is above the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First number.
    pub first: i64,
    /// Last number.
    pub last: i64,
}

/// How a database dates the plays of the window: those of the Python provider by slots that it
/// counted and noted with each block, those of the Go indexer by the height itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    /// Counted slots.
    pub counted: Option<Span>,
    /// Heights that serve as slots.
    pub heights: Option<Span>,
}

impl Slots {
    const fn are_known(self) -> bool {
        self.counted.is_some() || self.heights.is_some()
    }

    /// Both databases changed from counted slots to heights at one block, if at all: their slots
    /// are comparable.
    fn are_of_one_era(self, other: Self) -> bool {
        self.counted.is_some() == other.counted.is_some()
            && self.heights.map(|span| span.first) == other.heights.map(|span| span.first)
    }

    /// The condition on a column of slots.
    fn condition(self, column: &str) -> String {
        let spans = self.counted.into_iter().chain(self.heights);
        let spans: Vec<_> = spans.map(|span| span.condition(column)).collect();
        format!("({})", spans.join(" OR "))
    }
}

/// The window in the numbers of one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Numbers of `blocks`.
    pub blocks: Span,
    /// Slots of `plays`.
    pub slots: Slots,
}

impl Span {
    fn condition(self, column: &str) -> String {
        format!("{column} BETWEEN {} AND {}", self.first, self.last)
    }
}

/// The stretch of the chain that is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The chain.
    pub chain: String,
    /// Heights.
    pub heights: Span,
    /// The window in etl's numbers.
    pub etl: Numbers,
    /// The window in prod's numbers.
    pub prod: Numbers,
    /// What a number of etl's `blocks` lacks to prod's number of the same block.
    pub block_shift: i64,
    /// The same for slots of `plays`.
    pub slot_shift: i64,
    /// Both sides begin and end at these very heights, so totals are comparable.
    pub whole: bool,
    /// The two counts of blocks drift apart within the window: one side gave a block a number that
    /// the other did not.
    pub diverges: bool,
    /// Further chains that both databases have indexed.
    #[serde(default)]
    pub others: Vec<String>,
}

impl Window {
    pub(crate) const fn numbers(&self, side: Side) -> &Numbers {
        match side {
            Side::Etl => &self.etl,
            Side::Prod => &self.prod,
        }
    }

    /// Column and limits in the numbers of `side`; `None` where no single stretch of numbers puts a
    /// row into the window.
    pub(crate) fn limits(&self, position: Position, side: Side) -> Option<(&'static str, Span)> {
        match position {
            Position::Block(column) => Some((column, self.numbers(side).blocks)),
            Position::Height(column) => Some((column, self.heights)),
            Position::Slot(_) | Position::Total | Position::Elsewhere => None,
        }
    }

    /// The condition on a row of the table aliased `t`.
    pub(crate) fn condition(&self, table: &str, position: Position, side: Side) -> Option<String> {
        let column = format!("t.{}", identifier(position.column()?));
        let inside = match (position, self.numbers(side).slots) {
            (Position::Slot(_), slots) if !slots.are_known() => return None,
            (Position::Slot(_), slots) => slots.condition(&column),
            _ => self.limits(position, side)?.1.condition(&column),
        };
        let chain = match table {
            "core_indexed_blocks" => format!(" AND t.chain_id = {}", quoted(&self.chain)),
            _ => String::new(),
        };
        // Rows that name no block belong to everything that both sides have.
        let inside = if self.whole { format!("({inside} OR {column} IS NULL)") } else { inside };
        Some(inside + &chain)
    }

    /// A slot of `side` in prod's numbers.
    pub(crate) fn slot(&self, column: &str, side: Side) -> String {
        let slots = self.numbers(side).slots;
        match (side, slots.counted) {
            (Side::Etl, Some(counted)) if self.slot_shift != 0 => format!(
                "(CASE WHEN {} THEN {column}::bigint + {} ELSE {column} END)",
                counted.condition(column),
                self.slot_shift
            ),
            _ => column.to_owned(),
        }
    }

    /// Whether the two sides have the plays of the window from indexers of one kind.
    pub(crate) fn has_one_era(&self) -> bool {
        self.etl.slots.are_of_one_era(self.prod.slots)
    }

    /// Why a table cannot be compared within this window; `None` where it can.
    pub(crate) fn obstacle(&self, position: Position) -> Option<&'static str> {
        let both = [self.etl.slots, self.prod.slots];
        match position {
            Position::Total if !self.whole => Some(
                "holds totals, which are comparable only where both databases begin and end at \
                 one height",
            ),
            Position::Slot(_) if !self.whole && both.iter().any(|slots| !slots.are_known()) => {
                Some("one database does not say which slots belong to the heights")
            }
            _ => None,
        }
    }
}

/// The window of one database alone, as a snapshot keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnWindow {
    chain: String,
    heights: Span,
    blocks: Option<Ends>,
    slots: Option<Ends>,
    /// First height that is a slot itself.
    #[serde(default)]
    from: Option<i64>,
    /// The window is all that the database has.
    whole: bool,
}

/// Finds the window of a database alone.
pub(crate) async fn own(session: &mut Session, wanted: &Wanted) -> Result<OwnWindow, Error> {
    let all = chains(session).await?;
    let asked = |chain: &str| wanted.chain.as_deref().is_none_or(|wanted| wanted == chain);
    let mine = all
        .into_iter()
        .filter(|indexed| asked(&indexed.chain))
        .max_by_key(|indexed| indexed.last_block)
        .ok_or_else(|| Error::Window { reason: "the database has indexed no chain".to_owned() })?;
    let heights = Span {
        first: wanted.since.unwrap_or(i64::MIN).max(mine.heights.first),
        last: wanted.until.unwrap_or(i64::MAX).min(mine.heights.last),
    };
    let whole = heights == mine.heights;
    let blocks = span(session, &mine.chain, heights, "em_block").await?;
    let (slots, from) = slots(session, &mine.chain, heights).await?;
    Ok(OwnWindow { chain: mine.chain, heights, blocks, slots, from, whole })
}

impl OwnWindow {
    /// The window for the statements about this database.
    pub(crate) fn alone(&self) -> Window {
        let numbers = numbers(self.blocks, (self.slots, self.from), self.heights);
        Window {
            chain: self.chain.clone(),
            heights: self.heights,
            etl: numbers,
            prod: numbers,
            block_shift: 0,
            slot_shift: 0,
            whole: self.whole,
            diverges: false,
            others: Vec::new(),
        }
    }

    /// The same stretch of the chain in another database.
    pub(crate) async fn in_database(&self, session: &mut Session) -> Result<Window, Error> {
        let all = chains(session).await?;
        let mine = all.into_iter().find(|indexed| indexed.chain == self.chain);
        let (first, last) = (self.heights.first, self.heights.last);
        let mine = mine
            .filter(|mine| mine.heights.first <= first && mine.heights.last >= last)
            .ok_or_else(|| Error::Window {
                reason: format!(
                    "the snapshot is of heights {first} to {last} of {}, which the database has \
                     not all indexed",
                    self.chain
                ),
            })?;
        let blocks = span(session, &self.chain, self.heights, "em_block").await?;
        let slots = slots(session, &self.chain, self.heights).await?;
        let (block_shift, diverges) = shift(session, &self.chain, self.blocks, "em_block").await?;
        let (slot_shift, _) = shift(session, &self.chain, self.slots, "plays_slot").await?;
        Ok(Window {
            etl: numbers(blocks, slots, self.heights),
            // Computed from the snapshot to the database; the snapshot plays the other side here.
            block_shift: -block_shift,
            slot_shift: -slot_shift,
            whole: self.whole && mine.heights == self.heights,
            diverges,
            ..self.alone()
        })
    }
}

fn numbers(
    blocks: Option<Ends>,
    (counted, from): (Option<Ends>, Option<i64>),
    heights: Span,
) -> Numbers {
    Numbers {
        blocks: blocks.map_or(Span { first: 1, last: 0 }, Ends::span),
        slots: Slots {
            counted: counted.map(Ends::span),
            heights: from.map(|first| Span { first, ..heights }),
        },
    }
}

/// What the user wants of the window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) chain: Option<String>,
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
}

/// A chain in one database.
#[derive(Debug, PartialEq, Eq)]
struct Indexed {
    chain: String,
    heights: Span,
    /// The last number of `blocks` that the chain got.
    last_block: i64,
}

/// Finds the window of the two databases.
pub(crate) async fn find(
    etl: &mut Session,
    prod: &mut Session,
    wanted: &Wanted,
) -> Result<Window, Error> {
    let (mine, theirs) = tokio::try_join!(chains(etl), chains(prod))?;
    // Totals are of all chains.
    let same = |one: &[Indexed], other: &[Indexed]| {
        let heights = |all: &[Indexed]| -> BTreeMap<String, Span> {
            all.iter().map(|one| (one.chain.clone(), one.heights)).collect()
        };
        heights(one) == heights(other)
    };
    let whole = same(&mine, &theirs) && wanted.since.is_none() && wanted.until.is_none();
    let shared = |chain: &&Indexed| theirs.iter().any(|other| other.chain == chain.chain);
    let mut others: Vec<_> = mine.iter().filter(shared).map(|one| one.chain.clone()).collect();
    let (mine, theirs) = common(mine, theirs, wanted)?;
    others.retain(|other| *other != mine.chain);
    let heights = Span {
        first: wanted.since.unwrap_or(i64::MIN).max(mine.heights.first).max(theirs.heights.first),
        last: wanted.until.unwrap_or(i64::MAX).min(mine.heights.last).min(theirs.heights.last),
    };
    if heights.first > heights.last {
        return Err(Error::Window {
            reason: format!(
                "no height of {} is in both databases and within the limits: etl has {} to {}, \
                 prod has {} to {}",
                mine.chain,
                mine.heights.first,
                mine.heights.last,
                theirs.heights.first,
                theirs.heights.last
            ),
        });
    }
    let chain = mine.chain.as_str();
    let (my_blocks, their_blocks) = tokio::try_join!(
        span(etl, chain, heights, "em_block"),
        span(prod, chain, heights, "em_block")
    )?;
    let (my_slots, their_slots) =
        tokio::try_join!(slots(etl, chain, heights), slots(prod, chain, heights))?;
    let (block_shift, diverges) = shift(prod, chain, my_blocks, "em_block").await?;
    let (slot_shift, slots_diverge) = shift(prod, chain, my_slots.0, "plays_slot").await?;
    Ok(Window {
        chain: chain.to_owned(),
        heights,
        etl: numbers(my_blocks, my_slots, heights),
        prod: numbers(their_blocks, their_slots, heights),
        block_shift,
        slot_shift,
        whole,
        diverges: diverges || slots_diverge,
        others,
    })
}

/// The chain to compare: the one asked for, else of those that both sides have the one that etl
/// wrote last.
fn common(
    mine: Vec<Indexed>,
    theirs: Vec<Indexed>,
    wanted: &Wanted,
) -> Result<(Indexed, Indexed), Error> {
    let names = |chains: &[Indexed]| {
        let names: Vec<_> = chains.iter().map(|indexed| indexed.chain.as_str()).collect();
        if names.is_empty() { "no chain".to_owned() } else { names.join(", ") }
    };
    let reason = format!(
        "the databases have no chain id in common: etl has indexed {}, prod {}",
        names(&mine),
        names(&theirs)
    );
    let asked = |chain: &str| wanted.chain.as_deref().is_none_or(|wanted| wanted == chain);
    mine.into_iter()
        .filter(|indexed| asked(&indexed.chain))
        .filter(|indexed| theirs.iter().any(|other| other.chain == indexed.chain))
        .max_by_key(|indexed| indexed.last_block)
        .and_then(|mine| {
            let same = |other: &Indexed| other.chain == mine.chain;
            Some((theirs.into_iter().find(same)?, mine))
        })
        .map(|(theirs, mine)| (mine, theirs))
        .ok_or(Error::Window { reason })
}

/// The chains of a database. Reads two index entries per chain instead of a row per block.
async fn chains(session: &mut Session) -> Result<Vec<Indexed>, Error> {
    let there = session.texts(DOING, "SELECT to_regclass('core_indexed_blocks')::text").await?;
    if there.first().is_none_or(|row| row.first().is_none_or(Option::is_none)) {
        let side = session.server().side;
        let reason = format!("{side} has no table core_indexed_blocks to tell what it has indexed");
        return Err(Error::Window { reason });
    }
    let rows = session.texts(DOING, CHAINS).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let mut fields = row.into_iter().flatten();
            let chain = fields.next()?;
            let mut number = || fields.next()?.parse::<i64>().ok();
            let heights = Span { first: number()?, last: number()? };
            Some(Indexed { chain, heights, last_block: number()? })
        })
        .collect())
}

/// The columns of `core_indexed_blocks` that tell the window.
pub(crate) const COLUMNS: &[&str] = &["chain_id", "height", "em_block", "plays_slot"];

const DOING: &str = "reading which heights are indexed";

const CHAINS: &str = "\
    WITH RECURSIVE chains AS ( \
        (SELECT chain_id FROM core_indexed_blocks ORDER BY chain_id LIMIT 1) \
        UNION ALL \
        SELECT (SELECT b.chain_id FROM core_indexed_blocks b WHERE b.chain_id > c.chain_id \
                ORDER BY b.chain_id LIMIT 1) \
        FROM chains c WHERE c.chain_id IS NOT NULL) \
    SELECT c.chain_id, \
        (SELECT b.height::text FROM core_indexed_blocks b WHERE b.chain_id = c.chain_id \
         ORDER BY b.height LIMIT 1), \
        (SELECT b.height::text FROM core_indexed_blocks b WHERE b.chain_id = c.chain_id \
         ORDER BY b.height DESC LIMIT 1), \
        coalesce((SELECT b.em_block FROM core_indexed_blocks b WHERE b.chain_id = c.chain_id \
         AND b.em_block IS NOT NULL ORDER BY b.height DESC LIMIT 1), 0)::text \
    FROM chains c WHERE c.chain_id IS NOT NULL";

/// The first and last number that blocks of the window got, and at which heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    first: (i64, i64),
    last: (i64, i64),
}

impl Ends {
    const fn span(self) -> Span {
        Span { first: self.first.1, last: self.last.1 }
    }
}

async fn span(
    session: &mut Session,
    chain: &str,
    heights: Span,
    column: &str,
) -> Result<Option<Ends>, Error> {
    let half = |order| {
        format!(
            "(SELECT b.height::text, b.{column}::text FROM core_indexed_blocks b \
             WHERE b.chain_id = {} AND b.height BETWEEN {} AND {} AND b.{column} > 0 \
             ORDER BY b.height {order} LIMIT 1)",
            quoted(chain),
            heights.first,
            heights.last
        )
    };
    let sql = format!("{} UNION ALL {}", half("ASC"), half("DESC"));
    let rows = session.texts(DOING, &sql).await?;
    let pairs: Vec<(i64, i64)> = rows
        .iter()
        .filter_map(|row| {
            let mut numbers = row.iter().flatten().map(|text| text.parse().ok());
            Some((numbers.next()??, numbers.next()??))
        })
        .collect();
    match pairs.as_slice() {
        [first, last] => Ok(Some(Ends { first: *first, last: *last })),
        _ => Ok(None),
    }
}

/// The ends of the counted slots, and the first height after them that is a slot itself: the Go
/// indexer notes 0 with every block.
async fn slots(
    session: &mut Session,
    chain: &str,
    heights: Span,
) -> Result<(Option<Ends>, Option<i64>), Error> {
    let counted = span(session, chain, heights, "plays_slot").await?;
    let after = counted.map_or(heights.first, |ends| ends.last.0 + 1);
    let sql = format!(
        "SELECT b.height::text FROM core_indexed_blocks b WHERE b.chain_id = {} \
         AND b.height BETWEEN {after} AND {} AND b.plays_slot = 0 ORDER BY b.height LIMIT 1",
        quoted(chain),
        heights.last
    );
    let rows = session.texts(DOING, &sql).await?;
    let from = rows.into_iter().flatten().flatten().find_map(|text| text.parse().ok());
    Ok((counted, from))
}

/// How far prod's count is ahead of etl's at the first height of the window, and whether that
/// changes up to the last.
async fn shift(
    prod: &mut Session,
    chain: &str,
    etl: Option<Ends>,
    column: &str,
) -> Result<(i64, bool), Error> {
    let Some(etl) = etl else { return Ok((0, false)) };
    let mut shifts = Vec::with_capacity(2);
    for (height, number) in [etl.first, etl.last] {
        let heights = Span { first: height, last: height };
        let theirs = span(prod, chain, heights, column).await?;
        shifts.push(theirs.map(|theirs| theirs.first.1 - number));
    }
    let diverges = shifts[0] != shifts[1];
    Ok((shifts.into_iter().flatten().next().unwrap_or(0), diverges))
}
