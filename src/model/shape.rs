//! What the columns of the database in use take: read from its catalog once, at the start.
//!
//! A program that follows another's behaviour refuses the calls that the other's database refused.
//! Which these are depends on the database, not on the program: a NOT NULL that one copy of
//! production has lost, an enum label that another has gained.

use super::{
    table::{AnyRow, TableDef},
    tables::TableId,
    value::{ColumnType, FORM_TEXT, NULL_ELEMENT, NULL_TEXT, ValueRef},
};

/// The tables of the store as a database has them.
#[derive(Clone, Debug)]
pub struct Shape {
    /// In the order of [`TableId::ALL`].
    tables: Vec<TableShape>,
    /// A trigger stores Ethereum's linked wallets in lower case.
    pub lowers_eth_wallets: bool,
}

/// One table.
#[derive(Clone, Debug)]
pub struct TableShape {
    /// In the order of the table's definition.
    pub columns: Vec<ColumnShape>,
    /// Columns of unique keys and indexes beyond the natural key, by position; those that hold for
    /// current rows only are marked.
    pub unique: Vec<UniqueKey>,
}

/// A unique key or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueKey {
    /// Its name in the catalog.
    pub name: String,
    /// Its columns, by position in the table's definition.
    pub columns: Vec<usize>,
    /// It holds among rows with `is_current` alone.
    pub current_only: bool,
}

/// One column.
#[derive(Clone, Debug)]
pub struct ColumnShape {
    /// The database has it.
    pub is_present: bool,
    /// It takes no NULL, and the database puts nothing in the place of one.
    pub is_required: bool,
    /// What it holds.
    pub holds: Holds,
}

/// The values that a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// `smallint`.
    Int2,
    /// `integer`, alone or in an array.
    Int4,
    /// `bigint`.
    Int8,
    /// Text without U+0000, alone or in an array.
    Text,
    /// The same, of this many characters at most, blanks at the end not counted.
    Chars(usize),
    /// One of these labels.
    Labels(Vec<String>),
    /// JSON without U+0000.
    Json,
    /// A timestamp: 4714-11-24 BC to 294276-12-31.
    Time,
    /// Whatever its type can express.
    Anything,
}

/// A value that a column refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Table name.
    pub table: &'static str,
    /// Column name.
    pub column: &'static str,
    /// The rule that it breaks, with the SQLSTATE of the server or the word of its driver.
    pub rule: &'static str,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}: {}", self.table, self.column, self.rule)
    }
}

impl Default for Shape {
    /// Every table as its definition says, nothing required.
    fn default() -> Self {
        let column = |ty: ColumnType| ColumnShape {
            is_present: true,
            is_required: false,
            holds: Holds::of(ty),
        };
        let table = |id: &TableId| TableShape {
            columns: id.def().columns.iter().map(|of| column(of.ty)).collect(),
            unique: Vec::new(),
        };
        let tables = TableId::ALL.iter().map(table).collect();
        Self { tables, lowers_eth_wallets: false }
    }
}

impl Shape {
    /// The shape of a table.
    pub fn table(&self, id: TableId) -> &TableShape {
        &self.tables[id as usize]
    }

    /// The shape of a table, to be changed.
    pub fn table_mut(&mut self, id: TableId) -> &mut TableShape {
        &mut self.tables[id as usize]
    }

    /// The first value of `row` that the database refuses. With `before`, the row that it changes:
    /// only what differs from it is sent.
    pub fn misfit(&self, row: &dyn AnyRow, before: Option<&dyn AnyRow>) -> Option<Misfit> {
        let id = row.table();
        let def: &TableDef = id.def();
        let shapes = &self.table(id).columns;
        def.columns.iter().zip(shapes).enumerate().find_map(|(index, (column, shape))| {
            let value = row.value(index);
            if before.is_some_and(|before| before.value(index).is_same(value)) {
                return None;
            }
            let replaced = column.default.replaces(value);
            let rule = shape.refuses(value, replaced)?;
            Some(Misfit { table: def.name, column: column.name, rule })
        })
    }
}

impl ColumnShape {
    fn refuses(&self, value: ValueRef<'_>, replaced: bool) -> Option<&'static str> {
        match value {
            ValueRef::Null => {
                (self.is_present && self.is_required && !replaced).then_some("NULL (23502)")
            }
            _ if !self.is_present => Some("no such column (42703)"),
            value => self.holds.refuses(value),
        }
    }
}

impl Holds {
    /// What a column of a definition's type holds.
    pub fn of(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Int4 | ColumnType::Int4Array => Self::Int4,
            ColumnType::Int8 => Self::Int8,
            ColumnType::Text | ColumnType::TextArray => Self::Text,
            ColumnType::Enum(_, labels) => {
                Self::Labels(labels.iter().map(|label| (*label).to_owned()).collect())
            }
            ColumnType::Jsonb => Self::Json,
            ColumnType::Timestamp | ColumnType::TimestampTz => Self::Time,
            ColumnType::Bool | ColumnType::Float8 | ColumnType::Bytes | ColumnType::Date => {
                Self::Anything
            }
        }
    }

    fn refuses(&self, value: ValueRef<'_>) -> Option<&'static str> {
        const RANGE: &str = "integer out of range";
        const NUL: &str = "U+0000 in text (22021)";
        match (self, value) {
            (Self::Int2, ValueRef::Int(value)) => i16::try_from(value).err().map(|_| RANGE),
            (Self::Chars(_), ValueRef::Text(text)) if text.contains('\0') => Some(NUL),
            (Self::Chars(most), ValueRef::Text(text)) => {
                let is_longer = text.trim_end_matches(' ').chars().nth(*most).is_some();
                is_longer.then_some("value too long (22001)")
            }
            (Self::Int4, ValueRef::Int(value)) => is_outside_int4(value).then_some(RANGE),
            (Self::Int4, ValueRef::Ints(values)) => {
                let outside = |value: &i64| *value != NULL_ELEMENT && is_outside_int4(*value);
                values.iter().any(outside).then_some(RANGE)
            }
            (Self::Text, ValueRef::Text(text)) => text.contains('\0').then_some(NUL),
            (Self::Text, ValueRef::Texts(texts)) => {
                // What keeps the form of an array that somebody else wrote is no text of it.
                let is_form = |text: &str| text == NULL_TEXT || text.starts_with(FORM_TEXT);
                texts.iter().any(|text| text.contains('\0') && !is_form(text)).then_some(NUL)
            }
            (Self::Labels(labels), ValueRef::Text(text)) => {
                (!labels.iter().any(|label| label == text)).then_some("no such label (22P02)")
            }
            (Self::Json, ValueRef::Json(json)) => json
                .json_storable()
                .is_err()
                .then_some("U+0000 in JSON, or too deep (22P05, 54001)"),
            (Self::Time, ValueRef::Time(time)) => {
                (!time.is_storable()).then_some("timestamp out of range (22008)")
            }
            _ => None,
        }
    }
}

/// Whether a number is outside of `integer`.
fn is_outside_int4(value: i64) -> bool {
    i32::try_from(value).is_err()
}
