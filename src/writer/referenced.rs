//! Takes rows of `blocks` away, on which many tables of a production schema hang.
//!
//! The server looks for the rows that refer to a block once for each block, and reads a whole table
//! each time where its column has no index: seconds for a few blocks. So those rows go first, table
//! by table, by what the keys themselves demand; then the blocks go with the keys silent, where the
//! role may silence them. Where it may not, or where a key demands something else than that its rows
//! go too, the server does all of it in its own way.

use sqlx::{Row as _, postgres::PgConnection};

/// Tables with a key on one column of `blocks`, how they refer, and whether their rows go with it.
const KEYS: &str = "SELECT format('%I.%I', n.nspname, t.relname) AS referring, \
        quote_ident(a.attname) AS referring_column, quote_ident(b.attname) AS block_column, \
        c.confdeltype = 'c' AND cardinality(c.conkey) = 1 AS goes_too \
    FROM pg_constraint c \
        JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
        JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1] \
    WHERE c.contype = 'f' AND c.confrelid = to_regclass('blocks') AND c.conparentid = 0 \
    ORDER BY c.oid";

/// Deletes the rows `b` of `blocks` for which `condition` holds, whose only parameter is `id`, in
/// the open transaction. Until that ends, triggers may be silent.
///
/// # Errors
/// What the server refuses.
pub(super) async fn delete_blocks(
    connection: &mut PgConnection,
    condition: &str,
    id: i64,
) -> Result<(), sqlx::Error> {
    let keys = sqlx::raw_sql(KEYS).fetch_all(&mut *connection).await?;
    let mut all_go_too = true;
    for key in &keys {
        all_go_too &= key.try_get::<bool, _>("goes_too")?;
    }
    if all_go_too && !keys.is_empty() {
        for key in &keys {
            let referring: String = key.try_get("referring")?;
            let column: String = key.try_get("referring_column")?;
            let block_column: String = key.try_get("block_column")?;
            let sql = format!(
                "DELETE FROM {referring} t USING blocks b \
                 WHERE t.{column} = b.{block_column} AND {condition}"
            );
            execute(connection, sql, id).await?;
        }
        silence(connection).await?;
    }
    execute(connection, format!("DELETE FROM blocks b WHERE {condition}"), id).await
}

async fn execute(connection: &mut PgConnection, sql: String, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).execute(connection).await.map(drop)
}

/// Silences keys and triggers for the rest of the transaction, where the role may.
async fn silence(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SAVEPOINT silence").execute(&mut *connection).await?;
    let set = sqlx::raw_sql("SET LOCAL session_replication_role = replica");
    let after = match set.execute(&mut *connection).await {
        Ok(_) => "RELEASE SAVEPOINT silence",
        Err(error) if error.as_database_error().is_some() => "ROLLBACK TO SAVEPOINT silence",
        Err(error) => return Err(error),
    };
    sqlx::raw_sql(after).execute(connection).await.map(drop)
}
