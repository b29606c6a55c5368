//! Production of 2026 and a clone of it that was edited: every edit is found, nothing else is
//! reported, and every known difference explains its own edits and no others.
//!
//! `AUDIUS_ETL_EDITS=200000,300` makes a clone of so many rows and at least so many edits.

use std::collections::BTreeSet;

use audius_etl::compare::spec::{self, TableSpec};
use audius_etl::compare::{Aggregates, Difference, Options, Report};
use sqlx::{AssertSqlSafe, Executor};

use super::mutation::{Damage, Dice, Expected, columns, observed, places};
use super::{fill, prepared, production, spec_of};

/// Tables that made-up rows are not in the right shape for, or that are not compared with production.
const PASSED_OVER: &[&str] = &["plays", "notification", "associated_wallets"];

/// Keys that production's rows have; all columns of them are found by the key of the table too.
const KEYS: &[(&str, &[&str])] = &[
    ("follows", &["follower_user_id", "followee_user_id"]),
    ("subscriptions", &["subscriber_id", "user_id", "entity_type"]),
    ("track_downloads", &["parent_track_id", "track_id"]),
];

/// Columns that are not compared with production's.
const IGNORED: &[(&str, &[&str])] =
    &[("aggregate_user", &["score", "supporter_count", "supporting_count"])];

#[expect(clippy::disallowed_methods, reason = "a setting of the test, not of the program")]
fn size() -> (i64, usize) {
    let asked = std::env::var("AUDIUS_ETL_EDITS").unwrap_or_else(|_| "6000,60".to_owned());
    let (rows, edits) = asked.split_once(',').expect("rows, edits");
    (rows.parse().unwrap(), edits.parse().unwrap())
}

#[tokio::test]
async fn every_edit_of_a_clone_of_production_is_found_and_nothing_else() {
    let (rows, edits) = size();
    let pair = production::pair().await;
    let options =
        || Options { aggregates: Aggregates::Rest, segment_rows: 1_000, ..pair.options() };
    let (report, _) = pair.compare(Options { allow_empty: true, ..options() }).await;
    let compared: Vec<_> = report.tables.iter().map(|table| table.table.clone()).collect();
    let each = rows / i64::try_from(compared.len()).unwrap();
    for db in [&pair.etl, &pair.prod] {
        let mut connection = prepared(db).await;
        for table in &compared {
            fill(&mut connection, spec_of(table), 1, each).await;
        }
        connection.execute("ANALYZE").await.unwrap();
    }
    let (report, differences) = pair.compare(Options { allow_empty: true, ..options() }).await;
    assert_eq!(differences, []);
    let matched = report.total().matched;
    let tables = compared.iter().filter(|name| !PASSED_OVER.contains(&name.as_str()));
    let tables: Vec<TableSpec> = tables.map(|name| shaped(spec_of(name))).collect();
    let mut connection = prepared(&pair.etl).await;
    let (mut dice, mut expected, mut left) = (Dice(2026), Expected::new(), tables.clone());
    while expected.len() < edits && !left.is_empty() {
        let table = left.swap_remove(dice.below(left.len()));
        let columns = columns(&mut connection, &table).await;
        let places = places(&mut connection, table.name).await;
        let (dice, expected) = (&mut dice, &mut expected);
        let connection = &mut connection;
        Damage { connection, table: &table, columns, places, dice, expected }.everything().await;
    }
    assert!(expected.len() >= edits, "{} edits", expected.len());
    let (report, differences) = pair.compare(options()).await;
    let found: Expected = differences.iter().map(observed).collect();
    assert_eq!(found, expected);
    assert_eq!(differences.len(), expected.len(), "a row is reported twice");
    println!("{} edits of {matched} rows found: {}", expected.len(), report.verdict_line());
}

/// A table as it is compared with production's.
fn shaped(spec: &TableSpec) -> TableSpec {
    let mut spec = spec.clone();
    if let Some((_, key)) = KEYS.iter().find(|(table, _)| *table == spec.name) {
        spec.key = key.to_vec();
    }
    if let Some((_, ignored)) = IGNORED.iter().find(|(table, _)| *table == spec.name) {
        spec.ignored = ignored;
    }
    spec
}

/// Edits that a known difference explains, beside some like them that it must not.
struct Case {
    name: &'static str,
    /// Of production, of the clone.
    edits: [&'static str; 2],
    /// How often it explains something.
    uses: u64,
    /// Differences that stay.
    open: usize,
}

const CASES: &[Case] = &[
    Case {
        name: "delisted-users",
        edits: [
            "INSERT INTO user_delist_statuses (created_at, user_id, delisted, reason)
                SELECT now(), user_id, true, 'MANUAL' FROM users WHERE handle IN ('handle 12', 'handle 13');
             UPDATE users SET is_available = false, is_deactivated = true
                WHERE handle IN ('handle 12', 'handle 13', 'handle 14')",
            "UPDATE users SET is_available = true, is_deactivated = false
                WHERE handle IN ('handle 12', 'handle 13', 'handle 14');
             UPDATE users SET name = 'x' WHERE handle = 'handle 13'",
        ],
        uses: 4,
        open: 2,
    },
    Case {
        name: "delisted-tracks",
        edits: [
            "INSERT INTO track_delist_statuses (created_at, track_id, owner_id, track_cid, delisted, reason)
                SELECT now(), track_id, owner_id, 'c', true, 'ACR' FROM tracks WHERE title = 'title 12';
             UPDATE tracks SET is_available = false, is_delete = true
                WHERE title IN ('title 12', 'title 13')",
            "UPDATE tracks SET is_available = true, is_delete = false
                WHERE title IN ('title 12', 'title 13')",
        ],
        uses: 2,
        open: 1,
    },
    Case {
        name: "scheduled-releases",
        edits: [
            "UPDATE tracks SET is_unlisted = false, release_date = '2026-01-01', updated_at = '2026-01-02',
                is_scheduled_release = title <> 'title 13' WHERE title IN ('title 12', 'title 13', 'title 14');
             UPDATE playlists SET is_private = false, release_date = '2026-01-01', updated_at = '2026-01-02',
                is_scheduled_release = true WHERE playlist_name = 'playlist_name 12'",
            "UPDATE tracks SET is_unlisted = true, release_date = '2026-01-01', updated_at = '2025-12-01',
                is_scheduled_release = title <> 'title 13' WHERE title IN ('title 12', 'title 13', 'title 14');
             UPDATE tracks SET is_unlisted = false WHERE title = 'title 14';
             UPDATE playlists SET is_private = true, release_date = '2026-01-01', updated_at = '2025-12-01',
                is_scheduled_release = true WHERE playlist_name = 'playlist_name 12'",
        ],
        uses: 4,
        open: 2,
    },
    Case {
        name: "audio-analysis",
        edits: [
            "UPDATE tracks SET bpm = 128, is_custom_bpm = title = 'title 13',
                musical_key = CASE title WHEN 'title 14' THEN 'H minor' ELSE 'A minor' END,
                is_custom_musical_key = false, audio_analysis_error_count = 2
                WHERE title IN ('title 12', 'title 13', 'title 14')",
            "UPDATE tracks SET bpm = NULL, is_custom_bpm = title = 'title 13', musical_key = NULL,
                is_custom_musical_key = false, audio_analysis_error_count = 0
                WHERE title IN ('title 12', 'title 13', 'title 14')",
        ],
        uses: 7,
        open: 2,
    },
    Case {
        name: "hidden-nft-gates",
        edits: [
            "UPDATE tracks SET stream_conditions = NULL, is_unlisted = true, is_stream_gated = false
                WHERE title IN ('title 12', 'title 13')",
            "UPDATE tracks SET is_unlisted = false, is_stream_gated = true, stream_conditions =
                CASE title WHEN 'title 12' THEN '{\"nft_collection\": {}}' ELSE '{\"tip_user_id\": 1}' END::jsonb
                WHERE title IN ('title 12', 'title 13')",
        ],
        uses: 3,
        open: 1,
    },
    Case {
        name: "forwarded-writes",
        edits: [
            "CREATE TABLE IF NOT EXISTS new_chain_queue (id int);
             INSERT INTO core_indexed_blocks (blockhash, chain_id, height, em_block)
                VALUES ('a', 'audius-mainnet-alpha-beta', 5, 1000000), ('b', 'audius-mainnet-beta', 6, 1000001);
             UPDATE users SET txhash = 'OLD', blocknumber = 7, updated_at = '2026-01-01', blockhash = 'o'
                WHERE handle IN ('handle 12', 'handle 13');
             UPDATE follows SET txhash = 'OLD', blocknumber = 7 WHERE txhash = 'txhash 12';
             UPDATE users SET txhash = 'LATE', blocknumber = 1000001 WHERE handle = 'handle 14'",
            "INSERT INTO core_indexed_blocks (blockhash, chain_id, height, em_block)
                VALUES ('a', 'audius-mainnet-alpha-beta', 5, 1000000), ('b', 'audius-mainnet-beta', 6, 1000001);
             UPDATE users SET txhash = 'NEW', blocknumber = 9, updated_at = '2026-01-03', blockhash = 'n'
                WHERE handle IN ('handle 12', 'handle 13');
             UPDATE users SET location = 'x' WHERE handle = 'handle 13';
             UPDATE follows SET txhash = 'NEW', blocknumber = 9 WHERE txhash = 'txhash 12';
             UPDATE users SET txhash = 'LATER', blocknumber = 1000002 WHERE handle = 'handle 14'",
        ],
        uses: 10,
        open: 2,
    },
    Case {
        name: "deleted-wallet-twins",
        edits: [
            "INSERT INTO associated_wallets (user_id, wallet, blockhash, blocknumber, is_current, is_delete, chain)
                VALUES (7, '0xab', 'h', 1, true, false, 'eth')",
            "INSERT INTO associated_wallets (user_id, wallet, blockhash, blocknumber, is_current, is_delete, chain)
                VALUES (7, '0xab', 'h', 1, true, false, 'eth'), (7, '0xAB', 'h', 1, true, false, 'eth'),
                    (8, '0xab', 'h', 1, true, false, 'eth')",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "keys-of-chat",
        edits: [
            "INSERT INTO user_pubkeys VALUES (900001, 'theirs')",
            "INSERT INTO user_pubkeys VALUES (900002, 'ours')",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "first-block",
        edits: [
            "INSERT INTO blocks (blockhash, number) VALUES ('0x0', 0), ('0x1', -1)",
            "SELECT",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "track-duration",
        edits: [
            "UPDATE tracks SET duration = 0 WHERE title IN ('title 12', 'title 13')",
            "UPDATE tracks SET duration = CASE title WHEN 'title 12' THEN NULL ELSE 1 END
                WHERE title IN ('title 12', 'title 13')",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "playlists-of-a-track",
        edits: [
            "UPDATE tracks SET playlists_containing_track = '{1,2,3}' WHERE title IN ('title 12', 'title 13')",
            "UPDATE tracks SET playlists_containing_track =
                CASE title WHEN 'title 12' THEN '{3,1,2}' ELSE '{1,2}' END::int[]
                WHERE title IN ('title 12', 'title 13')",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "artist-picks",
        edits: [
            "UPDATE users SET artist_pick_track_id = NULL
                WHERE handle IN ('handle 12', 'handle 13', 'handle 14');
             UPDATE tracks SET is_delete = title = 'title 13',
                owner_id = (SELECT user_id FROM users WHERE handle = replace(title, 'title', 'handle'))
                WHERE title IN ('title 12', 'title 13')",
            "UPDATE users SET artist_pick_track_id =
                (SELECT track_id FROM tracks WHERE title = replace(handle, 'handle', 'title'))
                WHERE handle IN ('handle 12', 'handle 13', 'handle 14');
             UPDATE tracks SET is_delete = title = 'title 13',
                owner_id = (SELECT user_id FROM users WHERE handle = replace(title, 'title', 'handle'))
                WHERE title IN ('title 12', 'title 13')",
        ],
        uses: 2,
        open: 1,
    },
    Case {
        name: "subscribed-entities",
        edits: [
            "UPDATE subscriptions SET entity_type = 'User', entity_id = user_id
                WHERE txhash IN ('txhash 12', 'txhash 13')",
            "UPDATE subscriptions SET entity_type = 'User', entity_id =
                CASE txhash WHEN 'txhash 12' THEN NULL ELSE user_id + 1 END
                WHERE txhash IN ('txhash 12', 'txhash 13')",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "genre-ties",
        edits: [
            "INSERT INTO aggregate_user (user_id, dominant_genre) VALUES (900001, 'Rock'), (900002, 'Rock');
             UPDATE tracks SET owner_id = 900001, genre = 'Rock', created_at = '2026-01-01', is_delete = false,
                is_unlisted = false, is_available = true, stem_of = NULL, access_authorities = NULL
                WHERE title IN ('title 12', 'title 13');
             UPDATE tracks SET genre = 'Jazz' WHERE title = 'title 13'",
            "INSERT INTO aggregate_user (user_id, dominant_genre) VALUES (900001, 'Jazz'), (900002, 'Jazz');
             UPDATE tracks SET owner_id = 900001, genre = 'Rock', created_at = '2026-01-01', is_delete = false,
                is_unlisted = false, is_available = true, stem_of = NULL, access_authorities = NULL
                WHERE title IN ('title 12', 'title 13');
             UPDATE tracks SET genre = 'Jazz' WHERE title = 'title 13'",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "gated-track-owners",
        edits: [
            "INSERT INTO aggregate_user (user_id, track_count) VALUES (900001, 1), (900002, 1);
             UPDATE tracks SET owner_id = 900001, access_authorities = '{x}' WHERE title = 'title 12'",
            "INSERT INTO aggregate_user (user_id, track_count) VALUES (900001, 4), (900002, 4);
             UPDATE tracks SET owner_id = 900001, access_authorities = '{x}' WHERE title = 'title 12'",
        ],
        uses: 1,
        open: 1,
    },
    Case {
        name: "slots-of-listen-counts",
        edits: [
            "INSERT INTO milestones VALUES (1, 'LISTEN_COUNT', 10, 1, 5, '2026-01-01'),
                (1, 'FOLLOWER_COUNT', 10, 1, 5, '2026-01-01')",
            "INSERT INTO milestones VALUES (1, 'LISTEN_COUNT', 10, 1, 6, '2026-01-01'),
                (1, 'FOLLOWER_COUNT', 10, 1, 6, '2026-01-01')",
        ],
        uses: 1,
        open: 1,
    },
];

const FILLED: &[&str] =
    &["users", "tracks", "playlists", "follows", "subscriptions", "associated_wallets"];

#[tokio::test]
async fn every_known_difference_explains_its_own_edits_and_no_others() {
    let pair = production::pair().await;
    for db in [&pair.etl, &pair.prod] {
        let mut connection = prepared(db).await;
        for table in FILLED {
            fill(&mut connection, spec_of(table), 1, 60).await;
            let keep = format!("CREATE TABLE kept_{table} AS TABLE {table}");
            connection.execute(AssertSqlSafe(keep)).await.unwrap();
        }
        connection.execute("UPDATE users SET handle = handle, is_current = true").await.unwrap();
    }
    let options = || Options {
        known: None,
        aggregates: Aggregates::Rest,
        allow_empty: true,
        ..pair.options()
    };
    for case in CASES {
        for (db, sql) in [(&pair.prod, case.edits[0]), (&pair.etl, case.edits[1])] {
            let mut connection = prepared(db).await;
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
        }
        let (report, differences) = pair.compare(options()).await;
        let open: Vec<&Difference> =
            differences.iter().filter(|difference| !difference.is_known()).collect();
        assert_eq!(explained(&report), [(case.name, case.uses)].into(), "{}: {open:#?}", case.name);
        assert_eq!(open.len(), case.open, "{}: {open:#?}", case.name);
        for db in [&pair.prod, &pair.etl] {
            let mut connection = prepared(db).await;
            for table in spec::tables() {
                let clear = format!("DELETE FROM {}", table.name);
                // Not every table is there.
                let _cleared = connection.execute(AssertSqlSafe(clear)).await;
            }
            connection
                .execute("DELETE FROM user_delist_statuses; DELETE FROM track_delist_statuses")
                .await
                .unwrap();
            for table in FILLED {
                let restore = format!("INSERT INTO {table} TABLE kept_{table}");
                connection.execute(AssertSqlSafe(restore)).await.unwrap();
            }
        }
    }
}

/// The known differences that explained something, and how often.
fn explained(report: &Report) -> BTreeSet<(&str, u64)> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    names.extend(report.known.iter().filter_map(|known| known.name.as_deref()));
    let uses = |name: &str| {
        let named = report.known.iter().filter(|known| known.name.as_deref() == Some(name));
        named.filter(|known| known.rule != "absent").map(|known| known.uses).sum::<u64>()
    };
    names.into_iter().map(|name| (name, uses(name))).filter(|(_, uses)| *uses > 0).collect()
}
