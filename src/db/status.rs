//! How a database stands, read with cheap queries only: no table is counted row by row, and nothing
//! needs a running process. Works on a database that lacks some of the tables.

use serde::Serialize;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row as _};

use super::catalog::Catalog;
use super::layout::Layout;
use super::migrate::{Migrator, Origin, State};
use super::plan::{self, StoredPlan};
use super::search_path::{OpenSchema, open_schemas};
use super::{Database, Error};

/// How a database stands.
#[derive(Clone, Debug, Serialize)]
pub struct DatabaseStatus {
    /// Version of the server.
    pub server: String,
    /// Whose behaviour runs follow, as `--era` takes it; nothing before the first one.
    pub era: Option<String>,
    /// Why that.
    pub era_reason: Option<String>,
    /// The chains, by id.
    pub chains: Vec<ChainStanding>,
    /// Heights that nobody indexed below ones that were, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holes: Option<Vec<Hole>>,
    /// What the newest hour of blocks holds.
    pub last_hour: LastHour,
    /// Balances on Ethereum.
    pub balances: BalanceStanding,
    /// Migrations.
    pub schema: SchemaStanding,
    /// Tables by size, largest first.
    pub tables: Vec<TableSize>,
    /// Size of the whole database in bytes.
    pub bytes: i64,
}

/// Heights of a chain that have no row in `core_indexed_blocks` and lie between such that have.
#[derive(Clone, Debug, Serialize)]
pub struct Hole {
    /// Chain id.
    pub chain: String,
    /// The lowest.
    pub first: i64,
    /// The highest.
    pub last: i64,
}

/// Where one chain stands.
#[derive(Clone, Debug, Serialize)]
pub struct ChainStanding {
    /// Chain id.
    pub chain: String,
    /// Whether it was left for another chain, and does not go on.
    pub left: bool,
    /// Highest block that a node has shown; nothing where blocks came from archives only.
    pub head: Option<i64>,
    /// Highest block in the database; what is processed beyond it is in the memory of a process.
    pub committed: i64,
    /// Blocks between the two.
    pub lag: Option<i64>,
    /// Time of the newest block, RFC 3339.
    pub block_time: Option<String>,
    /// Its age in seconds.
    pub age_seconds: Option<f64>,
    /// Since a process last wrote about the chain, in seconds.
    pub last_seen_seconds: Option<f64>,
    /// Since when the chain has been kept up with, RFC 3339.
    pub ready_at: Option<String>,
    /// Transactions processed since the first start.
    pub events_processed: Option<i64>,
}

/// What the newest hour of blocks holds, by their own time: the hour before the newest block.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LastHour {
    /// Blocks.
    pub blocks: i64,
    /// Transactions of all types.
    pub transactions: i64,
    /// The same a second.
    pub transactions_per_second: f64,
    /// Entity transactions.
    pub entity_transactions: i64,
    /// Wallets whose balance was read, by the server's clock.
    pub balances_read: Option<i64>,
}

/// How the balances stand. Nothing is known where the tables are not there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BalanceStanding {
    /// Wallets with a balance, as the planner estimates.
    pub wallets: Option<i64>,
    /// The wallet whose balance was read longest ago.
    pub oldest_wallet: Option<String>,
    /// Since then, in seconds.
    pub oldest_seconds: Option<f64>,
    /// Whether it was never read: its row is a placeholder.
    pub oldest_is_unread: bool,
    /// Wallets that wait to be read again.
    pub waiting: Option<i64>,
    /// Those of them whose time has come.
    pub due: Option<i64>,
}

/// How the schema stands.
#[derive(Clone, Debug, Serialize)]
pub struct SchemaStanding {
    /// Highest migration applied; 0 for none.
    pub version: i32,
    /// The highest this program holds.
    pub known: i32,
    /// Migrations that are not applied.
    pub pending: usize,
    /// Migrations that were applied with another text, or are unknown here.
    pub foreign: usize,
    /// Who made the tables.
    pub origin: Origin,
    /// What keeps this program from working on them.
    pub problem: Option<String>,
    /// Schemas of the search path in which other roles may create.
    pub open: Vec<OpenSchema>,
}

/// How large a table is.
#[derive(Clone, Debug, Serialize)]
pub struct TableSize {
    /// Its name.
    pub table: String,
    /// Rows, as the server estimates; nothing before it has looked at the table.
    pub rows: Option<i64>,
    /// Bytes with indexes.
    pub bytes: i64,
    /// Bytes of its indexes.
    pub index_bytes: i64,
}

/// Reads how `database` stands.
///
/// # Errors
/// The database cannot be reached, or a query fails.
pub async fn read(database: &Database) -> Result<DatabaseStatus, Error> {
    let mut connection = database.connect().await?;
    let status = read_all(&mut connection).await?;
    connection.close().await.map_err(Error::query("closing the connection"))?;
    Ok(status)
}

/// Looks for heights that were left out. Reads one index from end to end.
///
/// # Errors
/// The database cannot be reached, or the query fails.
pub async fn holes(database: &Database) -> Result<Vec<Hole>, Error> {
    let looking = || Error::query("looking for holes in core_indexed_blocks");
    let mut connection = database.connect().await?;
    if !exist(&mut connection, &["core_indexed_blocks"]).await? {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT chain_id, height::bigint + 1, next::bigint - 1 FROM ( \
             SELECT chain_id, height, lead(height) OVER (PARTITION BY chain_id ORDER BY height) \
                 AS next \
             FROM core_indexed_blocks) pair \
         WHERE next > height + 1 ORDER BY chain_id, height",
    )
    .fetch_all(&mut connection)
    .await
    .map_err(looking())?;
    connection.close().await.map_err(looking())?;
    Ok(rows.into_iter().map(|(chain, first, last)| Hole { chain, first, last }).collect())
}

async fn read_all(connection: &mut PgConnection) -> Result<DatabaseStatus, Error> {
    let looking = || Error::query("reading the server's version and the size of the database");
    let row = sqlx::query(
        "SELECT current_setting('server_version') AS server, \
                           pg_database_size(current_database()) AS bytes",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(looking())?;
    let schema = schema(connection).await?;
    let plan = plan(connection).await?;
    let chains = chains(connection, plan.as_ref()).await?;
    Ok(DatabaseStatus {
        era: plan.as_ref().map(|plan| plan.era.clone()),
        era_reason: plan.map(|plan| plan.reason),
        server: row.try_get("server").map_err(looking())?,
        bytes: row.try_get("bytes").map_err(looking())?,
        chains,
        holes: None,
        last_hour: last_hour(connection).await?,
        balances: balance_standing(connection).await?,
        schema,
        tables: tables(connection).await?,
    })
}

/// Whether all these tables are there.
async fn exist(connection: &mut PgConnection, tables: &[&str]) -> Result<bool, Error> {
    sqlx::query_scalar(
        "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest($1::text[]) name",
    )
    .bind(tables)
    .fetch_one(connection)
    .await
    .map_err(Error::query("looking for tables"))
}

async fn plan(connection: &mut PgConnection) -> Result<Option<StoredPlan>, Error> {
    match exist(connection, &["audius_etl_plan"]).await? {
        true => plan::read(connection).await,
        false => Ok(None),
    }
}

async fn chains(
    connection: &mut PgConnection,
    plan: Option<&StoredPlan>,
) -> Result<Vec<ChainStanding>, Error> {
    if !exist(connection, &["audius_etl_checkpoints", "audius_etl_chains"]).await? {
        return Ok(Vec::new());
    }
    let reading = || Error::query("reading audius_etl_chains");
    let rows = sqlx::query(
        "SELECT p.chain, p.height, p.block_time::text AS block_time, \
                to_char(p.block_time, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS shown_time, \
                extract(epoch FROM (now() AT TIME ZONE 'UTC') - p.block_time)::float8 AS age, \
                CASE WHEN c.head_height IS NOT NULL THEN greatest(c.head_height, p.height) END \
                    AS head, c.events_processed, \
                to_char(c.ready_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS ready_at, \
                extract(epoch FROM now() - c.updated_at)::float8 AS seen \
         FROM (SELECT DISTINCT ON (chain) chain, height, block_time \
               FROM audius_etl_checkpoints ORDER BY chain, id DESC) p \
         LEFT JOIN audius_etl_chains c USING (chain) ORDER BY p.chain",
    )
    .fetch_all(connection)
    .await
    .map_err(reading())?;
    let chain = |row: PgRow| -> Result<ChainStanding, sqlx::Error> {
        let (head, committed): (Option<i64>, i64) = (row.try_get("head")?, row.try_get("height")?);
        let chain: String = row.try_get("chain")?;
        let left = plan.is_some_and(|plan| plan.has_left(&chain, committed));
        let head = head.filter(|_| !left);
        Ok(ChainStanding {
            chain,
            left,
            head,
            committed,
            lag: head.map(|head| head - committed),
            block_time: row.try_get("shown_time")?,
            age_seconds: row.try_get("age")?,
            last_seen_seconds: row.try_get("seen")?,
            ready_at: row.try_get("ready_at")?,
            events_processed: row.try_get("events_processed")?,
        })
    };
    rows.into_iter().map(chain).collect::<Result<_, _>>().map_err(reading())
}

async fn last_hour(connection: &mut PgConnection) -> Result<LastHour, Error> {
    let mut hour = LastHour::default();
    if exist(connection, &["etl_blocks", "etl_transactions"]).await? {
        let reading = || Error::query("counting the transactions of the newest hour");
        // Both ranges are index ranges: an hour of blocks, and the heights they have.
        let row = sqlx::query(
            "WITH recent AS (SELECT min(block_height) AS low, count(*) AS blocks FROM etl_blocks \
                             WHERE block_time > (SELECT max(block_time) FROM etl_blocks) - interval '1 hour') \
             SELECT r.blocks, count(t.id) AS transactions, \
                    count(t.id) FILTER (WHERE t.tx_type = 'manage_entity') AS entities \
             FROM recent r LEFT JOIN etl_transactions t ON t.block_height >= r.low \
             GROUP BY r.blocks",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(reading())?;
        hour.blocks = row.try_get("blocks").map_err(reading())?;
        hour.transactions = row.try_get("transactions").map_err(reading())?;
        hour.entity_transactions = row.try_get("entities").map_err(reading())?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let transactions = hour.transactions as f64;
        hour.transactions_per_second = transactions / 3_600.0;
    }
    if exist(connection, &["eth_wallet_balances"]).await? {
        hour.balances_read = sqlx::query_scalar(
            "SELECT count(*) FROM eth_wallet_balances \
             WHERE updated_at > (now() AT TIME ZONE 'UTC') - interval '1 hour'",
        )
        .fetch_one(connection)
        .await
        .map_err(Error::query("counting the balances of the last hour"))?;
    }
    Ok(hour)
}

/// Reads how the balances of `database` stand.
///
/// # Errors
/// The database cannot be reached, or a query fails.
pub async fn balances(database: &Database) -> Result<BalanceStanding, Error> {
    let mut connection = database.connect().await?;
    let standing = balance_standing(&mut connection).await?;
    connection.close().await.map_err(Error::query("closing the connection"))?;
    Ok(standing)
}

async fn balance_standing(connection: &mut PgConnection) -> Result<BalanceStanding, Error> {
    let mut standing = BalanceStanding::default();
    if exist(connection, &["eth_wallet_balances"]).await? {
        let reading = || Error::query("reading the oldest row of eth_wallet_balances");
        let oldest = sqlx::query(
            "SELECT wallet, updated_at = '1970-01-01' AS unread, \
                    extract(epoch FROM (now() AT TIME ZONE 'UTC') - updated_at)::float8 AS age \
             FROM eth_wallet_balances ORDER BY updated_at LIMIT 1",
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(reading())?;
        if let Some(row) = oldest {
            standing.oldest_wallet = row.try_get("wallet").map_err(reading())?;
            standing.oldest_seconds = row.try_get("age").map_err(reading())?;
            standing.oldest_is_unread = row.try_get("unread").map_err(reading())?;
        }
        standing.wallets = sqlx::query_scalar(
            "SELECT greatest(reltuples, 0)::bigint FROM pg_class \
             WHERE oid = to_regclass('eth_wallet_balances')",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(reading())?;
    }
    if exist(connection, &["audius_etl_eth_retries"]).await? {
        let reading = || Error::query("counting audius_etl_eth_retries");
        let row = sqlx::query(
            "SELECT count(*) AS waiting, count(*) FILTER (WHERE next_at <= now()) AS due \
             FROM audius_etl_eth_retries",
        )
        .fetch_one(connection)
        .await
        .map_err(reading())?;
        standing.waiting = row.try_get("waiting").map_err(reading())?;
        standing.due = row.try_get("due").map_err(reading())?;
    }
    Ok(standing)
}

async fn schema(connection: &mut PgConnection) -> Result<SchemaStanding, Error> {
    let all = Migrator::default().status(connection).await?;
    let origin = Migrator::default().origin(connection).await?;
    // Without the migrations it is no wonder that something is missing.
    let is_migrated = all.iter().all(|one| matches!(one.state, State::Applied | State::Adopted));
    let problem = if is_migrated {
        Layout::of(&Catalog::read(connection).await?).err().map(|error| error.to_string())
    } else {
        None
    };
    let count = |wanted: &[State]| all.iter().filter(|one| wanted.contains(&one.state)).count();
    let applied = all.iter().filter(|one| one.state != State::Pending);
    let known = all.iter().filter(|one| one.state != State::Unknown);
    Ok(SchemaStanding {
        version: applied.map(|one| one.version).max().unwrap_or(0),
        known: known.map(|one| one.version).max().unwrap_or(0),
        pending: count(&[State::Pending]),
        foreign: count(&[State::Changed, State::Unknown]),
        origin,
        problem,
        open: open_schemas(connection).await?,
    })
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<TableSize>, Error> {
    let reading = || Error::query("reading the sizes of tables");
    let rows = sqlx::query(
        // The planner's estimate, else that of the statistics; neither is there before a first look.
        "SELECT c.relname::text AS name, \
                CASE WHEN c.reltuples > 0 THEN c.reltuples::bigint \
                     WHEN pg_stat_get_live_tuples(c.oid) > 0 THEN pg_stat_get_live_tuples(c.oid) \
                     WHEN pg_relation_size(c.oid) = 0 THEN 0 END AS estimate, \
                pg_total_relation_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS index_bytes \
         FROM pg_class c WHERE c.relkind = 'r' AND pg_table_is_visible(c.oid) \
             AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') \
         ORDER BY bytes DESC, name",
    )
    .fetch_all(connection)
    .await
    .map_err(reading())?;
    let size = |row: PgRow| -> Result<TableSize, sqlx::Error> {
        Ok(TableSize {
            table: row.try_get("name")?,
            rows: row.try_get("estimate")?,
            bytes: row.try_get("bytes")?,
            index_bytes: row.try_get("index_bytes")?,
        })
    };
    rows.into_iter().map(size).collect::<Result<_, _>>().map_err(reading())
}
