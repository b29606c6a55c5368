//! The loop that follows a chain: which node is asked, for which heights, and what happens when it
//! does not answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use prost::Message;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::call::{CallError, Class};
use super::endpoint::Endpoint;
use super::fetch::{Fetch, LAG, Range, fetch};
use super::tail::StreamTrust;
use crate::chain::core_pb::{Block, SignedTransaction, Transaction, transaction_hash};
use crate::chain::error::Error;
use crate::chain::header::Header;
use crate::chain::origin::{Origin, RawBlock, RawBody};
use crate::chain::sequence::{Sequence, Verdict};
use crate::chain::{Fetched, LastBlock, SourceConfig};

/// Heights per `GetBlocks`; the service refuses more than 500 and full blocks are large.
const BATCH_HEIGHTS: i64 = 50;

/// An answer should not be much larger than this: full blocks shrink the batch.
const ANSWER_BYTES: i64 = 4 << 20;

/// Why following a node ends.
pub(super) enum Stop {
    /// The wanted range is complete, or nobody takes blocks any more.
    Done,
    /// Reading can't go on, whatever the node.
    Fatal(Error),
    /// This node can't go on; another may.
    Node(CallError),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Self::Node(error)
    }
}

/// A node with what was learned about it.
pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    /// It takes `GetBlocks`.
    pub(super) batching: bool,
    /// What is known of its `StreamBlocks`.
    pub(super) trust: StreamTrust,
    /// Why it failed last.
    fault: String,
}

/// Reads a chain from one node after another.
pub(super) struct Follower {
    pub(super) nodes: Vec<Node>,
    /// The node in use.
    pub(super) active: usize,
    /// Failed calls since the last one that brought something.
    failures: u32,
    /// Next height wanted.
    pub(super) next: i64,
    /// Last height wanted.
    pub(super) stop_at: Option<i64>,
    /// The last block handed over, or the last one indexed before.
    last: Option<LastBlock>,
    sequence: Sequence,
    chain_id: String,
    head: Arc<AtomicI64>,
    /// The head that was last reported with [`Fetched::AtHead`].
    announced: i64,
    /// Mean size of blocks, to size batches.
    block_bytes: i64,
    /// Requests in flight now. Back to one after a fault, since requests share a connection: where
    /// it breaks again and again, many at once would never see one of them answered.
    flight: usize,
    config: SourceConfig,
    sender: mpsc::Sender<Result<Fetched, Error>>,
}

impl Follower {
    /// Finds a node that answers and fits what was indexed before.
    pub(super) async fn open(
        endpoints: Vec<Endpoint>,
        config: SourceConfig,
        head: Arc<AtomicI64>,
        sender: mpsc::Sender<Result<Fetched, Error>>,
    ) -> Result<Self, Error> {
        let node = |endpoint| Node {
            endpoint,
            batching: true,
            trust: StreamTrust::untried(config.limits.stream),
            fault: String::new(),
        };
        let mut follower = Self {
            nodes: endpoints.into_iter().map(node).collect(),
            active: 0,
            failures: 0,
            next: config.start.max(1),
            stop_at: config.end_inclusive,
            last: config.last.clone(),
            sequence: Sequence::new(0, None, None, None),
            chain_id: config.chain_id.clone().unwrap_or_default(),
            head,
            announced: 0,
            block_bytes: 0,
            flight: 1,
            config,
            sender,
        };
        loop {
            match follower.greet().await {
                Ok(()) => break,
                Err(Stop::Node(error)) => follower.next_node(error, false).await?,
                Err(Stop::Fatal(error)) => return Err(error),
                Err(Stop::Done) => return Err(Error::Stopped),
            }
        }
        follower.failures = 0;
        if follower.config.once {
            let head = follower.head();
            follower.stop_at = Some(follower.stop_at.map_or(head, |end| end.min(head)));
        }
        follower.sequence = Sequence::of(&SourceConfig {
            start: follower.next,
            end_inclusive: follower.stop_at,
            chain_id: Some(follower.chain_id.clone()),
            ..follower.config.clone()
        });
        Ok(follower)
    }

    /// The chain that is read.
    pub(super) fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// The highest head that any node named; 0 when none did.
    pub(super) fn head(&self) -> i64 {
        self.head.load(Ordering::Relaxed)
    }

    pub(super) const fn config(&self) -> &SourceConfig {
        &self.config
    }

    pub(super) fn node(&mut self) -> &mut Node {
        &mut self.nodes[self.active]
    }

    /// Reads to the end of the wanted range, or until nobody takes blocks any more.
    pub(super) async fn run(mut self) {
        let sender = self.sender.clone();
        tokio::select! {
            () = sender.closed() => {}
            last = self.follow() => {
                // Fails when nobody listens any more, which is not news.
                drop(sender.send(last.map(|()| Fetched::End)).await);
            }
        }
    }

    async fn follow(&mut self) -> Result<(), Error> {
        loop {
            let stop = match self.poll().await {
                Ok(never) => match never {},
                Err(stop) => stop,
            };
            let mut failed = match stop {
                Stop::Done => return Ok(()),
                Stop::Fatal(error) => return Err(error),
                Stop::Node(error) => error,
            };
            loop {
                self.next_node(failed, true).await?;
                match self.greet().await {
                    Ok(()) => break,
                    Err(Stop::Node(error)) => failed = error,
                    Err(Stop::Done) => return Ok(()),
                    Err(Stop::Fatal(error)) => return Err(error),
                }
            }
        }
    }

    /// Notes why the active node failed and turns to the next one, after a pause when all have
    /// failed.
    async fn next_node(&mut self, error: CallError, has_answered: bool) -> Result<(), Error> {
        let count = self.nodes.len();
        self.failures = self.failures.saturating_add(1);
        self.flight = 1;
        let nodes = u32::try_from(count).unwrap_or(u32::MAX);
        let attempt = self.failures.div_ceil(nodes);
        let all_failed = self.failures.is_multiple_of(nodes);
        let retry = self.config.limits.retry.clone();
        let patient =
            has_answered && retry.forever && !self.config.once && error.class == Class::Connection;
        let pause = if all_failed { retry.delay(attempt) } else { Duration::ZERO };
        let is_last = all_failed && attempt >= retry.limit && !patient;
        let node = self.node();
        tracing::warn!(
            node = %node.endpoint.shown,
            reason = error.reason,
            attempt,
            of = (!patient).then_some(retry.limit),
            next_in_s = (!is_last).then(|| format!("{:.1}", pause.as_secs_f64())),
            "core node failed"
        );
        node.fault = error.reason;
        self.active = (self.active + 1) % count;
        if is_last {
            let reason = |node: &Node| (node.endpoint.shown.to_string(), node.fault.clone());
            let endpoints = self.nodes.iter().map(reason).collect();
            return Err(match error.class {
                Class::Refused if has_answered => Error::NoBlock { height: self.next, endpoints },
                _ => Error::Unreachable { endpoints },
            });
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Asks the active node who it is, and whether it still has the block indexed last.
    async fn greet(&mut self) -> Result<(), Stop> {
        let last = self.last.clone();
        let (once, active) = (self.config.once, self.active);
        let endpoint = &mut self.nodes[active].endpoint;
        let info = endpoint.handshake().await?;
        let origin = Origin::Node(Arc::clone(&endpoint.shown));
        if info.chain_id.is_empty() {
            return Err(CallError::connection("the node does not know its chain yet").into());
        }
        if info.current_height == 0 && once {
            return Err(CallError::connection("the node does not know its head yet").into());
        }
        if let Some(ours) = last
            .as_ref()
            .map(|last| last.height)
            .filter(|ours| (0..ours - LAG).contains(&info.current_height))
        {
            let reason =
                format!("its head {} is below block {ours}, which is indexed", info.current_height);
            if once {
                return Err(CallError::refused(reason).into());
            }
            tracing::warn!(node = %endpoint.shown, reason, "core node is behind; waiting for it");
        }
        if self.chain_id.is_empty() {
            self.chain_id = info.chain_id;
        } else if self.chain_id != info.chain_id {
            return Err(Stop::Fatal(Error::WrongChain {
                origin,
                expected: self.chain_id.clone(),
                found: info.chain_id,
            }));
        }
        tracing::debug!(
            node = %endpoint.shown,
            protocol = ?endpoint.protocol(),
            head = info.current_height,
            "core node answers"
        );
        if let Some(last) = last.filter(|last| !last.hash.is_empty()) {
            let (block, _) = endpoint.block(last.height).await?;
            // A node that lacks the block is behind or has pruned it; both are no contradiction.
            if let Some(block) = block
                && !block.hash.eq_ignore_ascii_case(&last.hash)
            {
                return Err(Stop::Fatal(Error::ChangedHash {
                    origin,
                    height: last.height,
                    expected: last.hash.to_ascii_lowercase(),
                    found: block.hash.to_ascii_lowercase(),
                }));
            }
        }
        self.config.activity.uses(&self.nodes[active].endpoint.shown);
        self.saw_head(info.current_height);
        Ok(())
    }

    /// Fetches ranges, several at a time, and hands them over in order. At the head it waits, or
    /// turns to the stream.
    async fn poll(&mut self) -> Result<std::convert::Infallible, Stop> {
        let mut in_flight: VecDeque<(Range, Job)> = VecDeque::new();
        let mut empty = 0;
        loop {
            if self.stop_at.is_some_and(|stop| self.next > stop) {
                return Err(Stop::Done);
            }
            let asked = in_flight.back().map_or(self.next - 1, |(range, _)| range.to);
            self.fill_flight(&mut in_flight, asked);
            let Some((range, job)) = in_flight.pop_front() else {
                return Err(CallError::refused("no range to ask for").into());
            };
            let outcome = job.outcome().await?;
            self.saw_head(outcome.head);
            if outcome.batch_refused {
                tracing::info!(node = %self.node().endpoint.shown, "no GetBlocks, asking block by block");
                self.node().batching = false;
            }
            let got = outcome.blocks.len();
            self.hand_over(outcome.blocks).await?;
            if let Some(fault) = outcome.fault {
                return Err(fault.into());
            }
            if self.next <= range.to {
                // What was asked beyond the gap is of no use: its start is not the next height.
                in_flight.clear();
            }
            if got > 0 {
                (empty, self.failures) = (0, 0);
                self.flight = (self.flight * 2).min(self.config.limits.requests_in_flight.max(1));
            }
            if self.next > self.head() || (got == 0 && self.next <= range.to) {
                self.failures = 0;
                self.announce().await?;
                if self.may_stream() {
                    self.tail().await?;
                    continue;
                }
                if got == 0 {
                    empty += 1;
                    tokio::time::sleep(self.config.limits.retry.idle(empty)).await;
                }
            }
        }
    }

    /// Starts requests for the ranges after `asked`, as far as the known head goes.
    fn fill_flight(&mut self, in_flight: &mut VecDeque<(Range, Job)>, mut asked: i64) {
        let head = self.head();
        let (batching, heights) = (self.node().batching, self.batch_heights());
        let last = self.stop_at.unwrap_or(i64::MAX);
        while in_flight.len() < self.flight {
            let from = asked + 1;
            // At the head one request looks for news; more would only ask for the future.
            if from > last || (from > head && !in_flight.is_empty()) {
                return;
            }
            let range = Range { from, to: (asked + heights).min(last) };
            let endpoint = self.node().endpoint.clone();
            let job =
                Job(tokio::spawn(async move { fetch(&endpoint, range, head, batching).await }));
            in_flight.push_back((range, job));
            asked = range.to;
        }
    }

    fn batch_heights(&self) -> i64 {
        let fitting = (ANSWER_BYTES / self.block_bytes.max(1)).clamp(1, BATCH_HEIGHTS);
        // A batch that fails again and again may be more than the connection carries.
        (fitting >> self.failures.min(5)).max(1)
    }

    /// Checks blocks and sends them; they must start at the next height.
    pub(super) async fn hand_over(&mut self, blocks: Vec<Block>) -> Result<(), Stop> {
        let node = Arc::clone(&self.node().endpoint.shown);
        let mut checked = Vec::with_capacity(blocks.len());
        let mut fault = None;
        for block in blocks {
            if let Some(index) = block.transactions.iter().position(is_corrupt) {
                fault = Some(CallError::refused(format!(
                    "transaction {index} of block {} is neither readable nor what its hash says",
                    block.height
                )));
                break;
            }
            let origin = Origin::Node(Arc::clone(&node));
            let header = Header {
                height: block.height,
                hash: block.hash.to_ascii_lowercase(),
                chain_id: block.chain_id.clone(),
            };
            match self.sequence.check(&header, &origin).map_err(Stop::Fatal)? {
                Verdict::Take => {}
                Verdict::Skip => continue,
                Verdict::Past => break,
            }
            let size = i64::try_from(block.encoded_len()).unwrap_or(i64::MAX);
            self.block_bytes = (self.block_bytes * 7 + size) / 8;
            self.next = block.height + 1;
            self.last = Some(LastBlock { height: header.height, hash: header.hash });
            checked.push(RawBlock { height: block.height, body: RawBody::Message(block), origin });
        }
        if !checked.is_empty() {
            self.send(Fetched::Blocks(checked)).await?;
        }
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// Reports that everything up to the head was handed over, once per head.
    pub(super) async fn announce(&mut self) -> Result<(), Stop> {
        let head = self.head();
        if self.next <= head || self.announced == self.next {
            return Ok(());
        }
        self.announced = self.next;
        self.send(Fetched::AtHead { head: self.next - 1 }).await
    }

    pub(super) fn saw_head(&self, head: i64) {
        self.head.fetch_max(head, Ordering::Relaxed);
        self.config.activity.saw_head(head);
    }

    async fn send(&self, fetched: Fetched) -> Result<(), Stop> {
        self.sender.send(Ok(fetched)).await.map_err(|_closed| Stop::Done)
    }

    fn may_stream(&mut self) -> bool {
        let (next, stop_at) = (self.next, self.stop_at);
        let node = self.node();
        stop_at.is_none_or(|stop| next <= stop)
            && node.trust.may_try(&node.endpoint, Instant::now())
    }
}

/// Whether the bytes of a transaction are none, and not those that it has the hash of: another node
/// may have them whole. What the chain itself holds has its hash, however odd it is.
fn is_corrupt(tx: &Transaction) -> bool {
    let Some(bytes) = &tx.transaction else { return false };
    SignedTransaction::decode(bytes.clone()).is_err()
        && !transaction_hash(bytes).eq_ignore_ascii_case(&tx.hash)
}

/// A request in flight; dropped, it is given up.
struct Job(JoinHandle<Fetch>);

impl Job {
    async fn outcome(mut self) -> Result<Fetch, CallError> {
        (&mut self.0)
            .await
            .map_err(|error| CallError::refused(format!("the request broke: {error}")))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.0.abort();
    }
}
