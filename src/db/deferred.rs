//! Secondary indexes during an initial sync: taken away while the database is empty, built again
//! once the chain is caught up (design section 3, Initial sync).
//!
//! Rows go in several times faster without the indexes that only readers use. What is taken away is
//! noted in `audius_etl_deferred_indexes` by the transaction that drops it, and the note goes with
//! the transaction that builds it again, so a process that is killed in between leaves either the
//! index or its note.
//!
//! **Invariant:** only indexes that the migrations of this program made are ever dropped, and only
//! on a database where they found nothing of anybody else's.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use rustc_hash::FxHashSet;
use sqlx::{
    AssertSqlSafe, Connection as _, Row as _,
    postgres::{PgConnection, PgRow},
};

use super::{
    Database, Error,
    migrate::{MIGRATIONS, Migrator, State},
};
use crate::model::{
    table::{LookupPart, TableDef},
    tables::TableId,
};

/// Columns of raw tables by which the writer itself looks rows up (duplicates, SLA counts,
/// rollback, the next slot): one index that starts with such a column stays.
const WRITER_COLUMNS: &[&str] =
    &["blockhash", "block_height", "block_time", "chain_id", "height", "number", "slot", "tx_hash"];

/// For the transaction that builds an index: it takes as long as it takes, and sorts in memory.
const BUILDING: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
                        SET LOCAL maintenance_work_mem = '256MB'";

/// An index that is to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeferredIndex {
    /// Its name.
    pub name: String,
    /// The table it belongs to.
    pub table: String,
    /// `CREATE INDEX …`, as the server wrote it down.
    definition: String,
}

/// A secondary index as the catalog has it.
struct Candidate {
    index: DeferredIndex,
    /// Its first column; `None` for an expression.
    leading: Option<String>,
}

/// Takes away the secondary indexes that neither the loader nor the writer uses; returns how many.
/// None on a database where a migration found objects of somebody else's. The caller holds the
/// writer lock and has made sure that nothing was indexed yet.
///
/// # Errors
/// When a statement fails; then every index is still there.
pub async fn defer(database: &Database) -> Result<usize, Error> {
    let deferring = || Error::query("taking secondary indexes away for the initial sync");
    let mut connection = database.connect().await?;
    let states = Migrator::default().status(&mut connection).await?;
    if states.iter().any(|status| status.state != State::Applied) {
        return Ok(0);
    }
    let mut transaction = connection.begin().await.map_err(deferring())?;
    let indexes = unused(candidates(&mut transaction).await?);
    for DeferredIndex { name, table, definition } in &indexes {
        sqlx::query(
            "INSERT INTO audius_etl_deferred_indexes (name, table_name, definition) \
             VALUES ($1, $2, $3)",
        )
        .bind(name)
        .bind(table)
        .bind(definition)
        .execute(&mut *transaction)
        .await
        .map_err(deferring())?;
        sqlx::raw_sql(AssertSqlSafe(format!("DROP INDEX \"{name}\"")))
            .execute(&mut *transaction)
            .await
            .map_err(deferring())?;
    }
    transaction.commit().await.map_err(deferring())?;
    connection.close().await.map_err(deferring())?;
    Ok(indexes.len())
}

/// The indexes that are to be built, table by table: its pages are then still in memory for the
/// next one.
///
/// # Errors
/// When the query fails.
pub async fn pending(connection: &mut PgConnection) -> Result<Vec<DeferredIndex>, Error> {
    let reading = || Error::query("reading which indexes are to be built");
    // An index whose table is gone (a migration was taken back) has nothing to be built on.
    sqlx::query("DELETE FROM audius_etl_deferred_indexes WHERE to_regclass(table_name) IS NULL")
        .execute(&mut *connection)
        .await
        .map_err(reading())?;
    let rows = sqlx::query(
        "SELECT name, table_name, definition FROM audius_etl_deferred_indexes \
         ORDER BY table_name, name",
    )
    .fetch_all(connection)
    .await
    .map_err(reading())?;
    rows.iter().map(deferred).collect::<Result<_, _>>().map_err(reading())
}

/// Builds one index and takes it off the list, in one transaction.
///
/// # Errors
/// When the server refuses it; it stays on the list.
pub async fn build(connection: &mut PgConnection, index: &DeferredIndex) -> Result<(), Error> {
    let building = || Error::query(format!("building index {} on {}", index.name, index.table));
    let mut transaction = connection.begin().await.map_err(building())?;
    sqlx::raw_sql(BUILDING).execute(&mut *transaction).await.map_err(building())?;
    let create = index.definition.replacen("INDEX ", "INDEX IF NOT EXISTS ", 1);
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *transaction).await.map_err(building())?;
    // Somebody may have made one of that name in the meantime, and left it half built.
    let valid: Option<bool> =
        sqlx::query_scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)")
            .bind(&index.name)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(building())?;
    if valid != Some(true) {
        return Err(Error::Schema(super::SchemaProblem::InvalidIndex {
            index: index.name.clone(),
        }));
    }
    sqlx::query("DELETE FROM audius_etl_deferred_indexes WHERE name = $1")
        .bind(&index.name)
        .execute(&mut *transaction)
        .await
        .map_err(building())?;
    transaction.commit().await.map_err(building())
}

/// Secondary indexes of the current schema that the migrations made.
async fn candidates(connection: &mut PgConnection) -> Result<Vec<Candidate>, Error> {
    let reading = || Error::query("reading the secondary indexes");
    let rows = sqlx::query(
        "SELECT c.relname::text AS name, t.relname::text AS table_name, \
                pg_get_indexdef(i.indexrelid) AS definition, a.attname::text AS leading \
         FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' \
         JOIN pg_class t ON t.oid = i.indrelid AND t.relkind = 'r' \
         LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             AND a.attnum > 0 \
         WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisunique \
             AND i.indisvalid AND NOT EXISTS ( \
                 SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid \
                     AND deptype = 'i') \
         ORDER BY t.relname, i.indnatts, c.relname",
    )
    .fetch_all(connection)
    .await
    .map_err(reading())?;
    let candidate =
        |row: &PgRow| Ok(Candidate { index: deferred(row)?, leading: row.try_get("leading")? });
    let found: Vec<Candidate> =
        rows.iter().map(candidate).collect::<Result<_, sqlx::Error>>().map_err(reading())?;
    let ours = names_in_migrations();
    Ok(found.into_iter().filter(|found| ours.contains(&found.index.name)).collect())
}

fn deferred(row: &PgRow) -> Result<DeferredIndex, sqlx::Error> {
    Ok(DeferredIndex {
        name: row.try_get("name")?,
        table: row.try_get("table_name")?,
        definition: row.try_get("definition")?,
    })
}

/// Names of the indexes that the migrations create for readers. Those with the program's own prefix
/// serve its own lookups.
fn names_in_migrations() -> BTreeSet<String> {
    static CREATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\bCREATE INDEX(?: IF NOT EXISTS)?\s+(\w+)")
            .expect("the pattern is a constant")
    });
    MIGRATIONS
        .iter()
        .flat_map(|migration| CREATE.captures_iter(migration.up))
        .map(|found| found[1].to_owned())
        .filter(|name| !name.starts_with("audius_etl_"))
        .collect()
}

/// Those of the candidates that nobody but readers uses.
fn unused(candidates: Vec<Candidate>) -> Vec<DeferredIndex> {
    let mut kept = FxHashSet::default();
    let needed = |candidate: &Candidate| {
        let DeferredIndex { table, .. } = &candidate.index;
        let mut defs = TableId::of_name(table).map(TableId::def).peekable();
        match (defs.peek().is_some(), &candidate.leading) {
            // Lookups are by expressions, too.
            (true, None) => true,
            (true, Some(column)) if defs.any(|def| is_looked_up(def, column)) => true,
            (false, None) => false,
            // The narrowest index of a column comes first and is enough.
            (_, Some(column)) => {
                WRITER_COLUMNS.contains(&column.as_str())
                    && kept.insert((table.clone(), column.clone()))
            }
        }
    };
    let (_needed, unused): (Vec<_>, Vec<_>) = candidates.into_iter().partition(needed);
    unused.into_iter().map(|candidate| candidate.index).collect()
}

/// Whether rows are loaded, replaced or deleted by this column.
fn is_looked_up(def: &TableDef, column: &str) -> bool {
    let in_key = def.key.iter().any(|position| def.columns[*position].name == column);
    let mut parts = def.lookups.iter().flat_map(|lookup| &lookup.parts);
    in_key
        || parts.any(|(part, _)| match part {
            LookupPart::Column(name) | LookupPart::Lower(name) => *name == column,
            LookupPart::Derived { .. } => false,
        })
}
