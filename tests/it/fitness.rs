//! Databases and sources that a run finds in another state than it would like: refused at once with
//! the way out, or taken as they are.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::TestEnv;
use crate::support::db::TestDb;

/// How long anything that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The URL of another database of the server of `db`.
fn beside(db: &TestDb, name: &str) -> String {
    let found = db.url().rfind("/it_").unwrap();
    let query = db.url().find('?').map(|at| &db.url()[at..]).unwrap_or_default();
    format!("{}/{name}{query}", &db.url()[..found])
}

fn generate(env: &TestEnv, out: &str, more: &[&str]) {
    let args = ["generate", "--out", out, "--blocks", "20", "--txs", "100"];
    assert_eq!(env.run(&[&args[..], more].concat()).code(), 0);
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused_before_anything_is_made() {
    let (env, db) = (TestEnv::new(), TestDb::empty().await);
    let name = format!("latin1_{}", std::process::id());
    let words = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    db.execute(&format!("CREATE DATABASE {name} {words}")).await;
    let url = beside(&db, &name);
    generate(&env, "a.pb", &[]);
    let run = env.run(&["index", "--db", &url, "--source", "a.pb"]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("the encoding of the database is LATIN1"), "{run:?}");
    db.execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

#[tokio::test]
async fn a_role_without_temporary_tables_is_told_which_grant_it_lacks() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    let role = format!("no_temp_{}", std::process::id());
    let name = db.texts("SELECT current_database()::text").await.remove(0);
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"
    ))
    .await;
    env.write("empty.jsonl", "");
    let (scheme, rest) = db.url().split_once("://").unwrap();
    let url = match rest.split_once("user=postgres") {
        Some((before, after)) => format!("{scheme}://{before}user={role}{after}"),
        None => format!("{scheme}://{role}@{}", rest.split_once('@').map_or(rest, |parts| parts.1)),
    };
    let run = env.run(&["index", "--db", &url, "--source", "empty.jsonl"]);
    db.execute(&format!("DROP ROLE {role}")).await;
    assert_eq!(run.code(), 3, "{run:?}");
    let grant = format!("GRANT TEMPORARY ON DATABASE {name} TO {role}");
    assert!(run.stderr().contains(&grant), "{run:?}");
}

#[tokio::test]
async fn schemas_that_others_may_create_in_are_told_or_refused() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    env.write("empty.jsonl", "");
    let index = |more: &[&str]| {
        let args = ["index", "--db", db.url(), "--source", "empty.jsonl"];
        env.run(&[&args[..], more].concat())
    };
    let remedy = "REVOKE CREATE ON SCHEMA public FROM PUBLIC";
    db.execute(remedy).await;
    assert!(!index(&["--strict-search-path"]).stderr().contains(remedy));
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    let told = index(&[]);
    assert!(told.stderr().contains(remedy), "{told:?}");
    let refused = index(&["--strict-search-path"]);
    assert_eq!(refused.code(), 3, "{refused:?}");
    assert!(refused.stderr().contains(remedy), "{refused:?}");
    assert!(env.run(&["status", "--db", db.url()]).stdout().contains(remedy));
}

#[tokio::test]
async fn new_chain_permits_a_chain_and_does_not_rewind_one() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    generate(&env, "a.pb", &["--chain-id", "old"]);
    generate(&env, "b.pb", &["--chain-id", "new", "--start-height", "5001", "--seed", "2"]);
    let index = |source: &str, more: &[&str]| {
        let args = ["-q", "index", "--db", db.url(), "--source", source];
        let run = env.run(&[&args[..], more].concat());
        assert_eq!(run.code(), 0, "{run:?}");
    };
    index("a.pb", &[]);
    index("b.pb", &["--new-chain", "--end", "5010"]);
    index("b.pb", &["--new-chain"]);
    index("b.pb", &["--new-chain"]);
    let heights = "SELECT count(*) FROM core_indexed_blocks WHERE chain_id = 'new'";
    assert_eq!(db.number(heights).await, 20);
    let top = "SELECT max(height) FROM audius_etl_checkpoints WHERE chain = 'new'";
    assert_eq!(db.number(top).await, 5020);
}

#[tokio::test]
async fn blocks_of_standard_input_are_applied_as_they_come() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    generate(&env, "a.jsonl", &[]);
    let text = std::fs::read_to_string(env.path().join("a.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let args = ["-q", "index", "--db", db.url(), "--source", "-"];
    let mut child = env.command(&args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in &lines[..7] {
        writeln!(stdin, "{line}").unwrap();
    }
    stdin.flush().unwrap();
    // The input stays open; what has come is applied nevertheless.
    let begun = Instant::now();
    while db.number("SELECT coalesce(max(height), 0) FROM audius_etl_checkpoints").await < 7 {
        assert!(begun.elapsed() < PATIENCE, "the blocks are held back");
        sleep(Duration::from_millis(50)).await;
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_somebody_else_wrote_into_other_columns_of_a_row_stays_as_it_is() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    let demo = crate::support::root().join("fixtures/demo.jsonl.zst");
    let index = |more: &[&str]| {
        let args = ["-q", "index", "--db", db.url(), "--source", demo.to_str().unwrap()];
        let run = env.run(&[&args[..], more].concat());
        assert_eq!(run.code(), 0, "{run:?}");
    };
    index(&["--end", "70"]);
    let of = "WHERE track_id IN (2000030, 2000036)";
    db.execute(&format!(
        "UPDATE tracks SET release_date = 'infinity', territory_codes = ARRAY[['US'], [NULL]] {of}"
    ))
    .await;
    index(&["--rejects", "rejects"]);
    let kept = "release_date = 'infinity' AND territory_codes = ARRAY[['US'], [NULL]]";
    let changed = format!("SELECT count(*) FROM tracks {of} AND NOT ({kept})");
    assert_eq!(db.number(&changed).await, 0);
    let rejects = std::fs::read_to_string(env.path().join("rejects")).unwrap_or_default();
    assert!(!rejects.contains("out of range"), "{rejects}");
}

#[tokio::test]
async fn odd_values_of_somebody_else_are_there_again_after_going_back() {
    let (env, db) = (TestEnv::new(), TestDb::new().await);
    let demo = crate::support::root().join("fixtures/demo.jsonl.zst");
    let index = |more: &[&str]| {
        let args = ["-q", "index", "--db", db.url(), "--keep-history", "1000"];
        let run = env.run(&[&args[..], &["--source", demo.to_str().unwrap()], more].concat());
        assert_eq!(run.code(), 0, "{run:?}");
    };
    index(&["--end", "70"]);
    db.execute(
        "UPDATE tracks SET release_date = '-infinity', territory_codes = ARRAY['US', NULL], \
             playlists_containing_track = ARRAY[[1, 2], [3, NULL]], \
             access_authorities = ARRAY[[NULL, 'x']] WHERE track_id = 2000030",
    )
    .await;
    let row = "SELECT to_jsonb(t)::text FROM tracks t WHERE track_id = 2000030";
    let before = db.texts(row).await;
    index(&[]);
    let odd = "SELECT concat_ws(' ', release_date, territory_codes, playlists_containing_track, \
                   access_authorities) FROM tracks WHERE track_id = 2000030";
    let kept = "-infinity {US,NULL} {{1,2},{3,NULL}} {{NULL,x}}";
    assert_eq!(db.texts(odd).await, [kept]);
    assert_ne!(db.texts(row).await, before, "the chain changes the row");
    index(&["--rewind-to", "70"]);
    assert_eq!(db.texts(row).await, before);
}
