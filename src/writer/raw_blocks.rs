//! Raw rows of blocks that an index run left out, written outside the write cycle: no entity row,
//! no checkpoint, no progress.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use sqlx::{Connection, postgres::PgConnection};

use super::{
    Error, Run, WrittenBlock,
    prepare::{Plan, Settings, Spare, prepare_raw},
    raw::RawContext,
    session, transaction,
};
use crate::{
    db::{self, Database, catalog::Catalog},
    model::tables::TableId,
};

/// Tables with a key of their own that blocks fill without entity calls. Validators are left out:
/// their rows say how things stand, not how they stood.
const KEYED: [TableId; 2] = [TableId::StorageProofs, TableId::Addresses];

/// Writes raw rows, and holds the writer lock meanwhile: plays share one sequence of slots with a
/// running index, and addresses one table.
#[derive(Debug)]
pub struct RawBlocks {
    connection: PgConnection,
    plan: Plan,
    settings: Settings,
}

/// Heights between two that are not recorded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// How many.
    pub count: i64,
    /// The lowest; `None` if there are none.
    pub first: Option<i64>,
    /// The highest.
    pub last: Option<i64>,
}

impl RawBlocks {
    /// Connects and takes the writer lock.
    ///
    /// # Errors
    /// [`Error::Locked`] when another writer is at work and `wait` is not given, [`Error::Database`]
    /// when the database cannot be reached or lacks tables or columns.
    pub async fn open(database: &Database, wait: bool) -> Result<Self, Error> {
        let mut connection = session::exclusive(database, wait).await?;
        let catalog = Catalog::read(&mut connection).await?;
        let plan = Plan::of(Arc::new(catalog), None)?;
        let sanitize = plan.tables().collect();
        let raw = RawContext { check_repeats: true, ..RawContext::default() };
        Ok(Self { connection, plan, settings: Settings { raw, sanitize } })
    }

    /// The heights in a range that have no row in `etl_blocks`.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn missing(&mut self, from: i64, to_inclusive: i64) -> Result<Missing, Error> {
        let found = sqlx::query_as(
            "SELECT count(*), min(height), max(height) FROM generate_series($1, $2) height \
             WHERE NOT EXISTS (SELECT FROM etl_blocks WHERE block_height = height)",
        );
        let (count, first, last) = found
            .bind(from)
            .bind(to_inclusive)
            .fetch_one(&mut self.connection)
            .await
            .map_err(db::Error::query("looking for heights without a row in etl_blocks"))?;
        Ok(Missing { count, first, last })
    }

    /// Those of the heights that are recorded in `etl_blocks`.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn recorded(&mut self, heights: &[i64]) -> Result<FxHashSet<i64>, Error> {
        let sql = "SELECT block_height FROM etl_blocks WHERE block_height = ANY($1)";
        let found = sqlx::query_scalar(sql).bind(heights).fetch_all(&mut self.connection).await;
        let found: Vec<i64> = found.map_err(db::Error::query("looking for recorded heights"))?;
        Ok(found.into_iter().collect())
    }

    /// Those of the heights of a chain that some indexer went through: their plays are in `plays`.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn indexed(&mut self, chain: &str, heights: &[i64]) -> Result<FxHashSet<i64>, Error> {
        let sql = "SELECT height::bigint FROM core_indexed_blocks \
                   WHERE chain_id = $1 AND height = ANY($2)";
        let found = sqlx::query_scalar(sql).bind(chain).bind(heights);
        let found = found.fetch_all(&mut self.connection).await;
        let found: Vec<i64> = found.map_err(db::Error::query("looking for indexed heights"))?;
        Ok(found.into_iter().collect())
    }

    /// Writes blocks in one transaction: `core_indexed_blocks` for `new_blocks`, everything else
    /// for them and for `known_blocks`. Returns the rows by table.
    ///
    /// # Errors
    /// When the server refuses; then nothing is written.
    pub async fn write(
        &mut self,
        mut new_blocks: Vec<WrittenBlock>,
        known_blocks: Vec<WrittenBlock>,
    ) -> Result<Vec<(&'static str, u64)>, Error> {
        let new = Run { blocks: new_blocks.clone(), ..Run::default() };
        new_blocks.extend(known_blocks);
        new_blocks.sort_by_key(|block| block.block.height);
        for block in &mut new_blocks {
            block.changes.retain(|change| KEYED.contains(&change.table));
        }
        let run = Run { blocks: new_blocks, ..Run::default() };
        let prepared = prepare_raw(&self.plan, &new, &run, &self.settings, &mut Spare::default())?;
        let height = run.blocks.iter().map(|block| block.block.height).max().unwrap_or(0);
        let doing = || db::Error::query(format!("writing raw rows up to height {height}"));
        let mut transaction = self.connection.begin().await.map_err(doing())?;
        let written = transaction::sections(&mut transaction, &prepared, &run).await;
        let rows = written.map_err(|fault| Error::Refused {
            table: fault.table,
            checkpoint: 0,
            height,
            source: fault.source,
        })?;
        transaction.commit().await.map_err(doing())?;
        Ok(rows)
    }

    /// Ends the session, which frees the lock.
    pub async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing the connection");
        }
    }
}
