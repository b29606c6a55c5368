//! SLA rollups and their node reports (core-chain (d)).
//!
//! A rollup sums up transactions of earlier blocks, so it is written once those are there: with
//! plain statements, because there is one in about two thousand blocks. How blocks are batched
//! makes no difference: counts stop below the rollup's own block.

use sqlx::postgres::PgConnection;

use super::{
    Run, WrittenBlock,
    transaction::{Fault, RowCounts, at},
};
use crate::{
    db::param::TimeParam,
    model::{Timestamp, TxBody, block::SlaRollup},
};

const ROLLUPS: &str = "etl_sla_rollups";
const REPORTS: &str = "etl_sla_node_reports";

/// Seconds that the reference assumes for a block when there is no earlier rollup.
const ASSUMED_BLOCK_SECONDS: f64 = 2.0;

/// Writes the rollups of a run in order.
pub(super) async fn write(connection: &mut PgConnection, run: &Run) -> Result<RowCounts, Fault> {
    let (mut rollups, mut reports) = (0, 0);
    for block in &run.blocks {
        for (position, tx) in block.detailed() {
            let TxBody::SlaRollup(rollup) = &tx.body else { continue };
            write_rollup(connection, block, position, rollup).await?;
            rollups += 1;
            reports += rollup.reports.len() as u64;
        }
    }
    let counts = [(ROLLUPS, rollups), (REPORTS, reports)];
    Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
}

async fn write_rollup(
    connection: &mut PgConnection,
    block: &WrittenBlock,
    position: usize,
    rollup: &SlaRollup,
) -> Result<(), Fault> {
    let hash = clean(&block.block.txs[position].hash);
    let figures = Figures::of(connection, block, rollup).await.map_err(at(ROLLUPS))?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO etl_sla_rollups (block_start, block_end, block_height, validator_count, \
             block_quota, bps, tps, tx_hash, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id::bigint",
    )
    .bind(rollup.block_start)
    .bind(rollup.block_end)
    .bind(block.block.height)
    .bind(figures.validators)
    .bind(figures.quota)
    .bind(figures.blocks_per_second)
    .bind(figures.transactions_per_second)
    .bind(&hash)
    .bind(TimeParam(rollup.timestamp))
    .fetch_one(&mut *connection)
    .await
    .map_err(at(ROLLUPS))?;
    let counts = block.rollups.iter().find(|counts| counts.tx == position);
    let challenges = |index: usize| {
        counts.and_then(|counts| counts.challenges.get(index)).copied().unwrap_or_default()
    };
    let indices = 0..rollup.reports.len();
    let addresses: Vec<String> = rollup.reports.iter().map(|(address, _)| clean(address)).collect();
    let proposed: Vec<i32> = rollup.reports.iter().map(|(_, proposed)| *proposed).collect();
    let received: Vec<i32> = indices.clone().map(|index| challenges(index).0).collect();
    let failed: Vec<i32> = indices.map(|index| challenges(index).1).collect();
    sqlx::query(
        "INSERT INTO etl_sla_node_reports (sla_rollup_id, address, num_blocks_proposed, \
             challenges_received, challenges_failed, block_height, tx_hash, created_at) \
         SELECT $1, address, proposed, received, failed, $2, $3, $4 \
         FROM unnest($5::text[], $6::int4[], $7::int4[], $8::int4[]) WITH ORDINALITY \
             AS r(address, proposed, received, failed, position) \
         ORDER BY position",
    )
    .bind(id)
    .bind(block.block.height)
    .bind(&hash)
    .bind(TimeParam(rollup.timestamp))
    .bind(addresses)
    .bind(proposed)
    .bind(received)
    .bind(failed)
    .execute(connection)
    .await
    .map(drop)
    .map_err(at(REPORTS))
}

/// The figures that a rollup is stored with.
struct Figures {
    validators: i32,
    quota: i32,
    blocks_per_second: f64,
    transactions_per_second: f64,
}

impl Figures {
    async fn of(
        connection: &mut PgConnection,
        block: &WrittenBlock,
        rollup: &SlaRollup,
    ) -> Result<Self, sqlx::Error> {
        let transactions = transactions_in(connection, block.block.height, rollup).await?;
        let previous: Option<i64> = sqlx::query_scalar(
            "SELECT (extract(epoch FROM created_at) * 1000000)::bigint FROM etl_sla_rollups \
             ORDER BY id DESC LIMIT 1",
        )
        .fetch_optional(connection)
        .await?;
        Ok(Self::compute(rollup, transactions, previous.map(Timestamp::from_micros)))
    }

    #[expect(clippy::cast_precision_loss, reason = "the reference computes in doubles as well")]
    fn compute(rollup: &SlaRollup, transactions: i64, previous: Option<Timestamp>) -> Self {
        let range = rollup.block_end.saturating_sub(rollup.block_start);
        let validators = i32::try_from(rollup.reports.len()).unwrap_or(i32::MAX);
        let quota = if range <= 0 || validators == 0 {
            0
        } else {
            // The reference truncates the range to 32 bits before it divides.
            #[expect(clippy::cast_possible_truncation, reason = "as the reference does")]
            let range = range as i32;
            range / validators
        };
        if range <= 0 {
            let zero = 0.0;
            return Self {
                validators,
                quota,
                blocks_per_second: zero,
                transactions_per_second: zero,
            };
        }
        let elapsed = previous
            .map(|previous| {
                rollup.timestamp.micros().saturating_sub(previous.micros()) as f64 / 1e6
            })
            .filter(|seconds| *seconds > 0.0);
        let seconds = elapsed.unwrap_or(range as f64 * ASSUMED_BLOCK_SECONDS);
        Self {
            validators,
            quota,
            blocks_per_second: range as f64 / seconds,
            transactions_per_second: transactions as f64 / seconds,
        }
    }
}

/// Transactions of the blocks that the rollup covers. Heights start over with a new chain, so rows
/// from before the block at the range's start belong to an older one.
async fn transactions_in(
    connection: &mut PgConnection,
    height: i64,
    rollup: &SlaRollup,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM etl_transactions \
         WHERE block_height BETWEEN $1 AND $2 AND created_at >= coalesce( \
             (SELECT max(block_time) FROM etl_blocks WHERE block_height = greatest($1, 1)), \
             '-infinity')",
    )
    .bind(rollup.block_start)
    .bind(rollup.block_end.min(height - 1))
    .fetch_one(connection)
    .await
}

/// Text that PostgreSQL takes; these few values are cleaned always.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollup(start: i64, end: i64, nodes: usize) -> SlaRollup {
        SlaRollup {
            timestamp: Timestamp::from_seconds(10_000),
            block_start: start,
            block_end: end,
            reports: vec![(String::new(), 0); nodes],
        }
    }

    #[test]
    fn the_figures_are_the_references() {
        let first = Figures::compute(&rollup(0, 100, 3), 500, None);
        assert_eq!((first.validators, first.quota), (3, 33));
        assert!((first.blocks_per_second - 0.5).abs() < 1e-12);
        assert!((first.transactions_per_second - 2.5).abs() < 1e-12);
        let later =
            Figures::compute(&rollup(101, 301, 4), 1_000, Some(Timestamp::from_seconds(9_900)));
        assert!((later.blocks_per_second - 2.0).abs() < 1e-12);
        assert!((later.transactions_per_second - 10.0).abs() < 1e-12);
    }

    #[test]
    fn an_empty_range_and_a_clock_that_went_back_do_no_harm() {
        let empty = Figures::compute(&rollup(5, 5, 0), 9, None);
        assert_eq!((empty.quota, empty.blocks_per_second.to_bits()), (0, 0));
        let back = Figures::compute(&rollup(0, 10, 0), 20, Some(Timestamp::from_seconds(20_000)));
        assert!((back.blocks_per_second - 0.5).abs() < 1e-12);
        let forged = Figures::compute(&rollup(i64::MIN, i64::MAX, 1), 0, None);
        assert!(forged.blocks_per_second.is_finite());
    }
}
