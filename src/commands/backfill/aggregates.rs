//! `audius-etl backfill aggregates`: the counters, counted from the rows.

use clap::Args;
use comfy_table::Cell;
use sqlx::Connection;

use super::Run;
use crate::db::catalog::Catalog;
use crate::db::{Error, aggregates};
use crate::failure::Failure;
use crate::terminal::table;
use crate::writer;

/// Rebuild the counters of users, tracks, playlists and plays
///
/// Fills `aggregate_user`, `aggregate_track`, `aggregate_playlist`, `aggregate_plays` and
/// `aggregate_monthly_plays` with what indexing would have left there. Milestones and notifications
/// are not made up for. Unless the database proves to hold all that ever happened, rows count as they
/// are, and counters of plays are never lowered: old plays may have been pruned. All happens in one
/// transaction. A running index keeps the same counters in
/// memory, so this job takes its lock: it ends with code 5 beside one, or waits with --wait-lock.
#[derive(Args, Clone, Debug)]
pub struct AggregatesArgs {
    /// Count even where plays from before the oldest one left are counted in `aggregate_monthly_plays`
    ///
    /// Production keeps the plays of 400 days. Without this, such a database is refused.
    #[arg(long)]
    pub force: bool,

    /// Wait while another process writes to the database, instead of exit code 5
    #[arg(long)]
    pub wait_lock: bool,
}

pub(super) async fn run(args: &AggregatesArgs, run: &Run<'_>) -> Result<(), Failure> {
    let Run { dry_run, context, database, work, .. } = *run;
    let mut connection = tokio::select! {
        connection = writer::exclusive(database, args.wait_lock) => connection?,
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    let catalog = Catalog::read(&mut connection).await?;
    // Other writers do not archive what they replace.
    let marks_blocks =
        !catalog.has_deriving_triggers() && catalog.has_column("blocks", "is_current");
    let proof = aggregates::Proof::find(&mut connection, marks_blocks).await?;
    if !args.force && aggregates::plays_are_a_window(&mut connection).await? {
        let text = "plays are a window: months are counted from before the oldest one that is left";
        return Err(Failure::usage(text)
            .hint("the counters of plays cannot be counted from it, and go on by themselves")
            .hint("--force counts the other tables anew, and raises counters of plays only"));
    }
    if !proof.versions {
        tracing::info!(
            "the history of follows and playlists is not proven complete; counting rows as they are"
        );
    }
    if !proof.plays {
        tracing::info!("plays may have been pruned; no counter of plays is lowered");
    }
    let mode = if dry_run { aggregates::Mode::DryRun } else { aggregates::Mode::Apply };
    let mut begun = 0;
    work.does("collecting versions");
    let told = |table| {
        work.reached(begun);
        work.does(table);
        begun += 1;
    };
    let rebuilding = aggregates::rebuild(&mut connection, proof, mode, told);
    let done = tokio::select! {
        done = rebuilding => done?,
        // The server takes back what an unfinished transaction has done.
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    connection.close().await.map_err(Error::query("closing the connection"))?;
    let counts: Vec<_> = done.iter().map(|line| (line.table, line.rows)).collect();
    run.tell(&render(&done), &counts)
}

fn render(done: &[aggregates::Rebuilt]) -> String {
    let mut table = table::plain(["table", "rows", "added", "changed", "removed"]);
    for line in done {
        let counts = [line.rows, line.added, line.changed, line.removed].map(table::grouped);
        let [rows, added, changed, removed] = counts;
        let counts = [rows, added, changed, removed].map(table::right);
        table.add_row(std::iter::once(Cell::new(line.table)).chain(counts));
    }
    table.trim_fmt()
}
