//! The database as its catalog describes it: read once at the start, into one description that
//! whoever reads or writes rows goes by.
//!
//! Only what the search path shows is described, as an unqualified name in a statement would find
//! it.

mod read;
mod shape;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sqlx::postgres::PgConnection;

use super::Error;
use crate::model::Shape;

/// Columns that a record has and a database may lack: read as NULL there, and not written. Every
/// other column that is missing is an error.
///
/// - `blocks.is_current`: production dropped it in 2026.
/// - Times of associated wallets: the Go indexer's own schema alone has them.
/// - `users.last_active_at`: production alone has it.
const OPTIONAL: &[(&str, &str)] = &[
    ("blocks", "is_current"),
    ("associated_wallets", "created_at"),
    ("associated_wallets", "updated_at"),
    ("users", "last_active_at"),
];

/// The tables of a database, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    tables: FxHashMap<String, Table>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) columns: FxHashMap<String, Column>,
    pub(crate) unique: Vec<UniqueIndex>,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its type, or the one below its domain.
    pub(crate) type_oid: u32,
    /// The type's name.
    pub(crate) type_name: String,
    /// The labels of an enum.
    pub(crate) labels: Option<Arc<[String]>>,
    /// Characters at most, of a `varchar(n)`.
    pub(crate) most_chars: Option<usize>,
    /// It takes no NULL.
    pub(crate) not_null: bool,
    /// The database fills it when a statement leaves it out.
    pub(crate) is_filled: bool,
}

/// A unique key or index over plain columns.
#[derive(Clone, Debug)]
pub(crate) struct UniqueIndex {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// It holds among rows with `is_current` alone.
    pub(crate) current_only: bool,
}

impl Catalog {
    /// Reads the tables that the search path shows.
    ///
    /// # Errors
    /// When a query fails.
    pub async fn read(connection: &mut PgConnection) -> Result<Self, Error> {
        read::catalog(connection).await
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Whether the table has the column.
    pub(crate) fn has_column(&self, table: &str, column: &str) -> bool {
        self.table(table).is_some_and(|table| table.columns.contains_key(column))
    }

    /// Whether the column takes no NULL.
    pub(crate) fn is_not_null(&self, table: &str, column: &str) -> bool {
        let column = self.table(table).and_then(|table| table.columns.get(column));
        column.is_some_and(|column| column.not_null)
    }

    /// What the columns of the store's tables take.
    pub fn shape(&self) -> Arc<Shape> {
        Arc::new(shape::of(self))
    }
}

/// Reads what the columns of the store's tables take.
///
/// # Errors
/// When a query fails.
pub async fn shape(connection: &mut PgConnection) -> Result<Arc<Shape>, Error> {
    Ok(Catalog::read(connection).await?.shape())
}

/// Whether a database may lack a column.
pub(crate) fn is_optional(table: &str, column: &str) -> bool {
    OPTIONAL.contains(&(table, column))
}
