//! One block: its number, its transactions in the order served, and what waits for its end.

use super::{
    BlockContext, Call, Halt, Scope, Settings, Wants, derived, dispatch, entry::Entry, hooks,
    migration, registry, scope::BlockState,
};
use crate::{
    decode::signer::Domain,
    eras::{BlockResult, Derive, Numbering, Outcome, Reason},
    ledger::{self, Fault},
    model::{
        Block, Provenance, Recorded, Tx, TxBody,
        block::Play,
        table::downcast,
        tables::{Address, ChainBlock, TableId},
    },
    store::{Layer, Store},
};

/// A transaction as this wing takes it.
enum Work<'a> {
    /// A call with the handler of its pair, if there is one.
    Call(Call<'a>, Option<&'static Entry>),
    Plays(&'a [Play]),
    /// One of the chain's own.
    Other,
}

fn work<'a>(block: &Block, tx: &'a Tx) -> Work<'a> {
    match &tx.body {
        TxBody::ManageEntity(tx) => {
            let entry = registry::live(&tx.entity_type, &tx.action);
            Work::Call(Call::new(tx, block.time), entry)
        }
        TxBody::ManageEntityMigration(tx) => {
            let entry = registry::migrated(&tx.entity_type, &tx.action);
            Work::Call(migration::call(tx, block.time), entry)
        }
        TxBody::Plays(plays) => Work::Plays(plays),
        _ => Work::Other,
    }
}

/// Whether the block gets a number: it has a call, whatever becomes of it (frame.md 1.4).
fn is_numbered(block: &Block) -> bool {
    block.txs.iter().any(|tx| tx.body.is_call())
}

/// See [`crate::eras::Era::wants`].
pub(super) fn wants(
    block: &Block,
    positions: Vec<usize>,
    store: &mut Store,
    settings: &Settings,
) -> Vec<usize> {
    let derives = settings.derive != Derive::Elsewhere;
    if is_numbered(block) {
        Wants::new(store).row::<ChainBlock>(&block.hash);
    }
    let leads_on = |position: &usize| {
        let mut wants = Wants::new(store);
        match work(block, &block.txs[*position]) {
            Work::Call(call, entry) => {
                wants.row::<Address>(ledger::clean(&call.tx.signer).as_ref());
                if let Some(entry) = entry {
                    (entry.wants)(&call, &mut wants);
                    hooks::wants(&call, &mut wants);
                    if derives {
                        derived::wants(&call, &mut wants);
                    }
                }
            }
            Work::Plays(plays) if derives && settings.plays => {
                hooks::plays_wants(*position, plays, block.height, &mut wants);
            }
            Work::Plays(_) | Work::Other => {}
        }
        wants.leads_on()
    };
    positions.into_iter().filter(leads_on).collect()
}

/// See [`crate::eras::Era::apply`].
pub(super) fn apply(
    block: &Block,
    numbering: &mut Numbering,
    store: &mut Store,
    settings: &Settings,
    checkpoint: u64,
) -> BlockResult {
    let mut result = BlockResult::default();
    match numbered(block, numbering, store) {
        Ok(provenance) => result.provenance = provenance,
        Err(_missing) => result.incomplete = true,
    }
    numbering.last = Some((block.height, block.hash.clone()));
    let context = BlockContext {
        number: result.provenance.em_block.unwrap_or(numbering.em_block),
        height: block.height,
        hash: block.hash.clone(),
        time: block.time,
        domain: Domain::of_chain(&block.chain_id),
    };
    let mut state = BlockState::default();
    state.notification_ids = std::mem::take(&mut numbering.notification_ids);
    for (position, tx) in block.txs.iter().enumerate() {
        let mut scope = Scope::new(store, &mut state, &context, settings);
        match work(block, tx) {
            Work::Call(call, entry) => {
                let (outcome, recorded) = dispatch::dispatch(block, &call, entry, &mut scope);
                result.incomplete |= outcome == Outcome::Missing;
                result.outcomes.push((position, outcome));
                result.provenance.exceptions.extend(recorded.map(|how| (position, how)));
            }
            Work::Plays(plays) => apply_plays(position, plays, &mut scope, &mut result),
            Work::Other => apply_other(block, position, &mut scope, &mut result),
        }
    }
    let mut scope = Scope::new(store, &mut state, &context, settings);
    result.incomplete |= run_deferred(&mut scope).is_err();
    let balances = scope.take_balances();
    if settings.derive == Derive::Triggers {
        result.statements = Some(store.statements());
    } else {
        result.provenance.eth_balances = balances;
    }
    numbering.notification_ids = state.notification_ids;
    result.changes = store.fold(checkpoint);
    result
}

/// Numbers a block with calls: a row of `blocks` that is there under its hash is adopted
/// (frame.md 1.5).
fn numbered(
    block: &Block,
    numbering: &mut Numbering,
    store: &mut Store,
) -> Result<Provenance, Halt> {
    let mut provenance = Provenance { plays_slot: Some(0), ..Provenance::default() };
    if !is_numbered(block) {
        return Ok(provenance);
    }
    let key = block.hash.as_str().into();
    let row = store.get(TableId::ChainBlocks, Layer::Stored, &key)?;
    let adopted = row.as_ref().and_then(downcast::<ChainBlock>).and_then(|row| row.number);
    provenance.is_adopted = adopted.is_some();
    provenance.em_block = Some(adopted.unwrap_or_else(|| {
        numbering.em_block += 1;
        numbering.em_block
    }));
    Ok(provenance)
}

/// Plays: a transaction that fails on them leaves an empty row, or none.
fn apply_plays(position: usize, plays: &[Play], scope: &mut Scope<'_>, result: &mut BlockResult) {
    let savepoint = scope.savepoint();
    let Err(halt) = hooks::plays(position, plays, scope, &mut result.provenance) else { return };
    scope.roll_back(savepoint);
    let (outcome, recorded) = match halt {
        Halt::Missing => (Outcome::Missing, Recorded::Nothing),
        Halt::Vanish { reason, .. } => (Outcome::Failed(reason), Recorded::Nothing),
        Halt::Reject(reason) | Halt::Error(reason) => (Outcome::Failed(reason), Recorded::Blank),
    };
    result.incomplete |= outcome == Outcome::Missing;
    result.outcomes.push((position, outcome));
    result.provenance.exceptions.push((position, recorded));
}

/// A transaction of the chain itself: one that fails keeps its row alone.
fn apply_other(block: &Block, position: usize, scope: &mut Scope<'_>, result: &mut BlockResult) {
    let savepoint = scope.savepoint();
    match ledger::apply(block, position, scope.store()) {
        Ok(rollup) => result.rollups.extend(rollup),
        Err(Fault::Missing) => result.incomplete = true,
        Err(Fault::Refused(refusal)) => {
            scope.roll_back(savepoint);
            let reason = Reason { code: "refused_by_schema", detail: refusal.to_string().into() };
            result.outcomes.push((position, Outcome::Failed(reason)));
            result.provenance.exceptions.push((position, Recorded::WithoutDetails));
        }
    }
}

fn run_deferred(scope: &mut Scope<'_>) -> Result<(), Halt> {
    for comment in scope.take_deferred() {
        derived::at_commit(&comment, scope)?;
    }
    Ok(())
}
