//! Going back: rows from their before-images, raw rows and progress by the checkpoints of the
//! blocks that are taken back, all in one transaction. And dropping before-images that are too old.
//!
//! A restored row is inserted like any other, so insert triggers of a production schema fire for
//! it; totals that only such triggers keep are not taken back.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Row, postgres::PgConnection};

use super::{
    Checkpoint, Error, Lane, ethereum,
    raw::{COMPLETE_MARK, id},
    referenced::delete_blocks,
};
use crate::{
    db::{self, catalog::Catalog, eth_balances, start},
    model::{
        Json,
        row_json::OWN_KEY,
        table::{Column, TableDef},
        tables::TableId,
        value::ColumnType,
    },
};

/// Raw tables with the column that holds the time of their block. Height and time together tell
/// blocks of different chains apart.
const TIMED: &[(&str, &str)] = &[
    ("etl_transactions", "created_at"),
    ("etl_manage_entities", "created_at"),
    ("etl_plays", "recorded_at"),
    ("etl_storage_proof_verifications", "created_at"),
    ("etl_validator_misbehavior_deregistrations", "created_at"),
    ("etl_blocks", "block_time"),
];

/// Raw tables without such a column; they go first, because the rows of `etl_transactions` help to
/// tell chains apart where one height was used twice.
const UNTIMED: &[&str] = &[
    "etl_sla_node_reports",
    "etl_sla_rollups",
    "etl_validator_registrations",
    "etl_validator_deregistrations",
];

/// Progress, after what it led to. `$1` is the checkpoint to go back to; what
/// belongs to Ethereum is told by the name of its chain ([`Lane::of_chain`]).
const PROGRESS: &[&str] = &[
    // The slot is the height, or what the block shared out, of which 0 is none; other writers and
    // other chains use the same numbers, so the time of the block has to agree.
    "DELETE FROM plays p USING audius_etl_checkpoints c \
     WHERE c.id > $1 AND c.chain NOT LIKE 'eip155:%' AND p.source = 'relay' \
         AND p.slot = c.height AND p.updated_at = c.block_time",
    "DELETE FROM plays p USING audius_etl_checkpoints c, core_indexed_blocks b \
     WHERE c.id > $1 AND b.chain_id = c.chain AND b.height = c.height AND p.source = 'relay' \
         AND b.plays_slot > 0 AND p.slot = b.plays_slot AND p.updated_at = c.block_time",
    "DELETE FROM skipped_transactions s USING audius_etl_checkpoints c \
     WHERE c.id > $1 AND s.blocknumber = c.em_block AND s.blockhash = c.block_hash",
    "DELETE FROM audius_etl_refusals r USING audius_etl_checkpoints c \
     WHERE c.id > $1 AND r.chain = c.chain AND r.height = c.height",
    "DELETE FROM core_indexed_blocks b USING audius_etl_checkpoints c \
     WHERE c.id > $1 AND b.chain_id = c.chain AND b.height = c.height",
];

/// Which rows `b` of `blocks` go: the mark of an adopted row spares it.
const BLOCKS: &str = "EXISTS ( \
    SELECT FROM audius_etl_checkpoints c \
    WHERE c.id > $1 AND b.number = c.em_block AND b.blockhash = c.block_hash \
        AND NOT EXISTS (SELECT FROM audius_etl_history h \
                        WHERE h.checkpoint_id = c.id AND h.table_name = 'blocks'))";

/// What goes once everything else is gone.
const BOOKKEEPING: &[&str] = &[
    "DELETE FROM audius_etl_history h WHERE h.checkpoint_id > $1 AND NOT EXISTS ( \
         SELECT FROM audius_etl_checkpoints c \
         WHERE c.id = h.checkpoint_id AND c.chain LIKE 'eip155:%')",
    "DELETE FROM audius_etl_checkpoints WHERE id > $1 AND chain NOT LIKE 'eip155:%'",
];

/// Once the blocks that are taken back are gone: the newest that is marked at all is the current
/// one. Rows without the mark are of an era that sets none.
const MARK_CURRENT: &str = "UPDATE blocks SET is_current = true \
    WHERE $1::bigint IS NOT NULL AND number = ( \
        SELECT max(number) FROM blocks WHERE is_current IS NOT NULL)";

/// Takes the database back to `checkpoint`. On an error the transaction is left open.
pub(super) async fn roll_back(
    connection: &mut PgConnection,
    checkpoint: u64,
) -> Result<Checkpoint, Error> {
    run(connection, "BEGIN".into(), None).await?;
    let target = kept_checkpoint(connection, checkpoint).await?;
    if Lane::of_chain(&target.chain) == Lane::Ethereum {
        ethereum::roll_back(connection, &target).await?;
        run(connection, "COMMIT".into(), None).await?;
        return Ok(target);
    }
    let catalog = Catalog::read(connection).await?;
    let tables = changed_tables(connection, checkpoint).await?;
    // First all that came: what was there before may have the same unique values.
    for sql in
        tables.iter().rev().flat_map(|table| [delete_changed(table), delete_added(table, &catalog)])
    {
        run(connection, sql, Some(checkpoint)).await?;
    }
    for table in &tables {
        run(connection, insert_previous(table, &catalog), Some(checkpoint)).await?;
    }
    add_up_balances(connection, checkpoint).await?;
    for table in UNTIMED {
        run(connection, delete_untimed(table), Some(checkpoint)).await?;
    }
    for (table, time) in TIMED {
        let sql = format!(
            "DELETE FROM {table} t USING audius_etl_checkpoints c \
             WHERE c.id > $1 AND c.chain NOT LIKE 'eip155:%' \
                 AND t.block_height = c.height AND t.{time} = c.block_time"
        );
        run(connection, sql, Some(checkpoint)).await?;
    }
    for sql in PROGRESS {
        run(connection, (*sql).to_owned(), Some(checkpoint)).await?;
    }
    delete_blocks(connection, BLOCKS, id(checkpoint))
        .await
        .map_err(db::Error::query("rolling back"))?;
    for sql in BOOKKEEPING {
        run(connection, (*sql).to_owned(), Some(checkpoint)).await?;
    }
    if catalog.has_column("blocks", "is_current") {
        run(connection, MARK_CURRENT.to_owned(), Some(checkpoint)).await?;
    }
    run(connection, "COMMIT".into(), None).await?;
    Ok(target)
}

/// Adds up again the balances on Ethereum of users whose wallets are as before.
async fn add_up_balances(connection: &mut PgConnection, checkpoint: u64) -> Result<(), Error> {
    let failed = || db::Error::query("adding up balances on Ethereum");
    let users: Vec<i32> = sqlx::query_scalar(
        "SELECT DISTINCT b.user_id FROM audius_etl_history h \
             JOIN eth_user_balances b ON b.user_id = (h.row_key ->> 'user_id')::int \
         WHERE h.checkpoint_id > $1 AND split_part(h.table_name, ' ', 1) = 'associated_wallets'",
    )
    .bind(id(checkpoint))
    .fetch_all(&mut *connection)
    .await
    .map_err(failed())?;
    eth_balances::store_user_totals(connection, &users).await.map_err(failed())?;
    Ok(())
}

/// Drops a chain's before-images at and below the height `safe`, and checkpoints that nothing can go
/// back to any more. On an error the transaction is left open.
pub(super) async fn prune(
    connection: &mut PgConnection,
    chain: &str,
    safe: i64,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    for sql in [
        "DELETE FROM audius_etl_history h WHERE h.checkpoint_id <= ( \
             SELECT max(id) FROM audius_etl_checkpoints WHERE chain = $1 AND height <= $2) \
         AND NOT EXISTS (SELECT FROM audius_etl_checkpoints c \
                         WHERE c.id = h.checkpoint_id AND c.chain <> $1)",
        "DELETE FROM audius_etl_checkpoints c WHERE c.chain = $1 AND c.height < $2 AND EXISTS ( \
             SELECT FROM audius_etl_checkpoints l \
             WHERE l.chain = c.chain AND l.id > c.id AND l.height <= $2)",
    ] {
        sqlx::query(sql).bind(chain).bind(safe).execute(&mut *connection).await?;
    }
    sqlx::raw_sql("COMMIT").execute(connection).await.map(drop)
}

async fn run(
    connection: &mut PgConnection,
    sql: String,
    checkpoint: Option<u64>,
) -> Result<(), Error> {
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = match checkpoint {
        Some(checkpoint) => query.bind(id(checkpoint)),
        None => query,
    };
    let result = query.execute(connection).await;
    result.map(drop).map_err(|source| db::Error::query("rolling back")(source).into())
}

/// The checkpoint, if everything that came after it can be undone.
async fn kept_checkpoint(
    connection: &mut PgConnection,
    checkpoint: u64,
) -> Result<Checkpoint, Error> {
    let reading = || db::Error::query("reading the history");
    // Checkpoints of the lane from the last one down, as long as each has its mark: the first
    // without one is the oldest that can be gone back to.
    let kept: Vec<(i64, bool)> = sqlx::query_as(
        "SELECT c.id, EXISTS (SELECT FROM audius_etl_history h \
             WHERE h.checkpoint_id = c.id AND h.table_name = $1) \
         FROM audius_etl_checkpoints c \
         WHERE (c.chain LIKE 'eip155:%') = coalesce( \
             (SELECT t.chain LIKE 'eip155:%' FROM audius_etl_checkpoints t WHERE t.id = $2), false) \
         ORDER BY c.id DESC",
    )
    .bind(COMPLETE_MARK)
    .bind(id(checkpoint))
    .fetch_all(&mut *connection)
    .await
    .map_err(reading())?;
    let oldest = kept.iter().find(|(_, marked)| !marked).or(kept.last()).map(|(id, _)| *id);
    let row = sqlx::query(
        "SELECT id, chain, height, block_hash, block_time, em_block::bigint AS em_block \
         FROM audius_etl_checkpoints WHERE id = $1 AND id >= $2",
    )
    .bind(id(checkpoint))
    .bind(oldest.unwrap_or(i64::MAX))
    .fetch_optional(connection)
    .await
    .map_err(reading())?;
    let oldest = oldest.and_then(|oldest| u64::try_from(oldest).ok());
    let row = row.ok_or(Error::HistoryGone { checkpoint, oldest })?;
    let read = || -> Result<Checkpoint, sqlx::Error> {
        Ok(Checkpoint {
            id: checkpoint,
            chain: row.try_get("chain")?,
            height: row.try_get("height")?,
            block_hash: row.try_get("block_hash")?,
            block_time: start::time_of(&row, "block_time")?.unwrap_or_default(),
            em_block: row.try_get("em_block")?,
        })
    };
    read().map_err(|source| reading()(source).into())
}

/// Tables with before-images above the checkpoint, in the order of writing.
async fn changed_tables(
    connection: &mut PgConnection,
    checkpoint: u64,
) -> Result<Vec<&'static TableDef>, Error> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT table_name FROM audius_etl_history WHERE checkpoint_id > $1",
    )
    .bind(id(checkpoint))
    .fetch_all(connection)
    .await
    .map_err(db::Error::query("reading the history"))?;
    let defs = TableId::ALL.iter().map(|id| id.def());
    Ok(defs.filter(|def| names.iter().any(|name| *name == def.image_name())).collect())
}

/// Deletes the rows of changed keys.
fn delete_changed(def: &TableDef) -> String {
    let mut sql = format!(
        "DELETE FROM {0} t USING ( \
             SELECT DISTINCT row_key FROM audius_etl_history \
             WHERE checkpoint_id > $1 AND table_name = '{1}' AND NOT row_key ? '{OWN_KEY}') h \
         CROSS JOIN LATERAL jsonb_populate_record(NULL::{0}, h.row_key) r WHERE ",
        def.name,
        def.image_name()
    );
    for (position, column) in def.key.iter().enumerate() {
        let and = if position == 0 { "" } else { " AND " };
        let name = def.columns[*column].name;
        let _ = write!(sql, "{and}t.\"{name}\" = r.\"{name}\"");
    }
    if let Some(condition) = def.versions.condition() {
        let _ = write!(sql, " AND {condition}");
    }
    sql
}

/// Deletes rows that were added beside equal ones and are still there: as many as were added, it
/// does not matter which.
fn delete_added(def: &TableDef, catalog: &Catalog) -> String {
    let mut same = String::new();
    let present = |column: &Column| catalog.has_column(def.name, column.name);
    for (position, column) in def.columns.iter().enumerate().filter(|(_, it)| present(it)) {
        let and = if same.is_empty() { "" } else { " AND " };
        // The columns of the natural key are never NULL, and indexed.
        let is = if def.key.contains(&position) { "=" } else { "IS NOT DISTINCT FROM" };
        let _ = write!(same, "{and}t.\"{0}\" {is} r.\"{0}\"", column.name);
    }
    format!(
        "DELETE FROM {0} WHERE ctid IN (SELECT ctid FROM ( \
             SELECT t.ctid, h.copies, row_number() OVER (PARTITION BY h.row) AS number FROM ( \
                 SELECT row, count(*) AS copies FROM ( \
                     SELECT row_key - '{OWN_KEY}' AS row FROM audius_etl_history \
                     WHERE checkpoint_id > $1 AND table_name = '{1}' AND row_key ? '{OWN_KEY}' \
                     GROUP BY row_key HAVING count(*) = 1 AND bool_and(previous IS NULL)) a \
                 GROUP BY row) h \
             CROSS JOIN LATERAL jsonb_populate_record(NULL::{0}, h.row) r \
             JOIN {0} t ON {same}) d WHERE number <= copies)",
        def.name,
        def.image_name()
    )
}

/// The oldest image above the checkpoint is the row as it was at the checkpoint. An image from before
/// a column came to be gets the column's default, as the row in the table did.
fn insert_previous(def: &TableDef, catalog: &Catalog) -> String {
    let (mut names, mut values) = (String::new(), String::new());
    let mut defaults = Vec::new();
    let present = def.columns.iter().filter(|column| catalog.has_column(def.name, column.name));
    for (position, column) in present.enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        let name = column.name;
        let _ = write!(names, "{comma}\"{name}\"");
        // A record would turn a stored JSON `null` into NULL.
        let _ = if column.ty == ColumnType::Jsonb {
            write!(values, "{comma}coalesce(h.previous -> '{name}', to_jsonb(r.\"{name}\"))")
        } else {
            write!(values, "{comma}r.\"{name}\"")
        };
        if catalog.is_not_null(def.name, name) {
            defaults.extend(column.default.json(column.ty).map(|default| (name, default)));
        }
    }
    let defaults = Json::object(defaults).to_json_text();
    format!(
        "INSERT INTO {0} ({names}) SELECT {values} FROM ( \
             SELECT DISTINCT ON (row_key) previous FROM audius_etl_history \
             WHERE checkpoint_id > $1 AND table_name = '{1}' \
             ORDER BY row_key, checkpoint_id) h \
         CROSS JOIN LATERAL jsonb_populate_record( \
             jsonb_populate_record(NULL::{0}, '{defaults}'::jsonb), h.previous) r \
         WHERE h.previous IS NOT NULL",
        def.name,
        def.image_name()
    )
}

fn delete_untimed(table: &str) -> String {
    format!(
        "DELETE FROM {table} t USING audius_etl_checkpoints c \
         WHERE c.id > $1 AND c.chain NOT LIKE 'eip155:%' AND t.block_height = c.height AND ( \
             NOT EXISTS (SELECT FROM core_indexed_blocks o \
                         WHERE o.height = c.height AND o.chain_id <> c.chain) \
             OR EXISTS (SELECT FROM etl_transactions x WHERE x.tx_hash = t.tx_hash \
                        AND x.block_height = c.height AND x.created_at = c.block_time))"
    )
}
