//! One block's entity calls, in order, and what they leave behind.

use std::collections::BTreeMap;

use super::{
    BlockContext, Environment, Outcome, Scope, derived, dispatch, ledger, prefetch::Prefetch,
};
use crate::{
    model::{Block, EntityTx, Json, TxBody, row_json::row_to_json},
    store::{Change, Miss, Store},
};

/// What the entity calls of one block did.
#[derive(Debug, Default)]
pub struct BlockResult {
    /// Outcome of each call, with its position in [`Block::txs`].
    pub outcomes: Vec<(usize, Outcome)>,
    /// Transaction hashes that need a `skipped_transactions` row, in order.
    pub skipped: Vec<String>,
    /// `prev_records` of the block's `revert_blocks` row, if it replaced anything.
    pub revert: Option<Json>,
    /// Storage challenges that the block's SLA rollups report on.
    pub rollups: Vec<crate::model::block::RollupCounts>,
    /// Net changes of rows.
    pub changes: Vec<Change>,
    /// Rows were missing: the result counts for nothing, the block must run again.
    pub incomplete: bool,
}

/// The entity calls of a block with their positions.
pub fn entity_calls(block: &Block) -> impl Iterator<Item = (usize, &EntityTx)> + Clone {
    block.txs.iter().enumerate().filter_map(|(index, tx)| match &tx.body {
        TxBody::ManageEntity(call) => Some((index, call.as_ref())),
        _ => None,
    })
}

/// Applies the entity calls of `block`, then the rows of the chain itself, and folds both into the
/// store as `checkpoint`.
pub fn apply(
    store: &mut Store,
    block: &Block,
    context: &BlockContext,
    env: &Environment,
    checkpoint: u64,
) -> BlockResult {
    let mut result = BlockResult::default();
    let prefetch = Prefetch::of(entity_calls(block).map(|(_, tx)| tx));
    for (position, (index, tx)) in entity_calls(block).enumerate() {
        let mut scope = Scope::new(store, context, env);
        scope.unfetched = prefetch.unfetched(tx, position);
        let outcome = dispatch(tx, &mut scope);
        match &outcome {
            Outcome::Missing => result.incomplete = true,
            Outcome::Skipped(_) if env.rules.records_skipped => {
                result.skipped.push(tx.hash.clone());
            }
            Outcome::Applied
            | Outcome::Rejected(_)
            | Outcome::Skipped(_)
            | Outcome::Poisoned(_)
            | Outcome::Unhandled => {}
        }
        result.outcomes.push((index, outcome));
    }
    add_chain_rows(store, block, context, env, &mut result);
    result.revert = archived_rows(store);
    if derived::save_block(store, context, env).is_err() {
        result.incomplete = true;
    }
    result.changes = store.fold(checkpoint);
    result
}

/// As [`apply`], without the entity calls.
pub fn apply_chain_only(
    store: &mut Store,
    block: &Block,
    context: &BlockContext,
    env: &Environment,
    checkpoint: u64,
) -> BlockResult {
    let mut result = BlockResult::default();
    add_chain_rows(store, block, context, env, &mut result);
    result.changes = store.fold(checkpoint);
    result
}

fn add_chain_rows(
    store: &mut Store,
    block: &Block,
    context: &BlockContext,
    env: &Environment,
    result: &mut BlockResult,
) {
    match ledger::chain_rows(block, &mut Scope::new(store, context, env)) {
        Ok(rollups) => result.rollups = rollups,
        Err(Miss) => result.incomplete = true,
    }
}

/// The rows that the block replaces, by table name, as `revert_blocks` keeps them
/// (handlers-a 0.9).
fn archived_rows(store: &Store) -> Option<Json> {
    let mut tables: BTreeMap<&'static str, Vec<Json>> = BTreeMap::new();
    for id in crate::model::tables::TableId::ALL {
        let def = id.def();
        if !def.archived {
            continue;
        }
        for (key, _) in store.pending(*id) {
            if let Some(before) = store.before_block(*id, key) {
                tables.entry(def.name).or_default().push(row_to_json(before));
            }
        }
    }
    if tables.is_empty() {
        return None;
    }
    Some(Json::object(tables.into_iter().map(|(name, rows)| (name, Json::List(rows)))))
}
