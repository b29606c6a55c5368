//! PostgreSQL's binary form of column values, both ways. No I/O.
//!
//! What is encoded is decided by the type the column really has in this database ([`Wire`]), not by
//! the one our migrations give it: a database made by the Go ETL has `text` where production has
//! enums.

use sqlx::error::BoxDynError;

use crate::model::{
    Json, Timestamp,
    value::{
        ColumnType, FORM_ELEMENT, FORM_TEXT, Form, NULL_ELEMENT, NULL_TEXT, Value, ValueRef,
        form_of_ints, form_of_texts,
    },
};

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// How a column travels in binary form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// `text`, `varchar`, `char(n)`, `name` and enums: the bytes of the text.
    Text,
    Bytes,
    /// With or without time zone.
    Timestamp,
    Date,
    Json,
    Jsonb,
    /// Arrays, with the type of their elements.
    Int4Array,
    Int8Array,
    TextArray(u32),
}

impl Wire {
    /// The form of a type by its oid; `None` for types the tool does not know.
    pub(crate) const fn of(oid: u32, is_enum: bool) -> Option<Self> {
        Some(match oid {
            16 => Self::Bool,
            21 => Self::Int2,
            23 => Self::Int4,
            20 => Self::Int8,
            700 => Self::Float4,
            701 => Self::Float8,
            19 | 25 | 1042 | 1043 => Self::Text,
            17 => Self::Bytes,
            1114 | 1184 => Self::Timestamp,
            1082 => Self::Date,
            114 => Self::Json,
            3802 => Self::Jsonb,
            1007 => Self::Int4Array,
            1016 => Self::Int8Array,
            1009 => Self::TextArray(25),
            1015 => Self::TextArray(1043),
            _ if is_enum => Self::Text,
            _ => return None,
        })
    }

    /// Whether values of a column that we know as `ty` can be stored in this form.
    pub(crate) const fn fits(self, ty: ColumnType) -> bool {
        match ty {
            ColumnType::Bool => matches!(self, Self::Bool),
            ColumnType::Int4 | ColumnType::Int8 => {
                matches!(self, Self::Int2 | Self::Int4 | Self::Int8)
            }
            ColumnType::Float8 => matches!(self, Self::Float4 | Self::Float8),
            ColumnType::Text | ColumnType::Enum(..) => matches!(self, Self::Text),
            ColumnType::Bytes => matches!(self, Self::Bytes),
            ColumnType::Timestamp | ColumnType::TimestampTz | ColumnType::Date => {
                matches!(self, Self::Timestamp | Self::Date)
            }
            ColumnType::Jsonb => matches!(self, Self::Json | Self::Jsonb),
            ColumnType::Int4Array => matches!(self, Self::Int4Array | Self::Int8Array),
            ColumnType::TextArray => matches!(self, Self::TextArray(_)),
        }
    }

    /// The form of a type of ours.
    pub(crate) const fn native(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Bool => Self::Bool,
            ColumnType::Int4 => Self::Int4,
            ColumnType::Int8 => Self::Int8,
            ColumnType::Float8 => Self::Float8,
            ColumnType::Text | ColumnType::Enum(..) => Self::Text,
            ColumnType::Bytes => Self::Bytes,
            ColumnType::Timestamp | ColumnType::TimestampTz => Self::Timestamp,
            ColumnType::Date => Self::Date,
            ColumnType::Jsonb => Self::Jsonb,
            ColumnType::Int4Array => Self::Int4Array,
            ColumnType::TextArray => Self::TextArray(25),
        }
    }
}

/// A value that the column cannot take.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misfit(pub(crate) &'static str);

/// Writes fields into one growing buffer.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    pub(super) out: Vec<u8>,
    scratch: String,
    /// Remove what PostgreSQL cannot hold (U+0000) instead of sending it.
    pub(crate) sanitize: bool,
    /// How many values were changed by that.
    pub(crate) sanitized: u64,
}

impl Encoder {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// Bytes of memory that the buffer holds.
    pub(crate) fn capacity(&self) -> usize {
        self.out.capacity()
    }

    /// Empties the buffer and keeps its memory.
    pub(crate) fn reset(&mut self, sanitize: bool) {
        self.out.clear();
        self.sanitize = sanitize;
        self.sanitized = 0;
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A field: its length and its bytes, or a NULL.
    pub(crate) fn field(&mut self, wire: Wire, value: ValueRef<'_>) -> Result<(), Misfit> {
        if matches!(value, ValueRef::Null) {
            self.push(&(-1_i32).to_be_bytes());
            return Ok(());
        }
        let start = self.out.len();
        self.push(&[0; 4]);
        self.value(wire, value)?;
        let length = i32::try_from(self.out.len() - start - 4)
            .map_err(|_overflow| Misfit("value larger than 2 GiB"))?;
        self.out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn value(&mut self, wire: Wire, value: ValueRef<'_>) -> Result<(), Misfit> {
        match (value, wire) {
            (ValueRef::Bool(value), Wire::Bool) => self.out.push(u8::from(value)),
            (ValueRef::Int(value), Wire::Int8) => self.push(&value.to_be_bytes()),
            (ValueRef::Int(value), Wire::Int4) => {
                let value = i32::try_from(value).map_err(out_of_range)?;
                self.push(&value.to_be_bytes());
            }
            (ValueRef::Int(value), Wire::Int2) => {
                let value = i16::try_from(value).map_err(out_of_range)?;
                self.push(&value.to_be_bytes());
            }
            (ValueRef::Float(value), Wire::Float8) => self.push(&value.to_be_bytes()),
            (ValueRef::Float(value), Wire::Float4) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the column has no more digits"
                )]
                let value = value as f32;
                self.push(&value.to_be_bytes());
            }
            (ValueRef::Text(text), Wire::Text) => self.text(text),
            (ValueRef::Bytes(bytes), Wire::Bytes) => self.push(bytes),
            (ValueRef::Time(time), Wire::Timestamp) => {
                self.push(&time.since_2000().to_be_bytes());
            }
            (ValueRef::Time(time), Wire::Date) => {
                let days = match time.since_2000() {
                    i64::MIN => i32::MIN,
                    i64::MAX => i32::MAX,
                    micros => i32::try_from(micros.div_euclid(DAY_MICROS))
                        .map_err(|_overflow| Misfit("date out of range"))?,
                };
                self.push(&days.to_be_bytes());
            }
            (ValueRef::Json(json), Wire::Jsonb) => {
                self.out.push(1);
                self.json(json);
            }
            (ValueRef::Json(json), Wire::Json) => self.json(json),
            (ValueRef::Ints(values), Wire::Int4Array | Wire::Int8Array) => {
                let (element, oid) =
                    if wire == Wire::Int4Array { (Wire::Int4, 23) } else { (Wire::Int8, 20) };
                let has_nulls = values.contains(&NULL_ELEMENT);
                let values = match form_of_ints(values) {
                    Some((form, values)) => {
                        self.array_form(&form, oid, has_nulls)?;
                        values
                    }
                    None => {
                        self.array_header(values.len(), oid, has_nulls)?;
                        values
                    }
                };
                for value in values {
                    let value = match *value {
                        NULL_ELEMENT => ValueRef::Null,
                        value => ValueRef::Int(value),
                    };
                    self.field(element, value)?;
                }
            }
            (ValueRef::Texts(values), Wire::TextArray(oid)) => {
                let has_nulls = values.iter().any(|value| value == NULL_TEXT);
                let values = match form_of_texts(values) {
                    Some((form, values)) => {
                        self.array_form(&form, oid, has_nulls)?;
                        values
                    }
                    None => {
                        self.array_header(values.len(), oid, has_nulls)?;
                        values
                    }
                };
                for value in values {
                    let value =
                        if value == NULL_TEXT { ValueRef::Null } else { ValueRef::Text(value) };
                    self.field(Wire::Text, value)?;
                }
            }
            _ => return Err(Misfit("value of another type than the column")),
        }
        Ok(())
    }

    pub(super) fn array_header(
        &mut self,
        length: usize,
        element: u32,
        has_nulls: bool,
    ) -> Result<(), Misfit> {
        let length = i32::try_from(length).map_err(|_overflow| Misfit("array too long"))?;
        // Dimensions (an empty array has none), NULLs, element type, length, lower bound.
        self.push(&i32::from(length > 0).to_be_bytes());
        self.push(&i32::from(has_nulls).to_be_bytes());
        self.push(&element.to_be_bytes());
        if length > 0 {
            self.push(&length.to_be_bytes());
            self.push(&1_i32.to_be_bytes());
        }
        Ok(())
    }

    /// The header of an array that is no plain list: sizes and lower bounds of its dimensions.
    fn array_form(&mut self, form: &[i32], element: u32, has_nulls: bool) -> Result<(), Misfit> {
        let dimensions = i32::try_from(form.len() / 2).map_err(out_of_range)?;
        self.push(&dimensions.to_be_bytes());
        self.push(&i32::from(has_nulls).to_be_bytes());
        self.push(&element.to_be_bytes());
        for number in form {
            self.push(&number.to_be_bytes());
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.sanitize && text.contains('\0') {
            self.sanitized += 1;
            self.out.extend(text.bytes().filter(|byte| *byte != 0));
        } else {
            self.push(text.as_bytes());
        }
    }

    fn json(&mut self, json: &Json) {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        json.write_json_text(&mut text);
        if self.sanitize && remove_nul_escapes(&mut text) {
            self.sanitized += 1;
        }
        self.push(text.as_bytes());
        self.scratch = text;
    }
}

fn out_of_range(_overflow: std::num::TryFromIntError) -> Misfit {
    Misfit("integer out of range")
}

/// Removes the escapes of U+0000 from JSON text; `\\u0000` is a backslash and no escape.
fn remove_nul_escapes(text: &mut String) -> bool {
    const ESCAPE: &str = "\\u0000";
    let mut clean = String::new();
    let mut kept_from = 0;
    let mut search_from = 0;
    while let Some(found) = text[search_from..].find(ESCAPE) {
        let at = search_from + found;
        let backslashes = text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        if backslashes.is_multiple_of(2) {
            clean.push_str(&text[kept_from..at]);
            kept_from = at + ESCAPE.len();
            search_from = kept_from;
        } else {
            search_from = at + 1;
        }
    }
    if kept_from == 0 {
        return false;
    }
    clean.push_str(&text[kept_from..]);
    *text = clean;
    true
}

/// A stored value in the form it travels in.
pub(crate) fn decode(wire: Wire, bytes: &[u8]) -> Result<Value, BoxDynError> {
    Ok(match wire {
        Wire::Bool => Value::Bool(bytes.first().is_some_and(|byte| *byte != 0)),
        Wire::Int2 => Value::Int(i16::from_be_bytes(bytes.try_into()?).into()),
        Wire::Int4 => Value::Int(i32::from_be_bytes(bytes.try_into()?).into()),
        Wire::Int8 => Value::Int(i64::from_be_bytes(bytes.try_into()?)),
        Wire::Float4 => Value::Float(f32::from_be_bytes(bytes.try_into()?).into()),
        Wire::Float8 => Value::Float(f64::from_be_bytes(bytes.try_into()?)),
        Wire::Text => Value::Text(std::str::from_utf8(bytes)?.to_owned()),
        Wire::Bytes => Value::Bytes(bytes.to_vec()),
        Wire::Timestamp => {
            Value::Time(Timestamp::from_since_2000(i64::from_be_bytes(bytes.try_into()?)))
        }
        Wire::Date => {
            let days = i64::from(i32::from_be_bytes(bytes.try_into()?));
            Value::Time(Timestamp::from_since_2000(days.saturating_mul(DAY_MICROS)))
        }
        Wire::Json => Value::Json(parse_json(bytes)?.into()),
        Wire::Jsonb => {
            let (version, text) = bytes.split_first().ok_or("empty jsonb value")?;
            if *version != 1 {
                return Err(format!("jsonb version {version}").into());
            }
            Value::Json(parse_json(text)?.into())
        }
        Wire::Int4Array | Wire::Int8Array => {
            let element = if wire == Wire::Int4Array { Wire::Int4 } else { Wire::Int8 };
            let mut values = Vec::new();
            if let Some(form) = odd_form(bytes)? {
                values.extend([FORM_ELEMENT, i64::try_from(form.len())?]);
                values.extend(form.into_iter().map(i64::from));
            }
            for bytes in elements(bytes)? {
                match bytes?.map(|bytes| decode(element, bytes)).transpose()? {
                    Some(Value::Int(value)) => values.push(value),
                    _ => values.push(NULL_ELEMENT),
                }
            }
            Value::Ints(values)
        }
        Wire::TextArray(_) => {
            let mut values = Vec::new();
            if let Some(form) = odd_form(bytes)? {
                let form: Vec<String> = form.iter().map(ToString::to_string).collect();
                values.push(format!("{FORM_TEXT}{}", form.join(" ")));
            }
            for bytes in elements(bytes)? {
                let text = bytes?.map_or(Ok(NULL_TEXT), std::str::from_utf8)?;
                values.push(text.to_owned());
            }
            Value::Texts(values)
        }
    })
}

fn parse_json(bytes: &[u8]) -> Result<Json, BoxDynError> {
    Ok(Json::parse(std::str::from_utf8(bytes)?)?)
}

/// The elements of a one-dimensional array; `None` is NULL.
fn elements(
    bytes: &[u8],
) -> Result<impl Iterator<Item = Result<Option<&[u8]>, BoxDynError>>, BoxDynError> {
    let dimensions = read_i32(bytes, 0)?;
    let count = match dimensions {
        0 => 0,
        _ => (0..dimensions).try_fold(1, |count, dimension| {
            let size = read_i32(bytes, 12 + 8 * usize::try_from(dimension)?)?;
            size.checked_mul(count).ok_or_else(|| BoxDynError::from("array too large"))
        })?,
    };
    let mut at = 12 + 8 * usize::try_from(dimensions)?;
    Ok((0..count).map(move |_| {
        let Ok(length) = usize::try_from(read_i32(bytes, at)?) else {
            at += 4;
            return Ok(None);
        };
        let element = bytes.get(at + 4..at + 4 + length).ok_or("array cut short")?;
        at += 4 + length;
        Ok(Some(element))
    }))
}

/// The form of an array that is no plain list from 1 on.
fn odd_form(bytes: &[u8]) -> Result<Option<Form>, BoxDynError> {
    let numbers = 2 * usize::try_from(read_i32(bytes, 0)?)?;
    let form: Form =
        (0..numbers).map(|number| read_i32(bytes, 12 + 4 * number)).collect::<Result<_, _>>()?;
    Ok(Some(form).filter(|form| !matches!(form[..], [] | [_, 1])))
}

fn read_i32(bytes: &[u8], at: usize) -> Result<i32, BoxDynError> {
    let field = bytes.get(at..at + 4).ok_or("array cut short")?;
    Ok(i32::from_be_bytes(field.try_into()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_real_escapes_of_nul_are_removed_from_json_text() {
        for (text, clean) in [
            ("\"a\\u0000b\"", Some("\"ab\"")),
            ("\"a\\\\u0000b\"", None),
            ("\"a\\\\\\u0000b\\u0000\"", Some("\"a\\\\b\"")),
            ("{\"k\\u0000\":1}", Some("{\"k\":1}")),
            ("\"\\u0001\"", None),
        ] {
            let mut changed = text.to_owned();
            assert_eq!(remove_nul_escapes(&mut changed), clean.is_some(), "{text}");
            assert_eq!(changed, clean.unwrap_or(text));
        }
    }

    #[test]
    fn integers_beyond_their_column_are_refused() {
        let mut encoder = Encoder::default();
        assert!(encoder.field(Wire::Int4, ValueRef::Int(1 << 31)).is_err());
        assert!(encoder.field(Wire::Int2, ValueRef::Int(1 << 15)).is_err());
        assert!(encoder.field(Wire::Text, ValueRef::Int(1)).is_err());
    }

    #[test]
    fn cut_short_arrays_are_errors_and_not_panics() {
        let mut encoder = Encoder::default();
        encoder.field(Wire::TextArray(25), ValueRef::Texts(&["ab".into(), "c".into()])).unwrap();
        let whole = &encoder.bytes()[4..];
        for end in 4..whole.len() {
            assert!(decode(Wire::TextArray(25), &whole[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn odd_arrays_of_texts_and_infinities_survive_both_ways() {
        let wire = Wire::TextArray(25);
        let element = |text: Option<&str>| match text {
            None => (-1_i32).to_be_bytes().to_vec(),
            Some(text) => {
                [&i32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
            }
        };
        let array = |header: &[i32], texts: &[Option<&str>]| -> Vec<u8> {
            let header = header.iter().flat_map(|number| number.to_be_bytes());
            header.chain(texts.iter().flat_map(|text| element(*text))).collect()
        };
        for bytes in [
            array(&[1, 1, 25, 2, 1], &[Some("US"), None]),
            array(&[2, 0, 25, 2, 1, 1, 1], &[Some("US"), Some("FR")]),
            array(&[1, 0, 25, 1, 0], &[Some("US")]),
            array(&[0, 0, 25], &[]),
        ] {
            let Value::Texts(values) = decode(wire, &bytes).unwrap() else { panic!("no texts") };
            let mut encoder = Encoder::default();
            encoder.value(wire, ValueRef::Texts(&values)).unwrap();
            assert_eq!(encoder.bytes(), bytes);
        }
        let numbers = |header: &[i32], numbers: &[i32]| -> Vec<u8> {
            let header = header.iter().flat_map(|number| number.to_be_bytes());
            let field = |number: &i32| [4_i32.to_be_bytes(), number.to_be_bytes()].concat();
            header.chain(numbers.iter().flat_map(field)).collect()
        };
        for bytes in [
            numbers(&[2, 0, 23, 1, 1, 2, 1], &[7, 8]),
            numbers(&[1, 0, 23, 2, -3], &[7, 8]),
            numbers(&[1, 0, 23, 2, 1], &[7, 8]),
        ] {
            let value = decode(Wire::Int4Array, &bytes).unwrap();
            let Value::Ints(values) = value else { panic!("no numbers") };
            let mut encoder = Encoder::default();
            encoder.value(Wire::Int4Array, ValueRef::Ints(&values)).unwrap();
            assert_eq!(encoder.bytes(), bytes);
        }
        for days in [i32::MIN, i32::MAX] {
            let Value::Time(time) = decode(Wire::Date, &days.to_be_bytes()).unwrap() else {
                panic!("no time")
            };
            assert!(time.is_storable());
            let mut encoder = Encoder::default();
            encoder.value(Wire::Date, ValueRef::Time(time)).unwrap();
            assert_eq!(encoder.bytes(), days.to_be_bytes());
        }
    }

    #[test]
    fn null_elements_of_integer_arrays_survive_both_ways() {
        let mut encoder = Encoder::default();
        encoder.field(Wire::Int4Array, ValueRef::Ints(&[NULL_ELEMENT, 5])).unwrap();
        let Value::Ints(back) = decode(Wire::Int4Array, &encoder.bytes()[4..]).unwrap() else {
            panic!("not an array")
        };
        assert_eq!(back, [NULL_ELEMENT, 5]);
    }

    proptest! {
        #[test]
        fn times_survive_both_ways(micros in any::<i64>()) {
            // What no calendar has is infinity, or what a column refuses.
            let mut encoder = Encoder::default();
            let time = Timestamp::from_micros(micros);
            encoder.field(Wire::Timestamp, ValueRef::Time(time)).unwrap();
            let Value::Time(back) = decode(Wire::Timestamp, &encoder.bytes()[4..]).unwrap() else {
                panic!("not a time")
            };
            prop_assert_eq!(back, time);
        }
    }
}
