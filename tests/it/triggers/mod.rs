//! A copy of production brings its own triggers. They derive counters, milestones and notifications
//! there, this program does elsewhere, and both give the same rows, once.

mod etl;
mod jobs;

use crate::kill::{archive, assert_same, dump};
use crate::support::TestEnv;
use crate::support::db::TestDb;

/// A database with triggers like production's.
async fn copy_of_production() -> TestDb {
    let db = TestDb::new().await;
    db.execute(include_str!("production.sql")).await;
    db
}

fn index(env: &TestEnv, db: &TestDb, source: &str, options: &[&str]) -> String {
    let mut arguments = vec!["index", "--era", "discovery", "--db", db.url(), "--source", source];
    arguments.extend(options);
    let run = env.run(&arguments);
    assert_eq!(run.code(), 0, "{options:?}: {run:?}");
    run.stderr()
}

#[tokio::test]
async fn a_database_with_triggers_holds_in_the_end_what_one_without_holds() {
    let env = TestEnv::new();
    let source = archive(&env, 3000);
    let own = TestDb::new().await;
    let log = index(&env, &own, source, &[]);
    assert!(log.contains("this program"), "{log}");
    let wanted = dump(own.database()).await;
    let count = |table: &str| wanted.iter().filter(|row| row.starts_with(table)).count();
    for table in ["notification ", "milestones ", "aggregate_user ", "aggregate_monthly_plays "] {
        assert!(count(table) > 3, "{table}: {}", count(table));
    }

    for options in [[].as_slice(), &["--batch-blocks", "1"]] {
        let copy = copy_of_production().await;
        let log = index(&env, &copy, source, options);
        assert!(log.contains("the database's own triggers"), "{log}");
        assert_same(&dump(copy.database()).await, &wanted);
    }
}

#[tokio::test]
async fn counting_anew_on_a_database_with_triggers_counts_active_rows() {
    let env = TestEnv::new();
    let copy = copy_of_production().await;
    index(&env, &copy, archive(&env, 900), &[]);
    copy.execute("UPDATE aggregate_user SET follower_count = 99").await;
    let run = env.run(&["backfill", "aggregates", "--db", copy.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    let wrong = copy
        .number(
            "SELECT count(*) FROM aggregate_user u WHERE follower_count <> (
                 SELECT count(*) FROM follows f
                 WHERE f.followee_user_id = u.user_id AND is_current AND NOT is_delete)",
        )
        .await;
    assert_eq!(wrong, 0);
}
