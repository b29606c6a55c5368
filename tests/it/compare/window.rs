//! The window: which rows take part, which are ahead, and what cannot be compared.

use std::collections::BTreeMap;

use audius_etl::compare::{Error, Options, Verdict};
use sqlx::Executor;

use super::{Pair, prepared, spec_of};

/// etl has indexed heights 100 to 109 and numbers their blocks from 1; prod has indexed 90 to 119
/// and numbers them by height + 1000. Users 1 to 10 were changed at heights 100 to 109.
async fn overlapping() -> Pair {
    let pair = Pair::empty().await;
    for (db, heights, number, shift) in
        [(&pair.etl, "100, 109", "height - 99", 0), (&pair.prod, "90, 119", "height + 1000", 1099)]
    {
        let mut connection = prepared(db).await;
        super::fill(&mut connection, spec_of("users"), 1, 10).await;
        connection
            .execute(sqlx::AssertSqlSafe(format!(
                "INSERT INTO core_indexed_blocks (blockhash, chain_id, height, em_block, plays_slot)
                    SELECT 'hash ' || height, 'main', height, {number}, NULL
                    FROM generate_series({heights}) AS height;
                 INSERT INTO core_indexed_blocks (blockhash, chain_id, height, em_block)
                    VALUES ('old', 'older', 100, -5);
                 UPDATE users SET user_id = (user_id - 5) / 3 + 1;
                 UPDATE users SET blocknumber = row.number + {shift}
                    FROM (SELECT ctid, row_number() OVER (ORDER BY user_id) AS number FROM users) AS row
                    WHERE row.ctid = users.ctid;"
            )))
            .await
            .unwrap();
    }
    pair
}

fn users(pair: &Pair) -> Options {
    Options { all: false, tables: vec!["users".to_owned()], ..pair.options() }
}

#[tokio::test]
async fn rows_compare_within_the_heights_of_both_sides_whatever_their_numbers() {
    let pair = overlapping().await;
    let (report, differences) = pair.compare(users(&pair)).await;
    assert_eq!(differences, []);
    assert_eq!((report.verdict, report.total().matched), (Verdict::Equal, 10));
    let window = report.window.unwrap();
    assert_eq!((window.heights.first, window.heights.last), (100, 109));
    assert_eq!((window.etl.blocks.first, window.etl.blocks.last), (1, 10));
    assert_eq!((window.prod.blocks.first, window.prod.blocks.last), (1100, 1109));
    assert_eq!((window.block_shift, window.whole, window.diverges), (1099, false, false));
}

#[tokio::test]
async fn what_a_side_changed_after_the_window_is_ahead_and_what_was_before_it_is_left_out() {
    let pair = overlapping().await;
    let ids = pair.prod.texts("SELECT user_id::text FROM users ORDER BY users.user_id").await;
    let mut connection = prepared(&pair.prod).await;
    super::fill(&mut connection, spec_of("users"), 500, 501).await;
    connection
        .execute(sqlx::AssertSqlSafe(format!(
            "UPDATE users SET bio = 'later', blocknumber = 1115 WHERE user_id = {};
             UPDATE users SET bio = 'wrong' WHERE user_id = {};
             UPDATE users SET blocknumber = 1095 WHERE user_id = {};
             UPDATE users SET blocknumber = 1112 WHERE name = 'name 500' OR handle = 'handle 500';
             UPDATE users SET blocknumber = 1091 WHERE name = 'name 501' OR handle = 'handle 501'",
            ids[0], ids[1], ids[2]
        )))
        .await
        .unwrap();
    let (report, differences) = pair.compare(users(&pair)).await;
    let found: BTreeMap<_, Vec<_>> = differences
        .iter()
        .map(|difference| {
            let columns = difference.fields.iter().map(|field| field.column.as_str()).collect();
            (difference.key[0].1.clone().unwrap(), columns)
        })
        .collect();
    let wanted = [(ids[1].clone(), vec!["bio"]), (ids[2].clone(), vec!["blocknumber"])];
    assert_eq!(found, wanted.into_iter().collect());
    let total = report.total();
    assert_eq!((total.matched, total.different, total.ahead), (7, 2, 1));
    assert_eq!((differences[0].etl_block, differences[0].prod_block), (Some(2), Some(1101)));
}

#[tokio::test]
async fn limits_of_the_user_narrow_the_window() {
    let pair = overlapping().await;
    pair.prod.execute("UPDATE users SET bio = 'wrong' WHERE blocknumber IN (1100, 1109)").await;
    let options = Options { since: Some(101), until: Some(108), ..users(&pair) };
    let (report, differences) = pair.compare(options).await;
    assert_eq!((differences.len(), report.total().matched), (0, 8));
    let options = Options { since: Some(109), ..users(&pair) };
    let (report, differences) = pair.compare(options).await;
    assert_eq!((differences.len(), report.total().matched), (1, 0));
}

#[tokio::test]
async fn totals_are_left_out_where_the_sides_stand_at_different_heights() {
    let pair = overlapping().await;
    let (report, _) = pair.compare(Options { all: false, ..pair.options() }).await;
    let skipped: Vec<_> = report.skipped.iter().map(|skip| skip.table.as_str()).collect();
    assert!(skipped.contains(&"aggregate_user"), "{skipped:?}");
    assert!(report.tables.iter().all(|table| table.table != "aggregate_user"));
}

#[tokio::test]
async fn heights_of_different_chains_are_never_compared() {
    let pair = overlapping().await;
    pair.prod.execute("UPDATE core_indexed_blocks SET chain_id = 'new' || chain_id").await;
    let error = pair.refused(users(&pair)).await;
    assert!(matches!(&error, Error::Window { .. }), "{error:?}");
    assert!(error.to_string().contains("newmain"), "{error}");
    let pair = overlapping().await;
    let options = Options { since: Some(110), ..users(&pair) };
    assert!(matches!(pair.refused(options).await, Error::Window { .. }));
}

#[tokio::test]
async fn counts_that_drift_apart_are_pointed_out() {
    let pair = overlapping().await;
    pair.prod
        .execute("UPDATE core_indexed_blocks SET em_block = em_block + 1 WHERE height > 104")
        .await;
    let (report, _) = pair.compare(users(&pair)).await;
    assert!(report.window.as_ref().unwrap().diverges);
    assert!(report.notes.iter().any(|note| note.contains("number their blocks differently")));
}
