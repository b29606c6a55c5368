//! `audius-etl backfill`: fill tables from what is there already, one file per job.

mod aggregates;
mod blocks;
mod transfers;
mod wallets;

use clap::{Args, Subcommand};

use super::database::OpenDatabase;
use crate::commands::context::Context;
use crate::failure::Failure;

use aggregates::AggregatesArgs;
use blocks::BlocksArgs;
use transfers::TransfersArgs;
use wallets::WalletsArgs;

/// Fill tables that indexing left out, or from before it began
///
/// Every job can be run again: it ends with the same rows, whatever was there before.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct BackfillArgs {
    /// What to fill
    #[command(subcommand)]
    pub job: Job,

    /// Say what would change, and change nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
}

/// The jobs. A new one is a variant here, a line in [`run`] and a file with its arguments and
/// `run`.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "a text here would replace the help at the arguments of the job")]
pub enum Job {
    Aggregates(AggregatesArgs),
    Blocks(BlocksArgs),
    Transfers(Box<TransfersArgs>),
    Wallets(WalletsArgs),
}

const EXAMPLES: &str = "\
Examples:
  Count everything once, after a load without counters:
    audius-etl index --db postgres://localhost/audius --source blocks.pb.zst --no-aggregates
    audius-etl backfill aggregates --db postgres://localhost/audius
  Record the blocks that another indexer went through:
    audius-etl backfill blocks --db postgres://localhost/audius \\
        --source https://node1.example.org --from 1 --to 200000
  Read the AUDIO balances again that a gap may have missed:
    audius-etl backfill transfers --db postgres://localhost/audius \
        --eth-http https://eth.example.org --from 21000000 --to 21050000";

pub(crate) async fn run(args: BackfillArgs, context: &Context) -> Result<(), Failure> {
    let open = OpenDatabase::open(context).await?;
    let done = match &args.job {
        Job::Aggregates(job) => aggregates::run(job, args.dry_run, context, open.database()).await,
        Job::Blocks(job) => blocks::run(job, args.dry_run, context, open.database()).await,
        Job::Transfers(job) => transfers::run(job, args.dry_run, context, open.database()).await,
        Job::Wallets(job) => wallets::run(job, args.dry_run, context, open.database()).await,
    };
    let closed = open.close().await;
    done.and(closed)
}
