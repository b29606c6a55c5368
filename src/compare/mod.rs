//! Proves parity between two databases: the same entities, field by field, over the window of the
//! chain that both have indexed.
//!
//! ```text
//!  catalogs ──▶ plan ──▶ per table, in one snapshot per side:
//!               (pure)     bounds of segments ──▶ checksums ──▶ unequal ones split ──▶ rows walked
//!                                                 in both servers                      side by side
//!                          ──▶ rows that differ, in full ──▶ judged (pure) ──▶ spool
//!  after all tables: recheck of live databases ──▶ report, spool ──▶ CSV, JSON, HTML
//! ```
//!
//! A server computes the normal form of every value ([`form`]), hashes rows and sums the hashes per
//! segment of the key; sums do not depend on the order of rows, so a table is read once, in stretches
//! of its pages that take about half a second each, whatever indexes it has. Only segments whose sums
//! differ are looked at closer, and only rows that differ are fetched. Memory does not depend on the
//! number of rows or differences.

mod again;
mod aggregates;
mod catalog;
mod cursor;
mod error;
mod explain;
mod form;
mod gone;
mod heights;
mod judge;
mod kept;
mod known;
mod merge;
mod names;
mod nature;
mod plan;
mod query;
mod recheck;
pub mod report;
mod result;
mod run;
mod scan;
mod session;
mod shared;
mod sight;
mod snapshot;
pub mod spec;
mod spool;
mod sql;
mod table;
mod tally;
mod trial;
mod window;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::error::Error;
pub use self::judge::{Difference, FieldDifference, Kind};
pub use self::plan::{Drift, Skipped};
pub use self::result::{Compared, KnownUse, Origin, Progress, Report, TableResult, Verdict};
pub use self::run::{Ended, compare};
pub use self::snapshot::{Taken, compare_with_snapshot, take_snapshot};
pub use self::tally::{ColumnTally, Example, Place, Tally, around_difference};
pub use self::window::{Numbers, Slots, Span, Window};

/// One of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The database that is checked.
    Etl,
    /// The database it is checked against.
    Prod,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Etl => "etl",
            Self::Prod => "prod",
        })
    }
}

/// A part of the rows to look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// About this many rows of every table.
    Rows(u64),
    /// This share of the rows of every table, from 0 to 1.
    Share(f64),
}

/// What the counters of production are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Aggregates {
    /// Equal ours: nobody has written for 20 minutes, as in a dump.
    Rest,
    /// Equal ours, or be on their way to what production's own rows say.
    Live,
}

impl Default for Options {
    /// What the command line says where nothing is given.
    fn default() -> Self {
        Self {
            all: false,
            chain: None,
            since: None,
            until: None,
            tables: Vec::new(),
            columns: Vec::new(),
            condition: None,
            sample: None,
            shard: None,
            limit: None,
            exact: false,
            md5: false,
            jobs: 4,
            segment_rows: 1_000,
            statement_timeout: Duration::from_secs(600),
            max_load: None,
            recheck_after: Duration::from_secs(30),
            known: None,
            strict: Vec::new(),
            allow_empty: false,
            check_aggregates: false,
            aggregates: Aggregates::Live,
            command: String::new(),
        }
    }
}

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Compare everything, whatever heights it belongs to.
    pub all: bool,
    /// Chain to compare, where the databases have several in common.
    pub chain: Option<String>,
    /// First height.
    pub since: Option<i64>,
    /// Last height.
    pub until: Option<i64>,
    /// Names of tables; empty for all.
    pub tables: Vec<String>,
    /// Names of columns, alone or with their table; empty for all.
    pub columns: Vec<String>,
    /// A condition on the rows of the table aliased `t`.
    pub condition: Option<String>,
    /// A part of the rows, drawn by key, the same on both sides.
    pub sample: Option<Sample>,
    /// Part `.0` (from 1) of `.1` parts, drawn by key.
    pub shard: Option<(u32, u32)>,
    /// Differences after which a table is left; `None` finds all.
    pub limit: Option<u64>,
    /// Compare rows instead of hashes.
    pub exact: bool,
    /// Hash with MD5 even where the servers agree on PostgreSQL's own hash.
    pub md5: bool,
    /// Connections to each server.
    pub jobs: usize,
    /// Rows of a segment.
    pub segment_rows: u64,
    /// After which a statement is given up.
    pub statement_timeout: Duration,
    /// Statements of others on a server above which we pause.
    pub max_load: Option<u32>,
    /// How long after the comparison flagged rows are read again; zero never.
    pub recheck_after: Duration,
    /// File of known differences; `None` for those that come with the program.
    pub known: Option<PathBuf>,
    /// Names of known differences that are held to their strict form.
    pub strict: Vec<String>,
    /// A table of which nothing was looked at is no reason to refuse a verdict.
    pub allow_empty: bool,
    /// Hold the counters of each side against its own rows.
    pub check_aggregates: bool,
    /// Whether the counters of production are at rest.
    pub aggregates: Aggregates,
    /// The command line without passwords, for reports.
    pub command: String,
}

impl Options {
    /// The known differences of the file, or those that come with the program.
    pub(crate) fn known_differences(&self) -> Result<known::Known, Error> {
        let mut known = match &self.known {
            Some(path) => known::Known::read(path)?,
            None => known::Known::default_file()?,
        };
        if self.aggregates == Aggregates::Live {
            known.expect_live_counters();
        }
        known.be_strict(&self.strict)?;
        Ok(known)
    }

    /// Who compares what, from now on.
    #[expect(clippy::disallowed_methods, reason = "a report says when it was made")]
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            at: chrono::Utc::now().format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            command: self.command.clone(),
            selection: self.selection(),
            shard: self.shard,
            allow_empty: self.allow_empty,
        }
    }

    /// The options that decide what is compared and what counts as known, in words.
    fn selection(&self) -> String {
        let path = |path: &PathBuf| path.display().to_string();
        let parts = [
            self.all.then(|| "all".to_owned()),
            self.chain.as_ref().map(|chain| format!("chain {chain}")),
            self.since.map(|height| format!("since {height}")),
            self.until.map(|height| format!("until {height}")),
            (!self.tables.is_empty()).then(|| format!("tables {}", self.tables.join(","))),
            (!self.columns.is_empty()).then(|| format!("columns {}", self.columns.join(","))),
            self.condition.as_ref().map(|sql| format!("where {sql}")),
            self.sample.map(|sample| match sample {
                Sample::Rows(rows) => format!("sample {rows}"),
                Sample::Share(share) => format!("sample {}%", share * 100.0),
            }),
            self.limit.map(|limit| format!("limit {limit}")),
            (self.aggregates == Aggregates::Rest).then(|| "aggregates rest".to_owned()),
            self.known.as_ref().map(|file| format!("known {}", path(file))),
            (!self.strict.is_empty()).then(|| format!("strict {}", self.strict.join(","))),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}
