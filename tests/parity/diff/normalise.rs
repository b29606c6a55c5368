//! Makes recorded rows and our rows comparable: JSON nulls, masks, block numbers, block hashes.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::volatile_columns;
use super::value::Value;
use super::{Row, Tables};

/// Which columns of one row hold JSON `null`, or are to be masked.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    /// Table of the row.
    pub(crate) table: String,
    /// Primary key of the row as the recording has it.
    pub(crate) key: Row,
    /// The columns meant.
    pub(crate) columns: Vec<String>,
}

/// Replaces the columns that `marks` name by `value`.
pub(crate) fn mark(tables: &mut Tables, marks: &[Marks], value: &Value) {
    for (table, rows) in tables {
        let mut by_key: BTreeMap<Vec<&Value>, Vec<&str>> = BTreeMap::new();
        let mut key_columns: Vec<&str> = Vec::new();
        for mark in marks.iter().filter(|mark| mark.table == *table) {
            key_columns = mark.key.keys().map(String::as_str).collect();
            let columns = mark.columns.iter().map(String::as_str);
            by_key.entry(mark.key.values().collect()).or_default().extend(columns);
        }
        if by_key.is_empty() {
            continue;
        }
        for row in rows {
            let key: Option<Vec<&Value>> = key_columns.iter().map(|&c| row.get(c)).collect();
            let columns = key.and_then(|key| by_key.get(&key)).cloned().unwrap_or_default();
            for column in columns {
                row.insert(column.to_owned(), value.clone());
            }
        }
    }
}

/// From our block numbers and hashes to the recording's.
#[derive(Debug, Default)]
pub(crate) struct BlockMap {
    /// Our number to the recorded one.
    pub(crate) numbers: BTreeMap<i64, i64>,
    /// The hash we stored to the recorded one.
    pub(crate) hashes: BTreeMap<String, String>,
}

impl BlockMap {
    /// Rewrites every number and hash of a block in `tables`.
    pub(crate) fn apply(&self, tables: &mut Tables) {
        for (table, rows) in tables {
            for row in rows {
                self.apply_to_row(table, row);
            }
        }
    }

    fn apply_to_row(&self, table: &str, row: &mut Row) {
        for (column, value) in row {
            match column.as_str() {
                "blocknumber" | "em_block" => self.map_number(value),
                "number" if table == "blocks" => self.map_number(value),
                "blockhash" | "parenthash" => self.map_hash(value),
                "group_id" if table == "notification" => self.map_group(value),
                "prev_records" if table == "revert_blocks" => self.apply_to_previous(value),
                _ => {}
            }
        }
    }

    fn map_number(&self, value: &mut Value) {
        if let Some(mapped) = value.as_int().and_then(|number| self.numbers.get(&number)) {
            *value = Value::from(*mapped);
        }
    }

    fn map_hash(&self, value: &mut Value) {
        if let Some(mapped) = value.as_text().and_then(|hash| self.hashes.get(hash)) {
            *value = Value::from(mapped.as_str());
        }
    }

    /// Announcements carry the block number in their group.
    fn map_group(&self, value: &mut Value) {
        const PREFIX: &str = "announcement:blocknumber:";
        let number = value.as_text().and_then(|text| text.strip_prefix(PREFIX)?.parse().ok());
        if let Some(mapped) = number.and_then(|number: i64| self.numbers.get(&number)) {
            *value = Value::Text(format!("{PREFIX}{mapped}"));
        }
    }

    fn apply_to_previous(&self, value: &mut Value) {
        if let Value::Object(tables) = value {
            for (table, rows) in tables {
                for row in rows.rows_mut() {
                    self.apply_to_row(table, row);
                }
            }
        }
    }
}

impl Value {
    /// The objects of a list of objects.
    fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        let items = match self {
            Self::List(items) => items.as_mut_slice(),
            _ => &mut [],
        };
        items.iter_mut().filter_map(|item| match item {
            Self::Object(row) => Some(row),
            _ => None,
        })
    }
}

/// Takes out what no two runs agree on and sorts what has no order: volatile columns, also inside
/// `revert_blocks.prev_records`, and the receivers of a notification.
pub(crate) fn settle(tables: &mut Tables) {
    for (table, rows) in tables {
        for row in rows {
            row.retain(|column, _| !volatile_columns(table).contains(&column.as_str()));
            match table.as_str() {
                "notification" => {
                    if let Some(Value::List(ids)) = row.get_mut("user_ids") {
                        ids.sort();
                    }
                }
                "revert_blocks" => {
                    row.get_mut("prev_records").into_iter().for_each(settle_previous);
                }
                _ => {}
            }
        }
    }
}

fn settle_previous(records: &mut Value) {
    if let Value::Object(tables) = records {
        for (table, rows) in tables {
            for row in rows.rows_mut() {
                row.retain(|column, _| !volatile_columns(table).contains(&column.as_str()));
            }
            if let Value::List(rows) = rows {
                rows.sort();
            }
        }
    }
}

/// Drops the notifications whose type is in `types`.
pub(crate) fn drop_notifications(tables: &mut Tables, types: &[&str]) {
    if let Some(rows) = tables.get_mut("notification") {
        rows.retain(|row| {
            !row.get("type").and_then(Value::as_text).is_some_and(|kind| types.contains(&kind))
        });
    }
}

/// Leaves blocks without entity transactions out of `blocks`, which the reference numbers and we do
/// not, and bridges the gap: the next kept row's parent is the last kept row, and the last kept row
/// is the current one if the current one was left out.
pub(crate) fn leave_out_blocks(tables: &mut Tables, left_out: &BTreeSet<String>) {
    let Some(rows) = tables.get_mut("blocks") else { return };
    rows.sort_by_key(|row| row.get("number").and_then(Value::as_int));
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    let mut parent: Option<Value> = None;
    for mut row in std::mem::take(rows) {
        let out = |column: &str, row: &Row| {
            row.get(column).and_then(Value::as_text).is_some_and(|hash| left_out.contains(hash))
        };
        if out("blockhash", &row) {
            if let (Some(Value::Bool(true)), Some(last)) = (row.get("is_current"), kept.last_mut())
            {
                last.insert("is_current".to_owned(), Value::Bool(true));
            }
            continue;
        }
        if out("parenthash", &row) {
            row.insert("parenthash".to_owned(), parent.clone().unwrap_or(Value::Null));
        }
        parent = row.get("blockhash").cloned();
        kept.push(row);
    }
    *rows = kept;
}
