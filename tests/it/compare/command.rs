//! The command: exit codes, the verdict, the reports, snapshots, and servers that go away.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use audius_etl::compare::spec;
use audius_etl::db::Database;
use audius_etl::db::private::{Options as ClusterOptions, PrivateCluster};
use serde_json::Value;
use sqlx::Executor;
use tokio::time::sleep;

use super::{Pair, fill, prepared, spec_of};
use crate::support::db::TestDb;
use crate::support::{Run, TestEnv};

/// Arguments for whole databases with nothing known.
fn arguments<'a>(env: &TestEnv, pair: &'a Pair, more: &[&'a str]) -> Vec<&'a str> {
    env.write("known.toml", "");
    let mut arguments = vec!["compare", "--etl-db", pair.etl.url(), "--prod-db", pair.prod.url()];
    arguments.extend(["--all", "--known", "known.toml", "--recheck-after", "0"]);
    arguments.extend(more);
    arguments
}

fn verdict(run: &Run) -> String {
    run.stdout().lines().last().unwrap_or_default().to_owned()
}

/// The verdict where every table has its rows on both sides.
fn all_match() -> String {
    let tables = spec::tables().len();
    format!("EQUAL: {} rows in {tables} tables match", tables * 200)
}

#[tokio::test]
async fn equal_databases_end_with_0_and_say_so_in_the_last_line() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    let run = env.run(&arguments(&env, &pair, &[]));
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(verdict(&run), all_match(), "{run:?}");
}

#[tokio::test]
async fn differences_end_with_1_and_every_report_names_them() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    pair.etl
        .execute(
            "UPDATE users SET bio = E'a \"quoted\", <script>alert(1)</script>\\nline' WHERE bio = 'bio 12';
             UPDATE users SET bio = NULL WHERE bio = '' AND user_id < 50;
             DELETE FROM follows WHERE follower_user_id = (SELECT min(follower_user_id) FROM follows)",
        )
        .await;
    let files = ["--csv", "d.csv", "--json", "d.jsonl", "--html", "d.html"];
    let run = env.run(&arguments(&env, &pair, &files));
    assert_eq!(run.code(), 1, "{run:?}");
    assert_eq!(
        verdict(&run),
        format!(
            "DIFFERENT: 3 rows in 2 of {} tables: 2 different, 0 missing in prod, 1 missing in etl",
            spec::tables().len()
        )
    );
    assert!(!run.stdout().contains("<script>alert(1)</script>\nline"), "control characters");

    let json = std::fs::read_to_string(env.path().join("d.jsonl")).unwrap();
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["verdict"]), (4, &Value::from("different")));
    let kinds: Vec<_> = lines[1..].iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["different", "different", "missing_in_etl"]);

    // PostgreSQL reads the CSV back, NULL and empty text apart.
    let csv = env.path().join("d.csv");
    let copied = std::fs::read_to_string(csv).unwrap();
    let mut connection = pair.etl.connect().await;
    connection
        .execute(
            "CREATE TABLE read_back (t text, kind text, key text, col text, etl text, prod text,
                eb int, pb int, known text, etl_tx text, prod_tx text, rows int)",
        )
        .await
        .unwrap();
    let mut copy =
        connection.copy_in_raw("COPY read_back FROM STDIN (FORMAT csv, HEADER)").await.unwrap();
    copy.send(copied.into_bytes()).await.unwrap();
    assert_eq!(copy.finish().await.unwrap(), 5);
    let counted = "SELECT concat_ws(' ', kind, t, col, rows) FROM read_back WHERE rows IS NOT NULL";
    assert_eq!(pair.etl.texts(counted).await, ["column users bio 2", "only in prod follows 1"]);
    let values = pair
        .etl
        .texts(
            "SELECT pair FROM read_back,
                LATERAL (SELECT coalesce(etl, 'NULL') || '|' || coalesce(prod, 'NULL') AS pair) AS p
             WHERE rows IS NULL
             ORDER BY pair COLLATE \"C\"",
        )
        .await;
    assert_eq!(
        values,
        ["NULL|", "NULL|NULL", "a \"quoted\", <script>alert(1)</script>\nline|bio 12"]
    );
    assert_page(&env.path().join("d.html"));
}

/// Looks at the page in a browser: its script ran, what it shows, and what a search leaves.
fn assert_page(page: &Path) {
    let text = std::fs::read_to_string(page).unwrap();
    for word in ["src=", "href=", "@import", "url(", "fetch("] {
        assert!(!text.contains(word), "the page must not load anything: {word}");
    }
    let dom = in_browser(page, "", &["--dump-dom"]);
    assert!(dom.contains("data-ready=\"yes\""), "the script did not come to its end: {dom}");
    assert!(dom.contains("<h1 id=\"verdict\">DIFFERENT: 3 rows in 2 of "), "{dom}");
    let shown =
        dom.split("id=\"differences\"").nth(1).unwrap().split("id=\"lists\"").next().unwrap();
    assert_eq!(shown.matches("<tr>").count(), 4, "a head and three differences: {shown}");
    assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{shown}");
    assert!(shown.contains("empty text") && shown.contains(">NULL<"), "{shown}");
    assert!(dom.contains("3 of 3 shown"), "{dom}");
    let columns = dom.split("id=\"columns\"").nth(1).unwrap();
    let columns = columns.split("id=\"differences\"").next().unwrap();
    assert!(columns.contains("users: 2 rows") && columns.contains("row only in prod"), "{columns}");
    assert!(dom.contains("Different: 2") && dom.contains("audius-etl compare "), "{dom}");
    assert!(dom.contains("class=\"matched\" style=\"flex:199 1 0\""), "no bar: {dom}");

    let dom = in_browser(page, "#follows", &["--dump-dom"]);
    assert!(dom.contains("1 of 3 shown"), "the search leaves one: {dom}");

    let picture = page.with_extension("png");
    let option = format!("--screenshot={}", picture.display());
    in_browser(page, "", &[&option, "--window-size=1200,1600"]);
    let size = picture.metadata().unwrap().len();
    assert!(size > 20_000, "an empty picture of {size} bytes");
}

/// Opens the page in a headless Chromium and returns what that printed.
fn in_browser(page: &Path, fragment: &str, options: &[&str]) -> String {
    let profile = tempfile::tempdir().unwrap();
    for program in ["chromium", "chromium-browser", "google-chrome", "chrome"] {
        let started = Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--virtual-time-budget=5000", "--no-first-run", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(options)
            .arg(format!("file://{}{fragment}", page.display()))
            .stderr(Stdio::null())
            .output();
        match started {
            Ok(output) => return String::from_utf8(output.stdout).unwrap(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{program}: {error}"),
        }
    }
    panic!("no Chromium to look at the page with; scripts/setup tests installs one");
}

#[tokio::test]
async fn reports_of_shards_merge_into_the_report_of_the_whole() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    pair.etl.execute("UPDATE tracks SET title = title || 'x' WHERE track_id % 3 = 2").await;
    let whole = env.run(&arguments(&env, &pair, &[]));
    for part in ["1", "2", "3"] {
        let (shard, file) = (format!("{part}/3"), format!("part{part}.jsonl"));
        let run = env.run(&arguments(&env, &pair, &["--shard", &shard, "--json", &file]));
        assert_eq!(run.code(), 1, "{run:?}");
    }
    let merged = env.run(&["compare", "--merge", "part1.jsonl", "part2.jsonl", "part3.jsonl"]);
    assert_eq!((merged.code(), verdict(&merged)), (1, verdict(&whole)), "{merged:?}");
    let wrong = env.run(&["compare", "--merge", "part1.jsonl", "known.toml"]);
    assert_eq!(wrong.code(), 2, "{wrong:?}");
    assert!(wrong.stderr().contains("known.toml: holds no report"), "{wrong:?}");
}

#[tokio::test]
async fn parts_that_are_missing_or_there_twice_or_of_other_options_are_refused() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    for (part, more) in [("1/3", "users,tracks"), ("2/3", "users"), ("3/3", "users,tracks")] {
        let file = format!("{}.jsonl", &part[..1]);
        let run =
            env.run(&arguments(&env, &pair, &["--tables", more, "--shard", part, "--json", &file]));
        assert_eq!(run.code(), 0, "{run:?}");
    }
    let whole = ["--tables", "users,tracks", "--json", "whole.jsonl"];
    assert_eq!(env.run(&arguments(&env, &pair, &whole)).code(), 0);
    for (files, problem) in [
        (vec!["1.jsonl", "3.jsonl"], "--merge lacks part 2/3"),
        (vec!["1.jsonl", "1.jsonl", "3.jsonl"], "is part 1 of 3, and so is 1.jsonl"),
        (vec!["1.jsonl", "2.jsonl", "3.jsonl"], "other options"),
        (vec!["whole.jsonl"], "is the report of no --shard part"),
        (vec!["nowhere.jsonl"], "cannot read nowhere.jsonl"),
    ] {
        let run = env.run(&[vec!["compare", "--merge"], files].concat());
        assert_eq!(run.code(), 2, "{problem}: {run:?}");
        assert!(run.stderr().contains(problem), "{run:?}");
    }
}

#[tokio::test]
async fn nothing_looked_at_is_not_equal() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    let where_none = ["--tables", "users,tracks", "--where", "t.blocknumber < 0"];
    let run = env.run(&arguments(&env, &pair, &where_none));
    assert_eq!(run.code(), 7, "{run:?}");
    assert_eq!(
        verdict(&run),
        "NOTHING COMPARED: no row of any table took part; nothing compared in users, tracks"
    );
    let some = ["--tables", "users,tracks", "--where", "t.handle_lc IS NOT NULL"];
    let run = env.run(&arguments(&env, &pair, &some));
    assert_eq!(run.code(), 2, "a named table without the column: {run:?}");
    assert!(run.stderr().contains("--where, table tracks"), "{run:?}");
    let allowed = [&where_none[..], &["--allow-empty"]].concat();
    let run = env.run(&arguments(&env, &pair, &allowed));
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(verdict(&run).ends_with("; nothing compared in users, tracks"), "{run:?}");
    pair.etl.execute("DELETE FROM saves").await;
    pair.prod.execute("DELETE FROM saves").await;
    let run = env.run(&arguments(&env, &pair, &[]));
    assert_eq!(run.code(), 0, "empty on both sides is equal: {run:?}");
    let run = env.run(&arguments(&env, &pair, &["--tables", "users,saves"]));
    assert_eq!(run.code(), 7, "and asked for by name it is nothing: {run:?}");
}

#[tokio::test]
async fn names_that_are_not_there_are_refused_with_the_nearest() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    for (given, problem) in [
        (["--columns", "nme"], "there is no column `nme` to compare; did you mean `name`?"),
        (["--columns", "users.hande"], "did you mean `handle`?"),
        (["--tables", "trakcs"], "did you mean `tracks`?"),
        (["--strict", "delisted-user"], "--strict: no known difference is called `delisted-user`"),
        (["--html", "nowhere/x.html"], "cannot create nowhere/x.html"),
    ] {
        let run = env.run(&arguments(&env, &pair, &given));
        assert_eq!(run.code(), 2, "{run:?}");
        assert!(run.stderr().contains(problem), "{run:?}");
    }
    // One column of one table: what has no such column is not called equal for its keys.
    let run = env.run(&arguments(&env, &pair, &["--columns", "users.bio"]));
    assert_eq!(verdict(&run), "EQUAL: 200 rows in 1 table match", "{run:?}");
}

#[tokio::test]
async fn one_database_on_both_sides_is_said() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    let run =
        env.run(&["compare", "--all", "--etl-db", pair.etl.url(), "--prod-db", pair.etl.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(
        run.stderr().contains("the same database") && run.stdout().contains("the same database")
    );
}

#[tokio::test]
async fn a_role_that_does_not_see_all_rows_or_columns_is_refused() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    let role = format!("reader_{}", std::process::id());
    let url = pair.etl.url().replacen("user=postgres", &format!("user={role}"), 1);
    let url = url.replacen("//postgres@", &format!("//{role}@"), 1);
    pair.etl.execute(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON users TO {role}")).await;
    let compare = |more: &[&str]| {
        let mut arguments = vec!["compare", "--all", "--tables", "users", "--etl-db", &url];
        arguments.extend(more);
        env.run(&arguments)
    };
    let against = ["--prod-db", pair.prod.url()];
    let run = compare(&against);
    assert_eq!(run.code(), 0, "{run:?}");
    pair.etl
        .execute(&format!(
            "ALTER TABLE users ENABLE ROW LEVEL SECURITY;
             CREATE POLICY p ON users TO {role} USING (user_id % 2 = 0)"
        ))
        .await;
    for more in [&against[..], &["--snapshot", "s.json"]] {
        let run = compare(more);
        assert_eq!(run.code(), 7, "{run:?}");
        assert!(run.stderr().contains("row-level security of table users"), "{run:?}");
        assert!(run.stderr().contains("etl database"), "{run:?}");
    }
    pair.etl
        .execute(&format!(
            "ALTER TABLE users DISABLE ROW LEVEL SECURITY; REVOKE SELECT ON users FROM {role};
             GRANT SELECT (user_id, name, is_current) ON users TO {role}"
        ))
        .await;
    let run = compare(&against);
    assert_eq!(run.code(), 7, "{run:?}");
    assert!(
        run.stderr().contains("may not read table users (")
            && run.stderr().contains("GRANT SELECT")
    );
    let run = compare(&[&against[..], &["--columns", "name"]].concat());
    assert_eq!(run.code(), 0, "the columns that it may read: {run:?}");
    pair.etl.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_snapshot_tells_later_which_segments_differ() {
    let (env, pair) = (TestEnv::new(), Pair::new().await);
    env.write("known.toml", "");
    let common = ["--all", "--known", "known.toml", "--segment-rows", "20"];
    let mut take = vec!["compare", "--etl-db", pair.prod.url(), "--snapshot", "s.json"];
    take.extend(common);
    let run = env.run(&take);
    assert_eq!(run.code(), 0, "{run:?}");
    let tables = spec::tables().len();
    let taken = format!(" rows of {tables} tables in ");
    assert!(run.stdout().starts_with("s.json: ") && run.stdout().contains(&taken), "{run:?}");
    let mut against = vec!["compare", "--etl-db", pair.etl.url(), "--against", "s.json"];
    against.extend(common);
    let run = env.run(&against);
    assert_eq!((run.code(), verdict(&run)), (0, all_match()));

    pair.etl.execute("UPDATE tracks SET title = 'x' WHERE title = 'title 9'").await;
    pair.etl.execute("ALTER TABLE tracks ALTER COLUMN duration TYPE numeric").await;
    let run = env.run(&against);
    assert_eq!(run.code(), 1, "{run:?}");
    assert!(verdict(&run).starts_with("DIFFERENT: 1 segment with "), "{run:?}");
    pair.etl.execute("ALTER TABLE tracks DROP COLUMN mood").await;
    let run = env.run(&against);
    assert_eq!(run.code(), 7, "{run:?}");
    assert!(run.stdout().contains("tracks.mood: in the snapshot but not in the database"));
}

#[tokio::test]
async fn the_same_archive_gives_equal_databases_and_a_dropped_transaction_its_rows() {
    let env = TestEnv::new();
    let generated =
        ["generate", "--out", "all.jsonl", "--txs", "600", "--plays", "300", "--seed", "5"];
    assert_eq!(env.run(&generated).code(), 0);
    // The dropped one is the last of its block, so that no other moves up.
    let text = std::fs::read_to_string(env.path().join("all.jsonl")).unwrap();
    let mut blocks: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let follow = |tx: &Value| tx["transaction"]["manageEntity"]["action"] == "Follow";
    let block = blocks
        .iter()
        .rposition(|block| {
            block["transactions"].as_array().is_some_and(|txs| txs.iter().any(follow))
        })
        .unwrap();
    let txs = blocks[block]["transactions"].as_array_mut().unwrap();
    let at = txs.iter().rposition(follow).unwrap();
    let dropped = txs.remove(at);
    let write = |name: &str, blocks: &[Value]| {
        let lines: Vec<_> = blocks.iter().map(ToString::to_string).collect();
        env.write(name, lines.join("\n") + "\n");
    };
    write("short.jsonl", &blocks);
    blocks[block]["transactions"].as_array_mut().unwrap().push(dropped.clone());
    write("whole.jsonl", &blocks);
    let index = async |source: &str, options: &[&str]| {
        let db = TestDb::new().await;
        let mut arguments =
            vec!["index", "--era", "discovery", "-q", "--db", db.url(), "--source", source];
        arguments.extend(options);
        let run = env.run(&arguments);
        assert_eq!(run.code(), 0, "{run:?}");
        db
    };
    let one = index("whole.jsonl", &[]).await;
    let other = index("whole.jsonl", &["--batch-blocks", "3", "--batch-txs", "17"]).await;
    let run = env.run(&["compare", "--etl-db", one.url(), "--prod-db", other.url()]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(verdict(&run).starts_with("EQUAL: "), "{run:?}");

    let short = index("short.jsonl", &[]).await;
    let run = env.run(&[
        "compare",
        "--etl-db",
        short.url(),
        "--prod-db",
        one.url(),
        "--recheck-after",
        "0",
        "--json",
        "d.jsonl",
    ]);
    assert_eq!(run.code(), 1, "{run:?}");
    let json = std::fs::read_to_string(env.path().join("d.jsonl")).unwrap();
    let call = &dropped["transaction"]["manageEntity"];
    let (follower, followee) =
        (call["userId"].as_str().unwrap(), call["entityId"].as_str().unwrap());
    for line in json.lines().skip(1) {
        let difference: Value = serde_json::from_str(line).unwrap();
        let key = difference["key"].to_string();
        let (table, kind) = (difference["table"].as_str().unwrap(), &difference["kind"]);
        let own = match table {
            "etl_transactions" | "etl_manage_entities" => {
                key.contains(dropped["hash"].as_str().unwrap())
            }
            "follows" | "subscriptions" => key.contains(follower) && key.contains(followee),
            "aggregate_user" => key.contains(follower) || key.contains(followee),
            "notification" => key.contains(followee),
            _ => false,
        };
        assert!(own, "not a row of the dropped transaction: {line}");
        assert_eq!(kind == "different", table == "aggregate_user", "{line}");
    }
    assert!(json.contains("\"etl_transactions\"") && json.contains("\"follows\""), "{json}");
}

#[tokio::test]
async fn a_server_that_goes_away_ends_the_run_with_3_and_without_a_verdict() {
    let env = TestEnv::new();
    let here = TestDb::new().await;
    fill(&mut prepared(&here).await, spec_of("users"), 1, 200).await;
    for killed in ["--etl-db", "--prod-db"] {
        let cluster = PrivateCluster::open(&env.path().join("data"), ClusterOptions::default())
            .await
            .unwrap();
        let there = Database::parse(cluster.url()).unwrap();
        if killed == "--etl-db" {
            let mut connection = there.connect().await.unwrap();
            audius_etl::db::migrate::Migrator::default().up(&mut connection).await.unwrap();
            connection.execute("SET session_replication_role = replica").await.unwrap();
            connection.execute(include_str!("fill.sql")).await.unwrap();
            fill(&mut connection, spec_of("users"), 1, 200).await;
        }
        let other = if killed == "--etl-db" { "--prod-db" } else { "--etl-db" };
        let slow = "pg_sleep(0.05) IS NOT NULL";
        let options = ["--all", "--tables", "users", "--where", slow, "--json", "d.jsonl"];
        let mut arguments = vec!["compare", killed, cluster.url(), other, here.url()];
        arguments.extend(options);
        let mut command = env.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut watch = there.connect().await.unwrap();
        let scanning = "SELECT count(*) FROM pg_stat_activity \
                        WHERE query LIKE 'SELECT b::text, count(*)%' AND pid <> pg_backend_pid()";
        while sqlx::query_scalar::<_, i64>(scanning).fetch_one(&mut watch).await.unwrap() == 0 {
            assert!(child.try_wait().unwrap().is_none(), "ended before it was disturbed");
            sleep(Duration::from_millis(20)).await;
        }
        kill_server(&env.path().join("data"));
        let status = child.wait().unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        child.stdout.unwrap().read_to_string(&mut out).unwrap();
        child.stderr.unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(status.code(), Some(3), "{err}");
        assert_eq!(out, "", "a part of the comparison must not look like all of it");
        let side = killed.trim_start_matches("--").trim_end_matches("-db");
        assert!(err.contains(&format!("{side} database")) && err.contains("no verdict"), "{err}");
        assert!(!env.path().join("d.jsonl").exists());
        drop(watch);
        drop(cluster);
    }
}

/// Ends the server of a private cluster at once, as a crash does.
fn kill_server(data_dir: &Path) {
    let file = data_dir.join("postgres/data/postmaster.pid");
    let pid = std::fs::read_to_string(file).unwrap().lines().next().unwrap().to_owned();
    assert!(Command::new("kill").args(["-QUIT", &pid]).status().unwrap().success());
}
