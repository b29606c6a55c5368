//! One prepared run as one SQL transaction.

use sqlx::{AssertSqlSafe, postgres::PgConnection};

use super::{
    Run, ethereum, insert,
    prepare::{Prepared, Section, Send},
    raw, sla,
};
use crate::db::{eth_balances, param::TimeParam};

/// Where and why a transaction failed.
#[derive(Debug)]
pub(super) struct Fault {
    /// The table, or the step when no table is at fault.
    pub(super) table: &'static str,
    pub(super) source: sqlx::Error,
}

/// Makes `Fault`s of one table.
pub(super) fn at(table: &'static str) -> impl FnOnce(sqlx::Error) -> Fault {
    move |source| Fault { table, source }
}

/// Rows inserted by table.
pub(super) type RowCounts = Vec<(&'static str, u64)>;

/// How a transaction ends that nothing went wrong in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// What it did is durable.
    Commit,
    /// All that a commit would check is checked, and what it did is taken back.
    Rehearsal,
}

/// Runs the whole transaction. On an error it is left open; the caller rolls it back.
pub(super) async fn execute(
    connection: &mut PgConnection,
    prepared: &Prepared,
    run: &Run,
    ending: Ending,
) -> Result<RowCounts, Fault> {
    statement(connection, "BEGIN", "begin").await?;
    if prepared.moves_current {
        clear_current_block(connection).await?;
    }
    drop_older_checkpoints(connection, run).await?;
    let mut rows = sections(connection, prepared, run).await?;
    add_up_balances(connection, run).await.map_err(at("eth_user_balances"))?;
    for write in &run.ethereum {
        ethereum::write(connection, write, run.keep_history, &mut rows).await?;
    }
    write_chain(connection, run).await.map_err(at("audius_etl_chains"))?;
    match ending {
        Ending::Commit => statement(connection, "COMMIT", "commit").await?,
        Ending::Rehearsal => {
            statement(connection, "SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK", "rehearsal").await?;
        }
    }
    Ok(rows)
}

/// Writes the rows of a run inside a transaction; returns their number by table.
pub(super) async fn sections(
    connection: &mut PgConnection,
    prepared: &Prepared,
    run: &Run,
) -> Result<RowCounts, Fault> {
    for section in &prepared.sections {
        if let Some((sql, keys)) = &section.delete {
            let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
            for array in keys {
                query = query.bind(array);
            }
            query.execute(&mut *connection).await.map_err(at(section.table))?;
        }
        send(connection, section).await.map_err(at(section.table))?;
    }
    let mut rows = prepared.row_counts();
    rows.extend(sla::write(connection, run).await?);
    Ok(rows)
}

async fn send(connection: &mut PgConnection, section: &Section) -> Result<(), sqlx::Error> {
    match &section.send {
        Send::Script(sql) => script(connection, sql).await,
        _ if section.rows == 0 => Ok(()),
        Send::Insert(target) => insert::rows(connection, target, section).await,
        Send::Staged(target, staging) => {
            script(connection, &staging.before).await?;
            insert::rows(connection, target, section).await?;
            script(connection, &staging.after).await
        }
        Send::Each { sql, fields } => insert::each(connection, (sql, *fields), section).await,
    }
}

/// Runs a statement that takes no parameters.
pub(super) async fn statement(
    connection: &mut PgConnection,
    sql: &'static str,
    step: &'static str,
) -> Result<(), Fault> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop).map_err(at(step))
}

async fn script(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

/// Only one block may be the current one, and it comes with this run.
async fn clear_current_block(connection: &mut PgConnection) -> Result<(), Fault> {
    sqlx::query("UPDATE blocks SET is_current = false WHERE is_current")
        .execute(connection)
        .await
        .map(drop)
        .map_err(at("blocks"))
}

/// Adds up the balances on Ethereum of users whose wallets changed, from the wallets as they are now.
async fn add_up_balances(connection: &mut PgConnection, run: &Run) -> Result<(), sqlx::Error> {
    let users = run.blocks.iter().flat_map(|block| &block.provenance.eth_balances);
    let mut users: Vec<i32> = users.filter_map(|user| i32::try_from(*user).ok()).collect();
    users.sort_unstable();
    users.dedup();
    eth_balances::store_user_totals(connection, &users).await
}

/// Without before-images nothing can go back behind this run, so only the last checkpoint of a
/// chain is of use.
async fn drop_older_checkpoints(connection: &mut PgConnection, run: &Run) -> Result<(), Fault> {
    let Some(first) = run.blocks.first().filter(|_| !run.keep_history) else { return Ok(()) };
    let mut chains: Vec<&str> =
        run.blocks.iter().map(|block| block.checkpoint.chain.as_str()).collect();
    chains.dedup();
    sqlx::query("DELETE FROM audius_etl_checkpoints WHERE chain = ANY($1) AND id < $2")
        .bind(chains)
        .bind(raw::id(first.checkpoint.id))
        .execute(connection)
        .await
        .map(drop)
        .map_err(at("audius_etl_checkpoints"))
}

/// Adds what the run holds to the chain's row. What is not known keeps the value it has.
async fn write_chain(connection: &mut PgConnection, run: &Run) -> Result<(), sqlx::Error> {
    let blocks = run.last_checkpoint().map(|last| last.chain.as_str());
    let Some(chain) = blocks.or(run.status.as_ref().map(|status| status.chain.as_str())) else {
        return Ok(());
    };
    let status = run.status.as_ref().filter(|status| status.chain == chain);
    sqlx::query(
        "INSERT INTO audius_etl_chains AS c \
             (chain, head_height, head_time, ready_at, events_processed, updated_at) \
         VALUES ($1, $2, $3, $4 AT TIME ZONE 'UTC', $5, now()) \
         ON CONFLICT (chain) DO UPDATE SET \
             head_height = coalesce(excluded.head_height, c.head_height), \
             head_time = coalesce(excluded.head_time, c.head_time), \
             ready_at = coalesce(excluded.ready_at, c.ready_at), \
             events_processed = c.events_processed + excluded.events_processed, \
             updated_at = excluded.updated_at",
    )
    .bind(chain)
    .bind(status.and_then(|status| status.head_height))
    .bind(status.and_then(|status| status.head_time).map(TimeParam))
    .bind(status.and_then(|status| status.ready_at).map(TimeParam))
    .bind(i64::try_from(run.transactions).unwrap_or(i64::MAX))
    .execute(connection)
    .await
    .map(drop)
}
