//! Writes recorded blocks as a JSON-lines archive, the form `index --source` reads.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use audius_etl::model::Timestamp;
use serde_json::json;

use crate::recording::RecordedBlock;

/// A recorded block at the place where it is fed.
pub(crate) struct FedBlock<'a> {
    pub(crate) height: i64,
    pub(crate) hash: String,
    pub(crate) chain_id: &'a str,
    pub(crate) block: &'a RecordedBlock,
    /// Feed the block without its transactions, only to keep heights without gaps.
    pub(crate) emptied: bool,
}

/// Writes `blocks` to `path`.
pub(crate) fn write(path: &Path, blocks: &[FedBlock<'_>]) -> Result<()> {
    let mut out = String::new();
    for fed in blocks {
        out.push_str(&line(fed).to_string());
        out.push('\n');
    }
    fs::write(path, out).with_context(|| format!("write {}", path.display()))
}

fn line(fed: &FedBlock<'_>) -> serde_json::Value {
    let txs = if fed.emptied { &[][..] } else { &fed.block.txs };
    let transactions: Vec<serde_json::Value> = txs
        .iter()
        .enumerate()
        .map(|(at, tx)| {
            json!({
                "hash": tx.event.0,
                "transaction": {
                    "signature": "",
                    "requestId": "",
                    "manageEntity": {
                        "userId": tx.user_id.to_string(),
                        "entityType": tx.entity_type,
                        "entityId": tx.entity_id.to_string(),
                        "action": tx.action,
                        "metadata": tx.metadata,
                        "signature": "",
                        "signer": tx.signer,
                        "nonce": at.to_string(),
                    },
                },
            })
        })
        .collect();
    json!({
        "height": fed.height.to_string(),
        "hash": fed.hash,
        "chainId": fed.chain_id,
        "proposer": "",
        "timestamp": Timestamp::from_seconds(fed.block.seconds).to_string(),
        "transactions": transactions,
    })
}
