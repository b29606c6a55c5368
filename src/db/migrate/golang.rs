//! The bookkeeping of golang-migrate, by which the Go tools migrate.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use crate::db::Error;
use crate::db::error::SchemaProblem;

/// Bookkeeping tables of golang-migrate that the Go tools use, both with `version` and `dirty`.
const TABLES: [&str; 2] = ["etl_db_migrations", "schema_migrations"];

/// Stops at a database that golang-migrate left half-way: marked as dirty, or with tables of the Go
/// ETL and no version, as after a run that was cut off or a record that was cleared by hand. What is
/// in it is then anybody's guess. Tables of these names without a `dirty` column belong to other
/// tools.
pub(super) async fn refuse_half_way(connection: &mut PgConnection) -> Result<(), Error> {
    for table in TABLES {
        let reading = || Error::query(format!("reading {table}"));
        let from_golang: bool = sqlx::query_scalar(
            "SELECT EXISTS (
                SELECT FROM pg_attribute
                WHERE attrelid = to_regclass($1) AND attname = 'dirty'
                    AND atttypid = 'boolean'::regtype AND NOT attisdropped
            )",
        )
        .bind(table)
        .fetch_one(&mut *connection)
        .await
        .map_err(reading())?;
        if !from_golang {
            continue;
        }
        let sql = format!(
            "SELECT max(version) FILTER (WHERE dirty)::bigint, count(*)::bigint, \
                    to_regclass('etl_transactions') IS NOT NULL FROM {table}"
        );
        let (dirty, rows, has_tables): (Option<i64>, i64, bool) =
            sqlx::query_as(AssertSqlSafe(sql))
                .fetch_one(&mut *connection)
                .await
                .map_err(reading())?;
        if let Some(version) = dirty {
            return Err(SchemaProblem::Dirty { table, version }.into());
        }
        let counts_etl = table == "etl_db_migrations" && has_tables;
        if rows != 1 && (counts_etl || rows > 1) {
            return Err(SchemaProblem::HalfWay { table, rows }.into());
        }
    }
    Ok(())
}
