//! The queries.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sqlx::{
    Row as _,
    postgres::{PgConnection, PgRow, types::Oid},
};

use super::{Catalog, Column, Table, UniqueIndex};
use crate::db::Error;

/// Tables as an unqualified name finds them.
const VISIBLE: &str = "c.relkind IN ('r', 'p') AND c.relpersistence <> 't' \
    AND c.relnamespace <> 'pg_catalog'::regnamespace \
    AND c.relnamespace <> 'information_schema'::regnamespace AND pg_table_is_visible(c.oid)";

/// Bytes that a type modifier counts beyond the characters of a `varchar(n)`.
const VARCHAR_HEADER: i32 = 4;

pub(super) async fn catalog(connection: &mut PgConnection) -> Result<Catalog, Error> {
    let reading = || Error::query("reading the catalog");
    let labels = labels(connection).await.map_err(reading())?;
    let mut catalog = Catalog::default();
    for row in columns(connection).await.map_err(reading())? {
        let (table, name, column) = column(&row, &labels).map_err(reading())?;
        catalog.tables.entry(table).or_insert_with(Table::default).columns.insert(name, column);
    }
    for row in unique_indexes(connection).await.map_err(reading())? {
        let (table, index) = unique_index(&row).map_err(reading())?;
        if let Some(table) = catalog.tables.get_mut(&table) {
            table.unique.extend(index);
        }
    }
    Ok(catalog)
}

type Labels = FxHashMap<u32, Arc<[String]>>;

async fn labels(connection: &mut PgConnection) -> Result<Labels, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT enumtypid, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels \
         FROM pg_enum GROUP BY enumtypid",
    )
    .fetch_all(connection)
    .await?;
    let of_type = |row: &PgRow| {
        let oid: Oid = row.try_get("enumtypid")?;
        let labels: Vec<String> = row.try_get("labels")?;
        Ok((oid.0, labels.into()))
    };
    rows.iter().map(of_type).collect()
}

async fn columns(connection: &mut PgConnection) -> Result<Vec<PgRow>, sqlx::Error> {
    let sql = format!(
        "SELECT c.relname::text AS table_name, a.attname::text AS name, \
                coalesce(b.oid, t.oid) AS type_oid, format_type(a.atttypid, NULL) AS type_name, \
                CASE WHEN t.oid = 'varchar'::regtype AND a.atttypmod > 0 THEN a.atttypmod END \
                    AS typmod, \
                a.attnotnull OR t.typnotnull AS not_null, \
                a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL AS is_filled \
         FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         JOIN pg_type t ON t.oid = a.atttypid \
         LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd' \
         WHERE {VISIBLE}"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await
}

fn column(row: &PgRow, labels: &Labels) -> Result<(String, String, Column), sqlx::Error> {
    let oid: Oid = row.try_get("type_oid")?;
    let typmod: Option<i32> = row.try_get("typmod")?;
    let column = Column {
        type_oid: oid.0,
        type_name: row.try_get("type_name")?,
        labels: labels.get(&oid.0).cloned(),
        most_chars: typmod.and_then(|typmod| usize::try_from(typmod - VARCHAR_HEADER).ok()),
        not_null: row.try_get("not_null")?,
        is_filled: row.try_get("is_filled")?,
    };
    Ok((row.try_get("table_name")?, row.try_get("name")?, column))
}

/// Valid ones over plain columns; those of an expression come without names.
async fn unique_indexes(connection: &mut PgConnection) -> Result<Vec<PgRow>, sqlx::Error> {
    let sql = format!(
        "SELECT c.relname::text AS table_name, x.relname::text AS name, \
                pg_get_expr(i.indpred, i.indrelid) AS predicate, \
                ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) \
                          WITH ORDINALITY AS k(attnum, n) \
                      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
                          AND k.attnum > 0 \
                      WHERE k.n <= i.indnkeyatts ORDER BY k.n) AS columns \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_class x ON x.oid = i.indexrelid \
         WHERE i.indisunique AND i.indisvalid AND {VISIBLE} ORDER BY x.relname"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await
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
