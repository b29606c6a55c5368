//! Proofs of storage and the consensus that a verification brings.
//!
//! The reference has no guard against repeats: each of the several verifications of a challenge
//! adds its failed provers again, which also raises its own threshold. Here a challenge height has
//! one row per prover, and rows that a verification added don't count as proofs, so repeating a
//! verification changes nothing but the proof text.

use std::collections::BTreeMap;

use super::{Fault, clean, put, row, rows};
use crate::{
    model::{
        Block, Tx,
        block::{StorageProof, StorageProofVerification},
        tables::{StorageProofRow, StorageProofRowBy},
    },
    store::Store,
};

const UNRESOLVED: &str = "unresolved";
const PASS: &str = "pass";
const FAIL: &str = "fail";

/// Adds a proof; the first one of a prover and height stays.
pub(super) fn add(
    block: &Block,
    tx: &Tx,
    proof: &StorageProof,
    store: &mut Store,
) -> Result<(), Fault> {
    let address = clean(&proof.address);
    if row::<StorageProofRow>(store, (proof.height, address.as_ref()))?.is_some() {
        return Ok(());
    }
    put(
        store,
        StorageProofRow {
            height: proof.height,
            address: address.into_owned(),
            prover_addresses: proof
                .prover_addresses
                .iter()
                .map(|prover| clean(prover).into_owned())
                .collect(),
            cid: clean(&proof.cid).into_owned(),
            proof_signature: proof.proof_signature.clone(),
            proof: None,
            status: Some(UNRESOLVED.to_owned()),
            block_height: block.height,
            tx_hash: clean(&tx.hash).into_owned(),
            created_at: block.time,
        },
    )
}

/// Settles a challenge: provers with a signed proof pass, provers that more than half of the proofs
/// name and that sent none fail.
pub(super) fn verify(
    block: &Block,
    tx: &Tx,
    verification: &StorageProofVerification,
    store: &mut Store,
) -> Result<(), Fault> {
    let known = rows::<StorageProofRow>(store, StorageProofRowBy::Height, verification.height)?;
    let proofs: Vec<_> = known.iter().filter(|row| !is_added_by_verification(row)).collect();
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    for prover in proofs.iter().flat_map(|row| &row.prover_addresses) {
        *votes.entry(prover).or_default() += 1;
    }
    let threshold = proofs.len() / 2;
    for row in &proofs {
        if row.address.is_empty() || row.proof_signature.is_none() {
            continue;
        }
        votes.remove(row.address.as_str());
        put(
            store,
            StorageProofRow {
                status: Some(PASS.to_owned()),
                proof: Some(verification.proof.clone()),
                ..row.as_ref().clone()
            },
        )?;
    }
    for (prover, count) in votes {
        if count > threshold {
            fail(block, tx, verification.height, prover, store)?;
        }
    }
    Ok(())
}

/// Marks a prover as failed: its unsigned proof if it sent one, else a row of its own.
fn fail(block: &Block, tx: &Tx, height: i64, prover: &str, store: &mut Store) -> Result<(), Fault> {
    let failed = match row::<StorageProofRow>(store, (height, prover))? {
        Some(row) if row.status.as_deref() == Some(FAIL) => return Ok(()),
        Some(row) => StorageProofRow { status: Some(FAIL.to_owned()), ..row.as_ref().clone() },
        None => StorageProofRow {
            height,
            address: prover.to_owned(),
            prover_addresses: Vec::new(),
            cid: String::new(),
            proof_signature: None,
            proof: None,
            status: Some(FAIL.to_owned()),
            block_height: block.height,
            tx_hash: clean(&tx.hash).into_owned(),
            created_at: block.time,
        },
    };
    put(store, failed)
}

/// Whether the row stands for a prover that sent nothing.
fn is_added_by_verification(row: &StorageProofRow) -> bool {
    row.status.as_deref() == Some(FAIL)
        && row.prover_addresses.is_empty()
        && row.cid.is_empty()
        && row.proof_signature.is_none()
}
