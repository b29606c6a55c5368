//! The read side: a task that fetches and decodes ahead, and the batches made of what it delivers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Error,
    event::{SignatureCounts, Summary},
};
use crate::{
    chain::{BlockSource, Fetched},
    decode::{
        DecodeOptions, Pool,
        signer::{Domain, Verdict, verify},
    },
    eras::schedule::Changes,
    model::Block,
};

/// Decoded chunks that wait for the handlers. Sources deliver up to 1 MiB at a time, which takes up
/// several times as much when decoded, and read further ahead themselves.
const CHUNKS_AHEAD: usize = 2;

/// What the read side delivers.
#[derive(Debug)]
pub(super) enum Input {
    /// Blocks in height order.
    Blocks(Box<Chunk>),
    /// The node has nothing above this height yet.
    AtHead(i64),
    /// The wanted range has ended.
    End,
    /// Reading stopped. Everything before was delivered.
    Failed(Error),
}

/// Some decoded blocks, and what reading them took.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) blocks: Vec<Arc<Block>>,
    pub(super) summary: Summary,
}

/// Starts reading. The task ends at the end of the source, on an error, or with `cancel`.
pub(super) fn start(
    mut source: Box<dyn BlockSource>,
    pool: Arc<Pool>,
    check_signatures: bool,
    cancel: CancellationToken,
) -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    tokio::spawn(async move {
        loop {
            let started = Instant::now();
            let fetched = tokio::select! {
                () = cancel.cancelled() => return,
                fetched = source.next() => fetched,
            };
            let fetch = started.elapsed();
            let (input, failure) = match fetched {
                Ok(Fetched::Blocks(raw)) => {
                    let pool = Arc::clone(&pool);
                    let decoded = tokio::task::spawn_blocking(move || {
                        decode(&pool, raw, check_signatures, fetch)
                    });
                    match decoded.await {
                        Ok((chunk, failure)) => (Input::Blocks(Box::new(chunk)), failure),
                        Err(_panicked) => {
                            (Input::Failed(Error::Ended { stage: "decode", height: 0 }), None)
                        }
                    }
                }
                Ok(Fetched::AtHead { head }) => (Input::AtHead(head), None),
                Ok(Fetched::End) => (Input::End, None),
                Err(error) => (Input::Failed(error.into()), None),
            };
            let last = matches!(input, Input::End | Input::Failed(_)) || failure.is_some();
            if sender.send(input).await.is_err() {
                return;
            }
            if let Some(failure) = failure {
                // The receiver being gone ends the task either way.
                drop(sender.send(Input::Failed(failure)).await);
            }
            if last {
                return;
            }
        }
    });
    receiver
}

fn decode(
    pool: &Pool,
    raw: Vec<crate::chain::RawBlock>,
    check_signatures: bool,
    fetch: Duration,
) -> (Chunk, Option<Error>) {
    let started = Instant::now();
    let decoded = pool.decode(raw, &DecodeOptions::default());
    let mut summary = Summary::default();
    if check_signatures {
        summary.signatures = pool.count_signatures(&decoded.blocks);
    }
    summary.time.fetch = fetch;
    summary.time.decode = started.elapsed();
    let blocks = decoded.blocks.into_iter().map(Arc::new).collect();
    (Chunk { blocks, summary }, decoded.error.map(Error::from))
}

impl Pool {
    /// Recovers the signers of all entity calls.
    fn count_signatures(&self, blocks: &[Block]) -> SignatureCounts {
        use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
        self.install(|| {
            blocks
                .par_iter()
                .map(|block| {
                    let domain = Domain::of_chain(&block.chain_id);
                    let mut counts = SignatureCounts::default();
                    for tx in &block.txs {
                        if let Some(call) = tx.body.call() {
                            counts.checked += 1;
                            counts.matching += u64::from(verify(call, domain) == Verdict::Match);
                        }
                    }
                    counts
                })
                .reduce(SignatureCounts::default, |a, b| SignatureCounts {
                    checked: a.checked + b.checked,
                    matching: a.matching + b.matching,
                })
        })
    }
}

/// Cuts what the read side delivers into batches.
#[derive(Debug)]
pub(super) struct Batches {
    receiver: mpsc::Receiver<Input>,
    waiting: std::collections::VecDeque<Arc<Block>>,
    ended: Option<Input>,
    /// The head that was reached behind the blocks that wait.
    at_head: Option<i64>,
    max_blocks: usize,
    max_txs: usize,
    /// Where eras change.
    changes: Changes,
    /// The part and the chain of the block before.
    last: Option<(usize, String)>,
    /// What reading took that no batch has told yet.
    untold: Summary,
}

/// What lies between two blocks that have nothing to do with each other in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The era changes.
    Era,
    /// The chain changes, and the era perhaps.
    Chain,
}

/// The next thing for the loop to do.
#[derive(Debug)]
pub(super) enum Next {
    /// Blocks to apply together, and what reading them took.
    Batch(Vec<Arc<Block>>, Box<Summary>),
    /// What comes next is of another era or chain.
    Turn(Turn),
    /// Nothing to do until the chain grows.
    AtHead(i64),
    /// The range has ended.
    End,
    /// Reading failed.
    Failed(Error),
}

impl Batches {
    pub(super) fn new(
        receiver: mpsc::Receiver<Input>,
        max_blocks: usize,
        max_txs: usize,
        changes: Changes,
    ) -> Self {
        Self {
            receiver,
            waiting: std::collections::VecDeque::new(),
            ended: None,
            at_head: None,
            max_blocks,
            max_txs,
            changes,
            last: None,
            untold: Summary::default(),
        }
    }

    /// The next batch: as many blocks as are there, up to the limits. Waits for the first only.
    pub(super) async fn next(&mut self) -> Next {
        let mut summary = std::mem::take(&mut self.untold);
        while self.ended.is_none() && !self.is_full() {
            let input = if self.waiting.is_empty() && self.at_head.is_none() {
                let started = Instant::now();
                let input = self.receiver.recv().await;
                summary.time.stalled_on_fetch += started.elapsed();
                input
            } else {
                match self.receiver.try_recv() {
                    Ok(input) => Some(input),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => None,
                }
            };
            match input {
                Some(Input::Blocks(chunk)) => {
                    summary.absorb(&chunk.summary);
                    self.waiting.extend(chunk.blocks);
                    self.at_head = None;
                }
                Some(Input::AtHead(head)) => self.at_head = Some(head),
                Some(ended @ (Input::End | Input::Failed(_))) => self.ended = Some(ended),
                None => self.ended = Some(Input::End),
            }
        }
        if self.waiting.is_empty() {
            return match (self.ended.take(), self.at_head.take()) {
                (Some(Input::Failed(error)), _) => Next::Failed(error),
                (Some(_), _) => Next::End,
                (None, head) => Next::AtHead(head.unwrap_or_default()),
            };
        }
        match self.turn() {
            Some(turn) => {
                self.untold = summary;
                Next::Turn(turn)
            }
            None => Next::Batch(self.cut(), Box::new(summary)),
        }
    }

    /// What lies before the next block.
    fn turn(&mut self) -> Option<Turn> {
        let next = self.waiting.front()?;
        let place = (self.changes.part_of(next), next.chain_id.clone());
        let turn = match &self.last {
            Some((_, chain)) if *chain != place.1 => Some(Turn::Chain),
            Some((part, _)) if *part != place.0 => Some(Turn::Era),
            _ => None,
        };
        self.last = Some(place);
        turn
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= self.max_blocks
            || self.waiting.iter().map(|block| block.txs.len()).sum::<usize>() >= self.max_txs
    }

    fn cut(&mut self) -> Vec<Arc<Block>> {
        let mut batch = Vec::new();
        let mut txs = 0;
        while batch.len() < self.max_blocks
            && let Some(block) = self.waiting.front()
        {
            txs += block.txs.len();
            let is_of_another = |(part, chain): &(usize, String)| {
                *part != self.changes.part_of(block) || *chain != block.chain_id
            };
            if self.last.as_ref().is_some_and(is_of_another)
                || !batch.is_empty() && txs > self.max_txs
            {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[tokio::test]
    async fn a_head_behind_blocks_that_wait_is_told_after_them() {
        let (sender, receiver) = mpsc::channel(4);
        let mut batches = Batches::new(receiver, 10, 10, Changes::default());
        let block = Arc::new(Block {
            chain_id: "c".into(),
            height: 1,
            hash: "h".into(),
            proposer: String::new(),
            time: Timestamp::default(),
            txs: Vec::new(),
            size: 0,
        });
        let chunk =
            |summary| Input::Blocks(Box::new(Chunk { blocks: vec![Arc::clone(&block)], summary }));
        sender.send(chunk(Summary::default())).await.unwrap();
        sender.send(Input::AtHead(1)).await.unwrap();
        assert!(matches!(batches.next().await, Next::Batch(blocks, _) if blocks.len() == 1));
        assert!(matches!(batches.next().await, Next::AtHead(1)));
        drop(sender);
        assert!(matches!(batches.next().await, Next::End));
    }
}
