//! `audius-etl backfill transfers`: balances of the wallets that events of a range name.

use std::time::{Duration, Instant};

use clap::Args;

use crate::commands::context::Context;
use crate::commands::ethereum::EthArgs;
use crate::db::Database;
use crate::failure::Failure;
use crate::follow::{Replay, Replayed, Wallets};
use crate::store::Effects;
use crate::terminal::table;

/// Time between two lines on the way.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Read again the balances of wallets that Ethereum events of a range name
///
/// For a range that nobody followed, or that was followed badly. Balances are those of the head, not
/// of the range. Interrupted, the same command goes on where it was. Takes no lock: a balance that
/// somebody else has read at a later block stays as it is.
#[derive(Args, Clone, Debug)]
pub struct TransfersArgs {
    /// First block
    #[arg(long, value_name = "BLOCK")]
    pub from: u64,

    /// Last block [default: the head]
    #[arg(long, value_name = "BLOCK")]
    pub to: Option<u64>,

    #[command(flatten)]
    pub nodes: EthArgs,
}

pub(super) async fn run(
    args: &TransfersArgs,
    dry_run: bool,
    context: &Context,
    database: &Database,
) -> Result<(), Failure> {
    if args.to.is_some_and(|to| to < args.from) {
        return Err(Failure::usage("--to is below --from"));
    }
    let provider = args.nodes.connect(database, &mut Effects::default()).await?;
    let wallets = Wallets::open(database).await?;
    let to = args.to.unwrap_or(u64::MAX);
    let replay = Replay { provider, wallets, from: args.from, to, dry_run };
    let mut reported = Instant::now();
    let report = |sums: &Replayed| {
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let Replayed { logs, wallets, stored, .. } = *sums;
            context.printer.note(&format!("{logs} events, {wallets} wallets, {stored} stored"));
        }
    };
    let done = replay.run(&context.cancel, report).await?;
    replay.wallets.close().await;
    let Some(done) = done else { return Err(Failure::interrupted()) };
    let mut table = table::plain(["ethereum", "count"]);
    for (name, count) in [
        ("blocks", (done.to + 1).saturating_sub(done.from)),
        ("events", done.logs),
        ("tracked wallets", done.wallets),
        ("balances stored", done.stored),
        ("wallets not read", done.unread),
    ] {
        table.add_row([name.to_owned(), table::grouped(count)]);
    }
    context.printer.data(&table.trim_fmt())?;
    if dry_run {
        context.printer.note("nothing was changed (--dry-run)");
    }
    Ok(())
}
