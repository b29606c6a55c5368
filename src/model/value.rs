//! Column values: the one vocabulary that loading, writing, comparing and archiving rows share.

use std::sync::Arc;

use super::{Json, Timestamp, key::KeyPart};

/// The PostgreSQL type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `boolean`
    Bool,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `double precision`
    Float8,
    /// `text` and `character varying`
    Text,
    /// `bytea`
    Bytes,
    /// A production enum: its type name and labels.
    Enum(&'static str, &'static [&'static str]),
    /// `timestamp without time zone`, UTC
    Timestamp,
    /// `timestamp with time zone`
    TimestampTz,
    /// `date`, kept as its midnight
    Date,
    /// `jsonb`
    Jsonb,
    /// `integer[]`
    Int4Array,
    /// `text[]`
    TextArray,
}

impl ColumnType {
    /// The type's name in SQL, usable in a cast.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int4 => "integer",
            Self::Int8 => "bigint",
            Self::Float8 => "double precision",
            Self::Text => "text",
            Self::Bytes => "bytea",
            Self::Enum(name, _) => name,
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamptz",
            Self::Date => "date",
            Self::Jsonb => "jsonb",
            Self::Int4Array => "integer[]",
            Self::TextArray => "text[]",
        }
    }
}

/// A NULL among the elements of an `integer[]`: a number that no such column holds. The reference
/// stores what a client sent for `tracks.playlists_containing_track`, NULLs included.
pub const NULL_ELEMENT: i64 = i64::MIN;

/// Begins the numbers in front of an `integer[]` of somebody else's that is no plain list from 1 on:
/// how many numbers its form has, then sizes and lower bounds of its dimensions. A number that no
/// such column holds, so what changes such a list is refused as out of range.
pub const FORM_ELEMENT: i64 = i64::MIN + 1;

/// A NULL among the texts of an array that somebody else wrote. No stored text has U+0000, and no
/// text of a client gets into a list with it.
pub const NULL_TEXT: &str = "\0NULL";

/// Begins a text in front of the others that keeps the form of their array, as [`FORM_ELEMENT`].
pub const FORM_TEXT: &str = "\0form ";

/// Sizes and lower bounds of dimensions, one after the other.
pub type Form = Vec<i32>;

/// The form in front of a list of texts, and the rest of them.
pub fn form_of_texts(values: &[String]) -> Option<(Form, &[String])> {
    let (first, rest) = values.split_first()?;
    let numbers = first.strip_prefix(FORM_TEXT)?.split(' ').map(str::parse);
    let form: Form = numbers.collect::<Result<_, _>>().ok()?;
    fits(&form, rest.len()).then_some((form, rest))
}

/// The form in front of a list of numbers, and the rest of them.
pub fn form_of_ints(values: &[i64]) -> Option<(Form, &[i64])> {
    let [FORM_ELEMENT, length, rest @ ..] = values else { return None };
    let (form, rest) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
    let form: Form =
        form.iter().map(|number| i32::try_from(*number)).collect::<Result<_, _>>().ok()?;
    fits(&form, rest.len()).then_some((form, rest))
}

/// Whether an array of this form has so many elements.
fn fits(form: &[i32], elements: usize) -> bool {
    let mut sizes = form.iter().step_by(2);
    let count = sizes.try_fold(1_usize, |all, size| all.checked_mul(usize::try_from(*size).ok()?));
    form.len().is_multiple_of(2) && form.len() <= 12 && elements > 0 && count == Some(elements)
}

/// A column value, owned: what a loaded row is made of.
#[derive(Clone, Debug)]
pub enum Value {
    /// SQL NULL (a JSON `null` is `Json(Json::Null)`).
    Null,
    /// `boolean`
    Bool(bool),
    /// `integer` and `bigint`
    Int(i64),
    /// `double precision`
    Float(f64),
    /// Text and enum labels
    Text(String),
    /// `bytea`
    Bytes(Vec<u8>),
    /// Timestamps and dates
    Time(Timestamp),
    /// `jsonb`
    Json(Arc<Json>),
    /// `integer[]`; see [`NULL_ELEMENT`] and [`FORM_ELEMENT`]
    Ints(Vec<i64>),
    /// `text[]`; see [`NULL_TEXT`] and [`FORM_TEXT`]
    Texts(Vec<String>),
}

/// A borrowed column value: what the writer encodes.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// SQL NULL
    Null,
    /// `boolean`
    Bool(bool),
    /// `integer` and `bigint`
    Int(i64),
    /// `double precision`
    Float(f64),
    /// Text and enum labels
    Text(&'a str),
    /// `bytea`
    Bytes(&'a [u8]),
    /// Timestamps and dates
    Time(Timestamp),
    /// `jsonb`
    Json(&'a Json),
    /// `integer[]`; see [`NULL_ELEMENT`] and [`FORM_ELEMENT`]
    Ints(&'a [i64]),
    /// `text[]`; see [`NULL_TEXT`] and [`FORM_TEXT`]
    Texts(&'a [String]),
}

impl ValueRef<'_> {
    /// Whether two values of a column are the same to whoever reads them: floats by their bits, JSON
    /// as `jsonb` keeps it.
    pub fn is_same(&self, other: Self) -> bool {
        match (*self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Json(a), Self::Json(b)) => std::ptr::eq(a, b) || a == b,
            (Self::Ints(a), Self::Ints(b)) => a == b,
            (Self::Texts(a), Self::Texts(b)) => a == b,
            _ => false,
        }
    }

    /// The value as a key component; `None` for NULL and for types no key uses.
    pub fn key_part(&self) -> Option<KeyPart> {
        match self {
            Self::Int(value) => Some(KeyPart::Int(*value)),
            Self::Bool(value) => Some(KeyPart::Int(i64::from(*value))),
            Self::Text(value) => Some(KeyPart::Text((*value).into())),
            Self::Time(value) => Some(KeyPart::Int(value.micros())),
            Self::Null
            | Self::Float(_)
            | Self::Bytes(_)
            | Self::Json(_)
            | Self::Ints(_)
            | Self::Texts(_) => None,
        }
    }
}

/// A loaded value does not fit the field it belongs to.
#[derive(Debug, thiserror::Error)]
#[error("unexpected {found} value")]
pub struct FieldMismatch {
    /// Kind of the value that was found.
    pub found: &'static str,
}

/// A Rust type that can be a field of a row.
pub trait Field: Sized {
    /// The value to write.
    fn value(&self) -> ValueRef<'_>;
    /// The field from a loaded value.
    fn from_value(value: Value) -> Result<Self, FieldMismatch>;
    /// Approximate heap bytes, for the memory budget.
    fn heap_size(&self) -> usize {
        0
    }
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytea",
            Self::Time(_) => "timestamp",
            Self::Json(_) => "jsonb",
            Self::Ints(_) => "integer[]",
            Self::Texts(_) => "text[]",
        }
    }
}

/// What one JSON value counts in the memory budget, in bytes: the median of stored documents.
const JSON_SIZE: usize = 256;

macro_rules! field {
    ($type:ty, $variant:ident, |$this:ident| $as_ref:expr, |$size_of:ident| $heap:expr) => {
        impl Field for $type {
            fn value(&self) -> ValueRef<'_> {
                let $this = self;
                ValueRef::$variant($as_ref)
            }

            fn from_value(value: Value) -> Result<Self, FieldMismatch> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(FieldMismatch { found: other.kind() }),
                }
            }

            fn heap_size(&self) -> usize {
                let $size_of = self;
                $heap
            }
        }
    };
}

field!(bool, Bool, |this| *this, |_this| 0);
field!(i64, Int, |this| *this, |_this| 0);
field!(f64, Float, |this| *this, |_this| 0);
field!(String, Text, |this| this.as_str(), |this| this.capacity());
field!(Vec<u8>, Bytes, |this| this.as_slice(), |this| this.capacity());
field!(Timestamp, Time, |this| *this, |_this| 0);
field!(Arc<Json>, Json, |this| this, |_this| JSON_SIZE);
field!(Vec<i64>, Ints, |this| this.as_slice(), |this| this.capacity() * 8);
field!(Vec<String>, Texts, |this| this.as_slice(), |this| {
    this.iter().map(|text| text.capacity() + size_of::<String>()).sum()
});

impl<T: Field> Field for Option<T> {
    fn value(&self) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, Field::value)
    }

    fn from_value(value: Value) -> Result<Self, FieldMismatch> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }

    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, Field::heap_size)
    }
}
