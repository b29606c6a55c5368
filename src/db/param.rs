//! Parameters of statements in PostgreSQL's binary form: arrays of keys, and times.

use sqlx::{
    Postgres,
    encode::{Encode, IsNull},
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, types::Oid},
};

use super::codec::{Encoder, Misfit, Wire};
use crate::model::{Timestamp, key::KeyPart, value::ValueRef};

/// An array parameter, encoded element by element: the keys of one statement.
#[derive(Debug)]
pub(crate) struct ArrayParam {
    element: Wire,
    elements: Encoder,
    count: usize,
}

impl ArrayParam {
    /// Integers travel as `bigint[]` whatever the column is: a key beyond its range matches
    /// nothing instead of failing, and indexes serve both.
    pub(crate) fn new(column: Wire, capacity: usize) -> Self {
        let element = match column {
            Wire::Int2 | Wire::Int4 => Wire::Int8,
            other => other,
        };
        let mut elements = Encoder::default();
        elements.out.reserve(capacity * 12);
        Self { element, elements, count: 0 }
    }

    /// Same, but cleaning texts as the rows were cleaned.
    pub(crate) fn sanitizing(mut self, sanitize: bool) -> Self {
        self.elements.sanitize = sanitize;
        self
    }

    pub(crate) fn push(&mut self, part: &KeyPart) -> Result<(), Misfit> {
        let value = match (part, self.element) {
            (KeyPart::Text(text), _) => ValueRef::Text(text),
            (KeyPart::Int(value), Wire::Bool) => ValueRef::Bool(*value != 0),
            (KeyPart::Int(value), Wire::Timestamp | Wire::Date) => {
                ValueRef::Time(Timestamp::from_micros(*value))
            }
            (KeyPart::Int(value), _) => ValueRef::Int(*value),
        };
        self.elements.field(self.element, value)?;
        self.count += 1;
        Ok(())
    }

    /// The SQL type that the parameter is cast to.
    pub(crate) const fn sql(column: Wire) -> &'static str {
        match column {
            Wire::Bool => "bool[]",
            Wire::Timestamp => "timestamp[]",
            Wire::Date => "date[]",
            Wire::Text => "text[]",
            _ => "int8[]",
        }
    }

    const fn oids(&self) -> (u32, u32) {
        match self.element {
            Wire::Bool => (16, 1000),
            Wire::Timestamp => (1114, 1115),
            Wire::Date => (1082, 1182),
            Wire::Text => (25, 1009),
            _ => (20, 1016),
        }
    }
}

impl sqlx::Type<Postgres> for ArrayParam {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1016))
    }
}

impl Encode<'_, Postgres> for ArrayParam {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let mut header = Encoder::default();
        header.array_header(self.count, self.oids().0, false)?;
        buffer.extend_from_slice(header.bytes());
        buffer.extend_from_slice(self.elements.bytes());
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.oids().1)))
    }

    fn size_hint(&self) -> usize {
        self.elements.bytes().len() + 20
    }
}

/// A single timestamp parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeParam(pub(crate) Timestamp);

impl sqlx::Type<Postgres> for TimeParam {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1114))
    }
}

impl Encode<'_, Postgres> for TimeParam {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0.since_2000().to_be_bytes());
        Ok(IsNull::No)
    }
}
