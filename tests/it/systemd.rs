//! Word to the service manager, under a socket that stands in for systemd.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::support::TestEnv;
use crate::support::blocks::mixed_block;
use crate::support::db::TestDb;
use crate::support::fake_node::{FakeNode, Habit};
use crate::support::service::{PATIENCE, Service};

/// Reads messages until one has all the words; returns it.
fn until(socket: &UnixDatagram, words: &[&str]) -> String {
    let begun = Instant::now();
    let mut buffer = [0; 1_024];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or(0);
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if words.iter().all(|word| text.contains(word)) {
            return text;
        }
        assert!(begun.elapsed() < PATIENCE, "no message with {words:?}, the last was {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_hears_when_the_service_is_up_alive_stalled_and_stopping() {
    let (database, node) = (TestDb::new().await, FakeNode::start((1..=3).map(mixed_block)));
    let mut env = TestEnv::new();
    let path = env.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    env.set("NOTIFY_SOCKET", path.to_str().unwrap()).set("WATCHDOG_USEC", "400000");
    let args = [
        "index",
        "--era",
        "discovery",
        "--db",
        database.url(),
        "--source",
        &node.url,
        "--stall-fetch",
        "1",
    ];
    let service = Service::start(env, &args).await;

    assert_eq!(until(&socket, &["READY=1"]), "READY=1");
    until(&socket, &["WATCHDOG=1", "STATUS=test-chain at 3, 0 behind"]);

    node.state().habit = Habit::Fails(tonic::Code::Unavailable);
    let stalled = until(&socket, &["STATUS=fetch stalled"]);
    assert!(!stalled.contains("WATCHDOG=1"), "a stalled service is not kept alive: {stalled}");

    node.state().habit = Habit::Answers;
    until(&socket, &["WATCHDOG=1", "STATUS=test-chain"]);
    assert_eq!(service.stop().await, 130);
    until(&socket, &["STOPPING=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_not_there_is_no_reason_to_fail() {
    let (database, node) = (TestDb::new().await, FakeNode::start((1..=3).map(mixed_block)));
    let mut env = TestEnv::new();
    env.set("NOTIFY_SOCKET", "/nowhere/notify");
    let args = ["index", "--era", "discovery", "--db", database.url(), "--source", &node.url];
    let service = Service::start(env, &args).await;
    service.until_status("/ready", 200).await;
    assert_eq!(service.stop().await, 130);
}
