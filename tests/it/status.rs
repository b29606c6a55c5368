//! `status`: how a database stands, with and without a running indexer.

use serde_json::Value;

use crate::support::blocks::mixed_block;
use crate::support::db::TestDb;
use crate::support::fake_node::FakeNode;
use crate::support::service::Service;
use crate::support::{Run, TestEnv};

async fn status(database: &TestDb, options: &[&str]) -> Run {
    let args = [&["status", "--db", database.url()], options].concat();
    let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    tokio::task::spawn_blocking(move || TestEnv::new().run(&args)).await.unwrap()
}

async fn json(database: &TestDb) -> Value {
    let run = status(database, &["--json"]).await;
    assert_eq!(run.code(), 0, "{run:?}");
    serde_json::from_str(&run.stdout()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_tables_has_no_chain_and_no_schema() {
    let database = TestDb::empty().await;
    let found = json(&database).await;
    assert_eq!(found["chains"], Value::Array(Vec::new()));
    assert_eq!((&found["schema"]["version"], &found["writer"]), (&0.into(), &Value::Null));
    assert!(found["schema"]["pending"].as_u64().unwrap() > 5, "{found}");
    assert_eq!(status(&database, &[]).await.code(), 0);
    let stale = status(&database, &["--max-age", "1h"]).await;
    assert_eq!(stale.code(), 1, "{stale:?}");
    assert!(stale.stdout().contains("stale: no chain was ever indexed here"), "{stale:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn heights_writer_and_sizes_are_read_while_an_indexer_runs() {
    let (database, node) = (TestDb::new().await, FakeNode::start((1..=5).map(mixed_block)));
    let args = ["index", "--era", "discovery", "--db", database.url(), "--source", &node.url];
    let service = Service::start(TestEnv::new(), &args).await;
    service.until_status("/ready", 200).await;
    let found = json(&database).await;
    let chain = &found["chains"][0];
    assert_eq!(chain["chain"], "test-chain");
    assert_eq!(
        (&chain["head"], &chain["committed"], &chain["lag"]),
        (&5.into(), &5.into(), &0.into())
    );
    assert_eq!(chain["events_processed"], 15);
    assert!(chain["age_seconds"].as_f64().unwrap() > 0.0, "{found}");
    assert!(found["writer"]["application"].as_str().unwrap().starts_with("audius-etl writer"));
    let tables = found["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table["table"] == "etl_transactions"), "{found}");
    let shown = status(&database, &[]).await.stdout();
    assert!(shown.contains("test-chain") && shown.contains("audius-etl writer, pid"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 200), "{shown}");
    service.stop().await;
    assert_eq!(json(&database).await["writer"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_older_than_allowed_ends_with_code_1() {
    let database = TestDb::new().await;
    let insert = |age: &str| {
        format!(
            "DELETE FROM audius_etl_checkpoints;
             INSERT INTO audius_etl_checkpoints VALUES
                 (1, 'c', 7, 'aa', (now() AT TIME ZONE 'UTC') - interval '{age}', NULL)"
        )
    };
    database.execute(&insert("5 minutes")).await;
    assert_eq!(status(&database, &["--max-age", "10m"]).await.code(), 0);
    let stale = status(&database, &["--max-age", "2m"]).await;
    assert_eq!(stale.code(), 1, "{stale:?}");
    assert!(stale.stdout().contains("stale: the newest block of c is 5 min"), "{stale:?}");
    assert_eq!(status(&database, &[]).await.code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_balance_and_the_queue_are_shown() {
    let database = TestDb::new().await;
    database
        .execute(
            "INSERT INTO eth_wallet_balances (wallet, updated_at) VALUES
                 ('0xaa', (now() AT TIME ZONE 'UTC') - interval '3 hours'),
                 ('0xbb', now() AT TIME ZONE 'UTC');
             INSERT INTO audius_etl_eth_retries (wallet, reason, next_at) VALUES
                 ('0xcc', 'x', now() - interval '1 minute'), ('0xdd', 'x', now() + interval '1 hour')",
        )
        .await;
    let found = json(&database).await;
    let balances = &found["balances"];
    assert_eq!(balances["oldest_wallet"], "0xaa");
    assert!((10_700.0..10_900.0).contains(&balances["oldest_seconds"].as_f64().unwrap()));
    assert_eq!((&balances["waiting"], &balances["due"]), (&2.into(), &1.into()));
    assert_eq!(found["last_hour"]["balances_read"], 1);
    assert_eq!(status(&database, &["--max-balance-age", "4h"]).await.code(), 0);
    let stale = status(&database, &["--max-balance-age", "2h"]).await;
    assert_eq!(stale.code(), 1, "{stale:?}");
    assert!(stale.stdout().contains("oldest       0xaa, read 3 h ago"), "{stale:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_hour_is_counted_by_block_time() {
    let database = TestDb::new().await;
    database
        .execute(
            "INSERT INTO etl_blocks (proposer_address, block_height, block_time) VALUES
                 ('p', 1, (now() AT TIME ZONE 'UTC') - interval '2 hours'),
                 ('p', 2, (now() AT TIME ZONE 'UTC') - interval '10 minutes');
             INSERT INTO etl_transactions
                 (tx_hash, block_height, tx_index, tx_type, created_at) VALUES
                 ('a', 1, 0, 'manage_entity', now()), ('b', 2, 0, 'manage_entity', now()),
                 ('c', 2, 1, 'play', now())",
        )
        .await;
    let hour = json(&database).await["last_hour"].clone();
    assert_eq!((&hour["blocks"], &hour["transactions"]), (&1.into(), &2.into()));
    assert_eq!(hour["entity_transactions"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_ends_with_code_3() {
    let run = tokio::task::spawn_blocking(|| {
        TestEnv::new().run(&["status", "--db", "postgres://u:hunter2@127.0.0.1:1/x"])
    });
    let run = run.await.unwrap();
    assert_eq!(run.code(), 3, "{run:?}");
    assert!(!run.stderr().contains("hunter2"), "{run:?}");
}
