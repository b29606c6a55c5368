//! New heads over a websocket: a wake-up for those who then ask over HTTP, never the truth.
//!
//! A subscription can fall silent without an error, lose, repeat or reorder messages. So nothing is
//! derived from what it says but the moment to look; a connection without a new header for a while
//! is replaced, with pauses that start over once a header has come.

use std::sync::Once;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::provider::Header;
use crate::chain::{RetryPolicy, redact_url};

/// A connection is made within this time or counts as failed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two pings.
const PING_EVERY: Duration = Duration::from_secs(15);

/// A header is a kilobyte; nothing a node has to say is larger than this.
const MOST_BYTES: usize = 1 << 20;

const SUBSCRIBE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;

/// What the websocket said last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadHint {
    /// The header that came last, of whatever height.
    pub head: Option<Header>,
    /// Whether there is a connection.
    pub opened: bool,
    /// Whether the subscription stands.
    pub connected: bool,
    /// Headers received.
    pub received: u64,
    /// Connections that ended.
    pub reconnects: u64,
}

/// Follows the head of a node. Dropped, it hangs up.
#[derive(Debug)]
pub struct Heads {
    hints: watch::Receiver<HeadHint>,
    task: JoinHandle<()>,
}

impl Heads {
    /// Connects in the background, again and again.
    pub(super) fn start(url: &str, silence: Duration) -> Self {
        let (sender, hints) = watch::channel(HeadHint::default());
        let task = tokio::spawn(supervise(url.to_owned(), silence, sender));
        Self { hints, task }
    }

    /// Waits for news since the last call, at most for `limit`; then says how things stand. Nothing
    /// new within `limit` is the moment to poll.
    pub async fn next(&mut self, limit: Duration) -> HeadHint {
        // The sender lives as long as the task, which ends with us.
        let _changed_or_not = timeout(limit, self.hints.changed()).await;
        *self.hints.borrow_and_update()
    }

    /// How things stand now.
    pub fn latest(&self) -> HeadHint {
        *self.hints.borrow()
    }
}

impl Drop for Heads {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn supervise(url: String, silence: Duration, hints: watch::Sender<HeadHint>) {
    let policy = RetryPolicy { first: Duration::from_millis(500), ..RetryPolicy::default() };
    let shown = redact_url(&url);
    let mut failures = 0;
    loop {
        let before = hints.borrow().received;
        let problem = follow(&url, silence, &hints).await;
        hints.send_modify(|hint| {
            (hint.opened, hint.connected) = (false, false);
            hint.reconnects += 1;
        });
        // A connection alone proves nothing; a header does.
        failures = if hints.borrow().received > before { 1 } else { failures + 1 };
        let pause = policy.delay(failures);
        let next_in_s = format!("{:.1}", pause.as_secs_f64());
        tracing::warn!(endpoint = shown, problem, next_in_s, "websocket lost, polling meanwhile");
        sleep(pause).await;
    }
}

/// Reads headers from one connection until it ends; returns why it did.
async fn follow(url: &str, silence: Duration, hints: &watch::Sender<HeadHint>) -> String {
    let mut socket = match timeout(CONNECT_TIMEOUT, open(url)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(problem)) => return problem,
        Err(_elapsed) => return "no connection in time".to_owned(),
    };
    hints.send_modify(|hint| hint.opened = true);
    let mut pings = interval(PING_EVERY);
    let mut patience = Instant::now() + silence;
    loop {
        let message = tokio::select! {
            message = socket.next() => message,
            () = tokio::time::sleep_until(patience) => {
                let asked = if hints.borrow().connected { "" } else { ", nor an answer to the subscription" };
                return format!("no header for {} s{asked}", silence.as_secs_f64());
            }
            _ = pings.tick() => {
                if let Err(error) = socket.send(Message::Ping(Vec::new().into())).await {
                    return error.to_string();
                }
                continue;
            }
        };
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => return "closed by the node".to_owned(),
            Some(Ok(_)) => continue,
            Some(Err(error)) => return error.to_string(),
        };
        match serde_json::from_str::<Told<'_>>(&text) {
            Ok(Told { params: Some(Params { result }), .. }) => {
                patience = Instant::now() + silence;
                hints.send_modify(|hint| {
                    hint.head = Some(result);
                    hint.received += 1;
                });
            }
            Ok(Told { error: Some(error), .. }) => {
                return format!("subscription refused: {}", error.get());
            }
            Ok(_) => hints.send_modify(|hint| hint.connected = true),
            Err(error) => return format!("not understood: {error}"),
        }
    }
}

async fn open(url: &str) -> Result<Socket, String> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails where another part of the process was first, which is as good.
        let _first_or_not = rustls::crypto::ring::default_provider().install_default();
    });
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(MOST_BYTES);
    config.max_frame_size = Some(MOST_BYTES);
    let (mut socket, _response) = connect_async_with_config(url, Some(config), true)
        .await
        .map_err(|error| error.to_string().replace(url, &redact_url(url)))?;
    socket.send(Message::text(SUBSCRIBE)).await.map_err(|error| error.to_string())?;
    Ok(socket)
}

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(default)]
    params: Option<Params>,
    #[serde(borrow, default)]
    error: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Params {
    result: Header,
}
