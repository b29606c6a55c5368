//! The statements about one table on one server.

use serde::{Deserialize, Serialize};

use super::Side;
use super::form::{Class, Form};
use super::plan::{ColumnPlan, TablePlan};
use super::sql::{array, identifier, quoted};
use super::window::Window;

/// How rows are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Hash {
    /// PostgreSQL's own 64-bit hash, with two seeds. Fast, and the same on servers that agree on a
    /// few probes.
    Builtin,
    /// MD5, where they don't.
    Md5,
}

/// Seeds of the two halves of a row's hash.
const SEEDS: [i64; 2] = [0x5bd1_e995, 0x0123_4567_89ab_cdef];
/// Seed of the hash that draws samples and shards, which must not depend on the row's.
const DRAW_SEED: i64 = 77;

impl Hash {
    /// The two 64-bit halves of the hash of a text expression.
    fn halves(self, text: &str) -> [String; 2] {
        match self {
            Self::Builtin => SEEDS.map(|seed| format!("hashtextextended({text}, {seed})")),
            Self::Md5 => [1, 17]
                .map(|from| format!("('x' || substr({}, {from}, 16))::bit(64)::bigint", md5(text))),
        }
    }

    /// A number from 0 to 65535 drawn from a text expression.
    fn draw(self, text: &str) -> String {
        match self {
            Self::Builtin => format!("(hashtextextended({text}, {DRAW_SEED}) & 65535)"),
            Self::Md5 => {
                let text = format!("{text} || 'draw'");
                format!("('x' || left({}, 4))::bit(16)::int", md5(&text))
            }
        }
    }

    /// What rows are ordered by that have `text`: its bytes, in one encoding for all databases.
    fn order(self, text: &str) -> String {
        match self {
            Self::Builtin => text.to_owned(),
            Self::Md5 => format!("convert_to({text}, 'UTF8')"),
        }
    }
}

/// MD5 of a text whatever encoding the database keeps it in.
fn md5(text: &str) -> String {
    format!("md5(convert_to({text}, 'UTF8'))")
}

/// Which rows take part, apart from the window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// A condition of the user on the table aliased `t`.
    pub(crate) condition: Option<String>,
    /// Rows whose drawn number is below this take part; of 65,536.
    pub(crate) sample_below: Option<u32>,
    /// Rows whose drawn number leaves this remainder take part: remainder, divisor.
    pub(crate) shard: Option<(u32, u32)>,
}

/// A stretch of a table on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    pub(crate) first: u64,
    /// The page after the last; `None` to the end, wherever that is by then.
    pub(crate) end: Option<u64>,
}

/// Builds the statements about one table on one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    pub(crate) plan: &'a TablePlan,
    pub(crate) side: Side,
    pub(crate) window: Option<&'a Window>,
    pub(crate) selection: &'a Selection,
    pub(crate) hash: Hash,
}

impl Query<'_> {
    fn shift(&self, form: Form) -> i64 {
        match (self.window, self.side, form) {
            (Some(window), Side::Etl, Form::Block) => window.block_shift,
            _ => 0,
        }
    }

    /// The normal form of a column.
    fn normal(&self, column: &ColumnPlan) -> String {
        let reference = match (column.class(self.side), column.form) {
            // Functions on text do not take enums and `varchar` in every version.
            (Class::Text, Form::TxHash | Form::EthWallet) => {
                format!("{}::text", column.reference())
            }
            _ => column.reference(),
        };
        if let (Form::Slot, Some(window)) = (column.form, self.window) {
            return window.slot(&reference, self.side);
        }
        column.form.expression(&reference, column.class(self.side), self.shift(column.form))
    }

    fn row_of(&self, columns: &[ColumnPlan]) -> String {
        let columns: Vec<_> = columns.iter().map(|column| self.normal(column)).collect();
        format!("ROW({})::text COLLATE \"C\"", columns.join(", "))
    }

    /// The text that identifies a row within its table, on both sides.
    fn identity(&self) -> String {
        self.row_of(self.plan.key())
    }

    /// What segments are ranges of, and its type: the first column of the key where it is a number
    /// or a time, else its hash. Texts would have to be compared byte by byte, which no index of
    /// theirs does, and a thousand times a row to find the segment.
    fn segment_key(&self) -> (String, &'static str) {
        match self.first_key() {
            (key, "text") => {
                let [hash, _] = self.hash.halves(&key);
                (hash, "bigint")
            }
            native => native,
        }
    }

    /// What segments are ranges of, for people.
    pub(crate) fn segment_name(&self) -> String {
        let name = &self.plan.columns[0].name;
        if self.first_key().1 == "text" { format!("hash of {name}") } else { name.clone() }
    }

    /// The first column of the key as a value that both sides order alike, and its type.
    fn first_key(&self) -> (String, &'static str) {
        let column = &self.plan.columns[0];
        let plain = column.form == Form::Plain;
        match column.class(self.side) {
            Class::Integer if plain => (column.reference(), "bigint"),
            Class::Timestamp if plain => (column.reference(), "timestamp"),
            Class::Date if plain => (column.reference(), "date"),
            _ => (format!("({})::text COLLATE \"C\"", self.normal(column)), "text"),
        }
    }

    /// Whether the server finds a range of first keys without reading the whole table.
    pub(crate) fn finds_ranges(&self) -> bool {
        self.plan.placement(self.side).indexed && self.first_key().1 != "text"
    }

    /// Whether segments are ranges of numbers.
    pub(crate) fn has_integer_key(&self) -> bool {
        self.segment_key().1 == "bigint"
    }

    /// The number of the segment a row belongs to, given where segments begin.
    fn bucket(&self, bounds: &[String]) -> String {
        if bounds.is_empty() {
            return "0".to_owned();
        }
        let (key, ty) = self.segment_key();
        let key = if ty == "bigint" { format!("{key}::bigint") } else { key };
        let bounds = array(bounds.iter().map(String::as_str));
        format!("coalesce(width_bucket({key}, {bounds}::{ty}[]), -1)")
    }

    /// `FROM … WHERE …` with everything that decides whether a row takes part.
    fn source(&self, further: &[String]) -> String {
        let plan = self.plan;
        let mut conditions: Vec<String> = further.to_vec();
        if plan.current_only {
            conditions.push("t.is_current".to_owned());
        }
        conditions.extend(self.inside());
        conditions.extend(plan.only.clone());
        if let Some(condition) = &self.selection.condition {
            conditions.push(format!("({condition})"));
        }
        let draw = || self.hash.draw(&self.identity());
        if let Some(below) = self.selection.sample_below {
            conditions.push(format!("{} < {below}", draw()));
        }
        if let Some((remainder, divisor)) = self.selection.shard {
            conditions.push(format!("{} % {divisor} = {remainder}", draw()));
        }
        let table = identifier(&plan.name);
        if conditions.is_empty() {
            format!("FROM {table} AS t")
        } else {
            format!("FROM {table} AS t WHERE {}", conditions.join(" AND "))
        }
    }

    /// The condition that a row lies in the window.
    fn inside(&self) -> Option<String> {
        self.window?.condition(&self.plan.name, self.plan.position, self.side)
    }

    /// First keys that cut the table into about `segments` segments of equal row count, from a
    /// sample of `percent` of its pages.
    /// `only` leaves part of the rows.
    pub(crate) fn bounds(&self, segments: u64, percent: Option<f64>, only: Option<&str>) -> String {
        let (key, _) = self.segment_key();
        let sample = percent
            .map(|percent| format!(" TABLESAMPLE SYSTEM ({percent:.4}) REPEATABLE (1)"))
            .unwrap_or_default();
        let only: Vec<String> = only.map(str::to_owned).into_iter().collect();
        let source = self.source(&only).replacen(" AS t", &format!(" AS t{sample}"), 1);
        format!(
            "SELECT k::text FROM (SELECT k, row_number() OVER (ORDER BY k) AS n, \
             count(*) OVER () AS c FROM (SELECT {key} AS k {source}) AS s WHERE k IS NOT NULL) AS o \
             WHERE n % greatest(c / {segments}, 1) = 0 ORDER BY n"
        )
    }

    /// Whether the table has any row at all, wherever on the chain.
    pub(crate) fn any(&self) -> String {
        let current = if self.plan.current_only { " WHERE t.is_current" } else { "" };
        let table = identifier(&self.plan.name);
        format!("SELECT EXISTS (SELECT FROM {table} AS t{current})::text")
    }

    /// Returns no row, and fails where the user's condition makes no sense for the table.
    pub(crate) fn trial(&self, condition: &str) -> String {
        let table = identifier(&self.plan.name);
        format!("SELECT FROM {table} AS t WHERE ({condition}) LIMIT 0")
    }

    /// Count and sums of both halves of the rows' hashes, per segment.
    /// `only` leaves part of the rows.
    pub(crate) fn checksums(&self, pages: Pages, bounds: &[String], only: Option<&str>) -> String {
        let mut further: Vec<String> = only.map(str::to_owned).into_iter().collect();
        if pages.first > 0 {
            further.push(format!("t.ctid >= '({},0)'::tid", pages.first));
        }
        if let Some(end) = pages.end {
            further.push(format!("t.ctid < '({end},0)'::tid"));
        }
        let [one, other] = self.hash.halves("r");
        format!(
            "SELECT b::text, count(*)::text, sum({one})::text, sum({other})::text \
             FROM (SELECT {} AS b, {} AS r {} OFFSET 0) AS s GROUP BY b",
            self.bucket(bounds),
            self.row_of(&self.plan.columns),
            self.source(&further)
        )
    }

    /// Identity, first key and content of the rows of some segments, ordered by identity. The
    /// content is a hash, or with `whole` the row itself.
    pub(crate) fn rows_of_segments(
        &self,
        segments: Option<(&[String], &[i64])>,
        whole: bool,
    ) -> String {
        let further = segments.map(|(bounds, chosen)| self.segments(bounds, chosen));
        let content = match (whole, self.hash.halves("r")) {
            (true, _) => "r".to_owned(),
            (false, [one, other]) => format!("{one}::text || ' ' || {other}::text"),
        };
        let (key, _) = self.first_key();
        format!(
            "SELECT i, k, {content} FROM (SELECT {} AS i, ({key})::text AS k, {} AS r {} OFFSET 0) \
             AS s ORDER BY {}",
            self.identity(),
            self.row_of(&self.plan.columns),
            self.source(further.as_slice()),
            self.hash.order("i")
        )
    }

    /// The condition that a row belongs to one of the segments: ranges where an index finds them,
    /// else the number of the segment.
    pub(crate) fn segments(&self, bounds: &[String], chosen: &[i64]) -> String {
        if !self.finds_ranges() {
            let list: Vec<_> = chosen.iter().map(ToString::to_string).collect();
            return format!("{} IN ({})", self.bucket(bounds), list.join(", "));
        }
        let (key, ty) = self.segment_key();
        let literal = |text: &String| format!("{}::{ty}", quoted(text));
        let mut ranges = Vec::new();
        let mut rest = chosen;
        while let Some((&first, _)) = rest.split_first() {
            let run = rest.iter().enumerate().take_while(|(n, b)| **b == first + index(*n)).count();
            let last = rest[run - 1];
            rest = &rest[run..];
            if first < 0 {
                ranges.push(format!("{key} IS NULL"));
                if last < 0 {
                    continue;
                }
            }
            let from = usize::try_from(first - 1).ok().and_then(|at| bounds.get(at));
            let to = usize::try_from(last).ok().and_then(|at| bounds.get(at));
            let from = from.map(|bound| format!("{key} >= {}", literal(bound)));
            let to = to.map(|bound| format!("{key} < {}", literal(bound)));
            let both: Vec<_> = from.into_iter().chain(to).collect();
            ranges.push(if both.is_empty() {
                format!("{key} IS NOT NULL")
            } else {
                format!("({})", both.join(" AND "))
            });
        }
        format!("({})", ranges.join(" OR "))
    }

    /// Every column of the rows with one of these identities, whether in the window or not:
    /// identity, whether in the window, the position, then the columns.
    pub(crate) fn rows_by_identity(&self, wanted: &[(String, Option<String>)]) -> String {
        let conditions = self.identified(wanted);
        let inside = self
            .inside()
            .map_or_else(|| "true".to_owned(), |inside| format!("coalesce({inside}, false)"));
        let position = self.plan.position.column().map_or_else(
            || "NULL::text".to_owned(),
            |column| format!("t.{}::text", identifier(column)),
        );
        let columns: Vec<_> = self
            .plan
            .columns
            .iter()
            .map(|column| format!("({})::text", self.normal(column)))
            .collect();
        format!(
            "SELECT {}, ({inside})::text, {position}, {} FROM {} AS t WHERE {}",
            self.identity(),
            columns.join(", "),
            identifier(&self.plan.name),
            conditions.join(" AND ")
        )
    }

    /// The rows with one of these identities, as the table has them, with the identity in front.
    pub(crate) fn whole_rows(&self, name: &str, wanted: &[(String, Option<String>)]) -> String {
        format!(
            "SELECT {} AS {name}, t.* FROM {} AS t WHERE {}",
            self.identity(),
            identifier(&self.plan.name),
            self.identified(wanted).join(" AND ")
        )
    }

    /// The conditions that a row has one of these identities.
    fn identified(&self, wanted: &[(String, Option<String>)]) -> Vec<String> {
        let identities = array(wanted.iter().map(|(identity, _)| identity.as_str()));
        let mut conditions = vec![format!("{} = ANY ({identities}::text[])", self.identity())];
        conditions.extend(self.first_key_among(wanted));
        if self.plan.current_only {
            conditions.push("t.is_current".to_owned());
        }
        conditions.extend(self.plan.only.clone());
        conditions
    }

    /// A condition on the first column of the key that an index can serve.
    fn first_key_among(&self, wanted: &[(String, Option<String>)]) -> Option<String> {
        let column = &self.plan.columns[0];
        let (_, ty) = self.first_key();
        let serves = self.plan.placement(self.side).indexed
            && *column.class(self.side) != Class::Bool
            && wanted.iter().all(|(_, key)| key.is_some());
        if !serves {
            return None;
        }
        let keys = wanted.iter().filter_map(|(_, key)| key.as_deref());
        let list = match (ty, column.form) {
            ("text", Form::Plain) => array(keys),
            ("text", Form::TxHash) => {
                let both: Vec<_> =
                    keys.flat_map(|key| [key.to_owned(), hex_of_text(key)]).collect();
                array(both.iter().map(String::as_str))
            }
            ("text", _) => return None,
            _ => array(keys),
        };
        Some(format!("{} = ANY ({list}::{ty}[])", column.reference()))
    }
}

/// `0x` and the hex of the text: how the Python indexer writes a transaction hash.
fn hex_of_text(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{hex}")
}

fn index(n: usize) -> i64 {
    i64::try_from(n).expect("a table has fewer segments than i64 counts")
}
