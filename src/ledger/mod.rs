//! Rows of the chain itself that are more than an append: addresses, validators, storage proofs
//! and the challenge counts of SLA rollups (core-chain (d)). Pure and the same in every era.
//!
//! Everything is written at once ([`Layer::Stored`]), transaction by transaction in block order, so
//! the result is the same however blocks are batched. U+0000, which PostgreSQL cannot hold, is
//! removed from keys here, because a key must be in memory what it is in the database.

mod addresses;
mod proofs;
mod rollups;
#[cfg(test)]
mod tests;
mod validators;

use std::{borrow::Cow, sync::Arc};

use crate::{
    model::{
        Block, TxBody,
        block::RollupCounts,
        key::Key,
        table::{Record, Refusal, downcast},
    },
    store::{Layer, Miss, Store, row_of},
};

/// Why the rows of a transaction are not, or not all, there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A row was read that is not in memory.
    Missing,
    /// The database could not hold a row.
    Refused(Refusal),
}

impl From<Miss> for Fault {
    fn from(Miss: Miss) -> Self {
        Self::Missing
    }
}

/// Applies one transaction of `block`, the one at `position` in [`Block::txs`]: what it changes if
/// it is no entity call, the address of its signer if it is one of live traffic ([`note_signer`]
/// does the same for any). Returns the challenge counts of an SLA rollup.
///
/// # Errors
/// [`Fault`]; what was written before it stays, for the caller to roll back.
pub fn apply(
    block: &Block,
    position: usize,
    store: &mut Store,
) -> Result<Option<RollupCounts>, Fault> {
    let tx = &block.txs[position];
    match &tx.body {
        TxBody::ManageEntity(call) => addresses::note(block, &call.signer, store)?,
        TxBody::ValidatorRegistration(node) => validators::register(block, node, store)?,
        TxBody::ValidatorDeregistration(node) => validators::deregister(block, node, store)?,
        TxBody::StorageProof(proof) => proofs::add(block, tx, proof, store)?,
        TxBody::StorageProofVerification(verification) => {
            proofs::verify(block, tx, verification, store)?;
        }
        TxBody::SlaRollup(rollup) => {
            let challenges = rollups::count(block.height, rollup, store)?;
            return Ok(Some(RollupCounts { tx: position, challenges }));
        }
        TxBody::Plays(_)
        | TxBody::ManageEntityMigration(_)
        | TxBody::ValidatorRegistrationLegacy
        | TxBody::ValidatorMisbehavior(_)
        | TxBody::Recorded(_)
        | TxBody::Unknown(_)
        | TxBody::Unset
        | TxBody::Refused(_)
        | TxBody::Malformed(_) => {}
    }
    Ok(None)
}

/// Adds the address of a signer unless it is known.
///
/// # Errors
/// See [`apply`].
pub fn note_signer(block: &Block, signer: &str, store: &mut Store) -> Result<(), Fault> {
    addresses::note(block, signer, store)
}

/// Applies every transaction of `block` in order. Rows that the database could not hold are left
/// out. Returns the challenge counts of the block's SLA rollups.
///
/// # Errors
/// [`Miss`] when rows have to be loaded first; all that are known to be needed are noted.
pub fn apply_all(block: &Block, store: &mut Store) -> Result<Vec<RollupCounts>, Miss> {
    let mut rollups = Vec::new();
    let mut missed = false;
    for position in 0..block.txs.len() {
        match apply(block, position, store) {
            Ok(counts) => rollups.extend(counts),
            Err(Fault::Missing) => missed = true,
            Err(Fault::Refused(_)) => {}
        }
    }
    if missed { Err(Miss) } else { Ok(rollups) }
}

/// The text without U+0000.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

fn row<R: Record>(store: &mut Store, key: impl Into<Key>) -> Result<Option<Arc<R>>, Miss> {
    Ok(store.get(R::TABLE, Layer::Stored, &key.into())?.as_ref().and_then(downcast))
}

fn rows<R: Record>(store: &mut Store, by: R::By, key: impl Into<Key>) -> Result<Vec<Arc<R>>, Miss> {
    let rows = store.find(R::TABLE, Layer::Stored, by.into(), &key.into())?;
    Ok(rows.iter().filter_map(downcast).collect())
}

fn put<R: Record>(store: &mut Store, record: R) -> Result<(), Fault> {
    if let Some(refusal) = R::TABLE.def().refusal(&record, None) {
        return Err(Fault::Refused(refusal));
    }
    let key = record.key();
    Ok(store.write(R::TABLE, Layer::Stored, key, Some(row_of(record)))?)
}
