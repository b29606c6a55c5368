//! `audius-etl status`: how a database stands, without asking any process.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::database::OpenDatabase;
use crate::db::status::{self, DatabaseStatus};
use crate::failure::Failure;
use crate::quantity;
use crate::terminal::standing;
use crate::writer::{self, LockHolder};

/// The exit code of a database that is older than was allowed.
const STALE: u8 = 1;

/// Tell how a database stands
///
/// Reads the database only, so it works whether or not anything runs: heights and ages of the
/// chains, what the last hour brought, the oldest balance, who writes, schema and sizes. With
/// --max-age it ends with code 1 when a chain's newest block is older, for cron and monitors.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct StatusArgs {
    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,

    /// End with code 1 when the newest block of a chain is older, for example 90s, 10m or 2h
    #[arg(long, value_name = "AGE", value_parser = quantity::duration)]
    pub max_age: Option<Duration>,

    /// End with code 1 when the oldest balance is older
    #[arg(long, value_name = "AGE", value_parser = quantity::duration)]
    pub max_balance_age: Option<Duration>,

    /// List the heights that no indexer went through below ones that it did; takes a while
    ///
    /// Production has some, of blocks that failed there. `index` leaves them as they are; `backfill
    /// blocks` records them.
    #[arg(long)]
    pub holes: bool,

    /// Tables listed by size
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub tables: usize,
}

const EXAMPLES: &str = "\
Examples:
  Look at a database:
    audius-etl status --db postgres://localhost/audius
  From cron, with a word to somebody when indexing fell behind or the database is away:
    audius-etl -q status --max-age 10m > /dev/null || echo 'audius-etl: check the indexer'
  Ask for one value:
    audius-etl status --json | jq '.chains[].lag'";

/// Reads the database and returns the exit code.
pub(crate) async fn run(args: StatusArgs, context: &Context) -> Result<u8, Failure> {
    let open = OpenDatabase::open(context).await?;
    let read = async {
        let mut standing = status::read(open.database()).await?;
        if args.holes {
            standing.holes = Some(status::holes(open.database()).await?);
        }
        let holder = writer::lock_holder(open.database()).await?;
        Ok::<_, Failure>((standing, holder))
    };
    let read = read.await;
    let shown_url = open.database().redacted().to_owned();
    open.close().await?;
    let (mut found, holder) = read?;
    let stale = stale(&args, &found);
    if args.json {
        context.printer.data(&as_json(&shown_url, &found, holder.as_ref(), &stale))?;
    } else {
        found.tables.truncate(args.tables);
        let holder = holder.as_ref().map(ToString::to_string);
        context.printer.data(&standing::render(&shown_url, &found, holder.as_deref(), &stale))?;
    }
    Ok(if stale.is_empty() { 0 } else { STALE })
}

/// What is older than allowed, in words.
fn stale(args: &StatusArgs, found: &DatabaseStatus) -> Vec<String> {
    let mut stale = Vec::new();
    if let Some(limit) = args.max_age {
        if found.chains.is_empty() {
            stale.push("no chain was ever indexed here".to_owned());
        }
        for chain in found.chains.iter().filter(|chain| !chain.left) {
            let age = chain.age_seconds.unwrap_or(f64::INFINITY);
            if age > limit.as_secs_f64() {
                stale.push(format!(
                    "the newest block of {} is {} old, more than {}",
                    chain.chain,
                    standing::duration(age),
                    standing::duration(limit.as_secs_f64())
                ));
            }
        }
    }
    if let Some(limit) = args.max_balance_age {
        let age = found.balances.oldest_seconds.filter(|age| *age > limit.as_secs_f64());
        stale.extend(age.map(|age| {
            format!(
                "the oldest balance was read {} ago, more than {}",
                standing::duration(age),
                standing::duration(limit.as_secs_f64())
            )
        }));
    }
    stale
}

fn as_json(
    url: &str,
    found: &DatabaseStatus,
    holder: Option<&LockHolder>,
    stale: &[String],
) -> String {
    let holder = holder.map(|holder| {
        json!({
            "pid": holder.pid,
            "application": holder.application,
            "host": holder.host,
            "since": holder.since,
        })
    });
    let mut value = serde_json::to_value(found).unwrap_or_default();
    value["database"] = url.into();
    value["writer"] = holder.unwrap_or_default();
    value["stale"] = stale.into();
    format!("{value:#}")
}
