//! What the database holds does not depend on how blocks were cut into batches, nor on whether some
//! were taken back and applied again.

use crate::kill::{archive, assert_same, dump};
use crate::support::TestEnv;
use crate::support::db::TestDb;

/// Indexes `source` into a fresh database with `options`.
async fn indexed(env: &TestEnv, source: &str, options: &[&str]) -> TestDb {
    let db = TestDb::new().await;
    index(env, &db, source, options);
    db
}

fn index(env: &TestEnv, db: &TestDb, source: &str, options: &[&str]) {
    let mut arguments = vec!["index", "--era", "discovery", "--db", db.url(), "--source", source];
    arguments.extend(options);
    let run = env.run(&arguments);
    assert_eq!(run.code(), 0, "{options:?}: {run:?}");
}

#[tokio::test]
async fn the_rows_are_the_same_however_blocks_are_batched() {
    let env = TestEnv::new();
    let source = archive(&env, 1500);
    let wanted = dump(indexed(&env, source, &["--batch-blocks", "1000"]).await.database()).await;
    assert!(wanted.iter().filter(|row| row.starts_with("users ")).count() > 10);
    for options in [
        ["--batch-blocks", "1"].as_slice(),
        &["--batch-blocks", "7"],
        // Below what a single batch brings: every batch waits for the one before, and everything
        // that is committed is dropped.
        &["--batch-blocks", "7", "--max-changes", "10", "--max-memory", "0"],
    ] {
        let found = dump(indexed(&env, source, options).await.database()).await;
        assert_same(&found, &wanted);
    }
}

#[tokio::test]
async fn a_rewind_leaves_what_a_shorter_run_leaves_and_the_chain_can_be_indexed_again() {
    let env = TestEnv::new();
    let source = archive(&env, 900);
    let options = ["--batch-blocks", "5", "--keep-history", "10000"];
    let db = indexed(&env, source, &options).await;
    let whole = entities(&db).await;
    let height =
        db.number("SELECT max(height)::bigint / 2 FROM core_indexed_blocks").await.to_string();

    let shorter = indexed(&env, source, &["--end", &height]).await;
    let run = env.run(&[
        "index",
        "--era",
        "discovery",
        "--db",
        db.url(),
        "--rewind-to",
        &height,
        "--source",
        source,
    ]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert_same(&entities(&db).await, &entities(&shorter).await);

    index(&env, &db, source, &options);
    assert_same(&entities(&db).await, &whole);
}

/// All rows but the bookkeeping, which says how they came about.
async fn entities(db: &TestDb) -> Vec<String> {
    let mut rows = dump(db.database()).await;
    rows.retain(|row| !row.starts_with("audius_etl_"));
    rows
}

#[tokio::test]
async fn a_rewind_beyond_the_kept_history_is_refused_and_changes_nothing() {
    let env = TestEnv::new();
    let source = archive(&env, 300);
    let db = indexed(&env, source, &[]).await;
    let before = dump(db.database()).await;
    let run = env.run(&[
        "index",
        "--era",
        "discovery",
        "--db",
        db.url(),
        "--rewind-to",
        "3",
        "--source",
        source,
    ]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("--keep-history"), "{run:?}");
    assert_same(&dump(db.database()).await, &before);
}
