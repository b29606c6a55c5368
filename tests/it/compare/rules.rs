//! What counts as a difference and what does not: known differences, second looks, schema drift,
//! parts of the rows, types that differ.

use std::time::Duration;

use audius_etl::compare::{Error, Kind, Options, Sample, Verdict};

use super::{Pair, ROWS};

fn tables(pair: &Pair, names: &[&str]) -> Options {
    let tables = names.iter().map(ToString::to_string).collect();
    Options { tables, ..pair.options() }
}

#[tokio::test]
async fn known_differences_are_counted_apart_and_unused_entries_show() {
    let pair = Pair::new().await;
    pair.etl
        .execute(
            "UPDATE users SET bio = 'BIO 12' WHERE bio = 'bio 12';
             UPDATE users SET bio = 'other' WHERE bio = 'bio 13';
             UPDATE users SET location = NULL WHERE location = '';
             DELETE FROM tracks WHERE track_id = (SELECT min(track_id) FROM tracks)",
        )
        .await;
    let known = pair.known(
        "[[difference]]\ntable = 'users'\ncolumn = 'bio'\nrule = 'case'\nreason = 'r'\n\
         [[difference]]\ntable = '*'\ncolumn = 'location'\nrule = 'null-is-empty'\nreason = 'r'\n\
         [[difference]]\ntable = 'tracks'\nrule = 'missing-in-etl'\nreason = 'r'\n\
         [[difference]]\ntable = 'users'\ncolumn = 'name'\nrule = 'any'\nreason = 'r'\n",
    );
    let options = Options { known: Some(known), ..tables(&pair, &["users", "tracks"]) };
    let (report, differences) = pair.compare(options).await;
    let total = report.total();
    assert_eq!((total.different, total.missing_in_etl, total.known), (1, 0, 22));
    assert_eq!(differences.iter().filter(|difference| !difference.is_known()).count(), 1);
    let uses: Vec<_> = report.known.iter().map(|known| known.uses).collect();
    assert_eq!(uses, [1, 20, 1, 0]);
    assert_eq!(report.verdict, Verdict::Different);
}

#[tokio::test]
async fn a_column_that_is_not_compared_never_differs() {
    let pair = Pair::new().await;
    pair.etl.execute("UPDATE users SET bio = 'x'").await;
    let known = pair.known(
        "[[difference]]\ntable = 'users'\ncolumn = 'bio'\nrule = 'not-compared'\nreason = 'r'\n",
    );
    let options = Options { known: Some(known), ..tables(&pair, &["users"]) };
    let (report, _) = pair.compare(options).await;
    assert_eq!((report.verdict, report.total().known), (Verdict::Equal, 0));
}

#[tokio::test]
async fn missing_tables_and_columns_are_drift_and_no_crash() {
    let pair = Pair::new().await;
    pair.prod
        .execute(
            "ALTER TABLE users DROP COLUMN bio; DROP TABLE events; DROP TABLE etl_blocks CASCADE;
             ALTER TABLE tracks ADD COLUMN extra text;
             ALTER TABLE tracks ALTER COLUMN mood TYPE integer USING 1",
        )
        .await;
    let (report, differences) = pair.compare(pair.options()).await;
    assert_eq!(differences, []);
    assert_eq!(report.verdict, Verdict::Drift);
    let drift: Vec<_> = report
        .drift
        .iter()
        .map(|drift| {
            let column = drift.column.as_deref().unwrap_or("");
            (drift.table.as_str(), column, drift.problem.as_str(), drift.serious)
        })
        .collect();
    assert_eq!(
        drift,
        [
            ("users", "bio", "in etl but not in prod", true),
            ("tracks", "extra", "in prod but not in etl", false),
            ("tracks", "mood", "character varying in etl, integer in prod", true),
            ("events", "", "in etl but not in prod", true),
        ]
    );
    assert_eq!(report.skipped[0].table, "etl_blocks");
    let known = pair.known(
        "[[difference]]\ntable = 'users'\ncolumn = 'bio'\nrule = 'absent'\nreason = 'r'\n\
         [[difference]]\ntable = 'tracks'\ncolumn = 'mood'\nrule = 'absent'\nreason = 'r'\n\
         [[difference]]\ntable = 'events'\nrule = 'absent'\nreason = 'r'\n",
    );
    let (report, _) = pair.compare(Options { known: Some(known), ..pair.options() }).await;
    assert_eq!(report.verdict, Verdict::Equal);
}

#[tokio::test]
async fn values_of_other_types_compare_by_what_they_mean() {
    let pair = Pair::new().await;
    pair.prod
        .execute(
            "ALTER TABLE users ALTER COLUMN created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC';
             ALTER TABLE tracks ALTER COLUMN duration TYPE numeric(20, 4);
             ALTER TABLE tracks ALTER COLUMN title TYPE varchar(300);
             ALTER TABLE tracks ALTER COLUMN bpm TYPE numeric USING bpm::text::numeric;
             ALTER TABLE saves ALTER COLUMN save_type TYPE text;
             ALTER TABLE notification ALTER COLUMN group_id TYPE varchar COLLATE \"de-x-icu\";
             ALTER TABLE tracks ALTER COLUMN playlists_containing_track TYPE bigint[]",
        )
        .await;
    let (report, differences) =
        pair.compare(tables(&pair, &["users", "tracks", "saves", "notification"])).await;
    assert_eq!(differences, []);
    assert_eq!((report.verdict, report.drift.len()), (Verdict::Equal, 0), "{:?}", report.drift);
    pair.prod
        .execute("UPDATE tracks SET duration = duration + 0.0001 WHERE title = 'title 9'")
        .await;
    let (_, differences) = pair.compare(tables(&pair, &["tracks"])).await;
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].fields[0].column, "duration");
}

#[tokio::test]
async fn a_busy_server_is_left_alone_until_it_has_time() {
    let pair = Pair::new().await;
    // More than other tests on this server will run at once.
    const GUESTS: u32 = 12;
    let guests = (0..GUESTS).map(|_| async {
        pair.prod.execute("SET application_name = 'a guest'; SELECT pg_sleep(4)").await;
        std::time::Instant::now()
    });
    let compare = async {
        let there = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'a guest' \
                     AND datname = current_database() AND wait_event = 'PgSleep'";
        while pair.prod.number(there).await < i64::from(GUESTS) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let options = Options { max_load: Some(GUESTS - 1), ..tables(&pair, &["users"]) };
        let (report, differences) = pair.compare(options).await;
        (report, differences, std::time::Instant::now())
    };
    let (worked, (report, differences, compared)) =
        tokio::join!(futures::future::join_all(guests), compare);
    let first = worked.into_iter().min().unwrap();
    assert!(compared > first, "the comparison did not wait");
    assert_eq!(differences, []);
    assert_eq!(report.total().matched, u64::try_from(ROWS).unwrap());
}

#[tokio::test]
async fn rows_that_agree_when_read_again_are_transient() {
    let pair = Pair::new().await;
    pair.etl.execute("UPDATE users SET bio = 'x' WHERE bio IN ('bio 12', 'bio 13')").await;
    let repair = async {
        // The scan must have its snapshot, and not be over: it sleeps at every row.
        let scanning = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                        AND query LIKE 'SELECT b::text, count(*)%' AND pid <> pg_backend_pid()";
        while pair.etl.number(scanning).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ids = pair.prod.texts("SELECT user_id::text FROM users WHERE bio = 'bio 12'").await;
        pair.etl
            .execute(&format!("UPDATE users SET bio = 'bio 12' WHERE user_id = {}", ids[0]))
            .await;
    };
    let options = Options {
        recheck_after: Duration::from_secs(2),
        condition: Some("pg_sleep(0.005) IS NOT NULL".to_owned()),
        segment_rows: 1_000,
        ..tables(&pair, &["users"])
    };
    let ((report, differences), ()) = tokio::join!(pair.compare(options), repair);
    let total = report.total();
    assert_eq!((total.different, total.transient), (1, 1), "{differences:?}");
    assert_eq!(total.matched, u64::try_from(ROWS).unwrap() - 1);
    assert_eq!(differences.len(), 1);
}

#[tokio::test]
async fn parts_of_the_rows_are_the_same_on_both_sides_and_add_up_to_all() {
    let pair = Pair::new().await;
    pair.etl.execute("UPDATE tracks SET title = title || 'x' WHERE track_id % 2 = 0").await;
    let whole = pair.compare(tables(&pair, &["tracks"])).await.1;
    let mut parts = Vec::new();
    let mut rows = 0;
    for part in 1..=3 {
        let options = Options { shard: Some((part, 3)), ..tables(&pair, &["tracks"]) };
        let (report, differences) = pair.compare(options).await;
        assert!(report.total().etl_rows < 120, "{}", report.total().etl_rows);
        rows += report.total().etl_rows;
        parts.extend(differences);
    }
    assert_eq!(rows, u64::try_from(ROWS).unwrap());
    let keys = |differences: &[audius_etl::compare::Difference]| {
        let mut keys: Vec<_> =
            differences.iter().map(|difference| difference.key.clone()).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&parts), keys(&whole));
    let options = Options { sample: Some(Sample::Share(0.25)), ..tables(&pair, &["tracks"]) };
    let (report, differences) = pair.compare(options).await;
    let total = report.total();
    assert_eq!(total.etl_rows, total.prod_rows);
    assert!((20..90).contains(&total.etl_rows), "{}", total.etl_rows);
    assert!(differences.iter().all(|difference| difference.kind == Kind::Different));
}

#[tokio::test]
async fn columns_condition_and_limit_narrow_what_is_looked_at() {
    let pair = Pair::new().await;
    pair.etl.execute("UPDATE tracks SET title = coalesce(title, '') || 'x', mood = 'x'").await;
    let columns = vec!["tracks.title".to_owned()];
    let condition = Some("t.owner_id < 100".to_owned());
    let options = Options { columns, condition, ..tables(&pair, &["tracks"]) };
    let (report, differences) = pair.compare(options).await;
    assert!(differences.iter().all(|difference| difference.fields.len() == 1));
    assert_eq!(report.total().etl_rows, differences.len() as u64);
    assert!((20..60).contains(&differences.len()), "{}", differences.len());
    let options = Options { limit: Some(7), ..tables(&pair, &["tracks"]) };
    let (report, differences) = pair.compare(options).await;
    assert_eq!((differences.len(), report.total().limited), (7, true));
    assert!(report.verdict_line().contains("at least 7 rows"), "{}", report.verdict_line());
}

#[tokio::test]
async fn unequal_segments_that_turn_out_large_are_split() {
    let pair = Pair::new().await;
    for db in [&pair.etl, &pair.prod] {
        // Statistics that know nothing of most rows make few, large segments.
        db.execute("ALTER TABLE tracks SET (autovacuum_enabled = false)").await;
        db.execute("CREATE INDEX ON tracks (track_id); ANALYZE tracks").await;
        let mut connection = super::prepared(db).await;
        super::fill(&mut connection, super::spec_of("tracks"), 1_000, 4_000).await;
    }
    pair.etl
        .execute("UPDATE tracks SET title = 'x' WHERE title IN ('title 3', 'title 3002')")
        .await;
    for jobs in [1, 3] {
        let options = Options { segment_rows: 20, jobs, ..tables(&pair, &["tracks"]) };
        let (report, differences) = pair.compare(options).await;
        assert_eq!(differences.len(), 2);
        assert_eq!(report.total().matched, 3_199);
        assert!(report.total().segments < 30, "{}", report.total().segments);
    }
}

#[tokio::test]
async fn differences_all_over_a_large_table_are_found_in_fine_segments() {
    let pair = Pair::new().await;
    let mut connection = super::prepared(&pair.etl).await;
    super::fill(&mut connection, super::spec_of("saves"), 1_000, 61_000).await;
    let mut connection = super::prepared(&pair.prod).await;
    super::fill(&mut connection, super::spec_of("saves"), 1_000, 61_000).await;
    pair.etl.execute("UPDATE saves SET slot = 0 WHERE user_id % 100 = 0").await;
    let changed = pair.etl.number("SELECT count(*) FROM saves WHERE slot = 0").await;
    let options = Options { segment_rows: 1_000, ..tables(&pair, &["saves"]) };
    let (report, differences) = pair.compare(options).await;
    assert_eq!(i64::try_from(differences.len()).unwrap(), changed);
    assert_eq!(report.total().matched + report.total().different, 60_201);
    assert!(changed > 500, "{changed}");
}

#[tokio::test]
async fn tables_that_are_not_in_the_list_are_refused() {
    let pair = Pair::empty().await;
    let error = pair.refused(tables(&pair, &["usres"])).await;
    assert!(matches!(&error, Error::Usage(message) if message.contains("usres")), "{error:?}");
}
