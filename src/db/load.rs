//! Loads rows for the store, and the few things a run reads at its start.
//!
//! One set-based query per request (or per 10,000 keys of it), on connections of its own, several
//! at a time. The writer is never waited for: rows it has not written yet are in memory.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use futures::stream::{self, StreamExt, TryStreamExt};
use rustc_hash::FxHashSet;
use sqlx::{
    AssertSqlSafe, PgPool, Row as _, ValueRef as _,
    postgres::{PgPoolOptions, PgRow},
};

use tokio::time::{Instant, sleep};

use super::{
    CONNECT_TIMEOUT, Database, Error, SchemaProblem,
    catalog::Catalog,
    codec::{Wire, decode},
    error::may_be_drift,
    layout::{Layout, TableLayout, used},
    param::ArrayParam,
    silence,
};
use crate::{
    interrupt::Interrupt,
    model::{
        key::{Key, KeyPart},
        table::{LookupPart, Row, TableDef},
        value::Value,
    },
    store::LoadRequest,
};

/// Keys in one query. A longer list makes the server plan worse and one connection busy for long.
const KEYS_PER_QUERY: usize = 10_000;

/// Connections that load at the same time, and the one that answers small questions.
const CONNECTIONS: u32 = 3;

/// Statements that a connection keeps prepared: one per key and lookup of every table.
const STATEMENTS: usize = 256;

/// How long to ask again while the server restarts, and the first and longest pause.
const RETRY_FOR: Duration = Duration::from_secs(300);
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Lookups by key only: the planner must never prefer reading a whole table because its statistics
/// are from before the initial sync. `jit` costs more than these queries take.
const SESSION: &str = "SET enable_seqscan = off; SET enable_mergejoin = off; SET jit = off; \
                       SET statement_timeout = 0; SET default_transaction_read_only = on";

/// Reads rows by key.
#[derive(Clone, Debug)]
pub struct Loader {
    pub(super) pool: PgPool,
    catalog: Arc<Catalog>,
    layout: Layout,
    database: Database,
    interrupt: Interrupt,
}

impl Loader {
    /// Connects and reads the catalog.
    ///
    /// # Errors
    /// An unreachable database, or a schema that lacks what the handlers need.
    pub async fn open(database: &Database) -> Result<Self, Error> {
        let mut probe = database.connect().await?;
        let catalog = Arc::new(Catalog::read(&mut probe).await?);
        sqlx::Connection::close(probe).await.map_err(Error::query("closing a connection"))?;
        Self::over(database, catalog)
    }

    /// A loader for the database as `catalog` describes it.
    ///
    /// # Errors
    /// A schema that lacks what the handlers need.
    pub fn over(database: &Database, catalog: Arc<Catalog>) -> Result<Self, Error> {
        let layout = Layout::of(&catalog)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_TIMEOUT)
            // Whoever takes one asks it for its process, and tries again where it does not answer.
            .test_before_acquire(false)
            .after_connect(|connection, _meta| {
                Box::pin(async move {
                    sqlx::raw_sql(SESSION).execute(connection).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(database.options().statement_cache_capacity(STATEMENTS));
        let (database, interrupt) = (database.clone(), database.interrupt().clone());
        Ok(Self { pool, catalog, layout, database, interrupt })
    }

    /// The database as it was when the loader opened.
    pub const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Loads every request. The answers come in the order of the requests, or split where a request
    /// has very many keys; a key without a row is simply not among the rows.
    ///
    /// # Errors
    /// The first query that failed; transient errors only after minutes of trying again.
    pub async fn load(
        &self,
        requests: Vec<LoadRequest>,
    ) -> Result<Vec<(LoadRequest, Vec<Row>)>, Error> {
        stream::iter(requests.into_iter().flat_map(split))
            .map(|request| async move {
                let rows = self.retrying(|| self.load_one(&request)).await?;
                Ok((request, rows))
            })
            .buffered(CONNECTIONS as usize)
            .try_collect()
            .await
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Asks again as long as the server is away or busy.
    pub(super) async fn retrying<T, F: Future<Output = Result<T, Error>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let mut pause = BACKOFF.0;
        let mut waiting = None;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if let Some(problem) = self.drift(&error).await {
                return Err(problem.into());
            }
            let over = started.elapsed() + pause > RETRY_FOR || self.pool.is_closed();
            if over || !error.is_retryable() {
                return Err(error);
            }
            tracing::warn!(%error, pause_ms = pause.as_millis(), "loading is tried again");
            waiting.get_or_insert_with(|| self.interrupt.waiting("the database"));
            sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    /// What somebody has changed about the tables, if that may be why a query failed.
    async fn drift(&self, error: &Error) -> Option<SchemaProblem> {
        match error {
            Error::Query { source, .. } if may_be_drift(source) => {}
            _ => return None,
        }
        let mut connection = self.pool.acquire().await.ok()?;
        let now = Catalog::ask(&mut connection).await.ok()?;
        now.drift(&self.catalog, used(self.layout.tables()))
    }

    async fn load_one(&self, request: &LoadRequest) -> Result<Vec<Row>, Error> {
        let def = request.table.def();
        let layout = self.layout.table(request.table);
        let parts = parts(def, layout, request.lookup);
        let (params, count) = key_arrays(&parts, &request.keys)
            .map_err(|misfit| Error::query(loading(def))(sqlx::Error::Encode(misfit.into())))?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let sql = select(def, layout, &parts);
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for param in params {
            query = query.bind(param);
        }
        let (mut connection, pid) = silence::acquire(&self.database, &self.pool)
            .await
            .map_err(Error::query(loading(def)))?;
        let asked = silence::watched(&self.database, pid, query.fetch_all(&mut *connection)).await;
        let rows = match asked {
            Ok(rows) => rows.map_err(Error::query(loading(def)))?,
            Err(silent) => {
                silence::discard(connection);
                return Err(Error::query(loading(def))(silent));
            }
        };
        rows.iter().map(|row| decode_row(def, layout, row)).collect()
    }
}

fn loading(def: &TableDef) -> String {
    format!("loading rows of {}", def.name)
}

/// Cuts a request into ones that a single query serves.
fn split(request: LoadRequest) -> Vec<LoadRequest> {
    if request.keys.len() <= KEYS_PER_QUERY {
        return vec![request];
    }
    let LoadRequest { table, lookup, keys } = request;
    keys.chunks(KEYS_PER_QUERY)
        .map(|keys| LoadRequest { table, lookup, keys: keys.to_vec() })
        .collect()
}

/// One component of the key: the SQL expression over the table, and how its values travel.
struct Part {
    expression: String,
    wire: Wire,
}

fn parts(def: &TableDef, layout: &TableLayout, lookup: Option<usize>) -> Vec<Part> {
    let column = |index: usize| {
        let column = &layout.columns[index];
        // A text that is no label of the enum must match nothing instead of failing.
        let cast = if column.enum_type.is_some() { "::text" } else { "" };
        Part { expression: format!("t.\"{}\"{cast}", column.name), wire: column.wire }
    };
    match lookup {
        None => def.key.iter().map(|index| column(*index)).collect(),
        Some(lookup) => def.lookups[lookup]
            .parts
            .iter()
            .map(|(part, index)| match part {
                LookupPart::Column(_) => column(*index),
                LookupPart::Lower(name) => {
                    Part { expression: format!("lower(t.\"{name}\")"), wire: Wire::Text }
                }
                LookupPart::Derived { sql, ty, .. } => {
                    Part { expression: format!("({sql})"), wire: Wire::native(*ty) }
                }
            })
            .collect(),
    }
}

/// The keys, one array per component. Keys with U+0000 are left out: no row has them.
fn key_arrays(
    parts: &[Part],
    keys: &[Key],
) -> Result<(Vec<ArrayParam>, usize), super::codec::Misfit> {
    let mut arrays: Vec<_> =
        parts.iter().map(|part| ArrayParam::new(part.wire, keys.len())).collect();
    let mut count = 0;
    let has_nul = |part: &KeyPart| matches!(part, KeyPart::Text(text) if text.contains('\0'));
    for key in keys.iter().filter(|key| !key.parts().iter().any(has_nul)) {
        for (array, part) in arrays.iter_mut().zip(key.parts()) {
            array.push(part)?;
        }
        count += 1;
    }
    Ok((arrays, count))
}

fn select(def: &TableDef, layout: &TableLayout, parts: &[Part]) -> String {
    // What is no more than a key may stand for many rows.
    let distinct = if def.columns.len() == def.key.len() { "DISTINCT " } else { "" };
    let mut sql = format!("SELECT {distinct}");
    for (index, column) in layout.columns.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let _ = if column.is_present {
            write!(sql, "{separator}t.\"{}\"", column.name)
        } else {
            write!(sql, "{separator}NULL")
        };
    }
    let _ = write!(sql, " FROM {} AS t JOIN unnest(", def.name);
    for (index, part) in parts.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let _ = write!(sql, "{separator}${}::{}", index + 1, ArrayParam::sql(part.wire));
    }
    sql.push_str(") AS k(");
    for index in 0..parts.len() {
        let separator = if index == 0 { "" } else { ", " };
        let _ = write!(sql, "{separator}k{index}");
    }
    sql.push_str(") ON ");
    for (index, part) in parts.iter().enumerate() {
        let separator = if index == 0 { "" } else { " AND " };
        let _ = write!(sql, "{separator}{} = k.k{index}", part.expression);
    }
    if let Some(condition) = def.versions.condition() {
        let _ = write!(sql, " WHERE {condition}");
    }
    sql
}

fn decode_row(def: &TableDef, layout: &TableLayout, row: &PgRow) -> Result<Row, Error> {
    let mut values = Vec::with_capacity(layout.columns.len());
    let mut nulls = Vec::new();
    for (index, column) in layout.columns.iter().enumerate() {
        let read = |row: &PgRow| {
            let raw = row.try_get_raw(index)?;
            if raw.is_null() {
                return Ok(Value::Null);
            }
            raw.as_bytes().and_then(|bytes| decode(column.wire, bytes)).map_err(sqlx::Error::Decode)
        };
        let value =
            read(row).map_err(Error::query(format!("reading {}.{}", def.name, column.name)))?;
        if matches!(value, Value::Null) {
            nulls.push(column.name);
        }
        values.push(value);
    }
    (def.decode)(values).map_err(|mismatch| {
        let doing = format!("reading a row of {} (NULL: {})", def.name, nulls.join(", "));
        Error::query(doing)(sqlx::Error::Decode(mismatch.into()))
    })
}

impl Loader {
    /// Which of the transaction hashes are in `etl_transactions`.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn known_hashes(&self, hashes: &[&str]) -> Result<FxHashSet<String>, Error> {
        let mut known = FxHashSet::default();
        for chunk in hashes.chunks(KEYS_PER_QUERY) {
            let clean: Vec<&str> =
                chunk.iter().copied().filter(|hash| !hash.contains('\0')).collect();
            let ask = || async {
                let sql = "SELECT tx_hash FROM etl_transactions WHERE tx_hash = ANY($1)";
                sqlx::query_scalar(sql)
                    .bind(&clean)
                    .fetch_all(&self.pool)
                    .await
                    .map_err(Error::query("looking for known transaction hashes"))
            };
            let found: Vec<String> = self.retrying(ask).await?;
            known.extend(found);
        }
        Ok(known)
    }
}
