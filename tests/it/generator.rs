//! Generated chains: the same seed gives the same chain, and a chain has what it should.

use std::collections::HashSet;

use audius_etl::chain::core_pb::{ManageEntityLegacy, Payload, SignedTransaction};
use audius_etl::chain::generator::{Dialect, Generator, Plan, Profile};
use audius_etl::chain::{ArchiveWriter, Compression, Layout};
use prost::Message;

use crate::support::{TestEnv, root};

fn plan() -> Plan {
    Plan {
        seed: 5,
        chain_id: "audius-test".to_owned(),
        start_height: 10,
        blocks: 100,
        txs: 1500,
        plays: 300,
        profile: Profile::Mixed,
        dialect: Dialect::discovery(),
        invalid_per_mille: 100,
        numbered: false,
    }
}

/// The payloads of a chain in order.
fn payloads(plan: Plan) -> Vec<Option<Payload>> {
    let txs = Generator::new(plan).flat_map(|block| block.transactions);
    let signed = txs.map(|tx| SignedTransaction::decode(tx.transaction.unwrap()).unwrap());
    signed.map(|signed| signed.payload).collect()
}

#[test]
fn a_seed_gives_the_same_chain_and_another_seed_another() {
    let chain = |seed| Generator::new(Plan { seed, ..plan() }).collect::<Vec<_>>();
    let (one, again, two) = (chain(5), chain(5), chain(6));
    assert!(one == again);
    let hashes: HashSet<_> = one.iter().map(|block| &block.hash).collect();
    assert_eq!(hashes.len(), one.len());
    assert!(two.iter().all(|block| !hashes.contains(&block.hash)));
}

#[test]
fn heights_follow_each_other_and_time_never_runs_back() {
    let blocks: Vec<_> = Generator::new(plan()).collect();
    assert_eq!(blocks.len(), 100);
    for (height, block) in (10..).zip(&blocks) {
        assert_eq!((block.height, block.chain_id.as_str()), (height, "audius-test"));
    }
    let times: Vec<_> = blocks.iter().map(|block| block.timestamp.unwrap()).collect();
    assert!(
        times
            .windows(2)
            .all(|pair| (pair[0].seconds, pair[0].nanos) < (pair[1].seconds, pair[1].nanos))
    );
}

#[test]
fn a_chain_has_as_many_calls_and_plays_as_planned() {
    let (mut calls, mut plays) = (0, 0);
    for payload in payloads(plan()).into_iter().flatten() {
        match payload {
            Payload::ManageEntity(_) => calls += 1,
            Payload::Plays(batch) => plays += batch.plays.len(),
            _ => {}
        }
    }
    assert_eq!((calls, plays), (1500, 300));
}

#[test]
fn a_mixed_chain_has_every_pair_and_every_kind_of_system_transaction() {
    let mut seen = HashSet::new();
    let mut kinds = HashSet::new();
    for payload in payloads(Plan { blocks: 4000, ..plan() }) {
        kinds.insert(payload.as_ref().map(std::mem::discriminant));
        if let Some(Payload::ManageEntity(call)) = payload {
            seen.insert((call.entity_type, call.action));
        }
    }
    let missing: Vec<_> = Dialect::discovery()
        .pairs()
        .filter(|(kind, action)| !seen.contains(&((*kind).to_owned(), (*action).to_owned())))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(kinds.len(), 13, "twelve members and none");
}

/// The entity call of a payload, live or migrated.
fn call(payload: Payload) -> Option<ManageEntityLegacy> {
    match payload {
        Payload::ManageEntity(call) | Payload::ManageEntityMigration(call) => Some(call),
        _ => None,
    }
}

#[test]
fn a_chain_of_the_etl_has_every_pair_and_calls_of_a_genesis() {
    let plan = Plan { dialect: Dialect::etl(), txs: 6000, invalid_per_mille: 0, ..plan() };
    let calls: Vec<_> = payloads(plan.clone()).into_iter().flatten().collect();
    let migrated =
        calls.iter().filter(|call| matches!(call, Payload::ManageEntityMigration(_))).count();
    assert!((100..600).contains(&migrated), "{migrated}");
    let seen: HashSet<_> =
        calls.into_iter().filter_map(call).map(|call| (call.entity_type, call.action)).collect();
    for (kind, action) in Dialect::etl().pairs() {
        assert!(seen.contains(&(kind.to_owned(), action.to_owned())), "{kind} {action}");
    }
    // Its first transactions are those of the validators, in both.
    let first = |plan: Plan| Generator::new(plan).next().unwrap();
    let other = first(Plan { dialect: Dialect::discovery(), ..plan.clone() });
    assert!(first(plan).timestamp.unwrap().seconds > other.timestamp.unwrap().seconds);
}

#[test]
fn an_etl_chain_names_its_metadata_as_the_etl_reads_it() {
    let plan = Plan { dialect: Dialect::etl(), txs: 3000, invalid_per_mille: 0, ..plan() };
    for call in payloads(plan).into_iter().flatten().filter_map(call) {
        let wanted: &[&str] = match (call.entity_type.as_str(), call.action.as_str()) {
            ("DeveloperApp", _) => &["\"address\":"],
            ("Grant", "Approve" | "Reject") => &["\"grantee_address\":", "\"grantor_user_id\":"],
            ("AssociatedWallet", "Create") => &["\"wallet\":", "\"wallet_signature\":"],
            ("Event", "Create") => &["\"entity_type\":\"track\"", "\"end_date\":"],
            ("PlayCount", "Reconcile") => &["\"delta\":"],
            _ => &[],
        };
        assert!(wanted.iter().all(|key| call.metadata.contains(key)), "{call:?}");
    }
}

#[test]
fn a_profile_has_nothing_but_what_it_says() {
    let entities = payloads(Plan { profile: Profile::Entities, plays: 0, ..plan() });
    assert!(entities.iter().all(|payload| matches!(payload, Some(Payload::ManageEntity(_)))));
    let plays = payloads(Plan { profile: Profile::Plays, txs: 0, ..plan() });
    assert!(plays.iter().all(|payload| matches!(payload, Some(Payload::Plays(_)))));
}

#[test]
fn some_transactions_come_twice_byte_for_byte() {
    let mut seen = HashSet::new();
    let txs = Generator::new(plan()).flat_map(|block| block.transactions);
    let again = txs.filter(|tx| !seen.insert(tx.hash.clone())).count();
    assert!((1..20).contains(&again), "{again}");
}

#[test]
fn the_command_writes_the_bundled_archive() {
    let readme = std::fs::read_to_string(root().join("fixtures/README.md")).unwrap();
    let command = readme.split("audius-etl generate ").nth(1).unwrap().split("```").next().unwrap();
    let command = command.replace('\\', "");
    let args = command.replace("fixtures/demo.jsonl.zst", "made.jsonl.zst");
    let args: Vec<_> = std::iter::once("generate").chain(args.split_whitespace()).collect();
    let env = TestEnv::new();
    let run = env.run(&args);
    assert_eq!(run.code(), 0, "{run:?}");
    let content = |path| zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let made = content(env.path().join("made.jsonl.zst"));
    let bundled = content(root().join("fixtures/demo.jsonl.zst"));
    assert!(made == bundled, "the generator changed: make the archive again");
}

#[test]
fn both_layouts_hold_the_same_chain() {
    for layout in [Layout::Frames, Layout::JsonLines] {
        let out = Box::new(std::io::sink());
        let mut writer = ArchiveWriter::to_writer(out, "test", layout, Compression::Plain).unwrap();
        for block in Generator::new(plan()) {
            writer.write_message(&block).unwrap();
        }
        assert_eq!(writer.finish().unwrap().blocks, 100);
    }
}
