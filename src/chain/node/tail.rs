//! The live tail by `StreamBlocks`, for as long as it can be trusted.
//!
//! Known servers lose the first transaction of every streamed block, skip heights when the reader
//! is slow, or ignore the start height. So a stream is on trial at first: every block it sends is
//! fetched by polling too, and that one is handed over. Only blocks with transactions are evidence.
//! One contradiction ends streaming from that node for good; a broken connection does not.

use std::time::{Duration, Instant};

use super::call::{CallError, Class};
use super::endpoint::{Endpoint, Protocol};
use super::fetch::{Range, fetch};
use super::follow::{Follower, Stop};
use crate::chain::core_pb::Block;

/// Blocks with transactions that must arrive whole before a stream is trusted.
const EVIDENCE: u32 = 8;

/// Pause after a stream broke, doubling up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is known of a node's stream.
#[derive(Debug)]
pub(super) struct StreamTrust {
    state: State,
    pause: Duration,
    not_before: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many blocks with transactions agreed with polling.
    Trial(u32),
    /// Never again.
    Never,
}

impl StreamTrust {
    pub(super) const fn untried(allowed: bool) -> Self {
        let state = if allowed { State::Trial(0) } else { State::Never };
        Self { state, pause: FIRST_PAUSE, not_before: None }
    }

    pub(super) fn may_try(&self, endpoint: &Endpoint, now: Instant) -> bool {
        self.state != State::Never
            && endpoint.protocol() == Protocol::Grpc
            && self.not_before.is_none_or(|at| now >= at)
    }

    fn is_trusted(&self) -> bool {
        matches!(self.state, State::Trial(agreed) if agreed >= EVIDENCE)
    }

    fn agreed(&mut self) {
        if let State::Trial(agreed) = &mut self.state {
            *agreed = agreed.saturating_add(1);
        }
        self.pause = FIRST_PAUSE;
    }

    fn rest(&mut self) {
        self.not_before = Instant::now().checked_add(self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Why a stream ends while its node goes on.
enum End {
    /// It contradicts the polled blocks.
    Lies(String),
    /// It broke, fell silent or never started.
    Broke(CallError),
    /// The reader stops.
    Stop(Stop),
}

impl From<CallError> for End {
    fn from(error: CallError) -> Self {
        Self::Broke(error)
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl Follower {
    /// Streams from the next height on until the stream ends. Polling takes over from there, and
    /// finds out what, if anything, is wrong with the node itself.
    pub(super) async fn tail(&mut self) -> Result<(), Stop> {
        let end = match self.stream_blocks().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        let node = self.node();
        let shown = &node.endpoint.shown;
        match end {
            End::Stop(stop) => return Err(stop),
            End::Lies(reason) => {
                tracing::warn!(node = %shown, reason, "block stream is not complete, polling instead");
                node.trust.state = State::Never;
            }
            End::Broke(error) if error.class == Class::Unimplemented => {
                tracing::debug!(node = %shown, "no block stream, polling instead");
                node.trust.state = State::Never;
            }
            End::Broke(error) => {
                tracing::debug!(node = %shown, reason = error.reason, "block stream broke");
                node.trust.rest();
            }
        }
        Ok(())
    }

    async fn stream_blocks(&mut self) -> Result<std::convert::Infallible, End> {
        let idle = self.config().limits.stream_idle;
        let next = self.next;
        let mut stream = self.node().endpoint.stream(next).await?;
        loop {
            if self.stop_at.is_some_and(|stop| self.next > stop) {
                return Err(Stop::Done.into());
            }
            let answer = tokio::time::timeout(idle, stream.message())
                .await
                .map_err(|_elapsed| CallError::deadline(idle))?
                .map_err(|status| CallError::of_status(&status))?
                .ok_or_else(|| CallError::connection("the stream ended"))?;
            self.config().activity.heard();
            let Some(block) = answer.block.filter(|block| block.height > 0) else { continue };
            // A server that repeats itself after catching up loses nothing.
            if block.height < self.next {
                continue;
            }
            if block.height > self.next {
                let reason = format!("asked for block {}, got block {}", self.next, block.height);
                return Err(End::Lies(reason));
            }
            self.saw_head(block.height);
            let block = self.on_trial(block).await?;
            self.hand_over(vec![block]).await?;
            self.announce().await?;
        }
    }

    /// The block to hand over for a streamed one: itself once the stream is trusted, until then the
    /// same height as polling has it.
    async fn on_trial(&mut self, streamed: Block) -> Result<Block, End> {
        let (next, head) = (self.next, self.head());
        let node = self.node();
        if node.trust.is_trusted() {
            return Ok(as_polled(streamed));
        }
        let range = Range { from: next, to: next };
        let mut fetched = fetch(&node.endpoint, range, head, node.batching).await;
        if let Some(fault) = fetched.fault {
            return Err(fault.into());
        }
        let polled = fetched
            .blocks
            .pop()
            .ok_or_else(|| CallError::connection(format!("block {next} is not there yet")))?;
        let (sent, has) = (streamed.transactions.len(), polled.transactions.len());
        if sent != has {
            return Err(End::Lies(format!(
                "block {next} has {has} transactions, its stream sent {sent}"
            )));
        }
        if has > 0 {
            node.trust.agreed();
        }
        Ok(polled)
    }
}

/// A streamed block in the form in which the same block is polled: streams fill more fields.
fn as_polled(mut block: Block) -> Block {
    for tx in &mut block.transactions {
        tx.chain_id.clear();
        tx.block_hash.clear();
        tx.height = 0;
        tx.timestamp = None;
        tx.transactionv2 = tx.transactionv2.take().filter(|bytes| !bytes.is_empty());
        if tx.transactionv2.is_some() {
            tx.transaction = tx.transaction.take().filter(|bytes| !bytes.is_empty());
        }
    }
    block
}
