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

#[tokio::test]
async fn blocks_of_both_eras_are_recorded_each_in_its_way() {
    let env = TestEnv::new();
    let [first, second] = archives(&env);
    let db = TestDb::new().await;
    indexed(&env, &db, &["--source", first, "--source", second]);
    let raw = "SELECT block_height || ' ' || block_time FROM etl_blocks ORDER BY 1";
    let blocks = "SELECT height || ' ' || coalesce(plays_slot, -1) || ' ' || (parenthash IS NULL)
                  FROM core_indexed_blocks WHERE height <> 31 ORDER BY 1";
    let (wanted, wanted_blocks) = (db.texts(raw).await, db.texts(blocks).await);
    let played = "SELECT count(DISTINCT slot) FROM plays";
    let count = db.number(played).await;
    let highest = db.number("SELECT max(slot)::bigint FROM plays").await;
    for table in ["etl_blocks", "etl_transactions", "etl_manage_entities", "etl_plays"] {
        db.execute(&format!("DELETE FROM {table} WHERE block_height BETWEEN 31 AND 50")).await;
    }
    db.execute(
        "DELETE FROM plays USING core_indexed_blocks b
             WHERE height BETWEEN 31 AND 40 AND slot = plays_slot AND plays_slot > 0;
         DELETE FROM plays WHERE slot BETWEEN 41 AND 50 AND created_at > '2026-06-02';
         DELETE FROM core_indexed_blocks WHERE height BETWEEN 31 AND 50",
    )
    .await;
    let holes = env.run(&["status", "--holes", "--json", "--db", db.url()]);
    let holes: serde_json::Value = serde_json::from_str(&holes.stdout()).unwrap();
    assert_eq!(
        holes["holes"].to_string(),
        r#"[{"chain":"audius-generated","first":31,"last":50}]"#
    );
    // They are left alone.
    indexed(&env, &db, &["--source", first, "--source", second]);
    assert_eq!(db.number("SELECT count(*) FROM core_indexed_blocks").await, 60);

    let fill = ["backfill", "blocks", "--db", db.url(), "--source", first, "--source", second];
    let run = env.run(&fill);
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(db.texts(raw).await, wanted);
    assert_eq!(db.number(played).await, count);
    // Plays of the first era get new slots, above all others; those of the second have their height.
    let of_height = |rows: &[String]| -> Vec<String> {
        rows.iter().filter(|row| row.contains(" 0 ")).cloned().collect()
    };
    let (found, wanted) = (db.texts(blocks).await, wanted_blocks);
    assert_eq!(of_height(&found), of_height(&wanted));
    let new = "SELECT count(*) FROM core_indexed_blocks WHERE height BETWEEN 31 AND 40
               AND plays_slot IS NOT NULL";
    let above = format!("SELECT count(DISTINCT slot) FROM plays WHERE slot > {highest}");
    assert_eq!(db.number(&above).await, db.number(new).await);
}

#[tokio::test]
async fn going_back_takes_the_plays_of_its_blocks_and_no_others() {
    let env = TestEnv::new();
    let [_, second] = archives(&env);
    let db = TestDb::new().await;
    let options = ["--era", "etl", "--from", "41", "--source", second, "--keep-history", "100"];
    indexed(&env, &db, &options);
    // Of another writer, with the slot that blocks of this era have: none.
    db.execute(
        "INSERT INTO plays (play_item_id, source, slot, created_at, updated_at, signature)
         SELECT 1, 'relay', 0, block_time, block_time, 'theirs'
         FROM audius_etl_checkpoints WHERE height > 60",
    )
    .await;
    let theirs = "SELECT count(*) FROM plays WHERE signature = 'theirs'";
    assert_eq!(db.number(theirs).await, 20);
    let run = index(&env, &db, &["--era", "etl", "--source", second, "--rewind-to", "60"]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(db.number(theirs).await, 20);
    assert_eq!(db.number("SELECT max(slot)::bigint FROM plays").await.max(60), 60);
}
