//! Writes rows of one table in the format of `COPY … (FORMAT BINARY)`.

use crate::{
    db::{
        codec::Encoder,
        layout::{ColumnLayout, TableLayout},
    },
    model::{Json, Timestamp, value::ValueRef},
    writer::Error,
};

/// Signature, flags and header extension of a binary copy.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Field count that marks the end.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// The rows of one copy, growing.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    layout: &'a TableLayout,
    encoder: Encoder,
    /// Columns that the database has.
    fields: i16,
    count: u64,
    /// Column that the next value goes to; past the end when the row is complete.
    column: usize,
    problem: Option<Error>,
}

impl<'a> Rows<'a> {
    /// `encoder` is an empty one, possibly with room from an earlier run.
    pub(super) fn new(layout: &'a TableLayout, mut encoder: Encoder) -> Self {
        encoder.push(HEADER);
        let fields = i16::try_from(layout.present().count()).unwrap_or(i16::MAX);
        Self { layout, encoder, fields, count: 0, column: layout.columns.len(), problem: None }
    }

    /// Begins a row; as many values as the table has columns must follow.
    pub(super) fn row(&mut self) -> &mut Self {
        debug_assert_eq!(self.column, self.layout.columns.len(), "{}", self.layout.name);
        self.encoder.push(&self.fields.to_be_bytes());
        self.count += 1;
        self.column = 0;
        self
    }

    /// The next value of the row.
    pub(super) fn value(&mut self, value: ValueRef<'_>) -> &mut Self {
        let Some(ColumnLayout { name, wire, is_present, .. }) =
            self.layout.columns.get(self.column)
        else {
            return self;
        };
        self.column += 1;
        if !is_present {
            return self;
        }
        if let Err(misfit) = self.encoder.field(*wire, value) {
            let (table, column) = (self.layout.name, *name);
            self.problem.get_or_insert(Error::Encode { table, column, problem: misfit.0 });
        }
        self
    }

    pub(super) fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        self.value(ValueRef::Int(value.into()))
    }

    pub(super) fn maybe_int(&mut self, value: Option<i64>) -> &mut Self {
        self.value(value.map_or(ValueRef::Null, ValueRef::Int))
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.value(ValueRef::Text(value))
    }

    pub(super) fn maybe_text(&mut self, value: Option<&str>) -> &mut Self {
        self.value(value.map_or(ValueRef::Null, ValueRef::Text))
    }

    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.value(ValueRef::Bytes(value))
    }

    pub(super) fn time(&mut self, value: Timestamp) -> &mut Self {
        self.value(ValueRef::Time(value))
    }

    pub(super) fn json(&mut self, value: Option<&Json>) -> &mut Self {
        self.value(value.map_or(ValueRef::Null, ValueRef::Json))
    }

    /// Ends the copy: its bytes and the number of rows.
    pub(super) fn finish(mut self) -> Result<(Encoder, u64), Error> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        self.encoder.push(&TRAILER);
        Ok((self.encoder, self.count))
    }
}
