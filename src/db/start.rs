//! Where a run begins: what the database says about earlier ones.
//!
//! Read it while the writer lock is held, so that nobody moves it in between.

use sqlx::{AssertSqlSafe, Row as _, ValueRef as _, postgres::PgRow};

use super::{
    Error,
    codec::{Wire, decode},
    load::Loader,
};
use crate::model::{Timestamp, tables::TableId, value::Value};

/// The last durable state of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPosition {
    /// Chain id.
    pub chain: String,
    /// Highest height that is indexed.
    pub height: i64,
    /// Hash of that block, lower-case hex.
    pub block_hash: String,
    /// Time of that block, where an own checkpoint tells.
    pub block_time: Option<Timestamp>,
    /// Id of the own checkpoint; `None` where only another indexer's progress is known.
    pub checkpoint: Option<u64>,
}

/// What is known of a chain besides its blocks, from `audius_etl_chains`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChain {
    /// Chain id.
    pub chain: String,
    /// Highest block that a source has shown.
    pub head_height: Option<i64>,
    /// Time of that block.
    pub head_time: Option<Timestamp>,
    /// Since when the database has kept up with the head.
    pub ready_at: Option<Timestamp>,
    /// Transactions processed since the first start.
    pub events_processed: i64,
}

/// Where the database stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartState {
    /// Id of the last checkpoint; 0 if there is none.
    pub checkpoint: u64,
    /// Per core chain, the last checkpoint; most recent chain first.
    pub own: Vec<ChainPosition>,
    /// Per Ethereum chain, the last checkpoint.
    pub ethereum: Vec<ChainPosition>,
    /// Per chain, the highest row of `core_indexed_blocks`; the chain whose blocks were numbered last
    /// first.
    pub indexed: Vec<ChainPosition>,
    /// Highest number in `blocks`; 0 if there is none. The next entity block gets one more.
    pub block_number: i64,
    /// Highest slot of a signed play; plays of the next block share one more (core-chain (d)).
    pub plays_slot: i64,
    /// Rows of `audius_etl_chains`.
    pub chains: Vec<KnownChain>,
    /// Whether no block was ever indexed here.
    pub is_empty: bool,
}

impl StartState {
    /// The position to continue from on `chain`: the own checkpoint, else `core_indexed_blocks`.
    pub fn position(&self, chain: &str) -> Option<&ChainPosition> {
        let of_chain = |positions: &'_ &ChainPosition| positions.chain == chain;
        self.own.iter().find(of_chain).or_else(|| self.indexed.iter().find(of_chain))
    }

    /// The chain that was written to last, if any was.
    pub fn latest(&self) -> Option<&ChainPosition> {
        self.own.first().or(self.indexed.first())
    }

    /// The chain that was left longest ago, or the only one.
    pub fn oldest(&self) -> Option<&ChainPosition> {
        self.own.last().or(self.indexed.last())
    }
}

impl Loader {
    /// Reads where the database stands.
    ///
    /// # Errors
    /// When a query fails.
    pub async fn start_state(&self) -> Result<StartState, Error> {
        let own = self
            .positions(
                "SELECT DISTINCT ON (chain) chain, height, block_hash, block_time, id \
                 FROM audius_etl_checkpoints ORDER BY chain, id DESC",
            )
            .await?;
        // Reads one index entry per chain instead of a row per block.
        let indexed = self
            .positions(
                "WITH RECURSIVE chains AS ( \
                     (SELECT chain_id FROM core_indexed_blocks ORDER BY chain_id LIMIT 1) \
                     UNION ALL \
                     SELECT (SELECT b.chain_id FROM core_indexed_blocks b \
                             WHERE b.chain_id > c.chain_id ORDER BY b.chain_id LIMIT 1) \
                     FROM chains c WHERE c.chain_id IS NOT NULL) \
                 SELECT c.chain_id AS chain, l.height::bigint AS height, l.blockhash AS block_hash, \
                        NULL::timestamp AS block_time, NULL::bigint AS id \
                 FROM chains c CROSS JOIN LATERAL ( \
                     SELECT height, blockhash FROM core_indexed_blocks b \
                     WHERE b.chain_id = c.chain_id ORDER BY height DESC LIMIT 1) l \
                 WHERE c.chain_id IS NOT NULL \
                 ORDER BY (SELECT em_block FROM core_indexed_blocks b \
                           WHERE b.chain_id = c.chain_id AND em_block IS NOT NULL \
                           ORDER BY height DESC LIMIT 1) DESC NULLS LAST",
            )
            .await?;
        let mut own = own;
        own.sort_by_key(|position| std::cmp::Reverse(position.checkpoint));
        let checkpoint = own.first().and_then(|position| position.checkpoint).unwrap_or(0);
        let (ethereum, own): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|position| position.chain.starts_with("eip155:"));
        Ok(StartState {
            checkpoint,
            is_empty: own.is_empty() && indexed.is_empty(),
            own,
            ethereum,
            indexed,
            block_number: self.number("SELECT max(number)::bigint FROM blocks").await?,
            // `ORDER BY slot` would name the output column, which no index has: it sorts all plays.
            plays_slot: self
                .number(
                    "SELECT p.slot::bigint FROM plays p WHERE p.slot IS NOT NULL \
                     AND p.signature IS NOT NULL ORDER BY p.slot DESC LIMIT 1",
                )
                .await?,
            chains: self.known_chains().await?,
        })
    }

    /// The server's clock.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn now(&self) -> Result<Timestamp, Error> {
        let ask = || async {
            sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000000)::bigint")
                .fetch_one(&self.pool)
                .await
                .map_err(Error::query("reading the server's clock"))
        };
        let micros: i64 = self.retrying(ask).await?;
        Ok(Timestamp::from_micros(micros))
    }

    /// The tables of the store that have no row.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn empty_tables(&self) -> Result<Vec<TableId>, Error> {
        let is_empty = |id: &TableId| format!("NOT EXISTS (SELECT FROM {})", id.def().name);
        let columns: Vec<String> = TableId::ALL.iter().map(is_empty).collect();
        let sql = format!("SELECT ARRAY[{}]", columns.join(", "));
        let empty: Vec<bool> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&self.pool)
            .await
            .map_err(Error::query("looking for empty tables"))?;
        let ids = TableId::ALL.iter().zip(empty);
        Ok(ids.filter_map(|(id, is_empty)| is_empty.then_some(*id)).collect())
    }

    /// Hash of the block at `height`, for parent hashes; `None` where it isn't known.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn block_hash(&self, chain: &str, height: i64) -> Result<Option<String>, Error> {
        sqlx::query_scalar(
            "SELECT blockhash FROM core_indexed_blocks WHERE chain_id = $1 AND height = $2",
        )
        .bind(chain)
        .bind(height)
        .fetch_optional(&self.pool)
        .await
        .map_err(Error::query("reading a block hash"))
    }

    /// Id of the checkpoint at `height`, if it is kept.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn checkpoint_at(&self, chain: &str, height: i64) -> Result<Option<u64>, Error> {
        let id: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM audius_etl_checkpoints WHERE chain = $1 AND height = $2",
        )
        .bind(chain)
        .bind(height)
        .fetch_optional(&self.pool)
        .await
        .map_err(Error::query("looking for a checkpoint"))?;
        Ok(id.and_then(|id| u64::try_from(id).ok()))
    }

    /// The lowest and the highest height of `chain` that a rewind can go to.
    ///
    /// # Errors
    /// The query fails.
    pub async fn reachable(&self, chain: &str) -> Result<Option<(i64, i64)>, Error> {
        let looking = || Error::query("looking for the heights that are kept");
        let row = sqlx::query(
            "SELECT min(height) AS low, max(height) AS high FROM audius_etl_checkpoints \
             WHERE chain = $1 AND id < (SELECT max(id) FROM audius_etl_checkpoints WHERE chain = $1)",
        )
        .bind(chain)
        .fetch_one(&self.pool)
        .await
        .map_err(looking())?;
        let low: Option<i64> = row.try_get("low").map_err(looking())?;
        let high: Option<i64> = row.try_get("high").map_err(looking())?;
        Ok(low.zip(high))
    }

    async fn number(&self, sql: &'static str) -> Result<i64, Error> {
        let number: Option<Option<i64>> = sqlx::query_scalar(sql)
            .fetch_optional(&self.pool)
            .await
            .map_err(Error::query("reading where the database stands"))?;
        Ok(number.flatten().unwrap_or(0))
    }

    async fn positions(&self, sql: &'static str) -> Result<Vec<ChainPosition>, Error> {
        let reading = || Error::query("reading the checkpoints");
        let rows = sqlx::query(sql).fetch_all(&self.pool).await.map_err(reading())?;
        rows.iter().map(position).collect::<Result<_, _>>().map_err(reading())
    }

    async fn known_chains(&self) -> Result<Vec<KnownChain>, Error> {
        let reading = || Error::query("reading audius_etl_chains");
        let rows = sqlx::query(
            "SELECT chain, head_height, (extract(epoch FROM head_time) * 1000000)::bigint AS head, \
                    (extract(epoch FROM ready_at) * 1000000)::bigint AS ready, events_processed \
             FROM audius_etl_chains ORDER BY chain",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(reading())?;
        rows.iter().map(known_chain).collect::<Result<_, _>>().map_err(reading())
    }
}

fn position(row: &PgRow) -> Result<ChainPosition, sqlx::Error> {
    let block_time = time_of(row, "block_time")?;
    let checkpoint: Option<i64> = row.try_get("id")?;
    Ok(ChainPosition {
        chain: row.try_get("chain")?,
        height: row.try_get("height")?,
        block_hash: row.try_get("block_hash")?,
        block_time,
        checkpoint: checkpoint.and_then(|id| u64::try_from(id).ok()),
    })
}

fn known_chain(row: &PgRow) -> Result<KnownChain, sqlx::Error> {
    let time = |name| -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros))
    };
    Ok(KnownChain {
        chain: row.try_get("chain")?,
        head_height: row.try_get("head_height")?,
        head_time: time("head")?,
        ready_at: time("ready")?,
        events_processed: row.try_get("events_processed")?,
    })
}

/// A timestamp column of a row, without a calendar library in between.
pub(crate) fn time_of(row: &PgRow, name: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    let raw = row.try_get_raw(name)?;
    if raw.is_null() {
        return Ok(None);
    }
    let bytes = raw.as_bytes().map_err(sqlx::Error::Decode)?;
    match decode(Wire::Timestamp, bytes).map_err(sqlx::Error::Decode)? {
        Value::Time(time) => Ok(Some(time)),
        _ => Ok(None),
    }
}
