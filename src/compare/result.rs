//! What a comparison found, in numbers, and how far it has come.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use super::{Difference, Drift, Kind, Skipped, Window};

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The same entities, field by field.
    Equal,
    /// There are differences that nobody knew of.
    Different,
    /// No differences in what could be compared, but a schema lacks something.
    Drift,
    /// No differences, but of some table, or of all, nothing was looked at.
    Nothing,
}

/// What became of one table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableResult {
    /// Its name.
    pub table: String,
    /// Rows of etl that took part.
    pub etl_rows: u64,
    /// Rows of prod that took part.
    pub prod_rows: u64,
    /// Rows that are the same on both sides.
    pub matched: u64,
    /// Rows that both sides have, with other values.
    pub different: u64,
    /// Rows that only etl has.
    pub missing_in_prod: u64,
    /// Rows that only prod has.
    pub missing_in_etl: u64,
    /// Rows that one side changed after the window.
    pub ahead: u64,
    /// Rows whose differences are all known.
    pub known: u64,
    /// Rows that differed at first and no more when read again.
    pub transient: u64,
    /// Segments compared, and those among them that differed.
    pub segments: u64,
    /// Segments that were looked at closer.
    pub unequal_segments: u64,
    /// Looking ended at the limit of differences: there may be more.
    pub limited: bool,
    /// The table has rows, or was asked for by name, and none of its rows took part.
    #[serde(default)]
    pub unseen: bool,
    /// The differences by column.
    #[serde(default)]
    pub tally: Tally,
    /// Time it took.
    pub seconds: f64,
}

impl TableResult {
    /// Rows with differences that nobody knew of.
    pub const fn differences(&self) -> u64 {
        self.different + self.missing_in_prod + self.missing_in_etl
    }

    /// No row of either side took part.
    pub const fn is_empty(&self) -> bool {
        self.etl_rows == 0 && self.prod_rows == 0
    }

    /// Counts a difference, which is written down somewhere else.
    pub(crate) fn note(&mut self, difference: &Difference) {
        *match difference.kind {
            _ if difference.is_known() => &mut self.known,
            Kind::Different | Kind::Segment => &mut self.different,
            Kind::MissingInProd => &mut self.missing_in_prod,
            Kind::MissingInEtl => &mut self.missing_in_etl,
        } += 1;
        self.tally.note(difference);
    }

    /// Rows that were judged, whatever came out.
    pub const fn judged(&self) -> u64 {
        self.matched + self.known + self.differences()
    }

    /// Adds what became of another table, or of another part of this one.
    pub(crate) fn add(&mut self, table: &Self) {
        self.etl_rows += table.etl_rows;
        self.prod_rows += table.prod_rows;
        self.matched += table.matched;
        self.different += table.different;
        self.missing_in_prod += table.missing_in_prod;
        self.missing_in_etl += table.missing_in_etl;
        self.ahead += table.ahead;
        self.known += table.known;
        self.transient += table.transient;
        self.segments += table.segments;
        self.unequal_segments += table.unequal_segments;
        self.limited |= table.limited;
        self.unseen &= table.unseen;
        self.seconds += table.seconds;
        self.tally.add(&table.tally);
    }

    /// Share of the judged rows that match, from 0 to 1; 1 where there are none.
    #[expect(clippy::cast_precision_loss, reason = "a share is shown with few digits")]
    pub fn match_rate(&self) -> f64 {
        match self.judged() {
            0 => 1.0,
            judged => (self.matched + self.known) as f64 / judged as f64,
        }
    }
}

/// An entry of the known differences and how often it explained one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownUse {
    /// What `--strict` calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// The table, or `*`.
    pub table: String,
    /// The column, or several with commas between, unless rows or tables are meant.
    pub column: Option<String>,
    /// The condition that must hold in the reference.
    #[serde(default)]
    pub condition: Option<String>,
    /// The rule, as the file writes it.
    pub rule: String,
    /// Why the difference is expected.
    pub reason: String,
    /// How many differences it explained; 0 says that the entry may go.
    pub uses: u64,
}

/// A database of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Its URL without password.
    pub url: String,
    /// Its version.
    pub version: String,
    /// When its catalog was read, by its clock, and in which snapshot; tables have later ones.
    #[serde(default)]
    pub moment: String,
    /// Bytes of values received from it.
    pub received: u64,
}

/// Who compared what, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// When the comparison began, by this machine's clock.
    pub at: String,
    /// Name and version of the program.
    pub program: String,
    /// The command line without passwords.
    pub command: String,
    /// The options that decide what is compared, without the part of a `--shard` run.
    pub selection: String,
    /// Part and number of parts of a `--shard` run.
    #[serde(default)]
    pub shard: Option<(u32, u32)>,
    /// Nothing looked at counts as equal.
    #[serde(default)]
    pub allow_empty: bool,
}

/// Everything but the differences themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The answer.
    pub verdict: Verdict,
    /// Who compared what, and when.
    #[serde(default)]
    pub origin: Origin,
    /// The database that was checked.
    pub etl: Compared,
    /// The database it was checked against.
    pub prod: Compared,
    /// The window; `None` where everything was compared.
    pub window: Option<Window>,
    /// How rows were compared, in words.
    pub method: String,
    /// The tables, in the order of reports.
    pub tables: Vec<TableResult>,
    /// What the schemas lack.
    pub drift: Vec<Drift>,
    /// Tables that were not compared.
    pub skipped: Vec<Skipped>,
    /// The known differences.
    pub known: Vec<KnownUse>,
    /// What else the reader should know.
    pub notes: Vec<String>,
    /// Differences are segments and not rows.
    #[serde(default)]
    pub by_segment: bool,
    /// Time it took, pauses included.
    pub seconds: f64,
}

impl Report {
    /// The sum of all tables.
    pub fn total(&self) -> TableResult {
        let mut total = TableResult { table: "total".to_owned(), ..TableResult::default() };
        for table in &self.tables {
            total.add(table);
        }
        total
    }

    /// The verdict that follows from tables and drift. In a part of a comparison small tables may
    /// have no rows; that is judged once the parts are merged.
    pub(crate) fn judge(tables: &[TableResult], drift: &[Drift], origin: &Origin) -> Verdict {
        let is_part = origin.shard.is_some();
        let nothing = || {
            tables.iter().all(TableResult::is_empty)
                || !is_part && tables.iter().any(|table| table.unseen)
        };
        if tables.iter().any(|table| table.differences() > 0) {
            Verdict::Different
        } else if drift.iter().any(|drift| drift.serious) {
            Verdict::Drift
        } else if !origin.allow_empty && nothing() {
            Verdict::Nothing
        } else {
            Verdict::Equal
        }
    }

    /// The answer in one line.
    pub fn verdict_line(&self) -> String {
        let unseen: Vec<_> = self
            .tables
            .iter()
            .filter(|table| table.unseen)
            .map(|table| table.table.as_str())
            .collect();
        let unseen = match unseen.as_slice() {
            [] => String::new(),
            names if names.len() <= NAMED => {
                format!("; nothing compared in {}", names.join(", "))
            }
            names => format!(
                "; nothing compared in {} and {} more",
                names[..NAMED].join(", "),
                names.len() - NAMED
            ),
        };
        self.answer() + &unseen
    }

    fn answer(&self) -> String {
        let total = self.total();
        let tables = self.tables.len();
        let more = if total.limited { "at least " } else { "" };
        let aside =
            [(total.known, "known"), (total.ahead, "ahead"), (total.transient, "transient")];
        let aside: Vec<_> = aside
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let aside =
            if aside.is_empty() { String::new() } else { format!(" ({})", aside.join(", ")) };
        match self.verdict {
            Verdict::Equal => {
                format!("EQUAL: {} in {} match{aside}", rows(total.matched), tables_of(tables))
            }
            Verdict::Nothing if total.is_empty() => {
                "NOTHING COMPARED: no row of any table took part".to_owned()
            }
            Verdict::Nothing => format!(
                "NOTHING COMPARED in part of the tables: {} in {} match{aside}",
                rows(total.matched),
                tables_of(tables)
            ),
            Verdict::Different => {
                let differing = self.tables.iter().filter(|table| table.differences() > 0).count();
                format!(
                    "DIFFERENT: {more}{} in {differing} of {}: {} different, \
                     {} missing in prod, {} missing in etl{aside}",
                    if self.by_segment {
                        let segments = total.differences();
                        let plural = if segments == 1 { "" } else { "s" };
                        let in_all = rows(total.etl_rows.saturating_sub(total.matched));
                        format!("{segments} segment{plural} with {in_all} of etl")
                    } else {
                        rows(total.differences())
                    },
                    tables_of(tables),
                    total.different,
                    total.missing_in_prod,
                    total.missing_in_etl
                )
            }
            Verdict::Drift => {
                let serious = self.drift.iter().filter(|drift| drift.serious).count();
                format!(
                    "DRIFT: {} in {} match{aside}, but {serious} tables or columns could not be \
                     compared",
                    rows(total.matched),
                    tables_of(tables)
                )
            }
        }
    }
}

/// Tables without a compared row that the verdict names.
const NAMED: usize = 5;

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn tables_of(count: usize) -> String {
    if count == 1 { "1 table".to_owned() } else { format!("{count} tables") }
}

/// How far a comparison has come. Rows are counted on both sides.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows that will be read, as far as statistics tell.
    expected: AtomicU64,
    done: AtomicU64,
    differences: AtomicU64,
    doing: Mutex<String>,
}

impl Progress {
    pub(crate) fn expect(&self, rows: u64) {
        self.expected.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, rows: u64) {
        self.done.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn found(&self, differences: u64) {
        self.differences.fetch_add(differences, Ordering::Relaxed);
    }

    /// What was found of a table is looked for anew.
    pub(crate) fn forget(&self, differences: u64) {
        self.differences.fetch_sub(differences, Ordering::Relaxed);
    }

    pub(crate) fn say(&self, doing: &str) {
        doing.clone_into(&mut self.doing.lock().expect("no code panics while it holds the lock"));
    }

    /// Rows read so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Rows to read in all; statistics may be wrong, so never less than what is done.
    pub fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed).max(self.done())
    }

    /// Rows that differ so far.
    pub fn differences(&self) -> u64 {
        self.differences.load(Ordering::Relaxed)
    }

    /// What is being done, in words.
    pub fn doing(&self) -> String {
        self.doing.lock().expect("no code panics while it holds the lock").clone()
    }
}
