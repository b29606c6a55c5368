//! A range of blocks by polling: `GetBlocks`, with `GetBlock` for what it leaves out.

use std::collections::HashMap;

use futures::{StreamExt, stream};

use super::call::{CallError, Class};
use super::endpoint::Endpoint;
use crate::chain::core_pb::{Block, GetBlocksResponse};

/// Single calls in flight per range.
const SINGLES_IN_FLIGHT: usize = 8;

/// A node knows its head a moment before its database has the block; this many heights below the
/// head may be missing without being lost.
pub(super) const LAG: i64 = 5;

/// The heights `from ..= to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: i64,
    pub(super) to: i64,
}

/// What came of a range.
#[derive(Debug, Default)]
pub(super) struct Fetch {
    /// Blocks from the start of the range, without a gap; possibly not to its end.
    pub(super) blocks: Vec<Block>,
    /// The highest head the node named, 0 when it named none.
    pub(super) head: i64,
    /// The node does not take `GetBlocks`; do not ask again.
    pub(super) batch_refused: bool,
    /// Why the range is not complete, when it is not the head.
    pub(super) fault: Option<CallError>,
}

/// Fetches `range`. `head` is what is known of the node's head, 0 for nothing.
pub(super) async fn fetch(endpoint: &Endpoint, range: Range, head: i64, batching: bool) -> Fetch {
    let mut fetch = Fetch { head, ..Fetch::default() };
    let mut found = HashMap::new();
    let mut batch_answered = false;
    if batching {
        match endpoint.blocks((range.from..=range.to).collect()).await {
            Ok(GetBlocksResponse { blocks, current_height }) => {
                batch_answered = true;
                found = blocks;
                fetch.head = fetch.head.max(current_height);
            }
            Err(error) => match error.class {
                Class::Unimplemented | Class::InvalidArgument => fetch.batch_refused = true,
                // One stored transaction that the node can't read fails the whole batch.
                Class::Refused => {
                    tracing::debug!(node = %endpoint.shown, reason = error.reason, "batch refused");
                }
                Class::Connection => {
                    fetch.fault = Some(error);
                    return fetch;
                }
            },
        }
    }
    // Above the head there is nothing to ask for. Only where no batch told the head, the first
    // height is asked for in any case.
    let blind = !batch_answered || fetch.head <= 0;
    let missing: Vec<i64> = (range.from..=range.to)
        .filter(|height| !found.contains_key(height))
        .filter(|height| *height <= fetch.head || (blind && *height == range.from))
        .collect();
    fill(endpoint, range, missing, &mut found, &mut fetch).await;
    for height in range.from..=range.to {
        let Some(block) = found.remove(&height) else { break };
        fetch.blocks.push(block);
    }
    fetch
}

/// Asks for the missing heights one by one, several at a time, up to the first that fails.
async fn fill(
    endpoint: &Endpoint,
    range: Range,
    missing: Vec<i64>,
    found: &mut HashMap<i64, Block>,
    fetch: &mut Fetch,
) {
    let mut answers = stream::iter(missing)
        .map(|height| async move { (height, endpoint.block(height).await) })
        .buffered(SINGLES_IN_FLIGHT);
    while let Some((height, answer)) = answers.next().await {
        match answer {
            Ok((Some(block), head)) => {
                fetch.head = fetch.head.max(head);
                found.insert(height, block);
            }
            Ok((None, head)) => {
                fetch.head = fetch.head.max(head);
                if height + LAG < fetch.head {
                    let reason =
                        format!("has no block {height}, although its head is {}", fetch.head);
                    fetch.fault = Some(CallError::refused(reason));
                }
                return;
            }
            Err(mut error) => {
                if range.from != range.to {
                    error.reason = format!("block {height}: {}", error.reason);
                }
                fetch.fault = Some(error);
                return;
            }
        }
    }
}
