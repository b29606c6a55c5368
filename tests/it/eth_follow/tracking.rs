//! Which wallets are followed, and those that cannot be read.

use super::{Desk, balance};
use crate::support::anvil::{holder, wallet};

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_is_tracked_later_gets_its_balance() {
    let desk = Desk::new(2).await;
    desk.anvil.mint(holder(7), 70).await;
    desk.anvil.mine(1).await;
    let following = desk.follow().await;
    desk.settle(&following).await;
    assert!(!desk.stored().await.contains_key(&holder(7)));
    desk.add_users(7, 8).await;
    let seen = async {
        while !desk.stored().await.contains_key(&holder(7)) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::LONG, seen).await.unwrap();
    desk.finish(following).await;
    assert_eq!(balance(&desk, 7).await, 70);
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_wallets_count_for_their_user_and_unlinked_ones_no_longer() {
    let desk = Desk::new(2).await;
    for number in [1, 50] {
        desk.anvil.mint(holder(number), number).await;
    }
    desk.anvil.mine(1).await;
    let link = |is_delete: bool, block: u32| {
        format!(
            "INSERT INTO blocks (blockhash, number, is_current) VALUES ('l{block}', {block}, false);
             INSERT INTO associated_wallets
                 (user_id, wallet, blockhash, blocknumber, is_current, is_delete, chain)
             VALUES (1001, '{}', 'l', {block}, true, {is_delete}, 'eth')
             ON CONFLICT (user_id, wallet, chain) DO UPDATE
                 SET is_delete = excluded.is_delete, blocknumber = excluded.blocknumber",
            wallet(50)
        )
    };
    let total = async |wanted: i64| {
        let reached = async {
            let total = "SELECT coalesce((SELECT balance FROM eth_user_balances WHERE user_id = 1001), -1)::bigint";
            while desk.db.number(total).await != wanted {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(super::LONG, reached).await.unwrap();
    };
    let following = desk.follow().await;
    total(1).await;
    desk.db.execute(&link(false, 100)).await;
    total(51).await;
    desk.anvil.mint(holder(50), 9).await;
    desk.anvil.mine(1).await;
    total(60).await;
    desk.db.execute(&link(true, 101)).await;
    total(1).await;
    desk.finish(following).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_cannot_be_read_keeps_its_balance_and_is_tried_again() {
    let desk = Desk::new(3).await;
    desk.anvil.mint(holder(1), 10).await;
    desk.anvil.mine(1).await;
    let following = desk.follow().await;
    desk.settle(&following).await;
    desk.anvil.set_mode(holder(1), 1).await;
    desk.anvil.mine(1).await;
    desk.anvil.mint(holder(1), 5).await;
    desk.anvil.mint(holder(2), 6).await;
    desk.anvil.mine(1).await;
    let event = i64::try_from(desk.anvil.head().await).unwrap();
    let listed = async {
        while desk.waiting().await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::LONG, listed).await.unwrap();
    assert_eq!((balance(&desk, 1).await, balance(&desk, 2).await), (10, 6));
    following.stop().await;
    let reason = desk.db.texts("SELECT reason FROM audius_etl_eth_retries").await;
    assert_eq!(reason, ["balanceOf failed: revert: broken"]);
    // The list is in the database: another run takes it up, and the event is not forgotten.
    desk.anvil.set_mode(holder(1), 0).await;
    desk.anvil.mine(1).await;
    let following = desk.follow().await;
    desk.finish(following).await;
    assert_eq!(balance(&desk, 1).await, 15);
    assert_eq!(desk.event_block(1).await, event);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_of_productions_keeps_the_totals_and_nothing_is_added() {
    let desk = Desk::new(2).await;
    desk.db
        .execute(
            "CREATE FUNCTION handle_eth_wallet_balance_change() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN RETURN NULL; END';
             CREATE TRIGGER on_eth_wallet_balance_changes AFTER INSERT OR UPDATE
                 ON eth_wallet_balances FOR EACH ROW
                 EXECUTE FUNCTION handle_eth_wallet_balance_change()",
        )
        .await;
    desk.anvil.mint(holder(1), 10).await;
    desk.anvil.mine(1).await;
    desk.catch_up().await;
    assert_eq!(balance(&desk, 1).await, 10);
    assert_eq!(desk.db.number("SELECT count(*) FROM eth_user_balances").await, 0);
}
