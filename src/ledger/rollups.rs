//! Storage challenges of the nodes that an SLA rollup reports on, as they stand at its block.

use rustc_hash::FxHashMap;

use super::{clean, rows};
use crate::{
    model::{
        block::SlaRollup,
        table::Record as _,
        tables::{StorageProofRow, StorageProofRowBy},
    },
    store::{Miss, Store},
};

/// Heights that a rollup is counted over at most: eight times mainnet's interval. A forged range
/// of billions must not be loaded; of a longer one the latest heights count.
const MAX_HEIGHTS: i64 = 8 * 2048;

/// Challenges received and failed, one pair per report. Addresses match exactly, as in the
/// reference.
pub(super) fn count(
    height: i64,
    rollup: &SlaRollup,
    store: &mut Store,
) -> Result<Vec<(i32, i32)>, Miss> {
    let end = rollup.block_end.min(height);
    let start = rollup.block_start.max(end.saturating_sub(MAX_HEIGHTS - 1));
    for challenge in start..=end {
        store.want_lookup(
            StorageProofRow::TABLE,
            StorageProofRowBy::Height.into(),
            challenge.into(),
        );
    }
    let mut counts: FxHashMap<String, (i32, i32)> = FxHashMap::default();
    for challenge in start..=end {
        for row in rows::<StorageProofRow>(store, StorageProofRowBy::Height, challenge)? {
            let (received, failed) = counts.entry(row.address.clone()).or_default();
            *received += 1;
            *failed += i32::from(row.status.as_deref() == Some("fail"));
        }
    }
    let of_report = |(address, _): &(String, i32)| {
        counts.get(clean(address).as_ref()).copied().unwrap_or_default()
    };
    Ok(rollup.reports.iter().map(of_report).collect())
}
