//! `record` and `wrap-transactions`: archives made by the built binary.

use std::path::{Path, PathBuf};

use audius_etl::chain::core_pb::{Block, SignedTransaction};
use audius_etl::chain::{self, ArchiveWriter, Fetched, RawBlock, SourceConfig};
use audius_etl::decode::signer::{Domain, Verdict, verify};
use audius_etl::decode::{DecodeOptions, decode_block};
use audius_etl::model::TxBody;
use prost::Message;

use crate::support::TestEnv;
use crate::support::blocks::{block, entity, mixed_block, plays, rollup, unknown};
use crate::support::fake_node::FakeNode;

fn write(env: &TestEnv, name: &str, blocks: impl IntoIterator<Item = Block>) {
    let mut writer = ArchiveWriter::create(&env.path().join(name)).unwrap();
    blocks.into_iter().for_each(|block| writer.write_message(&block).unwrap());
    writer.finish().unwrap();
}

fn blocks_of(path: &Path) -> Vec<RawBlock> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut source = chain::open(SourceConfig::new([path.to_str().unwrap()])).await.unwrap();
        let mut blocks = Vec::new();
        while let Fetched::Blocks(batch) = source.next().await.unwrap() {
            blocks.extend(batch);
        }
        blocks
    })
}

#[test]
fn an_archive_is_turned_into_any_other_format_and_back() {
    let env = TestEnv::new();
    let blocks = || (3..40).map(mixed_block).chain([block(40, vec![unknown(2000), rollup(1)])]);
    write(&env, "first.pb", blocks());
    let mut from = "first.pb";
    for to in ["a.jsonl", "b.pb.zst", "c.jsonl.gz", "d.jsonl.zst", "e.pb.gz", "last.pb"] {
        let run = env.run(&["record", "--source", from, "--out", to]);
        assert_eq!(run.code(), 0, "{run:?}");
        assert!(run.stderr().contains("38 blocks, heights 3 to 40"), "{run:?}");
        from = to;
    }
    let bytes = |name| std::fs::read(env.path().join(name)).unwrap();
    assert_eq!(bytes("first.pb"), bytes("last.pb"));
}

#[test]
fn standard_output_gets_json_lines_and_an_existing_archive_is_kept() {
    let env = TestEnv::new();
    write(&env, "a.pb", (1..=9).map(mixed_block));
    let run = env.run(&["record", "--source", "a.pb", "--start", "4", "--end", "6", "--out", "-"]);
    assert_eq!(run.code(), 0, "{run:?}");
    let lines: Vec<_> = run.stdout().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with(r#"{"height":"4","hash":"#), "{}", lines[0]);

    let run = env.run(&["record", "--source", "a.pb", "--out", "a.pb"]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert_eq!(blocks_of(&env.path().join("a.pb")).len(), 9);
}

#[test]
fn a_corrupt_archive_ends_with_code_6_and_what_came_before_it() {
    let env = TestEnv::new();
    write(&env, "a.pb", (1..=9).map(mixed_block));
    let whole = std::fs::read(env.path().join("a.pb")).unwrap();
    env.write("cut.pb", &whole[..whole.len() - 3]);
    let run = env.run(&["record", "--source", "cut.pb", "--out", "b.pb"]);
    assert_eq!(run.code(), 6);
    let offset = whole.len() - mixed_block(9).encoded_len() - 4;
    assert!(run.stderr().contains(&format!("cut.pb, byte offset {offset}: truncated")), "{run:?}");
    assert_eq!(blocks_of(&env.path().join("b.pb")).len(), 8);
}

#[test]
fn a_node_that_does_not_answer_ends_with_code_4() {
    let env = TestEnv::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let source = format!("http://me:secret@{closed}");
    let run =
        env.run(&["record", "--source", &source, "--out", "a.pb", "--retry-limit", "1", "--once"]);
    assert_eq!(run.code(), 4, "{run:?}");
    assert!(run.stderr().contains("Connection refused"), "{run:?}");
    assert!(!run.stderr().contains("secret"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_a_node_are_recorded_in_the_order_in_which_they_apply() {
    let served =
        || vec![plays(1, 1), entity("Track", "Update", "0x1"), entity("User", "Create", "0x2")];
    let mut first = block(1, served());
    first.hash = "AB".repeat(32);
    let node = FakeNode::start([first, block(2, vec![])]);
    let (url, env) = (node.url.clone(), TestEnv::new());
    let (run, blocks) = tokio::task::spawn_blocking(move || {
        let run = env.run(&["record", "--source", &url, "--once", "--out", "a.pb"]);
        (run, std::thread::spawn(move || blocks_of(&env.path().join("a.pb"))).join().unwrap())
    })
    .await
    .unwrap();
    assert_eq!(run.code(), 0, "{run:?}");
    let decoded = decode_block(blocks[0].clone(), &DecodeOptions::default()).unwrap();
    assert_eq!(decoded.hash, "ab".repeat(32));
    let order: Vec<_> = decoded.txs.iter().map(|tx| tx.hash.clone()).collect();
    let served: Vec<_> = served().into_iter().map(|tx| tx.hash).collect();
    assert_eq!(order, [2, 1, 0].map(|index: usize| served[index].clone()));
    assert_eq!(blocks.len(), 2);
}

fn framed(records: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        out.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
        out.extend(record);
    }
    out
}

#[test]
fn wrapped_transactions_keep_their_bytes_and_repeats() {
    let env = TestEnv::new();
    let signed = |block: Block| block.transactions.into_iter().filter_map(|tx| tx.transaction);
    let records: Vec<_> = (1..30).flat_map(|n| signed(mixed_block(n))).map(Vec::from).collect();
    env.write("in.pb", framed(records.iter().chain(&records[..1]).cloned()));
    for out in ["a.pb", "b.pb"] {
        let run = env.run(&["wrap-transactions", "in.pb", out]);
        assert_eq!(run.code(), 0, "{run:?}");
        assert!(run.stderr().contains("88 transactions"), "{run:?}");
    }
    let bytes = |name| std::fs::read(env.path().join(name)).unwrap();
    assert_eq!(bytes("a.pb"), bytes("b.pb"));
    let mut seen: Vec<_> = blocks_of(&env.path().join("a.pb"))
        .into_iter()
        .flat_map(|raw| decode_block(raw, &DecodeOptions::default()).unwrap().txs)
        .map(|tx| tx.hash)
        .collect();
    let mut expected: Vec<_> = records
        .iter()
        .chain(&records[..1])
        .map(|record| chain::core_pb::transaction_hash(record))
        .collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);

    env.write("cut.pb", &framed(records)[..500]);
    let run = env.run(&["wrap-transactions", "cut.pb", "c.pb"]);
    assert_eq!(run.code(), 6, "{run:?}");
}

#[test]
fn every_signer_of_a_recorded_hour_of_production_is_recovered() {
    let given = std::env::var_os("AUDIUS_ETL_RECORDED_TRANSACTIONS").map(PathBuf::from);
    let path = given.unwrap_or_else(|| crate::support::root().join("../shared/data/take1.pb"));
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let mut rest = &bytes[..];
    let mut txs = Vec::new();
    while let Some((prefix, tail)) = rest.split_first_chunk::<4>() {
        let (record, tail) = tail.split_at(u32::from_le_bytes(*prefix).try_into().unwrap());
        let signed = SignedTransaction::decode(record).unwrap();
        assert_eq!(signed.encode_to_vec(), record);
        txs.push(chain::core_pb::Transaction::including(record.to_vec().into()));
        rest = tail;
    }
    assert_eq!(txs.len(), 7000);
    let raw = RawBlock {
        height: 1,
        body: chain::RawBody::Message(block(1, txs)),
        origin: chain::Origin::Node("test".into()),
    };
    let decoded = decode_block(raw, &DecodeOptions::default()).unwrap();
    let verdicts: Vec<_> = decoded
        .txs
        .iter()
        .filter_map(|tx| match &tx.body {
            TxBody::ManageEntity(call) => Some(verify(call, Domain::PROD)),
            TxBody::Unset | TxBody::Unknown(_) | TxBody::Malformed(_) => panic!("{tx:?}"),
            _ => None,
        })
        .collect();
    assert_eq!(verdicts.len(), 1040);
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Match));
}
