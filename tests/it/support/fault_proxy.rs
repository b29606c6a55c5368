//! A proxy between the program and an Ethereum node that breaks what passes through it, over HTTP
//! and over a websocket, and writes down every call.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

/// One call, as the client sent it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) params: Value,
    /// It came with others in one request.
    pub(crate) is_batched: bool,
}

impl Call {
    /// First and last block of an `eth_getLogs` by range.
    pub(crate) fn range(&self) -> Option<(u64, u64)> {
        let filter = (self.method == "eth_getLogs").then(|| &self.params[0])?;
        let end = |name: &str| u64::from_str_radix(filter[name].as_str()?.get(2..)?, 16).ok();
        Some((end("fromBlock")?, end("toBlock")?))
    }

    /// Sub-calls in an `eth_call` of `aggregate3`: the length of its array.
    pub(crate) fn sub_calls(&self) -> Option<usize> {
        let data = (self.method == "eth_call").then(|| self.params[0]["data"].as_str())??;
        usize::from_str_radix(data.get(2 + 8 + 64..2 + 8 + 128)?, 16).ok()
    }
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// The node answers.
    Pass,
    /// The whole request is answered with this status, headers and text.
    Http(u16, Vec<(&'static str, String)>, String),
    /// The call is answered with an error.
    Error { status: u16, code: i64, message: String, data: Value },
    /// The call is answered with this result.
    Result(Value),
    /// The node answers, after a while.
    Late(Duration),
    /// The connection is reset.
    Reset,
    /// Nothing is ever answered.
    Hang,
    /// Bytes that are no JSON.
    Garbage,
}

impl Verdict {
    pub(crate) fn error(code: i64, message: impl Into<String>) -> Self {
        Self::Error { status: 200, code, message: message.into(), data: Value::Null }
    }
}

/// What happens to what a node says over the websocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Socket {
    #[default]
    Pass,
    /// Nothing more passes, but the connection stays and pings are answered.
    Silent,
    /// The connection is closed, and new ones are refused.
    Closed,
    /// Every message comes twice.
    Twice,
    /// Of two messages the second comes first.
    Swapped,
    /// Every second message is lost.
    Lossy,
}

type Judge = Box<dyn FnMut(&Call) -> Verdict + Send>;

/// How the proxy behaves; may be changed while it runs.
pub(crate) struct State {
    judge: Judge,
    pub(crate) socket: Socket,
    /// The node seems to be so many blocks behind, and answers no logs for blocks beyond, as a
    /// balancer does that asks another backend every time.
    pub(crate) lag: u64,
    /// Calls so far, over HTTP.
    pub(crate) calls: Vec<Call>,
    /// Websocket connections so far.
    pub(crate) sockets: usize,
    /// Most requests that were at the proxy at once.
    pub(crate) most_at_once: usize,
    at_once: usize,
}

/// A running proxy. Dropped, it is gone with all its connections.
pub(crate) struct FaultProxy {
    port: u16,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy in front of the node at this port.
    pub(crate) async fn start(node: u16) -> Self {
        let state = Arc::new(Mutex::new(State {
            judge: Box::new(|_| Verdict::Pass),
            socket: Socket::default(),
            lag: 0,
            calls: Vec::new(),
            sockets: 0,
            most_at_once: 0,
            at_once: 0,
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, node, Arc::clone(&shared)));
            }
        });
        Self { port, state, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Decides about every call from now on.
    pub(crate) fn judge(&self, judge: impl FnMut(&Call) -> Verdict + Send + 'static) {
        self.state().judge = Box::new(judge);
    }

    /// Decides about the next call of this method; all else passes.
    pub(crate) fn once(&self, method: &'static str, verdict: Verdict) {
        self.first(1, method, verdict);
    }

    /// Decides about the next calls of this method; all else passes.
    pub(crate) fn first(&self, mut times: usize, method: &'static str, verdict: Verdict) {
        self.judge(move |call| {
            if call.method != method || times == 0 {
                return Verdict::Pass;
            }
            times -= 1;
            verdict.clone()
        });
    }

    /// Everything passes again.
    pub(crate) fn heal(&self) {
        self.judge(|_| Verdict::Pass);
        let mut state = self.state();
        state.socket = Socket::Pass;
        state.lag = 0;
    }

    /// Calls of a method so far.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.state().calls.iter().filter(|call| call.method == method).count()
    }

    /// Ranges of all `eth_getLogs` so far.
    pub(crate) fn ranges(&self) -> Vec<(u64, u64)> {
        self.state().calls.iter().filter_map(Call::range).collect()
    }

    /// Forgets the calls so far.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.most_at_once = 0;
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(stream: TcpStream, node: u16, state: Arc<Mutex<State>>) {
    // A refused connection and a broken one are the same to a test.
    let mut start = [0; 2_048];
    let Ok(read) = stream.peek(&mut start).await else { return };
    let start = String::from_utf8_lossy(&start[..read]).to_ascii_lowercase();
    if start.contains("upgrade: websocket") {
        let _ended = socket(stream, node, &state).await;
    } else {
        let _ended = http(stream, node, &state).await;
    }
}

/// Serves requests on a connection until one is broken or the client hangs up.
async fn http(mut stream: TcpStream, node: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let client = reqwest::Client::new();
    while let Some(body) = request(&mut stream).await? {
        {
            let mut state = state.lock().unwrap();
            state.at_once += 1;
            state.most_at_once = state.most_at_once.max(state.at_once);
        }
        let answer = answer(&client, node, state, &body).await;
        state.lock().unwrap().at_once -= 1;
        match answer {
            Ok((status, headers, text)) => {
                let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", text.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                stream.write_all(format!("{head}\r\n{text}").as_bytes()).await?;
            }
            Err(Broken::Hang) => std::future::pending().await,
            Err(Broken::Reset) => {
                #[expect(deprecated, reason = "no other way to end a connection with a reset")]
                stream.set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The body of the next request.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    let mut body = read.split_off(end);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

enum Broken {
    Hang,
    Reset,
}

type Answer = (u16, Vec<(&'static str, String)>, String);

async fn answer(
    client: &reqwest::Client,
    node: u16,
    state: &Mutex<State>,
    body: &[u8],
) -> Result<Answer, Broken> {
    let request: Value = serde_json::from_slice(body).unwrap();
    let single = !request.is_array();
    let calls = if single { vec![request] } else { request.as_array().unwrap().clone() };
    let (mut status, mut answers) = (200, Vec::new());
    for mut call in calls {
        let noted = Call {
            method: call["method"].as_str().unwrap().to_owned(),
            params: call["params"].clone(),
            is_batched: !single,
        };
        let (verdict, lag) = {
            let mut state = state.lock().unwrap();
            state.calls.push(noted.clone());
            ((state.judge)(&noted), state.lag)
        };
        let id = call["id"].clone();
        match verdict {
            Verdict::Pass => {}
            Verdict::Late(by) => tokio::time::sleep(by).await,
            Verdict::Http(status, headers, text) => return Ok((status, headers, text)),
            Verdict::Garbage => return Ok((200, Vec::new(), "<html>\u{0}busy".to_owned())),
            Verdict::Reset => return Err(Broken::Reset),
            Verdict::Hang => return Err(Broken::Hang),
            Verdict::Result(result) => {
                answers.push(json!({"jsonrpc": "2.0", "id": id, "result": result}));
                continue;
            }
            Verdict::Error { status: with, code, message, data } => {
                status = with;
                let error = json!({"code": code, "message": message, "data": data});
                answers.push(json!({"jsonrpc": "2.0", "id": id, "error": error}));
                continue;
            }
        }
        if lag > 0
            && let Some(result) = behind(client, node, lag, &mut call).await
        {
            answers.push(json!({"jsonrpc": "2.0", "id": id, "result": result}));
            continue;
        }
        answers.push(forward(client, node, &call).await.ok_or(Broken::Reset)?);
    }
    let text = if single { answers[0].to_string() } else { Value::from(answers).to_string() };
    Ok((status, vec![("content-type", "application/json".to_owned())], text))
}

async fn forward(client: &reqwest::Client, node: u16, call: &Value) -> Option<Value> {
    let sent = client
        .post(format!("http://127.0.0.1:{node}"))
        .header("content-type", "application/json")
        .body(call.to_string());
    serde_json::from_str(&sent.send().await.ok()?.text().await.ok()?).ok()
}

/// What a node that lacks the last `lag` blocks says; `None` for what it knows, with `latest` turned
/// into its own head.
async fn behind(client: &reqwest::Client, node: u16, lag: u64, call: &mut Value) -> Option<Value> {
    let number = |value: &Value| u64::from_str_radix(value.as_str()?.get(2..)?, 16).ok();
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []});
    let head = number(&forward(client, node, &ask).await?["result"])?.saturating_sub(lag);
    match call["method"].as_str()? {
        "eth_blockNumber" => Some(json!(format!("{head:#x}"))),
        "eth_getBlockByNumber" if call["params"][0] == "latest" => {
            call["params"][0] = json!(format!("{head:#x}"));
            None
        }
        "eth_getBlockByNumber" => {
            number(&call["params"][0]).filter(|&asked| asked > head).map(|_| Value::Null)
        }
        "eth_getLogs" => {
            let last = number(&call["params"][0]["toBlock"])?;
            (last > head).then(|| json!([]))
        }
        _ => None,
    }
}

/// Passes messages on in both directions.
async fn socket(
    stream: TcpStream,
    node: u16,
    state: &Mutex<State>,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let mode = || state.lock().unwrap().socket;
    if mode() == Socket::Closed {
        return Ok(());
    }
    let mut client = tokio_tungstenite::accept_async(stream).await?;
    let (mut server, _) =
        tokio_tungstenite::connect_async(format!("ws://127.0.0.1:{node}")).await?;
    state.lock().unwrap().sockets += 1;
    let (mut held, mut count) = (None, 0_u64);
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            _ = looks.tick() => if mode() == Socket::Closed { return Ok(()) },
            message = client.next() => match message {
                Some(message) => server.send(message?).await?,
                None => return Ok(()),
            },
            message = server.next() => {
                let Some(message) = message else { return Ok(()) };
                let message = message?;
                // Answers to a subscription always pass; it is the news that suffers.
                let news = matches!(&message, Message::Text(text) if text.contains("\"params\""));
                match mode() {
                    Socket::Closed => return Ok(()),
                    Socket::Silent if news => {}
                    Socket::Twice if news => {
                        client.send(message.clone()).await?;
                        client.send(message).await?;
                    }
                    Socket::Swapped if news => match held.take() {
                        None => held = Some(message),
                        Some(first) => {
                            client.send(message).await?;
                            client.send(first).await?;
                        }
                    },
                    Socket::Lossy if news => {
                        count += 1;
                        if count % 2 == 0 {
                            client.send(message).await?;
                        }
                    }
                    _ => client.send(message).await?,
                }
            }
        }
    }
}

/// Range limits as providers word them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dialect {
    /// Names a range that would work.
    Alchemy,
    /// Names a range that would work, after a count of results.
    Infura,
    /// Names the limit, with HTTP 413.
    QuickNode,
    /// Says that it was too much, and no more.
    Bare,
    /// Suggests the very range that failed.
    Stubborn,
}

impl Dialect {
    pub(crate) const ALL: [Self; 5] =
        [Self::Alchemy, Self::Infura, Self::QuickNode, Self::Bare, Self::Stubborn];

    /// Refuses logs of more than `blocks` blocks.
    pub(crate) fn limit(self, blocks: u64) -> impl FnMut(&Call) -> Verdict + Send + 'static {
        move |call| match call.range() {
            Some((from, to)) if to - from + 1 > blocks => self.refusal(from, to, blocks),
            _ => Verdict::Pass,
        }
    }

    fn refusal(self, from: u64, to: u64, blocks: u64) -> Verdict {
        let last = from + blocks - 1;
        match self {
            Self::Alchemy => Verdict::Error {
                status: 400,
                code: -32_602,
                message: format!(
                    "Log response size exceeded. Based on your parameters and the response size \
                     limit, this block range should work: [{from:#x}, {last:#x}]"
                ),
                data: Value::Null,
            },
            Self::Infura => Verdict::Error {
                status: 200,
                code: -32_005,
                message: format!(
                    "query returned more than 10000 results. Try with this block range \
                     [{from:#x}, {last:#x}]."
                ),
                data: json!({"from": format!("{from:#x}"), "to": format!("{last:#x}"), "limit": 10_000}),
            },
            Self::QuickNode => Verdict::Error {
                status: 413,
                code: -32_614,
                message: format!("eth_getLogs is limited to a {blocks} range"),
                data: Value::Null,
            },
            Self::Bare => Verdict::error(-32_602, "block range is too large"),
            Self::Stubborn => Verdict::error(
                -32_602,
                format!("query exceeds max results 20000, retry with the range {from}-{to}"),
            ),
        }
    }
}
