//! The process is killed at any moment, and started again.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Desk;
use crate::support::fault_proxy::{FaultProxy, Verdict};

/// Starts the built program on the desk's node and database.
fn index(desk: &Desk, once: bool) -> Child {
    index_through(desk, None, once)
}

/// The same, with the node at this URL.
fn index_through(desk: &Desk, url: Option<&str>, once: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audius-etl"));
    command
        .env_clear()
        .args([
            "index",
            "--era",
            "discovery",
            "--db",
            desk.db.url(),
            "--eth-poll",
            "0.02",
            "--eth-ws",
            "off",
            "-q",
        ])
        .args(desk.anvil.options(url))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if once {
        command.arg("--once");
    }
    command.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_goes_on_where_it_was() {
    let desk = Desk::new(60).await;
    desk.catch_up().await;
    for round in 0..8_u64 {
        let mut child = index(&desk, false);
        for block in 0..6 {
            desk.mine_churn(1, 60, 4, 200 + round * 10 + block).await;
            tokio::time::sleep(Duration::from_millis(5 + 9 * round)).await;
        }
        if round % 3 == 2 {
            desk.anvil.reorg(3).await;
            tokio::time::sleep(Duration::from_millis(4 * round)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = index(&desk, true).wait_with_output().unwrap();
    assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));
    assert_eq!(desk.waiting().await, 0);
    desk.assert_right().await;
    assert_eq!(desk.checkpoint().await.number, desk.anvil.head().await);
}

/// Kills the program `delay` after its call number `call`, or lets it end where it makes fewer
/// calls. Returns whether it was killed.
async fn kill_at(desk: &Desk, proxy: &FaultProxy, call: usize, delay: Duration) -> bool {
    let (reached, mut is_reached) = tokio::sync::mpsc::channel(1);
    let mut calls = 0;
    proxy.judge(move |_| {
        calls += 1;
        if calls == call {
            let _the_program_may_be_gone = reached.try_send(());
        }
        Verdict::Pass
    });
    let mut child = index_through(desk, Some(&proxy.url()), true);
    let killed = loop {
        if child.try_wait().unwrap().is_some() {
            break false;
        }
        let waited = tokio::time::timeout(Duration::from_millis(20), is_reached.recv()).await;
        if matches!(waited, Ok(Some(()))) {
            tokio::time::sleep(delay).await;
            break child.kill().is_ok();
        }
    };
    let status = child.wait().unwrap();
    assert!(killed || status.success(), "{status}");
    killed
}

/// After every call that the program makes, while it catches up with new blocks and goes back after
/// a reorganisation: at once, and after the time in which it writes.
#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_of_its_calls_it_goes_on_where_it_was() {
    let desk = Desk::new(40).await;
    let proxy = FaultProxy::start(desk.anvil.port()).await;
    desk.catch_up().await;
    let mut killed = 0;
    for call in 1.. {
        let mut any = false;
        for (round, delay) in [0, 4, 12].into_iter().enumerate() {
            desk.mine_churn(2, 40, 3, (900 + call as u64) * 3 + round as u64).await;
            if (call + round) % 2 == 0 {
                desk.anvil.reorg(2).await;
            }
            any |= kill_at(&desk, &proxy, call, Duration::from_millis(delay)).await;
        }
        killed += usize::from(any);
        proxy.judge(|_| Verdict::Pass);
        let last = index(&desk, true).wait_with_output().unwrap();
        assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));
        assert_eq!(desk.waiting().await, 0, "after call {call}");
        desk.assert_right().await;
        assert_eq!(desk.checkpoint().await.number, desk.anvil.head().await);
        if !any {
            break;
        }
    }
    assert!(killed >= 10, "it makes only {killed} calls");
}
