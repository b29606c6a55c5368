//! Production of 2026 as the reference: tables by what the chain makes of them.

use audius_etl::compare::{Aggregates, Kind, Options, Verdict};

use super::Pair;
use crate::support::db::TestDb;

const SCHEMA: &str = include_str!("../../../fixtures/schema/production-2026.sql");

pub(super) async fn pair() -> Pair {
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

/// A chain's heights in both databases, as the Go indexer notes them.
async fn index(pair: &Pair, chain: &str, heights: std::ops::RangeInclusive<i64>, shift: i64) {
    let (first, last) = heights.into_inner();
    for db in [&pair.etl, &pair.prod] {
        db.execute(&format!(
            "INSERT INTO core_indexed_blocks (blockhash, chain_id, height, em_block, plays_slot)
                SELECT '{chain} ' || h, '{chain}', h, h + {shift}, 0
                FROM generate_series({first}, {last}) AS h"
        ))
        .await;
    }
}

/// A play of `days` ago with `slot`, whose signature tells it from others.
fn play(signature: &str, days: i64, slot: i64) -> String {
    format!(
        "INSERT INTO plays (play_item_id, user_id, created_at, slot, signature)
            VALUES (1, 1, date_trunc('hour', now() AT TIME ZONE 'UTC') - interval '{days} days',
                {slot}, '{signature}');"
    )
}

fn only(pair: &Pair, tables: &[&str]) -> Options {
    let tables = tables.iter().map(ToString::to_string).collect();
    Options { tables, all: false, known: None, ..pair.options() }
}

/// Keys and names of the differences that nothing explains.
fn open(differences: &[audius_etl::compare::Difference]) -> Vec<(String, &'static str)> {
    let open = differences.iter().filter(|difference| !difference.is_known());
    let mut open: Vec<_> = open
        .map(|difference| {
            let key: Vec<_> = difference.key.iter().filter_map(|(_, text)| text.clone()).collect();
            (key.join(" "), difference.kind.name())
        })
        .collect();
    open.sort();
    open
}

#[tokio::test]
async fn plays_are_compared_by_height_and_within_400_days() {
    let pair = pair().await;
    index(&pair, "main", 100..=200, 0).await;
    for db in [&pair.etl, &pair.prod] {
        db.execute(&play("both", 10, 150)).await;
        db.execute(&play("oldest", 500, 101)).await;
    }
    // Dropped there, missing there, of another chain, of the time to come.
    pair.etl.execute(&play("dropped", 401, 110)).await;
    pair.etl.execute(&play("missing", 399, 111)).await;
    pair.etl.execute(&play("elsewhere", 9, 99)).await;
    pair.etl.execute(&play("later", 9, 201)).await;
    let (report, differences) = pair.compare(only(&pair, &["plays"])).await;
    assert_eq!(report.total().matched, 1, "{differences:?}");
    let [missing] = differences.as_slice() else { panic!("{differences:?}") };
    assert_eq!((missing.kind, missing.key[3].1.as_deref()), (Kind::MissingInProd, Some("missing")));
}

#[tokio::test]
async fn counted_slots_and_heights_of_one_window_are_each_dated_in_their_own_way() {
    let pair = pair().await;
    index(&pair, "main", 100..=200, 0).await;
    for (db, first) in [(&pair.etl, 1_000), (&pair.prod, 315_925_000_i64)] {
        db.execute(&format!(
            "UPDATE core_indexed_blocks SET plays_slot = height + {first} WHERE height < 150"
        ))
        .await;
        db.execute(&(play("counted", 20, first + 120) + &play("by height", 10, 160))).await;
        // A height that was counted, so no slot of the window.
        db.execute(&play(if first == 1_000 { "mine" } else { "theirs" }, 5, 120)).await;
    }
    let tables = ["plays", "core_indexed_blocks"];
    let (report, differences) = pair.compare(only(&pair, &tables)).await;
    assert_eq!(differences, []);
    assert_eq!(report.total().matched, 2 + 101);
    // An indexer of another kind counted them: what it alone writes is not compared.
    pair.etl.execute("UPDATE core_indexed_blocks SET plays_slot = height").await;
    pair.etl
        .execute("UPDATE plays SET slot = 101 WHERE signature IN ('counted', 'by height')")
        .await;
    pair.etl.execute("DELETE FROM plays WHERE signature = 'mine'").await;
    let (report, differences) = pair.compare(only(&pair, &tables)).await;
    assert_eq!(differences, []);
    assert!(report.notes.iter().any(|note| note.contains("indexers of two kinds")));
}

#[tokio::test]
async fn chains_are_compared_one_by_one_and_raw_rows_that_went_with_a_chain_are_absent() {
    let pair = pair().await;
    index(&pair, "audius-mainnet-alpha-beta", 5_000..=5_020, -4_000).await;
    index(&pair, "audius-mainnet-beta", 100..=120, 1_000).await;
    let raw = |heights: &str| {
        format!(
            "INSERT INTO etl_blocks (proposer_address, block_height, block_time)
                SELECT 'p', h, '2026-07-01' FROM generate_series({heights}) AS h"
        )
    };
    pair.etl.execute(&raw("5000, 5020")).await;
    for db in [&pair.etl, &pair.prod] {
        db.execute(&raw("100, 120")).await;
    }
    let block = "core_indexed_blocks SET blockhash = 'x' WHERE height";
    pair.prod.execute(&format!("UPDATE {block} = 5010")).await;
    let tables = ["core_indexed_blocks", "etl_blocks"];
    let (report, differences) = pair.compare(only(&pair, &tables)).await;
    assert_eq!((open(&differences), report.total().matched), (Vec::new(), 21 + 21));
    let other = "both databases have audius-mainnet-alpha-beta too";
    assert!(report.notes.iter().any(|note| note.contains(other)), "{:?}", report.notes);
    let old = Some("audius-mainnet-alpha-beta".to_owned());
    let options = Options { chain: old, ..only(&pair, &tables) };
    let (report, differences) = pair.compare(options).await;
    let key = "audius-mainnet-alpha-beta 5010".to_owned();
    assert_eq!(open(&differences), [(key, Kind::Different.name())]);
    assert_eq!(report.total().matched, 20);
    let gone = "prod no longer has the raw rows of audius-mainnet-alpha-beta";
    assert!(report.skipped.iter().any(|skipped| skipped.reason == gone), "{:?}", report.skipped);
}

#[tokio::test]
async fn heights_that_production_passed_over_are_holes_unless_entities_were_in_them() {
    let pair = pair().await;
    index(&pair, "main", 100..=200, 0).await;
    pair.etl
        .execute("UPDATE core_indexed_blocks SET em_block = NULL WHERE height IN (110, 111)")
        .await;
    let gone = "DELETE FROM core_indexed_blocks WHERE height IN (110, 111, 150)";
    pair.prod.execute(gone).await;
    let (report, differences) = pair.compare(only(&pair, &["core_indexed_blocks"])).await;
    assert_eq!(open(&differences), [("main 150".to_owned(), Kind::MissingInProd.name())]);
    assert_eq!(uses(&report, "holes"), 2);
}

fn uses(report: &audius_etl::compare::Report, name: &str) -> u64 {
    let named = report.known.iter().filter(|known| known.name.as_deref() == Some(name));
    named.map(|known| known.uses).sum()
}

#[tokio::test]
async fn wallets_of_ethereum_are_one_whatever_their_case_and_those_of_solana_are_not() {
    let pair = pair().await;
    for (db, wallet) in [(&pair.etl, "0xAb"), (&pair.prod, "0xab")] {
        db.execute(&format!(
            "SET session_replication_role = replica;
             INSERT INTO associated_wallets
                (user_id, wallet, blockhash, blocknumber, is_current, is_delete, chain)
                VALUES (1, '{wallet}', 'h', 1, true, false, 'eth'), (1, '{wallet}', 'h', 1, true, false, 'sol')"
        ))
        .await;
    }
    let options = Options { all: true, ..only(&pair, &["associated_wallets"]) };
    let (report, differences) = pair.compare(options).await;
    assert_eq!((report.total().matched, open(&differences).len()), (1, 2), "{differences:?}");
}

#[tokio::test]
async fn balances_are_compared_by_value_where_both_sides_have_read_the_same_block() {
    let pair = pair().await;
    for (db, day) in [(&pair.etl, 1), (&pair.prod, 2)] {
        db.execute(&format!(
            "INSERT INTO eth_user_balances (user_id, balance, updated_at, created_at)
                VALUES (1, 10, '2026-07-0{day}', '2026-07-0{day}'), (2, {day}, now(), now());
             INSERT INTO eth_indexer_checkpoints (name, last_block) VALUES ('transfers', 100)"
        ))
        .await;
    }
    let options = || Options { all: true, ..only(&pair, &["eth_user_balances"]) };
    let (report, differences) = pair.compare(options()).await;
    assert_eq!(open(&differences), [("2".to_owned(), Kind::Different.name())]);
    assert_eq!(report.total().matched, 1);
    pair.prod.execute("UPDATE eth_indexer_checkpoints SET last_block = 101").await;
    let (report, _) = pair.compare(options()).await;
    assert_eq!(report.verdict, Verdict::Nothing);
    let heads = "up to block 100, prod up to 101";
    assert!(report.skipped[0].reason.contains(heads), "{:?}", report.skipped);
}

#[tokio::test]
async fn counters_of_a_live_production_may_be_on_their_way_to_what_its_rows_say() {
    let pair = pair().await;
    for db in [&pair.etl, &pair.prod] {
        db.execute(
            "INSERT INTO follows (follower_user_id, followee_user_id, is_current, is_delete, created_at)
                VALUES (1, 2, true, false, '2026-07-01'), (3, 2, true, false, '2026-07-01');
             INSERT INTO aggregate_user (user_id, follower_count, following_count, score)
                VALUES (1, 0, 1, 0), (2, 2, 0, 0), (3, 0, 1, 0)",
        )
        .await;
    }
    // Late there; wrong there and here; wrong here; and what nobody can compute again.
    pair.prod.execute("UPDATE aggregate_user SET follower_count = 5 WHERE user_id = 2").await;
    pair.prod.execute("UPDATE aggregate_user SET following_count = 7 WHERE user_id = 1").await;
    pair.etl.execute("UPDATE aggregate_user SET following_count = 8 WHERE user_id = 1").await;
    pair.etl.execute("UPDATE aggregate_user SET following_count = 9 WHERE user_id = 3").await;
    pair.prod.execute("UPDATE aggregate_user SET score = 77, supporter_count = 3").await;
    let options = || Options { all: true, ..only(&pair, &["aggregate_user"]) };
    let (report, differences) = pair.compare(options()).await;
    let different = |key: &str| (key.to_owned(), Kind::Different.name());
    assert_eq!(open(&differences), [different("1"), different("3")]);
    assert_eq!(uses(&report, "live-counters"), 1);
    let at_rest = Options { aggregates: Aggregates::Rest, ..options() };
    let (_, differences) = pair.compare(at_rest).await;
    assert_eq!(open(&differences), [different("1"), different("2"), different("3")]);
}

#[tokio::test]
async fn notices_of_users_with_a_negative_score_on_the_side_without_them_are_known() {
    let pair = pair().await;
    for (db, banned) in [(&pair.etl, 4), (&pair.prod, 5)] {
        db.execute(&format!(
            "INSERT INTO aggregate_user (user_id, score)
                SELECT u, CASE u WHEN {banned} THEN -2 ELSE 3 END FROM generate_series(1, 6) AS u;
             INSERT INTO follows (follower_user_id, followee_user_id, is_current, is_delete, created_at)
                VALUES (4, 9, true, false, '2026-07-01'), (5, 8, true, false, '2026-07-01')"
        ))
        .await;
    }
    let notice = |kind: &str, of: &str, specifier: &str| {
        format!(
            "INSERT INTO notification (specifier, group_id, type, timestamp)
                VALUES ('{specifier}', '{kind}:{of}', '{kind}', '2026-07-01');"
        )
    };
    let milestone = |id: i64| {
        notice("milestone_follower_count", &format!("FOLLOWER_COUNT:id:{id}:threshold:10"), "9")
    };
    // Ours does not tell of 4, theirs not of 5; of 3 both had to.
    pair.prod.execute(&(notice("follow", "1", "4") + &notice("follow", "1", "3"))).await;
    pair.etl.execute(&(notice("repost", "1", "5") + &notice("save", "1", "3"))).await;
    pair.prod.execute(&(milestone(9) + &milestone(7))).await;
    pair.etl.execute(&milestone(8)).await;
    let options = Options { all: true, ..only(&pair, &["notification"]) };
    let (report, differences) = pair.compare(options).await;
    let found: Vec<_> = open(&differences).into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        found,
        ["follow:1 3", "milestone_follower_count:FOLLOWER_COUNT:id:7:threshold:10 9", "save:1 3"]
    );
    assert_eq!(uses(&report, "scores"), 4);
}
