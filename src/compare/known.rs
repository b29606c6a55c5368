//! Known differences: a reviewed file that says which differences are expected, and why. Pure but
//! for reading the file.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

use super::Error;

/// The differences that are expected of any production database.
const DEFAULT: &str = include_str!("../../fixtures/compare/known.toml");

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
    /// Name of the table, or `*` for all.
    pub(crate) table: String,
    pub(crate) column: Option<String>,
    pub(crate) rule: Rule,
    /// Why the difference is expected.
    pub(crate) reason: String,
    #[serde(skip)]
    used: AtomicU64,
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
        Self::parse("the default file of known differences", DEFAULT)
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
            let wrong = match (&entry.column, entry.rule) {
                _ if entry.reason.trim().is_empty() => "has no reason",
                (Some(_), _) if whole_row => "is about whole rows and takes no column",
                (None, rule) if !whole_row && rule != Rule::Absent => "names no column",
                _ => continue,
            };
            let place = format!("entry {} ({})", index + 1, entry.table);
            return Err(problem(format!("{place} {wrong}")));
        }
        Ok(Self { entries: file.difference })
    }

    fn of<'a>(
        &'a self,
        table: &'a str,
        column: Option<&'a str>,
    ) -> impl Iterator<Item = (usize, &'a Entry)> {
        self.entries.iter().enumerate().filter(move |(_, entry)| {
            (entry.table == table || entry.table == "*") && entry.column.as_deref() == column
        })
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
            .find(|(_, entry)| entry.rule.explains(etl, prod))
            .inspect(|(_, entry)| entry.note())
            .map(|(index, _)| index)
    }

    /// The entry that explains why a row is on one side only.
    pub(crate) fn row(&self, table: &str, missing: Rule) -> Option<usize> {
        self.of(table, None)
            .find(|(_, entry)| entry.rule == missing)
            .inspect(|(_, entry)| entry.note())
            .map(|(index, _)| index)
    }
}

impl Entry {
    fn note(&self) {
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    /// How many differences the entry explained.
    pub(crate) fn uses(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Forgets what it explained: the rows are judged again.
    pub(crate) fn forget(&self) {
        if !matches!(self.rule, Rule::NotCompared | Rule::Absent) {
            self.used.store(0, Ordering::Relaxed);
        }
    }
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
    fn an_entry_explains_its_own_column_and_nothing_else_and_counts_what_it_explained() {
        let text = "[[difference]]\ntable='users'\ncolumn='bio'\nrule='null-is-empty'\nreason='r'";
        let known = Known::parse("known.toml", text).unwrap();
        assert_eq!(known.field("users", "bio", None, Some("")), Some(0));
        assert_eq!(known.field("users", "bio", None, Some("x")), None);
        assert_eq!(known.field("users", "name", None, Some("")), None);
        assert_eq!(known.field("tracks", "bio", None, Some("")), None);
        assert_eq!(known.entries[0].uses(), 1);
    }
}
