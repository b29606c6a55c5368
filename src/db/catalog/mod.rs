//! The database as its catalog describes it: read once at the start, into one description that
//! whoever reads or writes rows goes by.
//!
//! Only what the search path shows is described, as an unqualified name in a statement would find
//! it.

mod drift;
mod read;
mod shape;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sqlx::postgres::PgConnection;

use super::Error;
use crate::model::Shape;

/// Tables whose triggers derive rows from entity rows, where there are any.
const DERIVED_FROM: &[&str] = &["follows", "saves", "reposts", "tracks"];

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
    /// Migrations of this program made the tables of the entities.
    is_ours: bool,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// A view or a foreign table: it can be read, and not written as tables are.
    pub(crate) is_view: bool,
    pub(crate) columns: FxHashMap<String, Column>,
    pub(crate) unique: Vec<UniqueIndex>,
    pub(crate) triggers: Vec<Trigger>,
    /// Constraints and constraint triggers that wait for the end of the transaction, by name.
    pub(crate) deferred: Vec<String>,
}

/// A trigger.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    /// Its name.
    pub(crate) name: String,
    /// The function that it calls.
    pub(crate) function: String,
    /// It runs for every row.
    pub(crate) for_each_row: bool,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its type, or the one below its domain.
    pub(crate) type_oid: u32,
    /// The type as SQL writes it, with its modifiers.
    pub(crate) type_name: String,
    /// The name in `pg_type` of the type, or of the one below its domain.
    pub(crate) base_type: String,
    /// The same of the elements of an array, and whether they are of an enum.
    pub(crate) element: Option<(String, bool)>,
    /// The labels of an enum.
    pub(crate) labels: Option<Arc<[String]>>,
    /// Characters at most, of a `varchar(n)`.
    pub(crate) most_chars: Option<usize>,
    /// It takes no NULL.
    pub(crate) not_null: bool,
    /// The database fills it when a statement leaves it out.
    pub(crate) is_filled: bool,
    /// The database itself numbers the rows with it, or computes it from other columns.
    pub(crate) is_own: bool,
}

impl Column {
    /// A row cannot be inserted without a value for it.
    pub(crate) const fn is_demanded(&self) -> bool {
        self.not_null && !self.is_filled
    }
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
        read::catalog(connection).await.map_err(Error::query("reading the catalog"))
    }

    /// The same without a word for what failed.
    ///
    /// # Errors
    /// When a query fails.
    pub(crate) async fn ask(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        read::catalog(connection).await
    }

    /// The table called `name`; a view is none.
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).filter(|table| !table.is_view)
    }

    /// The table or view called `name`.
    pub(crate) fn relation(&self, name: &str) -> Option<&Table> {
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

    /// Whether the database has production's triggers that derive rows from entity rows.
    pub fn has_deriving_triggers(&self) -> bool {
        let tables = DERIVED_FROM.iter().filter_map(|name| self.table(name));
        tables
            .flat_map(|table| &table.triggers)
            .any(|trigger| trigger.for_each_row && trigger.function.starts_with("handle_"))
    }

    /// Whether the table has the trigger.
    pub(crate) fn has_trigger(&self, table: &str, name: &str) -> bool {
        let table = self.table(table);
        table.is_some_and(|table| table.triggers.iter().any(|trigger| trigger.name == name))
    }

    /// Whether something fires for every row that is written to the table.
    pub(crate) fn has_row_triggers(&self, table: &str) -> bool {
        let table = self.table(table);
        table.is_some_and(|table| table.triggers.iter().any(|trigger| trigger.for_each_row))
    }

    /// The tables with a trigger that tells listeners of their rows, in alphabetical order.
    pub fn tables_that_notify(&self) -> Vec<&str> {
        let notifies = |trigger: &Trigger| {
            trigger.function.starts_with("notify_") || trigger.function == "on_new_row"
        };
        let tables = self.tables.iter().filter(|(_, table)| table.triggers.iter().any(notifies));
        let mut names: Vec<&str> = tables.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The constraints of the table that wait for the end of the transaction.
    pub(crate) fn deferred(&self, table: &str) -> impl Iterator<Item = &str> {
        self.table(table).into_iter().flat_map(|table| &table.deferred).map(String::as_str)
    }

    /// Whether this program made the tables of the entities, so that nobody else counts on them.
    pub const fn is_ours(&self) -> bool {
        self.is_ours
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
