//! The private PostgreSQL cluster: made under the data folder with this machine's own PostgreSQL
//! programs, reached over a unix socket, started and stopped with the processes that use it.
//!
//! Any number of processes may use one cluster: each holds a shared lock on `users.lock`, and the
//! last one to leave stops the server. A server that a killed process left behind is taken over; one
//! that somebody started by hand is used and left running.

mod account;
mod layout;
mod programs;
mod server;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, postgres::PgConnection};
use tokio::time::{Instant, sleep};

pub use self::layout::DATABASE;
use self::server::Server;
use super::Database;

/// How long a server may take to accept connections; recovery after a crash is part of it.
const START_TIMEOUT: Duration = Duration::from_secs(600);

/// Pause between two looks at a server that is coming up or going down.
const POLL: Duration = Duration::from_millis(100);

/// What a caller may choose about a cluster.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Server settings that replace the ones chosen here, as `name = value`.
    pub settings: Vec<(String, String)>,
    /// Leave the server running when the last user goes. Somebody else has to stop it then.
    pub leave_running: bool,
}

/// A running private cluster. Dropping it leaves the cluster, which stops the server if nobody else
/// uses it; [`PrivateCluster::stop`] does the same and reports what went wrong.
#[derive(Debug)]
pub struct PrivateCluster {
    server: Server,
    url: String,
    database: Database,
}

impl PrivateCluster {
    /// Makes the cluster of a data folder if there is none, starts its server if it does not run,
    /// and makes sure that the database is there.
    pub async fn open(data_dir: &Path, options: Options) -> Result<Self, Error> {
        let data_dir = data_dir.to_owned();
        let server = blocking(move || Server::prepare(&data_dir, options)).await?;
        let deadline = Instant::now() + START_TIMEOUT;
        let mut server = server;
        loop {
            // Starting blocks on the server's programs, so it happens off the async threads.
            let (back, started) = blocking(move || {
                let started = server.start_unless_running();
                Ok((server, started))
            })
            .await?;
            server = back;
            let refused = match started {
                Ok(()) => match Self::enter(&server).await {
                    Ok((url, database)) => {
                        server.release_start_lock()?;
                        return Ok(Self { server, url, database });
                    }
                    Err(error) => error,
                },
                // The processes of a killed server may hold on to its memory for a moment.
                Err(error @ Error::StillInUse { .. }) => error,
                Err(error) => return Err(error),
            };
            if !refused.is_passing() || Instant::now() > deadline {
                return Err(refused);
            }
            sleep(POLL).await;
        }
    }

    /// Connects, and makes the database if it is missing.
    async fn enter(server: &Server) -> Result<(String, Database), Error> {
        let url = server.url()?;
        let connecting = |source| Error::Connect { url: url.clone(), source: Box::new(source) };
        let database = Database::parse(&url).map_err(connecting)?;
        let mut connection = database.with_name("postgres").connect().await.map_err(connecting)?;
        let creating = |source| connecting(super::Error::query("creating the database")(source));
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(DATABASE)
                .fetch_one(&mut connection)
                .await
                .map_err(creating)?;
        if !there {
            let sql = format!("CREATE DATABASE {DATABASE}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map_err(creating)?;
            compress_wal(&mut connection).await.map_err(creating)?;
        }
        connection.close().await.map_err(creating)?;
        Ok((url, database))
    }

    /// The URL under which the cluster can be reached while it runs, also by `psql`. It holds no
    /// password: the folder of the socket is closed to other users.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The settings to connect with.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Whether this process started the server, or found it running.
    pub const fn started_here(&self) -> bool {
        self.server.started_here()
    }

    /// Leaves the cluster; the last user stops the server. Connections have to be closed before, or
    /// the server ends them.
    pub async fn stop(mut self) -> Result<(), Error> {
        blocking(move || self.server.leave()).await
    }
}

/// Lets a new cluster compress the pages that it writes whole to the log, if it was built to: a bulk
/// load touches pages at random, and most of its log are such pages.
async fn compress_wal(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let can: bool = sqlx::query_scalar(
        "SELECT coalesce('lz4' = ANY(enumvals), false) FROM pg_settings \
         WHERE name = 'wal_compression'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if can {
        for sql in ["ALTER SYSTEM SET wal_compression = lz4", "SELECT pg_reload_conf()"] {
            sqlx::raw_sql(sql).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Runs work that waits for other programs on a thread made for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::Io {
        doing: "waiting for PostgreSQL".into(),
        source: source.into(),
    })?
}

/// Why the private cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server programs on this machine.
    #[error(
        "no PostgreSQL server programs (initdb, pg_ctl, postgres) in PATH, in `pg_config \
         --bindir` or under /usr/lib/postgresql; install them (apt-get install postgresql) or name \
         a server with --db"
    )]
    NoPrograms,
    /// The cluster was made by another major version than any found here.
    #[error(
        "the cluster in {} was made by PostgreSQL {needed}, found here: {found}; install \
         postgresql-{needed}, or move the folder away to start afresh", data.display()
    )]
    OtherVersion {
        /// The data folder of the cluster.
        data: PathBuf,
        /// The version it needs.
        needed: String,
        /// The versions there are.
        found: String,
    },
    /// We are root, which PostgreSQL refuses to run as, and there is nobody else to run it as.
    #[error(
        "PostgreSQL does not run as root and there is no user postgres to run it as; create one \
         (useradd --system postgres), run as another user, or name a server with --db"
    )]
    NoAccount,
    /// A folder belongs to somebody else.
    #[error("{} belongs to another user", path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A PostgreSQL program reported a failure.
    #[error("{program} failed: {message}")]
    Program {
        /// The program.
        program: &'static str,
        /// The last lines of what it said, or of the server's log.
        message: String,
    },
    /// The processes of an earlier server have not ended yet.
    #[error("an earlier server still uses {}", data.display())]
    StillInUse {
        /// The data folder of the cluster.
        data: PathBuf,
    },
    /// The server runs but does not let us in.
    #[error("the private PostgreSQL at {url} does not answer")]
    Connect {
        /// Where it should be.
        url: String,
        /// What came back.
        source: Box<super::Error>,
    },
    /// The file system or the operating system refused something.
    #[error("{doing}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether waiting may help: the server is coming up, going down, or still letting go.
    fn is_passing(&self) -> bool {
        match self {
            Self::Connect { source, .. } => match source.as_ref() {
                super::Error::Unreachable { source: sqlx::Error::Io(_), .. } => true,
                other => other.is_retryable(),
            },
            Self::StillInUse { .. } => true,
            _ => false,
        }
    }

    /// Wraps what the system said while `doing` something.
    fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
