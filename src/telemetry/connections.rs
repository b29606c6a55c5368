//! The connections of the server: so many at once, and each only as long as its request takes.
//!
//! Whoever can reach the port could otherwise hold every file that the process may open with
//! requests that are never finished.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at once; further ones are closed unanswered. Scrapers and probes need a handful.
pub(super) const MOST: usize = 64;

/// How long a request may take to arrive, from the connection or the answer before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Accepts connections within the limits.
#[derive(Debug)]
pub(super) struct Limited {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Limited {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(MOST)) }
    }
}

impl Listener for Limited {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            // Without room the stream is dropped, which closes it.
            if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
                return (Connection::new(stream, Some(permit), PATIENCE), address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when nothing was answered for too long.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: S,
    deadline: Pin<Box<Sleep>>,
    patience: Duration,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<S> Connection<S> {
    fn new(stream: S, permit: Option<OwnedSemaphorePermit>, patience: Duration) -> Self {
        Self { stream, deadline: Box::pin(sleep(patience)), patience, _permit: permit }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(_))) {
            let deadline = Instant::now() + self.patience;
            self.deadline.as_mut().reset(deadline);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn a_request_that_does_not_arrive_ends_the_connection() {
        let (_client, stream) = duplex(64);
        let mut connection = Connection::new(stream, None, Duration::from_millis(1));
        for _ in 0..2 {
            let error = connection.read(&mut [0; 8]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            // An answer gives time anew, which is over as soon.
            connection.write_all(b"200").await.unwrap();
        }
    }

    #[tokio::test]
    async fn beyond_the_limit_connections_are_closed_until_there_is_room() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut limited = Limited::new(listener);
        let (mut clients, mut held) = (Vec::new(), Vec::new());
        for _ in 0..MOST {
            clients.push(TcpStream::connect(address).await.unwrap());
            held.push(limited.accept().await);
        }
        let mut refused = TcpStream::connect(address).await.unwrap();
        let accepting = tokio::spawn(async move { limited.accept().await });
        assert_eq!(refused.read(&mut [0; 1]).await.unwrap_or(0), 0);
        held.pop();
        let _last = TcpStream::connect(address).await.unwrap();
        accepting.await.unwrap();
    }
}
