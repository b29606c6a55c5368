//! Databases for tests: one PostgreSQL server for all test processes, and a fresh, migrated
//! database per test, cloned from a template.
//!
//! The server is the one `AUDIUS_ETL_TEST_DB` names (a URL of a superuser), or a private cluster in
//! cargo's temporary folder. The cluster is made once, trades safety for speed, and outlives the
//! test process that started it; a watchdog stops it a minute after the last test. The database of
//! a failed test stays, for a look with psql, and goes a day later.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use audius_etl::db::Database;
use audius_etl::db::migrate::{MIGRATIONS, Migrator};
use audius_etl::db::private::{Options, PrivateCluster};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use tokio::sync::OnceCell;

/// Advisory lock under which the template is made.
const TEMPLATE_LOCK: i64 = 0x7465_6d70;

/// Stops the server once nobody has used it for a while. `$1` is the folder of the cluster.
const WATCHDOG: &str = r#"
cd "$1" || exit
while sleep 60; do
    flock start.lock flock -n users.lock sh -c '
        pid=$(head -n 1 data/postmaster.pid) || exit 0
        [ "$(readlink "/proc/$pid/cwd")" = "$PWD/data" ] && kill -INT "$pid"
        exit 0' && exit
done
"#;

/// A database of its own for one test.
pub(crate) struct TestDb {
    server: &'static Server,
    database: Database,
    name: String,
    url: String,
}

/// The server that all tests share.
struct Server {
    /// URL of its database `postgres`.
    admin_url: String,
    /// Keeps us among the users of the private cluster.
    _cluster: Option<PrivateCluster>,
}

impl TestDb {
    /// A database with every migration applied.
    pub(crate) async fn new() -> Self {
        let server = Server::get().await;
        Self::create(server, Some(&server.template().await)).await
    }

    /// A database without any table.
    pub(crate) async fn empty() -> Self {
        Self::create(Server::get().await, None).await
    }

    /// The URL, for `--db`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The settings to connect with.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> PgConnection {
        self.database.connect().await.unwrap()
    }

    /// Runs statements, any number of them.
    pub(crate) async fn execute(&self, sql: &str) {
        execute(&mut self.connect().await, sql).await;
    }

    /// The first column of every row of a query, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.connect().await).await.unwrap()
    }

    /// The single number a query returns.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connect().await).await.unwrap()
    }

    async fn create(server: &'static Server, template: Option<&str>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut admin = server.admin().await;
        let now: i64 = sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint")
            .fetch_one(&mut admin)
            .await
            .unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{now}_{}_{count}", std::process::id());
        // Copying files beats logging every page: the server does not flush anything.
        let template = template
            .map(|template| format!("TEMPLATE {template} STRATEGY file_copy"))
            .unwrap_or_default();
        execute(&mut admin, &format!("CREATE DATABASE {name} {template}")).await;
        let url = with_name(&server.admin_url, &name);
        Self { server, database: Database::parse(&url).unwrap(), name, url }
    }
}

impl Drop for TestDb {
    /// Drops the database, unless the test is failing.
    #[expect(clippy::print_stderr, reason = "the place to look at belongs into the test's output")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the database of this test stays: {}", self.database);
            return;
        }
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let server = self.server;
        // The test's own runtime cannot be waited for from here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async { execute(&mut server.admin().await, &sql).await });
        });
        dropped.join().unwrap();
    }
}

impl Server {
    async fn get() -> &'static Self {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        SERVER.get_or_init(Self::start).await
    }

    async fn start() -> Self {
        if let Some(url) = std::env::var_os("AUDIUS_ETL_TEST_DB") {
            return Self { admin_url: url.into_string().unwrap(), _cluster: None };
        }
        let folder = cluster_folder();
        let settings = [
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("shared_buffers", "128MB"),
            ("max_connections", "200"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options = Options { settings, leave_running: true };
        let cluster = PrivateCluster::open(&folder, options).await.unwrap();
        let server =
            Self { admin_url: with_name(cluster.url(), "postgres"), _cluster: Some(cluster) };
        if server._cluster.as_ref().is_some_and(PrivateCluster::started_here) {
            spawn_watchdog(&folder.join("postgres"));
            server.drop_old_databases().await;
        }
        server
    }

    async fn admin(&self) -> PgConnection {
        Database::parse(&self.admin_url).unwrap().connect().await.unwrap()
    }

    /// The name of the migrated template, which is made if the migrations have changed.
    async fn template(&self) -> String {
        static NAME: OnceCell<String> = OnceCell::const_new();
        NAME.get_or_init(|| self.make_template()).await.clone()
    }

    async fn make_template(&self) -> String {
        let name = format!("template_{}", fingerprint());
        let mut admin = self.admin().await;
        execute(&mut admin, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(&name)
                .fetch_one(&mut admin)
                .await
                .unwrap();
        if !there {
            let unfinished = format!("{name}_unfinished");
            execute(&mut admin, &format!("DROP DATABASE IF EXISTS {unfinished}")).await;
            execute(&mut admin, &format!("CREATE DATABASE {unfinished}")).await;
            let url = with_name(&self.admin_url, &unfinished);
            let mut connection = Database::parse(&url).unwrap().connect().await.unwrap();
            Migrator::default().up(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            execute(&mut admin, &format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
        }
        execute(&mut admin, &format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await;
        name
    }

    /// Drops what tests of yesterday left behind.
    async fn drop_old_databases(&self) {
        let mut admin = self.admin().await;
        let old: Vec<String> = sqlx::query_scalar(
            "SELECT datname FROM pg_database
             WHERE datname ~ '^it_[0-9]+_'
                AND split_part(datname, '_', 2)::bigint < extract(epoch FROM now()) - 86400",
        )
        .fetch_all(&mut admin)
        .await
        .unwrap();
        for name in old {
            execute(&mut admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// Where the cluster of this target folder lives. The name carries the path, because a copy of a
/// target folder made of hard links must not share its files with the original.
fn cluster_folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let folder = folder.join(format!("postgres-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Starts the watchdog in a process group of its own, so that it outlives this process.
fn spawn_watchdog(cluster: &Path) {
    let cluster = cluster.canonicalize().unwrap();
    let spawned = Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(cluster)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    drop(spawned.unwrap());
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// Changes with every change of the migrations.
fn fingerprint() -> String {
    let all: String = MIGRATIONS.iter().map(|migration| migration.up).collect();
    Sha256::digest(all.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// `url` with the name of its database replaced.
fn with_name(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let host = base.find("://").unwrap() + 3;
    let path = base[host..].find('/').map_or(base.len(), |slash| host + slash);
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{}/{name}{query}", &base[..path])
}
