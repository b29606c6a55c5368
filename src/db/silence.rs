//! Connections that have gone silent: a firewall forgot them, or a machine went away without a word.
//! What waits for an answer on one would wait for ever, since nothing is sent that could fail.
//!
//! So whoever waits long asks the server by another connection what the session is doing. One that
//! is at work is waited for, however long it takes; one that is done, or waits for us, while we wait
//! for it, has lost our connection, and so has one that the server does not know.

use std::{io, time::Duration};

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection, Postgres, pool::PoolConnection};
use tokio::time::{Instant, sleep, timeout};

use super::{CONNECT_TIMEOUT, Database};

/// How long an answer may take before somebody asks what is the matter, and pause between questions.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Signs of silence that are enough to give a connection up.
const ENOUGH: u32 = 12;

/// What the session is doing by the word of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// It is at work.
    Works,
    /// It sends to us or waits for what we send: many times in a row, or the network is slow.
    Transfers,
    /// It is done or gone, or nobody answers.
    Silent,
}

impl Sign {
    const fn weight(self) -> u32 {
        match self {
            Self::Works => 0,
            Self::Transfers => 1,
            Self::Silent => ENOUGH / 2,
        }
    }
}

/// Waits for `work`, which runs on the session of the server's process `pid`.
///
/// # Errors
/// A lost connection, once the session has proved silent; `work` is given up then, and its
/// connection must not be used again.
pub(crate) async fn watched<F: Future>(
    database: &Database,
    pid: i32,
    work: F,
) -> Result<F::Output, sqlx::Error> {
    let mut work = Box::pin(work);
    let (begun, mut signs) = (Instant::now(), 0);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = sleep(database.patience) => {}
        }
        let sign = tokio::select! {
            done = &mut work => return Ok(done),
            sign = sign(database, pid) => sign,
        };
        signs = if sign == Sign::Works { 0 } else { signs + sign.weight() };
        if signs >= ENOUGH {
            tracing::warn!(
                pid,
                seconds = begun.elapsed().as_secs(),
                "the connection to the database has gone silent; making a new one"
            );
            return Err(silent());
        }
    }
}

fn silent() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the connection has gone silent").into()
}

async fn sign(database: &Database, pid: i32) -> Sign {
    let asked = async {
        let mut connection = database.connect().await.ok()?;
        let sign = ask(&mut connection, pid, database.patience).await.ok()?;
        drop(connection.close().await);
        Some(sign)
    };
    timeout(CONNECT_TIMEOUT, asked).await.ok().flatten().unwrap_or(Sign::Silent)
}

async fn ask(
    connection: &mut PgConnection,
    pid: i32,
    patience: Duration,
) -> Result<Sign, sqlx::Error> {
    // Between two statements a session is idle for a moment. What a role may not see is at work.
    let found: Option<(bool, bool)> = sqlx::query_as(
        "SELECT coalesce(state, 'active') NOT LIKE 'idle%' \
                    OR clock_timestamp() - state_change < make_interval(secs => $2), \
                coalesce(wait_event_type = 'Client' AND state = 'active', false) \
         FROM pg_stat_activity WHERE pid = $1",
    )
    .bind(pid)
    .bind(patience.as_secs_f64())
    .fetch_optional(connection)
    .await?;
    Ok(match found {
        Some((_, true)) => Sign::Transfers,
        Some((true, false)) => Sign::Works,
        Some((false, false)) | None => Sign::Silent,
    })
}

/// A connection of a pool that answers, and its process in the server. One that does not is thrown
/// away.
pub(crate) async fn acquire(
    database: &Database,
    pool: &PgPool,
) -> Result<(PoolConnection<Postgres>, i32), sqlx::Error> {
    let mut error = silent();
    for _ in 0..=pool.options().get_max_connections() {
        // A pool that asks a connection whether it lives waits for a silent one.
        let Ok(acquired) = timeout(database.patience, pool.acquire()).await else { continue };
        let mut connection = acquired?;
        let asking = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection);
        match timeout(database.patience, asking).await {
            Ok(Ok(pid)) => return Ok((connection, pid)),
            Ok(Err(said)) => error = said,
            Err(_elapsed) => {}
        }
        discard(connection);
    }
    Err(error)
}

/// Closes a connection without a word to the server, and makes room for another one in its pool.
pub(crate) fn discard(connection: PoolConnection<Postgres>) {
    drop(connection.detach());
}
