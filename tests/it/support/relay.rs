//! A way to the database of a test on which connections can go silent, as when a firewall forgets
//! them: both ends are open, and nothing comes through any more. New connections work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use audius_etl::db::Database;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

use super::db::TestDb;

pub(crate) struct Relay {
    database: Database,
    /// Connections that were made under an earlier number are silent.
    era: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// A way to `db` on a port of its own.
    pub(crate) async fn start(db: &TestDb) -> Self {
        let socket = "SELECT split_part(current_setting('unix_socket_directories'), ',', 1) \
                          || '/.s.PGSQL.' || current_setting('port')";
        let socket = db.texts(socket).await.remove(0);
        let words = "SELECT current_user || '@' || current_database()";
        let names = db.texts(words).await.remove(0);
        let (user, name) = names.split_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("postgresql://{user}@127.0.0.1:{port}/{name}?sslmode=disable");
        let era = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&era);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let born = now.load(Ordering::SeqCst);
                let server = UnixStream::connect(&socket).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, Arc::clone(&now), born));
                tokio::spawn(pass(from_server, to_client, Arc::clone(&now), born));
            }
        });
        Self { database: Database::parse(&url).unwrap(), era, task }
    }

    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// From now on nothing comes through on the connections that there are.
    pub(crate) fn silence(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    now: Arc<AtomicU64>,
    born: u64,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if now.load(Ordering::SeqCst) > born {
            // Both ends stay open.
            return std::future::pending().await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}
