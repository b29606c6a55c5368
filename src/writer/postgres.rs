//! The durable sink: PostgreSQL on one connection that also holds the writer lock.
//!
//! **Invariant:** after a lost connection nothing is written before the lock is held again and the
//! last checkpoint in the database is known, so a transaction whose commit was in doubt is neither
//! lost nor written twice.

use std::{sync::Arc, time::Duration};

use rustc_hash::{FxHashMap, FxHashSet};
use sqlx::postgres::PgConnection;
use tokio::time::{Instant, sleep};

use super::{
    Checkpoint, Error, Run, Sink, Written,
    prepare::{Plan, Prepared, Settings, Spare, prepare},
    raw::{self, ETL_TRANSACTIONS, RawContext},
    rollback,
    session::{Contention, Session},
    transaction::{self, Ending, Fault, RowCounts},
    triggers::{Triggers, silence},
};
use crate::db::{
    self, Database, SchemaProblem, catalog::Catalog, is_transient, refusal::causes, silence,
};
use crate::interrupt::{Entry, Interrupt};

/// First and longest pause between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What a writer without its server waits for.
const THE_DATABASE: &str = "the database";

/// Settings of the sink.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// The database.
    pub database: Database,
    /// Wait for every commit to be on disk. Without it a crash of the server may lose the last
    /// commits; none is torn, and the next start goes on from what is left.
    pub synchronous_commit: bool,
    /// Wait for the writer lock instead of failing.
    pub wait_lock: bool,
    /// Who derives rows where the database has triggers for it; `None` leaves it to them.
    pub triggers: Option<Triggers>,
    /// How long transient errors of one run are retried before they are final.
    pub retry_for: Duration,
}

impl PostgresConfig {
    /// The defaults for a database.
    pub const fn new(database: Database) -> Self {
        Self {
            database,
            synchronous_commit: true,
            wait_lock: false,
            triggers: None,
            retry_for: Duration::from_secs(300),
        }
    }
}

/// Writes runs to PostgreSQL.
#[derive(Debug)]
pub struct PostgresSink {
    config: PostgresConfig,
    /// `None` after the connection was lost.
    session: Option<Session>,
    /// Server process of the last session.
    pid: i32,
    plan: Arc<Plan>,
    triggers: Option<Triggers>,
    spare: Spare,
    /// Last checkpoint in the database of each chain.
    committed: Committed,
    /// Number and hash of the highest row of `blocks`.
    last_block: Option<(i64, String)>,
    /// Chains without before-images in the database; of the others there may be some.
    without_history: FxHashSet<String>,
    /// How runs are encoded; changed by what the server refuses.
    settings: Settings,
}

impl PostgresSink {
    /// Connects, takes the writer lock and reads the layout of the tables.
    ///
    /// # Errors
    /// [`Error::Locked`] when another writer is at work, [`Error::Database`] when the database
    /// cannot be reached or lacks tables or columns.
    pub async fn open(config: PostgresConfig) -> Result<Self, Error> {
        let contention = if config.wait_lock { Contention::Wait } else { Contention::Fail };
        let mut session =
            Session::open(&config.database, config.synchronous_commit, contention).await?;
        let catalog = Catalog::read(&mut session.connection).await?;
        let triggers = Triggers::of(&catalog, config.triggers);
        if triggers == Some(Triggers::Ours) {
            silence(&mut session).await?;
        }
        let plan = Plan::of(Arc::new(catalog), triggers)?;
        let stand = Stand::read(&mut session.connection).await?;
        Ok(Self {
            config,
            pid: session.pid,
            session: Some(session),
            plan: Arc::new(plan),
            triggers,
            spare: Spare::default(),
            committed: stand.committed,
            last_block: stand.last_block,
            without_history: FxHashSet::default(),
            settings: Settings::default(),
        })
    }

    /// The database as it was when the sink opened.
    pub fn catalog(&self) -> &Arc<Catalog> {
        self.plan.catalog()
    }

    /// What becomes of triggers that derive rows; `None` where there are none.
    pub const fn triggers(&self) -> Option<Triggers> {
        self.triggers
    }

    /// Id of the last checkpoint in the database, of whatever chain; 0 if there is none.
    pub fn committed(&self) -> u64 {
        highest(&self.committed).unwrap_or(0)
    }

    /// Encodes the run on a thread that may block.
    async fn prepare(&mut self, run: &Arc<Run>) -> Result<Prepared, Error> {
        let (plan, run) = (Arc::clone(&self.plan), Arc::clone(run));
        let settings = self.settings.clone();
        let mut spare = std::mem::take(&mut self.spare);
        let task = tokio::task::spawn_blocking(move || {
            let prepared = prepare(&plan, &run, &settings, &mut spare);
            (prepared, spare)
        });
        let (prepared, spare) = task.await.map_err(|_panic| Error::Stopped)?;
        self.spare = spare;
        prepared
    }

    /// Writes the run, as often as it takes.
    async fn write_run(
        &mut self,
        run: &Arc<Run>,
        ending: Ending,
        written: &mut Written,
    ) -> Result<(), Error> {
        // A table that had such values once is cleaned from then on: looking for them costs next to
        // nothing, starting the transaction over costs all of it.
        self.settings.raw = RawContext::default();
        self.settings.raw.last_block.clone_from(&self.last_block);
        let mut prepared = self.prepare(run).await?;
        let mut retry = Retry::new(&self.config);
        let rows = loop {
            let fault = match self.attempt(&prepared, run, ending).await {
                Ok(Attempt::Committed(rows)) => break rows,
                Ok(Attempt::Reconnect(error)) => {
                    retry.pause(error, written).await?;
                    continue;
                }
                Err(error) => return Err(error),
                Ok(Attempt::Failed(fault)) => fault,
            };
            if db::may_be_drift(&fault.source)
                && let Some(problem) = self.drift().await
            {
                return Err(db::Error::from(problem).into());
            }
            match self.remedy(&fault) {
                Remedy::Retry => retry.pause(refused(run, fault), written).await?,
                Remedy::Sanitize => {
                    tracing::info!(
                        table = fault.table,
                        "values hold U+0000, which PostgreSQL cannot store; it is left out"
                    );
                    self.settings.sanitize.insert(fault.table);
                    prepared = self.prepare(run).await?;
                    written.retries += 1;
                }
                Remedy::FindDuplicates => match self.known_hashes(run).await {
                    Ok(known) => {
                        self.settings.raw.known_hashes = known;
                        self.settings.raw.check_repeats = true;
                        prepared = self.prepare(run).await?;
                        written.retries += 1;
                    }
                    Err(error) => {
                        self.session = None;
                        retry.pause(error, written).await?;
                    }
                },
                Remedy::None => return Err(refused(run, fault)),
            }
        };
        written.plays_left_out =
            run.blocks.iter().map(|block| block.provenance.plays_left_out).sum();
        written.sanitized_values = prepared.sanitized;
        written.rows = rows;
        self.spare.give_back(prepared);
        Ok(())
    }

    /// One attempt at the transaction, on a session that is made if there is none.
    async fn attempt(
        &mut self,
        prepared: &Prepared,
        run: &Run,
        ending: Ending,
    ) -> Result<Attempt, Error> {
        if self.session.is_none() {
            let found = match self.reconnect().await {
                Ok(found) => found,
                Err(error) if error.is_retryable() => return Ok(Attempt::Reconnect(error)),
                Err(error) => return Err(error),
            };
            let last = run.last_checkpoint();
            if last.is_some_and(|last| found.get(&last.chain) == Some(&last.id)) {
                let last = last.map(|last| last.id);
                tracing::info!(checkpoint = last, "the interrupted transaction had been committed");
                return Ok(Attempt::Committed(prepared.row_counts()));
            }
            self.expect(&found)?;
        }
        let Some(session) = &mut self.session else { return Err(Error::Stopped) };
        let work = transaction::execute(&mut session.connection, prepared, run, ending);
        let done = silence::watched(&self.config.database, session.pid, work).await;
        let silent = |source| Err(Fault { table: "connection", source });
        match done.unwrap_or_else(silent) {
            Ok(rows) => Ok(Attempt::Committed(rows)),
            Err(fault) => {
                self.abandon_transaction(&fault.source).await;
                Ok(Attempt::Failed(fault))
            }
        }
    }

    /// Leaves the session without an open transaction, or without a connection.
    async fn abandon_transaction(&mut self, error: &sqlx::Error) {
        let Some(mut session) = self.session.take() else { return };
        if is_lost(error) {
            return;
        }
        if transaction::statement(&mut session.connection, "ROLLBACK", "rollback").await.is_ok() {
            self.session = Some(session);
        }
    }

    /// Opens a new session in place of the lost one; returns where the database stands.
    async fn reconnect(&mut self) -> Result<Committed, Error> {
        let contention = Contention::Replace { pid: self.pid };
        let _waiting = self.config.database.interrupt().waiting(THE_DATABASE);
        let mut session =
            Session::open(&self.config.database, self.config.synchronous_commit, contention)
                .await?;
        if self.triggers == Some(Triggers::Ours) {
            silence(&mut session).await?;
        }
        let stand = Stand::read(&mut session.connection).await?;
        tracing::info!(pid = session.pid, "the writer is connected again");
        self.pid = session.pid;
        self.session = Some(session);
        Ok(stand.committed)
    }

    /// Refuses to go on when somebody else has written.
    fn expect(&self, found: &Committed) -> Result<(), Error> {
        if *found == self.committed {
            return Ok(());
        }
        Err(Error::Diverged { expected: highest(&self.committed), found: highest(found) })
    }

    /// What somebody has changed about the tables, as far as can be found out now.
    async fn drift(&mut self) -> Option<SchemaProblem> {
        let now = match &mut self.session {
            Some(session) => Catalog::ask(&mut session.connection).await,
            None => {
                let mut connection = self.config.database.connect().await.ok()?;
                Catalog::ask(&mut connection).await
            }
        };
        self.plan.drift(&now.ok()?)
    }

    fn remedy(&self, fault: &Fault) -> Remedy {
        if is_transient(&fault.source) {
            return Remedy::Retry;
        }
        let code = fault.source.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            // U+0000 in text; its escape in jsonb.
            Some("22021" | "22P05") if !self.settings.sanitize.contains(fault.table) => {
                Remedy::Sanitize
            }
            Some("23505")
                if fault.table == ETL_TRANSACTIONS && !self.settings.raw.check_repeats =>
            {
                Remedy::FindDuplicates
            }
            _ => Remedy::None,
        }
    }

    /// Hashes of the run that are in `etl_transactions` already.
    async fn known_hashes(&mut self, run: &Run) -> Result<FxHashSet<String>, Error> {
        let hashes: Vec<String> = run
            .blocks
            .iter()
            .flat_map(|block| &block.block.txs)
            .map(|tx| tx.hash.replace('\0', ""))
            .collect();
        let Some(session) = &mut self.session else { return Ok(FxHashSet::default()) };
        let known: Vec<String> =
            sqlx::query_scalar("SELECT tx_hash FROM etl_transactions WHERE tx_hash = ANY($1)")
                .bind(hashes)
                .fetch_all(&mut session.connection)
                .await
                .map_err(db::Error::query("looking for known transaction hashes"))?;
        Ok(known.into_iter().collect())
    }

    /// Drops before-images that no rollback needs. Runs between two writes on their connection, so
    /// never beside one; a failure costs space and nothing else.
    async fn prune(&mut self, run: &Run, last: &Checkpoint) {
        if self.without_history.contains(&last.chain) {
            return;
        }
        let safe = if run.keep_history { run.safe_height } else { Some(last.height) };
        let Some(safe) = safe else { return };
        let Some(session) = &mut self.session else { return };
        match rollback::prune(&mut session.connection, &last.chain, safe).await {
            Ok(()) if !run.keep_history => {
                self.without_history.insert(last.chain.clone());
            }
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "history could not be pruned");
                self.abandon_transaction(&error).await;
            }
        }
    }

    /// One attempt at going back.
    async fn rollback_once(&mut self, checkpoint: u64) -> Result<Checkpoint, Error> {
        if self.session.is_none() {
            let found = self.reconnect().await?;
            self.expect(&found)?;
        }
        let Some(session) = &mut self.session else { return Err(Error::Stopped) };
        let result = rollback::roll_back(&mut session.connection, checkpoint).await;
        let checkpoint = match result {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                // Nothing is written after an error that ends the writer; after one that doesn't,
                // the transaction must not stay open.
                if let Some(session) = &mut self.session {
                    let connection = &mut session.connection;
                    if transaction::statement(connection, "ROLLBACK", "rollback").await.is_err() {
                        self.session = None;
                    }
                }
                return Err(error);
            }
        };
        let stand = Stand::read(&mut session.connection).await?;
        self.committed = stand.committed;
        self.last_block = stand.last_block;
        Ok(checkpoint)
    }
}

impl Sink for PostgresSink {
    async fn write(&mut self, run: Arc<Run>) -> Result<Written, Error> {
        let mut written = Written { blocks: run.blocks.len(), ..Written::default() };
        self.write_run(&run, Ending::Commit, &mut written).await?;
        if let Some(last) = run.last_checkpoint() {
            self.committed.insert(last.chain.clone(), last.id);
            written.checkpoint = Some(last.clone());
            if run.keep_history {
                self.without_history.remove(&last.chain);
            }
            for block in &run.blocks {
                raw::note_block(&mut self.last_block, block);
            }
            self.prune(&run, last).await;
        }
        Ok(written)
    }

    async fn rehearse(&mut self, run: Arc<Run>) -> Result<Result<(), Error>, Error> {
        match self.write_run(&run, Ending::Rehearsal, &mut Written::default()).await {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.refusal().is_some() => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    async fn rollback(&mut self, checkpoint: u64) -> Result<Checkpoint, Error> {
        let mut retry = Retry::new(&self.config);
        loop {
            match self.rollback_once(checkpoint).await {
                Err(error) if error.is_retryable() => {
                    retry.pause(error, &mut Written::default()).await?;
                }
                ended => return ended,
            }
        }
    }

    async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }
}

/// How an attempt ended.
enum Attempt {
    Committed(RowCounts),
    /// There is no connection, yet.
    Reconnect(Error),
    Failed(Fault),
}

/// What to do about a fault.
enum Remedy {
    Retry,
    Sanitize,
    FindDuplicates,
    None,
}

/// Pauses between attempts, and their end.
struct Retry {
    started: Instant,
    limit: Duration,
    pause: Duration,
    interrupt: Interrupt,
    /// From the first pause on.
    waiting: Option<Entry>,
}

impl Retry {
    fn new(config: &PostgresConfig) -> Self {
        let interrupt = config.database.interrupt().clone();
        let limit = config.retry_for;
        Self { started: Instant::now(), limit, pause: BACKOFF.0, interrupt, waiting: None }
    }

    /// Waits before the next attempt, or gives up with `error`.
    async fn pause(&mut self, error: Error, written: &mut Written) -> Result<(), Error> {
        if !error.is_retryable() || self.started.elapsed() + self.pause > self.limit {
            return Err(error);
        }
        tracing::warn!(
            error = causes(&error),
            attempt = written.retries + 1,
            next_in_s = self.pause.as_secs_f64(),
            left_s = self.limit.saturating_sub(self.started.elapsed()).as_secs(),
            "writing is tried again"
        );
        written.retries += 1;
        self.waiting.get_or_insert_with(|| self.interrupt.waiting(THE_DATABASE));
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(BACKOFF.1);
        Ok(())
    }
}

/// Whether the connection is of no use any more.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            code == "25006" || code.starts_with("08") || code.starts_with("57P")
        }),
        _ => true,
    }
}

fn refused(run: &Run, fault: Fault) -> Error {
    let last = run.last_checkpoint();
    Error::Refused {
        table: fault.table,
        checkpoint: last.map_or(0, |checkpoint| checkpoint.id),
        height: last.map_or(0, |checkpoint| checkpoint.height),
        source: fault.source,
    }
}

/// Id of the last checkpoint by chain.
type Committed = FxHashMap<String, u64>;

fn highest(committed: &Committed) -> Option<u64> {
    committed.values().copied().max()
}

/// Where the database stands.
struct Stand {
    committed: Committed,
    last_block: Option<(i64, String)>,
}

impl Stand {
    async fn read(connection: &mut PgConnection) -> Result<Self, Error> {
        let reading = || db::Error::query("reading where the database stands");
        let committed: Vec<(String, i64)> =
            sqlx::query_as("SELECT chain, max(id) FROM audius_etl_checkpoints GROUP BY chain")
                .fetch_all(&mut *connection)
                .await
                .map_err(reading())?;
        let last_block = sqlx::query_as(
            "SELECT number::bigint, blockhash FROM blocks WHERE number IS NOT NULL \
             ORDER BY number DESC LIMIT 1",
        )
        .fetch_optional(connection)
        .await
        .map_err(reading())?;
        let ids = committed.into_iter().map(|(chain, id)| (chain, u64::try_from(id).unwrap_or(0)));
        Ok(Self { committed: ids.collect(), last_block })
    }
}
