//! Nodes and connections that fail.

use std::time::Duration;

use serde_json::json;

use super::Desk;
use crate::support::fault_proxy::{Dialect, FaultProxy, Socket, Verdict};

/// Follows through a proxy while blocks come, breaks something, heals it, and expects all to be
/// right.
async fn survives(breaks: impl AsyncFn(&Desk, &FaultProxy)) {
    let desk = Desk::new(30).await;
    let proxy = FaultProxy::start(desk.anvil.port()).await;
    let following = desk.follow_through(&proxy).await;
    desk.mine_churn(3, 30, 3, 20).await;
    desk.settle(&following).await;
    breaks(&desk, &proxy).await;
    proxy.heal();
    desk.finish(following).await;
}

/// Blocks with transfers, so fast that some fall into every state of the fault.
async fn blocks(desk: &Desk, seed: u64) {
    for block in 0..8 {
        desk.mine_churn(1, 30, 3, seed + block).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

async fn survives_socket(socket: Socket) {
    survives(async |desk, proxy| {
        proxy.state().socket = socket;
        blocks(desk, 30).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_may_fall_silent() {
    survives_socket(Socket::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_may_drop() {
    survives_socket(Socket::Closed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_may_say_everything_twice() {
    survives_socket(Socket::Twice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_may_say_things_in_another_order() {
    survives_socket(Socket::Swapped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_may_lose_every_other_message() {
    survives_socket(Socket::Lossy).await;
}

/// Answers every `n`th call with `verdict`.
fn every(n: usize, verdict: Verdict) -> impl FnMut(&crate::support::fault_proxy::Call) -> Verdict {
    let mut count = 0;
    move |_| {
        count += 1;
        if count % n == 0 { verdict.clone() } else { Verdict::Pass }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_ask_for_patience() {
    survives(async |desk, proxy| {
        let busy = Verdict::Http(429, vec![("retry-after", "0".to_owned())], "busy".to_owned());
        proxy.judge(every(3, busy));
        blocks(desk, 40).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_fail_in_every_way_at_once() {
    survives(async |desk, proxy| {
        let mut count = 0;
        proxy.judge(move |_| {
            count += 1;
            match count % 11 {
                3 => Verdict::Http(500, Vec::new(), "ill".to_owned()),
                5 => Verdict::Reset,
                7 => Verdict::Garbage,
                9 => Verdict::error(-32_000, "something else"),
                _ => Verdict::Pass,
            }
        });
        blocks(desk, 50).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_hang() {
    survives(async |desk, proxy| {
        proxy.first(2, "eth_call", Verdict::Hang);
        blocks(desk, 60).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_be_away_for_longer_than_requests_are_repeated() {
    survives(async |desk, proxy| {
        proxy.judge(|_| Verdict::Reset);
        blocks(desk, 70).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_lag_behind_itself() {
    survives(async |desk, proxy| {
        let mut count = 0_u64;
        for block in 0..10 {
            count += 1;
            proxy.state().lag = if count.is_multiple_of(2) { 3 } else { 0 };
            desk.mine_churn(1, 30, 3, 80 + block).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_says_there_are_no_logs_is_not_believed_for_ever() {
    survives(async |desk, proxy| {
        proxy.judge(|call| match call.method.as_str() {
            "eth_getLogs" => Verdict::Result(json!([])),
            _ => Verdict::Pass,
        });
        blocks(desk, 90).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy.heal();
        // Until the doubtful blocks have been looked at once more.
        let right = async {
            while desk.db.number("SELECT count(*) FROM eth_wallet_balances WHERE balance > 0").await
                < 5
                || !matches(desk).await
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(super::LONG, right).await.unwrap();
    })
    .await;
}

/// Whether what is stored is what the node says at its head.
async fn matches(desk: &Desk) -> bool {
    let stored = desk.stored().await;
    let provider = desk.anvil.provider().await;
    let at = provider.head().await.unwrap().block();
    let wallets: Vec<_> = stored.keys().copied().collect();
    let read = provider.balances(&wallets, at).await.unwrap();
    wallets.iter().zip(read).all(|(wallet, balance)| {
        balance.known().is_some_and(|wei| wei.to_string() == stored[wallet].to_string())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_may_be_limited_in_every_dialect() {
    let desk = Desk::new(30).await;
    desk.catch_up().await;
    for (number, dialect) in Dialect::ALL.into_iter().enumerate() {
        desk.mine_churn(110, 30, 1, 100 + number as u64).await;
        let proxy = FaultProxy::start(desk.anvil.port()).await;
        proxy.judge(dialect.limit(17));
        let following = desk.follow_through(&proxy).await;
        desk.finish(following).await;
        let mut failed: Vec<_> =
            proxy.ranges().into_iter().filter(|(from, to)| to - from + 1 > 17).collect();
        let asked = failed.len();
        failed.dedup();
        assert_eq!(failed.len(), asked, "{dialect:?}: no range that failed is asked for again");
    }
}
