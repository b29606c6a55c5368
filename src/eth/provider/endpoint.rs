//! One endpoint: a JSON-RPC request over HTTP, its answer or what went wrong, and what is known of
//! the endpoint from earlier answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::chain::redact_url;
use crate::eth::classify::{Class, classify};
use crate::eth::error::{Error, Fault};

/// No answer may be larger. Far above what a page of logs or a chunk of balances is.
const MOST_BYTES: usize = 256 << 20;

/// A connection is made within this time or counts as failed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after the first failure of an endpoint; doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Longest pause after failures that may pass.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Pause of an endpoint that does not let us in, or whose plan is used up.
const SHUT_PAUSE: Duration = Duration::from_secs(3_600);

/// No node makes us wait longer than this, whatever it asks for.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(600);

/// One endpoint and what is known of it.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: reqwest::Url,
    /// The URL as it may be shown.
    pub(super) shown: String,
    client: Client,
    bucket: Bucket,
    health: Mutex<Health>,
    /// Chain id and contracts were found right.
    pub(super) verified: AtomicBool,
    /// Several calls in one request are answered.
    pub(super) batches: AtomicBool,
    /// Calls may name their block by its hash.
    pub(super) takes_hashes: AtomicBool,
    /// Blocks per request for logs that the endpoint is known to refuse to exceed.
    pub(super) ceiling: AtomicU64,
    /// Blocks that the next request for logs asks for.
    pub(super) span: AtomicU64,
    requests: AtomicU64,
    errors: AtomicU64,
    /// Answers that were no result, by class.
    faults: Mutex<BTreeMap<&'static str, u64>>,
}

#[derive(Debug, Default)]
struct Health {
    /// Failures in a row.
    failures: u32,
    /// Not to be asked before.
    paused_until: Option<Instant>,
    /// When it last answered anything.
    answered: Option<Instant>,
}

/// What an endpoint did so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointStats {
    /// The endpoint, redacted.
    pub endpoint: String,
    /// HTTP requests sent.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Blocks per request for logs at present.
    pub log_span: u64,
    /// Answers that were no result, whether an error of HTTP or of JSON-RPC, by class.
    pub faults: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    id: u32,
    method: &'a str,
    params: P,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    id: Option<u32>,
    /// A `null` is a result.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    // Parts of an error that gateways send bare, in the place of an answer.
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// An error as far as it has the form of one.
#[derive(Deserialize)]
struct RpcError<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl RpcError<'_> {
    /// The code, a number or the text of one.
    fn code(&self) -> Option<i64> {
        let raw = self.code?.get();
        let text: String = serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
        text.trim().parse().ok()
    }

    /// Message and data as one text.
    fn text(&self) -> String {
        let message = self.message.map_or(String::new(), words);
        match self.data.map(RawValue::get).filter(|data| *data != "null") {
            Some(data) => format!("{message} {data}"),
            None => message,
        }
    }
}

/// A text as it reads, any other value as it is written.
fn words(raw: &RawValue) -> String {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

impl Endpoint {
    pub(super) fn new(url: &str, rps: Option<f64>, span: u64) -> Result<Self, Error> {
        let shown = redact_url(url);
        let parsed = reqwest::Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = parsed.ok_or_else(|| Error::Config(format!("{shown} is no http(s) URL")))?;
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            // Whoever redirects would be handed our request, and our URL with its keys.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .build()
            .map_err(|error| Error::Config(format!("cannot set up HTTP: {error}")))?;
        Ok(Self {
            url,
            shown,
            client,
            bucket: Bucket::new(rps),
            health: Mutex::default(),
            verified: AtomicBool::new(false),
            batches: AtomicBool::new(true),
            takes_hashes: AtomicBool::new(true),
            ceiling: AtomicU64::new(u64::MAX),
            span: AtomicU64::new(span),
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            faults: Mutex::default(),
        })
    }

    pub(super) fn stats(&self) -> EndpointStats {
        EndpointStats {
            endpoint: self.shown.clone(),
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            log_span: self.span.load(Ordering::Relaxed),
            faults: self.faults().clone(),
        }
    }

    /// Calls one method. `span` is the number of blocks asked for, if the call has a range.
    pub(super) async fn call<T: Parsed>(
        &self,
        method: &str,
        params: &impl Serialize,
        deadline: Duration,
        span: Option<u64>,
    ) -> Result<T, Fault> {
        let request = Request { jsonrpc: "2.0", id: 1, method, params };
        let body = serde_json::to_vec(&request).expect("requests have no maps with odd keys");
        self.counted(async {
            let (status, answer) = self.send(body, deadline).await?;
            parsed_apart(answer, move |answer| one(status, answer, span)).await
        })
        .await
    }

    /// Calls two methods in one request, so that one node answers both.
    pub(super) async fn pair<A: Parsed, B: Parsed>(
        &self,
        first: (&str, impl Serialize),
        second: (&str, impl Serialize),
        deadline: Duration,
        span: Option<u64>,
    ) -> Result<(A, B), PairFault> {
        let first = Request { jsonrpc: "2.0", id: 1, method: first.0, params: first.1 };
        let second = Request { jsonrpc: "2.0", id: 2, method: second.0, params: second.1 };
        let body =
            serde_json::to_vec(&(first, second)).expect("requests have no maps with odd keys");
        let mut is_whole = true;
        let pair = self.counted(async {
            let (status, answer) = self.send(body, deadline).await?;
            is_whole = answer.trim_ascii_start().first() != Some(&b'[');
            parsed_apart(answer, move |answer| two(status, answer, span)).await
        });
        pair.await.map_err(|fault| PairFault { fault, is_whole })
    }

    /// Counts the fault of a call that has one.
    async fn counted<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let outcome = call.await;
        if let Err(fault) = &outcome {
            *self.faults().entry(fault.class.name()).or_default() += 1;
        }
        outcome
    }

    fn faults(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, body: Vec<u8>, deadline: Duration) -> Result<(u16, Bytes), Fault> {
        self.bucket.take().await;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let outcome = self.exchange(body, deadline).await;
        if outcome.is_err() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        } else {
            self.lock().answered = Some(Instant::now());
        }
        outcome
    }

    async fn exchange(&self, body: Vec<u8>, deadline: Duration) -> Result<(u16, Bytes), Fault> {
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(deadline)
            .body(body)
            .send()
            .await;
        let response = sent.map_err(connection_fault)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        let answer = read_body(response).await?;
        // An error of the JSON-RPC kind may come with any status; one without, only with its text.
        if status == 200 || is_json_rpc(&answer) && status != 429 {
            return Ok((status, answer));
        }
        let text = String::from_utf8_lossy(&answer[..answer.len().min(4_096)]);
        let class = classify(Some(status), None, &text, None);
        Err(Fault { retry_after, ..Fault::told(class, status, None, &text) })
    }

    /// When the endpoint may be asked again; `None` for at once.
    /// When it last answered anything, even an error of its own.
    pub(super) fn answered(&self) -> Option<Instant> {
        self.lock().answered
    }

    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.lock().paused_until.filter(|&until| until > now)
    }

    /// Notes that a request was answered.
    pub(super) fn succeeded(&self) {
        let mut health = self.lock();
        health.failures = 0;
        health.paused_until = None;
    }

    /// Notes a failure that says something about the endpoint, and how long to leave it alone.
    pub(super) fn failed(&self, fault: &Fault) {
        let pause = {
            let mut health = self.lock();
            let doubled = FIRST_PAUSE.saturating_mul(1 << health.failures.min(16));
            let pause = match fault.class {
                Class::Billing | Class::Denied => SHUT_PAUSE,
                Class::Missing | Class::Unsupported => return,
                Class::Rate => fault.retry_after.unwrap_or(doubled.max(FIRST_PAUSE * 4)),
                _ => fault.retry_after.unwrap_or(doubled),
            };
            let most = match fault.class {
                Class::Billing | Class::Denied => SHUT_PAUSE,
                _ if fault.retry_after.is_some() => MOST_RETRY_AFTER,
                _ => LONGEST_PAUSE,
            };
            let pause = pause.min(most);
            health.failures = health.failures.saturating_add(1);
            health.paused_until = Some(Instant::now() + pause);
            pause
        };
        let seconds = pause.as_secs_f64();
        match fault.class {
            Class::Billing | Class::Denied => {
                tracing::error!(endpoint = self.shown, %fault, seconds, "endpoint left alone");
            }
            Class::Unknown => {
                tracing::warn!(endpoint = self.shown, %fault, seconds, "endpoint failed");
            }
            _ => tracing::debug!(endpoint = self.shown, %fault, seconds, "endpoint failed"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a request with two calls in it has no two results.
pub(super) struct PairFault {
    pub(super) fault: Fault,
    /// It concerns the request as a whole; another call alone may be answered.
    pub(super) is_whole: bool,
}

/// A result that can be read on another thread.
pub(super) trait Parsed: for<'de> Deserialize<'de> + Send + 'static {}

impl<T: for<'de> Deserialize<'de> + Send + 'static> Parsed for T {}

/// Answers of at least this many bytes are parsed off the async threads.
const LARGE: usize = 512 << 10;

async fn parsed_apart<T: Send + 'static>(
    answer: Bytes,
    parse: impl FnOnce(&[u8]) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    if answer.len() < LARGE {
        return parse(&answer);
    }
    let parsed = tokio::task::spawn_blocking(move || parse(&answer)).await;
    parsed.unwrap_or_else(|error| Err(Fault::own(Class::Transient, error.to_string())))
}

fn one<T: Parsed>(status: u16, answer: &[u8], span: Option<u64>) -> Result<T, Fault> {
    result(status, &read(status, answer)?, span)
}

fn two<A: Parsed, B: Parsed>(
    status: u16,
    answer: &[u8],
    span: Option<u64>,
) -> Result<(A, B), Fault> {
    // A node without batches answers with one error for the whole request.
    if answer.trim_ascii_start().first() == Some(&b'{') {
        let refused = result::<serde::de::IgnoredAny>(status, &read(status, answer)?, span);
        let text = "several calls in one request were answered with one result";
        return Err(refused.err().unwrap_or_else(|| Fault::own(Class::Unsupported, text)));
    }
    let answers: Vec<Answer<'_>> = read(status, answer)?;
    let (mut first, mut second) = (None, None);
    for answer in answers {
        match answer.id {
            Some(1) => first = Some(answer),
            Some(2) => second = Some(answer),
            _ => {}
        }
    }
    match (first, second) {
        // The second call is the large one: what it is refused for decides.
        (Some(first), Some(second)) => {
            let second = result(status, &second, span)?;
            Ok((result(status, &first, span)?, second))
        }
        _ => Err(Fault::own(Class::Unsupported, "a part of the request was not answered")),
    }
}

fn read<'a, T: Deserialize<'a>>(status: u16, answer: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(answer).map_err(|error| {
        let start = String::from_utf8_lossy(&answer[..answer.len().min(200)]);
        let text = format!("the answer is not JSON-RPC: {error}: {start}");
        // A gateway may say in words alone what it wants.
        let class = match classify(None, None, &start, None) {
            Class::Unknown => Class::Transient,
            known => known,
        };
        Fault::told(class, status, None, &text)
    })
}

fn result<T: Parsed>(status: u16, answer: &Answer<'_>, span: Option<u64>) -> Result<T, Fault> {
    let refused = |code: Option<i64>, text: &str| {
        Err(Fault::told(classify(Some(status), code, text, span), status, code, text))
    };
    if let Some(raw) = answer.error {
        return match serde_json::from_str::<RpcError<'_>>(raw.get()) {
            Ok(error) => refused(error.code(), &error.text()),
            // A text, or whatever it is.
            Err(_other) => refused(None, &words(raw)),
        };
    }
    let Some(raw) = answer.result else {
        let &Answer { code, message, data, .. } = answer;
        let bare = RpcError { code, message, data };
        if code.is_some() || message.is_some() {
            return refused(bare.code(), &bare.text());
        }
        return Err(Fault::told(Class::Transient, status, None, "neither a result nor an error"));
    };
    serde_json::from_str(raw.get()).map_err(|error| {
        let start: String = raw.get().chars().take(200).collect();
        Fault::told(Class::Transient, status, None, &format!("odd result: {error}: {start}"))
    })
}

/// Whether the body is JSON-RPC rather than a page of a proxy.
fn is_json_rpc(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let start = &start[..start.len().min(4_096)];
    matches!(start.first(), Some(b'{' | b'['))
        && start.windows(9).any(|window| window == b"\"jsonrpc\"")
}

async fn read_body(mut response: Response) -> Result<Bytes, Fault> {
    let whole = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Vec::with_capacity(whole.unwrap_or(0).min(MOST_BYTES));
    while let Some(chunk) = response.chunk().await.map_err(connection_fault)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(Fault::own(Class::Density, "the answer is larger than 256 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn connection_fault(error: reqwest::Error) -> Fault {
    let class =
        if error.is_timeout() && !error.is_connect() { Class::Timeout } else { Class::Transient };
    // The URL in it would show a key.
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    Fault::own(class, text)
}

/// Seconds of the header `Retry-After`; dates are not understood and count as absent.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: f64 = value.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite())?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_something_else_is_refused_without_its_key() {
        for url in ["ftp://host/aBcDeFgHiJkLmNoPqRsT0123", "node.example", "http://"] {
            let error = Endpoint::new(url, None, 1).unwrap_err().to_string();
            assert!(error.contains("is no http(s) URL") && !error.contains("aBcDe"), "{error}");
        }
    }

    #[test]
    fn an_answer_without_a_result_is_a_fault_with_the_words_of_the_node() {
        let refused = one::<u64>(
            200,
            br#"{"id":1,"error":{"code":-32005,"message":"limit exceeded"}}"#,
            None,
        );
        assert_eq!(refused.unwrap_err().class, Class::HalveAndWait);
        let garbage = one::<u64>(200, b"<html>busy</html>", None).unwrap_err();
        assert_eq!(garbage.class, Class::Transient);
        assert!(garbage.text.contains("<html>busy"), "{garbage}");
        assert_eq!(one::<Option<u64>>(200, br#"{"id":1,"result":null}"#, None).unwrap(), None);
    }

    #[test]
    fn the_data_of_an_error_counts_for_its_class() {
        let body = br#"{"id":1,"error":{"code":-32602,"message":"invalid params","data":{"payload":"range 9 is bigger than range limit 5"}}}"#;
        let fault = one::<u64>(200, body, Some(9)).unwrap_err();
        assert_eq!(fault.class, Class::Structural { blocks: 5 });
    }

    #[test]
    fn a_pair_is_matched_by_id_in_any_order() {
        let body = br#"[{"id":2,"result":"b"},{"id":1,"result":7}]"#;
        assert_eq!(two::<u64, String>(200, body, None).unwrap(), (7, "b".to_owned()));
        let half = br#"[{"id":2,"result":"b"}]"#;
        assert_eq!(two::<u64, String>(200, half, None).unwrap_err().class, Class::Unsupported);
    }

    #[test]
    fn a_node_that_answers_a_pair_with_one_error_says_why() {
        let body = br#"{"id":null,"error":{"code":-32600,"message":"batch requests are not supported: method not supported"}}"#;
        assert_eq!(two::<u64, u64>(200, body, None).unwrap_err().class, Class::Unsupported);
    }

    #[test]
    fn pauses_double_and_end_with_a_success() {
        let endpoint = Endpoint::new("http://node.example", None, 1).unwrap();
        let fault = Fault::own(Class::Transient, "reset");
        let pause = || endpoint.paused_until(Instant::now()).map(|until| until - Instant::now());
        endpoint.failed(&fault);
        assert!(pause().unwrap() <= FIRST_PAUSE);
        endpoint.failed(&fault);
        assert!(pause().unwrap() > FIRST_PAUSE);
        endpoint.succeeded();
        assert_eq!(pause(), None);
    }

    #[test]
    fn a_missing_block_says_nothing_about_the_endpoint() {
        let endpoint = Endpoint::new("http://node.example", None, 1).unwrap();
        endpoint.failed(&Fault::own(Class::Missing, "header not found"));
        assert_eq!(endpoint.paused_until(Instant::now()), None);
    }

    #[test]
    fn an_endpoint_may_ask_for_a_pause_but_not_for_ever() {
        let endpoint = Endpoint::new("http://node.example", None, 1).unwrap();
        let retry_after = Some(Duration::from_secs(1 << 40));
        endpoint.failed(&Fault { retry_after, ..Fault::own(Class::Rate, "") });
        let pause = endpoint.paused_until(Instant::now()).unwrap() - Instant::now();
        assert!(pause <= MOST_RETRY_AFTER && pause > LONGEST_PAUSE);
    }
}
