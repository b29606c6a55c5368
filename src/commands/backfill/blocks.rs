//! `audius-etl backfill blocks`: the raw rows of blocks that were indexed without them, or never.

use clap::Args;

use super::Run;
use crate::chain::{self, SourceConfig};
use crate::commands::era::EraArgs;
use crate::commands::telemetry::Monitor;
use crate::db::aggregates;
use crate::db::load::Loader;
use crate::db::start::StartState;
use crate::eras::Numbering;
use crate::failure::Failure;
use crate::pipeline::{BlockBackfill, End, Filled};
use crate::terminal::table;
use crate::writer::{Missing, RawBlocks};

/// Fill in blocks that were indexed without the `etl_*` tables, or not at all
///
/// Writes the `etl_*` tables and `core_indexed_blocks` for the heights of a range that have no row
/// in `etl_blocks`, and `plays` where nobody indexed the height. Entity rows are not touched, nor
/// are the states in `etl_validators`. Only heights that `index` has passed can be filled; what is
/// above is for `index`. Interrupted, it goes on with the first missing height. It numbers plays as
/// a running index does, so it takes that one's lock: it ends with code 5 beside one, or waits with
/// --wait-lock.
#[derive(Args, Clone, Debug)]
pub struct BlocksArgs {
    /// First height
    #[arg(long, visible_alias = "start", value_name = "HEIGHT", default_value_t = 1, value_parser = clap::value_parser!(i64).range(0..))]
    pub from: i64,

    /// Last height [default: the last indexed one]
    #[arg(long, visible_alias = "end", value_name = "HEIGHT")]
    #[arg(value_parser = clap::value_parser!(i64).range(0..))]
    pub to: Option<i64>,

    /// Where blocks come from: a node, an archive, or - (see `index --help`)
    #[arg(long, value_name = "SOURCE", required_unless_present = "dry_run")]
    pub source: Vec<String>,

    /// Whose way of numbering plays is followed.
    #[command(flatten)]
    pub era: EraArgs,

    /// Leave the table `plays` alone; `etl_plays` is still written
    #[arg(long)]
    pub no_plays: bool,

    /// Wait while another process writes to the database, instead of exit code 5
    #[arg(long)]
    pub wait_lock: bool,
}

pub(super) async fn run(
    args: &BlocksArgs,
    run: &Run<'_>,
    monitor: &Monitor,
) -> Result<(), Failure> {
    let Run { context, database, .. } = *run;
    let mut writer = tokio::select! {
        writer = RawBlocks::open(database, args.wait_lock) => writer?,
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    let loader = Loader::open(database).await?;
    let done = fill(args, run, monitor, &mut writer, &loader).await;
    let derives = loader.catalog().has_deriving_triggers();
    loader.close().await;
    writer.close().await;
    if done? && !derives {
        let names = aggregates::OF_PLAYS.join(" and ");
        context
            .printer
            .note(&format!("plays were added; `backfill aggregates` counts {names} anew"));
    }
    Ok(())
}

/// Returns whether plays were added.
async fn fill(
    args: &BlocksArgs,
    run: &Run<'_>,
    monitor: &Monitor,
    writer: &mut RawBlocks,
    loader: &Loader,
) -> Result<bool, Failure> {
    let Run { dry_run, context, work, .. } = *run;
    let start = loader.start_state().await?;
    let (chain, to) = range_end(args, &start)?;
    let plan = loader.plan().await?;
    let mut era = args.era.choose(&start, plan.as_ref(), loader).await?;
    let first_chain = plan.and_then(|plan| plan.chain).unwrap_or_else(|| chain.clone());
    era.schedule = era.schedule.on_chain(Some(&first_chain));
    let missing = writer.missing(args.from, to).await?;
    let Missing { count, first: Some(first), last: Some(last) } = missing else {
        run.tell(&format!("nothing to do: all heights up to {to} are there"), &[("blocks", 0)])?;
        return Ok(false);
    };
    let count = u64::try_from(count).unwrap_or(0);
    let found = format!(
        "{} heights of {chain} are missing, from {first} to {last}",
        table::grouped(count),
    );
    if dry_run {
        run.tell(&found, &[("missing", count)])?;
        return Ok(false);
    }
    context.printer.note(&found);
    work.expects(u64::try_from(last + 1 - first).unwrap_or(0));
    let opening = chain::open(SourceConfig {
        start: first,
        end_inclusive: Some(last),
        chain_id: Some(chain),
        activity: monitor.activity.clone(),
        ..SourceConfig::new(args.source.iter().cloned())
    });
    let source = tokio::select! {
        source = opening => source?,
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    let backfill = BlockBackfill {
        loader,
        writer,
        records: era.records(),
        changes: era.schedule.changes().clone(),
        numbering: Numbering { plays_slot: start.plays_slot, ..Numbering::default() },
        plays: !args.no_plays,
    };
    let (end, filled) = backfill
        .run(source, &context.cancel, |filled| {
            work.reached(u64::try_from(filled.height + 1 - first).unwrap_or(0));
            work.counts("blocks filled", filled.blocks);
        })
        .await?;
    let mut counts = vec![("blocks", filled.blocks), ("known", filled.known)];
    counts.extend(&filled.rows);
    run.tell(&render(&filled), &counts)?;
    match end {
        End::Finished => Ok(filled.rows.iter().any(|(table, _)| *table == "plays")),
        End::Interrupted => Err(Failure::interrupted()),
    }
}

/// The chain and the last height to fill.
fn range_end(args: &BlocksArgs, start: &StartState) -> Result<(String, i64), Failure> {
    let mut chains: Vec<_> = start.own.iter().chain(&start.indexed).map(|at| &at.chain).collect();
    chains.sort_unstable();
    chains.dedup();
    if chains.len() > 1 {
        return Err(Failure::usage("the database holds several chains")
            .hint("the etl_* tables do not say which chain a height belongs to"));
    }
    let Some(last) = start.latest() else {
        return Err(Failure::usage("nothing is indexed yet, so there is nothing to fill in")
            .hint("`audius-etl index` writes these tables as it goes"));
    };
    let to = args.to.unwrap_or(last.height);
    if to > last.height {
        return Err(Failure::usage(format!("only heights up to {} are indexed", last.height))
            .hint("run `audius-etl index` for what is above"));
    }
    if args.from > to {
        return Err(Failure::usage(format!("--from {} is above --to {to}", args.from)));
    }
    Ok((last.chain.clone(), to))
}

fn render(filled: &Filled) -> String {
    let headline = format!(
        "filled {} blocks, {} were there already",
        table::grouped(filled.blocks),
        table::grouped(filled.known)
    );
    if filled.rows.is_empty() {
        headline
    } else {
        format!("{headline}\n\n{}", table::counts(["table", "rows added"], &filled.rows))
    }
}
