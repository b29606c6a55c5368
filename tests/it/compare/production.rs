//! Production of 2026 as the reference: tables by what the chain makes of them.

use audius_etl::compare::{Kind, Options, Verdict};

use super::Pair;
use crate::support::db::TestDb;

const SCHEMA: &str = include_str!("../../../fixtures/schema/production-2026.sql");

async fn pair() -> Pair {
    let (etl, prod) = (TestDb::empty().await, TestDb::empty().await);
    etl.execute(SCHEMA).await;
    prod.execute(SCHEMA).await;
    Pair { etl, prod, folder: tempfile::tempdir().unwrap() }
}

fn notification(group: &str, kind: &str) -> String {
    format!(
        "INSERT INTO notification (specifier, group_id, type, timestamp) \
         VALUES ('1', '{group}', '{kind}', '2026-07-01');"
    )
}

#[tokio::test]
async fn what_jobs_write_is_not_judged_and_what_the_chain_makes_is() {
    let pair = pair().await;
    for db in [&pair.etl, &pair.prod] {
        db.execute(&notification("both", "repost")).await;
    }
    pair.prod.execute(&notification("weekly", "weekly_rotation")).await;
    pair.prod.execute(&notification("theirs", "follow")).await;
    pair.prod.execute("INSERT INTO user_pubkeys VALUES (1, 'key'), (2, 'other')").await;
    pair.etl.execute("INSERT INTO user_pubkeys VALUES (2, 'mine')").await;
    // The same pair, last written by transactions of two chains.
    let follow = |hash: &str| {
        format!(
            "INSERT INTO follows (follower_user_id, followee_user_id, is_current, is_delete,
                created_at, txhash) VALUES (1, 2, true, false, '2026-07-01', '{hash}')"
        )
    };
    pair.etl.execute(&follow("NEW")).await;
    pair.prod.execute(&follow("OLD")).await;
    let (report, differences) = pair.compare(Options { known: None, ..pair.options() }).await;
    let mut found: Vec<_> = differences
        .iter()
        .filter(|difference| !difference.is_known())
        .map(|difference| (difference.table.as_str(), difference.kind.name()))
        .collect();
    found.sort_unstable();
    let (other, missing) = (Kind::Different.name(), Kind::MissingInEtl.name());
    assert_eq!(found, [("follows", other), ("notification", missing), ("user_pubkeys", other)]);
    assert_eq!(report.verdict, Verdict::Different);
    assert_eq!(report.total().known, 1, "the key that chat stored");
    assert!(report.skipped.iter().any(|skipped| skipped.table == "user_tips"));
}

#[tokio::test]
async fn counters_that_are_not_what_the_rows_of_their_side_say_are_told_by_side() {
    let pair = pair().await;
    for db in [&pair.etl, &pair.prod] {
        db.execute(
            "INSERT INTO follows (follower_user_id, followee_user_id, is_current, is_delete, created_at)
                VALUES (1, 2, true, false, '2026-07-01'), (3, 2, true, false, '2026-07-01');
             INSERT INTO aggregate_user (user_id, follower_count, following_count)
                VALUES (1, 0, 1), (2, 2, 0), (3, 0, 1)",
        )
        .await;
    }
    pair.prod.execute("UPDATE aggregate_user SET follower_count = 5 WHERE user_id = 2").await;
    let options = Options { check_aggregates: true, ..pair.options() };
    let (report, differences) = pair.compare(options).await;
    assert_eq!(differences.len(), 1);
    let drift = "aggregate_user.follower_count: 1 rows of prod are not what its own follows say \
                 (user_id 2: 5, not 2)";
    assert!(report.notes.iter().any(|note| note == drift), "{:?}", report.notes);
    let fine = "the counters of etl are what its own rows say";
    assert!(report.notes.iter().any(|note| note == fine), "{:?}", report.notes);
}
