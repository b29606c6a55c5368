//! Decides whether a run begins an initial sync, which goes faster without secondary indexes.

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::args::IndexArgs;
use crate::{
    chain::BlockSource,
    db::{Database, Error, deferred, start::StartState},
    pipeline::{MissingIndexes, event::PipelineEvent},
};

/// Blocks between the first one to read and the head of a node from which the database counts as
/// far behind: dropping and building all indexes costs about as much as writing that many blocks.
const FAR_BEHIND: i64 = 10_000;

/// The same for archives, in compressed bytes.
const LARGE_ARCHIVE: u64 = 4 << 20;

/// Takes secondary indexes away where an initial sync begins; returns what has to be built once
/// the chain is caught up, which may be left from an earlier run. With `--no-defer-indexes` that is
/// built at once.
pub(super) async fn prepare(
    args: &IndexArgs,
    start: &StartState,
    far_behind: bool,
    database: &Database,
    events: &Sender<PipelineEvent>,
    cancel: &CancellationToken,
) -> Result<MissingIndexes, Error> {
    let begins = start.is_empty && !args.no_defer_indexes;
    if begins && (args.defer_indexes || far_behind) {
        let count = deferred::defer(database).await?;
        tracing::info!(count, "secondary indexes are built once the chain is caught up");
    }
    let mut indexes = MissingIndexes::read(database).await?;
    if args.no_defer_indexes {
        indexes.build(events, cancel).await?;
    }
    Ok(indexes)
}

/// Whether so much is to be read from `source` that indexes are better built afterwards.
pub(super) fn is_far_behind(source: &dyn BlockSource, first_height: i64, end: Option<i64>) -> bool {
    match (source.head(), source.bytes_read().and_then(|bytes| bytes.total)) {
        (Some(head), _) => end.unwrap_or(head).min(head) - first_height >= FAR_BEHIND,
        (None, Some(bytes)) => bytes >= LARGE_ARCHIVE,
        (None, None) => false,
    }
}
