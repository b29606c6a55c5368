//! What events do to balances.

use alloy::primitives::{Address, U256};
use serde_json::json;

use super::{Desk, balance};
use crate::support::anvil::{Mocks, holder};

/// Lets a holder pay and spend through the staking contract.
async fn open_account(desk: &Desk, account: Address, tokens: u64) {
    let anvil = &desk.anvil;
    anvil.play(account).await;
    anvil.mint(account, tokens).await;
    let approve = Mocks::approveCall { s: anvil.contracts.staking, v: U256::MAX };
    anvil.send_from(account, anvil.contracts.audio, &approve).await;
    anvil.mine(1).await;
}

/// Stakes, delegations, claims and slashes by holders `sp` to `sp + 3`.
async fn stake_and_slash(desk: &Desk, sp: u64) {
    let anvil = &desk.anvil;
    let contracts = anvil.contracts;
    let (provider, one, two) = (holder(sp), holder(sp + 1), holder(sp + 2));
    for account in [provider, one, two] {
        open_account(desk, account, 100_000).await;
    }
    let amount = U256::from(40_000);
    anvil.send_from(provider, contracts.staking, &Mocks::stakeCall { v: amount }).await;
    for delegator in [one, two] {
        let call = Mocks::delegateStakeCall { sp: provider, v: U256::from(20_000) };
        anvil.send_from(delegator, contracts.delegate_manager, &call).await;
    }
    anvil.mine(1).await;
    let undelegate = Mocks::undelegateStakeCall { sp: provider, v: U256::from(5_000) };
    anvil.send_from(two, contracts.delegate_manager, &undelegate).await;
    anvil.mine(1).await;
    // The rewards come from the manager; nobody whose balance changes is named by a Transfer.
    anvil.mint(contracts.delegate_manager, 9_000).await;
    anvil.mine(1).await;
    let claim = Mocks::claimRewardsCall { sp: provider, rewards: U256::from(9_000) };
    anvil.send(contracts.delegate_manager, &claim).await;
    anvil.mine(1).await;
    let slash = Mocks::slashCall { sp: provider, v: U256::from(8_000) };
    anvil.send(contracts.delegate_manager, &slash).await;
    anvil.mine(1).await;
    let unstake = Mocks::unstakeCall { v: U256::from(1_000) };
    anvil.send_from(provider, contracts.staking, &unstake).await;
    anvil.mine(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_holders_are_right_after_transfers_stakes_claims_and_slashes() {
    let desk = Desk::new(10_000).await;
    // Some have tokens before anybody looks.
    desk.mine_churn(5, 10_000, 800, 1).await;
    let following = desk.follow().await;
    desk.settle(&following).await;
    desk.mine_churn(10, 10_000, 100, 2).await;
    stake_and_slash(&desk, 100).await;
    stake_and_slash(&desk, 200).await;
    desk.mine_churn(5, 10_000, 100, 3).await;
    desk.settle(&following).await;
    assert_eq!(desk.stored().await.len(), 10_000);
    desk.finish(following).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reaches_the_delegators_whom_no_transfer_names() {
    let desk = Desk::new(4).await;
    let following = desk.follow().await;
    stake_and_slash(&desk, 1).await;
    desk.finish(following).await;
    // 100,000 each; half of the rewards of 9,000 went to two delegators, and the slash took its
    // share of what they had delegated.
    assert!(balance(&desk, 2).await > 100_000 && balance(&desk, 3).await > 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_between_two_runs_is_caught_up_with() {
    let desk = Desk::new(300).await;
    desk.catch_up().await;
    // More than the window, so that the lower part is read in one go.
    desk.mine_churn(90, 300, 5, 4).await;
    let following = desk.follow().await;
    desk.finish(following).await;
    let highest = "SELECT max(blocknumber) FROM eth_wallet_balances";
    assert_eq!(desk.db.number(highest).await, i64::try_from(desk.anvil.head().await).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_stores_a_checkpoint_at_once_and_replays_nothing() {
    let desk = Desk::new(2).await;
    desk.mine_churn(3, 2, 2, 5).await;
    let head = desk.anvil.head().await;
    desk.catch_up().await;
    assert_eq!(desk.checkpoint().await.number, head);
    desk.assert_right().await;
    assert_eq!(desk.event_block(0).await, -1, "a balance that no event was seen for has no block");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_s_checkpoint_is_where_a_first_start_goes_on() {
    let desk = Desk::new(2).await;
    let known = desk.anvil.head().await;
    desk.anvil.mint(holder(1), 5).await;
    desk.anvil.mine(3).await;
    desk.db
        .execute(&format!(
            "INSERT INTO eth_indexer_checkpoints (name, last_block) VALUES ('audio_transfers', {known})"
        ))
        .await;
    let following = desk.follow().await;
    desk.finish(following).await;
    assert_eq!(desk.event_block(1).await, i64::try_from(known + 1).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn delegators_that_cannot_be_listed_are_read_once_they_can() {
    let desk = Desk::new(4).await;
    let following = desk.follow().await;
    stake_and_slash(&desk, 1).await;
    desk.settle(&following).await;
    let anvil = &desk.anvil;
    let manager = anvil.contracts.delegate_manager;
    let code = anvil.rpc("eth_getCode", json!([manager, "latest"])).await;
    // `getDelegatorsList` is no longer found, all else works.
    let without = code.as_str().unwrap().replace("fed3d1fd", "fed3d1fe");
    assert_ne!(code, without);
    anvil.rpc("anvil_setCode", json!([manager, without])).await;
    let before = balance(&desk, 2).await;
    anvil.mint(manager, 9_000).await;
    let claim = Mocks::claimRewardsCall { sp: holder(1), rewards: U256::from(9_000) };
    anvil.send(manager, &claim).await;
    anvil.mine(1).await;
    let listed = "SELECT count(*) FROM audius_etl_eth_retries WHERE with_delegators";
    while desk.db.number(listed).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(balance(&desk, 2).await, before);
    following.stop().await;

    // It is on the list in the database: another process goes on with it.
    anvil.rpc("anvil_setCode", json!([manager, code])).await;
    anvil.mine(1).await;
    let following = desk.follow().await;
    desk.finish(following).await;
    assert!(balance(&desk, 2).await > before);
}
