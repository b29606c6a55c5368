//! The process is killed at any moment, and started again.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Desk;

/// Starts the built program on the desk's node and database.
fn index(desk: &Desk, once: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audius-etl"));
    command
        .env_clear()
        .args(["index", "--db", desk.db.url(), "--eth-poll", "0.02", "--eth-ws", "off", "-q"])
        .args(desk.anvil.options(None))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if once {
        command.arg("--once");
    }
    command.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_any_two_steps_it_goes_on_where_it_was() {
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
