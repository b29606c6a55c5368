//! `backfill aggregates`: the counters afterwards are those that indexing keeps.

use crate::kill::{archive, assert_same, dump};
use crate::support::TestEnv;
use crate::support::db::TestDb;

const TABLES: [&str; 5] = [
    "aggregate_user",
    "aggregate_track",
    "aggregate_playlist",
    "aggregate_plays",
    "aggregate_monthly_plays",
];

async fn indexed(env: &TestEnv, source: &str, options: &[&str]) -> TestDb {
    let db = TestDb::new().await;
    let mut arguments = vec!["index", "--era", "discovery", "--db", db.url(), "--source", source];
    arguments.extend(options);
    let run = env.run(&arguments);
    assert_eq!(run.code(), 0, "{options:?}: {run:?}");
    db
}

async fn counters(db: &TestDb) -> Vec<String> {
    let mut rows = dump(db.database()).await;
    rows.retain(|row| TABLES.iter().any(|table| row.starts_with(&format!("{table} "))));
    rows
}

#[tokio::test]
async fn a_load_without_counters_and_a_backfill_give_what_indexing_with_counters_gives() {
    let env = TestEnv::new();
    let source = archive(&env, 3000);
    let wanted = counters(&indexed(&env, source, &[]).await).await;
    for table in TABLES {
        let rows = wanted.iter().filter(|row| row.starts_with(&format!("{table} "))).count();
        assert!(rows > 3, "{table} has {rows} rows");
    }
    let db = indexed(&env, source, &["--no-aggregates"]).await;
    assert_same(&counters(&db).await, &[]);

    let run = env.run(&["backfill", "aggregates", "--db", db.url(), "--dry-run"]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stdout().contains("aggregate_monthly_plays"), "{run:?}");
    assert_same(&counters(&db).await, &[]);

    let run = env.run(&["backfill", "aggregates", "--db", db.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert_same(&counters(&db).await, &wanted);
}

#[tokio::test]
async fn wrong_counters_are_set_right_and_what_is_not_counted_stays() {
    let env = TestEnv::new();
    let db = indexed(&env, archive(&env, 1500), &[]).await;
    db.execute("UPDATE aggregate_user SET score = 7, dominant_genre = 'Jazz'").await;
    let wanted = counters(&db).await;
    db.execute(
        "UPDATE aggregate_user SET follower_count = 99, track_count = NULL;
         DELETE FROM aggregate_track WHERE track_id % 2 = 0;
         UPDATE aggregate_playlist SET is_album = NULL;
         INSERT INTO aggregate_plays VALUES (1, 5);
         DELETE FROM aggregate_monthly_plays",
    )
    .await;
    let run = env.run(&["backfill", "aggregates", "--db", db.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert_same(&counters(&db).await, &wanted);
}

#[tokio::test]
async fn beside_another_writer_the_job_ends_with_the_code_for_that() {
    let db = TestDb::new().await;
    let _writer = audius_etl::writer::exclusive(db.database(), false).await.unwrap();
    let run = TestEnv::new().run(&["backfill", "aggregates", "--db", db.url()]);
    assert_eq!(run.code(), 5, "{run:?}");
    assert!(run.stderr().contains("--wait-lock"), "{run:?}");
}

#[tokio::test]
async fn counters_of_pruned_plays_are_raised_and_never_lowered() {
    let env = TestEnv::new();
    let db = indexed(&env, archive(&env, 1500), &[]).await;
    let wanted = counters(&db).await;
    db.execute(
        "DELETE FROM plays WHERE id % 2 = 0;
         DELETE FROM aggregate_monthly_plays
             WHERE NOT EXISTS (SELECT FROM plays WHERE plays.play_item_id = aggregate_monthly_plays.play_item_id)",
    )
    .await;
    let pruned = counters(&db).await;
    let run = env.run(&["backfill", "aggregates", "--db", db.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stderr().contains("plays may have been pruned"), "{run:?}");
    assert_same(&counters(&db).await, &pruned);
    db.execute("UPDATE aggregate_plays SET count = 0").await;
    let run = env.run(&["backfill", "aggregates", "--db", db.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    let raised = db.number("SELECT count(*) FROM aggregate_plays WHERE count > 0").await;
    assert!(raised > 0 && wanted.len() >= pruned.len());
}

#[tokio::test]
async fn with_blocks_of_somebody_else_an_unfollow_alone_counts_for_nothing() {
    let env = TestEnv::new();
    let db = indexed(&env, archive(&env, 300), &[]).await;
    let sum = "SELECT coalesce(sum(follower_count), 0)::bigint FROM aggregate_user";
    let rows = "SELECT count(*) FROM follows WHERE is_current AND NOT is_delete";
    db.execute(
        "INSERT INTO blocks (blockhash, number, is_current) VALUES ('theirs', 900000, false);
         INSERT INTO follows (blocknumber, follower_user_id, followee_user_id, is_current,
                              is_delete, created_at, txhash)
         SELECT 900000, n, n + 1, true, true, now(), 'theirs' FROM generate_series(1, 50) n",
    )
    .await;
    let run = env.run(&["backfill", "aggregates", "--db", db.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stderr().contains("counting rows as they are"), "{run:?}");
    assert_eq!(db.number(sum).await, db.number(rows).await);
}

#[tokio::test]
async fn a_window_of_plays_is_not_counted_unless_told_to() {
    let env = TestEnv::new();
    let db = indexed(&env, archive(&env, 300), &[]).await;
    db.execute(
        "INSERT INTO aggregate_monthly_plays (play_item_id, timestamp, count)
         VALUES (77, '2021-05-01', 3); INSERT INTO aggregate_plays VALUES (77, 3)",
    )
    .await;
    let before = counters(&db).await;
    let run = env.run(&["backfill", "aggregates", "--db", db.url()]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("--force"), "{run:?}");
    assert_same(&counters(&db).await, &before);
    let run = env.run(&["backfill", "aggregates", "--db", db.url(), "--force"]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stdout().contains("aggregate_user"), "{run:?}");
}
