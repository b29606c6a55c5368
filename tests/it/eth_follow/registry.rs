//! Contract addresses from the Audius Registry.

use alloy::primitives::{Address, B256, address};
use serde_json::json;

use super::Desk;
use crate::support::anvil::{CHAIN_ID, holder};
use crate::support::{Run, TestEnv};

const REGISTRY: Address = address!("00000000000000000000000000000000000a0d10");

/// Code that answers every call with the storage at its first argument, as `getContract` would.
const READS_STORAGE: &str = "0x6004355460005260206000f3";

/// Puts a registry on the desk's node that knows the desk's contracts.
async fn deploy(desk: &Desk) {
    let anvil = &desk.anvil;
    anvil.rpc("anvil_setCode", json!([REGISTRY, READS_STORAGE])).await;
    for (name, contract) in [
        ("Token", anvil.contracts.audio),
        ("StakingProxy", anvil.contracts.staking),
        ("DelegateManager", anvil.contracts.delegate_manager),
    ] {
        let slot = B256::right_padding_from(name.as_bytes());
        let value = contract.into_word();
        anvil.rpc("anvil_setStorageAt", json!([REGISTRY, slot, value])).await;
    }
    anvil.mine(1).await;
}

fn index(env: &TestEnv, desk: &Desk, registry: Address, more: &[&str]) -> Run {
    let (url, chain, registry) = (desk.anvil.url(), CHAIN_ID.to_string(), registry.to_string());
    let arguments = [
        &[
            "index",
            "--era",
            "discovery",
            "--db",
            desk.db.url(),
            "--once",
            "--eth-ws",
            "off",
            "--eth-http",
            &url,
        ][..],
        &["--eth-chain-id", &chain, "--eth-registry", &registry],
        more,
    ];
    env.run(&arguments.concat())
}

async fn kept(desk: &Desk) -> Vec<String> {
    let sql = "SELECT key || ' ' || (value #>> '{}') FROM audius_etl_effects
               WHERE name = 'registered_contract' ORDER BY 1";
    desk.db.texts(sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_is_asked_once_and_the_answers_outlive_the_process() {
    let env = TestEnv::new();
    let desk = Desk::new(3).await;
    deploy(&desk).await;
    desk.anvil.mint(holder(1), 5).await;
    desk.anvil.mine(1).await;
    let run = index(&env, &desk, REGISTRY, &[]);
    assert_eq!(run.code(), 0, "{run:?}");
    let place = format!("eip155:{CHAIN_ID}/{REGISTRY:#x}");
    let contracts = desk.anvil.contracts;
    assert_eq!(
        kept(&desk).await,
        [
            format!("{place}/DelegateManager {:#x}", contracts.delegate_manager),
            format!("{place}/StakingProxy {:#x}", contracts.staking),
            format!("{place}/Token {:#x}", contracts.audio),
        ]
    );
    desk.assert_right().await;

    desk.anvil.rpc("anvil_setCode", json!([REGISTRY, "0x"])).await;
    desk.anvil.mint(holder(1), 7).await;
    desk.anvil.mine(1).await;
    let run = index(&env, &desk, REGISTRY, &[]);
    assert_eq!(run.code(), 0, "the registry is gone, but its answers are known: {run:?}");
    assert_eq!(super::balance(&desk, 1).await, 12);
    desk.assert_right().await;

    // Whoever goes back behind an answer asks again.
    desk.db.execute("DELETE FROM audius_etl_effects").await;
    let run = index(&env, &desk, REGISTRY, &[]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("there is no Audius registry at"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_lacks_a_contract_is_no_registry() {
    let env = TestEnv::new();
    let desk = Desk::new(1).await;
    deploy(&desk).await;
    let slot = B256::right_padding_from(b"StakingProxy");
    desk.anvil.rpc("anvil_setStorageAt", json!([REGISTRY, slot, B256::ZERO])).await;
    desk.anvil.mine(1).await;
    let run = index(&env, &desk, REGISTRY, &[]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("has no StakingProxy"), "{run:?}");
    assert!(kept(&desk).await.is_empty());

    let audio = desk.anvil.contracts.audio.to_string();
    let run = index(&env, &desk, REGISTRY, &["--eth-audio-contract", &audio]);
    assert_eq!(run.code(), 2, "two sources of an address: {run:?}");
    assert!(run.stderr().contains("cannot be used with"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_takes_back_what_the_registry_said_above_it() {
    let env = TestEnv::new();
    let desk = Desk::new(2).await;
    desk.catch_up().await;
    deploy(&desk).await;
    desk.anvil.mint(holder(0), 3).await;
    desk.anvil.mine(1).await;
    assert_eq!(index(&env, &desk, REGISTRY, &[]).code(), 0);
    assert_eq!(kept(&desk).await.len(), 3);
    desk.anvil.reorg(2).await;
    desk.anvil.mine(1).await;
    desk.catch_up().await;
    assert!(kept(&desk).await.is_empty(), "they are asked for again");
    desk.assert_right().await;
}
