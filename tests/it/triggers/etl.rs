//! The Go indexer's rows on a copy of production of 2026: written beside its triggers, with them
//! silenced, and where there are none.

use crate::kill::{assert_same, dump};
use crate::support::TestEnv;
use crate::support::db::TestDb;

pub(super) const SCHEMA: &str = include_str!("../../../fixtures/schema/production-2026.sql");
pub(super) const TRIGGERS: &str = include_str!("production_2026.sql");

/// `now()` is the time of the newest block, as it is for a writer at the head: `handle_track` asks
/// whether a contest is over.
const CLOCK: &str = "CREATE SCHEMA replay;
CREATE FUNCTION replay.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT block_time AT TIME ZONE 'UTC' FROM public.etl_blocks
                     ORDER BY id DESC LIMIT 1), pg_catalog.now())
$$;
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = public, replay, pg_catalog',
                   current_database());
END $$";

/// Counters, which production's job sets right where its triggers count.
const COUNTED: &[&str] = &["aggregate_", "eth_user_balances ", "user_distinct_play_"];

async fn copy_of_production(triggers: &str) -> TestDb {
    let db = TestDb::empty().await;
    for part in [SCHEMA, triggers, CLOCK] {
        db.execute(part).await;
    }
    db
}

fn index(env: &TestEnv, db: &TestDb, options: &[&str]) -> String {
    let mut arguments = vec!["index", "--era", "etl", "--db", db.url(), "--source", "chain.pb"];
    arguments.extend(options);
    let run = env.run(&arguments);
    assert_eq!(run.code(), 0, "{options:?}: {run:?}");
    run.stderr()
}

/// What chain and triggers alone make, without counters where `entities_only`.
async fn rows(db: &TestDb, entities_only: bool) -> Vec<String> {
    let rows = dump(db.database()).await;
    let is_compared = |row: &String| {
        let is_counted = || COUNTED.iter().any(|table| row.starts_with(table));
        !(row.starts_with("audius_etl_") || entities_only && is_counted())
    };
    rows.into_iter().filter(is_compared).collect()
}

#[tokio::test]
async fn rows_notices_and_milestones_are_the_same_whoever_derives() {
    let env = TestEnv::new();
    let generated = env.run(&[
        "generate",
        "--era",
        "etl",
        "--out",
        "chain.pb",
        "--txs",
        "2500",
        "--plays",
        "300",
        "--seed",
        "5",
        "--txs-per-block",
        "10",
    ]);
    assert_eq!(generated.code(), 0, "{generated:?}");

    let bare = copy_of_production("").await;
    assert!(index(&env, &bare, &[]).contains("no triggers for it"));
    let entities = rows(&bare, true).await;
    for table in ["notification ", "milestones ", "follows ", "comments "] {
        assert!(entities.iter().filter(|row| row.starts_with(table)).count() > 3, "{table}");
    }

    let silenced = copy_of_production(TRIGGERS).await;
    assert!(index(&env, &silenced, &["--triggers", "ours"]).contains("--triggers ours"));
    assert_same(&rows(&silenced, false).await, &rows(&bare, false).await);

    for options in [[].as_slice(), &["--batch-blocks", "1"]] {
        let triggered = copy_of_production(TRIGGERS).await;
        assert!(index(&env, &triggered, options).contains("the database has them"));
        assert_same(&rows(&triggered, true).await, &entities);
    }
}

#[tokio::test]
async fn a_role_that_may_not_silence_triggers_is_told_the_grant() {
    let env = TestEnv::new();
    let generated = env.run(&["generate", "--era", "etl", "--out", "chain.pb", "--txs", "5"]);
    assert_eq!(generated.code(), 0, "{generated:?}");
    let db = copy_of_production(TRIGGERS).await;
    assert_eq!(env.run(&["migrate", "--db", db.url()]).code(), 0);
    // Roles belong to the server, which tests share.
    let role = format!("plain_{}", std::process::id());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
         GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ))
    .await;
    let url = format!("{}{}user={role}", db.url(), if db.url().contains('?') { '&' } else { '?' });
    let arguments = ["index", "--no-migrate", "--triggers", "ours"];
    let source = ["--era", "etl", "--db", &url, "--source", "chain.pb"];
    let run = env.run(&[arguments.as_slice(), &source].concat());
    assert_eq!(run.code(), 3, "{run:?}");
    assert!(run.stderr().contains("--triggers database"), "{run:?}");
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
