//! Rows of `eth_wallet_balances` for wallets that have none yet, from what the database holds.
//!
//! Rows are only added, and placeholders only filled, each batch of users in a transaction of its
//! own; whoever else writes balances is never overwritten.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::{Error, eth_balances};

/// Users per transaction.
pub const USERS_AT_ONCE: i32 = 20_000;

/// What seeding did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Wallets that got the balance which `user_balances` knows.
    pub known: u64,
    /// Wallets that got a placeholder of 1970-01-01: whoever reads the oldest first takes them.
    pub placeholders: u64,
    /// Wallets that are no address.
    pub malformed: u64,
}

impl std::ops::AddAssign for Seeded {
    fn add_assign(&mut self, other: Self) {
        self.known += other.known;
        self.placeholders += other.placeholders;
        self.malformed += other.malformed;
    }
}

/// The highest user id, up to which there is something to seed; 0 without users.
///
/// # Errors
/// When the query fails.
pub async fn last_user(connection: &mut PgConnection) -> Result<i32, Error> {
    sqlx::query_scalar(
        "SELECT coalesce(greatest((SELECT max(user_id) FROM users), \
             (SELECT max(user_id) FROM associated_wallets)), 0)",
    )
    .fetch_one(connection)
    .await
    .map_err(Error::query("looking for users"))
}

/// The next user id from `from`, so that gaps in the ids cost nothing.
///
/// # Errors
/// When the query fails.
pub async fn next_user(connection: &mut PgConnection, from: i32) -> Result<Option<i32>, Error> {
    sqlx::query_scalar(
        "SELECT least((SELECT min(user_id) FROM users WHERE user_id >= $1), \
             (SELECT min(user_id) FROM associated_wallets WHERE user_id >= $1))",
    )
    .bind(from)
    .fetch_one(connection)
    .await
    .map_err(Error::query("looking for users"))
}

/// Seeds the wallets of users `from..from + USERS_AT_ONCE`, in one transaction, which `dry_run` takes
/// back.
///
/// A user whose only wallet is their own gets the balance of `user_balances`, with its date. That
/// table has no figures for the single wallets of users with several, so these get placeholders. A
/// wallet of several users counts as known if it is so for one of them.
///
/// # Errors
/// When a statement fails.
pub async fn seed(
    connection: &mut PgConnection,
    from: i32,
    dry_run: bool,
) -> Result<Seeded, Error> {
    let failed = || Error::query("seeding eth_wallet_balances");
    let to = from.saturating_add(USERS_AT_ONCE);
    let mut transaction = connection.begin().await.map_err(failed())?;
    let malformed: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM ( \
             SELECT wallet FROM users WHERE user_id >= $1 AND user_id < $2 AND is_current \
             UNION ALL \
             SELECT wallet FROM associated_wallets WHERE user_id >= $1 AND user_id < $2 \
                 AND chain = 'eth' AND is_current AND NOT is_delete) w \
         WHERE wallet <> '' AND lower(wallet::text) !~ '^0x[0-9a-f]{40}$'",
    )
    .bind(from)
    .bind(to)
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed())?;
    let written: Vec<(String, bool)> = sqlx::query_as(
        "WITH linked AS ( \
             SELECT user_id, lower(wallet::text) AS wallet FROM associated_wallets \
             WHERE user_id >= $1 AND user_id < $2 \
                 AND chain = 'eth' AND is_current AND NOT is_delete), \
         own AS ( \
             SELECT u.user_id, lower(u.wallet::text) AS wallet, \
                 NOT EXISTS (SELECT FROM linked l WHERE l.user_id = u.user_id \
                             AND l.wallet <> lower(u.wallet::text)) AS alone \
             FROM users u WHERE u.user_id >= $1 AND u.user_id < $2 AND u.is_current), \
         rows AS ( \
             SELECT o.wallet, \
                 CASE WHEN o.alone AND b.balance ~ '^[0-9]{1,78}$' \
                     THEN b.balance::numeric END AS balance, \
                 b.updated_at \
             FROM own o LEFT JOIN user_balances b USING (user_id) \
             UNION ALL SELECT wallet, NULL, NULL FROM linked), \
         best AS ( \
             SELECT DISTINCT ON (wallet) wallet, balance, \
                 CASE WHEN balance IS NULL THEN 'epoch'::timestamp ELSE updated_at END AS updated_at \
             FROM rows WHERE wallet ~ '^0x[0-9a-f]{40}$' \
             ORDER BY wallet, balance IS NULL, updated_at DESC) \
         INSERT INTO eth_wallet_balances AS w (wallet, balance, updated_at) \
         SELECT wallet, coalesce(balance, 0), updated_at FROM best ORDER BY wallet \
         ON CONFLICT (wallet) DO UPDATE \
             SET balance = excluded.balance, updated_at = excluded.updated_at \
             WHERE w.updated_at < '1970-01-02' AND excluded.updated_at > w.updated_at \
         RETURNING wallet, updated_at > '1970-01-02'",
    )
    .bind(from)
    .bind(to)
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed())?;
    let wallets: Vec<&str> = written.iter().map(|(wallet, _)| wallet.as_str()).collect();
    if !wallets.is_empty() {
        eth_balances::store_totals(&mut transaction, &wallets).await.map_err(failed())?;
    }
    if dry_run {
        transaction.rollback().await.map_err(failed())?;
    } else {
        transaction.commit().await.map_err(failed())?;
    }
    let known = written.iter().filter(|(_, known)| *known).count() as u64;
    Ok(Seeded {
        known,
        placeholders: written.len() as u64 - known,
        malformed: u64::try_from(malformed).unwrap_or(0),
    })
}
