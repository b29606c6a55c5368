//! Compares the transactions that were rejected.

use std::collections::{BTreeMap, BTreeSet};

use crate::indexer::{Outcome, Reject};
use crate::recording::{EventKey, RecordedBlock, Rejects};
use crate::replay::Findings;

/// Compares the rejected transactions as sets.
pub(crate) fn compare_rejects(
    blocks: &[RecordedBlock],
    height_of: impl Fn(&RecordedBlock) -> i64,
    recorded: &Rejects,
    ours: &[Reject],
    findings: &mut Findings,
) {
    let mut refused: BTreeSet<EventKey> = BTreeSet::new();
    let by_height: BTreeMap<i64, &RecordedBlock> =
        blocks.iter().map(|block| (height_of(block), block)).collect();
    for reject in ours.iter().filter(|reject| reject.outcome != Outcome::Unrouted) {
        let block = by_height.get(&reject.height);
        let Some(tx) = block.and_then(|block| block.txs.get(reject.index)) else {
            findings.problems.push(format!("reject of an unknown transaction: {reject:?}"));
            continue;
        };
        refused.insert(tx.event.clone());
        if !recorded.contains_key(&tx.event) {
            let detail = reject.detail.as_deref().unwrap_or_default();
            findings.problems.push(format!(
                "rejected only by us: {} {:?} in block {}: {:?} {} {detail}",
                tx.pair(),
                tx.event,
                reject.height,
                reject.outcome,
                reject.code
            ));
        }
    }
    note_unrouted(ours, &by_height, findings);
    for (height, block) in by_height {
        for tx in &block.txs {
            if let Some(reason) = recorded.get(&tx.event).filter(|_| !refused.contains(&tx.event)) {
                findings.problems.push(format!(
                    "not rejected: {} {:?} in block {height}: {reason}",
                    tx.pair(),
                    tx.event
                ));
            }
        }
    }
}

/// Tells which pairs the binary has no handler for, and how often they came.
fn note_unrouted(
    ours: &[Reject],
    by_height: &BTreeMap<i64, &RecordedBlock>,
    findings: &mut Findings,
) {
    let mut pairs: BTreeMap<String, usize> = BTreeMap::new();
    for reject in ours.iter().filter(|reject| reject.outcome == Outcome::Unrouted) {
        let block = by_height.get(&reject.height);
        if let Some(tx) = block.and_then(|block| block.txs.get(reject.index)) {
            *pairs.entry(tx.pair()).or_default() += 1;
        }
    }
    if !pairs.is_empty() {
        let pairs: Vec<String> = pairs.iter().map(|(pair, n)| format!("{pair}×{n}")).collect();
        findings.notes.push(format!("unrouted: {}", pairs.join(" ")));
    }
}
