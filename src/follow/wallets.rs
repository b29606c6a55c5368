//! What the follower asks the database: which wallets are tracked, which are on the list of those to
//! be read, and where an earlier run stood. Each question is one query, whatever the number of
//! wallets.

use std::collections::BTreeMap;
use std::sync::Mutex;

use alloy::primitives::{Address, B256};
use sqlx::postgres::PgPool;

use super::headers::{HeaderChain, Link};
use super::{Error, number};
use crate::db::eth_balances::{ReadAt, WalletBalance};
use crate::db::{self, Database, eth_balances};
use crate::eth::BlockRef;
use crate::model::Timestamp;
use crate::writer::ethereum::CHECKPOINT_NAME;

/// A connection to ask on, and one to put on the list with.
const CONNECTIONS: u32 = 2;

/// A wallet to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its address.
    pub wallet: Address,
    /// Highest block of an event that touched it, if one did.
    pub event_block: Option<i64>,
    /// It is a service provider whose delegators are to be read as well.
    pub with_delegators: bool,
}

/// The tracked wallets of a database.
#[derive(Debug)]
pub struct Wallets {
    pool: PgPool,
    /// Highest `blocks.number` up to which newly tracked wallets were looked for.
    reconciled: Mutex<Option<i64>>,
}

/// An address as the database has it: lower-case hex with 0x.
pub fn address_text(address: Address) -> String {
    format!("{address:#x}")
}

/// The address in a column; `None` for text that is none.
pub fn wallet_of(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x")?;
    let lower = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == 40 && lower).then(|| text.parse().ok()).flatten()
}

impl Wallets {
    /// Opens connections.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(database: &Database) -> Result<Self, db::Error> {
        Ok(Self { pool: database.pool(CONNECTIONS).await?, reconciled: Mutex::new(None) })
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Those of the wallets that are tracked: a user's own, linked ones, and all that have a
    /// balance, so that a wallet which is linked again later has not missed anything.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn tracked(&self, touched: &BTreeMap<Address, u64>) -> Result<Vec<Listed>, Error> {
        if touched.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<String> = touched.keys().map(|wallet| address_text(*wallet)).collect();
        let tracked: Vec<String> = sqlx::query_scalar(
            "SELECT w.wallet FROM unnest($1::text[]) AS w(wallet) \
             WHERE EXISTS (SELECT FROM eth_wallet_balances b WHERE b.wallet = w.wallet) \
                 OR EXISTS (SELECT FROM users u WHERE lower(u.wallet::text) = w.wallet) \
                 OR EXISTS (SELECT FROM associated_wallets a \
                            WHERE lower(a.wallet::text) = w.wallet \
                                AND a.chain = 'eth' AND NOT a.is_delete)",
        )
        .bind(&texts)
        .fetch_all(&self.pool)
        .await
        .map_err(db::Error::query("looking for tracked wallets"))?;
        let listed = |text: &String| {
            let wallet = wallet_of(text)?;
            let event_block = touched.get(&wallet).map(|block| number(*block));
            Some(Listed { wallet, event_block, with_delegators: false })
        };
        Ok(tracked.iter().filter_map(listed).collect())
    }

    /// Wallets on the list that are due, longest first.
    pub(super) async fn due(&self, limit: i64) -> Result<Vec<Listed>, Error> {
        let rows: Vec<(String, Option<i64>, bool)> = sqlx::query_as(
            "SELECT wallet, event_block, with_delegators FROM audius_etl_eth_retries \
             WHERE next_at <= now() ORDER BY next_at LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(db::Error::query("reading the list of wallets"))?;
        let listed = |(text, event_block, with_delegators): (String, Option<i64>, bool)| {
            wallet_of(&text).map(|wallet| Listed { wallet, event_block, with_delegators })
        };
        Ok(rows.into_iter().filter_map(listed).collect())
    }

    /// Puts wallets on the list, due at once.
    pub(super) async fn list(&self, wallets: &[Listed], reason: &str) -> Result<(), Error> {
        let texts: Vec<String> = wallets.iter().map(|listed| address_text(listed.wallet)).collect();
        let events: Vec<Option<i64>> = wallets.iter().map(|listed| listed.event_block).collect();
        let delegators: Vec<bool> = wallets.iter().map(|listed| listed.with_delegators).collect();
        sqlx::query(
            "INSERT INTO audius_etl_eth_retries AS r (wallet, event_block, reason, with_delegators) \
             SELECT wallet, event_block, $3, with_delegators \
             FROM unnest($1::text[], $2::bigint[], $4::boolean[]) \
                 AS i(wallet, event_block, with_delegators) ORDER BY wallet \
             ON CONFLICT (wallet) DO UPDATE SET next_at = now(), \
                 with_delegators = r.with_delegators OR excluded.with_delegators, \
                 event_block = greatest(r.event_block, excluded.event_block)",
        )
        .bind(&texts)
        .bind(&events)
        .bind(reason)
        .bind(&delegators)
        .execute(&self.pool)
        .await
        .map_err(db::Error::query("listing wallets"))?;
        Ok(())
    }

    /// Puts tracked wallets without a balance on the list, and those whose balance was never read;
    /// brings the totals of users up to date whose wallets have changed. The first time everything
    /// is looked at, later what newer blocks of the core chain have changed, whoever wrote them.
    pub(super) async fn reconcile(&self) -> Result<u64, Error> {
        let reading = || db::Error::query("looking for newly tracked wallets");
        let before = *self.reconciled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let newest: i64 =
            sqlx::query_scalar("SELECT coalesce(max(number), -1)::bigint FROM blocks")
                .fetch_one(&self.pool)
                .await
                .map_err(reading())?;
        // A rewound core chain takes links back: look at everything once more.
        let since = before.filter(|before| newest >= *before);
        if since == Some(newest) {
            return Ok(0);
        }
        let mut transaction = self.pool.begin().await.map_err(reading())?;
        let found = sqlx::query(
            "INSERT INTO audius_etl_eth_retries (wallet, reason) \
             SELECT wallet, 'newly tracked' FROM ( \
                 SELECT lower(u.wallet::text) AS wallet FROM users u \
                     WHERE u.is_current AND ($1::bigint IS NULL OR u.blocknumber > $1) \
                 UNION \
                 SELECT lower(a.wallet::text) FROM associated_wallets a \
                     WHERE a.chain = 'eth' AND a.is_current AND NOT a.is_delete \
                         AND ($1::bigint IS NULL OR a.blocknumber > $1)) w \
             WHERE w.wallet ~ '^0x[0-9a-f]{40}$' \
                 AND NOT EXISTS (SELECT FROM eth_wallet_balances b WHERE b.wallet = w.wallet) \
             UNION \
             SELECT b.wallet, 'never read' FROM eth_wallet_balances b \
                 WHERE $1::bigint IS NULL AND b.updated_at < '1970-01-02' \
                     AND b.wallet ~ '^0x[0-9a-f]{40}$' \
             ON CONFLICT (wallet) DO NOTHING",
        )
        .bind(since)
        .execute(&mut *transaction)
        .await
        .map_err(reading())?
        .rows_affected();
        if since.is_some() {
            let users: Vec<i32> = sqlx::query_scalar(
                "SELECT user_id FROM users WHERE is_current AND blocknumber > $1 \
                     AND wallet IS NOT NULL \
                 UNION SELECT user_id FROM associated_wallets \
                     WHERE chain = 'eth' AND blocknumber > $1",
            )
            .bind(since)
            .fetch_all(&mut *transaction)
            .await
            .map_err(reading())?;
            eth_balances::store_user_totals(&mut transaction, &users).await.map_err(reading())?;
        }
        transaction.commit().await.map_err(reading())?;
        *self.reconciled.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(newest);
        Ok(found)
    }

    /// Stores balances without a checkpoint, and lists the wallets that could not be read, in one
    /// transaction. Returns how many balances were stored.
    pub(super) async fn store(
        &self,
        balances: &[WalletBalance],
        unread: &[Listed],
        read_block: i64,
        read_hash: &str,
    ) -> Result<u64, Error> {
        let storing = || db::Error::query("storing balances");
        let mut transaction = self.pool.begin().await.map_err(storing())?;
        let at = ReadAt { number: read_block, hash: read_hash };
        let stored = eth_balances::store(&mut transaction, balances, at).await.map_err(storing())?;
        transaction.commit().await.map_err(storing())?;
        if !unread.is_empty() {
            self.list(unread, "reading it failed").await?;
        }
        Ok(stored)
    }

    /// Notes the blocks of events at wallets that have a balance.
    pub(super) async fn note_events(&self, events: &[Listed]) -> Result<(), Error> {
        let texts: Vec<String> = events.iter().map(|listed| address_text(listed.wallet)).collect();
        let wallets: Vec<&str> = texts.iter().map(String::as_str).collect();
        let blocks: Vec<Option<i64>> = events.iter().map(|listed| listed.event_block).collect();
        let noting = || db::Error::query("noting the blocks of events");
        let mut connection = self.pool.acquire().await.map_err(noting())?;
        eth_balances::raise_event_blocks(&mut connection, &wallets, &blocks)
            .await
            .map_err(noting())?;
        Ok(())
    }

    /// How far an interrupted replay has come.
    pub(super) async fn replayed(&self, name: &str) -> Result<Option<u64>, Error> {
        let last: Option<i64> =
            sqlx::query_scalar("SELECT last_block FROM eth_indexer_checkpoints WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.pool)
                .await
                .map_err(db::Error::query("reading how far the replay has come"))?;
        Ok(last.and_then(|last| u64::try_from(last).ok()))
    }

    /// Notes how far a replay has come.
    pub(super) async fn note_replayed(&self, name: &str, block: u64) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO eth_indexer_checkpoints (name, last_block) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE \
                 SET last_block = excluded.last_block, updated_at = now()",
        )
        .bind(name)
        .bind(number(block))
        .execute(&self.pool)
        .await
        .map_err(db::Error::query("noting how far the replay has come"))?;
        Ok(())
    }

    /// Forgets a replay that is done.
    pub(super) async fn forget_replay(&self, name: &str) -> Result<(), Error> {
        sqlx::query("DELETE FROM eth_indexer_checkpoints WHERE name = $1")
            .bind(name)
            .execute(&self.pool)
            .await
            .map_err(db::Error::query("forgetting a replay"))?;
        Ok(())
    }

    /// The kept checkpoints of a chain as its headers.
    pub(super) async fn header_chain(&self, chain: &str) -> Result<HeaderChain, Error> {
        let rows: Vec<(i64, i64, String, i64)> = sqlx::query_as(
            "SELECT id, height, block_hash, extract(epoch FROM block_time)::bigint \
             FROM audius_etl_checkpoints WHERE chain = $1 ORDER BY height",
        )
        .bind(chain)
        .fetch_all(&self.pool)
        .await
        .map_err(db::Error::query("reading the checkpoints"))?;
        let link = |(id, height, hash, time): (i64, i64, String, i64)| {
            let hash: B256 = hash.parse().ok()?;
            Some(Link {
                block: BlockRef { number: u64::try_from(height).ok()?, hash },
                timestamp: u64::try_from(time).unwrap_or(0),
                checkpoint: u64::try_from(id).ok(),
            })
        };
        Ok(rows.into_iter().filter_map(link).collect())
    }

    /// The last block that the reference indexer has processed; 0 and below count as none (eth 1.3).
    pub(super) async fn reference_progress(&self) -> Result<Option<u64>, Error> {
        let last: Option<i64> =
            sqlx::query_scalar("SELECT last_block FROM eth_indexer_checkpoints WHERE name = $1")
                .bind(CHECKPOINT_NAME)
                .fetch_optional(&self.pool)
                .await
                .map_err(db::Error::query("reading the reference's checkpoint"))?;
        Ok(last.filter(|last| *last > 0).and_then(|last| u64::try_from(last).ok()))
    }

    /// The server's clock.
    pub(super) async fn now(&self) -> Result<Timestamp, Error> {
        let micros: i64 =
            sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000000)::bigint")
                .fetch_one(&self.pool)
                .await
                .map_err(db::Error::query("reading the server's clock"))?;
        Ok(Timestamp::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lower_case_address_is_a_wallet() {
        let text = "0x00000000000000000000000000000000000000ab";
        assert_eq!(wallet_of(text).map(address_text).as_deref(), Some(text));
        for wrong in [
            "",
            "0x",
            "0xab",
            "00000000000000000000000000000000000000ab",
            "0X00000000000000000000000000000000000000ab",
            "0x00000000000000000000000000000000000000AB",
            "0x00000000000000000000000000000000000000abcd",
        ] {
            assert_eq!(wallet_of(wrong), None, "{wrong}");
        }
    }
}
