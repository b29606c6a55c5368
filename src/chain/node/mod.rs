//! Blocks of core nodes: polled in batches with many requests in flight, streamed at the head where
//! a node's stream proves complete, with the next node taking over when one fails.

mod call;
mod endpoint;
mod fetch;
mod follow;
mod probe;
mod retry;
mod tail;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::error::Error;
use super::{BlockSource, Fetched, ReadGauge, SourceConfig};

pub use probe::{CoreProbe, probe_core};
pub use retry::RetryPolicy;

use endpoint::Endpoint;
use follow::Follower;

/// Batches read ahead. A batch is an answer to one request or one streamed block.
const BATCHES_AHEAD: usize = 8;

/// How hard a node is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLimits {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer.
    pub request_timeout: Duration,
    /// Longest silence of a stream. The chain has about a block per second, empty ones too.
    pub stream_idle: Duration,
    /// Requests in flight while catching up.
    pub requests_in_flight: usize,
    /// Use `StreamBlocks` at the head, once it has proved complete.
    pub stream: bool,
    /// When to try again and when to give up.
    pub retry: RetryPolicy,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            stream_idle: Duration::from_secs(10),
            requests_in_flight: 8,
            stream: true,
            retry: RetryPolicy::default(),
        }
    }
}

/// Blocks of one node after another.
pub(super) struct NodeSource {
    fetched: mpsc::Receiver<Result<Fetched, Error>>,
    chain_id: String,
    head: Arc<AtomicI64>,
    ended: Option<Ended>,
}

#[derive(Clone, Copy)]
enum Ended {
    Range,
    Error,
}

impl NodeSource {
    /// Finds the first node that answers and starts to read from it.
    pub(super) async fn open(config: SourceConfig) -> Result<Self, Error> {
        let endpoints = config
            .sources
            .iter()
            .map(|url| Endpoint::new(url, &config.limits, &config.activity))
            .collect::<Result<Vec<_>, _>>()?;
        let (sender, fetched) = mpsc::channel(BATCHES_AHEAD);
        let head = Arc::new(AtomicI64::new(0));
        let follower = Follower::open(endpoints, config, Arc::clone(&head), sender).await?;
        let chain_id = follower.chain_id().to_owned();
        tokio::spawn(follower.run());
        Ok(Self { fetched, chain_id, head, ended: None })
    }
}

impl BlockSource for NodeSource {
    fn chain_id(&self) -> Option<&str> {
        Some(&self.chain_id)
    }

    fn head(&self) -> Option<i64> {
        Some(self.head.load(Ordering::Relaxed)).filter(|head| *head > 0)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn gauge(&self) -> Option<ReadGauge> {
        None
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Fetched, Error>> {
        async move {
            match self.ended {
                Some(Ended::Range) => return Ok(Fetched::End),
                Some(Ended::Error) => return Err(Error::Stopped),
                None => {}
            }
            let fetched = self.fetched.recv().await.unwrap_or(Err(Error::Stopped));
            match &fetched {
                Ok(Fetched::End) => self.ended = Some(Ended::Range),
                Ok(_) => {}
                Err(_) => self.ended = Some(Ended::Error),
            }
            fetched
        }
        .boxed()
    }
}
