//! Data that the database refuses although every rule let it pass: the transaction is left out, with
//! the server's words, and nothing else is lost.

use serde_json::{Value, json};

use crate::kill::{assert_same, dump};
use crate::support::TestEnv;
use crate::support::db::TestDb;

/// Acting user, action, entity type, entity id and data.
type Call = (i64, &'static str, &'static str, i64, Value);

fn block(height: usize, calls: &[Call]) -> String {
    let transactions: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(index, (user, action, entity, id, data))| {
            let metadata = json!({"cid": "c", "data": data}).to_string();
            json!({
                "hash": format!("{height:032X}{index:032X}"),
                "transaction": {"manageEntity": {
                    "userId": user.to_string(), "entityType": entity, "entityId": id.to_string(),
                    "action": action, "metadata": metadata, "signer": format!("0x{user:040x}"),
                }},
            })
        })
        .collect();
    json!({
        "height": height.to_string(), "hash": format!("{height:064x}"), "chainId": "refused",
        "proposer": "00", "timestamp": "2026-08-01T00:00:00Z", "transactions": transactions,
    })
    .to_string()
        + "\n"
}

fn user(id: i64) -> Call {
    (id, "Create", "User", id, json!({"handle": format!("h{id}"), "name": "n"}))
}

fn track(id: i64, title: &str) -> Call {
    let data = json!({"title": title, "owner_id": 3_000_001, "genre": "Rock", "duration": 1});
    (3_000_001, "Create", "Track", id, data)
}

/// Forbids rows by what no later call changes: of a row that is written twice in one run, the database
/// sees only what it is in the end.
const FORBIDS: &str = "ALTER TABLE tracks ADD CHECK (track_id NOT IN (2000003, 2000004, 2000005))";

/// Blocks, of which two hold a track that the check forbids; later calls depend on it.
fn archive() -> String {
    let save = |id| (3_000_002, "Save", "Track", id, json!({}));
    let rename =
        |id| (3_000_001, "Update", "Track", id, json!({"title": "renamed", "genre": "Rock"}));
    [
        block(1, &[user(3_000_001), user(3_000_002)]),
        block(2, &[track(2_000_001, "one")]),
        block(3, &[track(2_000_002, "two"), track(2_000_003, "three or more"), save(2_000_001)]),
        block(4, &[save(2_000_003), rename(2_000_003), rename(2_000_002)]),
        block(5, &[track(2_000_004, "three or more"), track(2_000_005, "three or more")]),
        block(6, &[user(3_000_003), save(2_000_002)]),
    ]
    .concat()
}

#[tokio::test]
async fn a_refused_transaction_is_left_out_and_what_depends_on_it_is_judged_without_it() {
    for (era, batches) in [("discovery", "100"), ("etl", "100"), ("etl", "1")] {
        let env = TestEnv::new();
        env.write("a.jsonl", archive());
        let db = TestDb::new().await;
        db.execute(FORBIDS).await;
        let run = env.run(&[
            "index",
            "--era",
            era,
            "--db",
            db.url(),
            "--source",
            "a.jsonl",
            "--batch-blocks",
            batches,
        ]);
        assert_eq!(run.code(), 0, "{era}: {}", run.stderr());
        assert_eq!(db.number("SELECT count(*) FROM core_indexed_blocks").await, 6);
        assert_eq!(
            db.texts("SELECT track_id || ' ' || title FROM tracks WHERE is_current ORDER BY 1")
                .await,
            ["2000001 one", "2000002 renamed"],
            "{era}"
        );
        assert_eq!(
            db.texts("SELECT save_item_id::text FROM saves ORDER BY 1").await,
            ["2000001", "2000002"],
            "{era}"
        );
        assert_eq!(db.number("SELECT count(*) FROM users WHERE is_current").await, 3);
        let refusals = "SELECT height || '/' || tx_index || ' ' || tx_type || ' ' || code \
                        FROM audius_etl_refusals ORDER BY 1";
        let wanted = ["3/1", "5/0", "5/1"].map(|at| format!("{at} manage_entity 23514"));
        assert_eq!(db.texts(refusals).await, wanted, "{era}");
        let recorded = "SELECT count(*) FROM etl_transactions";
        assert_eq!(db.number(recorded).await, 13, "{era}");
        assert!(format!("{}{}", run.stdout(), run.stderr()).contains("refused by the database"));
    }
}

#[tokio::test]
async fn how_blocks_are_batched_and_when_a_run_is_started_again_makes_no_difference() {
    let env = TestEnv::new();
    env.write("a.jsonl", archive());
    let mut dumps = Vec::new();
    for ends in [&["6"][..], &["2", "3", "4", "6"]] {
        let db = TestDb::new().await;
        db.execute(FORBIDS).await;
        for end in ends {
            let run = env.run(&[
                "index",
                "--era",
                "etl",
                "--db",
                db.url(),
                "--source",
                "a.jsonl",
                "--end",
                end,
            ]);
            assert_eq!(run.code(), 0, "{}", run.stderr());
        }
        let rows = dump(db.database()).await;
        // Checkpoints count the attempts.
        dumps.push(
            rows.into_iter()
                .filter(|row| !row.starts_with("audius_etl_checkpoints"))
                .collect::<Vec<_>>(),
        );
    }
    assert_same(&dumps[0], &dumps[1]);
}

#[tokio::test]
async fn a_block_that_is_refused_whatever_it_holds_ends_the_run() {
    let env = TestEnv::new();
    env.write("a.jsonl", archive());
    let db = TestDb::new().await;
    db.execute("ALTER TABLE etl_blocks ADD CHECK (block_height <> 3)").await;
    let run = env.run(&["index", "--era", "etl", "--db", db.url(), "--source", "a.jsonl"]);
    assert_eq!(run.code(), 6, "{}", run.stderr());
    assert!(run.stderr().contains("etl_blocks"), "{}", run.stderr());
    assert_eq!(db.number("SELECT max(height)::bigint FROM core_indexed_blocks").await, 2);
}
