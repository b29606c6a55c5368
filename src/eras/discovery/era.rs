//! The wing as the pipeline sees it.

use super::{
    BlockContext, Derive, Environment, Scope, block, count_plays, preload, provenance::record,
};
use crate::{
    eras::{BlockResult, Era, Numbering},
    model::{Block, TxBody, tables::TableId},
    store::Store,
};

/// The discovery provider's way with blocks.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// What handlers need to know.
    pub env: Environment,
    /// Fill production's `plays`.
    pub plays: bool,
}

impl Era for Discovery {
    fn wants(&self, block: &Block, positions: Vec<usize>, store: &mut Store) -> Vec<usize> {
        preload(block, positions, store)
    }

    fn apply(
        &self,
        block: &Block,
        numbering: &mut Numbering,
        store: &mut Store,
        checkpoint: u64,
    ) -> BlockResult {
        let mut provenance = record(block, numbering, self.plays);
        if block::is_numbered(block) {
            numbering.em_block += 1;
            provenance.em_block = Some(numbering.em_block);
        }
        // Rows have times in whole seconds (handlers-a 0.10).
        let time = block.time.truncated_to_seconds();
        let context = BlockContext {
            number: numbering.em_block,
            height: block.height,
            hash: block.hash.clone(),
            time,
            clock: self.env.clock.unwrap_or(time),
        };
        let mut incomplete = false;
        if self.env.derive == Derive::Here && self.plays {
            let plays = block.txs.iter().flat_map(|tx| match &tx.body {
                TxBody::Plays(plays) => plays.as_slice(),
                _ => &[],
            });
            let mut scope = Scope::new(store, &context, &self.env);
            incomplete = count_plays(plays, provenance.plays_slot, &mut scope).is_err();
        }
        let mut result = block::apply(store, block, &context, &self.env, provenance, checkpoint);
        result.incomplete |= incomplete;
        result
    }

    /// Follower counts are followed in memory in any case, because comment handlers read them.
    fn writes(&self, _block: &Block, table: TableId) -> bool {
        self.env.derive == Derive::Here || table != TableId::AggregateUsers
    }
}
