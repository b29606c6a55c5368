//! `audius-etl backfill wallets`: a row for every tracked wallet.

use clap::Args;
use sqlx::Connection;

use super::Run;
use crate::db::{Error, eth_seed};
use crate::failure::Failure;
use crate::terminal::table;

/// Give every tracked wallet a row in `eth_wallet_balances`
///
/// Wallets come from `users` and `associated_wallets`. A user's only wallet gets the balance that
/// `user_balances` has; where a user has several, each gets a placeholder of 1970-01-01, which sweep
/// reads first. Balances that are there stay. Takes no lock: rows are added one batch of users at a
/// time, beside whatever else writes.
#[derive(Args, Clone, Debug)]
pub struct WalletsArgs {}

pub(super) async fn run(_args: &WalletsArgs, run: &Run<'_>) -> Result<(), Failure> {
    let Run { dry_run, context, database, work, .. } = *run;
    let mut connection = database.connect().await?;
    let mut sum = eth_seed::Seeded::default();
    let last = eth_seed::last_user(&mut connection).await?;
    work.expects(u64::try_from(last).unwrap_or(0));
    let mut from = i32::MIN;
    while let Some(next) = eth_seed::next_user(&mut connection, from).await? {
        if context.cancel.is_cancelled() {
            return Err(Failure::interrupted());
        }
        sum += eth_seed::seed(&mut connection, next, dry_run).await?;
        let Some(after) = next.checked_add(eth_seed::USERS_AT_ONCE).filter(|after| *after <= last)
        else {
            break;
        };
        from = after;
        work.reached(u64::try_from(from).unwrap_or(0));
        work.counts("wallets", sum.known + sum.placeholders);
    }
    connection.close().await.map_err(Error::query("closing the connection"))?;
    let counts = [
        ("with a known balance", sum.known),
        ("placeholders", sum.placeholders),
        ("malformed, left out", sum.malformed),
    ];
    run.tell(&table::counts(["wallets", "rows"], &counts), &counts)
}
