//! Chains that change their mind.

use std::time::Duration;

use super::{Desk, balance};
use crate::support::anvil::holder;

/// Follows a chain with transfers in its last `depth` blocks, then replaces those blocks.
async fn survives(depth: u64) {
    let desk = Desk::new(40).await;
    let following = desk.follow().await;
    desk.mine_churn(20, 40, 4, depth).await;
    desk.settle(&following).await;
    desk.anvil.reorg(depth).await;
    desk.settle(&following).await;
    assert!(following.status().reorganisations >= 1);
    let orphaned = format!(
        "SELECT count(*) FROM eth_wallet_balances WHERE blocknumber > {}",
        desk.anvil.head().await - depth
    );
    assert_eq!(desk.db.number(&orphaned).await, 0, "blocks that are gone are no longer named");
    desk.mine_churn(3, 40, 4, 77).await;
    desk.finish(following).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_block_at_the_same_height_is_noticed() {
    survives(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_blocks_are_replaced() {
    survives(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_blocks_are_replaced() {
    survives(12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_replaced_right_after_catching_up() {
    let desk = Desk::new(60).await;
    desk.catch_up().await;
    desk.mine_churn(100, 60, 3, 8).await;
    desk.catch_up().await;
    desk.assert_right().await;
    desk.anvil.reorg(12).await;
    let following = desk.follow().await;
    desk.finish(following).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_replaced_while_nobody_looks_deeper_than_the_history_goes() {
    let mut desk = Desk::new(30).await;
    desk.mine_churn(2, 30, 3, 9).await;
    desk.catch_up().await;
    // All that is known is the checkpoint of the first start.
    desk.config.window = 4;
    desk.anvil.mint(holder(3), 1_000).await;
    desk.anvil.mine(1).await;
    desk.catch_up().await;
    assert!(balance(&desk, 3).await >= 1_000);
    desk.anvil.reorg(3).await;
    let following = desk.follow().await;
    desk.finish(following).await;
    assert!(balance(&desk, 3).await < 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_nothing_tells_of_is_noticed() {
    let desk = Desk::new(20).await;
    let following = desk.follow().await;
    desk.mine_churn(6, 20, 4, 10).await;
    desk.settle(&following).await;
    desk.anvil.rollback(2).await;
    desk.settle(&following).await;
    assert!(following.status().reorganisations >= 1);
    desk.finish(following).await;
}

/// Takes two blocks away without a word, then brings others with a pause between them.
async fn survives_rollback_with_pause(pause: Duration) {
    let desk = Desk::new(20).await;
    let following = desk.follow().await;
    desk.mine_churn(6, 20, 4, 11).await;
    desk.settle(&following).await;
    desk.anvil.rollback(2).await;
    for block in 0..5 {
        desk.churn(20, 2, 12 + block).await;
        desk.anvil.mine(1).await;
        tokio::time::sleep(pause).await;
    }
    desk.finish(following).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_followed_by_blocks_50_ms_apart_is_noticed() {
    survives_rollback_with_pause(Duration::from_millis(50)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_followed_by_blocks_500_ms_apart_is_noticed() {
    survives_rollback_with_pause(Duration::from_millis(500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_read_at_a_block_that_is_gone_is_read_again() {
    let desk = Desk::new(5).await;
    let following = desk.follow().await;
    desk.settle(&following).await;
    let head = desk.anvil.head().await;
    // A sweep that was slow: its block was replaced before it wrote.
    desk.db
        .execute(&format!(
            "UPDATE eth_wallet_balances SET balance = 666
                 WHERE wallet = (SELECT min(wallet) FROM eth_wallet_balances);
             INSERT INTO audius_etl_eth_read_blocks VALUES ({0}, '0xgone');
             UPDATE audius_etl_eth_reads SET read_block = {0}, read_hash = '0xgone'
                 WHERE wallet = (SELECT min(wallet) FROM eth_wallet_balances)",
            head + 1
        ))
        .await;
    desk.mine_churn(2, 5, 1, 13).await;
    desk.finish(following).await;
}
