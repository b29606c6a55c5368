//! Through a pooler that lends a connection for one transaction only.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use audius_etl::compare::{self, Options, Progress, Verdict};
use audius_etl::db::Database;
use sqlx::Row;
use tokio_util::sync::CancellationToken;

use super::Pair;

/// A running `PgBouncer` in transaction mode, with few connections for many clients.
struct Pooler {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Pooler {
    /// In front of the server of the pair.
    async fn start(pair: &Pair) -> Self {
        let mut connection = pair.etl.connect().await;
        let row = sqlx::query(
            "SELECT split_part(current_setting('unix_socket_directories'), ',', 1) AS host,
                current_setting('port') AS port, current_user::text AS role",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        let text = |name: &str| row.get::<String, _>(name);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let configuration = format!(
            "[databases]\n* = host={} port={} user={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 4\nignore_startup_parameters = extra_float_digits\n",
            text("host"),
            text("port"),
            text("role")
        );
        let path = folder.path().join("pgbouncer.ini");
        std::fs::write(&path, configuration).unwrap();
        let mut pooler = Self { process: spawn(&path), port, folder };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = pooler.process.try_wait().unwrap();
            assert!(ended.is_none(), "pgbouncer ended: {ended:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        pooler
    }

    fn database(&self, direct: &str) -> Database {
        let name = direct.split(['/', '?']).find(|part| part.starts_with("it_")).unwrap();
        Database::parse(&format!("postgres://anybody@127.0.0.1:{}/{name}", self.port)).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
        let _kept_until_now = &self.folder;
    }
}

/// `PgBouncer` does not run as root; then it runs as the user that the servers of tests run as.
fn spawn(path: &Path) -> Child {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|of| {
        use std::os::unix::fs::MetadataExt;
        of.uid() == 0
    });
    let mut command = if is_root {
        let folder = path.parent().unwrap();
        let open = Command::new("chmod").args(["-R", "a+rX"]).arg(folder).status().unwrap();
        assert!(open.success());
        let mut command = Command::new("setpriv");
        let user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
        command.args(user).arg("/usr/sbin/pgbouncer");
        command
    } else {
        Command::new("pgbouncer")
    };
    command.arg("-q").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("scripts/setup tests installs pgbouncer")
}

#[tokio::test]
async fn through_a_pooler_in_transaction_mode_every_run_finds_the_same() {
    let pair = Pair::new().await;
    pair.etl.execute("UPDATE users SET bio = 'other' WHERE bio = 'bio 12'").await;
    let pooler = Pooler::start(&pair).await;
    for _ in 0..3 {
        let (etl, prod) = (pooler.database(pair.etl.url()), pooler.database(pair.prod.url()));
        let (progress, cancel) = (std::sync::Arc::default(), CancellationToken::new());
        let _: &std::sync::Arc<Progress> = &progress;
        let options = Options { jobs: 6, ..pair.options() };
        let ended = Box::pin(compare::compare(etl, prod, options, progress, cancel)).await.unwrap();
        assert_eq!(ended.report.verdict, Verdict::Different);
        assert_eq!((ended.report.total().differences(), ended.report.total().different), (1, 1));
    }
}
