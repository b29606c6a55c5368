//! `audius-etl sweep`: read the balances again that were read longest ago.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use sqlx::postgres::PgPool;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::database::OpenDatabase;
use super::ethereum::EthArgs;
use super::telemetry::MetricsArgs;
use crate::args::{SummaryArgs, SummaryForm};
use crate::db::migrate::Migrator;
use crate::db::{Database, fitness, status};
use crate::failure::Failure;
use crate::quantity;
use crate::store::Effects;
use crate::sweep::{self, Sweeper, Tally};
use crate::telemetry::Work;
use crate::terminal::standing;
use crate::terminal::sweep::{Swept, render, watch};

/// Connections to the database: one per batch at hand, and one to spare.
const CONNECTIONS: u32 = 4;

/// Between two looks at the sums, for those who watch.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// After an interrupt, batches at hand may take this long.
const GRACE: Duration = Duration::from_secs(1);

/// Read AUDIO balances again, those first that were read longest ago
///
/// A balance is tokens, stake and delegated stake together. A batch is read at one block with as few
/// calls as possible, and stored without ever replacing a newer read. Without --once or --full a
/// batch is read at once and then at every interval, until interrupted. Safe beside `index` and
/// beside other sweeps, also on other machines: each wallet is read by one of them.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct SweepArgs {
    /// Read one batch and exit
    #[arg(long, conflicts_with = "full")]
    pub once: bool,

    /// Read until every balance is younger than the start, and exit
    ///
    /// Several machines that do so at the same time share one pass.
    #[arg(long)]
    pub full: bool,

    /// Wallets per batch (also ethStaleRefreshBatchSize)
    #[arg(long = "batch", value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub sweep_batch: usize,

    /// Time between two batches (also ethStaleRefreshIntervalSecs)
    #[arg(long = "interval", value_name = "TIME", default_value = "30s")]
    #[arg(value_parser = quantity::duration)]
    pub sweep_interval: Duration,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a text here would replace the help of the options")]
    pub ethereum: EthArgs,

    /// Where it is watched.
    #[command(flatten)]
    pub metrics: MetricsArgs,

    /// What is told at the end.
    #[command(flatten)]
    pub summary: SummaryArgs,
}

const EXAMPLES: &str = "\
Examples:
  Read the 200 balances that are oldest, with one call:
    audius-etl sweep --db postgres://localhost/audius --eth-http https://eth.example.org \\
        --once --batch 200
  Read all of them, on as many machines as you like:
    audius-etl sweep --db postgres://localhost/audius --eth-http https://eth.example.org --full
  Read 50 every half minute, with at most 5 requests a second:
    audius-etl sweep --db postgres://localhost/audius --eth-http https://eth.example.org --rps 5";

pub(crate) async fn run(args: SweepArgs, context: &Context) -> Result<(), Failure> {
    args.ethereum.check()?;
    let open = OpenDatabase::open(context).await?;
    let done = sweep(&args, context, open.database()).await;
    let closed = open.close().await;
    done.and(closed)
}

async fn sweep(args: &SweepArgs, context: &Context, database: &Database) -> Result<(), Failure> {
    fitness::check_server(database).await?;
    let mut connection = database.connect().await?;
    Migrator::default().check(&mut connection).await?;
    drop(connection);
    let work = Work::new("sweep", "wallets");
    let mut monitor = args.metrics.watch(context, &work, args.sweep_interval).await?;
    let pool = database.pool(CONNECTIONS).await?;
    let mut effects = Effects::default();
    let connecting = args.ethereum.connect(database, &mut effects);
    let provider = context.interrupt.wait("a node of Ethereum", connecting).await?;
    // What is leased is given back.
    let _moment = context.interrupt.moment();
    monitor.telemetry.follows_ethereum(provider.clone());
    monitor.is_up(database);
    let sweeper = Sweeper::new(database.clone(), pool.clone(), provider, holder());
    let noting = note(sweeper.clone(), work);
    let begun = Instant::now();
    let done = match (args.once, args.full) {
        (true, _) => once(args, context, &sweeper).await,
        (_, true) => full(context, &sweeper).await,
        _ => {
            again_and_again(args, context, &sweeper, database).await;
            Err(Failure::interrupted())
        }
    };
    noting.abort();
    monitor.ends();
    if let Err(error) = sweeper.release_all().await {
        tracing::debug!(%error, "what is leased will run out");
    }
    close(pool).await;
    report(args, context, &sweeper, begun.elapsed(), done.is_ok())?;
    done
}

/// Keeps `work` as the sweeper's sums are.
fn note(sweeper: Sweeper, work: Work) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let tally = sweeper.tally();
            work.reached(tally.asked);
            work.counts("stored", tally.stored);
            work.counts("failed", tally.failures());
            work.counts("batches", tally.batches);
            tokio::time::sleep(NOTE_EVERY).await;
        }
    })
}

async fn once(args: &SweepArgs, context: &Context, sweeper: &Sweeper) -> Result<(), Failure> {
    tokio::select! {
        swept = sweeper.batch(args.sweep_batch) => swept?,
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    tell_malformed(context, sweeper).await
}

async fn full(context: &Context, sweeper: &Sweeper) -> Result<(), Failure> {
    tell_malformed(context, sweeper).await?;
    let pass = sweeper.begin_pass().await?;
    if pass.joined {
        let text = format!("joining the full pass that began at {} elsewhere", pass.started);
        context.printer.note(&text);
    }
    let look = || Swept { wallets: sweeper.tally().asked, calls: sweeper.provider().calls().0 };
    let work = async {
        tokio::select! {
            done = sweeper.full(&pass, &context.cancel) => done,
            () = out_of_patience(&context.cancel) => Ok(()),
        }
    };
    watch(&context.printer, pass.due, look, work).await?;
    if context.cancel.is_cancelled() { Err(Failure::interrupted()) } else { Ok(()) }
}

/// Ends a while after an interrupt: batches at hand are stored, but a node that does not answer is
/// not waited for.
async fn out_of_patience(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

async fn again_and_again(
    args: &SweepArgs,
    context: &Context,
    sweeper: &Sweeper,
    database: &Database,
) {
    let (period, batch) = (args.sweep_interval, args.sweep_batch);
    tracing::info!(interval = ?period, batch, "sweeping");
    if let Err(failure) = tell_malformed(context, sweeper).await {
        tracing::warn!(error = %failure, "cannot look for malformed wallets");
    }
    sweep::every(period, &context.cancel, || {
        let (sweeper, database) = (sweeper.clone(), database.clone());
        async move {
            match sweeper.batch(batch).await {
                Ok(swept) => tell_batch(&swept, &database).await,
                Err(error) => tracing::warn!(%error, "sweeping a batch failed, trying again"),
            }
        }
    })
    .await;
}

/// A batch in the log: what it did, at which block, and what remains.
async fn tell_batch(swept: &Tally, database: &Database) {
    let left = status::balances(database).await.unwrap_or_default();
    tracing::info!(
        asked = swept.asked,
        stored = swept.stored,
        failed = swept.failures(),
        block = swept.at.map(|at| at.number),
        oldest = left.oldest_seconds.map(|age| {
            if left.oldest_is_unread { "never read".to_owned() } else { standing::duration(age) }
        }),
        waiting = left.waiting,
        wallets = left.wallets,
        "swept a batch"
    );
}

async fn tell_malformed(context: &Context, sweeper: &Sweeper) -> Result<(), Failure> {
    let malformed = sweeper.malformed().await?;
    if malformed.count > 0 {
        let examples: Vec<_> = malformed.examples.iter().map(|text| format!("{text:?}")).collect();
        context.printer.note(&format!(
            "{} rows of eth_wallet_balances are no addresses and stay as they are: {}{}",
            malformed.count,
            examples.join(", "),
            if malformed.count > examples.len() as u64 { ", …" } else { "" },
        ));
    }
    Ok(())
}

fn report(
    args: &SweepArgs,
    context: &Context,
    sweeper: &Sweeper,
    elapsed: Duration,
    done: bool,
) -> Result<(), Failure> {
    let ((calls, splits), tally) = (sweeper.provider().calls(), sweeper.tally());
    match context.settings.summary(args.summary) {
        SummaryForm::None => Ok(()),
        SummaryForm::Json => {
            let reasons = tally.failed.iter().map(|(reason, (count, example))| {
                json!({ "reason": reason, "count": count, "example": example })
            });
            let said = json!({
                "summary": "sweep",
                "ended": if done { "done" } else { "interrupted" },
                "wallets": tally.asked,
                "stored": tally.stored,
                "failed": tally.failures(),
                "reasons": reasons.collect::<Vec<_>>(),
                "batches": tally.batches,
                "block": tally.at.map(|at| at.number),
                "calls": calls,
                "halved": splits,
                "seconds": elapsed.as_secs_f64(),
            });
            context.printer.data(&said.to_string())
        }
        SummaryForm::Short | SummaryForm::Full => {
            context.printer.data(&render(&tally, calls, splits, elapsed))
        }
    }
}

/// Who we are, for those who look at the leases.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}

async fn close(pool: PgPool) {
    // A server that does not say goodbye must not keep us.
    let _closed_or_not = tokio::time::timeout(Duration::from_secs(5), pool.close()).await;
}

impl From<sweep::Error> for Failure {
    fn from(error: sweep::Error) -> Self {
        match error {
            sweep::Error::Database(error) => error.into(),
            sweep::Error::Chain(error) => error.into(),
        }
    }
}
