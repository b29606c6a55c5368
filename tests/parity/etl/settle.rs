//! Makes recorded rows and ours comparable.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::recording::field;
use super::rules::{digested_columns, volatile_columns};
use crate::diff::value::{Number, Value};
use crate::diff::{Row, Tables};

/// Takes out what no two runs agree on, and brings our rows into the form of the recording.
pub(crate) fn settle(recorded: &mut Tables, ours: &mut Tables) {
    for (table, rows) in ours.iter_mut() {
        for row in rows {
            digest(table, row);
            row.values_mut().for_each(text_of_long_numbers);
        }
    }
    for side in [&mut *recorded, &mut *ours] {
        for (table, rows) in side {
            for row in rows.iter_mut() {
                row.retain(|column, _| !volatile_columns(table).contains(&column.as_str()));
                if let Some(Value::List(ids)) = row.get_mut("user_ids") {
                    ids.sort_by_key(ToString::to_string);
                }
            }
            if table == "etl_addresses" {
                first_seen(rows);
            }
        }
    }
    drop_lacking(recorded, ours);
}

/// Long texts that the recording has the digest of.
fn digest(table: &str, row: &mut Row) {
    for column in digested_columns(table) {
        if let Some(Value::Text(text)) = row.get_mut(*column)
            && text.chars().count() > 40
        {
            let digest = Sha256::digest(text.as_bytes());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            *text = format!("sha256:{}", &hex[..24]);
        }
    }
}

/// Numbers with a fraction that a double does not hold are text in a recording.
fn text_of_long_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let raw = number.to_string();
            let held = raw.parse::<f64>().map(|double| Number::new(&format!("{double:e}")));
            if raw.contains(['.', 'e', 'E']) && held.ok().as_ref() != Some(&*number) {
                *value = Value::Text(raw);
            }
        }
        Value::List(items) => items.iter_mut().for_each(text_of_long_numbers),
        Value::Object(members) => members.values_mut().for_each(text_of_long_numbers),
        _ => {}
    }
}

/// One row an address: the reference has one a transaction.
fn first_seen(rows: &mut Vec<Row>) {
    let height = |row: &Row| field(row, "first_seen_block_height").as_int();
    let mut first: BTreeMap<Value, Row> = BTreeMap::new();
    for row in rows.drain(..) {
        let address = field(&row, "address").clone();
        if first.get(&address).is_none_or(|other| height(&row) < height(other)) {
            first.insert(address, row);
        }
    }
    rows.extend(first.into_values());
}

/// A column that we lack is no difference where it holds nothing of note.
fn drop_lacking(recorded: &mut Tables, ours: &Tables) {
    for (table, rows) in recorded {
        let Some(known) = ours.get(table).and_then(|rows| rows.first()) else { continue };
        for row in rows {
            row.retain(|column, value| known.contains_key(column) || !is_empty(value));
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(_) => value.as_int() == Some(0),
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::JsonNull | Value::Any | Value::Bool(true) => false,
    }
}
