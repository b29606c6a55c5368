//! Jobs of production beside a running index: what they change between two blocks stays, and the one
//! that publishes scheduled releases, which the index can do itself.

use audius_etl::chain::core_pb::{
    Block, ManageEntityLegacy, Payload, SignedTransaction, Transaction,
};

use super::etl::{SCHEMA, TRIGGERS};
use crate::support::TestEnv;
use crate::support::blocks::{block, signed_tx};
use crate::support::db::TestDb;
use crate::support::fake_node::FakeNode;
use crate::support::service::{PATIENCE, Service};

/// The artist, whose tracks are numbered from the first on.
const ARTIST: i64 = 3_000_001;
const FIRST: i64 = 2_000_001;

fn call(action: &str, entity_type: &str, entity_id: i64, metadata: &str) -> Transaction {
    let message = ManageEntityLegacy {
        user_id: ARTIST,
        entity_type: entity_type.to_owned(),
        entity_id,
        action: action.to_owned(),
        metadata: metadata.to_owned(),
        signature: format!("{action}{entity_id}{metadata}"),
        signer: "0xAbC".to_owned(),
        nonce: "0x00".to_owned(),
    };
    let mut signed = SignedTransaction::carrying(Payload::ManageEntity(message));
    signed.signature = format!("0x{entity_id}{}", metadata.len());
    signed_tx(&signed)
}

/// The artist in one block, and in the next three tracks, of which the first two are to be released
/// between the block's time and the clock's.
fn first_blocks() -> [Block; 2] {
    let track = |number: i64, more: &str| {
        let metadata = format!(
            r#"{{"owner_id":{ARTIST},"title":"t{number}","genre":"Rock","track_cid":"c{number}",
                 "duration":9{more}}}"#
        );
        call("Create", "Track", FIRST + number, &metadata)
    };
    let scheduled = r#","is_unlisted":true,"is_scheduled_release":true,
        "release_date":"2025-07-01T00:00:00Z""#;
    let later = scheduled.replace("2025", "2999");
    let artist = call("Create", "User", ARTIST, r#"{"handle":"artist","name":"Artist"}"#);
    let tracks = vec![track(0, scheduled), track(1, scheduled), track(2, &later)];
    [block(1, vec![artist]), block(2, tracks)]
}

/// The artist describes every track.
fn third_block() -> Block {
    let update = |number| call("Update", "Track", FIRST + number, r#"{"description":"new"}"#);
    block(3, (0..3).map(update).collect())
}

/// Production of 2026, with the server's clock.
async fn copy_of_production(triggers: &str) -> TestDb {
    let db = TestDb::empty().await;
    db.execute(SCHEMA).await;
    db.execute(triggers).await;
    db
}

async fn follow(db: &TestDb, node: &FakeNode, options: &[&str]) -> Service {
    let args = ["index", "--era", "etl", "--db", db.url(), "--source", &node.url];
    Service::start(TestEnv::new(), &[&args[..], options].concat()).await
}

async fn until(db: &TestDb, what: &str, condition: &str) {
    let sql = format!("SELECT count(*) WHERE {condition}");
    let reached = async {
        while db.number(&sql).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, reached).await.is_ok(), "{what} is waited for");
}

async fn until_described(db: &TestDb) {
    until(db, "block 3", "EXISTS (SELECT FROM tracks WHERE description = 'new')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_jobs_change_between_two_blocks_stays() {
    for (triggers, options) in [("", &[][..]), (TRIGGERS, &[]), (TRIGGERS, &["--triggers", "ours"])]
    {
        let db = copy_of_production(triggers).await;
        let node = FakeNode::start(first_blocks());
        let service = follow(&db, &node, options).await;
        until(&db, "block 2", "(SELECT count(*) FROM tracks) = 3").await;
        // Delisted, released, analysed; and a column that the program knows nothing of.
        db.execute(&format!(
            "UPDATE tracks SET is_available = false, is_delete = true WHERE track_id = {FIRST};
             UPDATE tracks SET is_unlisted = false WHERE track_id = {FIRST} + 1;
             UPDATE tracks SET bpm = 128, musical_key = 'A minor' WHERE track_id = {FIRST} + 2;
             UPDATE users SET last_active_at = '2026-01-01Z'"
        ))
        .await;
        node.state().push(third_block());
        until_described(&db).await;
        let rows = "SELECT concat_ws(' ', track_id - 2000000, is_available, is_delete, is_unlisted,
                        bpm, musical_key, description) FROM tracks ORDER BY track_id";
        assert_eq!(
            db.texts(rows).await,
            ["1 f t t new", "2 t f f new", "3 t f t 128 A minor new"],
            "{options:?}"
        );
        let active = "SELECT count(*) FROM users WHERE last_active_at IS NOT NULL";
        assert_eq!(db.number(active).await, 1);
        assert_eq!(service.stop().await, 130);
    }
}

const LISTED: &str = "SELECT concat_ws(' ', track_id - 2000000, is_unlisted, description)
    FROM tracks ORDER BY track_id";

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_releases_are_published_while_the_chain_is_followed() {
    for (shape, options) in [
        (None, &[][..]),
        (Some(""), &[]),
        (Some(TRIGGERS), &[]),
        (Some(TRIGGERS), &["--triggers", "ours"]),
    ] {
        let db = match shape {
            None => TestDb::new().await,
            Some(triggers) => copy_of_production(triggers).await,
        };
        let node = FakeNode::start(first_blocks());
        let service = follow(&db, &node, &[&["--releases", "1s"], options].concat()).await;
        until(&db, "the release", "(SELECT count(*) FROM tracks WHERE NOT is_unlisted) = 2").await;
        // What was in memory is not written over it.
        node.state().push(third_block());
        until_described(&db).await;
        assert_eq!(db.texts(LISTED).await, ["1 f new", "2 f new", "3 t new"], "{shape:?}");
        let counted = "SELECT concat_ws(' ', track_count, dominant_genre) FROM aggregate_user";
        assert_eq!(db.texts(counted).await, ["2 Rock"], "{options:?}");
        let touched = "SELECT count(*) FROM tracks WHERE blocknumber = 2 AND description = 'new'";
        assert_eq!(db.number(touched).await, 0, "the chain's columns are the chain's");
        assert_eq!(service.stop().await, 130);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_for_cron_publishes_what_is_due_and_only_that() {
    for triggers in ["", TRIGGERS] {
        let db = copy_of_production(triggers).await;
        let node = FakeNode::start(first_blocks());
        let index = follow(&db, &node, &[]).await;
        until(&db, "block 2", "(SELECT count(*) FROM tracks) = 3").await;
        if triggers.is_empty() {
            index.stop().await;
        }
        let env = TestEnv::new();
        let job = ["backfill", "releases", "--summary", "json", "--db", db.url()];
        let dry = env.run(&[&job[..], &["--dry-run"]].concat());
        assert!(dry.stdout().contains(r#""tracks listed":2"#), "{dry:?}");
        let listed = "SELECT count(*) FROM tracks WHERE NOT is_unlisted";
        assert_eq!(db.number(listed).await, 0);
        let done = env.run(&job);
        assert_eq!(done.code(), 0, "{done:?}");
        assert_eq!(db.number(listed).await, 2);
        let counted = "SELECT track_count::bigint FROM aggregate_user";
        assert_eq!(db.number(counted).await, 2);
        let again = env.run(&job);
        assert!(again.stdout().contains(r#""tracks listed":0"#), "{again:?}");
    }
}
