//! `audius-etl backfill aggregates`: the counters, counted from the rows.

use clap::Args;
use sqlx::Connection;

use crate::commands::context::Context;
use crate::db::catalog::Catalog;
use crate::db::{Database, Error, aggregates};
use crate::failure::Failure;
use crate::terminal::table;
use crate::writer;

/// Rebuild the counters of users, tracks, playlists and plays
///
/// Fills `aggregate_user`, `aggregate_track`, `aggregate_playlist`, `aggregate_plays` and
/// `aggregate_monthly_plays` with what indexing would have left there. Milestones and notifications
/// are not made up for. All happens in one transaction. A running index keeps the same counters in
/// memory, so this job takes its lock: it ends with code 5 beside one, or waits with --wait-lock.
#[derive(Args, Clone, Debug)]
pub struct AggregatesArgs {
    /// Wait while another process writes to the database, instead of exit code 5
    #[arg(long)]
    pub wait_lock: bool,
}

pub(super) async fn run(
    args: &AggregatesArgs,
    dry_run: bool,
    context: &Context,
    database: &Database,
) -> Result<(), Failure> {
    let mut connection = writer::exclusive(database, args.wait_lock).await?;
    let foreign = Catalog::read(&mut connection).await?.has_deriving_triggers();
    if foreign {
        // Other writers do not archive what they replace.
        tracing::info!("the database has triggers of its own; counting rows as they are now");
    }
    let mode = if dry_run { aggregates::Mode::DryRun } else { aggregates::Mode::Apply };
    let done = aggregates::rebuild(&mut connection, !foreign, mode).await?;
    connection.close().await.map_err(Error::query("closing the connection"))?;
    context.printer.data(&render(&done))?;
    if dry_run {
        context.printer.note("nothing was changed (--dry-run)");
    }
    Ok(())
}

fn render(done: &[aggregates::Rebuilt]) -> String {
    let mut table = table::plain(["table", "rows", "added", "changed", "removed"]);
    for line in done {
        let counts = [line.rows, line.added, line.changed, line.removed].map(table::grouped);
        let [rows, added, changed, removed] = counts;
        table.add_row([line.table.to_owned(), rows, added, changed, removed]);
    }
    table.trim_fmt()
}
