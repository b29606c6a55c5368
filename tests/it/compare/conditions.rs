//! Known differences under a condition, asked of the reference.

use audius_etl::compare::{Error, Options, Verdict};

use super::Pair;

const DELIST: &str =
    "CREATE TABLE user_delist_statuses (created_at timestamptz, user_id int, delisted bool)";

fn users(pair: &Pair) -> Options {
    Options { tables: vec!["users".to_owned()], ..pair.options() }
}

#[tokio::test]
async fn a_condition_reads_both_rows_and_other_tables_of_the_reference() {
    let pair = Pair::new().await;
    pair.prod.execute(DELIST).await;
    pair.prod
        .execute(
            "INSERT INTO user_delist_statuses SELECT now(), user_id, true FROM users
             WHERE bio IN ('bio 12', 'bio 13', 'bio 14');
             UPDATE users SET is_available = NOT is_available
             WHERE bio IN ('bio 12', 'bio 13', 'bio 15');
             UPDATE users SET is_available = true WHERE bio = 'bio 13';
             UPDATE users SET name = 'x' WHERE bio = 'bio 14'",
        )
        .await;
    pair.etl.execute("UPDATE users SET is_available = false WHERE bio = 'bio 13'").await;
    pair.etl.execute("UPDATE users SET is_available = true WHERE bio = 'bio 12'").await;
    pair.prod.execute("UPDATE users SET is_available = false WHERE bio = 'bio 12'").await;
    // The entries that come with the program.
    let options = |strict: &[&str]| Options {
        known: None,
        strict: strict.iter().map(ToString::to_string).collect(),
        ..users(&pair)
    };
    let (report, differences) = pair.compare(options(&[])).await;
    assert_eq!(report.total().known, 2, "{differences:?}");
    assert_eq!(report.total().different, 2, "{differences:?}");
    let used = |name: &str| {
        report
            .known
            .iter()
            .filter(|known| known.name.as_deref() == Some(name))
            .map(|k| k.uses)
            .sum::<u64>()
    };
    assert_eq!((used("delisted-users"), used("delisted-tracks")), (2, 0));
    // Strictly, the latest status must say what the row says: user 13 is available though delisted.
    let (report, _) = pair.compare(options(&["delisted-users"])).await;
    assert_eq!((report.total().known, report.total().different), (1, 3));
}

#[tokio::test]
async fn a_condition_of_ones_own_that_makes_no_sense_is_refused_and_one_of_the_program_is_not() {
    let pair = Pair::new().await;
    for (sql, problem) in [
        ("r.nme = t.name", "nme"),
        ("r.name", "boolean"),
        ("true; SELECT 1", "syntax"),
        ("EXISTS (SELECT FROM nowhere)", "nowhere"),
    ] {
        let known = pair.known(&format!(
            "[[difference]]\nname = 'mine'\ntable = 'users'\ncolumn = 'bio'\nrule = 'any'\n\
             where = '{sql}'\nreason = 'r'"
        ));
        let error = pair.refused(Options { known: Some(known), ..users(&pair) }).await;
        let Error::Usage(message) = &error else { panic!("{error:?}") };
        assert!(message.contains("mine") && message.contains(problem), "{message}");
    }
    let (report, _) = pair.compare(Options { known: None, ..users(&pair) }).await;
    assert_eq!(report.verdict, Verdict::Equal);
}

#[tokio::test]
async fn whole_rows_are_explained_by_what_the_side_has_that_has_them() {
    let pair = Pair::new().await;
    pair.etl.execute("DELETE FROM users WHERE bio IN ('bio 12', 'bio 13')").await;
    pair.prod.execute("DELETE FROM users WHERE bio IN ('bio 14', 'bio 15')").await;
    let known = pair.known(
        "[[difference]]\ntable = 'users'\nrule = 'missing-in-etl'\nwhere = \"r.bio = 'bio 12'\"\nreason = 'r'\n\
         [[difference]]\ntable = 'users'\nrule = 'missing-in-prod'\nwhere = \"t.bio = 'bio 14' AND r.bio IS NULL\"\nreason = 'r'",
    );
    let (report, _) = pair.compare(Options { known: Some(known), ..users(&pair) }).await;
    let total = report.total();
    assert_eq!((total.known, total.missing_in_etl, total.missing_in_prod), (2, 1, 1));
    assert_eq!(report.known.iter().map(|known| known.uses).collect::<Vec<_>>(), [1, 1]);
}
