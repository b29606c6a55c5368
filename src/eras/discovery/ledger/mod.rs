//! Rows of the chain itself that are more than an append: addresses, validators, storage proofs
//! and the challenge counts of SLA rollups (core-chain (d)). Pure, like every handler.
//!
//! Everything is written at once, transaction by transaction in block order, so the result is the
//! same however blocks are batched. U+0000, which PostgreSQL cannot hold, is removed from keys
//! here, because a key must be in memory what it is in the database.

mod addresses;
mod proofs;
mod rollups;
mod validators;

use std::borrow::Cow;

use super::{HandlerError, Scope};
use crate::{
    model::{Block, Tx, TxBody, block::RollupCounts},
    store::Miss,
};

/// Applies the transactions of a block that are no entity calls, and notes the signers of those
/// that are. Returns the challenge counts of the block's SLA rollups.
///
/// # Errors
/// [`Miss`] when rows have to be loaded first; all that are known to be needed are noted.
pub fn chain_rows(block: &Block, scope: &mut Scope<'_>) -> Result<Vec<RollupCounts>, Miss> {
    let mut rollups = Vec::new();
    let mut missed = false;
    for (position, tx) in block.txs.iter().enumerate() {
        let result = match &tx.body {
            TxBody::SlaRollup(rollup) => rollups::count(block.height, rollup, scope)
                .map(|challenges| rollups.push(RollupCounts { tx: position, challenges })),
            _ => apply(block, tx, scope),
        };
        // A row that the schema would refuse is left out; nothing here can produce one.
        missed |= matches!(result, Err(HandlerError::Missing));
    }
    if missed { Err(Miss) } else { Ok(rollups) }
}

fn apply(block: &Block, tx: &Tx, scope: &mut Scope<'_>) -> Result<(), HandlerError> {
    match &tx.body {
        TxBody::ManageEntity(call) => addresses::note(block, &call.signer, scope),
        TxBody::ValidatorRegistration(node) => validators::register(block, node, scope),
        TxBody::ValidatorDeregistration(node) => validators::deregister(block, node, scope),
        TxBody::StorageProof(proof) => proofs::add(block, tx, proof, scope),
        TxBody::StorageProofVerification(verification) => {
            proofs::verify(block, tx, verification, scope)
        }
        TxBody::Plays(_)
        | TxBody::ValidatorRegistrationLegacy
        | TxBody::SlaRollup(_)
        | TxBody::ValidatorMisbehavior(_)
        | TxBody::Recorded(_)
        | TxBody::Unknown(_)
        | TxBody::Unset
        | TxBody::Malformed(_) => Ok(()),
    }
}

/// The text without U+0000.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests;
