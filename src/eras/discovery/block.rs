//! One block's entity calls, in order, and what they leave behind.

use std::collections::BTreeMap;

use super::{BlockContext, Environment, Outcome, Scope, derived, dispatch, prefetch::Prefetch};
use crate::{
    eras::BlockResult,
    ledger,
    model::{
        Block, EntityTx, Json, Provenance, TxBody, row_json::row_to_json, table::Row,
        tables::TableId,
    },
    store::{Miss, Store},
};

/// The entity calls of a block with their positions.
pub fn entity_calls(block: &Block) -> impl Iterator<Item = (usize, &EntityTx)> + Clone {
    block.txs.iter().enumerate().filter_map(|(index, tx)| match &tx.body {
        TxBody::ManageEntity(call) => Some((index, call.as_ref())),
        _ => None,
    })
}

/// Whether the block gets a number: it has a call, whatever becomes of it.
pub(super) fn is_numbered(block: &Block) -> bool {
    let is_migrated = |body: &TxBody| matches!(body, TxBody::ManageEntityMigration(_));
    block.txs.iter().any(|tx| tx.body.is_call() && !is_migrated(&tx.body))
}

/// Applies the entity calls of `block`, then the rows of the chain itself, and folds both into the
/// store as `checkpoint`. What the calls leave behind besides rows is added to `provenance`.
pub fn apply(
    store: &mut Store,
    block: &Block,
    context: &BlockContext,
    env: &Environment,
    provenance: Provenance,
    checkpoint: u64,
) -> BlockResult {
    let mut result = BlockResult { provenance, ..BlockResult::default() };
    let prefetch = Prefetch::of(entity_calls(block).map(|(_, tx)| tx));
    for (position, (index, tx)) in entity_calls(block).enumerate() {
        let mut scope = Scope::new(store, context, env);
        scope.unfetched = prefetch.unfetched(tx, position);
        let outcome = dispatch(tx, &mut scope);
        match &outcome {
            Outcome::Missing => result.incomplete = true,
            Outcome::Skipped(_) => {
                result.provenance.skipped.push(tx.hash.clone());
            }
            Outcome::Applied
            | Outcome::Rejected(_)
            | Outcome::Poisoned(_)
            | Outcome::Failed(_)
            | Outcome::Unrouted => {}
        }
        result.outcomes.push((index, outcome));
    }
    match ledger::apply_all(block, store) {
        Ok(rollups) => result.rollups = rollups,
        Err(Miss) => result.incomplete = true,
    }
    result.provenance.revert = archived_rows(store);
    if derived::save_block(store, context, env).is_err() {
        result.incomplete = true;
    }
    result.changes = store.fold(checkpoint);
    result
}

/// Columns that production got after the provider was retired: it archived rows without them.
const LATER: &[(&str, &[&str])] = &[
    ("comments", &["is_members_only", "video_url"]),
    ("tracks", &["access_authorities"]),
    ("users", &["coin_flair_mint", "last_active_at"]),
];

fn archived_row(table: &str, row: &Row) -> Json {
    let mut row = row_to_json(row).into_object().unwrap_or_default();
    for (_, columns) in LATER.iter().filter(|(name, _)| *name == table) {
        for column in *columns {
            row.remove(column);
        }
    }
    Json::Object(row)
}

/// The rows that the block replaces, by table name, as `revert_blocks` keeps them
/// (handlers-a 0.9).
fn archived_rows(store: &Store) -> Option<Json> {
    let mut tables: BTreeMap<&'static str, Vec<Json>> = BTreeMap::new();
    for id in TableId::ALL {
        let def = id.def();
        if !def.archived {
            continue;
        }
        for (key, _) in store.pending(*id) {
            if let Some(before) = store.before_block(*id, key) {
                tables.entry(def.name).or_default().push(archived_row(def.name, before));
            }
        }
    }
    if tables.is_empty() {
        return None;
    }
    Some(Json::object(tables.into_iter().map(|(name, rows)| (name, Json::List(rows)))))
}
