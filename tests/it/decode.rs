//! Decoding: JSON as nodes answer it, unknown content kept, the fixed order, recovered signers.

use std::sync::Arc;

use alloy::primitives::Address;
use audius_etl::chain::core_pb::{Payload, SignedTransaction, Transaction};
use audius_etl::chain::{Origin, Place, RawBlock, RawBody};
use audius_etl::decode::signer::{self, Domain, Verdict};
use audius_etl::decode::{DecodeOptions, Pool, decode_block};
use audius_etl::model::block::Member;
use audius_etl::model::{Block, EntityTx, Json, Timestamp, TxBody};
use prost::Message;

use crate::support::blocks::{
    block, entity, migrated, mixed_block, plays, rollup, signed_tx, unknown,
};

fn archive_origin() -> Origin {
    Origin::Archive { path: "a.jsonl".into(), place: Place::Byte(0), decompressed: false }
}

fn decode(body: RawBody, origin: Origin) -> Block {
    decode_block(RawBlock { height: 1, body, origin }, &DecodeOptions::default()).unwrap()
}

fn from_json(text: &str) -> Block {
    decode(RawBody::Json(text.to_owned().into()), archive_origin())
}

fn entity_of(block: &Block, index: usize) -> &EntityTx {
    match &block.txs[index].body {
        TxBody::ManageEntity(call) => call,
        other => panic!("not an entity call: {other:?}"),
    }
}

#[test]
fn the_documented_json_line_decodes() {
    let block = from_json(
        r#"{"height":"22275839","hash":"AB","chainId":"audius-mainnet-alpha-beta","proposer":"CD",
        "timestamp":"2026-04-01T12:00:00.123456789Z","someday":{"x":[1]},"transactions":[
        {"hash":"5C","transaction":{"signature":"0x1","requestId":"r","manageEntity":{
        "userId":"3000001","entityType":"User","entityId":3000002,"action":"Create",
        "metadata":"{\"a\":1}","signature":"0x1","signer":"user1wallet","nonce":"0x0"}}}]}"#,
    );
    assert_eq!(
        (block.height, block.hash.as_str(), block.proposer.as_str()),
        (22_275_839, "ab", "cd")
    );
    assert_eq!(block.time, Timestamp::from_micros(1_775_044_800_123_456));
    let call = entity_of(&block, 0);
    assert_eq!((call.user_id, call.entity_id, call.hash.as_str()), (3_000_001, 3_000_002, "5C"));
    assert_eq!(call.signer, "user1wallet");
    assert!(matches!(call.json, Some(Ok(Json::Object(_)))));
}

#[test]
fn snake_case_nulls_and_defaults_are_read_as_the_mapping_says() {
    let block = from_json(
        r#"{"height":1,"hash":"ab","chain_id":null,"transactions":[
        {"hash":"1","transaction":{"request_id":null,"manage_entity":{"user_id":7.0,"metadata":""}}},
        {"hash":"2","transaction":{"storage_proof":{"prover_addresses":["A"],"proof_signature":"-_8"}}},
        {"hash":"3","transaction":{"plays":{"plays":[{"track_id":"9"}]}}},
        {"hash":"4","transaction":null},
        {"hash":"5"}]}"#,
    );
    assert_eq!(block.time, Timestamp::default());
    let call = entity_of(&block, 0);
    assert_eq!((call.user_id, call.entity_id), (7, 0));
    assert!(call.json.is_none());
    let TxBody::StorageProof(proof) = &block.txs[1].body else { panic!("{:?}", block.txs[1]) };
    assert_eq!(proof.proof_signature.as_deref(), Some(&[0xfb, 0xff][..]));
    let TxBody::Plays(plays) = &block.txs[2].body else { panic!("{:?}", block.txs[2]) };
    assert_eq!((plays[0].track_id.as_str(), plays[0].played_at), ("9", Timestamp::default()));
    assert!(matches!(block.txs[3].body, TxBody::Malformed(_)));
    assert!(matches!(block.txs[4].body, TxBody::Malformed(_)));
}

#[test]
fn calls_of_a_genesis_are_read_from_both_forms() {
    let proto =
        decode(RawBody::Message(block(1, vec![migrated("User", "Create", "")])), archive_origin());
    let json = from_json(
        r#"{"height":1,"hash":"a","transactions":[
        {"hash":"1","transaction":{"manageEntityMigration":{"userId":"3000001","signer":"0xAbC"}}},
        {"hash":"2","transaction":{"manage_entity_migration":{"user_id":3000001,"signer":"0xAbC"}}}]}"#,
    );
    for tx in proto.txs.iter().chain(&json.txs) {
        let TxBody::ManageEntityMigration(call) = &tx.body else { panic!("{tx:?}") };
        assert_eq!((call.user_id, call.signer.as_str()), (3_000_001, "0xAbC"));
    }
}

#[test]
fn an_element_without_a_transaction_does_not_lose_the_block() {
    let json = from_json(r#"{"height":1,"hash":"a","transactions":[{},{"hash":"2"}]}"#);
    assert_eq!(json.txs.iter().map(|tx| tx.index).collect::<Vec<_>>(), [0, 1]);
    assert!(json.txs.iter().all(|tx| matches!(tx.body, TxBody::Malformed(_))));
}

#[test]
fn unknown_members_are_kept_and_never_look_empty() {
    let proto = decode(
        RawBody::Message(block(
            1,
            vec![unknown(1013), Transaction { hash: "x".into(), ..Default::default() }],
        )),
        archive_origin(),
    );
    assert!(matches!(&proto.txs[0].body, TxBody::Unknown(Member::Tag(1013))));
    assert!(matches!(proto.txs[1].body, TxBody::Malformed(_)));
    let json = from_json(
        r#"{"height":1,"hash":"a","transactions":[
        {"hash":"1","transaction":{"signature":"s","somethingNew":{"userId":"1"}}},
        {"hash":"2","transaction":{"signature":"s","deadline":"12","flags":[{}]}},
        {"hash":"3","transaction":{"release":{"messageHeader":{}}}}]}"#,
    );
    let TxBody::Unknown(member) = &json.txs[0].body else { panic!("{:?}", json.txs[0]) };
    assert_eq!(member.to_string(), "somethingNew");
    assert!(matches!(json.txs[1].body, TxBody::Unset));
    assert!(matches!(json.txs[2].body, TxBody::Recorded("release")));
}

#[test]
fn a_transaction_that_is_not_one_does_not_lose_the_block() {
    let broken = Transaction::including(vec![0x0a, 0xff, 0x01].into());
    let block = decode(RawBody::Message(block(1, vec![broken, rollup(3)])), archive_origin());
    assert!(matches!(block.txs[0].body, TxBody::Malformed(_)));
    assert!(matches!(block.txs[1].body, TxBody::SlaRollup(_)));
}

#[test]
fn a_broken_transaction_under_a_foreign_hash_is_a_corrupt_archive_but_no_fault_of_a_node() {
    let mut broken = Transaction::including(vec![0x0a, 0xff, 0x01].into());
    broken.hash = rollup(1).hash;
    let raw = |origin| RawBlock {
        height: 1,
        body: RawBody::Message(block(1, vec![rollup(3), broken.clone()])),
        origin,
    };
    let error = decode_block(raw(archive_origin()), &DecodeOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("block 1, transaction 1: transaction is corrupt"),
        "{error}"
    );
    let node = Origin::Node(Arc::from("http://node"));
    let block = decode_block(raw(node), &DecodeOptions::default()).unwrap();
    assert!(block.txs.iter().any(|tx| matches!(tx.body, TxBody::Malformed(_))));
}

#[test]
fn blocks_of_nodes_are_sorted_by_the_fixed_rule_and_those_of_archives_are_not() {
    let txs = vec![
        rollup(1),
        plays(1, 5),
        entity("Track", "Update", "0x1"),
        entity("User", "CREATE", "0x2"),
        entity("User", "Create", "0x3"),
        rollup(2),
    ];
    let order =
        |block: &Block| -> Vec<String> { block.txs.iter().map(|tx| tx.hash.clone()).collect() };
    let served: Vec<_> = txs.iter().map(|tx| tx.hash.clone()).collect();
    let body = RawBody::Message(block(1, txs));

    let archived = decode(body.clone(), archive_origin());
    assert_eq!(order(&archived), served);

    let live = decode(body, Origin::Node(Arc::from("http://node")));
    // FNV-1a-32 of "0x2" is 0xd8556dc5, of "0x3" 0xd7556c32, of "" 0x811c9dc5, of "5" 0x300ca0d0:
    // the larger goes first, and the two rollups keep their served order.
    let expected = [3, 4, 2, 0, 5, 1].map(|index| served[index].clone());
    assert_eq!(order(&live), expected);
    assert_eq!(live.txs.iter().map(|tx| tx.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn calls_of_a_genesis_come_after_live_calls_in_the_order_served() {
    let txs = vec![
        migrated("Track", "Update", "0x3"),
        migrated("User", "Create", "0x2"),
        entity("User", "Update", "0x1"),
        migrated("User", "Update", "0x1"),
    ];
    let served: Vec<_> = txs.iter().map(|tx| tx.hash.clone()).collect();
    let live = decode(RawBody::Message(block(1, txs)), Origin::Node(Arc::from("http://node")));
    let order: Vec<String> = live.txs.iter().map(|tx| tx.hash.clone()).collect();
    assert_eq!(order, [2, 0, 1, 3].map(|index| served[index].clone()));
}

#[test]
fn a_batch_is_decoded_in_order_up_to_the_first_fault() {
    let pool = Pool::new(2).unwrap();
    let raw = |height: i64| RawBlock {
        height,
        body: RawBody::Message(mixed_block(height)),
        origin: archive_origin(),
    };
    let mut batch: Vec<_> = (1..=50).map(raw).collect();
    batch[40].body = RawBody::Proto(vec![0xff; 8].into());
    let outcome = pool.decode(batch, &DecodeOptions::default());
    assert_eq!(
        outcome.blocks.iter().map(|b| b.height).collect::<Vec<_>>(),
        (1..=40).collect::<Vec<_>>()
    );
    assert_eq!(outcome.error.unwrap().height(), 41);
}

#[test]
fn deeply_nested_metadata_is_decoded_and_dropped() {
    let pool = Pool::new(1).unwrap();
    let mut signed =
        SignedTransaction::decode(entity("Track", "Create", "0x1").transaction.unwrap()).unwrap();
    let Some(Payload::ManageEntity(call)) = &mut signed.payload else { panic!("an entity call") };
    call.metadata = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
    let body = RawBody::Message(block(1, vec![signed_tx(&signed)]));
    let raw = RawBlock { height: 1, body, origin: archive_origin() };
    let outcome = pool.decode(vec![raw], &DecodeOptions::default());
    assert!(matches!(entity_of(&outcome.blocks[0], 0).json, Some(Ok(Json::List(_)))));
}

#[test]
fn absurd_play_times_are_moved_into_the_range_of_the_type() {
    let mut signed = SignedTransaction::decode(plays(1, 1).transaction.unwrap()).unwrap();
    let Some(Payload::Plays(list)) = &mut signed.payload else { panic!("plays") };
    list.plays[0].timestamp = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
    let body = RawBody::Message(block(1, vec![signed_tx(&signed)]));
    let decoded = decode(body, archive_origin());
    let TxBody::Plays(list) = &decoded.txs[0].body else { panic!("plays") };
    assert_eq!(list[0].played_at, Timestamp::from_seconds(253_402_300_799));
}

/// A real call of the production chain (from a recording by the Audius API project, Apache-2.0).
fn real_call() -> EntityTx {
    let signed =
        SignedTransaction::decode(&include_bytes!("../../fixtures/manage_entity.bin")[..]).unwrap();
    let block = decode(RawBody::Message(block(1, vec![signed_tx(&signed)])), archive_origin());
    entity_of(&block, 0).clone()
}

#[test]
fn the_signer_of_a_production_call_is_recovered() {
    let mut call = real_call();
    assert_eq!(signer::verify(&call, Domain::PROD), Verdict::Match);
    assert!(matches!(signer::verify(&call, Domain::DEV), Verdict::Mismatch(_)));
    let key = signer::recover_key(&call, Domain::PROD).unwrap();
    assert_eq!(key[0], 4);
    assert_eq!(Some(Address::from_raw_public_key(&key[1..])), signer::recover(&call, Domain::PROD));
    call.metadata.push(' ');
    assert!(matches!(signer::verify(&call, Domain::PROD), Verdict::Mismatch(_)));
    let id = std::mem::replace(&mut call.entity_id, -1);
    assert_eq!(signer::verify(&call, Domain::PROD), Verdict::Unrecoverable);
    call.entity_id = id;
    call.signature = "0x12".to_owned();
    assert_eq!(signer::verify(&call, Domain::PROD), Verdict::Unrecoverable);
}

#[test]
fn domains_follow_the_chain_id() {
    assert_eq!(Domain::of_chain("audius-mainnet-alpha-beta"), Domain::PROD);
    assert_eq!(Domain::of_chain("audius-testnet-alpha"), Domain::STAGE);
    assert_eq!(Domain::of_chain("openaudio-devnet"), Domain::DEV);
}
