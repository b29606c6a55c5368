//! Rows as JSON, the way PostgreSQL's `row_to_json` prints them: for `revert_blocks` and for the
//! before-images of the history, which `jsonb_populate_record` turns into rows again.

use super::{
    Json, Timestamp,
    json::Object,
    key::{Key, KeyPart},
    table::Row,
    value::{ColumnType, NULL_ELEMENT, NULL_TEXT, ValueRef, form_of_ints, form_of_texts},
};

/// A row the way PostgreSQL's `row_to_json` prints it.
pub fn row_to_json(row: &Row) -> Json {
    columns_to_json(row, 0..row.table().def().columns.len(), true)
}

/// A row without its NULL columns: unlike in [`row_to_json`], a NULL and a stored JSON `null`
/// stay distinct.
pub fn image_to_json(row: &Row) -> Json {
    columns_to_json(row, 0..row.table().def().columns.len(), false)
}

/// The key of a row as an object: the columns of its natural key; of a row that stands under a key
/// of its own, which has further parts, all columns, and these parts under [`OWN_KEY`].
pub fn key_to_json(row: &Row, key: &Key) -> Json {
    let def = row.table().def();
    let own = &key.parts()[def.key.len().min(key.parts().len())..];
    if own.is_empty() {
        return columns_to_json(row, def.key.iter().copied(), true);
    }
    let mut object = row_to_json(row).into_object().unwrap_or_default();
    object.insert(
        OWN_KEY,
        Json::list(own.iter().map(|part| match part {
            KeyPart::Int(number) => Json::Int(*number),
            KeyPart::Text(text) => Json::Str(text.to_string()),
        })),
    );
    Json::Object(object)
}

/// The member of [`key_to_json`] that is no column.
pub const OWN_KEY: &str = "#";

fn columns_to_json(
    row: &Row,
    columns: impl ExactSizeIterator<Item = usize>,
    with_nulls: bool,
) -> Json {
    let def = row.table().def();
    let mut object = Object::with_capacity(columns.len());
    for index in columns {
        let column = &def.columns[index];
        let value = match row.value(index) {
            ValueRef::Null if with_nulls => Json::Null,
            ValueRef::Null => continue,
            ValueRef::Bool(value) => Json::Bool(value),
            ValueRef::Int(value) => Json::Int(value),
            ValueRef::Float(value) if value.is_finite() => Json::Float(value),
            ValueRef::Float(value) => Json::Str(super::json::numeric_text(value)),
            ValueRef::Text(value) => Json::Str(value.to_owned()),
            ValueRef::Bytes(value) => Json::Str(hex_bytes(value)),
            ValueRef::Time(value) => Json::Str(timestamp_text(value, column.ty)),
            ValueRef::Json(value) => value.clone(),
            ValueRef::Ints(values) => match form_of_ints(values) {
                Some((form, values)) => nested(&form, &mut values.iter().map(int_element)),
                None => Json::list(values.iter().map(int_element)),
            },
            ValueRef::Texts(values) => match form_of_texts(values) {
                Some((form, values)) => nested(&form, &mut values.iter().map(text_element)),
                None => Json::list(values.iter().map(text_element)),
            },
        };
        object.insert(column.name, value);
    }
    Json::Object(object)
}

fn int_element(value: &i64) -> Json {
    if *value == NULL_ELEMENT { Json::Null } else { Json::Int(*value) }
}

fn text_element(value: &String) -> Json {
    if value == NULL_TEXT { Json::Null } else { Json::Str(value.clone()) }
}

/// Elements in lists within lists, as the sizes in `form` say. Where an array begins is not told.
fn nested(form: &[i32], elements: &mut dyn Iterator<Item = Json>) -> Json {
    match form {
        [size, _, rest @ ..] => Json::list((0..*size).map(|_| nested(rest, elements))),
        [] | [_] => elements.next().unwrap_or(Json::Null),
    }
}

/// A time as `row_to_json` prints it: no trailing zeros, a zone only where the column has one.
fn timestamp_text(time: Timestamp, ty: ColumnType) -> String {
    match time.since_2000() {
        i64::MAX => return "infinity".to_owned(),
        i64::MIN => return "-infinity".to_owned(),
        _ => {}
    }
    let text = time.to_string();
    let (clock, era) = text.split_once('Z').unwrap_or((&text, ""));
    let clock = if clock.contains('.') { clock.trim_end_matches('0') } else { clock };
    match ty {
        ColumnType::TimestampTz => format!("{clock}+00:00{era}"),
        ColumnType::Date => format!("{}{era}", clock.split('T').next().unwrap_or(clock)),
        _ => format!("{clock}{era}"),
    }
}

fn hex_bytes(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("\\x");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
