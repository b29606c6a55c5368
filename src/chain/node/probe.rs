//! What a core node can do: one look at each of its calls, for `audius-etl probe`.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::NodeLimits;
use super::call::CallError;
use super::endpoint::{Endpoint, Protocol};
use crate::chain::activity::Activity;
use crate::chain::error::Error;

/// Heights per `GetBlocks` that are tried: what this program asks for, and what the service allows.
const BATCHES: [i64; 2] = [50, 500];

/// What was found out about a core node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CoreProbe {
    /// The URL without secrets.
    pub endpoint: String,
    /// Why it cannot be used; nothing where it can.
    pub problem: Option<String>,
    /// `grpc` or `connect`.
    pub protocol: Option<&'static str>,
    /// The chain it serves.
    pub chain_id: Option<String>,
    /// Its head.
    pub head: Option<i64>,
    /// Whether it says that it is synced.
    pub synced: Option<bool>,
    /// Time of an answer to `GetNodeInfo`, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Whether `GetBlock` has the newest blocks.
    pub get_block: Option<String>,
    /// Most heights that `GetBlocks` took, or why it takes none.
    pub get_blocks: Option<String>,
    /// Whether `StreamBlocks` sends something, and after how many milliseconds.
    pub stream_blocks: Option<String>,
}

impl CoreProbe {
    /// Whether blocks can be read from it.
    pub const fn is_usable(&self) -> bool {
        self.problem.is_none()
    }
}

/// Looks at the node at `url`. Asks for a handful of blocks at its head.
///
/// # Errors
/// The URL is none. A node that does not answer is a finding, not an error.
pub async fn probe_core(url: &str, patience: Duration) -> Result<CoreProbe, Error> {
    let limits = NodeLimits {
        connect_timeout: patience,
        request_timeout: patience,
        stream_idle: patience,
        ..NodeLimits::default()
    };
    let mut endpoint = Endpoint::new(url, &limits, &Activity::default())?;
    let mut found = CoreProbe { endpoint: endpoint.shown.to_string(), ..CoreProbe::default() };
    let info = match endpoint.handshake().await {
        Ok(info) => info,
        Err(error) => {
            found.problem = Some(error.reason);
            return Ok(found);
        }
    };
    found.protocol = Some(match endpoint.protocol() {
        Protocol::Grpc => "grpc",
        Protocol::Connect => "connect",
    });
    // The first answer has the time of connecting in it.
    let started = Instant::now();
    if endpoint.block(info.current_height.max(1)).await.is_ok() {
        found.latency_ms = Some(milliseconds(started));
    }
    found.head = Some(info.current_height);
    found.synced = Some(info.synced);
    found.chain_id = Some(info.chain_id);
    let head = info.current_height;
    found.get_block = Some(get_block(&endpoint, head).await);
    found.get_blocks = Some(get_blocks(&endpoint, head).await);
    found.stream_blocks = Some(stream(&endpoint, head, patience).await);
    if found.get_block.as_deref() != Some("yes") && head > 0 {
        found.problem = found.get_block.clone();
    }
    Ok(found)
}

/// A node knows its head a moment before its database has the block.
async fn get_block(endpoint: &Endpoint, head: i64) -> String {
    for height in [head, (head - 5).max(1)] {
        match endpoint.block(height.max(1)).await {
            Ok((Some(_), _)) => return "yes".to_owned(),
            Ok((None, _)) => {}
            Err(error) => return error.reason,
        }
    }
    format!("has no block near its head {head}")
}

async fn get_blocks(endpoint: &Endpoint, head: i64) -> String {
    let mut most = None;
    for count in BATCHES {
        let count = count.min(head.max(1));
        match endpoint.blocks((head - count + 1..=head).collect()).await {
            Ok(_) => most = Some(count),
            Err(error) => return most.map_or(error.reason, |most| format!("{most} heights")),
        }
    }
    format!("{} heights", most.unwrap_or(0))
}

async fn stream(endpoint: &Endpoint, head: i64, patience: Duration) -> String {
    if endpoint.protocol() != Protocol::Grpc {
        return "no, needs gRPC".to_owned();
    }
    let started = Instant::now();
    let mut stream = match endpoint.stream((head - 1).max(1)).await {
        Ok(stream) => stream,
        Err(CallError { reason, .. }) => return format!("no: {reason}"),
    };
    match tokio::time::timeout(patience, stream.message()).await {
        Ok(Ok(Some(_))) => format!("first block after {:.0} ms", milliseconds(started)),
        Ok(Ok(None)) => "no: it ends at once".to_owned(),
        Ok(Err(status)) => format!("no: {}", CallError::of_status(&status).reason),
        Err(_elapsed) => format!("silent for {} s", patience.as_secs()),
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
