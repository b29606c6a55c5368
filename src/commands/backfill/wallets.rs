//! `audius-etl backfill wallets`: a row for every tracked wallet.

use clap::Args;
use sqlx::Connection;

use crate::commands::context::Context;
use crate::db::{Database, Error, eth_seed};
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

pub(super) async fn run(
    _args: &WalletsArgs,
    dry_run: bool,
    context: &Context,
    database: &Database,
) -> Result<(), Failure> {
    let mut connection = database.connect().await?;
    let mut sum = eth_seed::Seeded::default();
    let last = eth_seed::last_user(&mut connection).await?;
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
        tracing::info!(user = from, last, wallets = sum.known + sum.placeholders, "seeding");
    }
    connection.close().await.map_err(Error::query("closing the connection"))?;
    let mut table = table::plain(["wallets", "rows"]);
    for (name, rows) in [
        ("with a known balance", sum.known),
        ("placeholders", sum.placeholders),
        ("malformed, left out", sum.malformed),
    ] {
        table.add_row([name.to_owned(), table::grouped(rows)]);
    }
    context.printer.data(&table.trim_fmt())?;
    if dry_run {
        context.printer.note("nothing was changed (--dry-run)");
    }
    Ok(())
}
