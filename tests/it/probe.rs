//! `probe` over good, lame and dead nodes.

use serde_json::Value;

use crate::support::anvil::Anvil;
use crate::support::blocks::mixed_block;
use crate::support::fake_node::{FakeNode, StreamHabit};
use crate::support::fault_proxy::{FaultProxy, Verdict};
use crate::support::{Run, TestEnv};

async fn probe(args: &[&str]) -> Run {
    let args: Vec<String> =
        [&["probe", "--patience", "3"], args].concat().into_iter().map(str::to_owned).collect();
    tokio::task::spawn_blocking(move || TestEnv::new().run(&args)).await.unwrap()
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout()).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn core_nodes_are_compared_with_one_another() {
    let best = FakeNode::start((1..=60).map(mixed_block));
    best.state().stream = StreamHabit::Complete;
    let behind = FakeNode::start((1..=50).map(mixed_block));
    behind.state().grpc = false;
    let dead = "http://user:hunter2@127.0.0.1:1";
    let args = ["--json", "--source", &best.url, "--source", &behind.url, "--source", dead];
    let run = probe(&args).await;
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(!format!("{run:?}").contains("hunter2"));
    let found = json(&run)["core"].clone();
    assert_eq!((&found[0]["usable"], &found[0]["protocol"]), (&true.into(), &"grpc".into()));
    assert_eq!((&found[0]["head"], &found[0]["behind_best"]), (&60.into(), &0.into()));
    assert_eq!(
        (&found[0]["chain_id"], &found[0]["get_block"]),
        (&"test-chain".into(), &"yes".into())
    );
    assert_eq!(found[0]["get_blocks"], "60 heights");
    assert!(
        found[0]["stream_blocks"].as_str().unwrap().starts_with("first block after"),
        "{found}"
    );
    assert_eq!((&found[1]["protocol"], &found[1]["behind_best"]), (&"connect".into(), &10.into()));
    assert_eq!(found[1]["stream_blocks"], "no, needs gRPC");
    assert_eq!((&found[2]["usable"], &found[2]["head"]), (&false.into(), &Value::Null));
    assert!(found[2]["problem"].as_str().unwrap().contains("refused"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_node_the_code_is_4() {
    let run = probe(&["--source", "http://127.0.0.1:1"]).await;
    assert_eq!(run.code(), 4, "{run:?}");
    assert!(run.stdout().contains("not usable") && run.stderr().contains("no core node is usable"));
    let nothing = probe(&[]).await;
    assert_eq!(nothing.code(), 2, "{nothing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_ethereum_endpoints_are_found() {
    let anvil = Anvil::start().await;
    anvil.mine(150).await;
    let limited = FaultProxy::start(anvil.port()).await;
    limited.judge(|call| match call.range() {
        Some((from, to)) if to - from >= 100 => Verdict::error(-32_602, "block range is too wide"),
        _ => Verdict::Pass,
    });
    let rated = FaultProxy::start(anvil.port()).await;
    rated.judge(|_| {
        Verdict::Http(429, vec![("retry-after", "7".to_owned())], "too many requests".to_owned())
    });
    let good = anvil.url();
    let multicall = anvil.contracts.multicall.to_string();
    let audio = anvil.contracts.audio.to_string();
    let run = probe(&[
        "--json",
        "--eth-chain-id",
        "31337",
        "--eth-audio-contract",
        &audio,
        "--eth-multicall-contract",
        &multicall,
        "--eth-http",
        &good,
        "--eth-http",
        &limited.url(),
        "--eth-http",
        &rated.url(),
        "--eth-http",
        "http://127.0.0.1:1",
    ])
    .await;
    assert_eq!(run.code(), 0, "{run:?}");
    let found = json(&run)["ethereum"].clone();
    let usable: Vec<_> = (0..4).map(|index| found[index]["usable"].as_bool().unwrap()).collect();
    assert_eq!(usable, [true, true, false, false], "{found}");
    assert_eq!(found[0]["chain_id"], 31_337);
    assert_eq!(
        (&found[0]["log_limit"], &found[0]["multicall_limit"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(found[0]["multicall_holders"], 1_000, "{found}");
    assert_eq!(found[1]["log_span"], 100, "{found}");
    assert!(found[1]["log_limit"].as_str().unwrap().contains("too wide"), "{found}");
    assert!(found[2]["problem"].as_str().unwrap().contains("retry after 7 s"), "{found}");
    assert!(found[3]["problem"].is_string(), "{found}");
}
