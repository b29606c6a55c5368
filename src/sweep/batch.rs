//! One batch: read at one block, and stored with the end of its lease in one transaction.

use alloy::primitives::Address;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::lease::Lease;
use super::{Error, Sweeper, Tally, Wallet};
use crate::db;
use crate::db::eth_balances::{self, ReadAt, WalletBalance};
use crate::db::silence;
use crate::eth::{self, Balance, BlockRef};

/// How often a batch is read anew at a newer head, because its block went away.
const BLOCKS_TRIED: u32 = 3;

/// How often a batch is stored anew after a conflict with another writer.
const STORES_TRIED: u32 = 5;

/// Why a wallet that was read is not stored.
const OVERTAKEN: &str = "read at a later block before";

impl Sweeper {
    /// Reads the wallets of a lease and stores what is known of them. `head` is the block
    /// to read at.
    pub(super) async fn refresh(&self, lease: Lease, head: BlockRef) -> Result<Tally, Error> {
        let id = lease.id;
        match self.read_and_store(lease, head).await {
            Ok(tally) => {
                self.count(&tally);
                Ok(tally)
            }
            Err(error) => {
                if let Err(kept) = self.release(id).await {
                    tracing::debug!(%kept, "the lease will run out");
                }
                Err(error)
            }
        }
    }

    async fn read_and_store(&self, lease: Lease, head: BlockRef) -> Result<Tally, Error> {
        let addresses: Vec<Address> = lease.wallets.iter().map(|wallet| wallet.address).collect();
        let (at, balances) = self.read(&addresses, head).await?;
        let mut tally =
            Tally { asked: addresses.len() as u64, batches: 1, at: Some(at), ..Tally::default() };
        let (mut known, mut unknown) = (Vec::with_capacity(balances.len()), Vec::new());
        for (Wallet { text, .. }, balance) in lease.wallets.into_iter().zip(balances) {
            match balance {
                Balance::Known(wei) => known.push(WalletBalance {
                    wallet: text,
                    balance: wei.to_string(),
                    event_block: None,
                }),
                Balance::Unknown(reason) => {
                    let reason = reason.to_string();
                    tally.fail(&reason, &text);
                    unknown.push((text, reason));
                }
            }
        }
        let overtaken = self.store(lease.id, &known, &unknown, at).await?;
        tally.stored = (known.len() - overtaken.len()) as u64;
        for wallet in &overtaken {
            tally.fail(OVERTAKEN, wallet);
        }
        Ok(tally)
    }

    /// Reads balances at `head`; at the newest block where that one went away.
    async fn read(
        &self,
        addresses: &[Address],
        head: BlockRef,
    ) -> Result<(BlockRef, Vec<Balance>), eth::Error> {
        let (mut at, mut tries) = (head, 0);
        loop {
            match self.provider.balances(addresses, at).await {
                Err(error) if error.is_missing() && tries < BLOCKS_TRIED => {
                    tries += 1;
                    at = self.provider.head().await?.block();
                }
                read => return Ok((at, read?)),
            }
        }
    }

    /// Stores a batch, again where another writer got in the way; returns the wallets that were
    /// read at a later block before.
    async fn store(
        &self,
        lease: i64,
        known: &[WalletBalance],
        unknown: &[(String, String)],
        at: BlockRef,
    ) -> Result<Vec<String>, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let stored = async {
                let (mut connection, pid) = silence::acquire(&self.database, &self.pool).await?;
                let work = store(&mut connection, lease, known, unknown, at);
                match silence::watched(&self.database, pid, work).await {
                    Ok(stored) => stored,
                    Err(silent) => {
                        silence::discard(connection);
                        Err(silent)
                    }
                }
            };
            match stored.await {
                Err(error) if db::is_transient(&error) && tries < STORES_TRIED => {
                    tracing::debug!(%error, "storing balances again");
                }
                outcome => {
                    return Ok(outcome.map_err(db::Error::query("storing balances"))?);
                }
            }
        }
    }
}

async fn store(
    connection: &mut PgConnection,
    lease: i64,
    known: &[WalletBalance],
    unknown: &[(String, String)],
    at: BlockRef,
) -> Result<Vec<String>, sqlx::Error> {
    let number = i64::try_from(at.number).unwrap_or(i64::MAX);
    let hash = format!("{:#x}", at.hash);
    let mut transaction = connection.begin().await?;
    let read_at = ReadAt { number, hash: &hash };
    let stored = eth_balances::store(&mut transaction, known, read_at).await?;
    let wallets: Vec<&str> = known.iter().map(|row| row.wallet.as_str()).collect();
    let mut overtaken: Vec<String> = Vec::new();
    if stored < known.len() as u64 {
        overtaken = sqlx::query_scalar(
            "SELECT wallet FROM audius_etl_eth_reads \
             WHERE wallet = ANY($1) AND read_block > $2 ORDER BY wallet",
        )
        .bind(&wallets)
        .bind(number)
        .fetch_all(&mut *transaction)
        .await?;
    }
    forgive(&mut transaction, &wallets).await?;
    let overtaken_too = overtaken.iter().map(|wallet| (wallet.as_str(), OVERTAKEN));
    let failed = unknown.iter().map(|(wallet, reason)| (wallet.as_str(), reason.as_str()));
    note_failures(&mut transaction, failed.chain(overtaken_too)).await?;
    let lease_ends = sqlx::query("DELETE FROM audius_etl_sweep_leases WHERE id = $1").bind(lease);
    lease_ends.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(overtaken)
}

/// Forgets earlier failures of wallets that were read.
async fn forgive(connection: &mut PgConnection, wallets: &[&str]) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM audius_etl_sweep_failures WHERE wallet = ANY($1)")
        .bind(wallets)
        .execute(connection)
        .await
        .map(drop)
}

/// The pause before the next attempt doubles from half a minute to half a day.
async fn note_failures<'a>(
    connection: &mut PgConnection,
    failures: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), sqlx::Error> {
    let (wallets, reasons): (Vec<&str>, Vec<&str>) = failures.unzip();
    if wallets.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO audius_etl_sweep_failures AS f (wallet, next_at, reason) \
         SELECT wallet, now() + interval '30 seconds', reason \
         FROM unnest($1::text[], $2::text[]) AS i(wallet, reason) ORDER BY wallet \
         ON CONFLICT (wallet) DO UPDATE SET attempts = f.attempts + 1, failed_at = now(), \
             reason = excluded.reason, \
             next_at = now() + least(interval '12 hours', \
                                     interval '30 seconds' * 2 ^ least(f.attempts, 12))",
    )
    .bind(wallets)
    .bind(reasons)
    .execute(connection)
    .await
    .map(drop)
}
