//! What going down destroys: the tables that its steps drop, with the rows in them, told before
//! anything happens.

use std::fmt;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::Step;
use crate::db::Error;

/// Rows up to which a table is counted; a larger one is told by the planner's estimate.
const COUNTED: i64 = 1_000_000;

/// A table that goes, or loses a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Its name, with quotes where it needs them.
    pub table: String,
    /// The column that goes; `None` if the whole table does.
    pub column: Option<String>,
    /// Rows in it.
    pub rows: i64,
    /// Whether they were counted; else `rows` is an estimate.
    pub is_exact: bool,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, column, .. } = self;
        match column {
            None => f.write_str(table),
            Some(column) => write!(f, "{table}, column {column}"),
        }
    }
}

/// What `steps` would take away from the database, tables that hold rows first and the fullest of
/// them at the top.
///
/// # Errors
/// A query fails.
pub async fn losses(connection: &mut PgConnection, steps: &[Step]) -> Result<Vec<Loss>, Error> {
    let mut losses = Vec::new();
    let sql: String = steps.iter().map(|step| without_comments(&step.sql)).collect();
    let dropped: Vec<_> = dropped(&sql).collect();
    for &(table, column) in &dropped {
        if column.is_some() && dropped.contains(&(table, None)) {
            continue;
        }
        let counting = || Error::query(format!("counting the rows of {table}"));
        let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(table)
            .fetch_one(&mut *connection)
            .await
            .map_err(counting())?;
        if !exists {
            continue;
        }
        let sql = format!("SELECT count(*) FROM (SELECT FROM {table} LIMIT {}) t", COUNTED + 1);
        let counted: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await
            .map_err(counting())?;
        let is_exact = counted <= COUNTED;
        let rows = if is_exact { counted } else { estimate(connection, table).await? };
        let column = column.map(str::to_owned);
        losses.push(Loss { table: table.to_owned(), column, rows: rows.max(counted), is_exact });
    }
    losses.sort_by_key(|loss| std::cmp::Reverse(loss.rows));
    Ok(losses)
}

async fn estimate(connection: &mut PgConnection, table: &str) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)")
        .bind(table)
        .fetch_one(connection)
        .await
        .map_err(Error::query(format!("estimating the rows of {table}")))
}

/// The statements without comments on lines of their own.
fn without_comments(sql: &str) -> String {
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Tables and columns of tables that `sql` drops.
fn dropped(sql: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    sql.split(';').map(str::trim).flat_map(|statement| {
        let tables = statement.strip_prefix("DROP TABLE IF EXISTS ").unwrap_or_default();
        let tables = tables.split(',').map(str::trim).filter(|name| !name.is_empty());
        let altered = statement.strip_prefix("ALTER TABLE ").unwrap_or_default();
        let (table, actions) = altered.split_once(' ').unwrap_or_default();
        let columns = actions.split(',').filter_map(move |action| {
            Some((table, Some(action.trim().strip_prefix("DROP COLUMN IF EXISTS ")?)))
        });
        tables.map(|table| (table, None)).chain(columns)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::migrate::MIGRATIONS;

    #[test]
    fn tables_and_columns_that_go_are_named() {
        let sql = "-- why\n-- that\nDROP TABLE IF EXISTS a, \"B\";\nDROP TYPE IF EXISTS t;\n\
                   ALTER TABLE x DROP COLUMN IF EXISTS c, DROP COLUMN IF EXISTS e;\n\
                   DROP TABLE IF EXISTS d;\n";
        let sql = without_comments(sql);
        let named: Vec<_> = dropped(&sql).collect();
        assert_eq!(
            named,
            [("a", None), ("\"B\"", None), ("x", Some("c")), ("x", Some("e")), ("d", None)]
        );
    }

    #[test]
    fn every_table_that_a_migration_drops_is_noticed() {
        for migration in MIGRATIONS {
            let text = migration.down.lines().filter(|line| !line.starts_with("--"));
            let drops = text.filter(|line| line.contains("DROP TABLE")).count();
            let sql = without_comments(migration.down);
            let found = dropped(&sql).filter(|(_, column)| column.is_none()).count();
            assert!(found >= drops, "{}: {found} of {drops}", migration.name);
        }
    }
}
