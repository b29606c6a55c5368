//! `audius-etl backfill transfers`: balances of the wallets that events of a range name.

use clap::Args;

use super::Run;
use crate::commands::ethereum::EthArgs;
use crate::failure::Failure;
use crate::follow::{Replay, Replayed, Wallets};
use crate::store::Effects;
use crate::terminal::table;

/// Read again the balances of wallets that Ethereum events of a range name
///
/// For a range that nobody followed, or that was followed badly. Balances are those of the head, not
/// of the range. Interrupted, the same command goes on where it was. Takes no lock: a balance that
/// somebody else has read at a later block stays as it is.
#[derive(Args, Clone, Debug)]
pub struct TransfersArgs {
    /// First block
    #[arg(long, visible_alias = "start", value_name = "BLOCK")]
    pub from: u64,

    /// Last block [default: the head]
    #[arg(long, visible_alias = "end", value_name = "BLOCK")]
    pub to: Option<u64>,

    #[command(flatten)]
    pub nodes: EthArgs,
}

pub(super) async fn run(args: &TransfersArgs, run: &Run<'_>) -> Result<(), Failure> {
    let Run { dry_run, context, database, work, .. } = *run;
    if args.to.is_some_and(|to| to < args.from) {
        return Err(Failure::usage("--to is below --from"));
    }
    let mut effects = Effects::default();
    let provider = tokio::select! {
        provider = args.nodes.connect(database, &mut effects) => provider?,
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    let wallets = Wallets::open(database).await?;
    let to = args.to.unwrap_or(u64::MAX);
    let replay = Replay { provider, wallets, from: args.from, to, dry_run };
    let report = |sums: &Replayed| {
        work.expects((sums.to + 1).saturating_sub(sums.from));
        work.reached(sums.blocks);
        work.counts("events", sums.logs);
        work.counts("stored", sums.stored);
    };
    let done = replay.run(&context.cancel, report).await?;
    replay.wallets.close().await;
    let Some(done) = done else { return Err(Failure::interrupted()) };
    let counts = [
        ("blocks", (done.to + 1).saturating_sub(done.from)),
        ("events", done.logs),
        ("tracked wallets", done.wallets),
        ("balances stored", done.stored),
        ("wallets not read", done.unread),
    ];
    run.tell(&table::counts(["ethereum", "count"], &counts), &counts)
}
