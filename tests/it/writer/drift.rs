//! Tables that are not as they should be, from the start or since a moment ago: the error names table,
//! column and the way out, and nothing is tried for ever.

use std::time::{Duration, Instant};

use audius_etl::{
    db::{self, load::Loader},
    model::tables::TableId,
    store::LoadRequest,
    writer::{Error, ErrorKind},
};

use super::{Desk, open, user};
use crate::support::db::TestDb;

fn message(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Database(db::ErrorKind::Schema), "{error:?}");
    assert!(!error.is_retryable());
    error.to_string()
}

#[tokio::test]
async fn a_table_that_cannot_be_written_is_refused_at_the_start() {
    for (change, column, way_out) in [
        ("ALTER TABLE users RENAME COLUMN bio TO biography", "users lacks bio", "its name back"),
        (
            "ALTER TABLE users ALTER bio TYPE jsonb USING to_jsonb(bio)",
            "users.bio is jsonb",
            "TYPE",
        ),
        (
            "ALTER TABLE tracks ADD note text NOT NULL",
            "tracks.note",
            "ALTER COLUMN note SET DEFAULT",
        ),
        ("DROP TABLE user_events", "user_events", "audius-etl migrate"),
    ] {
        let db = TestDb::new().await;
        db.execute(change).await;
        let message = message(&open(&db).await.unwrap_err());
        assert!(message.contains(column) && message.contains(way_out), "{message}");
    }
}

#[tokio::test]
async fn integers_of_either_width_are_written_and_read() {
    let db = TestDb::new().await;
    db.execute(
        "ALTER TABLE users ALTER artist_pick_track_id TYPE bigint;
         ALTER TABLE aggregate_user ALTER track_count TYPE integer;
         ALTER TABLE etl_transactions ALTER tx_index TYPE bigint;
         DROP MATERIALIZED VIEW mv_dashboard_transaction_stats CASCADE;
         ALTER TABLE etl_blocks ALTER block_height TYPE integer;
         ALTER TABLE blocks DROP COLUMN is_current",
    )
    .await;
    let mut desk = Desk::on(db).await;
    let first = desk.block(&many_users(1, 300), Vec::new());
    desk.write(vec![first]).await.unwrap();
    assert_eq!(desk.db.number("SELECT count(*) FROM users").await, 300);
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let keys = vec![super::key(&user(1007, "0x7", 1).1)];
    let request = LoadRequest { table: TableId::Users, lookup: None, keys };
    assert_eq!(loader.load(vec![request]).await.unwrap()[0].1.len(), 1);
}

/// Enough users for a copy, which is another message than an insert.
fn many_users(block: i64, count: i64) -> Vec<(TableId, audius_etl::model::table::Row)> {
    (0..count).map(|id| user(1000 * block + id, &format!("0x{block}{id}"), block)).collect()
}

/// Makes user ids wider, and does without the view that stands in the way.
const WIDER: &str = "DROP VIEW v_user_balances; ALTER TABLE users ALTER user_id TYPE bigint";

#[tokio::test]
async fn a_type_that_changes_under_the_writer_ends_it_at_once() {
    for (change, count, found) in [
        (WIDER, 300, "integer to bigint"),
        (WIDER, 2, "integer to bigint"),
        ("ALTER TABLE users RENAME COLUMN bio TO biography", 2, "lacks bio"),
        (
            "UPDATE users SET bio = ''; ALTER TABLE users ALTER bio SET NOT NULL",
            2,
            "users.bio takes no NULL any more",
        ),
        (
            "ALTER TABLE users ADD note text NOT NULL DEFAULT ''; ALTER TABLE users ALTER note DROP DEFAULT",
            300,
            "users.note",
        ),
    ] {
        let mut desk = Desk::new().await;
        let before = desk.block(&many_users(1, count), Vec::new());
        desk.write(vec![before]).await.unwrap();
        desk.db.execute(change).await;
        let block = desk.block(&many_users(2, count), Vec::new());
        let started = Instant::now();
        let message = message(&desk.write(vec![block]).await.unwrap_err());
        assert!(message.contains(found), "{change}: {message}");
        assert!(started.elapsed() < Duration::from_secs(20), "{change}: {:?}", started.elapsed());
        assert_eq!(desk.db.number("SELECT count(*) FROM users").await, count);
    }
}

#[tokio::test]
async fn a_type_that_changes_under_the_loader_ends_it_at_once() {
    for change in [
        "ALTER TABLE users ALTER artist_pick_track_id TYPE bigint",
        "ALTER TABLE users RENAME COLUMN bio TO biography",
    ] {
        let mut desk = Desk::new().await;
        let rows = many_users(1, 3);
        let block = desk.block(&rows, Vec::new());
        desk.write(vec![block]).await.unwrap();
        let loader = Loader::open(desk.db.database()).await.unwrap();
        let request = || LoadRequest {
            table: TableId::Users,
            lookup: None,
            keys: vec![super::key(&rows[0].1)],
        };
        loader.load(vec![request()]).await.unwrap();
        desk.db.execute("UPDATE users SET artist_pick_track_id = 5").await;
        desk.db.execute(change).await;
        let started = Instant::now();
        let error = loader.load(vec![request()]).await.unwrap_err();
        assert_eq!(error.kind(), db::ErrorKind::Schema, "{error:?}");
        assert!(error.to_string().contains("users"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
