//! The core chain and Ethereum in one process, through one writer.

use super::Desk;
use crate::kill::archive;
use crate::support::TestEnv;

/// Indexes the archive and the desk's node to their heads; returns what was printed.
fn index(env: &TestEnv, desk: &Desk, source: &str) -> String {
    let mut arguments = [
        "index",
        "--era",
        "discovery",
        "--db",
        desk.db.url(),
        "--source",
        source,
        "--once",
        "--eth-ws",
        "off",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend(desk.anvil.options(None));
    let run = env.run(&arguments);
    assert_eq!(run.code(), 0, "{run:?}");
    run.stderr()
}

/// The last checkpoint of every chain, as text.
async fn checkpoints(desk: &Desk) -> Vec<String> {
    desk.db
        .texts(
            "SELECT DISTINCT ON (chain) chain || ' ' || height || ' ' || block_hash
             FROM audius_etl_checkpoints ORDER BY chain, id DESC",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_chains_are_indexed_and_each_goes_back_alone() {
    let env = TestEnv::new();
    let source = archive(&env, 400);
    let desk = Desk::new(0).await;
    let said = index(&env, &desk, source);
    assert!(said.contains("ethereum: block"), "{said}");
    let unread =
        "SELECT count(*) FROM users u WHERE lower(wallet) ~ '^0x[0-9a-f]{40}$' AND NOT EXISTS (
        SELECT FROM eth_wallet_balances b WHERE b.wallet = lower(u.wallet))";
    assert_eq!(desk.db.number(unread).await, 0, "wallets of the same run are read");
    assert!(desk.db.number("SELECT count(*) FROM eth_wallet_balances").await > 10);
    let first = checkpoints(&desk).await;
    assert_eq!(first.len(), 2, "{first:?}");
    let ids = "SELECT count(DISTINCT id) - count(*) FROM audius_etl_checkpoints";
    assert_eq!(desk.db.number(ids).await, 0);

    let wallet = desk.db.texts("SELECT min(wallet) FROM eth_wallet_balances").await.remove(0);
    let wallet = wallet.parse().unwrap();
    desk.anvil.mint(wallet, 77).await;
    desk.anvil.mine(3).await;
    index(&env, &desk, source);
    assert_eq!(desk.stored().await[&wallet].to_string(), "77");
    desk.anvil.reorg(3).await;
    index(&env, &desk, source);
    assert_eq!(desk.stored().await[&wallet].to_string(), "0");
    let last = checkpoints(&desk).await;
    let core = |all: &[String]| all.iter().find(|line| !line.starts_with("eip155:")).cloned();
    assert_eq!(core(&first), core(&last), "the core chain stays where it was");
    assert_ne!(first, last);
}
