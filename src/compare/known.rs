//! Known differences: a reviewed file that says which differences are expected, and why. Pure but
//! for reading the file.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;

use super::{Difference, Error, Kind, KnownUse, Side, aggregates};

/// The differences that are expected of any production database.
const DEFAULT: &str = include_str!("../../fixtures/compare/known.toml");

/// The name of the entries that [`Known::expect_live_counters`] adds.
const LIVE_COUNTERS: &str = "live-counters";

/// When a difference of a field counts as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// Whatever the two values are.
    Any,
    /// NULL on one side, an empty text, array or object on the other.
    NullIsEmpty,
    /// NULL in etl, anything in prod.
    NullInEtl,
    /// NULL in prod, anything in etl.
    NullInProd,
    /// The same but for upper and lower case.
    Case,
    /// Arrays or JSON lists with the same elements, in whatever order and number.
    SameSet,
    /// NULL on one side, 0 on the other.
    NullIsZero,
    /// The column is not compared at all, as for times of the reference's own clock.
    NotCompared,
    /// The whole row (without `column`) is in prod only.
    MissingInEtl,
    /// The whole row (without `column`) is in etl only.
    MissingInProd,
    /// The column, or without `column` the table, is absent from one schema.
    Absent,
}

/// An entry of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// What `--strict` calls it. Several entries may share a name.
    pub(crate) name: Option<String>,
    /// Name of the table, or `*` for all.
    pub(crate) table: String,
    column: Option<String>,
    /// Several columns at once.
    #[serde(default)]
    columns: Vec<String>,
    pub(crate) rule: Rule,
    /// SQL that must hold in the reference, for its row `r` and our row `t`.
    #[serde(rename = "where")]
    pub(crate) condition: Option<String>,
    /// Which database is asked whether it holds; of the other's row only what is compared is there.
    #[serde(default = "reference")]
    pub(crate) ask: Side,
    /// Only where the reference is production since the Go indexer writes it.
    #[serde(default)]
    pub(crate) production: bool,
    /// It comes with the program: what it names need not be there.
    #[serde(skip)]
    pub(crate) is_ours: bool,
    /// What `--strict` puts in the place of the condition.
    strict: Option<String>,
    /// Why the difference is expected.
    pub(crate) reason: String,
    /// `--strict` leaves nothing of it.
    #[serde(skip)]
    is_off: bool,
    /// The plan went by it.
    #[serde(skip)]
    used: AtomicBool,
}

const fn reference() -> Side {
    Side::Prod
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    difference: Vec<Entry>,
}

/// The known differences of a run.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) entries: Vec<Entry>,
}

impl Known {
    /// The differences that come with the program.
    pub(crate) fn default_file() -> Result<Self, Error> {
        let mut known = Self::parse("the default file of known differences", DEFAULT)?;
        known.entries.iter_mut().for_each(|entry| entry.is_ours = true);
        Ok(known)
    }

    /// Counters of production that its own rows do not explain, where ours are what those rows say:
    /// its job has not come round yet, or never will.
    pub(crate) fn expect_live_counters(&mut self) {
        self.entries.extend(aggregates::recounts().map(|(table, column, condition)| Entry {
            name: Some(LIVE_COUNTERS.to_owned()),
            table: table.to_owned(),
            column: Some(column.to_owned()),
            columns: Vec::new(),
            rule: Rule::Any,
            condition: Some(condition),
            ask: Side::Prod,
            production: true,
            is_ours: true,
            strict: None,
            reason: "production repairs its counters every ten minutes; its own rows say what we say"
                .to_owned(),
            is_off: false,
            used: AtomicBool::new(false),
        }));
    }

    /// The reference is not production: takes back what [`Self::expect_live_counters`] did, which
    /// stands at the end.
    pub(crate) fn forget_live_counters(&mut self) {
        self.entries.retain(|entry| !entry.is_ours || entry.name.as_deref() != Some(LIVE_COUNTERS));
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
            doing: "read",
            path: name.clone(),
            source,
        })?;
        Self::parse(&name, &text)
    }

    fn parse(path: &str, text: &str) -> Result<Self, Error> {
        let problem = |problem| Error::File { path: path.to_owned(), problem };
        let file: File = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
        for (index, entry) in file.difference.iter().enumerate() {
            let whole_row = matches!(entry.rule, Rule::MissingInEtl | Rule::MissingInProd);
            let of_schema = matches!(entry.rule, Rule::NotCompared | Rule::Absent);
            let has_column = entry.columns().next().is_some();
            let wrong = match entry.rule {
                _ if entry.reason.trim().is_empty() => "has no reason",
                _ if entry.column.is_some() && !entry.columns.is_empty() => {
                    "has both `column` and `columns`"
                }
                _ if of_schema && entry.condition.is_some() => {
                    "is about no row, so it takes no `where`"
                }
                _ if entry.production && entry.condition.is_none() => {
                    "is about production and has no `where`"
                }
                _ if entry.strict.is_some() && entry.name.is_none() => {
                    "has a strict form and no name to ask for it"
                }
                _ if whole_row && has_column => "is about whole rows and takes no column",
                rule if !whole_row && !has_column && rule != Rule::Absent => "names no column",
                _ => continue,
            };
            let place = format!("entry {} ({})", index + 1, entry.table);
            return Err(problem(format!("{place} {wrong}")));
        }
        Ok(Self { entries: file.difference })
    }

    /// Holds the entries of these names to their strict form; without one they explain nothing.
    ///
    /// # Errors
    /// When no entry has the name.
    pub(crate) fn be_strict(&mut self, names: &[String]) -> Result<(), Error> {
        for name in names {
            let there = || self.entries.iter().filter_map(|entry| entry.name.as_deref());
            if there().all(|there| there != name) {
                let hint = super::names::hint(name, there());
                let problem = format!("--strict: no known difference is called `{name}`{hint}");
                return Err(Error::Usage(problem));
            }
            for entry in &mut self.entries {
                if entry.name.as_deref() == Some(name) {
                    entry.is_off = entry.strict.is_none();
                    entry.condition = entry.strict.clone();
                }
            }
        }
        Ok(())
    }

    fn of<'a>(
        &'a self,
        table: &'a str,
        column: Option<&'a str>,
    ) -> impl Iterator<Item = (usize, &'a Entry)> {
        self.of_table(table).filter(move |(_, entry)| match column {
            Some(column) => entry.columns().any(|name| name == column),
            None => entry.columns().next().is_none(),
        })
    }

    fn of_table<'a>(&'a self, table: &'a str) -> impl Iterator<Item = (usize, &'a Entry)> {
        self.entries
            .iter()
            .enumerate()
            .filter(move |(_, entry)| !entry.is_off && (entry.table == table || entry.table == "*"))
    }

    /// The entries about rows of a table that hold under a condition only.
    pub(crate) fn conditional<'a>(
        &'a self,
        table: &'a str,
    ) -> impl Iterator<Item = (usize, &'a Entry, &'a str)> {
        let entries = self.of_table(table);
        entries.filter_map(|(index, entry)| Some((index, entry, entry.condition.as_deref()?)))
    }

    /// Whether a column is left out of the comparison.
    pub(crate) fn skips(&self, table: &str, column: &str) -> bool {
        let found = self.of(table, Some(column)).find(|(_, entry)| entry.rule == Rule::NotCompared);
        found.inspect(|(_, entry)| entry.note()).is_some()
    }

    /// Whether it is known that a schema lacks the table, or the column of it.
    pub(crate) fn allows_absence(&self, table: &str, column: Option<&str>) -> bool {
        let found = self.of(table, column).find(|(_, entry)| entry.rule == Rule::Absent);
        found.inspect(|(_, entry)| entry.note()).is_some()
    }

    /// The entry that explains why a field differs, by its index.
    pub(crate) fn field(
        &self,
        table: &str,
        column: &str,
        etl: Option<&str>,
        prod: Option<&str>,
    ) -> Option<usize> {
        self.of(table, Some(column))
            .find(|(_, entry)| entry.condition.is_none() && entry.rule.explains(etl, prod))
            .map(|(index, _)| index)
    }

    /// The entry that explains why a row is on one side only.
    pub(crate) fn row(&self, table: &str, missing: Rule) -> Option<usize> {
        self.of(table, None)
            .find(|(_, entry)| entry.condition.is_none() && entry.rule == missing)
            .map(|(index, _)| index)
    }
}

impl Entry {
    fn note(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    /// Whether the plan of the comparison went by the entry.
    fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// What became of it, if it explained so many differences.
    pub(crate) fn used(&self, differences: u64) -> KnownUse {
        let columns: Vec<_> = self.columns().collect();
        KnownUse {
            name: self.name.clone(),
            table: self.table.clone(),
            column: (!columns.is_empty()).then(|| columns.join(", ")),
            condition: self.condition.clone(),
            rule: self.rule.name().to_owned(),
            reason: self.reason.clone(),
            uses: differences + u64::from(self.is_used()),
        }
    }

    /// The columns that it is about; none for rows and tables.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.column.iter().chain(&self.columns).map(String::as_str)
    }

    /// What it is called in messages.
    pub(crate) fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| {
            let columns: Vec<_> = self.columns().collect();
            let columns =
                if columns.is_empty() { String::new() } else { format!(".{}", columns.join(", ")) };
            format!("{}{columns} ({})", self.table, self.rule.name())
        })
    }

    /// The parts of a difference that nothing explains yet and that the entry is about, provided
    /// that its condition holds; with `index` they become known by it.
    pub(crate) fn claim(&self, difference: &mut Difference, index: Option<usize>) -> bool {
        let missing = match difference.kind {
            Kind::Different => None,
            Kind::MissingInProd => Some(Rule::MissingInProd),
            Kind::MissingInEtl => Some(Rule::MissingInEtl),
            Kind::Segment => return false,
        };
        if let Some(missing) = missing {
            let claimed = self.rule == missing && difference.known.is_none();
            if claimed && index.is_some() {
                difference.known = index;
            }
            return claimed;
        }
        let mut claimed = false;
        for field in difference.fields.iter_mut().filter(|field| field.known.is_none()) {
            let is_ours = self.columns().any(|column| column == field.column)
                && self.rule.explains(field.etl.as_deref(), field.prod.as_deref());
            claimed |= is_ours;
            if is_ours && index.is_some() {
                field.known = index;
            }
        }
        claimed
    }
}

/// The elements of an array or a JSON list in one order, each once.
fn elements(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix(['{', '['])?.strip_suffix(['}', ']'])?;
    let (mut elements, mut element, mut quoted, mut escaped) =
        (Vec::new(), String::new(), false, false);
    let mut depth = 0_usize;
    for character in inner.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                elements.push(std::mem::take(&mut element).trim().to_owned());
                continue;
            }
            _ => {}
        }
        element.push(character);
    }
    if !element.is_empty() || !elements.is_empty() {
        elements.push(element.trim().to_owned());
    }
    elements.sort_unstable();
    elements.dedup();
    Some(elements)
}

impl Rule {
    fn explains(self, etl: Option<&str>, prod: Option<&str>) -> bool {
        let empty = |value: Option<&str>| {
            value.is_none_or(|text| matches!(text, "" | "{}" | "[]" | "null" | "\"\""))
        };
        match self {
            Self::Any => true,
            Self::NullIsEmpty => empty(etl) && empty(prod),
            Self::NullInEtl => etl.is_none(),
            Self::NullInProd => prod.is_none(),
            Self::Case => {
                etl.zip(prod).is_some_and(|(etl, prod)| etl.to_lowercase() == prod.to_lowercase())
            }
            Self::SameSet => etl
                .zip(prod)
                .and_then(|(etl, prod)| Some((elements(etl)?, elements(prod)?)))
                .is_some_and(|(etl, prod)| etl == prod),
            Self::NullIsZero => {
                let zero = |value: Option<&str>| value.is_none_or(|text| text == "0");
                zero(etl) && zero(prod)
            }
            Self::NotCompared | Self::MissingInEtl | Self::MissingInProd | Self::Absent => false,
        }
    }

    /// The rule as the file writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::NullIsEmpty => "null-is-empty",
            Self::NullInEtl => "null-in-etl",
            Self::NullInProd => "null-in-prod",
            Self::Case => "case",
            Self::SameSet => "same-set",
            Self::NullIsZero => "null-is-zero",
            Self::NotCompared => "not-compared",
            Self::MissingInEtl => "missing-in-etl",
            Self::MissingInProd => "missing-in-prod",
            Self::Absent => "absent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_valid_and_gives_a_reason_for_everything() {
        assert!(Known::default_file().unwrap().entries.len() >= 3);
    }

    #[test]
    fn entries_without_a_reason_a_column_or_a_known_rule_are_refused() {
        for (text, problem) in [
            ("[[difference]]\ntable='a'\ncolumn='b'\nrule='any'\nreason=' '", "has no reason"),
            ("[[difference]]\ntable='a'\nrule='any'\nreason='r'", "names no column"),
            ("[[difference]]\ntable='a'\ncolumn='b'\nrule='missing-in-etl'\nreason='r'", "whole"),
            ("[[difference]]\ntable='a'\ncolumn='b'\nrule='sometimes'\nreason='r'", "sometimes"),
            ("[[difference]]\ntable='a'\ncolumn='b'\nrule='any'", "reason"),
        ] {
            let error = Known::parse("known.toml", text).unwrap_err().to_string();
            assert!(error.contains(problem) && error.starts_with("known.toml"), "{error}");
        }
    }

    #[test]
    fn an_entry_explains_its_own_column_and_nothing_else() {
        let text = "[[difference]]\ntable='users'\ncolumn='bio'\nrule='null-is-empty'\nreason='r'";
        let known = Known::parse("known.toml", text).unwrap();
        assert_eq!(known.field("users", "bio", None, Some("")), Some(0));
        assert_eq!(known.field("users", "bio", None, Some("x")), None);
        assert_eq!(known.field("users", "name", None, Some("")), None);
        assert_eq!(known.field("tracks", "bio", None, Some("")), None);
    }

    #[test]
    fn sets_are_the_same_in_any_order_and_null_is_zero_and_nothing_else() {
        for (etl, prod, same) in [
            ("{1,2,3}", "{3,1,2,2}", true),
            ("{}", "{}", true),
            ("{1}", "{}", false),
            (r#"{"a,b",c}"#, r#"{c,"a,b"}"#, true),
            (r#"{"a,b"}"#, r#"{a,b}"#, false),
            (r#"["\\",{"x": [1, 2]}]"#, r#"[{"x": [1, 2]}, "\\"]"#, true),
            ("1", "1", false),
        ] {
            assert_eq!(Rule::SameSet.explains(Some(etl), Some(prod)), same, "{etl} {prod}");
        }
        assert!(Rule::NullIsZero.explains(None, Some("0")));
        assert!(!Rule::NullIsZero.explains(None, Some("1")));
    }

    #[test]
    fn strict_names_the_entry_that_then_asks_for_more_or_explains_nothing() {
        let entry = |more: &str| {
            format!(
                "[[difference]]\nname='x'\ntable='a'\ncolumn='b'\nrule='any'\nreason='r'\n{more}"
            )
        };
        let mut known = Known::parse("f", &entry("where='true'\nstrict='r.b'")).unwrap();
        known.be_strict(&["x".to_owned()]).unwrap();
        assert_eq!(known.conditional("a").map(|(_, _, sql)| sql).collect::<Vec<_>>(), ["r.b"]);
        let mut known = Known::parse("f", &entry("")).unwrap();
        assert_eq!(known.field("a", "b", None, Some("")), Some(0));
        known.be_strict(&["x".to_owned()]).unwrap();
        assert_eq!(known.field("a", "b", None, Some("")), None);
        let error = known.be_strict(&["y".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`y`"), "{error}");
    }
}
