//! `audius-etl wrap-transactions`: put recorded transactions without blocks into invented blocks.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use alloy::hex;
use clap::Args;
use prost::Message;
use prost::bytes::Bytes;
use prost_types::Timestamp;
use sha2::{Digest, Sha256};

use super::context::Context;
use crate::chain::ArchiveWriter;
use crate::chain::core_pb::{Block, Payload, SignedTransaction, Transaction};
use crate::decode;
use crate::failure::{Failure, FailureKind};

/// Put recorded transactions without blocks into invented blocks
///
/// The input is a sequence of u32 little-endian lengths and encoded signed transactions. Heights
/// follow the challenge heights of storage proofs and the ranges of rollups found on the way, times
/// follow heights, hashes are SHA-256. The same input always gives the same archive.
#[derive(Args, Clone, Debug)]
pub struct WrapArgs {
    /// The recorded transactions
    #[arg(value_name = "IN")]
    pub input: PathBuf,

    /// The archive to write
    #[arg(value_name = "OUT")]
    pub output: PathBuf,

    /// Chain id of the invented blocks
    #[arg(long, value_name = "ID", default_value = "audius-mainnet-alpha-beta")]
    pub chain_id: String,
}

/// Largest transaction that is read; the mempool takes 300 KiB.
const MAX_RECORD_BYTES: u32 = 64 << 20;

/// Time of block 1 and between blocks: what the two rollups of the recorded hour, and the heights
/// they name, give for the production chain on 2025-03-14.
const FIRST_BLOCK_SECONDS: i64 = 1_741_989_536;
const BLOCK_MICROS: i64 = 1_276_500;

/// An anchor further ahead than this is somebody's invention, not the height of the block.
const MAX_STEP: i64 = 5_000;

pub(crate) async fn run(args: WrapArgs, context: &Context) -> Result<(), Failure> {
    let told = tokio::task::spawn_blocking(move || wrap(&args))
        .await
        .map_err(|error| Failure::new(FailureKind::Data, error))??;
    context.printer.note(&told);
    Ok(())
}

fn wrap(args: &WrapArgs) -> Result<String, Failure> {
    let records = read_records(&args.input)?;
    let heights = heights_of(&records);
    let mut writer = ArchiveWriter::create(&args.output)?;
    let mut parent = String::new();
    let mut rest = records.iter().zip(&heights).peekable();
    let last = heights.last().copied().unwrap_or(0);
    for height in 1..=last {
        let mut txs = Vec::new();
        while let Some((record, _)) = rest.next_if(|(_, at)| **at <= height) {
            txs.push(Transaction::including(record.clone()));
        }
        let block = invent(&args.chain_id, height, &parent, txs);
        parent.clone_from(&block.hash);
        writer.write_message(&block)?;
    }
    writer.finish()?;
    Ok(format!("{}: {} transactions in {last} blocks", args.output.display(), records.len()))
}

fn invent(chain_id: &str, height: i64, parent: &str, transactions: Vec<Transaction>) -> Block {
    let mut hasher = Sha256::new();
    hasher.update(format!("{chain_id}/{height}/{parent}"));
    for tx in &transactions {
        hasher.update(&tx.hash);
    }
    let hash = hasher.finalize();
    let micros = FIRST_BLOCK_SECONDS * 1_000_000 + (height - 1) * BLOCK_MICROS;
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or_default();
    let mut block = Block {
        height,
        hash: hex::encode(hash),
        chain_id: chain_id.to_owned(),
        proposer: hex::encode(&Sha256::digest(hash)[..20]),
        timestamp: Some(Timestamp { seconds: micros.div_euclid(1_000_000), nanos }),
        transactions,
    };
    // The order inside a recorded block is lost, so it is the one that a node would serve.
    decode::settle(&mut block);
    block
}

/// The height of each record: anchored where a record names the height around which it was
/// included, in between spread evenly.
fn heights_of(records: &[Bytes]) -> Vec<i64> {
    let mut heights = Vec::with_capacity(records.len());
    let mut current = 1;
    let mut waiting = 0;
    for record in records {
        waiting += 1;
        let Some(anchor) = anchor_of(record) else { continue };
        if anchor <= current || anchor > current + MAX_STEP {
            continue;
        }
        spread(&mut heights, waiting, current, anchor);
        (current, waiting) = (anchor, 0);
    }
    spread(&mut heights, waiting, current, current + 1);
    heights
}

/// Gives the next `count` records heights above `from`, the last of them `to`.
fn spread(heights: &mut Vec<i64>, count: i64, from: i64, to: i64) {
    heights.extend((1..=count).map(|nth| from + (to - from) * nth / count));
}

/// The lowest height at which the chain can have included `record`, if it says so.
fn anchor_of(record: &Bytes) -> Option<i64> {
    match SignedTransaction::decode(record.clone()).ok()?.payload? {
        Payload::StorageProof(proof) => Some(proof.height + 1),
        Payload::SlaRollup(rollup) => Some(rollup.block_end + 1),
        _ => None,
    }
}

fn read_records(path: &Path) -> Result<Vec<Bytes>, Failure> {
    let unreadable =
        |problem: String| Failure::new(FailureKind::Data, format!("{}: {problem}", path.display()));
    let file = File::open(path)
        .map_err(|error| Failure::usage(format!("cannot open {}: {error}", path.display())))?;
    let mut input = BufReader::new(file);
    let mut records = Vec::new();
    let mut offset = 0;
    loop {
        let mut prefix = [0; 4];
        match input.read_exact(&mut prefix) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(records),
            Err(error) => return Err(unreadable(error.to_string())),
        }
        let length = u32::from_le_bytes(prefix);
        let mut record = Vec::new();
        let read = (&mut input)
            .take(u64::from(length.min(MAX_RECORD_BYTES)))
            .read_to_end(&mut record)
            .map_err(|error| unreadable(error.to_string()))?;
        if read as u64 != u64::from(length) {
            return Err(unreadable(format!(
                "byte offset {offset}: truncated: {read} of the {length} bytes of a transaction"
            )));
        }
        offset += 4 + u64::from(length);
        records.push(record.into());
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost::bytes::Bytes;

    use super::{heights_of, invent};
    use crate::chain::core_pb::{Payload, SignedTransaction, StorageProof, TrackPlays};

    fn record(height: Option<i64>) -> Bytes {
        let payload = match height {
            Some(height) => {
                Payload::StorageProof(StorageProof { height, ..StorageProof::default() })
            }
            None => Payload::Plays(TrackPlays::default()),
        };
        SignedTransaction::carrying(payload).encode_to_vec().into()
    }

    #[test]
    fn heights_follow_proofs_and_never_run_backwards() {
        let hints = [None, None, Some(6), None, Some(3), Some(9), Some(1 << 40), None];
        let records: Vec<_> = hints.into_iter().map(record).collect();
        assert_eq!(heights_of(&records), [3, 5, 7, 8, 9, 10, 10, 11]);
    }

    #[test]
    fn the_same_transactions_give_the_same_block() {
        let (one, two) = (invent("c", 4, "p", vec![]), invent("c", 4, "p", vec![]));
        assert_eq!(one, two);
        assert_ne!(one.hash, invent("c", 4, "q", vec![]).hash);
        assert_eq!(one.hash.len(), 64);
    }
}
