//! Connections to the two servers: how many, with which settings, in which snapshot, and what was
//! received over them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Error, Options, Side};
use crate::db::{self, Database};

/// Settings that the normal forms rely on, and those that keep a production server safe from us.
/// `jit` costs more than statements of half a second gain, parallel workers would take cores that
/// belong to others. Without `row_security` the server refuses to read a table of which a policy
/// would hide rows. All of them end with the transaction, so that a pooler that lends a connection
/// for one transaction neither loses them nor hands them on.
const SETTINGS: &str = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; \
    SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content'; \
    SET LOCAL standard_conforming_strings = on; SET LOCAL client_encoding = 'UTF8'; \
    SET LOCAL row_security = off; SET LOCAL jit = off; \
    SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL cursor_tuple_fraction = 1.0; \
    SET LOCAL idle_in_transaction_session_timeout = '10min'; SET LOCAL lock_timeout = '30s'";

/// How often a busy server is asked again whether it still is.
const LOAD_CHECK: Duration = Duration::from_secs(1);

/// One of the two servers.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) side: Side,
    database: Database,
    /// After which a statement is given up.
    statement_timeout: Duration,
    /// Statements of others running at once above which we pause.
    max_load: Option<u32>,
    /// A permit for each connection that may be open.
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<PgConnection>>,
    received: AtomicU64,
    /// When we last looked how busy the server is, and whether it was.
    load: Mutex<Option<(Instant, bool)>>,
    cancel: CancellationToken,
}

impl Server {
    pub(crate) fn new(
        side: Side,
        database: Database,
        options: &Options,
        cancel: &CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            side,
            database,
            statement_timeout: options.statement_timeout,
            max_load: options.max_load,
            slots: Arc::new(Semaphore::new(options.jobs.max(1))),
            idle: Mutex::new(Vec::new()),
            received: AtomicU64::new(0),
            load: Mutex::new(None),
            cancel: cancel.clone(),
        })
    }

    /// Where the server is, without password.
    pub(crate) fn redacted(&self) -> &str {
        self.database.redacted()
    }

    /// Bytes of values received so far.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// A connection, once one is free, outside a transaction.
    pub(crate) async fn session(self: &Arc<Self>) -> Result<Session, Error> {
        let permit = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .expect("the semaphore of a server is never closed");
        self.open(permit).await
    }

    /// A further connection in the same snapshot, if one is free right now.
    pub(crate) async fn helper(self: &Arc<Self>, snapshot: &str) -> Result<Option<Session>, Error> {
        let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() else { return Ok(None) };
        let mut session = self.open(permit).await?;
        let import = format!("SET TRANSACTION SNAPSHOT {};", super::sql::quoted(snapshot));
        session.begin_with(&import).await?;
        Ok(Some(session))
    }

    async fn open(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Session, Error> {
        let idle = self.idle.lock().expect("no code panics while it holds the lock").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Session { connection, server: Arc::clone(self), _permit: permit })
    }

    async fn connect(&self) -> Result<PgConnection, Error> {
        self.database.connect().await.map_err(Error::on(self.side))
    }

    /// Closes the connections that wait for work: they may be broken.
    pub(crate) fn forget_idle(&self) {
        self.idle.lock().expect("no code panics while it holds the lock").clear();
    }

    /// Whether the server is too busy for us, as far as was seen a moment ago. `None` says that it
    /// is time to look again, which the caller does for all.
    fn busy(&self) -> Option<bool> {
        let mut load = self.load.lock().expect("no code panics while it holds the lock");
        match *load {
            Some((seen, busy)) if seen.elapsed() < LOAD_CHECK => Some(busy),
            _ => {
                // Until the answer is there, the others go by the last one.
                *load = Some((Instant::now(), load.is_some_and(|(_, busy)| busy)));
                None
            }
        }
    }

    fn note_load(&self, busy: bool) {
        let mut load = self.load.lock().expect("no code panics while it holds the lock");
        *load = Some((Instant::now(), busy));
    }
}

/// A connection to one of the servers. Give it back with [`Session::finish`]; a dropped one is
/// closed.
#[derive(Debug)]
pub(crate) struct Session {
    connection: PgConnection,
    server: Arc<Server>,
    _permit: OwnedSemaphorePermit,
}

impl Session {
    pub(crate) const fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Opens a read-only transaction whose queries all see the same rows.
    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        self.begin_with("").await
    }

    async fn begin_with(&mut self, import: &str) -> Result<(), Error> {
        let timeout = self.server.statement_timeout.as_millis();
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {import} {SETTINGS}; \
             SET LOCAL statement_timeout = {timeout}"
        );
        self.execute("beginning", &sql).await
    }

    /// Gives up statements of this transaction after so many milliseconds.
    pub(crate) async fn limit_statements(&mut self, milliseconds: u32) -> Result<(), Error> {
        let sql = format!("SET LOCAL statement_timeout = {milliseconds}");
        self.execute("limiting statements", &sql).await
    }

    /// Gives up statements of this transaction when the user said.
    pub(crate) async fn limit_statements_as_always(&mut self) -> Result<(), Error> {
        let timeout = self.server.statement_timeout.as_millis();
        self.limit_statements(u32::try_from(timeout).unwrap_or(0)).await
    }

    /// What the server says against a statement, as SQLSTATE and message; `None` where nothing.
    /// The statement must return next to nothing: it is run.
    pub(crate) async fn objection(&mut self, sql: &str) -> Result<Option<Objection>, Error> {
        let doing = "trying a condition";
        self.execute(doing, "SAVEPOINT trial").await?;
        let tried =
            sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_all(&mut self.connection).await;
        let objection = match tried {
            Ok(_) => None,
            Err(sqlx::Error::Database(error))
                if !db::is_transient_state(&error.code().unwrap_or_default()) =>
            {
                let code = error.code().unwrap_or_default().into_owned();
                Some(Objection { code, message: error.message().to_owned() })
            }
            Err(source) => return Err(self.failed(doing, source)),
        };
        self.execute(doing, "ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial").await?;
        Ok(objection)
    }

    /// The name under which other sessions can join this transaction's snapshot; `None` where the
    /// server does not export any.
    pub(crate) async fn export(&mut self) -> Result<Option<String>, Error> {
        self.execute("exporting the snapshot", "SAVEPOINT export").await?;
        // A named statement would outlive the transaction in a pooler's connection.
        let export = sqlx::query_scalar("SELECT pg_export_snapshot()").persistent(false);
        let exported: Result<String, _> = export.fetch_one(&mut self.connection).await;
        match exported {
            Ok(name) => Ok(Some(name)),
            Err(sqlx::Error::Database(_)) => {
                self.execute("exporting the snapshot", "ROLLBACK TO SAVEPOINT export").await?;
                Ok(None)
            }
            Err(source) => Err(self.failed("exporting the snapshot", source)),
        }
    }

    /// Ends the transaction and gives the connection back.
    pub(crate) async fn finish(mut self) -> Result<(), Error> {
        self.execute("ending the snapshot", "ROLLBACK").await?;
        self.server
            .idle
            .lock()
            .expect("no code panics while it holds the lock")
            .push(self.connection);
        Ok(())
    }

    /// The tables and views of the server, once it has time for it.
    pub(crate) async fn catalog(&mut self) -> Result<db::catalog::Catalog, Error> {
        self.pause_while_busy().await?;
        match db::catalog::Catalog::ask(&mut self.connection).await {
            Ok(catalog) => Ok(catalog),
            Err(source) => Err(self.failed("reading the catalog", source)),
        }
    }

    /// Runs statements without a result.
    pub(crate) async fn execute(&mut self, doing: &str, sql: &str) -> Result<(), Error> {
        match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await {
            Ok(_) => Ok(()),
            Err(source) => Err(self.failed(doing, source)),
        }
    }

    /// The rows of a query whose columns are all text, once the server has time for it.
    pub(crate) async fn texts(&mut self, doing: &str, sql: &str) -> Result<Vec<Texts>, Error> {
        self.pause_while_busy().await?;
        self.ask(doing, sql).await
    }

    /// The rows of a query whose columns are all text, however busy the server is.
    pub(crate) async fn ask(&mut self, doing: &str, sql: &str) -> Result<Vec<Texts>, Error> {
        let rows = self.rows(doing, sql).await?;
        let rows: Result<Vec<Texts>, sqlx::Error> = rows.iter().map(texts).collect();
        let rows = rows.map_err(|source| self.failed(doing, source))?;
        let bytes: usize = rows.iter().flatten().flatten().map(String::len).sum();
        self.server.received.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(rows)
    }

    /// The rows of a query.
    pub(crate) async fn rows(&mut self, doing: &str, sql: &str) -> Result<Vec<PgRow>, Error> {
        // Statements with their own constants would only push each other out of the cache.
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        match query.fetch_all(&mut self.connection).await {
            Ok(rows) => Ok(rows),
            Err(source) => Err(self.failed(doing, source)),
        }
    }

    /// Waits while more statements of others run on the server than `--max-load` allows.
    pub(crate) async fn pause_while_busy(&mut self) -> Result<(), Error> {
        const OTHERS: &str = "SELECT count(*)::text FROM pg_stat_activity \
             WHERE state = 'active' AND backend_type = 'client backend' \
             AND pid <> pg_backend_pid() AND application_name <> 'audius-etl'";
        let Some(most) = self.server.max_load else { return Ok(()) };
        loop {
            let busy = match self.server.busy() {
                Some(busy) => busy,
                None => {
                    let doing = "looking how busy the server is";
                    // Within a transaction, what was seen first would be seen for ever.
                    self.ask(doing, "SELECT pg_stat_clear_snapshot()::text").await?;
                    let rows = self.ask(doing, OTHERS).await?;
                    let running =
                        rows.first().and_then(|row| row.first()?.as_ref()?.parse::<u32>().ok());
                    let busy = running.is_some_and(|running| running > most);
                    tracing::debug!(side = %self.server.side, running, busy, "looked at the load");
                    self.server.note_load(busy);
                    busy
                }
            };
            if !busy {
                return Ok(());
            }
            tokio::select! {
                () = sleep(LOAD_CHECK) => {}
                () = self.server.cancel.cancelled() => return Err(Error::Interrupted),
            }
        }
    }

    pub(crate) fn failed(&self, doing: &str, source: sqlx::Error) -> Error {
        Error::on(self.server.side)(db::Error::query(doing)(source))
    }
}

/// Why the server does not run a statement.
#[derive(Clone, Debug)]
pub(crate) struct Objection {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Objection {
    /// A table or column that the statement names is not there.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self.code.as_str(), "42P01" | "42703")
    }
}

/// A row of text columns.
pub(crate) type Texts = Vec<Option<String>>;

fn texts(row: &PgRow) -> Result<Texts, sqlx::Error> {
    (0..row.len()).map(|column| row.try_get(column)).collect()
}
