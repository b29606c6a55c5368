//! Only what the chain itself brings: no entity call is applied. For blocks that are recorded after
//! the fact, whose entity rows somebody else has written.

use rustc_hash::FxHashSet;

use super::{BlockResult, Era, Numbering, Record};
use crate::{ledger, model::Block, store::Store};

/// Makes the rows of [`ledger`] and records blocks the way a wing does.
#[derive(Clone, Debug)]
pub struct ChainRows {
    /// How the wing records plays.
    pub record: Record,
    /// Heights whose plays go into `plays`; the others have theirs there, or are to have none.
    pub with_plays: FxHashSet<i64>,
}

impl Era for ChainRows {
    fn name(&self) -> &'static str {
        "chain-rows"
    }

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
        let provenance = (self.record)(block, numbering, self.with_plays.contains(&block.height));
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
