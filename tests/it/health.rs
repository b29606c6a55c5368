//! `/health`, `/ready` and `/metrics` of a running indexer: healthy, quiet, stalled, recovered.

use std::time::Duration;

use audius_etl::chain::core_pb::Block;

use crate::support::TestEnv;
use crate::support::blocks::{block, mixed_block};
use crate::support::db::TestDb;
use crate::support::fake_node::{FakeNode, Habit};
use crate::support::service::Service;

fn chain(heights: std::ops::RangeInclusive<i64>) -> Vec<Block> {
    heights.map(mixed_block).collect()
}

async fn follow(database: &TestDb, node: &FakeNode, options: &[&str]) -> Service {
    let args = ["index", "--era", "discovery", "--db", database.url(), "--source", &node.url];
    Service::start(TestEnv::new(), &[&args[..], options].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_at_the_head_is_healthy_and_ready() {
    let (database, node) = (TestDb::new().await, FakeNode::start(chain(1..=5)));
    let service = follow(&database, &node, &[]).await;
    let ready = service.until_status("/ready", 200).await;
    let core = &ready["chains"][0];
    assert_eq!(core["chain"], "test-chain");
    assert_eq!(
        (&core["head"], &core["committed"], &core["lag"]),
        (&5.into(), &5.into(), &0.into())
    );
    assert!(core["head_age_seconds"].as_f64().unwrap() > 0.0, "{ready}");
    assert!(ready["last_write"].is_string(), "{ready}");
    let (status, health) = service.json("/health").await;
    assert_eq!((status, &health["status"]), (200, &"ok".into()), "{health}");
    assert_eq!(service.get("/nothing").await.0, 404);
    assert_eq!(service.stop().await, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_chain_is_no_false_alarm() {
    let (database, node) = (TestDb::new().await, FakeNode::start(chain(1..=3)));
    let service = follow(&database, &node, &["--stall-fetch", "3"]).await;
    service.until_status("/ready", 200).await;
    let age =
        |health: &serde_json::Value| health["chains"][0]["head_age_seconds"].as_f64().unwrap();
    let (_, first) = service.json("/health").await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let (status, health) = service.json("/health").await;
        assert_eq!(status, 200, "{health}");
    }
    let (_, last) = service.json("/ready").await;
    assert!(age(&last) > age(&first) + 5.0, "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_answering_is_a_stall_of_fetch_until_it_answers_again() {
    let (database, node) = (TestDb::new().await, FakeNode::start(chain(1..=3)));
    let service = follow(&database, &node, &["--stall-fetch", "2"]).await;
    service.until_status("/ready", 200).await;
    node.state().habit = Habit::Fails(tonic::Code::Unavailable);
    let stalled = service.until_status("/health", 503).await;
    assert_eq!((&stalled["status"], &stalled["stage"]), (&"stalled".into(), &"fetch".into()));
    assert!(stalled["stalled_seconds"].as_f64().unwrap() > 2.0, "{stalled}");
    assert_eq!(service.json("/ready").await.0, 503);
    assert!(service.metric("audius_etl_stalled_seconds{stage=\"fetch\"}").await.unwrap() > 2.0);
    {
        let mut state = node.state();
        state.habit = Habit::Answers;
        state.push(block(4, vec![]));
    }
    service.until_status("/health", 200).await;
    while service.metric("audius_etl_committed_height{chain=\"test-chain\"}").await != Some(4.0) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.until_status("/ready", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_nothing_is_a_stall_of_write_until_it_does() {
    let (database, node) = (TestDb::new().await, FakeNode::start(chain(1..=3)));
    let service = follow(&database, &node, &["--stall-write", "1"]).await;
    service.until_status("/ready", 200).await;
    let mut holder = database.connect().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE etl_blocks IN EXCLUSIVE MODE")
        .execute(&mut holder)
        .await
        .unwrap();
    node.state().push(mixed_block(4));
    let stalled = service.until_status("/health", 503).await;
    assert_eq!(stalled["stage"], "write", "{stalled}");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    service.until_status("/health", 200).await;
    service.until_status("/ready", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_far_behind_is_alive_but_not_ready() {
    let (database, node) = (TestDb::new().await, FakeNode::start(chain(1..=3)));
    let service = follow(&database, &node, &["--ready-lag", "2"]).await;
    service.until_status("/ready", 200).await;
    // A head that is named, with blocks that do not come.
    node.state().head = 30;
    let behind = service.until_status("/ready", 503).await;
    assert!(behind["reasons"][0].as_str().unwrap().contains("27 blocks behind"), "{behind}");
    assert_eq!(behind["status"], "ok", "{behind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_what_was_done() {
    let (database, node) = (TestDb::new().await, FakeNode::start(chain(1..=5)));
    let service = follow(&database, &node, &[]).await;
    service.until_status("/ready", 200).await;
    for (name, value) in [
        ("audius_etl_committed_height{chain=\"test-chain\"}", 5.0),
        ("audius_etl_head_height{chain=\"test-chain\"}", 5.0),
        ("audius_etl_blocks_behind{chain=\"test-chain\"}", 0.0),
        ("audius_etl_blocks_total", 5.0),
        ("audius_etl_transactions_total{type=\"manage_entity\"}", 5.0),
        ("audius_etl_plays_total", 10.0),
        ("audius_etl_rows_written_total{table=\"etl_blocks\"}", 5.0),
        ("audius_etl_sanitized_values_total", 0.0),
        ("audius_etl_unwritten_rows", 0.0),
        ("audius_etl_stalled_seconds{stage=\"write\"}", 0.0),
    ] {
        assert_eq!(service.metric(name).await, Some(value), "{name}");
    }
    let (_, text) = service.get("/metrics").await;
    let rejected =
        "audius_etl_rejects_total{entity=\"Track\",action=\"Create\",outcome=\"rejected\"";
    let requests = format!(
        "audius_etl_rpc_requests_total{{chain=\"core\",endpoint=\"{}\",method=\"GetBlocks\"}}",
        node.url
    );
    for start in
        [rejected, &requests, "process_resident_memory_bytes", "audius_etl_write_seconds_bucket"]
    {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start}:\n{text}");
    }
    let answer = reqwest::get(format!("http://{}/metrics", service.address)).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_keep_to_the_conventions() {
    let (database, node) = (TestDb::new().await, FakeNode::start(chain(1..=5)));
    let service = follow(&database, &node, &[]).await;
    service.until_status("/ready", 200).await;
    let (_, text) = service.get("/metrics").await;
    service.env.write("metrics", text);
    let file = std::fs::File::open(service.env.path().join("metrics")).unwrap();
    let checked = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(file)
        .output()
        .expect("promtool comes with the package `prometheus`; scripts/setup tests installs it");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && said.is_empty(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_a_usage_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = tokio::task::spawn_blocking(move || {
        TestEnv::new().run(&[
            "index",
            "--metrics-addr",
            &address,
            "--db",
            "postgres://h/x",
            "--source",
            "-",
        ])
    });
    let run = run.await.unwrap();
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("--metrics-addr has to be free"), "{run:?}");
}
