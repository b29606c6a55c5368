//! `backfill wallets` and `backfill transfers`.

use std::time::Duration;

use crate::eth_follow::{Desk, balance};
use crate::support::TestEnv;
use crate::support::anvil::{holder, wallet};
use crate::support::db::TestDb;

/// Runs a job of `backfill` on a database.
fn backfill(db: &TestDb, job: &[&str], options: &[String]) -> String {
    let mut arguments = vec!["backfill".to_owned()];
    arguments.extend(job.iter().map(|&word| word.to_owned()));
    arguments.extend(["--db".to_owned(), db.url().to_owned()]);
    arguments.extend(options.iter().cloned());
    let run = TestEnv::new().run(&arguments);
    assert_eq!(run.code(), 0, "{run:?}");
    run.stdout()
}

/// Users 1 to 5: one wallet and a balance; the same in mixed case; two wallets; no balance; no
/// address.
async fn users() -> TestDb {
    let db = TestDb::new().await;
    db.execute(&format!(
        "INSERT INTO blocks (blockhash, number, is_current) VALUES ('b', 1, true);
         INSERT INTO users (user_id, is_current, blocknumber, wallet) VALUES
             (1, true, 1, '{}'), (2, true, 1, '{}'), (3, true, 1, '{}'), (4, true, 1, '{}'),
             (50000, true, 1, 'not a wallet'), (6, false, 1, '{}');
         INSERT INTO user_balances (user_id, balance, updated_at) VALUES
             (1, '1000000000000000000000000000001', '2024-05-01'), (2, '22', '2024-05-02'),
             (3, '33', '2024-05-03');
         INSERT INTO associated_wallets
             (user_id, wallet, blockhash, blocknumber, is_current, is_delete, chain) VALUES
             (3, '{}', 'b', 1, true, false, 'eth'), (3, 'So1', 'b', 1, true, false, 'sol'),
             (1, '{}', 'b', 1, true, true, 'eth')",
        wallet(1),
        wallet(2).to_uppercase().replace("0X", "0x"),
        wallet(3),
        wallet(4),
        wallet(6),
        wallet(30),
        wallet(10),
    ))
    .await;
    db
}

async fn rows(db: &TestDb) -> Vec<String> {
    db.texts(
        "SELECT right(wallet, 2) || ' ' || balance || ' ' || updated_at::date
         FROM eth_wallet_balances ORDER BY wallet",
    )
    .await
}

#[tokio::test]
async fn every_tracked_wallet_gets_a_row_and_only_single_ones_a_balance() {
    let db = users().await;
    let dry = backfill(&db, &["wallets", "--dry-run"], &[]);
    assert_eq!(rows(&db).await, Vec::<String>::new());
    let wanted = [
        "01 1000000000000000000000000000001 2024-05-01",
        "02 22 2024-05-02",
        "03 0 1970-01-01",
        "04 0 1970-01-01",
        "1e 0 1970-01-01",
    ];
    let done = backfill(&db, &["wallets"], &[]);
    assert_eq!(done, dry);
    assert_eq!(rows(&db).await, wanted);
    let totals = "SELECT user_id || ' ' || balance FROM eth_user_balances ORDER BY 1";
    let totals = db.texts(totals).await;
    assert_eq!(totals, ["1 1000000000000000000000000000001", "2 22", "3 0", "4 0"]);
    let malformed = done.lines().find(|line| line.contains("malformed")).unwrap();
    assert!(malformed.trim_end().ends_with('1'), "{done}");
}

#[tokio::test]
async fn balances_that_are_there_stay_and_a_second_run_adds_nothing() {
    let db = users().await;
    db.execute(&format!(
        "INSERT INTO eth_wallet_balances (wallet, balance) VALUES ('{}', 5);
         INSERT INTO eth_wallet_balances (wallet, updated_at) VALUES ('{}', 'epoch')",
        wallet(1),
        wallet(2),
    ))
    .await;
    backfill(&db, &["wallets"], &[]);
    let first = rows(&db).await;
    assert!(first[0].starts_with("01 5 "), "{first:?}");
    assert_eq!(first[1], "02 22 2024-05-02", "a placeholder is filled");
    backfill(&db, &["wallets"], &[]);
    assert_eq!(rows(&db).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_of_a_range_are_read_and_nothing_else_changes() {
    let desk = Desk::new(40).await;
    desk.catch_up().await;
    let checkpoint = desk.checkpoint().await;
    let from = desk.anvil.head().await + 1;
    desk.mine_churn(30, 40, 20, 300).await;
    let to = desk.anvil.head().await;
    desk.anvil.mint(holder(500), 5).await;
    desk.anvil.mine(2).await;
    let (from_text, to_text) = (from.to_string(), to.to_string());
    let job = ["transfers", "--from", &from_text, "--to", &to_text];
    let before = desk.stored().await;
    let dry = backfill(&desk.db, &[&job[..], &["--dry-run"]].concat(), &desk.anvil.options(None));
    assert!(dry.contains("600"), "{dry}");
    assert_eq!(desk.stored().await, before);
    let done = backfill(&desk.db, &job, &desk.anvil.options(None));
    assert!(done.contains("600") && done.contains("40"), "{done}");
    assert_eq!(desk.checkpoint().await, checkpoint, "progress of the index stays");
    let stored = desk.stored().await;
    let now = desk.anvil.provider().await;
    let at = now.head().await.unwrap().block();
    let wallets: Vec<_> = stored.keys().copied().collect();
    for (wallet, read) in wallets.iter().zip(now.balances(&wallets, at).await.unwrap()) {
        assert_eq!(stored[wallet].to_string(), read.known().unwrap().to_string());
    }
    let highest = "SELECT max(blocknumber) FROM eth_wallet_balances";
    assert_eq!(desk.db.number(highest).await, i64::try_from(to).unwrap());
    let left = "SELECT count(*) FROM eth_indexer_checkpoints WHERE name <> 'audio_transfers'";
    assert_eq!(desk.db.number(left).await, 0, "a replay that is done is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_range_goes_on_where_it_was() {
    let desk = Desk::new(10).await;
    let from = desk.anvil.head().await + 1;
    desk.mine_churn(20, 10, 5, 310).await;
    let (to, half) = (desk.anvil.head().await, from + 9);
    desk.db
        .execute(&format!(
            "INSERT INTO eth_indexer_checkpoints (name, last_block)
             VALUES ('audius_etl transfers 31337 {from}-{to}', {half})"
        ))
        .await;
    let (from, to) = (from.to_string(), to.to_string());
    let job = ["transfers", "--from", &from, "--to", &to];
    let first = backfill(&desk.db, &job, &desk.anvil.options(None));
    assert!(first.contains("50"), "ten blocks of five: {first}");
    let again = backfill(&desk.db, &job, &desk.anvil.options(None));
    assert!(again.contains("100"), "done is done, and can be done again: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_beside_a_running_index_leaves_everything_right() {
    let desk = Desk::new(50).await;
    let from = desk.anvil.head().await;
    desk.mine_churn(40, 50, 5, 320).await;
    let following = desk.follow().await;
    let to = desk.anvil.head().await;
    for round in 0..3 {
        let (url, options) = (desk.db.url().to_owned(), desk.anvil.options(None));
        let range = [from.to_string(), to.to_string()];
        let job = tokio::task::spawn_blocking(move || {
            let [from, to] = &range;
            let mut arguments = ["backfill", "transfers", "--from", from, "--to", to, "--db", &url]
                .map(str::to_owned)
                .to_vec();
            arguments.extend(options);
            TestEnv::new().run(&arguments).code()
        });
        desk.mine_churn(5, 50, 5, 330 + round).await;
        if round == 1 {
            desk.anvil.reorg(3).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(job.await.unwrap(), 0);
    }
    desk.mine_churn(2, 50, 5, 340).await;
    desk.finish(following).await;
    assert!(balance(&desk, 1).await > 0 || balance(&desk, 2).await > 0);
}
