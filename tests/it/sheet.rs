//! Every command on every shape of the database, one after the other: what others made is the same
//! in the end but for additions, and the rows are the same everywhere.

use crate::migrate::{GO_ETL, PRODUCTION, PRODUCTION_2026, catalog, foreign_additions};
use crate::support::TestEnv;
use crate::support::anvil::Anvil;
use crate::support::db::TestDb;

const TRIGGERS_2025: &str = include_str!("triggers/production.sql");
const TRIGGERS_2026: &str = include_str!("triggers/production_2026.sql");

/// Entity transactions of the chain.
const TXS: &str = "400";

async fn database(parts: &[&str]) -> TestDb {
    if parts.is_empty() {
        return TestDb::new().await;
    }
    let db = TestDb::empty().await;
    for part in parts {
        db.execute(part).await;
    }
    db
}

/// Runs a command line on the database; returns what it said on stdout.
async fn run(env: &TestEnv, db: &TestDb, words: &[&str], more: &[String]) -> String {
    let mut args: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    args.extend(["--db".to_owned(), db.url().to_owned()]);
    args.extend(more.iter().cloned());
    let mut command = tokio::process::Command::from(env.command(&args));
    let run = crate::support::Run::new(command.output().await.unwrap(), env);
    assert_eq!(run.code(), 0, "{words:?}: {run:?}");
    run.stdout()
}

/// A chain goes in.
async fn fill(env: &TestEnv, db: &TestDb) {
    run(env, db, &["migrate"], &[]).await;
    run(env, db, &["index", "--era", "etl", "--source", "chain.pb"], &[]).await;
}

/// Everything else that is ever done to a database.
async fn work(env: &TestEnv, db: &TestDb, node: &Anvil) {
    let ethereum = node.options(None);
    run(env, db, &["backfill", "wallets"], &[]).await;
    let swept = run(env, db, &["sweep", "--full"], &ethereum).await;
    assert!(!swept.contains(" 0 balances stored"), "{swept}");
    let transfers = ["backfill", "transfers", "--from", "0"];
    run(env, db, &transfers, &ethereum).await;
    // A release that is due, and one to come.
    db.execute(
        "UPDATE tracks SET is_unlisted = true, is_scheduled_release = true,
             release_date = now() + CASE WHEN track_id % 2 = 0 THEN interval '1 day'
                                    ELSE interval '-1 day' END
         WHERE is_current AND NOT is_delete
             AND track_id IN (SELECT track_id FROM tracks ORDER BY 1 LIMIT 20)",
    )
    .await;
    run(env, db, &["backfill", "releases"], &[]).await;
    run(env, db, &["backfill", "aggregates"], &[]).await;
    let blocks = ["backfill", "blocks", "--source", "chain.pb", "--from", "1", "--to", "5"];
    run(env, db, &blocks, &[]).await;
    run(env, db, &["status"], &[]).await;
    run(env, db, &["migrate", "status"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_leaves_what_others_made_as_it_was() {
    let env = TestEnv::new();
    let generate = ["generate", "--era", "etl", "--out", "chain.pb", "--txs", TXS, "--plays", "90"];
    assert_eq!(env.run(&generate).code(), 0);
    let node = Anvil::start().await;
    let ours = database(&[]).await;
    fill(&env, &ours).await;
    for parts in [
        &[PRODUCTION_2026, TRIGGERS_2026][..],
        &[PRODUCTION_2026],
        &[GO_ETL],
        &[PRODUCTION],
        &[PRODUCTION, TRIGGERS_2025],
    ] {
        let db = database(parts).await;
        let before = catalog(&db).await;
        fill(&env, &db).await;
        let sides = ["--etl-db", ours.url(), "--prod-db", db.url()].map(str::to_owned);
        let tables = "users,tracks,playlists,follows,saves,reposts,comments,etl_transactions";
        let mut command = tokio::process::Command::from(
            env.command(
                &[&["compare".to_owned(), "--tables".to_owned(), tables.to_owned()][..], &sides]
                    .concat(),
            ),
        );
        let compared = crate::support::Run::new(command.output().await.unwrap(), &env);
        // Columns that one of them lacks are told, and change nothing of the verdict on rows.
        assert!([0, 7].contains(&compared.code()), "{compared:?}");
        assert!(!compared.stdout().contains("rows that differ"), "{compared:?}");
        work(&env, &db, &node).await;
        let after = catalog(&db).await;
        let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
        assert_eq!(lost, Vec::<&String>::new());
        assert_eq!(foreign_additions(&before, &after), Vec::<&String>::new());
    }
    work(&env, &ours, &node).await;
}
