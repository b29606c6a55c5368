//! Taking wallets to read, so that nobody else takes them.

use sqlx::Acquire;
use sqlx::postgres::PgPool;

use super::{Error, Sweeper, Wallet};
use crate::db;

/// How long the wallets of a process that died stay out of reach.
const LEASED_FOR: &str = "3 minutes";

/// What a wallet of 42 bytes has to look like: everything else is some text that a user entered. To
/// have the expression count the digits takes PostgreSQL ten times as long.
const ADDRESS: &str = "^0x[0-9a-f]*$";

/// Malformed wallets that are named in a report.
const NAMED: i64 = 5;

/// Wallets that are ours to read for a while.
#[derive(Debug)]
pub struct Lease {
    pub(super) id: i64,
    pub(super) wallets: Vec<Wallet>,
    /// When the last of them was stored, as the database writes it.
    pub(super) stored: String,
}

/// A lease and its wallets, if there is one, and when the last wallet picked for it was stored.
type Picked = (Option<(i64, Vec<String>)>, String);

/// A full pass: every wallet stored before its start is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// When it began, as the database writes it.
    pub started: String,
    /// Whether somebody else began it.
    pub joined: bool,
    /// Wallets that were due when we came, about.
    pub due: u64,
}

/// Wallets that are no addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Malformed {
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

impl Sweeper {
    /// Takes up to `limit` wallets, those first that were stored longest ago. For a full pass: that
    /// are due in it. `from` leaves those out that were stored before. `None` when there are none to
    /// take.
    pub(super) async fn lease(
        &self,
        limit: usize,
        pass: Option<&Pass>,
        from: Option<&str>,
    ) -> Result<Option<Lease>, Error> {
        let mut from = from.map(str::to_owned);
        while let Some((leased, stored)) = self.pick(limit, pass, from.as_deref()).await? {
            if let Some((id, wallets)) = leased {
                return Ok(Some(Lease { id, wallets: parsed(wallets), stored }));
            }
            // Others were faster with all of them.
            from = Some(stored);
        }
        Ok(None)
    }

    /// Picks wallets that are due and leases those of them that nobody else has by then. `None` when
    /// there are none to pick.
    async fn pick(
        &self,
        limit: usize,
        pass: Option<&Pass>,
        from: Option<&str>,
    ) -> Result<Option<Picked>, Error> {
        let mut connection = self.pool.acquire().await.map_err(leasing)?;
        let mut transaction = connection.begin().await.map_err(leasing)?;
        // Whoever picks a row keeps it locked until the lease can be seen by everybody.
        let picked: Vec<(String, String)> = sqlx::query_as(
            "SELECT b.wallet, b.updated_at::text FROM eth_wallet_balances b \
             WHERE b.updated_at < $2::text::timestamp AND b.updated_at >= $5::text::timestamp \
                 AND octet_length(b.wallet) = 42 AND b.wallet ~ $3 \
                 AND b.wallet NOT IN (SELECT unnest(l.wallets) FROM audius_etl_sweep_leases l \
                                      WHERE l.leased_until > now()) \
                 AND b.wallet NOT IN (SELECT f.wallet FROM audius_etl_sweep_failures f \
                                      WHERE CASE WHEN $4 THEN f.failed_at >= $2::text::timestamp \
                                                 ELSE f.next_at > now() END) \
             ORDER BY b.updated_at LIMIT $1 FOR UPDATE OF b SKIP LOCKED",
        )
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(pass.map_or("infinity", |pass| &pass.started))
        .bind(ADDRESS)
        .bind(pass.is_some())
        .bind(from.unwrap_or("-infinity"))
        .fetch_all(&mut *transaction)
        .await
        .map_err(leasing)?;
        let (picked, mut stored): (Vec<_>, Vec<_>) = picked.into_iter().unzip();
        let Some(stored) = stored.pop() else {
            transaction.rollback().await.map_err(leasing)?;
            return Ok(None);
        };
        // A lease may have been made between the look at the leases and the lock of a row. This
        // statement sees it.
        let leased: Option<(i64, Vec<String>)> = sqlx::query_as(
            "WITH gone AS (DELETE FROM audius_etl_sweep_leases WHERE leased_until < now()) \
             INSERT INTO audius_etl_sweep_leases (wallets, holder, pass_started, leased_until) \
             SELECT array_agg(w), $2, $3::text::timestamp, now() + $4::text::interval \
             FROM unnest($1::text[]) w \
             WHERE w NOT IN (SELECT unnest(l.wallets) FROM audius_etl_sweep_leases l \
                             WHERE l.leased_until > now()) \
             HAVING count(*) > 0 RETURNING id, wallets",
        )
        .bind(picked)
        .bind(&self.holder)
        .bind(pass.map(|pass| &pass.started))
        .bind(LEASED_FOR)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(leasing)?;
        transaction.commit().await.map_err(leasing)?;
        Ok(Some((leased, stored)))
    }

    /// Gives wallets back that were not read.
    pub(super) async fn release(&self, id: i64) -> Result<(), Error> {
        let gone = sqlx::query("DELETE FROM audius_etl_sweep_leases WHERE id = $1");
        gone.bind(id).execute(&self.pool).await.map_err(leasing)?;
        Ok(())
    }

    /// Wallets that are no addresses and that no sweep will ever read.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn malformed(&self) -> Result<Malformed, Error> {
        let (count, examples): (i64, Vec<String>) = sqlx::query_as(
            "WITH odd AS MATERIALIZED (SELECT wallet FROM eth_wallet_balances \
                 WHERE NOT (octet_length(wallet) = 42 AND wallet ~ $1)) \
             SELECT count(*), coalesce((SELECT array_agg(e.wallet) FROM \
                 (SELECT left(wallet, 60) AS wallet FROM odd ORDER BY wallet LIMIT $2) e), '{}') \
             FROM odd",
        )
        .bind(ADDRESS)
        .bind(NAMED)
        .fetch_one(&self.pool)
        .await
        .map_err(db::Error::query("looking for malformed wallets"))?;
        Ok(Malformed { count: u64::try_from(count).unwrap_or_default(), examples })
    }
}

fn parsed(wallets: Vec<String>) -> Vec<Wallet> {
    let wallet = |text: String| {
        let address = text.parse().ok()?;
        Some(Wallet { text, address })
    };
    // The pattern lets nothing through that does not parse.
    wallets.into_iter().filter_map(wallet).collect()
}

fn leasing(error: sqlx::Error) -> db::Error {
    db::Error::query("leasing wallets")(error)
}

/// Ends all leases of one holder.
pub(super) async fn release_all(pool: &PgPool, holder: &str) -> Result<(), Error> {
    let gone = sqlx::query("DELETE FROM audius_etl_sweep_leases WHERE holder = $1");
    gone.bind(holder).execute(pool).await.map_err(leasing)?;
    Ok(())
}

/// Begins a full pass, or joins the one that somebody else is at.
pub(super) async fn begin_pass(pool: &PgPool) -> Result<Pass, Error> {
    let (started, joined): (String, bool) = sqlx::query_as(
        "SELECT coalesce(min(pass_started), now()::timestamp)::text, count(pass_started) > 0 \
         FROM audius_etl_sweep_leases WHERE leased_until > now()",
    )
    .fetch_one(pool)
    .await
    .map_err(db::Error::query("beginning a full pass"))?;
    let due: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM eth_wallet_balances WHERE updated_at < $1::text::timestamp",
    )
    .bind(&started)
    .fetch_one(pool)
    .await
    .map_err(db::Error::query("counting wallets"))?;
    Ok(Pass { started, joined, due: u64::try_from(due).unwrap_or_default() })
}

/// Whether somebody has wallets in hand.
pub(super) async fn is_any_leased(pool: &PgPool) -> Result<bool, Error> {
    let leased = "SELECT EXISTS (SELECT FROM audius_etl_sweep_leases WHERE leased_until > now())";
    Ok(sqlx::query_scalar(leased).fetch_one(pool).await.map_err(leasing)?)
}

/// Whether nothing is due any more in a pass, not even in other hands. Looks at all wallets.
pub(super) async fn is_done(pool: &PgPool, pass: &Pass) -> Result<bool, Error> {
    let due: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM eth_wallet_balances b \
         WHERE b.updated_at < $1::text::timestamp \
             AND octet_length(b.wallet) = 42 AND b.wallet ~ $2 \
             AND b.wallet NOT IN (SELECT f.wallet FROM audius_etl_sweep_failures f \
                                  WHERE f.failed_at >= $1::text::timestamp))",
    )
    .bind(&pass.started)
    .bind(ADDRESS)
    .fetch_one(pool)
    .await
    .map_err(db::Error::query("counting wallets"))?;
    Ok(!due)
}
