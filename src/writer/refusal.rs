//! A run that the server refuses for its data: narrowed down to one block, and held there.
//!
//! The writer halves the run until it holds a single block, and makes durable what comes before. It
//! knows no transactions, so it stops at that block: what is queued behind it is dropped, whoever
//! submits or waits is told, and nothing is written on the lane until [`WriterHandle::resume`].
//! Meanwhile [`WriterHandle::rehearse`] says whether the server would take another form of the block.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{
    Batch, Error, Lane, Run, Weight, WriterHandle, WrittenBlock,
    cycle::{Progress, Queue, Queued},
};

/// Characters of the server's words that are kept.
const MOST_WORDS: usize = 500;

/// Why the server refuses data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// SQLSTATE; empty where the data did not even fit the protocol.
    pub code: String,
    /// What was said.
    pub text: String,
}

impl Error {
    /// The server's words if it refused the data itself, which no second try changes: a value that a
    /// type cannot hold (22), a broken constraint (23), a limit of the program (54).
    pub fn refusal(&self) -> Option<Words> {
        let (code, text) = match self {
            Self::Refused { source, table, .. } => {
                let error = source.as_database_error()?;
                let code = error.code()?.into_owned();
                if !["22", "23", "54"].iter().any(|class| code.starts_with(class)) {
                    return None;
                }
                (code, format!("{table}: {}", error.message()))
            }
            Self::Encode { .. } => (String::new(), self.to_string()),
            _ => return None,
        };
        Some(Words { code, text: text.replace('\0', "").chars().take(MOST_WORDS).collect() })
    }
}

/// How many blocks a run may have while a refusal is narrowed down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Narrowing {
    pub(super) most_blocks: usize,
    /// Last checkpoint of the run that was refused: beyond it, nothing is suspect.
    until: u64,
}

impl Narrowing {
    /// Whether blocks up to `checkpoint` being durable ends it.
    pub(super) const fn is_over(self, checkpoint: u64) -> bool {
        checkpoint >= self.until
    }
}

/// A write that somebody wants to know the end of, without its effect.
#[derive(Debug)]
pub(super) struct Rehearsal {
    pub(super) run: Run,
    pub(super) reply: oneshot::Sender<Result<(), Arc<Error>>>,
}

/// Puts a refused run of several blocks back, block by block; returns how to go on with it.
pub(super) fn put_back(queue: &mut Queue, run: Run) -> Narrowing {
    let until = run.last_checkpoint().map_or(0, |last| last.id);
    let most_blocks = (run.blocks.len() / 2).max(1);
    for block in run.blocks.into_iter().rev() {
        let batch = Batch {
            transactions: block.block.txs.len() as u64,
            blocks: vec![block],
            ethereum: None,
            in_reorg_threshold: run.keep_history,
            safe_height: run.safe_height,
        };
        let weight = batch.weight();
        queue.batches.push_front(Queued { lane: run.lane, batch, weight });
    }
    Narrowing { most_blocks, until }
}

/// Stops the lane at the last durable checkpoint: nothing is queued any more.
pub(super) fn hold(queue: &mut Queue, committed: u64, lane: Lane, error: Error) {
    queue.batches.retain(|queued| queued.lane != lane);
    queue.pending[lane] = Weight::default();
    queue.submitted[lane] = committed;
    queue.refused[lane] = Some(Arc::new(error));
}

impl WriterHandle {
    /// Asks whether the server takes a batch: everything is done but the commit.
    ///
    /// # Errors
    /// The outer one has ended the writer; the inner one is the server's refusal.
    pub async fn rehearse(
        &self,
        blocks: Vec<WrittenBlock>,
        keep_history: bool,
    ) -> Result<Result<(), Arc<Error>>, Arc<Error>> {
        let run = Run { lane: self.lane, blocks, keep_history, ..Run::default() };
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.queue();
            if queue.ended {
                drop(queue);
                return Err(self.ended());
            }
            queue.rehearsals.push_back(Rehearsal { run, reply });
        }
        self.shared.wake.notify_one();
        match answer.await {
            Ok(outcome) => Ok(outcome),
            Err(_closed) => Err(self.trouble().await),
        }
    }

    /// Goes on behind a refusal, from the last durable checkpoint.
    pub fn resume(&self) {
        self.shared.queue().refused[self.lane] = None;
    }

    /// Waits until nothing more is written on the lane: the error that ended the writer, or the
    /// refusal that the lane is held at.
    pub async fn trouble(&self) -> Arc<Error> {
        let outcome = self.wait_until(self.progress.clone(), |_| false).await;
        outcome.err().unwrap_or_else(|| Arc::new(Error::Stopped))
    }

    /// What is wrong with the lane as `progress` and the queue have it.
    pub(super) fn problem(&self, progress: &Progress) -> Option<Arc<Error>> {
        progress.failed.clone().or_else(|| self.shared.queue().refused[self.lane].clone())
    }
}
