//! Normal forms: the SQL that gives two columns the same text exactly when their values are equal.
//!
//! Both servers build the same text, so one comparison of bytes, or of hashes of them, decides. The
//! text depends on the session settings that [`super::session`] pins (UTC, ISO dates, shortest exact
//! floats, hex bytea) and on nothing else: no collation, no locale, no server version.

use serde::{Deserialize, Serialize};

use super::sql::quoted;

/// What kind of values a column holds, whatever its exact type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    Bool,
    Integer,
    Numeric,
    Float,
    /// Texts, enums and `uuid`.
    Text,
    Bytes,
    Timestamp,
    TimestampTz,
    Date,
    /// `json` and `jsonb`.
    Json,
    Array(Box<Self>),
    /// A type the tool knows nothing of, by its name; its output text is compared.
    Other(String),
}

impl Class {
    /// The class of a type by its name in `pg_type`, domains resolved. `element` is the class of the
    /// elements of an array.
    pub(crate) fn of(type_name: &str, is_enum: bool, element: Option<Self>) -> Self {
        if let Some(element) = element {
            return Self::Array(Box::new(element));
        }
        match type_name {
            _ if is_enum => Self::Text,
            "bool" => Self::Bool,
            "int2" | "int4" | "int8" => Self::Integer,
            "numeric" => Self::Numeric,
            "float4" | "float8" => Self::Float,
            "text" | "varchar" | "bpchar" | "name" | "citext" | "uuid" => Self::Text,
            "bytea" => Self::Bytes,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::TimestampTz,
            "date" => Self::Date,
            "json" | "jsonb" => Self::Json,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether values of the two classes have the same text in the form that each class has on its
    /// own, so that a checksum taken of one alone can be held against the other.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        let exact = |class: &Self| matches!(class, Self::Integer | Self::Numeric);
        self == other || (exact(self) && exact(other))
    }

    const fn is_time(&self) -> bool {
        matches!(self, Self::Timestamp | Self::TimestampTz | Self::Date)
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Numeric | Self::Float)
    }
}

/// The form in which the values of two columns are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// The type's own output text, which is the same on both sides.
    Plain,
    /// Numbers by value: `1`, `1.0` and `1.00` are one.
    Number,
    /// Floats exactly; the two zeros are one.
    Float,
    /// Times of different types, at microseconds in UTC.
    Time,
    /// JSON by structure: order of keys and spelling of numbers do not matter.
    Json,
    /// Arrays whose elements are compared as JSON compares them.
    JsonArray,
    /// A transaction hash, plain or as the Python indexer writes it: `0x` and the hex of its text.
    TxHash,
    /// A number of `blocks`, which the two sides may count from different starts.
    Block,
    /// A slot of `plays`, which the two sides may count from different starts; the window tells.
    Slot,
    /// A wallet beside its `chain`: on Ethereum upper and lower case are one.
    EthWallet,
}

impl Form {
    /// The form for two columns; `None` where their values cannot be compared.
    pub(crate) fn of(etl: &Class, prod: &Class) -> Option<Self> {
        Some(match (etl, prod) {
            (Class::Float, Class::Float) => Self::Float,
            (Class::Integer, Class::Integer) => Self::Plain,
            (one, other) if one.is_number() && other.is_number() => Self::Number,
            (Class::Json, Class::Json) => Self::Json,
            (Class::Array(one), Class::Array(other)) => match Self::of(one, other)? {
                Self::Plain => Self::Plain,
                _ => Self::JsonArray,
            },
            (one, other) if one == other => Self::Plain,
            (one, other) if one.is_time() && other.is_time() => Self::Time,
            _ => return None,
        })
    }

    /// The expression whose output text is the normal form of `column`, an expression of `class`.
    /// `shift` is added to numbers that the two sides count from different starts.
    pub(crate) fn expression(self, column: &str, class: &Class, shift: i64) -> String {
        match (self, class) {
            (Self::Number, Class::Numeric) => format!("trim_scale({column})"),
            (Self::Number, Class::Float) => format!("trim_scale({column}::text::numeric)"),
            (Self::Float, _) => format!("({column}::float8 + 0.0::float8)"),
            (Self::Time, Class::TimestampTz) => format!("({column} AT TIME ZONE 'UTC')"),
            (Self::Time, Class::Date) => format!("{column}::timestamp"),
            (Self::Json, _) => json(&format!("{column}::jsonb")),
            (Self::JsonArray, _) => json(&format!("to_jsonb({column})")),
            (Self::TxHash, _) => format!(
                "CASE WHEN left({column}, 2) = '0x' AND {column} ~ '^0x([2-7][0-9a-f])+$' \
                 THEN convert_from(decode(substr({column}, 3), 'hex'), 'UTF8') \
                 ELSE {column} END"
            ),
            (Self::EthWallet, _) => {
                format!("CASE WHEN t.chain::text = 'eth' THEN lower({column}) ELSE {column} END")
            }
            (Self::Block, _) if shift != 0 => format!("({column}::bigint + {shift})"),
            _ => column.to_owned(),
        }
    }
}

/// The text of a `jsonb` with the zeros removed that do not change a number. `jsonb` prints keys in
/// one order and numbers without exponent, so nothing else is left to choose.
///
/// The first expression is a cheap look for such zeros; the second steps over strings, so that a
/// `"1.0"` stays what it is.
fn json(value: &str) -> String {
    let text = format!("({value})::text");
    let zeros = quoted(r"\.[0-9]*0([],}]|$)");
    let pattern = quoted(r#"("(?:[^"\\]|\\.)*")|(\.[0-9]*[1-9])0+(?![0-9])|\.0+(?![0-9])"#);
    format!(
        "CASE WHEN {text} ~ {zeros} THEN regexp_replace({text}, {pattern}, '\\1\\2', 'g') \
         ELSE {text} END"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_one_kind_are_comparable_whatever_their_exact_type() {
        let array = |class| Class::Array(Box::new(class));
        for (etl, prod, form) in [
            (Class::Integer, Class::Integer, Some(Form::Plain)),
            (Class::Integer, Class::Numeric, Some(Form::Number)),
            (Class::Float, Class::Numeric, Some(Form::Number)),
            (Class::Float, Class::Float, Some(Form::Float)),
            (Class::Timestamp, Class::TimestampTz, Some(Form::Time)),
            (Class::Date, Class::Date, Some(Form::Plain)),
            (Class::Text, Class::Text, Some(Form::Plain)),
            (Class::Text, Class::Integer, None),
            (Class::Json, Class::Text, None),
            (array(Class::Integer), array(Class::Integer), Some(Form::Plain)),
            (array(Class::Numeric), array(Class::Numeric), Some(Form::JsonArray)),
            (array(Class::Numeric), array(Class::Integer), Some(Form::JsonArray)),
            (array(Class::Json), array(Class::Json), Some(Form::JsonArray)),
            (array(Class::Text), Class::Json, None),
        ] {
            assert_eq!(Form::of(&etl, &prod), form, "{etl:?} {prod:?}");
        }
    }
}
