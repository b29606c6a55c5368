//! `backfill blocks`: afterwards the raw tables hold what indexing writes, and nothing else moved.

use crate::kill::{archive, assert_same, dump};
use crate::support::TestEnv;
use crate::support::db::TestDb;

/// What blocks fill by appending, and the two keyed tables that go with it.
const RAW_TABLES: &str = "etl_blocks, etl_transactions, etl_manage_entities, etl_plays, \
    etl_validator_registrations, etl_validator_deregistrations, \
    etl_validator_misbehavior_deregistrations, etl_storage_proofs, \
    etl_storage_proof_verifications, etl_sla_node_reports, etl_sla_rollups, etl_addresses";

/// Of these, the ones whose rows outlast their block.
const KEYED: [&str; 2] = ["etl_storage_proofs", "etl_addresses"];

async fn indexed(env: &TestEnv, source: &str) -> TestDb {
    let db = TestDb::new().await;
    let run = env.run(&["index", "--era", "discovery", "--db", db.url(), "--source", source]);
    assert_eq!(run.code(), 0, "{run:?}");
    db
}

fn backfill(env: &TestEnv, db: &TestDb, options: &[&str]) -> crate::support::Run {
    let mut arguments = vec!["backfill", "blocks", "--db", db.url()];
    arguments.extend(options);
    env.run(&arguments)
}

#[tokio::test]
async fn blocks_of_another_indexer_get_the_raw_rows_it_did_not_write() {
    let env = TestEnv::new();
    let source = archive(&env, 1500);
    let db = indexed(&env, source).await;
    let wanted = dump(db.database()).await;
    db.execute(&format!("TRUNCATE {RAW_TABLES}")).await;

    let run = backfill(&env, &db, &["--dry-run"]);
    assert_eq!(run.code(), 0, "{run:?}");
    let blocks = db.number("SELECT count(*) FROM core_indexed_blocks").await;
    assert!(run.stdout().starts_with(&format!("{blocks} heights")), "{run:?}");
    assert_eq!(db.number("SELECT count(*) FROM etl_blocks").await, 0);

    // In two parts, the second one by itself.
    let half = (blocks / 2).to_string();
    let run = backfill(&env, &db, &["--source", source, "--to", &half]);
    assert_eq!(run.code(), 0, "{run:?}");
    let run = backfill(&env, &db, &["--source", source]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stdout().contains("etl_transactions"), "{run:?}");
    assert_same(&dump(db.database()).await, &wanted);

    let run = backfill(&env, &db, &["--source", source]);
    assert!(run.stdout().contains("nothing to do"), "{run:?}");
}

#[tokio::test]
async fn blocks_that_nobody_indexed_bring_their_plays_and_no_entity_rows() {
    let env = TestEnv::new();
    let source = archive(&env, 1500);
    let db = indexed(&env, source).await;
    let slots = "SELECT plays_slot FROM core_indexed_blocks WHERE height BETWEEN 20 AND 60";
    db.execute(&format!("DELETE FROM plays WHERE slot IN ({slots})")).await;
    let before = dump(db.database()).await;
    for table in RAW_TABLES.split(", ").filter(|table| !KEYED.contains(table)) {
        db.execute(&format!("DELETE FROM {table} WHERE block_height BETWEEN 20 AND 60")).await;
    }
    db.execute("DELETE FROM core_indexed_blocks WHERE height BETWEEN 20 AND 60").await;
    let run = backfill(&env, &db, &["--source", source]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.stdout().contains("filled 41 blocks"), "{run:?}");
    assert!(run.stderr().contains("backfill aggregates"), "{run:?}");

    let gap =
        db.number("SELECT count(*) FROM etl_plays WHERE block_height BETWEEN 20 AND 60").await;
    let added = db.number(&format!("SELECT count(*) FROM plays WHERE slot IN ({slots})")).await;
    assert!(gap > 0);
    assert_eq!(added, gap);
    // New slots, so that those of the plays around them stay as they are.
    let others = |rows: &[String]| -> Vec<String> {
        let moved = ["plays ", "core_indexed_blocks ", "etl_sla_node_reports ", "etl_sla_rollups "];
        rows.iter()
            .filter(|row| !moved.iter().any(|table| row.starts_with(table)))
            .cloned()
            .collect()
    };
    assert_same(&others(&dump(db.database()).await), &others(&before));
    let filled = "SELECT count(*) FROM core_indexed_blocks WHERE height BETWEEN 20 AND 60 AND em_block IS NULL";
    assert_eq!(db.number(filled).await, 41);
}

#[tokio::test]
async fn an_era_that_numbers_plays_by_height_fills_them_in_so() {
    let env = TestEnv::new();
    let source = archive(&env, 900);
    let db = indexed(&env, source).await;
    db.execute("DELETE FROM plays").await;
    db.execute(&format!("TRUNCATE {RAW_TABLES}")).await;
    db.execute("DELETE FROM core_indexed_blocks WHERE height < 20").await;
    let run = backfill(&env, &db, &["--era", "etl", "--force-era", "--source", source]);
    assert_eq!(run.code(), 0, "{run:?}");
    let heights = "SELECT DISTINCT slot::text FROM plays ORDER BY 1";
    let played =
        "SELECT DISTINCT block_height::text FROM etl_plays WHERE block_height < 20 ORDER BY 1";
    let heights = db.texts(heights).await;
    assert!(!heights.is_empty());
    assert_eq!(heights, db.texts(played).await);
    let recorded = "SELECT count(*) FROM core_indexed_blocks
                    WHERE height < 20 AND plays_slot = 0 AND parenthash IS NULL";
    assert_eq!(db.number(recorded).await, 19);
}

#[tokio::test]
async fn what_index_has_not_reached_is_left_to_it() {
    let env = TestEnv::new();
    let source = archive(&env, 100);
    let db = TestDb::new().await;
    let run = backfill(&env, &db, &["--source", source]);
    assert_eq!(run.code(), 2, "{run:?}");
    let db = indexed(&env, source).await;
    let run = backfill(&env, &db, &["--source", source, "--to", "1000000"]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("audius-etl index"), "{run:?}");
}

#[tokio::test]
async fn beside_another_writer_the_job_ends_with_the_code_for_that() {
    let db = TestDb::new().await;
    let _writer = audius_etl::writer::exclusive(db.database(), false).await.unwrap();
    let run = backfill(&TestEnv::new(), &db, &["--dry-run"]);
    assert_eq!(run.code(), 5, "{run:?}");
}
