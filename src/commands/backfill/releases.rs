//! `audius-etl backfill releases`: publish what is scheduled, for cron.

use clap::Args;
use sqlx::Connection;

use super::Run;
use crate::db::Error;
use crate::db::catalog::Catalog;
use crate::db::releases::{self, Mode};
use crate::failure::Failure;
use crate::terminal::table;
use crate::writer;

/// Publish tracks and albums whose scheduled release has come
///
/// What a job of production's api process does every minute, in place of which this can run from cron;
/// `index --releases` does the same in its process. The tracks and albums of the owners are counted
/// anew. Where the database has production's triggers they notify, and it runs beside `index`;
/// elsewhere it takes the lock of `index`, which keeps the same counters in memory.
#[derive(Args, Clone, Debug)]
pub struct ReleasesArgs {
    /// Wait while another process writes to the database, instead of exit code 5
    #[arg(long)]
    pub wait_lock: bool,
}

pub(super) async fn run(args: &ReleasesArgs, run: &Run<'_>) -> Result<(), Failure> {
    let Run { dry_run, context, database, .. } = *run;
    let mut connection = database.connect().await?;
    let catalog = Catalog::read(&mut connection).await?;
    if !catalog.has_deriving_triggers() {
        connection.close().await.map_err(Error::query("closing the connection"))?;
        connection = tokio::select! {
            connection = writer::exclusive(database, args.wait_lock) => connection?,
            () = context.cancel.cancelled() => return Err(Failure::interrupted()),
        };
    }
    let mode = if dry_run { Mode::DryRun } else { Mode::Apply };
    let done = tokio::select! {
        done = releases::publish(&mut connection, mode) => done?,
        // The server takes back what an unfinished transaction has done.
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    connection.close().await.map_err(Error::query("closing the connection"))?;
    let counts = [
        ("tracks listed", done.tracks),
        ("albums published", done.albums),
        ("users counted anew", done.counted),
    ];
    run.tell(&table::counts(["releases", "rows"], &counts), &counts)
}
