//! Carries connections to a server that is reached over TCP, so that small messages leave at once.
//!
//! The driver leaves Nagle's algorithm on and offers no way to its socket: the end of every COPY
//! would wait 40 ms for the acknowledgement of what was sent before. So the driver connects to a
//! Unix socket of this process, and the half of the way that is on the network is opened here, with
//! `TCP_NODELAY`, keepalives and `TCP_USER_TIMEOUT`. TLS passes unseen. The socket has an abstract
//! name, which leaves no file behind, and serves this process's user only.

use std::{
    hash::{BuildHasher as _, RandomState},
    io,
    os::{linux::net::SocketAddrExt as _, unix::net},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::copy,
    net::{TcpStream, UnixListener, UnixStream},
};

/// How long a connection may be quiet before the kernel asks whether the server is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// How long the kernel waits between questions, of which the third ends the connection.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long sent data may go unacknowledged before the connection counts as lost.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// Pause after a connection that could not be accepted: there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The near end of connections to one server. It listens as long as the runtime lives.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    directory: Arc<str>,
    failure: Failure,
}

/// Why the server could not be reached last.
type Failure = Arc<Mutex<Option<io::Error>>>;

impl Relay {
    /// Listens for connections that are to be carried to `host`, a name or an address. Touches no
    /// network; needs a runtime.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(super) fn start(host: &str, port: u16) -> io::Result<Self> {
        let directory = format!("\0audius-etl-{:016x}", RandomState::new().hash_one(port));
        // What the driver makes of a directory and a port.
        let name = format!("{}/.s.PGSQL.{port}", &directory[1..]);
        let listener =
            net::UnixListener::bind_addr(&net::SocketAddr::from_abstract_name(name.as_bytes())?)?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let own_user = UnixStream::pair()?.0.peer_cred()?.uid();
        let failure = Failure::default();
        let server = Server { host: host.into(), port, failure: Arc::clone(&failure) };
        tokio::spawn(serve(listener, own_user, server));
        Ok(Self { directory: directory.into(), failure })
    }

    /// The folder of the socket, as the driver wants it.
    pub(super) fn directory(&self) -> &str {
        &self.directory
    }

    /// Why the server could not be reached last; the driver sees only a connection that ends.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[derive(Clone)]
struct Server {
    host: Arc<str>,
    port: u16,
    failure: Failure,
}

async fn serve(listener: UnixListener, own_user: u32, server: Server) {
    loop {
        match listener.accept().await {
            Ok((near, _)) if near.peer_cred().is_ok_and(|peer| peer.uid() == own_user) => {
                tokio::spawn(server.clone().carry(near));
            }
            Ok(_stranger) => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

impl Server {
    async fn carry(self, mut near: UnixStream) {
        let mut far = match self.connect().await {
            Ok(far) => far,
            Err(error) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
        };
        let (mut from_near, mut to_near) = near.split();
        let (mut from_far, mut to_far) = far.split();
        // Whichever side ends, the other is closed: nobody waits for a half of a connection.
        tokio::select! {
            _ = copy(&mut from_near, &mut to_far) => {}
            _ = copy(&mut from_far, &mut to_near) => {}
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let far = TcpStream::connect((&*self.host, self.port)).await?;
        far.set_nodelay(true)?;
        let socket = SockRef::from(&far);
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE);
        let keepalive = keepalive.with_interval(KEEPALIVE_INTERVAL).with_retries(3);
        socket.set_tcp_keepalive(&keepalive)?;
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        Ok(far)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    async fn near(relay: &Relay, port: u16) -> UnixStream {
        UnixStream::connect(format!("{}/.s.PGSQL.{port}", relay.directory())).await.unwrap()
    }

    #[tokio::test]
    async fn carries_both_ways_until_a_side_ends() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let relay = Relay::start("localhost", port).unwrap();
        let mut near = near(&relay, port).await;
        let (mut far, _) = server.accept().await.unwrap();
        near.write_all(b"asked").await.unwrap();
        let mut asked = [0; 5];
        far.read_exact(&mut asked).await.unwrap();
        far.write_all(b"told").await.unwrap();
        drop(far);
        let mut told = String::new();
        near.read_to_string(&mut told).await.unwrap();
        assert_eq!((&asked, &*told), (b"asked", "told"));
        assert!(relay.failure().is_none());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_once() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let relay = Relay::start("127.0.0.1", port).unwrap();
        let mut near = near(&relay, port).await;
        assert_eq!(near.read(&mut [0]).await.unwrap(), 0);
        let failure = relay.failure().unwrap();
        assert_eq!(failure.kind(), io::ErrorKind::ConnectionRefused);
        assert!(relay.failure().is_none());
    }
}
