//! Interrupted runs: killed, stopped, cut off from their database, refused. Whatever happens, what
//! the database holds in the end is what an undisturbed run leaves behind.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use audius_etl::db::Database;
use audius_etl::db::private::{Options, PrivateCluster};
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio::time::{Instant, sleep};

use crate::support::TestEnv;
use crate::support::db::TestDb;

/// Small batches, so that there are many commits to be killed between and in.
const BATCHES: &[&str] = &["--batch-blocks", "4", "--batch-txs", "60"];

/// How long a run may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(240);

/// Columns that PostgreSQL fills from its clock, or that number what a sequence numbers.
const VOLATILE: &[(&str, &str)] = &[
    ("album_price_history", "created_at"),
    ("audius_etl_chains", "ready_at"),
    ("audius_etl_chains", "updated_at"),
    ("audius_etl_migrations", "applied_at"),
    ("collectibles", "created_at"),
    ("email_access", "created_at"),
    ("encrypted_emails", "created_at"),
    ("etl_sla_node_reports", "sla_rollup_id"),
    ("plays", "updated_at"),
    ("skipped_transactions", "created_at"),
    ("skipped_transactions", "updated_at"),
    ("track_downloads", "created_at"),
    ("track_price_history", "created_at"),
    ("user_payout_wallet_history", "created_at"),
];

/// Every row of every table as text, in a fixed order, without what [`VOLATILE`] and sequences give.
pub(crate) async fn dump(database: &Database) -> Vec<String> {
    let mut connection = database.connect().await.unwrap();
    let columns = sqlx::query(
        "SELECT c.relname::text AS of, a.attname::text AS name FROM pg_attribute a
         JOIN pg_class c ON c.oid = a.attrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE n.nspname = 'public' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
             AND a.attidentity = '' AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') !~ 'nextval'
         ORDER BY 1, a.attnum",
    );
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for row in columns.fetch_all(&mut connection).await.unwrap() {
        let (table, column): (String, String) = (row.get("of"), row.get("name"));
        if tables.last().is_none_or(|(last, _)| *last != table) {
            tables.push((table.clone(), Vec::new()));
        }
        if !VOLATILE.contains(&(table.as_str(), column.as_str())) {
            tables.last_mut().unwrap().1.push(format!("t.\"{column}\""));
        }
    }
    let mut rows = Vec::new();
    for (table, columns) in tables {
        // How far back checkpoints are kept depends on where batches ended; the last one counts.
        let newest = match table.as_str() {
            "audius_etl_checkpoints" => "WHERE id = (SELECT max(id) FROM audius_etl_checkpoints)",
            _ => "",
        };
        let row = format!("ROW({})::text", columns.join(","));
        let sql = format!("SELECT {row} FROM \"{table}\" t {newest} ORDER BY {row} COLLATE \"C\"");
        let found: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        rows.extend(found.into_iter().map(|row| format!("{table} {row}")));
    }
    connection.close().await.unwrap();
    rows
}

pub(crate) fn assert_same(found: &[String], wanted: &[String]) {
    let differing = |left: &[String], right: &[String]| -> Vec<String> {
        let right: std::collections::HashSet<_> = right.iter().collect();
        left.iter().filter(|row| !right.contains(row)).take(5).cloned().collect()
    };
    let (more, less) = (differing(found, wanted), differing(wanted, found));
    assert!(found == wanted, "more: {more:#?}\nless: {less:#?}");
}

/// A generated archive in the folder of `env`.
pub(crate) fn archive(env: &TestEnv, txs: u32) -> &'static str {
    let name = "chain.pb";
    let txs = txs.to_string();
    let run = env.run(&[
        "generate",
        "--out",
        name,
        "--txs",
        &txs,
        "--plays",
        "400",
        "--seed",
        "3",
        "--txs-per-block",
        "10",
    ]);
    assert_eq!(run.code(), 0, "{run:?}");
    name
}

/// The arguments of a run over `source` into `url`.
fn arguments<'a>(url: &'a str, source: &'a str) -> Vec<&'a str> {
    let mut all = vec!["index", "--era", "discovery", "--db", url, "--source", source];
    all.extend(BATCHES);
    all
}

fn start(env: &TestEnv, url: &str, source: &str) -> Child {
    env.command(&arguments(url, source))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the process ends, at most `limit`.
pub(crate) async fn ended(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            return None;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Instants that look random and are the same in every run.
pub(crate) struct Instants(pub(crate) u64);

impl Instants {
    /// A duration up to `most`.
    pub(crate) fn next(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let thousandths = u32::try_from((self.0 >> 33) % 1000).unwrap();
        most * thousandths / 1000
    }
}

/// What an undisturbed run leaves behind, and how long it took.
async fn undisturbed(env: &TestEnv, source: &str) -> (Vec<String>, Duration) {
    let db = TestDb::new().await;
    let started = Instant::now();
    let run = env.run(&arguments(db.url(), source));
    assert_eq!(run.code(), 0, "{run:?}");
    (dump(db.database()).await, started.elapsed())
}

async fn indexed_blocks(db: &TestDb) -> i64 {
    db.number("SELECT count(*) FROM core_indexed_blocks").await
}

#[tokio::test]
async fn runs_killed_at_any_instant_leave_what_one_run_leaves() {
    let env = TestEnv::new();
    let source = archive(&env, 1200);
    let (wanted, took) = undisturbed(&env, source).await;
    let db = TestDb::new().await;
    let mut instants = Instants(11);
    let mut killed = 0;
    for _ in 0..8 {
        let mut child = start(&env, db.url(), source);
        // A killed process starts again where it was, so whole runs are rare.
        match ended(&mut child, instants.next(took * 3 / 4)).await {
            Some(status) => assert!(status.success(), "{status}"),
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
            }
        }
    }
    let last = env.run(&arguments(db.url(), source));
    assert_eq!(last.code(), 0, "{last:?}");
    assert!(killed > 0);
    assert_same(&dump(db.database()).await, &wanted);
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_writes_what_it_processed_and_goes_on_later() {
    let env = TestEnv::new();
    let source = archive(&env, 1200);
    let (wanted, _) = undisturbed(&env, source).await;
    let db = TestDb::new().await;
    let mut stopped = 0;
    for _ in 0..3 {
        let before = indexed_blocks(&db).await;
        let mut child = env
            .command(&arguments(db.url(), source))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none()
            && indexed_blocks(&db).await == before
            && Instant::now() < deadline
        {
            sleep(Duration::from_millis(10)).await;
        }
        if child.try_wait().unwrap().is_none() {
            signal("-TERM", child.id());
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(130) => stopped += 1,
            code => assert_eq!(code, Some(0), "{said}"),
        }
        assert!(indexed_blocks(&db).await > before || stopped == 0, "{said}");
    }
    assert!(stopped > 0, "every run was over before it could be stopped");
    let last = env.run(&arguments(db.url(), source));
    assert_eq!(last.code(), 0, "{last:?}");
    assert_same(&dump(db.database()).await, &wanted);
}

#[tokio::test]
async fn a_server_that_crashes_under_a_run_loses_nothing() {
    let env = TestEnv::new();
    let source = archive(&env, 800);
    let (wanted, took) = undisturbed(&env, source).await;
    let folder = env.path().join("data");
    let cluster = PrivateCluster::open(&folder, Options::default()).await.unwrap();
    let mut instants = Instants(5);
    let mut crashes = 0;
    for _ in 0..3 {
        let said = std::fs::File::create(env.path().join("said")).unwrap();
        let mut command = env.command(&arguments(cluster.url(), source));
        let mut child = command.stdout(Stdio::null()).stderr(said).spawn().unwrap();
        if ended(&mut child, instants.next(took)).await.is_none() {
            crash_and_restart(&env, &folder).await;
            crashes += 1;
        }
        let code = ended(&mut child, PATIENCE).await.and_then(|status| status.code());
        let said = std::fs::read_to_string(env.path().join("said")).unwrap();
        // A run that lost its connection where it could not wait says so, and is started again.
        assert!(matches!(code, Some(0 | 3)), "{code:?} {said}");
    }
    let last = env.run(&arguments(cluster.url(), source));
    assert_eq!(last.code(), 0, "{last:?}");
    assert!(crashes > 0);
    assert_same(&dump(cluster.database()).await, &wanted);
    cluster.stop().await.unwrap();
}

/// What `pg_ctl restart -m immediate` does to the private cluster of `folder`.
async fn crash_and_restart(env: &TestEnv, folder: &Path) {
    let pid_file = folder.join("postgres/data/postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    signal("-QUIT", text.lines().next().unwrap().parse().unwrap());
    let deadline = Instant::now() + PATIENCE;
    while pid_file.exists() {
        assert!(Instant::now() < deadline, "the server does not stop");
        sleep(Duration::from_millis(20)).await;
    }
    // As one more user of the cluster it starts the server, and leaves it running for us.
    let started = env.run(&["migrate", "status", "--data-dir", folder.to_str().unwrap()]);
    assert!(matches!(started.code(), 0 | 7), "{started:?}");
}

#[tokio::test]
async fn a_run_over_what_is_indexed_already_changes_nothing() {
    let env = TestEnv::new();
    let source = archive(&env, 300);
    let db = TestDb::new().await;
    let first = env.run(&arguments(db.url(), source));
    assert_eq!(first.code(), 0, "{first:?}");
    let rows = dump(db.database()).await;
    let again = env.run(&arguments(db.url(), source));
    assert_eq!(again.code(), 0, "{again:?}");
    assert_same(&dump(db.database()).await, &rows);
    let sequence = "SELECT max(id)::bigint FROM etl_transactions";
    assert_eq!(db.number(sequence).await, db.number("SELECT count(*) FROM etl_transactions").await);
}

#[tokio::test]
async fn a_second_writer_is_refused_and_told_who_the_first_is() {
    let env = TestEnv::new();
    let db = TestDb::new().await;
    // It waits for blocks on its standard input, and keeps the lock meanwhile.
    let mut first = start(&env, db.url(), "-");
    let holder = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let deadline = Instant::now() + PATIENCE;
    while db.number(holder).await == 0 {
        assert!(Instant::now() < deadline, "the first does not take the lock");
        sleep(Duration::from_millis(20)).await;
    }
    let source = archive(&env, 50);
    let second = env.run(&arguments(db.url(), source));
    assert_eq!(second.code(), 5, "{second:?}");
    let said = second.stderr();
    assert!(said.contains("another writer holds the lock"), "{said}");
    assert!(said.contains(&format!("audius-etl writer, pid {}", first.id())), "{said}");
    first.kill().unwrap();
    first.wait().unwrap();
    let third = env.run(&arguments(db.url(), source));
    assert_eq!(third.code(), 0, "{third:?}");
}

#[tokio::test]
async fn a_corrupt_archive_is_indexed_up_to_the_fault_which_is_named() {
    let env = TestEnv::new();
    let source = archive(&env, 300);
    let mut bytes = std::fs::read(env.path().join(source)).unwrap();
    // Twenty whole blocks, then a length that leads out of the file.
    let mut offset = 0;
    for _ in 0..20 {
        let length = u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap());
        offset += 4 + usize::try_from(length).unwrap();
    }
    bytes[offset..offset + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    env.write("corrupt.pb", &bytes);
    let db = TestDb::new().await;
    let run = env.run(&arguments(db.url(), "corrupt.pb"));
    assert_eq!(run.code(), 6, "{run:?}");
    assert!(run.stderr().contains(&format!("byte offset {offset}")), "{run:?}");
    assert_eq!(db.number("SELECT max(height)::bigint FROM core_indexed_blocks").await, 20);

    // The rest follows once the archive is whole.
    let whole = env.run(&arguments(db.url(), source));
    assert_eq!(whole.code(), 0, "{whole:?}");
    let (wanted, _) = undisturbed(&env, source).await;
    assert_same(&dump(db.database()).await, &wanted);
}

#[tokio::test]
async fn a_node_that_does_not_answer_ends_a_bounded_run() {
    let env = TestEnv::new();
    let db = TestDb::new().await;
    let node = "http://127.0.0.1:9";
    let run = env.run(&[
        "index",
        "--era",
        "discovery",
        "--db",
        db.url(),
        "--source",
        node,
        "--once",
        "--retry-limit",
        "2",
    ]);
    assert_eq!(run.code(), 4, "{run:?}");
    assert!(run.stderr().contains(node), "{run:?}");
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let env = TestEnv::new();
    let source = archive(&env, 10);
    let url = "postgres://somebody:hunter2secret@127.0.0.1:9/nowhere";
    let run = env.run(&arguments(url, source));
    assert_eq!(run.code(), 3, "{run:?}");
    assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    assert!(run.stderr().contains("127.0.0.1"), "{run:?}");
}
