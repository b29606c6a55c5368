//! Whose behaviour is followed: schedules of eras, what earlier runs stored, and what a database shows
//! that this program did not write.

use crate::kill::{assert_same, dump};
use crate::support::db::TestDb;
use crate::support::{Run, TestEnv};

/// The last block of the Python provider in the archives of [`archives`].
const LAST: &str = "40";

/// One chain in two archives: calls as of March 2025 up to block [`LAST`], of September 2026 from
/// there.
fn archives(env: &TestEnv) -> [&'static str; 2] {
    let names = ["discovery.pb", "etl.pb"];
    for (name, era, start, seed) in
        [(names[0], "discovery", "1", "5"), (names[1], "etl", "41", "6")]
    {
        let txs = ["--txs", "600", "--plays", "300", "--blocks", "40", "--numbered"];
        let what =
            ["generate", "--out", name, "--era", era, "--start-height", start, "--seed", seed];
        let run = env.run(&[what.as_slice(), &txs].concat());
        assert_eq!(run.code(), 0, "{run:?}");
    }
    names
}

fn index(env: &TestEnv, db: &TestDb, options: &[&str]) -> Run {
    env.run(&[&["index", "--db", db.url()], options].concat())
}

fn indexed(env: &TestEnv, db: &TestDb, options: &[&str]) -> String {
    let run = index(env, db, options);
    assert_eq!(run.code(), 0, "{options:?}: {run:?}");
    run.stderr()
}

/// All rows but what is stored about the choice.
async fn rows(db: &TestDb) -> Vec<String> {
    let mut rows = dump(db.database()).await;
    rows.retain(|row| !row.starts_with("audius_etl_plan "));
    rows
}

async fn era(db: &TestDb) -> String {
    db.texts("SELECT era FROM audius_etl_plan").await.concat()
}

#[tokio::test]
async fn a_schedule_in_one_run_leaves_what_a_run_for_each_era_leaves() {
    let env = TestEnv::new();
    let [first, second] = archives(&env);
    let apart = TestDb::new().await;
    indexed(&env, &apart, &["--era", "discovery", "--source", first]);
    indexed(&env, &apart, &["--era", "etl", "--force-era", "--source", second]);
    let wanted = rows(&apart).await;
    let of = |table: &str| wanted.iter().filter(|row| row.starts_with(table)).count();
    assert!(
        of("users ") > 20 && of("plays ") > 100,
        "{} users, {} plays",
        of("users "),
        of("plays ")
    );

    let at_height = format!("discovery,etl@{}", LAST.parse::<i64>().unwrap() + 1);
    for (era, options) in [
        (&*at_height, ["--batch-blocks", "1000"].as_slice()),
        ("discovery,etl@2026-06-02T00:00:00Z", &["--batch-blocks", "7"]),
        // On an empty database, nobody says otherwise.
        ("auto", &[]),
    ] {
        let db = TestDb::new().await;
        let both = ["--era", era, "--source", first, "--source", second];
        indexed(&env, &db, &[&both, options].concat());
        assert_same(&rows(&db).await, &wanted);
    }
}

#[tokio::test]
async fn another_era_than_before_is_refused_and_changes_nothing() {
    let env = TestEnv::new();
    let [first, second] = archives(&env);
    let db = TestDb::new().await;
    indexed(&env, &db, &["--era", "discovery", "--source", first]);
    let before = dump(db.database()).await;
    for other in ["etl", "discovery,etl@41"] {
        let run = index(&env, &db, &["--era", other, "--source", second]);
        assert_eq!(run.code(), 2, "{run:?}");
        assert!(run.stderr().contains("follows discovery"), "{run:?}");
        assert!(run.stderr().contains("--force-era"), "{run:?}");
    }
    assert_same(&dump(db.database()).await, &before);
    let status = env.run(&["status", "--db", db.url()]);
    assert!(status.stdout().contains("era          discovery (--era)"), "{status:?}");

    let forced = ["--era", "discovery,etl@41", "--force-era", "--source", second];
    indexed(&env, &db, &forced);
    assert_eq!(era(&db).await, "discovery,etl@41");
    // It is stored from now on.
    indexed(&env, &db, &["--source", second]);
    assert_eq!(era(&db).await, "discovery,etl@41");
    let run = index(&env, &db, &["--era", "discovery", "--source", second]);
    assert_eq!(run.code(), 2, "{run:?}");
}

#[tokio::test]
async fn without_a_choice_the_database_says_whose_behaviour_is_followed() {
    let env = TestEnv::new();
    let [first, second] = archives(&env);
    let change = "discovery,etl@2026-06-02T00:00:00Z";
    let foreign = "TRUNCATE audius_etl_checkpoints, audius_etl_chains, audius_etl_plan";
    let released = "TRUNCATE audius_etl_plan";
    for (before, source, made, wanted) in [
        // The first release knew one era, whatever its rows look like.
        ("discovery", first, released, "discovery"),
        ("etl", second, released, "discovery"),
        ("discovery", first, foreign, change),
        ("etl", second, foreign, "etl"),
    ] {
        let db = TestDb::new().await;
        indexed(&env, &db, &["--era", before, "--from", "41", "--source", source]);
        if source == first {
            indexed(&env, &db, &["--era", before, "--source", source]);
        }
        db.execute(made).await;
        indexed(&env, &db, &["--source", second]);
        assert_eq!(era(&db).await, wanted, "{before}, {made}");
    }

    // Rows without blocks: the hashes tell.
    for (hash, wanted) in [("'0x' || repeat('a', 128)", change), ("repeat('A', 64)", "etl")] {
        let db = TestDb::new().await;
        db.execute(&format!(
            "INSERT INTO blocks (blockhash, number) VALUES ('b', 1);
             INSERT INTO users (user_id, is_current, is_verified, created_at, updated_at, txhash,
                                blocknumber)
             VALUES (1, true, false, now(), now(), {hash}, 1)"
        ))
        .await;
        indexed(&env, &db, &["--source", first, "--to", "2"]);
        assert_eq!(era(&db).await, wanted);
    }
}
