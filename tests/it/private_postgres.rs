//! The private cluster with the PostgreSQL programs of this machine: made, reused, recovered,
//! shared, and left alone when it is somebody else's.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use audius_etl::db::private::{Error, Options, PrivateCluster};
use sqlx::{AssertSqlSafe, Connection};

use crate::support::TestEnv;

/// A data folder that the user postgres can get to, on the disk of the target folder.
fn data_dir() -> tempfile::TempDir {
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .unwrap()
}

async fn open(folder: &Path) -> PrivateCluster {
    PrivateCluster::open(folder, Options::default()).await.unwrap()
}

async fn run(cluster: &PrivateCluster, sql: &str) {
    let mut connection = cluster.database().connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn number(cluster: &PrivateCluster, sql: &str) -> i64 {
    let mut connection = cluster.database().connect().await.unwrap();
    let number = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

fn pid_file(folder: &Path) -> PathBuf {
    folder.join("postgres/data/postmaster.pid")
}

fn server_pid(folder: &Path) -> String {
    std::fs::read_to_string(pid_file(folder)).unwrap().lines().next().unwrap().to_owned()
}

fn is_running(folder: &Path) -> bool {
    pid_file(folder).exists()
}

#[tokio::test]
async fn a_cluster_is_made_once_and_keeps_its_rows_over_restarts() {
    let folder = data_dir();
    let cluster = open(folder.path()).await;
    assert!(cluster.started_here());
    run(&cluster, "CREATE TABLE kept AS SELECT 1").await;
    let settings = "SELECT count(*) FROM pg_settings WHERE (name, setting) IN
        (('fsync', 'on'), ('synchronous_commit', 'on'), ('full_page_writes', 'on'),
         ('listen_addresses', ''), ('server_encoding', 'UTF8'), ('jit', 'off'))";
    assert_eq!(number(&cluster, settings).await, 6);
    let psql = Command::new("psql").args([cluster.url(), "-Atc", "TABLE kept"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&psql.stdout), "1\n", "psql reaches the printed URL");
    cluster.stop().await.unwrap();
    assert!(!is_running(folder.path()));

    let cluster = open(folder.path()).await;
    assert_eq!(number(&cluster, "SELECT count(*) FROM kept").await, 1);
    drop(cluster);
    assert!(!is_running(folder.path()), "dropping it stops the server too");
}

#[tokio::test]
async fn the_last_of_several_users_stops_the_server() {
    let folder = data_dir();
    let first = open(folder.path()).await;
    let second = open(folder.path()).await;
    assert!(!second.started_here());
    first.stop().await.unwrap();
    assert_eq!(number(&second, "SELECT 1::bigint").await, 1);
    second.stop().await.unwrap();
    assert!(!is_running(folder.path()));
}

#[tokio::test]
async fn a_server_left_behind_by_a_killed_process_is_taken_over() {
    let folder = data_dir();
    let options = Options { leave_running: true, ..Options::default() };
    PrivateCluster::open(folder.path(), options).await.unwrap().stop().await.unwrap();
    let pid = server_pid(folder.path());
    let cluster = open(folder.path()).await;
    assert_eq!(server_pid(folder.path()), pid);
    cluster.stop().await.unwrap();
    assert!(!is_running(folder.path()));
}

#[tokio::test]
async fn a_server_that_somebody_started_by_hand_is_used_and_left_running() {
    let folder = data_dir();
    let options = Options { leave_running: true, ..Options::default() };
    PrivateCluster::open(folder.path(), options).await.unwrap().stop().await.unwrap();
    let started = folder.path().join("postgres/started");
    let pid = std::fs::read_to_string(&started).unwrap();
    std::fs::remove_file(&started).unwrap();
    let cluster = open(folder.path()).await;
    assert_eq!(number(&cluster, "SELECT 1::bigint").await, 1);
    cluster.stop().await.unwrap();
    assert!(is_running(folder.path()));

    std::fs::write(&started, pid).unwrap();
    open(folder.path()).await.stop().await.unwrap();
    assert!(!is_running(folder.path()));
}

#[tokio::test]
async fn a_killed_server_starts_again_with_what_was_committed() {
    let folder = data_dir();
    let cluster = open(folder.path()).await;
    run(&cluster, "CREATE TABLE kept AS SELECT 1").await;
    let kill = Command::new("kill").args(["-KILL", &server_pid(folder.path())]).status();
    assert!(kill.unwrap().success());
    let again = open(folder.path()).await;
    assert!(again.started_here());
    assert_eq!(number(&again, "SELECT count(*) FROM kept").await, 1);
    drop((cluster, again));
    assert!(!is_running(folder.path()));
}

#[tokio::test]
async fn a_pid_file_whose_number_belongs_to_another_process_now_is_no_obstacle() {
    let folder = data_dir();
    open(folder.path()).await.stop().await.unwrap();
    // Runs as the user that owns the cluster, so that PostgreSQL itself would be taken in.
    let mut other = Command::new("sleep")
        .arg("60")
        .uid(owner(folder.path()))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let stale = format!("{}\n/elsewhere\n1\n5432\n/elsewhere\n\n", other.id());
    std::fs::write(pid_file(folder.path()), stale).unwrap();
    let cluster = open(folder.path()).await;
    assert!(cluster.started_here());
    cluster.stop().await.unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
}

/// The number of the user that the cluster belongs to.
fn owner(folder: &Path) -> u32 {
    std::fs::metadata(folder.join("postgres/data")).unwrap().uid()
}

#[tokio::test]
async fn a_folder_with_a_long_and_odd_name_works_like_any_other() {
    let folder = data_dir();
    let deep = folder.path().join(format!("it's 100% ü&{}", "x".repeat(90)));
    let cluster = open(&deep).await;
    assert_eq!(number(&cluster, "SELECT 1::bigint").await, 1);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_cluster_of_a_version_that_is_not_installed_says_which_one_it_needs() {
    let folder = data_dir();
    let data = folder.path().join("postgres/data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("PG_VERSION"), "9\n").unwrap();
    let error = PrivateCluster::open(folder.path(), Options::default()).await.unwrap_err();
    assert!(matches!(error, Error::OtherVersion { .. }), "{error}");
    assert!(error.to_string().contains("postgresql-9"), "{error}");
}

#[tokio::test]
async fn an_interrupted_initialization_is_done_again() {
    let folder = data_dir();
    let unfinished = folder.path().join("postgres/data.new");
    std::fs::create_dir_all(unfinished.join("base")).unwrap();
    open(folder.path()).await.stop().await.unwrap();
    assert!(!unfinished.exists());
}

#[test]
fn a_command_without_a_database_option_runs_on_its_own_server_and_stops_it() {
    let folder = data_dir();
    let data_dir = folder.path().to_str().unwrap();
    let args = ["migrate", "--data-dir", data_dir];
    let run = TestEnv::new().run(&args);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(
        run.stderr().contains("private PostgreSQL: psql 'postgresql:///audius?host=/"),
        "{run:?}"
    );
    assert!(run.stdout().contains("applied 0001_bookkeeping"), "{run:?}");
    assert!(!is_running(folder.path()));
    let again = TestEnv::new().run(&args);
    assert_eq!((again.code(), again.stdout().as_str()), (0, ""), "{again:?}");
}

#[test]
fn a_machine_without_server_programs_is_told_what_to_install() {
    if Path::new("/usr/lib/postgresql").exists() {
        // The programs of this machine are found without PATH; the message is tested below.
        let message = Error::NoPrograms.to_string();
        assert!(message.contains("apt-get install postgresql"), "{message}");
        return;
    }
    let mut env = TestEnv::new();
    env.set("PATH", "/nowhere");
    let run = env.run(&["migrate"]);
    assert_eq!(run.code(), 3, "{run:?}");
    assert!(run.stderr().contains("apt-get install postgresql"), "{run:?}");
}

#[tokio::test]
async fn a_data_folder_that_the_user_postgres_cannot_enter_gets_its_cluster_elsewhere() {
    let closed = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ours = std::fs::metadata(closed.path()).unwrap().uid();
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let data_dir = closed.path().join("data");
    let cluster = open(&data_dir).await;
    run(&cluster, "CREATE TABLE kept AS SELECT 1").await;
    cluster.stop().await.unwrap();
    let cluster = open(&data_dir).await;
    assert_eq!(number(&cluster, "SELECT count(*) FROM kept").await, 1);
    cluster.stop().await.unwrap();
    let link = data_dir.join("postgres");
    assert_eq!(link.is_symlink(), ours == 0, "only root needs another place");
    if let Ok(elsewhere) = std::fs::read_link(&link) {
        std::fs::remove_dir_all(elsewhere).unwrap();
        open(&data_dir).await.stop().await.unwrap();
        std::fs::remove_dir_all(std::fs::read_link(&link).unwrap()).unwrap();
    }
}
