//! `audius-etl backfill`: fill tables from what is there already, one file per job.

mod aggregates;
mod blocks;
mod releases;
mod transfers;
mod wallets;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::database::OpenDatabase;
use super::telemetry::MetricsArgs;
use crate::args::{SummaryArgs, SummaryForm};
use crate::chain;
use crate::commands::context::Context;
use crate::db::{Database, fitness};
use crate::failure::Failure;
use crate::telemetry::Work;
use crate::terminal;

use aggregates::AggregatesArgs;
use blocks::BlocksArgs;
use releases::ReleasesArgs;
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

    /// Form of what is told at the end on stdout: text or json [default: json with --log-format json]
    #[arg(long, global = true, value_name = "FORM", hide_default_value = true)]
    pub summary: Option<SummaryForm>,

    /// Serve /metrics, /health and /ready here, for example 127.0.0.1:9464
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub metrics_addr: Option<SocketAddr>,
}

/// The jobs. A new one is a variant here, a line in [`run`] and a file with its arguments and
/// `run`.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "a text here would replace the help at the arguments of the job")]
pub enum Job {
    Aggregates(AggregatesArgs),
    Blocks(BlocksArgs),
    Releases(ReleasesArgs),
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
    if let Job::Blocks(job) = &args.job {
        chain::check(&job.source)?;
    }
    let work = match &args.job {
        Job::Aggregates(_) => Work::new("backfill aggregates", "tables"),
        Job::Blocks(_) => Work::new("backfill blocks", "heights"),
        Job::Releases(_) => Work::new("backfill releases", "rows"),
        Job::Transfers(_) => Work::new("backfill transfers", "blocks"),
        Job::Wallets(_) => Work::new("backfill wallets", "users"),
    };
    let metrics = MetricsArgs { metrics_addr: args.metrics_addr };
    let monitor = metrics.watch(context, &work, Duration::ZERO).await?;
    let open = OpenDatabase::open(context).await?;
    let _moment = context.interrupt.moment();
    let database = open.database();
    let form = context.settings.summary(SummaryArgs { summary: args.summary });
    let run = Run { dry_run: args.dry_run, context, database, work: &work, form };
    let doing = Box::pin(async {
        if !args.dry_run {
            fitness::check_server(database).await?;
        }
        match &args.job {
            Job::Aggregates(job) => aggregates::run(job, &run).await,
            Job::Blocks(job) => blocks::run(job, &run, &monitor).await,
            Job::Releases(job) => releases::run(job, &run).await,
            Job::Transfers(job) => transfers::run(job, &run).await,
            Job::Wallets(job) => wallets::run(job, &run).await,
        }
    });
    let done = terminal::work::follow(&context.printer, &work, doing).await;
    monitor.ends();
    let closed = open.close().await;
    done.and(closed)
}

/// What every job gets.
struct Run<'a> {
    dry_run: bool,
    context: &'a Context,
    database: &'a Database,
    work: &'a Work,
    form: SummaryForm,
}

impl Run<'_> {
    /// Tells what was done: `text` for people, `counts` by name for programs.
    fn tell(&self, text: &str, counts: &[(&str, u64)]) -> Result<(), Failure> {
        match self.form {
            SummaryForm::None => {}
            SummaryForm::Short | SummaryForm::Full => self.context.printer.data(text)?,
            SummaryForm::Json => {
                let mut said = serde_json::Map::new();
                said.insert("summary".to_owned(), self.work.standing().job.into());
                said.insert("dry_run".to_owned(), self.dry_run.into());
                said.extend(
                    counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())),
                );
                self.context.printer.data(&serde_json::Value::Object(said).to_string())?;
            }
        }
        if self.dry_run {
            self.context.printer.note("nothing was changed (--dry-run)");
        }
        Ok(())
    }
}
