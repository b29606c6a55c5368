//! Hostile metadata for every handler, against a real PostgreSQL: nothing panics, no block is lost,
//! and every call is accounted for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use audius_etl::eras::discovery::registry::{ANY, HANDLERS};
use serde_json::{Value, json};

use crate::support::TestEnv;
use crate::support::db::TestDb;

/// Keys that one handler or another reads from its metadata.
const KEYS: &[&str] = &[
    "title",
    "owner_id",
    "genre",
    "description",
    "name",
    "handle",
    "bio",
    "events",
    "duration",
    "release_date",
    "is_unlisted",
    "is_stream_gated",
    "stream_conditions",
    "remix_of",
    "stem_of",
    "playlists_containing_track",
    "allowed_api_keys",
    "bpm",
    "artists",
    "field_visibility",
    "track_cid",
    "playlist_name",
    "playlist_contents",
    "is_private",
    "last_added_to",
    "body",
    "entity_id",
    "entity_type",
    "mentions",
    "parent_comment_id",
    "track_timestamp_s",
    "event_type",
    "end_date",
    "event_data",
    "reacted_to",
    "reaction_value",
    "wallet_address",
    "chain",
    "signature",
    "collectibles",
    "email_owner_user_id",
    "encrypted_email",
    "access_grants",
    "artist_pick_track_id",
    "spl_usdc_payout_wallet",
    "playlist_library",
    "is_verified",
    "city",
];

/// Keys that are read outside an envelope.
const BARE_KEYS: &[&str] = &[
    "address",
    "name",
    "app_signature",
    "image_url",
    "description",
    "is_personal_access",
    "grantee_address",
    "grantor_user_id",
    "wallet",
    "wallet_signature",
    "user_signature",
    "is_save_of_repost",
    "is_repost_of_repost",
];

/// JSON texts that no client sends.
fn hostile_values() -> Vec<String> {
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep_objects = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let mut values: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "2147483648",
        "-9223372036854775809",
        "1e400",
        "NaN",
        "123456789012345678901234567890",
        "5.5",
        "\"\"",
        "\"a\\u0000b\"",
        "\"\\ud800\"",
        "[]",
        "[null,\"x\",{}]",
        "{}",
        "{\"\\u0000\":1}",
        "[[[1]]]",
        "\"2035-W01-1\"",
        "{\"tracks\":[{\"parent_track_id\":1e300}]}",
        "{\"track_ids\":[{\"track\":\"x\",\"time\":{}}]}",
        "{\"usdc_purchase\":{\"price\":true,\"splits\":[]}}",
    ]
    .map(str::to_owned)
    .into();
    values.extend([deep, deep_objects]);
    values
}

/// Acting user, action, entity type, entity id and metadata.
type Call<'a> = (i64, &'a str, &'a str, i64, String);

/// One archive line.
fn block(height: i64, calls: &[Call<'_>]) -> String {
    let transactions: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(index, (user, action, entity, id, metadata))| {
            json!({
                "hash": format!("{height:032X}{index:032X}"),
                "transaction": {"manageEntity": {
                    "userId": user.to_string(), "entityType": entity, "entityId": id.to_string(),
                    "action": action, "metadata": metadata, "signer": format!("0xWallet{user}"),
                }},
            })
        })
        .collect();
    json!({
        "height": height.to_string(), "hash": format!("{height:064x}"), "chainId": "hostile",
        "proposer": "00", "timestamp": "2025-01-01T00:00:00Z", "transactions": transactions,
    })
    .to_string()
}

fn envelope(data: &Value) -> String {
    json!({"cid": "", "data": data}).to_string()
}

/// Users, tracks, a playlist, a comment and an event for the calls to be about.
fn world() -> Vec<Vec<Call<'static>>> {
    let user = |id: i64| {
        (id, "Create", "User", id, envelope(&json!({"handle": format!("h{id}"), "name": "n"})))
    };
    let track = |id: i64| {
        let data = json!({"title": "t", "owner_id": 3_000_001, "genre": "Rock", "duration": 1});
        (3_000_001, "Create", "Track", id, envelope(&data))
    };
    let comment = json!({"body": "b", "entity_id": 2_000_001, "entity_type": "Track"});
    let contest = json!({
        "event_type": "remix_contest", "entity_type": "track", "entity_id": 2_000_001,
        "end_date": "2099-01-01T00:00:00Z", "event_data": {},
    });
    let list = json!({"playlist_name": "p", "playlist_contents": {"track_ids": []}});
    vec![
        vec![user(3_000_001), user(3_000_002)],
        vec![track(2_000_001), (3_000_001, "Create", "Playlist", 400_001, envelope(&list))],
        vec![
            (3_000_002, "Create", "Comment", 4_000_001, envelope(&comment)),
            (3_000_001, "Create", "Event", 1, envelope(&contest)),
        ],
    ]
}

/// The entity that a call of this type is about: one that exists, or a free id for a Create.
fn target(entity: &str, action: &str, fresh: i64) -> i64 {
    let create = action == "Create";
    match entity {
        "Track" => {
            if create {
                2_100_000 + fresh
            } else {
                2_000_001
            }
        }
        "Playlist" => {
            if create {
                500_000 + fresh
            } else {
                400_001
            }
        }
        "Comment" => {
            if create {
                4_100_000 + fresh
            } else {
                4_000_001
            }
        }
        "Event" => {
            if create {
                100 + fresh
            } else {
                1
            }
        }
        _ => 3_000_002,
    }
}

#[tokio::test]
async fn every_handler_survives_hostile_metadata_and_no_block_is_lost() {
    let env = TestEnv::new();
    let mut archive = String::new();
    let mut height = 0;
    let mut calls = 0;
    for block_calls in world() {
        height += 1;
        calls += block_calls.len();
        writeln!(archive, "{}", block(height, &block_calls)).unwrap();
    }
    for (nth, value) in hostile_values().iter().enumerate() {
        for (handler, entry) in HANDLERS.iter().enumerate() {
            let entity = if entry.entity == ANY { "Track" } else { entry.entity };
            let fresh = i64::try_from(nth * HANDLERS.len() + handler).unwrap() * 10;
            let key = KEYS[(nth * 7 + handler) % KEYS.len()];
            let other = KEYS[(nth * 11 + handler * 3) % KEYS.len()];
            let bare = BARE_KEYS[(nth + handler) % BARE_KEYS.len()];
            let base = "\"title\":\"t\",\"owner_id\":3000001,\"playlist_name\":\"p\",\"body\":\"b\",\
                        \"entity_id\":2000001,\"entity_type\":\"Track\",\"handle\":\"x\",\"name\":\"n\"";
            let texts = [
                value.clone(),
                format!("{{\"cid\":\"\",\"data\":{value}}}"),
                format!(
                    "{{\"cid\":{value},\"data\":{{{base},\"{key}\":{value},\"{other}\":{value}}}}}"
                ),
                format!("{{\"{bare}\":{value},\"address\":{value}}}"),
                value.chars().take(9).collect(),
            ];
            height += 1;
            let block_calls: Vec<_> = texts
                .into_iter()
                .zip(0..)
                .map(|(text, n)| {
                    let id = target(entity, entry.action, fresh + n);
                    (3_000_001, entry.action, entity, id, text)
                })
                .collect();
            calls += block_calls.len();
            writeln!(archive, "{}", block(height, &block_calls)).unwrap();
        }
    }
    height += 1;
    let long = "x".repeat(10 << 20);
    let huge = envelope(&json!({"title": long, "owner_id": 3_000_001, "description": long}));
    let last = [
        (3_000_001, "Create", "Track", 2_900_001, huge),
        (
            3_000_001,
            "Update",
            "User",
            3_000_001,
            envelope(&json!({"name": long, "location": long})),
        ),
    ];
    calls += last.len();
    writeln!(archive, "{}", block(height, &last)).unwrap();
    std::fs::write(env.path().join("hostile.jsonl"), archive).unwrap();

    let db = TestDb::new().await;
    let run = env.run(&[
        "index",
        "--era",
        "discovery",
        "--db",
        db.url(),
        "--source",
        "hostile.jsonl",
        "--rejects",
        "rejects",
    ]);
    assert_eq!(run.code(), 0, "{}", run.stderr());

    assert_eq!(db.number("SELECT count(*) FROM core_indexed_blocks").await, height);
    let calls = i64::try_from(calls).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM etl_transactions").await, calls);
    assert_eq!(db.number("SELECT count(*) FROM etl_manage_entities").await, calls);
    let rejects = std::fs::read_to_string(env.path().join("rejects")).unwrap();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for line in rejects.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        *outcomes.entry(line["outcome"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for outcome in ["rejected", "skipped", "poison"] {
        assert!(outcomes.get(outcome).is_some_and(|count| *count > 10), "{outcomes:?}");
    }
    let skipped = db.number("SELECT count(*) FROM skipped_transactions").await;
    assert_eq!(usize::try_from(skipped).ok(), outcomes.get("skipped").copied());
}
