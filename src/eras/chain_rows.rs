//! Only what the chain itself brings: no entity call is applied. For blocks that are recorded after
//! the fact, whose entity rows somebody else has written.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::{BlockResult, Era, Numbering, Record, schedule::Changes};
use crate::{ledger, model::Block, store::Store};

/// Makes the rows of [`ledger`] and records blocks the way their wings do.
#[derive(Clone, Debug)]
pub struct ChainRows {
    /// How each wing of the schedule records plays, in order.
    pub records: Arc<[Record]>,
    /// Where they change.
    pub changes: Changes,
    /// Heights whose plays go into `plays`; the others have theirs there, or are to have none.
    pub with_plays: FxHashSet<i64>,
}

impl Era for ChainRows {
    fn wants(&self, _block: &Block, _positions: Vec<usize>, _store: &mut Store) -> Vec<usize> {
        Vec::new()
    }

    fn apply(
        &self,
        block: &Block,
        numbering: &mut Numbering,
        store: &mut Store,
        checkpoint: u64,
    ) -> BlockResult {
        let record = self.records.get(self.changes.part_of(block)).or(self.records.last());
        let with_plays = self.with_plays.contains(&block.height);
        let provenance =
            record.map(|record| record(block, numbering, with_plays)).unwrap_or_default();
        let counted = ledger::apply_all(block, store);
        BlockResult {
            provenance,
            incomplete: counted.is_err(),
            rollups: counted.unwrap_or_default(),
            changes: store.fold(checkpoint),
            ..BlockResult::default()
        }
    }
}
