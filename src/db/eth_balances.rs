//! Storing balances on Ethereum: what the index, the sweep and the backfills share, whoever of them
//! runs beside whom.
//!
//! **Invariant: an older read never replaces a newer one.** Every balance carries the block it was
//! read at, in a table beside `eth_wallet_balances`; the row lock on that entry orders concurrent
//! writers, and a read at a lower block changes nothing.
//!
//! `eth_wallet_balances.blocknumber` keeps the reference's meaning (eth 1.8): the highest block of an
//! event that touched the wallet, never lower than it was, NULL until there is one. It is *not* the
//! block of the read.
//!
//! `eth_user_balances` follows in the same transaction, and in that of a block that links a wallet.
//! Where a trigger of production's does that for the session, nothing is added.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

/// Serialises the sums of `eth_user_balances`: two transactions that each see only their own half
/// of a user's wallets would store half a sum. Spells "aebl".
const TOTALS_LOCK: i64 = 0x6165_626c;

/// Production's triggers for totals: table and function.
const ON_BALANCE: (&str, &str) = ("eth_wallet_balances", "handle_eth_wallet_balance_change");
const ON_LINK: (&str, &str) = ("associated_wallets", "handle_associated_wallet");

/// How far below the latest read blocks are remembered at which something was read. An index that is
/// further behind no longer notices that one of them went away.
const READ_BLOCKS_KEPT: i64 = 10_000;

/// A balance that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletBalance {
    /// Address, lower-case hex with 0x.
    pub wallet: String,
    /// Balance in wei, decimal.
    pub balance: String,
    /// Highest block of an event that touched the wallet, if the read was made for one.
    pub event_block: Option<i64>,
}

/// The block at which balances were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAt<'a> {
    /// Number.
    pub number: i64,
    /// Hash, lower-case hex with 0x. A read whose block is gone is found by it later.
    pub hash: &'a str,
}

/// Stores balances, and the totals of the users who own the wallets. Each wallet at most once.
///
/// Has to run inside a transaction. Returns how many balances were stored; the others had been read
/// at a later block before.
///
/// # Errors
/// When a statement fails; the transaction is of no use then.
pub async fn store(
    connection: &mut PgConnection,
    balances: &[WalletBalance],
    at: ReadAt<'_>,
) -> Result<u64, sqlx::Error> {
    if balances.is_empty() {
        return Ok(0);
    }
    // First of all, so that whoever waits for somebody else's entry holds nothing yet.
    note_read_block(connection, at).await?;
    let wallets: Vec<&str> = balances.iter().map(|row| row.wallet.as_str()).collect();
    let amounts: Vec<&str> = balances.iter().map(|row| row.balance.as_str()).collect();
    let events: Vec<Option<i64>> = balances.iter().map(|row| row.event_block).collect();
    // Rows are locked in the order of their wallets, so that writers side by side never wait for
    // each other in a circle.
    let stored = sqlx::query(
        "WITH input AS MATERIALIZED ( \
             SELECT wallet, balance::numeric AS balance, event_block \
             FROM unnest($1::text[], $2::text[], $3::bigint[]) AS i(wallet, balance, event_block)), \
         reads AS ( \
             INSERT INTO audius_etl_eth_reads AS r (wallet, read_block, read_hash) \
             SELECT wallet, $4, $5 FROM input ORDER BY wallet \
             ON CONFLICT (wallet) DO UPDATE SET \
                 read_block = excluded.read_block, read_hash = excluded.read_hash \
             WHERE r.read_block IS NULL OR r.read_block <= excluded.read_block \
             RETURNING wallet) \
         INSERT INTO eth_wallet_balances AS b (wallet, balance, blocknumber, updated_at) \
         SELECT i.wallet, i.balance, i.event_block, now() \
         FROM input i JOIN reads r ON r.wallet = i.wallet ORDER BY i.wallet \
         ON CONFLICT (wallet) DO UPDATE SET balance = excluded.balance, \
             blocknumber = greatest(b.blocknumber, excluded.blocknumber), \
             updated_at = excluded.updated_at",
    )
    .bind(&wallets)
    .bind(&amounts)
    .bind(&events)
    .bind(at.number)
    .bind(at.hash)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if stored < balances.len() as u64 {
        raise_event_blocks(connection, &wallets, &events).await?;
    }
    store_totals(connection, &wallets).await?;
    Ok(stored)
}

/// Remembers that something was read at a block, and forgets those far below it.
async fn note_read_block(connection: &mut PgConnection, at: ReadAt<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH old AS ( \
             SELECT number, hash FROM audius_etl_eth_read_blocks WHERE number < $3 \
             FOR UPDATE SKIP LOCKED), \
         forgotten AS ( \
             DELETE FROM audius_etl_eth_read_blocks b USING old \
             WHERE b.number = old.number AND b.hash = old.hash) \
         INSERT INTO audius_etl_eth_read_blocks (number, hash) VALUES ($1, $2) \
         ON CONFLICT DO NOTHING",
    )
    .bind(at.number)
    .bind(at.hash)
    .bind(at.number.saturating_sub(READ_BLOCKS_KEPT))
    .execute(connection)
    .await
    .map(drop)
}

/// Notes the block of an event at wallets whose balance is left alone.
///
/// # Errors
/// When the statement fails.
pub async fn raise_event_blocks(
    connection: &mut PgConnection,
    wallets: &[&str],
    events: &[Option<i64>],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE eth_wallet_balances b SET blocknumber = i.event_block \
         FROM unnest($1::text[], $2::bigint[]) AS i(wallet, event_block) \
         WHERE b.wallet = i.wallet AND i.event_block > coalesce(b.blocknumber, -1)",
    )
    .bind(wallets)
    .bind(events)
    .execute(connection)
    .await
    .map(drop)
}

/// Brings the totals of all users up to date to whom one of the wallets belongs.
///
/// # Errors
/// When a statement fails.
pub async fn store_totals(
    connection: &mut PgConnection,
    wallets: &[&str],
) -> Result<(), sqlx::Error> {
    if fires(connection, ON_BALANCE).await? {
        return Ok(());
    }
    let users: Vec<i32> = sqlx::query_scalar(
        "SELECT u.user_id FROM unnest($1::text[]) w(wallet) \
             JOIN users u ON lower(u.wallet::text) = w.wallet WHERE u.is_current \
         UNION \
         SELECT a.user_id FROM unnest($1::text[]) w(wallet) \
             JOIN associated_wallets a ON lower(a.wallet::text) = w.wallet \
             WHERE a.chain = 'eth' AND a.is_current AND NOT a.is_delete",
    )
    .bind(wallets)
    .fetch_all(&mut *connection)
    .await?;
    sum_up(connection, &users, true).await
}

/// Brings the totals of users up to date whose wallets may be others than before.
///
/// # Errors
/// When a statement fails.
pub async fn store_user_totals(
    connection: &mut PgConnection,
    users: &[i32],
) -> Result<(), sqlx::Error> {
    // Triggers see that a wallet is linked. None sees a new user whose own wallet is known already.
    let replaces = users.is_empty() || !fires(connection, ON_LINK).await?;
    sum_up(connection, users, replaces).await
}

/// Stores the totals of users; without `replaces` of those alone who have none.
async fn sum_up(
    connection: &mut PgConnection,
    users: &[i32],
    replaces: bool,
) -> Result<(), sqlx::Error> {
    if users.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "SELECT pg_advisory_xact_lock(($1::bigint << 32) | oid::bigint) \
                 FROM pg_database WHERE datname = current_database()",
    )
    .bind(TOTALS_LOCK)
    .execute(&mut *connection)
    .await?;
    // A wallet counts once, also where it is both the user's own and a linked one; a user whose
    // last wallet is gone has 0.
    let change = "UPDATE SET balance = excluded.balance, updated_at = excluded.updated_at \
                  WHERE t.balance IS DISTINCT FROM excluded.balance";
    let known = if replaces { change } else { "NOTHING" };
    sqlx::query(AssertSqlSafe(format!(
        "INSERT INTO eth_user_balances AS t (user_id, balance, updated_at, created_at) \
         SELECT u.user_id, coalesce(sum(b.balance), 0), now(), now() \
         FROM unnest($1::int4[]) AS u(user_id) \
         LEFT JOIN LATERAL ( \
             SELECT lower(o.wallet::text) AS wallet FROM users o \
                 WHERE o.user_id = u.user_id AND o.is_current \
             UNION \
             SELECT lower(a.wallet::text) FROM associated_wallets a \
                 WHERE a.user_id = u.user_id AND a.chain = 'eth' \
                     AND a.is_current AND NOT a.is_delete) w ON true \
         LEFT JOIN eth_wallet_balances b ON b.wallet = w.wallet \
         GROUP BY u.user_id \
         ON CONFLICT (user_id) DO {known}"
    )))
    .bind(users)
    .execute(connection)
    .await
    .map(drop)
}

/// Whether a trigger of production's that calls the function fires for what this session writes.
async fn fires(
    connection: &mut PgConnection,
    (table, function): (&str, &str),
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid \
         WHERE NOT t.tgisinternal AND t.tgrelid = to_regclass($1) AND p.proname = $2 \
             AND t.tgenabled = ANY(CASE current_setting('session_replication_role') \
                 WHEN 'replica' THEN '{R,A}'::\"char\"[] ELSE '{O,A}'::\"char\"[] END))",
    )
    .bind(table)
    .bind(function)
    .fetch_one(connection)
    .await
}
