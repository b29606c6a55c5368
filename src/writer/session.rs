//! The writer's connection: its settings and the lock that makes it the only one.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Row, postgres::PgConnection};
use tokio::time::{Instant, sleep};

use super::{Error, LockHolder};
use crate::db::{self, Database};

/// First half of the lock's key; the second is the oid of the database. Spells "aetl".
const LOCK_CLASS: i64 = 0x6165_746c;

/// How long a lock may be held by somebody else before that is an error. A process that was killed
/// a moment ago still holds it until the server notices.
const GRACE: Duration = Duration::from_secs(5);

/// Time between two attempts to get the lock.
const POLL: Duration = Duration::from_millis(100);

/// No timeout of the role may cut a run short. Rows are found by key only, and statistics from
/// before the initial sync must not make the planner read whole tables; `jit` costs more than these
/// statements take.
const SETTINGS: &str = "SET statement_timeout = 0; SET lock_timeout = 0; \
    SET idle_in_transaction_session_timeout = 0; SET default_transaction_read_only = off; \
    SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning; \
    SET enable_seqscan = off; SET enable_mergejoin = off; SET jit = off";

/// Settings that only newer servers have. The connection check lets a server notice that this
/// process was killed while a statement runs, which frees the lock; keepalives and the limit for what
/// nobody acknowledges do so when this machine went away without a word.
const NEWER_SETTINGS: &str = "SELECT set_config(s.name, v.value, false) FROM pg_settings s \
    JOIN (VALUES ('idle_session_timeout', '0'), ('transaction_timeout', '0'), \
                 ('client_connection_check_interval', '1s'), ('tcp_keepalives_idle', '30'), \
                 ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'), \
                 ('tcp_user_timeout', '60000')) v(name, value) USING (name)";

/// What to do while somebody else holds the lock.
#[derive(Clone, Copy, Debug)]
pub(super) enum Contention {
    /// Give up after a grace period.
    Fail,
    /// Wait as long as it takes.
    Wait,
    /// The holder may be our own session whose connection was lost: end it.
    Replace {
        /// Its server process.
        pid: i32,
    },
}

/// A connection that holds the writer lock.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: PgConnection,
    /// Server process of the connection.
    pub(super) pid: i32,
}

impl Session {
    /// Connects, sets the session up and takes the lock.
    pub(super) async fn open(
        database: &Database,
        synchronous_commit: bool,
        contention: Contention,
    ) -> Result<Self, Error> {
        let mut connection = database.connect().await?;
        let setting = || db::Error::query("setting up the writer's session");
        let commit = if synchronous_commit { "on" } else { "off" };
        let name = format!("audius-etl writer, pid {}", std::process::id());
        let sql = format!(
            "{SETTINGS}; SET synchronous_commit = {commit}; SET application_name = '{name}'"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map_err(setting())?;
        if let Err(error) = sqlx::query(NEWER_SETTINGS).execute(&mut connection).await {
            tracing::debug!(%error, "optional session settings are not available");
        }
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .map_err(setting())?;
        lock(&mut connection, contention).await?;
        Ok(Self { connection, pid })
    }

    /// Ends the session politely, which frees the lock at once.
    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing the writer's connection");
        }
    }
}

/// A connection that holds the writer lock, for work on the tables outside the write cycle. The
/// planner is free to read whole tables.
///
/// # Errors
/// [`Error::Locked`] when another writer is at work and `wait` is not given, [`Error::Database`]
/// when the database cannot be reached.
pub async fn exclusive(database: &Database, wait: bool) -> Result<PgConnection, Error> {
    let contention = if wait { Contention::Wait } else { Contention::Fail };
    let mut session = Session::open(database, true, contention).await?;
    sqlx::raw_sql("RESET enable_seqscan; RESET enable_mergejoin; RESET jit")
        .execute(&mut session.connection)
        .await
        .map_err(db::Error::query("setting up the session"))?;
    Ok(session.connection)
}

async fn lock(connection: &mut PgConnection, contention: Contention) -> Result<(), Error> {
    let locking = || db::Error::query("taking the writer lock");
    let started = Instant::now();
    let mut announced = false;
    loop {
        let taken: bool = sqlx::query_scalar(
            "SELECT pg_try_advisory_lock(($1::bigint << 32) | oid::bigint) \
             FROM pg_database WHERE datname = current_database()",
        )
        .bind(LOCK_CLASS)
        .fetch_one(&mut *connection)
        .await
        .map_err(locking())?;
        if taken {
            return Ok(());
        }
        let holder = holder(connection).await.map_err(locking())?;
        match contention {
            Contention::Wait => {
                if !announced {
                    tracing::info!(%holder, "another writer holds the lock; waiting for it");
                    announced = true;
                }
            }
            Contention::Replace { pid } if holder.pid == Some(pid) => {
                // Without the right to do so the server's own check has to notice.
                let ended = sqlx::query("SELECT pg_terminate_backend($1)")
                    .bind(pid)
                    .execute(&mut *connection);
                if let Err(error) = ended.await {
                    tracing::debug!(%error, "cannot end the lost session");
                }
                if started.elapsed() > 6 * GRACE {
                    return Err(Error::Locked { holder });
                }
            }
            Contention::Fail | Contention::Replace { .. } => {
                let limit = if holder.pid.is_some() { GRACE } else { 6 * GRACE };
                if started.elapsed() > limit {
                    return Err(Error::Locked { holder });
                }
            }
        }
        sleep(POLL).await;
    }
}

/// Who holds the writer lock of `database`; nobody if it is free.
///
/// # Errors
/// The database cannot be reached, or the query fails.
pub async fn lock_holder(database: &Database) -> Result<Option<LockHolder>, Error> {
    let mut connection = database.connect().await?;
    let looking = || db::Error::query("looking for the holder of the writer lock");
    let found = holder(&mut connection).await.map_err(looking())?;
    connection.close().await.map_err(looking())?;
    Ok(Some(found).filter(|holder| *holder != LockHolder::default()))
}

/// Who holds the lock, as far as the server tells this role.
async fn holder(connection: &mut PgConnection) -> Result<LockHolder, sqlx::Error> {
    let row = sqlx::query(
        "SELECT l.pid, coalesce(a.application_name, '') AS application, \
                coalesce(host(a.client_addr), '') AS host, \
                coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', \
                                 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'unknown') AS since \
         FROM pg_locks l \
         JOIN pg_database d ON d.oid = l.database AND d.datname = current_database() \
         LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
             AND l.classid::bigint = $1 AND l.objid = d.oid",
    )
    .bind(LOCK_CLASS)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(LockHolder::default()) };
    Ok(LockHolder {
        pid: row.try_get("pid")?,
        application: row.try_get("application")?,
        host: row.try_get("host")?,
        since: row.try_get("since")?,
    })
}
