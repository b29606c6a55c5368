//! A signal while the program waits for somebody else: it ends soon, with code 130, whatever it was
//! waiting for, and says what it waits for.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::support::db::TestDb;
use crate::support::{Run, TestEnv};

/// Nothing that is waited for here ever comes; only a program that does not obey takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the binary, sends it `signal` once it has said `sign`, and returns its end.
async fn stopped_at(env: &TestEnv, args: &[&str], sign: &str, signal: &str) -> Run {
    let said = env.path().join("said");
    let mut command = env.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.stderr(std::fs::File::create(&said).unwrap()).spawn().unwrap();
    let begun = Instant::now();
    while !std::fs::read_to_string(&said).unwrap().contains(sign) {
        let log = std::fs::read_to_string(&said).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "ended by itself: {log}");
        assert!(begun.elapsed() < PATIENCE, "no `{sign}`: {log}");
        sleep(Duration::from_millis(20)).await;
    }
    send(&child, signal);
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "{args:?} goes on");
        sleep(Duration::from_millis(20)).await;
    }
    let mut output = child.wait_with_output().unwrap();
    output.stderr = std::fs::read(&said).unwrap();
    Run::new(output, env)
}

fn send(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
}

fn assert_interrupted(run: &Run) {
    assert_eq!(run.code(), 130, "{run:?}");
    assert!(run.stderr().contains("error: interrupted"), "{run:?}");
}

#[tokio::test]
async fn the_lock_of_migrations_is_not_waited_for_after_a_signal() {
    let (env, db) = (TestEnv::new(), TestDb::empty().await);
    let mut other = db.connect().await;
    sqlx::query("SELECT pg_advisory_lock(7310587337973982573)").execute(&mut other).await.unwrap();
    let args = ["migrate", "--db", db.url()];
    for signal in ["-TERM", "-INT", "-HUP"] {
        assert_interrupted(&stopped_at(&env, &args, "waiting for it", signal).await);
    }
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_not_waited_for_after_a_signal() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    // Accepts connections and never says a word.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    let ethereum = ["index", "--db", db.url(), "--eth-http", &url, "--eth-ws", "off"];
    let core = ["index", "--db", db.url(), "--source", &url];
    let sweep = ["sweep", "--db", db.url(), "--eth-http", &url, "--once"];
    for args in [&ethereum[..], &core, &sweep] {
        assert_interrupted(&stopped_at(&env, args, "waiting for", "-TERM").await);
    }
}

#[tokio::test]
async fn the_first_block_of_standard_input_is_not_waited_for_after_a_signal() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    let args = ["index", "--db", db.url(), "--source", "-"];
    assert_interrupted(&stopped_at(&env, &args, "waiting for", "-TERM").await);
}

#[tokio::test]
async fn the_lock_of_the_writer_is_not_waited_for_after_a_signal() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    let mut other = db.connect().await;
    let lock = "SELECT pg_advisory_lock((1634038892::bigint << 32) | oid::bigint) \
                FROM pg_database WHERE datname = current_database()";
    sqlx::query(lock).execute(&mut other).await.unwrap();
    env.write("empty.jsonl", "");
    let args = ["index", "--db", db.url(), "--source", "empty.jsonl", "--wait-lock"];
    assert_interrupted(&stopped_at(&env, &args, "waiting for it", "-TERM").await);
}

#[tokio::test]
async fn the_lock_of_the_private_cluster_is_told_of_and_not_waited_for_after_a_signal() {
    let env = TestEnv::new();
    assert_eq!(env.run(&["status"]).code(), 0);
    let lock = std::fs::File::open(env.path().join(".audius-etl/postgres/start.lock")).unwrap();
    lock.lock().unwrap();
    assert_interrupted(&stopped_at(&env, &["status"], "waiting for its lock", "-TERM").await);
}

#[tokio::test]
async fn nohup_keeps_a_hangup_from_ending_the_program() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    let (said, url) = (env.path().join("said"), db.url().to_owned());
    let binary = env.command::<&str>(&[]).get_program().to_owned();
    let mut command = Command::new("nohup");
    command.arg(binary).args(["index", "--db", &url, "--source", "-"]).current_dir(env.path());
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.stderr(std::fs::File::create(&said).unwrap()).spawn().unwrap();
    let begun = Instant::now();
    while !std::fs::read_to_string(&said).unwrap().contains("waiting for") {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20)).await;
    }
    send(&child, "-HUP");
    // Standard input ends, and with it the run, which is a good end.
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
