//! Going on behind a transaction whose rows the database refuses, although every rule let them pass.
//!
//! The writer finds the block and stops before it. Here memory goes back to what is durable, the
//! transaction is found by leaving out others and asking the server each time, and what came after
//! is applied again, from the blocks that were kept until they are written. The refused transaction
//! becomes [`TxBody::Refused`], which has no effect and a row with the server's words, in the
//! transaction of its block: whoever starts again finds the same rows.

use std::{collections::VecDeque, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    Error,
    event::{PipelineEvent, Summary},
    input::Next,
    state::{Loading, Running, Upcoming},
};
use crate::{
    decode,
    eras::Numbering,
    model::{Block, TxBody, block::Refused},
    writer::Words,
};

impl Running {
    /// Leaves out the transaction that the database refused, if that is what `error` is about, and
    /// makes everything after it to be applied again.
    ///
    /// # Errors
    /// `error`, if it is about something else; a failure on the way.
    pub(super) async fn work_around(
        &mut self,
        error: Error,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let Error::Write(refusal) = &error else { return Err(error) };
        let Some(words) = refusal.refusal() else { return Err(error) };
        let committed = self.writer.committed();
        self.unwritten.forget_written(committed);
        self.recent.retain(|_, checkpoint| *checkpoint <= committed);
        let Some((block, _, before)) = self.unwritten.handed_over.pop_front() else {
            return Err(error);
        };
        tracing::warn!(
            height = block.height,
            code = words.code,
            words = words.text,
            "the database refuses a block for its data; looking for the transaction"
        );
        let block = self.parsed(block).await?;
        let found = match self.at_fault(&block, &before, cancel).await? {
            Search::Interrupted => {
                self.writer.resume();
                return Ok(());
            }
            Search::Block => return Err(error),
            Search::Transactions(found) => found,
        };
        let nothing = found.is_empty();
        if nothing && self.unwritten.unexplained.replace(block.height) == Some(block.height) {
            return Err(error);
        }
        self.tell(&block, &found).await;
        self.start_over(before).await?;
        self.apply_again(Arc::new(without(&block, &found, block.txs.len()))).await?;
        self.writer.resume();
        Ok(())
    }

    /// Queues `first` and everything that was read after it.
    async fn apply_again(&mut self, first: Arc<Block>) -> Result<(), Error> {
        let mut again = VecDeque::from([(Next::Batch(vec![first], Box::default()), true)]);
        let kept = std::mem::take(&mut self.unwritten.handed_over);
        let mut blocks = Vec::new();
        for (block, ..) in kept {
            blocks.push(Arc::new(self.parsed(block).await?));
            if blocks.len() == self.limits.batch_blocks {
                again.push_back((Next::Batch(std::mem::take(&mut blocks), Box::default()), true));
            }
        }
        if !blocks.is_empty() {
            again.push_back((Next::Batch(blocks, Box::default()), true));
        }
        again.extend(self.unwritten.at_hand.take());
        again.extend(self.upcoming.take().map(|upcoming| match upcoming {
            Upcoming::Batch(loading) => {
                let Loading { blocks, summary, is_counted, rows, .. } = *loading;
                // What is loaded for it rests on memory that is gone.
                rows.abort();
                (Next::Batch(blocks.to_vec(), Box::new(summary)), is_counted)
            }
            Upcoming::Turn(turn) => (Next::Turn(turn), true),
            Upcoming::AtHead(head) => (Next::AtHead(head), false),
            Upcoming::End => (Next::End, false),
            Upcoming::Failed(error) => (Next::Failed(error), false),
        }));
        again.append(&mut self.unwritten.again);
        self.unwritten.again = again;
        Ok(())
    }

    /// Finds the transactions without which the database takes the block: the last one of the
    /// shortest part of the block that it refuses, again and again.
    async fn at_fault(
        &mut self,
        block: &Block,
        before: &Numbering,
        cancel: &CancellationToken,
    ) -> Result<Search, Error> {
        let all = block.txs.len();
        let mut found: Found = Vec::new();
        let mut fits = 0;
        if self.refuses(block, &found, 0, before).await?.is_some() {
            return Ok(Search::Block);
        }
        while let Some(mut words) = self.refuses(block, &found, all, before).await? {
            let mut refused = all;
            while refused - fits > 1 {
                if cancel.is_cancelled() {
                    return Ok(Search::Interrupted);
                }
                let middle = fits.midpoint(refused);
                match self.refuses(block, &found, middle, before).await? {
                    Some(said) => (refused, words) = (middle, said),
                    None => fits = middle,
                }
            }
            if refused == fits {
                return Ok(Search::Block);
            }
            found.push((fits, words));
            fits = refused;
        }
        Ok(Search::Transactions(found))
    }

    /// Why the database refuses the block with its first `kept` transactions, but for those that
    /// were found; `None` if it takes that.
    async fn refuses(
        &mut self,
        block: &Block,
        found: &Found,
        kept: usize,
        before: &Numbering,
    ) -> Result<Option<Words>, Error> {
        self.start_over(before.clone()).await?;
        let trial = Arc::new(without(block, found, kept));
        let applied = self.apply(Arc::from([trial]), &mut Summary::default()).await?;
        let mut batch = applied.batch;
        self.choose_history_mode(&mut batch);
        let outcome = self.writer.rehearse(batch.blocks, batch.in_reorg_threshold).await?;
        match outcome {
            Ok(()) => Ok(None),
            Err(error) => error.refusal().map(Some).ok_or(Error::Write(error)),
        }
    }

    async fn start_over(&self, numbering: Numbering) -> Result<(), Error> {
        let done = self.apply.call(move |applier| applier.start_over(numbering)).await;
        done.ok_or(Error::Ended { stage: "apply", height: 0 })
    }

    /// The block with its metadata parsed, which a block that was handed over has forgotten.
    async fn parsed(&self, block: Arc<Block>) -> Result<Block, Error> {
        let height = block.height;
        // On the thread whose stack is meant for it.
        let parse = move |_: &mut super::Applier| {
            let mut block = Arc::unwrap_or_clone(block);
            decode::parse_again(&mut block);
            block
        };
        self.apply.call(parse).await.ok_or(Error::Ended { stage: "apply", height })
    }

    async fn tell(&self, block: &Block, found: &Found) {
        for (position, words) in found {
            let tx = &block.txs[*position];
            tracing::warn!(
                height = block.height,
                tx = tx.hash,
                code = words.code,
                words = words.text,
                "the database refuses a transaction; it is left out"
            );
        }
        let summary = Summary { refused_by_database: found.len() as u64, ..Summary::default() };
        self.send(PipelineEvent::Refused(Box::new(summary))).await;
    }
}

/// Transactions at fault by position, ascending, with the server's words.
type Found = Vec<(usize, Words)>;

/// What the search for the fault found.
enum Search {
    /// The run was asked to stop.
    Interrupted,
    /// The block is refused whatever it holds.
    Block,
    /// These; none if the block is not refused any more.
    Transactions(Found),
}

/// The block with its first `kept` transactions, but for those that were found.
fn without(block: &Block, found: &Found, kept: usize) -> Block {
    let mut block = block.clone();
    for (position, tx) in block.txs.iter_mut().enumerate() {
        let words = found.iter().find(|(at, _)| *at == position).map(|(_, words)| words.clone());
        if words.is_none() && position < kept {
            continue;
        }
        let Words { code, text } = words.unwrap_or_default();
        let (kind, is_call) = (tx.body.type_name(), tx.body.is_call());
        tx.body = TxBody::Refused(Box::new(Refused { kind, is_call, code, words: text }));
    }
    block
}

#[cfg(test)]
mod tests {
    use super::super::apply::add_refused;
    use super::*;
    use crate::{
        eras::Outcome,
        model::{Timestamp, Tx},
    };

    #[test]
    fn what_is_left_out_keeps_its_hash_its_type_and_the_servers_words() {
        let tx = |hash: &str| Tx { hash: hash.into(), index: 0, body: TxBody::Plays(Vec::new()) };
        let block = Block {
            chain_id: "c".into(),
            height: 1,
            hash: "h".into(),
            proposer: String::new(),
            time: Timestamp::default(),
            txs: vec![tx("a"), tx("b"), tx("c")],
            size: 0,
        };
        let words = Words { code: "23514".into(), text: "no".into() };
        let trial = without(&block, &vec![(0, words)], 2);
        let kinds: Vec<_> = trial.txs.iter().map(|tx| tx.body.type_name()).collect();
        assert_eq!(kinds, ["play"; 3]);
        let is_left_out = |tx: &Tx| matches!(tx.body, TxBody::Refused(_));
        assert_eq!(trial.txs.iter().map(is_left_out).collect::<Vec<_>>(), [true, false, true]);
        let mut outcomes = vec![(1, Outcome::Applied)];
        add_refused(&mut outcomes, &trial);
        let positions: Vec<_> = outcomes.iter().map(|(position, _)| *position).collect();
        assert_eq!(positions, [0, 1, 2]);
        assert!(
            matches!(&outcomes[0].1, Outcome::Failed(reason) if &*reason.detail == "23514: no")
        );
    }
}
