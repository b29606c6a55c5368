//! Blocks made up for tests.

use audius_etl::chain::core_pb::{
    Block, ManageEntityLegacy, Payload, SignedTransaction, SlaNodeReport, SlaRollup, StorageProof,
    TrackPlay, TrackPlays, Transaction,
};
use prost::Message;
use prost_types::Timestamp;

pub(crate) const CHAIN: &str = "test-chain";

/// The hash of the made-up block `height`.
pub(crate) fn block_hash(height: i64) -> String {
    format!("{height:064x}")
}

/// Block `height` with `txs`.
pub(crate) fn block(height: i64, txs: Vec<Transaction>) -> Block {
    Block {
        height,
        hash: block_hash(height),
        chain_id: CHAIN.to_owned(),
        proposer: format!("{:040x}", 0xab),
        timestamp: Some(Timestamp { seconds: 1_750_000_000 + height, nanos: 123_456_000 }),
        transactions: txs,
    }
}

/// Block `height` with three transactions of different types.
pub(crate) fn mixed_block(height: i64) -> Block {
    block(
        height,
        vec![
            entity("Track", "Create", &format!("0x{height:x}aa")),
            plays(2, height),
            signed_tx(&SignedTransaction::carrying(Payload::StorageProof(StorageProof {
                height,
                address: "AA".to_owned(),
                prover_addresses: vec!["AA".to_owned(), "BB".to_owned()],
                cid: "baeaa".to_owned(),
                proof_signature: vec![0xfb, 0xff, 0xfe, 1],
            }))),
        ],
    )
}

/// An entity call with this outer and inner signature.
pub(crate) fn entity(entity_type: &str, action: &str, signature: &str) -> Transaction {
    signed_tx(&SignedTransaction::carrying(Payload::ManageEntity(entity_message(
        entity_type,
        action,
        signature,
    ))))
}

/// A call of a genesis, with this outer signature.
pub(crate) fn migrated(entity_type: &str, action: &str, outer_signature: &str) -> Transaction {
    let message = entity_message(entity_type, action, "0x9");
    let mut signed = SignedTransaction::carrying(Payload::ManageEntityMigration(message));
    signed.signature = outer_signature.to_owned();
    signed_tx(&signed)
}

fn entity_message(entity_type: &str, action: &str, signature: &str) -> ManageEntityLegacy {
    ManageEntityLegacy {
        user_id: 3_000_001,
        entity_type: entity_type.to_owned(),
        entity_id: 2_000_001,
        action: action.to_owned(),
        metadata: r#"{"cid": "", "data": {"title": "é \" 1"}}"#.to_owned(),
        signature: signature.to_owned(),
        signer: "0xAbC".to_owned(),
        nonce: "0x00".to_owned(),
    }
}

/// A transaction of `count` plays.
pub(crate) fn plays(count: i64, seed: i64) -> Transaction {
    let play = |n| TrackPlay {
        user_id: format!("{}", seed * 100 + n),
        track_id: "7".to_owned(),
        timestamp: Some(Timestamp { seconds: 1_750_000_000, nanos: 0 }),
        ..TrackPlay::default()
    };
    let plays = TrackPlays { plays: (0..count).map(play).collect() };
    let mut signed = SignedTransaction::carrying(Payload::Plays(plays));
    signed.signature = format!("{seed:x}");
    signed_tx(&signed)
}

/// A rollup; it has no outer signature.
pub(crate) fn rollup(block_end: i64) -> Transaction {
    let reports = vec![SlaNodeReport { address: "AA".to_owned(), num_blocks_proposed: 3 }];
    let timestamp = Some(Timestamp { seconds: 1_750_000_100, nanos: 5_000 });
    signed_tx(&SignedTransaction::carrying(Payload::SlaRollup(SlaRollup {
        timestamp,
        block_start: 0,
        block_end,
        reports,
    })))
}

/// A transaction whose oneof member no build knows.
pub(crate) fn unknown(tag: u32) -> Transaction {
    let mut bytes = Vec::new();
    prost::encoding::string::encode(1, &"sig".to_owned(), &mut bytes);
    prost::encoding::bytes::encode(tag, &vec![1_u8, 2, 3], &mut bytes);
    Transaction::including(bytes.into())
}

pub(crate) fn signed_tx(signed: &SignedTransaction) -> Transaction {
    Transaction::including(signed.encode_to_vec().into())
}
