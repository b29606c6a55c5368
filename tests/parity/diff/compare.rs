//! Pairs rows by natural key and lists what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::value::Value;
use super::{Row, Tables};

/// What differs in one table. No differences: [`TableDiff::differences`] is empty.
#[derive(Debug)]
pub(crate) struct TableDiff {
    pub(crate) table: String,
    /// Rows equal on both sides.
    pub(crate) matched: usize,
    pub(crate) differences: Vec<RowDiff>,
}

/// One row that is not the same on both sides.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RowDiff {
    /// The natural key, as text.
    pub(crate) key: String,
    pub(crate) kind: DiffKind,
}

/// How a row differs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DiffKind {
    /// Only in the recording.
    Missing(Row),
    /// Only in our database.
    Extra(Row),
    /// In both, with these fields different.
    Fields(Vec<FieldDiff>),
}

/// One field: what was recorded and what we have. `None`: we have no such column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FieldDiff {
    pub(crate) column: String,
    pub(crate) recorded: Value,
    pub(crate) ours: Option<Value>,
}

/// The columns that identify a row of a table; none where only the whole row does.
pub(crate) type NaturalKey = fn(&str) -> &'static [&'static str];

/// Compares all tables of both sides; tables without rows on either are left out.
///
/// Columns that only we have are not compared. A column that only the recording has counts as a
/// difference where it holds a value.
pub(crate) fn compare(recorded: &Tables, ours: &Tables, key: NaturalKey) -> Vec<TableDiff> {
    let names: BTreeSet<&String> = recorded.keys().chain(ours.keys()).collect();
    let rows_of = |tables: &'_ Tables, name: &String| tables.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .map(|name| compare_table(name, key(name), rows_of(recorded, name), rows_of(ours, name)))
        .filter(|diff| diff.matched > 0 || !diff.differences.is_empty())
        .collect()
}

fn compare_table(table: &str, key: &[&str], recorded: Vec<Row>, ours: Vec<Row>) -> TableDiff {
    let mut diff = TableDiff { table: table.to_owned(), matched: 0, differences: Vec::new() };
    let mut groups: BTreeMap<Vec<Value>, (Vec<Row>, Vec<Row>)> = BTreeMap::new();
    let columns = key_columns(key, &recorded, &ours);
    for row in recorded {
        groups.entry(key_of(&columns, &row)).or_default().0.push(row);
    }
    for row in ours {
        groups.entry(key_of(&columns, &row)).or_default().1.push(row);
    }
    for (key, (recorded, ours)) in groups {
        let key = columns.iter().zip(&key).map(|(column, value)| format!("{column}={value}"));
        compare_group(&key.collect::<Vec<_>>().join(" "), recorded, ours, &mut diff);
    }
    diff
}

/// The natural key; without one, every column that both sides have.
fn key_columns(known: &[&str], recorded: &[Row], ours: &[Row]) -> Vec<String> {
    if !known.is_empty() {
        return known.iter().map(|&column| column.to_owned()).collect();
    }
    match (recorded.first(), ours.first()) {
        (Some(left), Some(right)) => {
            left.keys().filter(|&column| right.contains_key(column)).cloned().collect()
        }
        (Some(row), None) | (None, Some(row)) => row.keys().cloned().collect(),
        (None, None) => Vec::new(),
    }
}

fn key_of(columns: &[String], row: &Row) -> Vec<Value> {
    columns.iter().map(|column| row.get(column).cloned().unwrap_or(Value::Null)).collect()
}

/// Rows of one key: equal ones first, the others in sorted order.
fn compare_group(key: &str, recorded: Vec<Row>, mut ours: Vec<Row>, diff: &mut TableDiff) {
    let mut unequal = Vec::new();
    for row in recorded {
        if let Some(at) = ours.iter().position(|other| field_diffs(&row, other).is_empty()) {
            ours.swap_remove(at);
            diff.matched += 1;
        } else {
            unequal.push(row);
        }
    }
    unequal.sort();
    ours.sort();
    let mut ours = ours.into_iter();
    for row in unequal {
        let kind = match ours.next() {
            Some(other) => DiffKind::Fields(field_diffs(&row, &other)),
            None => DiffKind::Missing(row),
        };
        diff.differences.push(RowDiff { key: key.to_owned(), kind });
    }
    for row in ours {
        diff.differences.push(RowDiff { key: key.to_owned(), kind: DiffKind::Extra(row) });
    }
}

fn field_diffs(recorded: &Row, ours: &Row) -> Vec<FieldDiff> {
    let differs = |column: &String, value: &Value| match ours.get(column) {
        Some(other) => !value.matches(other),
        None => !value.matches(&Value::Null),
    };
    recorded
        .iter()
        .filter(|(column, value)| differs(column, value))
        .map(|(column, value)| FieldDiff {
            column: column.clone(),
            recorded: value.clone(),
            ours: ours.get(column).cloned(),
        })
        .collect()
}

/// At most this many characters of a value are printed.
const SHOWN: usize = 300;

fn shorten(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
        None => text,
    }
}

impl fmt::Display for RowDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |row: &Row| shorten(Value::Object(row.clone()).to_string());
        match &self.kind {
            DiffKind::Missing(row) => write!(f, "missing {}: {}", self.key, whole(row)),
            DiffKind::Extra(row) => write!(f, "extra   {}: {}", self.key, whole(row)),
            DiffKind::Fields(fields) => {
                write!(f, "differs {}", self.key)?;
                for field in fields {
                    write!(f, "{field}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for FieldDiff {
    /// A line per differing part of the value, the first few.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ours) = &self.ours else {
            let recorded = shorten(self.recorded.to_string());
            return write!(f, "\n    {}: recorded {recorded}  ours <no such column>", self.column);
        };
        let mut parts = Vec::new();
        differing_parts(&self.column, Some(&self.recorded), Some(ours), &mut parts);
        for (path, recorded, ours) in parts.iter().take(SHOWN_PARTS) {
            write!(f, "\n    {path}: recorded {recorded}  ours {ours}")?;
        }
        if parts.len() > SHOWN_PARTS {
            write!(f, "\n    {}: {} more parts", self.column, parts.len() - SHOWN_PARTS)?;
        }
        Ok(())
    }
}

/// At most this many differing parts of one value are printed.
const SHOWN_PARTS: usize = 6;

/// Descends into objects and equally long lists to what really differs.
fn differing_parts(
    path: &str,
    recorded: Option<&Value>,
    ours: Option<&Value>,
    parts: &mut Vec<(String, String, String)>,
) {
    match (recorded, ours) {
        (Some(left), Some(right)) if left.matches(right) => {}
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                differing_parts(&format!("{path}.{key}"), left.get(key), right.get(key), parts);
            }
        }
        (Some(Value::List(left)), Some(Value::List(right))) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                differing_parts(&format!("{path}[{at}]"), Some(left), Some(right), parts);
            }
        }
        _ => {
            let text = |side: Option<&Value>| {
                side.map_or_else(|| "nothing".to_owned(), |value| shorten(value.to_string()))
            };
            parts.push((path.to_owned(), text(recorded), text(ours)));
        }
    }
}
