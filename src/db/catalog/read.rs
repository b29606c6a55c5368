//! The queries.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sqlx::{
    Row as _,
    postgres::{PgConnection, PgRow, types::Oid},
};

use super::{Catalog, Column, Trigger, UniqueIndex};

/// Tables and views as an unqualified name finds them.
const VISIBLE: &str = "c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' \
    AND c.relnamespace <> 'pg_catalog'::regnamespace \
    AND c.relnamespace <> 'information_schema'::regnamespace AND pg_table_is_visible(c.oid)";

/// Bytes that a type modifier counts beyond the characters of a `varchar(n)`.
const VARCHAR_HEADER: i32 = 4;

pub(super) async fn catalog(connection: &mut PgConnection) -> Result<Catalog, sqlx::Error> {
    let labels = labels(connection).await?;
    let mut catalog = Catalog::default();
    for row in rows(connection, COLUMNS).await? {
        let (table, name, column) = column(&row, &labels)?;
        let table = catalog.tables.entry(table).or_default();
        table.is_view = row.try_get("is_view")?;
        table.columns.insert(name, column);
    }
    for row in rows(connection, UNIQUE).await? {
        let (table, index) = unique_index(&row)?;
        if let Some(table) = catalog.tables.get_mut(&table) {
            table.unique.extend(index);
        }
    }
    for row in rows(connection, TRIGGERS).await? {
        if let Some(table) = catalog.tables.get_mut(row.try_get::<&str, _>("table_name")?) {
            table.triggers.push(Trigger {
                name: row.try_get("name")?,
                function: row.try_get("function")?,
                for_each_row: row.try_get("each_row")?,
            });
        }
    }
    for row in rows(connection, DEFERRED).await? {
        if let Some(table) = catalog.tables.get_mut(row.try_get::<&str, _>("table_name")?) {
            table.deferred.push(row.try_get("name")?);
        }
    }
    catalog.is_ours = is_ours(connection, &catalog).await?;
    Ok(catalog)
}

/// Whether a migration is recorded to have made `users`. A role that may not read the record only
/// compares, to which it makes no difference.
async fn is_ours(connection: &mut PgConnection, catalog: &Catalog) -> Result<bool, sqlx::Error> {
    if !catalog.has_column("audius_etl_migrations", "created") {
        return Ok(false);
    }
    let is_readable = "SELECT has_table_privilege('audius_etl_migrations', 'SELECT')";
    let is_readable = sqlx::query_scalar::<_, bool>(is_readable).persistent(false);
    if !is_readable.fetch_one(&mut *connection).await? {
        return Ok(false);
    }
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM audius_etl_migrations WHERE 'table users' = ANY(created))",
    )
    .persistent(false)
    .fetch_one(connection)
    .await
}

async fn rows(connection: &mut PgConnection, sql: &'static str) -> Result<Vec<PgRow>, sqlx::Error> {
    let sql = sql.replace("$visible", VISIBLE);
    // Run once: a name for the statement would only be in the way of a pooler's next client.
    sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(false).fetch_all(connection).await
}

const COLUMNS: &str = "\
    SELECT c.relname::text AS table_name, c.relkind NOT IN ('r', 'p') AS is_view, \
        a.attname::text AS name, coalesce(b.oid, t.oid) AS type_oid, \
        coalesce(b.typname, t.typname)::text AS base_type, \
        format_type(a.atttypid, a.atttypmod) AS type_name, \
        e.typname::text AS element, coalesce(e.typtype = 'e', false) AS element_is_enum, \
        CASE WHEN t.oid = 'varchar'::regtype AND a.atttypmod > 0 THEN a.atttypmod END AS typmod, \
        a.attnotnull OR t.typnotnull AS not_null, \
        a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL AS is_filled, \
        a.attgenerated <> '' OR a.attidentity <> '' \
            OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) AS is_own \
    FROM pg_class c \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    JOIN pg_type t ON t.oid = a.atttypid \
    LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd' \
    LEFT JOIN pg_type e ON e.oid = coalesce(b.typelem, t.typelem) \
        AND coalesce(b.typcategory, t.typcategory) = 'A' \
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE $visible";

/// Valid ones over plain columns; those of an expression come without names.
const UNIQUE: &str = "\
    SELECT c.relname::text AS table_name, x.relname::text AS name, \
        pg_get_expr(i.indpred, i.indrelid) AS predicate, \
        ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n) \
              LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
                  AND k.attnum > 0 \
              WHERE k.n <= i.indnkeyatts ORDER BY k.n) AS columns \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
    JOIN pg_class x ON x.oid = i.indexrelid \
    WHERE i.indisunique AND i.indisvalid AND $visible ORDER BY x.relname";

/// Those that may fire for a writer: not the server's own, and not switched off.
const TRIGGERS: &str = "\
    SELECT c.relname::text AS table_name, g.tgname::text AS name, p.proname::text AS function, \
        g.tgtype & 1 = 1 AS each_row \
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid \
    WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND $visible";

const DEFERRED: &str = "\
    SELECT c.relname::text AS table_name, k.conname::text AS name \
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
    WHERE k.condeferred AND $visible ORDER BY k.conname";

type Labels = FxHashMap<u32, Arc<[String]>>;

async fn labels(connection: &mut PgConnection) -> Result<Labels, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT enumtypid, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels \
         FROM pg_enum GROUP BY enumtypid",
    )
    .persistent(false)
    .fetch_all(connection)
    .await?;
    let of_type = |row: &PgRow| {
        let oid: Oid = row.try_get("enumtypid")?;
        let labels: Vec<String> = row.try_get("labels")?;
        Ok((oid.0, labels.into()))
    };
    rows.iter().map(of_type).collect()
}

fn column(row: &PgRow, labels: &Labels) -> Result<(String, String, Column), sqlx::Error> {
    let oid: Oid = row.try_get("type_oid")?;
    let typmod: Option<i32> = row.try_get("typmod")?;
    let element: Option<String> = row.try_get("element")?;
    let element_is_enum: bool = row.try_get("element_is_enum")?;
    let column = Column {
        type_oid: oid.0,
        type_name: row.try_get("type_name")?,
        base_type: row.try_get("base_type")?,
        element: element.map(|name| (name, element_is_enum)),
        labels: labels.get(&oid.0).cloned(),
        most_chars: typmod.and_then(|typmod| usize::try_from(typmod - VARCHAR_HEADER).ok()),
        not_null: row.try_get("not_null")?,
        is_filled: row.try_get("is_filled")?,
        is_own: row.try_get("is_own")?,
    };
    Ok((row.try_get("table_name")?, row.try_get("name")?, column))
}

/// `None` for an index that says nothing about rows as the program knows them: over an expression,
/// or for a part of the rows that it has no word for.
fn unique_index(row: &PgRow) -> Result<(String, Option<UniqueIndex>), sqlx::Error> {
    let columns: Vec<Option<String>> = row.try_get("columns")?;
    let predicate: Option<String> = row.try_get("predicate")?;
    let current_only = match predicate.as_deref() {
        None => Some(false),
        Some("is_current" | "(is_current)" | "(is_current = true)" | "(is_current IS TRUE)") => {
            Some(true)
        }
        Some(_) => None,
    };
    let index = match (current_only, columns.into_iter().collect::<Option<Vec<_>>>()) {
        (Some(current_only), Some(columns)) => {
            Some(UniqueIndex { name: row.try_get("name")?, columns, current_only })
        }
        _ => None,
    };
    Ok((row.try_get("table_name")?, index))
}
