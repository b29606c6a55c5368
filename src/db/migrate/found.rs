//! What a database has, as far as planning a migration asks. Planning keeps it up to date with what
//! it has planned.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::statement::bare_key;
use crate::db::Error;

/// Prefix of what belongs to this program whoever made the rest.
pub(super) const OWN_PREFIX: &str = "audius_etl_";

/// The objects of the current schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Columns by table.
    pub(super) tables: BTreeMap<String, BTreeSet<String>>,
    /// Tables and columns (`column on table`) that migrations of this program made.
    pub(super) made: BTreeSet<String>,
    /// Labels by enumeration.
    pub(super) types: BTreeMap<String, Vec<String>>,
    pub(super) indexes: BTreeMap<String, FoundIndex>,
    pub(super) functions: BTreeSet<String>,
    /// `trigger on table`.
    pub(super) triggers: BTreeSet<String>,
    pub(super) views: BTreeSet<String>,
}

/// An index.
#[derive(Clone, Debug)]
pub(super) struct FoundIndex {
    pub(super) table: String,
    pub(super) is_valid: bool,
    /// Columns and expressions of a tree over all rows, as [`bare_key`] has them.
    pub(super) plain_keys: Option<Vec<String>>,
}

impl Found {
    /// Reads the catalog; `created` is what the records of applied migrations name.
    pub(super) async fn read(
        connection: &mut PgConnection,
        created: impl IntoIterator<Item = String>,
    ) -> Result<Self, Error> {
        let reading = || Error::query("reading what the database has");
        let mut found = Self::default();
        for object in created {
            if let Some(table) = object.strip_prefix("table ") {
                found.made.insert(table.to_owned());
            } else if let Some(column) = object.strip_prefix("column ") {
                found.made.insert(column.to_lowercase().replace(" ON ", " on "));
            }
        }
        for (table, column) in pairs(connection, COLUMNS).await.map_err(reading())? {
            found.tables.entry(table).or_default().insert(column);
        }
        for (name, label) in pairs(connection, LABELS).await.map_err(reading())? {
            found.types.entry(name).or_default().push(label);
        }
        for (kind, name) in pairs(connection, NAMES).await.map_err(reading())? {
            let of_kind = match kind.as_str() {
                "function" => &mut found.functions,
                "trigger" => &mut found.triggers,
                _ => &mut found.views,
            };
            of_kind.insert(name);
        }
        let indexes = sqlx::query(INDEXES).fetch_all(connection).await.map_err(reading())?;
        found.indexes =
            indexes.iter().map(index).collect::<Result<_, sqlx::Error>>().map_err(reading())?;
        Ok(found)
    }

    /// Whether this program made the table, so that it may change it.
    pub(super) fn is_ours(&self, table: &str) -> bool {
        table.starts_with(OWN_PREFIX) || self.made.contains(table)
    }

    /// Whether somebody else made the table.
    pub(super) fn is_theirs(&self, table: &str) -> bool {
        self.tables.contains_key(table) && !self.is_ours(table)
    }

    /// Whether the table has the column.
    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.contains(column))
    }

    /// Whether somebody else's table has the column, and not because a migration added it.
    pub(super) fn had_column(&self, table: &str, column: &str) -> bool {
        self.is_theirs(table)
            && self.has_column(table, column)
            && !self.made.contains(&format!("{column} on {table}"))
    }

    /// Whether a valid index other than `name` serves all that one on these columns would.
    pub(super) fn is_served(&self, name: &str, table: &str, keys: &[String]) -> bool {
        self.indexes.iter().any(|(other, index)| {
            let serves = || index.plain_keys.as_ref().is_some_and(|has| has.starts_with(keys));
            other != name && index.table == table && index.is_valid && serves()
        })
    }
}

const COLUMNS: &str = "\
    SELECT relname::text, attname::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid \
        AND attnum > 0 AND NOT attisdropped \
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')";

const LABELS: &str = "\
    SELECT typname::text, enumlabel::text FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid \
    WHERE typnamespace = current_schema()::regnamespace ORDER BY enumtypid, enumsortorder";

const NAMES: &str = "\
    SELECT 'function', proname::text FROM pg_proc \
    WHERE pronamespace = current_schema()::regnamespace \
    UNION ALL SELECT 'trigger', tgname || ' on ' || relname \
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid \
    WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal \
    UNION ALL SELECT 'view', relname::text FROM pg_class \
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('m', 'v', 'f')";

const INDEXES: &str = "\
    SELECT x.relname::text AS name, c.relname::text AS table_name, i.indisvalid AS is_valid, \
        CASE WHEN i.indpred IS NULL AND m.amname = 'btree' THEN \
            ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) \
                  FROM generate_series(1, i.indnkeyatts::int) AS k ORDER BY k) END AS keys \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid \
    JOIN pg_am m ON m.oid = x.relam WHERE c.relnamespace = current_schema()::regnamespace";

async fn pairs(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(sql).fetch_all(connection).await
}

fn index(row: &PgRow) -> Result<(String, FoundIndex), sqlx::Error> {
    let keys: Option<Vec<String>> = row.try_get("keys")?;
    let index = FoundIndex {
        table: row.try_get("table_name")?,
        is_valid: row.try_get("is_valid")?,
        plain_keys: keys.map(|keys| keys.iter().map(|key| bare_key(key)).collect()),
    };
    Ok((row.try_get("name")?, index))
}
