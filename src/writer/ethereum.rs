//! What the Ethereum follower has made durable: balances, the wallets that could not be read, and
//! progress, in one transaction.
//!
//! Balances are state, so going back has two parts. Rows return to their before-images, which is the
//! state at the checkpoint. And every wallet that was read above it is put on the list of wallets to
//! read, whoever wrote it: a sweep may have read a block that is gone.

use sqlx::postgres::PgConnection;

use super::{
    Checkpoint, Error, Weight,
    raw::{COMPLETE_MARK, id},
    transaction::{Fault, RowCounts, at},
};
use crate::{
    db::{
        self, effects,
        eth_balances::{self, ReadAt, WalletBalance},
        param::TimeParam,
    },
    store::EffectRow,
};

const BALANCES: &str = "eth_wallet_balances";
const RETRIES: &str = "audius_etl_eth_retries";
const READS: &str = "audius_etl_eth_reads";

/// Name of the progress row that the reference keeps (eth 1.3).
pub const CHECKPOINT_NAME: &str = "audio_transfers";

/// How far below the head a read of a block that is gone is still looked for.
const ORPHAN_WINDOW: i64 = 64;

/// A wallet whose balance could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadWallet {
    /// Address, lower-case hex with 0x.
    pub wallet: String,
    /// Highest block of an event that touched it and is not yet noted at its balance.
    pub event_block: Option<i64>,
    /// Why not.
    pub reason: String,
    /// It is a service provider whose delegators are not known; their balances have changed as well.
    pub with_delegators: bool,
}

/// One step of the follower: the state after a range of Ethereum blocks.
#[derive(Clone, Debug)]
pub struct EthereumWrite {
    /// The last block of the range. One that is written already gets the new id.
    pub checkpoint: Checkpoint,
    /// Number of the block at which balances were read: the checkpoint's, or a later one.
    pub read_number: i64,
    /// Its hash, lower-case hex with 0x.
    pub read_hash: String,
    /// Balances that were read, each wallet once.
    pub balances: Vec<WalletBalance>,
    /// Wallets to be read again later.
    pub unread: Vec<UnreadWallet>,
    /// Wallets that were on the list only for their delegators, who are known now.
    pub settled: Vec<String>,
    /// Results of outside calls to be kept.
    pub effects: Vec<EffectRow>,
    /// Number and hash of blocks of the range, where they are known.
    pub blocks: Vec<(i64, String)>,
    /// The chain is taken up at the checkpoint, whatever was known of it: what was read above is
    /// read again.
    pub restart: bool,
}

impl EthereumWrite {
    /// How much of the capacity it takes up.
    pub fn weight(&self) -> Weight {
        let rows = self.balances.len() + self.unread.len() + self.effects.len();
        Weight { changes: rows, items: 1, bytes: rows * 160 }
    }
}

/// Writes a step inside the open transaction.
pub(super) async fn write(
    connection: &mut PgConnection,
    write: &EthereumWrite,
    keep_history: bool,
    rows: &mut RowCounts,
) -> Result<(), Fault> {
    let checkpoint = &write.checkpoint;
    if write.restart {
        read_again_above(connection, checkpoint.height, &[]).await?;
    }
    if keep_history {
        renumber(connection, checkpoint).await.map_err(at("audius_etl_checkpoints"))?;
        keep_images(connection, write).await.map_err(at("audius_etl_history"))?;
    }
    let read_at = ReadAt { number: write.read_number, hash: &write.read_hash };
    let stored =
        eth_balances::store(connection, &write.balances, read_at).await.map_err(at(BALANCES))?;
    settle_retries(connection, write).await.map_err(at(RETRIES))?;
    store_progress(connection, checkpoint, keep_history).await?;
    effects::store(connection, &write.effects, checkpoint.id).await.map_err(at(effects::TABLE))?;
    read_orphans_again(connection, write).await.map_err(at(RETRIES))?;
    if stored > 0 {
        rows.push((BALANCES, stored));
    }
    Ok(())
}

/// Gives a checkpoint that is there already, at the same block, the new id; its before-images and
/// effects follow it.
async fn renumber(
    connection: &mut PgConnection,
    checkpoint: &Checkpoint,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH known AS (DELETE FROM audius_etl_checkpoints \
             WHERE chain = $2 AND height = $3 RETURNING id), \
         effects AS (UPDATE audius_etl_effects e SET checkpoint_id = $1 \
             FROM known WHERE e.checkpoint_id = known.id) \
         UPDATE audius_etl_history h SET checkpoint_id = $1 \
         FROM known WHERE h.checkpoint_id = known.id",
    )
    .bind(id(checkpoint.id))
    .bind(&checkpoint.chain)
    .bind(checkpoint.height)
    .execute(connection)
    .await
    .map(drop)
}

/// Before-images of the rows that events change, and the mark that they are all there. Rows that are
/// written for another reason have none: going back reads them again.
async fn keep_images(
    connection: &mut PgConnection,
    write: &EthereumWrite,
) -> Result<(), sqlx::Error> {
    let changed = write.balances.iter().filter(|row| row.event_block.is_some());
    let wallets: Vec<&str> = changed.map(|row| row.wallet.as_str()).collect();
    sqlx::query(
        "INSERT INTO audius_etl_history (checkpoint_id, table_name, row_key, previous) \
         SELECT $1, $2, '{}'::jsonb, NULL WHERE NOT EXISTS ( \
             SELECT FROM audius_etl_history WHERE checkpoint_id = $1 AND table_name = $2) \
         UNION ALL \
         SELECT $1, $3, jsonb_build_object('wallet', w.wallet), \
             CASE WHEN b.wallet IS NOT NULL THEN jsonb_build_object( \
                 'balance', b.balance, 'blocknumber', b.blocknumber, 'updated_at', b.updated_at, \
                 'read_block', r.read_block, 'read_hash', r.read_hash) END \
         FROM unnest($4::text[]) w(wallet) \
         LEFT JOIN eth_wallet_balances b ON b.wallet = w.wallet \
         LEFT JOIN audius_etl_eth_reads r ON r.wallet = w.wallet",
    )
    .bind(id(write.checkpoint.id))
    .bind(COMPLETE_MARK)
    .bind(BALANCES)
    .bind(wallets)
    .execute(connection)
    .await
    .map(drop)
}

/// Takes wallets off the list that were read, and puts those on it that were not. The pause before
/// the next attempt doubles from a second to an hour.
async fn settle_retries(
    connection: &mut PgConnection,
    write: &EthereumWrite,
) -> Result<(), sqlx::Error> {
    let read = write.balances.iter().map(|row| &row.wallet);
    let read: Vec<&str> = read.chain(&write.settled).map(String::as_str).collect();
    if !read.is_empty() {
        sqlx::query("DELETE FROM audius_etl_eth_retries WHERE wallet = ANY($1)")
            .bind(read)
            .execute(&mut *connection)
            .await?;
    }
    if write.unread.is_empty() {
        return Ok(());
    }
    let wallets: Vec<&str> = write.unread.iter().map(|row| row.wallet.as_str()).collect();
    let events: Vec<Option<i64>> = write.unread.iter().map(|row| row.event_block).collect();
    let reasons: Vec<&str> = write.unread.iter().map(|row| row.reason.as_str()).collect();
    let delegators: Vec<bool> = write.unread.iter().map(|row| row.with_delegators).collect();
    sqlx::query(
        "INSERT INTO audius_etl_eth_retries AS r \
             (wallet, event_block, attempts, next_at, reason, with_delegators) \
         SELECT wallet, max(event_block), 1, now() + interval '1 second', max(reason), \
             bool_or(with_delegators) \
         FROM unnest($1::text[], $2::bigint[], $3::text[], $4::boolean[]) \
             AS i(wallet, event_block, reason, with_delegators) GROUP BY wallet \
         ON CONFLICT (wallet) DO UPDATE SET attempts = r.attempts + 1, reason = excluded.reason, \
             with_delegators = r.with_delegators OR excluded.with_delegators, \
             event_block = greatest(r.event_block, excluded.event_block), \
             next_at = now() + least(interval '1 hour', \
                                     interval '1 second' * 2 ^ least(r.attempts, 12))",
    )
    .bind(wallets)
    .bind(events)
    .bind(reasons)
    .bind(delegators)
    .execute(connection)
    .await
    .map(drop)
}

/// The own checkpoint, and the reference's. Without before-images nothing goes back behind it, so
/// older ones of the chain go.
async fn store_progress(
    connection: &mut PgConnection,
    checkpoint: &Checkpoint,
    keep_history: bool,
) -> Result<(), Fault> {
    let table = "audius_etl_checkpoints";
    if !keep_history {
        sqlx::query("DELETE FROM audius_etl_checkpoints WHERE chain = $1")
            .bind(&checkpoint.chain)
            .execute(&mut *connection)
            .await
            .map_err(at(table))?;
    }
    sqlx::query(
        "INSERT INTO audius_etl_checkpoints (id, chain, height, block_hash, block_time) \
         VALUES ($1, $2, $3, $4, $5 AT TIME ZONE 'UTC')",
    )
    .bind(id(checkpoint.id))
    .bind(&checkpoint.chain)
    .bind(checkpoint.height)
    .bind(&checkpoint.block_hash)
    .bind(TimeParam(checkpoint.block_time))
    .execute(&mut *connection)
    .await
    .map_err(at(table))?;
    store_reference_progress(connection, checkpoint.height).await
}

async fn store_reference_progress(connection: &mut PgConnection, height: i64) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO eth_indexer_checkpoints (name, last_block, updated_at) \
         VALUES ($1, $2, now()) ON CONFLICT (name) DO UPDATE \
             SET last_block = excluded.last_block, updated_at = excluded.updated_at",
    )
    .bind(CHECKPOINT_NAME)
    .bind(height)
    .execute(connection)
    .await
    .map(drop)
    .map_err(at("eth_indexer_checkpoints"))
}

/// Puts wallets on the list that somebody read at a block that is not, or no longer, part of the
/// chain.
async fn read_orphans_again(
    connection: &mut PgConnection,
    write: &EthereumWrite,
) -> Result<(), sqlx::Error> {
    let numbers: Vec<i64> = write.blocks.iter().map(|(number, _)| *number).collect();
    let hashes: Vec<&str> = write.blocks.iter().map(|(_, hash)| hash.as_str()).collect();
    let gone: Vec<(i64, String)> = sqlx::query_as(
        "WITH chain AS ( \
             SELECT number, hash FROM unnest($1::bigint[], $2::text[]) AS b(number, hash) \
             UNION ALL \
             SELECT height, block_hash FROM audius_etl_checkpoints \
             WHERE chain = $3 AND height > $4) \
         DELETE FROM audius_etl_eth_read_blocks b USING chain \
         WHERE b.number = chain.number AND b.hash <> chain.hash RETURNING b.number, b.hash",
    )
    .bind(numbers)
    .bind(hashes)
    .bind(&write.checkpoint.chain)
    .bind(write.checkpoint.height - ORPHAN_WINDOW)
    .fetch_all(&mut *connection)
    .await?;
    // Reads the whole table, for each of the blocks: reorganisations are rare.
    for (number, hash) in gone {
        sqlx::query(
            "WITH orphans AS ( \
                 UPDATE audius_etl_eth_reads SET read_block = NULL, read_hash = NULL \
                 WHERE read_block = $1 AND read_hash = $2 RETURNING wallet) \
             INSERT INTO audius_etl_eth_retries (wallet, attempts, next_at, reason) \
             SELECT wallet, 0, now(), 'read at a block that is gone' FROM orphans \
             ON CONFLICT (wallet) DO UPDATE SET next_at = excluded.next_at",
        )
        .bind(number)
        .bind(hash)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Puts on the list what was read above a height, and the wallets named. Their balances stay until
/// then; blocks above the height are no longer mentioned.
async fn read_again_above(
    connection: &mut PgConnection,
    height: i64,
    wallets: &[String],
) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO audius_etl_eth_retries AS t (wallet, attempts, next_at, reason) \
         SELECT wallet, 0, now(), 'the chain was reorganised' FROM ( \
             SELECT wallet FROM audius_etl_eth_reads WHERE read_block > $1 \
             UNION SELECT wallet FROM eth_wallet_balances WHERE blocknumber > $1 \
             UNION SELECT unnest($2::text[])) w \
         ON CONFLICT (wallet) DO UPDATE SET next_at = excluded.next_at",
    )
    .bind(height)
    .bind(wallets)
    .execute(&mut *connection)
    .await
    .map_err(at(RETRIES))?;
    for (table, sql) in [
        (RETRIES, "UPDATE audius_etl_eth_retries SET event_block = NULL WHERE event_block > $1"),
        (
            READS,
            "UPDATE audius_etl_eth_reads SET read_block = NULL, read_hash = NULL \
             WHERE read_block > $1",
        ),
        // Events above the height are read again, and note their block again.
        (BALANCES, "UPDATE eth_wallet_balances SET blocknumber = $1 WHERE blocknumber > $1"),
    ] {
        sqlx::query(sql).bind(height).execute(&mut *connection).await.map_err(at(table))?;
    }
    Ok(())
}

/// Takes the chain of `target` back to it, inside the open transaction.
pub(super) async fn roll_back(
    connection: &mut PgConnection,
    target: &Checkpoint,
) -> Result<(), Error> {
    let wallets = restore_images(connection, target)
        .await
        .map_err(|source| db::Error::query("rolling back Ethereum")(source))?;
    let rest = async {
        read_again_above(connection, target.height, &wallets).await?;
        let wallets: Vec<&str> = wallets.iter().map(String::as_str).collect();
        eth_balances::store_totals(connection, &wallets).await.map_err(at("eth_user_balances"))?;
        for (table, sql) in [
            (
                "audius_etl_history",
                "DELETE FROM audius_etl_history h USING audius_etl_checkpoints c \
                 WHERE h.checkpoint_id = c.id AND c.chain = $1 AND c.id > $2",
            ),
            (
                effects::TABLE,
                "DELETE FROM audius_etl_effects e USING audius_etl_checkpoints c \
                 WHERE e.checkpoint_id = c.id AND c.chain = $1 AND c.id > $2",
            ),
            (
                "audius_etl_checkpoints",
                "DELETE FROM audius_etl_checkpoints WHERE chain = $1 AND id > $2",
            ),
        ] {
            let query = sqlx::query(sql).bind(&target.chain).bind(id(target.id));
            query.execute(&mut *connection).await.map_err(at(table))?;
        }
        store_reference_progress(connection, target.height).await
    };
    let rolled_back: Result<(), Fault> = rest.await;
    rolled_back.map_err(|fault| db::Error::query("rolling back Ethereum")(fault.source).into())
}

/// Puts rows back as they were at the checkpoint; returns their wallets. The oldest image above the
/// checkpoint is the row as it was there.
async fn restore_images(
    connection: &mut PgConnection,
    target: &Checkpoint,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query(
        "CREATE TEMPORARY TABLE IF NOT EXISTS audius_etl_images \
             (wallet text PRIMARY KEY, previous jsonb) ON COMMIT DELETE ROWS",
    )
    .execute(&mut *connection)
    .await?;
    let wallets = sqlx::query_scalar(
        "INSERT INTO audius_etl_images (wallet, previous) \
         SELECT DISTINCT ON (row_key) row_key ->> 'wallet', previous \
         FROM audius_etl_history h JOIN audius_etl_checkpoints c ON c.id = h.checkpoint_id \
         WHERE c.chain = $1 AND h.checkpoint_id > $2 AND h.table_name = $3 \
         ORDER BY row_key, checkpoint_id RETURNING wallet",
    )
    .bind(&target.chain)
    .bind(id(target.id))
    .bind(BALANCES)
    .fetch_all(&mut *connection)
    .await?;
    for sql in [
        "DELETE FROM eth_wallet_balances b USING audius_etl_images i \
         WHERE b.wallet = i.wallet AND i.previous IS NULL",
        "UPDATE eth_wallet_balances b SET balance = (i.previous ->> 'balance')::numeric, \
             blocknumber = (i.previous ->> 'blocknumber')::bigint, \
             updated_at = (i.previous ->> 'updated_at')::timestamp \
         FROM audius_etl_images i WHERE b.wallet = i.wallet AND i.previous IS NOT NULL",
        "UPDATE audius_etl_eth_reads r SET read_block = (i.previous ->> 'read_block')::bigint, \
             read_hash = i.previous ->> 'read_hash' \
         FROM audius_etl_images i WHERE r.wallet = i.wallet",
    ] {
        sqlx::query(sql).execute(&mut *connection).await?;
    }
    Ok(wallets)
}
