//! One chain up to a height, then another: in one run or several, whatever the eras.

use std::process::Stdio;

use serde_json::Value;
use tokio::time::Instant;

use crate::kill::{Instants, assert_same, dump, ended};
use crate::support::blocks::mixed_block;
use crate::support::db::TestDb;
use crate::support::fake_node::FakeNode;
use crate::support::{Run, TestEnv};

/// The last block of the old chain, and the first of the new one that is wanted.
const SWITCH: [&str; 4] = ["--to", "80", "--then-from", "7"];

/// Two chains: `old.pb` with calls as of March 2025 up to block 40 and of September 2026 up to block
/// 90, `part.pb` with its first 60 blocks, `new.pb` from block 5 on, and `both.pb` with everything.
pub(crate) fn archives(env: &TestEnv) {
    let make = |name: &str, era: &str, chain: &str, start: &str, blocks: &str, seed: &str| {
        let run = env.run(&[
            "generate",
            "--out",
            name,
            "--era",
            era,
            "--chain-id",
            chain,
            "--start-height",
            start,
            "--blocks",
            blocks,
            "--seed",
            seed,
            "--txs",
            "500",
            "--plays",
            "250",
            "--numbered",
        ]);
        assert_eq!(run.code(), 0, "{run:?}");
        std::fs::read(env.path().join(name)).unwrap()
    };
    let first = make("first.pb", "discovery", "old", "1", "40", "5");
    let second = make("second.pb", "etl", "old", "41", "50", "6");
    let new = make("new.pb", "etl", "new", "5", "40", "7");
    let old = [first, second].concat();
    env.write("both.pb", [old.clone(), new].concat());
    env.write("old.pb", old);
    let run = env.run(&["record", "--source", "old.pb", "--to", "60", "--out", "part.pb"]);
    assert_eq!(run.code(), 0, "{run:?}");
}

pub(crate) fn index(env: &TestEnv, db: &TestDb, options: &[&str]) -> Run {
    env.run(&[&["index", "--batch-blocks", "9", "--db", db.url()], options].concat())
}

fn indexed(env: &TestEnv, db: &TestDb, options: &[&str]) {
    let run = index(env, db, options);
    assert_eq!(run.code(), 0, "{options:?}: {run:?}");
}

fn both<'a>(source: &'a str, then: &'a str) -> Vec<&'a str> {
    [&["--source", source, "--then", then], SWITCH.as_slice()].concat()
}

#[tokio::test]
async fn two_chains_and_two_eras_in_one_run_leave_what_four_runs_leave() {
    let env = TestEnv::new();
    archives(&env);
    let one = TestDb::new().await;
    indexed(&env, &one, &both("both.pb", "both.pb"));
    let wanted = dump(one.database()).await;
    let heights = "SELECT chain_id || ' ' || min(height) || '-' || max(height)
                   FROM core_indexed_blocks GROUP BY chain_id ORDER BY 1";
    assert_eq!(one.texts(heights).await, ["new 7-44", "old 1-80"]);
    let numbers = "SELECT count(*) - max(number) FROM blocks";
    assert_eq!(one.number(numbers).await, 0, "numbers go on");

    // Within the eras and on both sides of the switch, and without its options in the end.
    let four = TestDb::new().await;
    indexed(&env, &four, &["--source", "old.pb", "--to", "30"]);
    indexed(&env, &four, &both("part.pb", "new.pb"));
    indexed(&env, &four, &[both("old.pb", "new.pb"), vec!["--then-to", "20"]].concat());
    indexed(&env, &four, &["--source", "both.pb"]);
    assert_same(&dump(four.database()).await, &wanted);

    // Exactly at the change of the era and at the switch.
    let four = TestDb::new().await;
    indexed(&env, &four, &["--source", "first.pb"]);
    indexed(&env, &four, &["--source", "second.pb", "--to", "80"]);
    indexed(&env, &four, &[both("old.pb", "new.pb"), vec!["--then-to", "7"]].concat());
    indexed(&env, &four, &both("old.pb", "new.pb"));
    assert_same(&dump(four.database()).await, &wanted);
}

#[tokio::test]
async fn a_chain_is_left_where_it_was_said_first() {
    let env = TestEnv::new();
    archives(&env);
    let db = TestDb::new().await;
    indexed(&env, &db, &both("part.pb", "new.pb"));
    let before = dump(db.database()).await;
    let refused = [
        (&["--source", "old.pb", "--then", "new.pb", "--to", "81", "--then-from", "7"][..], "80"),
        (
            &["--source", "old.pb", "--then", "new.pb", "--to", "80", "--then-from", "8"],
            "--then-from 7",
        ),
        (&["--source", "old.pb"], "is to leave old after block 80"),
        (&["--source", "old.pb", "--to", "81"], "is to leave old after block 80"),
    ];
    for (options, why) in refused {
        let run = index(&env, &db, options);
        assert_eq!(run.code(), 2, "{run:?}");
        assert!(run.stderr().contains(why), "{run:?}");
    }
    assert_same(&dump(db.database()).await, &before);

    // A chain that has gone on cannot be left below.
    let db = TestDb::new().await;
    indexed(&env, &db, &["--source", "old.pb", "--to", "85"]);
    let run = index(&env, &db, &both("old.pb", "new.pb"));
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("indexed up to block 85"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_chain_is_another_one_and_begins_where_it_was_said() {
    let env = TestEnv::new();
    archives(&env);
    let db = TestDb::new().await;
    let late = ["--source", "old.pb", "--to", "80", "--then", "new.pb", "--then-from", "3"];
    let run = index(&env, &db, &late);
    assert_eq!(run.code(), 6, "{run:?}");
    assert!(run.stderr().contains("block 5 follows block 2"), "{run:?}");
    // Everything up to the switch is there.
    assert_eq!(db.number("SELECT max(height)::bigint FROM core_indexed_blocks").await, 80);

    let db = TestDb::new().await;
    let node = FakeNode::start((1..=80).map(mixed_block));
    node.state().chain_id = "old".into();
    let run = index(&env, &db, &[both("old.pb", &node.url), vec!["--then-to", "80"]].concat());
    assert_eq!(run.code(), 6, "{run:?}");
    assert!(run.stderr().contains("chain `old` too"), "{run:?}");

    indexed(&env, &db, &both("old.pb", "new.pb"));
    let run = index(&env, &db, &["--source", &node.url, "--to", "100"]);
    assert_eq!(run.code(), 6, "{run:?}");
    assert!(run.stderr().contains("`new` is being indexed"), "{run:?}");

    let status = env.run(&["status", "--json", "--db", db.url()]);
    let status: Value = serde_json::from_str(&status.stdout()).unwrap();
    let chains = status["chains"].as_array().unwrap();
    let shown =
        chains.iter().map(|it| format!("{} {} {}", it["chain"], it["committed"], it["left"]));
    assert_eq!(shown.collect::<Vec<_>>(), ["\"new\" 44 false", "\"old\" 80 true"]);
}

#[tokio::test]
async fn runs_killed_around_the_changes_leave_what_one_run_leaves() {
    let env = TestEnv::new();
    archives(&env);
    let one = TestDb::new().await;
    let started = Instant::now();
    indexed(&env, &one, &both("both.pb", "both.pb"));
    let took = started.elapsed();
    let wanted = dump(one.database()).await;

    let db = TestDb::new().await;
    let runs = [
        vec!["--source", "old.pb", "--to", "30"],
        both("part.pb", "new.pb"),
        [both("both.pb", "both.pb"), vec!["--then-to", "20"]].concat(),
        both("old.pb", "new.pb"),
    ];
    let (mut instants, mut killed) = (Instants(7), 0);
    for options in runs {
        let options = [&["index", "--batch-blocks", "3", "--db", db.url()], &*options].concat();
        for _ in 0..4 {
            let mut command = env.command(&options);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            if ended(&mut child, instants.next(took)).await.is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
            }
        }
        let run = env.run(&options);
        assert_eq!(run.code(), 0, "{run:?}");
    }
    assert!(killed > 4, "{killed} killed");
    assert_same(&dump(db.database()).await, &wanted);
}
