//! Fills the raw rows of blocks that have none: reads a range of heights, leaves out what is
//! recorded, and writes the rest without touching entity rows.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    Applier, Attempt, Cursor, End, Error,
    input::{self, Batches, Next},
};
use crate::{
    chain::BlockSource,
    db::load::Loader,
    decode::Pool,
    eras::{Numbering, Record, chain_rows::ChainRows, schedule::Changes},
    model::Block,
    writer::{RawBlocks, WrittenBlock},
};

/// Blocks and transactions of one SQL transaction at most.
const BATCH: (usize, usize) = (1_000, 5_000);

/// Rounds of loading after which a batch counts as stuck; proofs and addresses need two.
const MAX_ROUNDS: usize = 100;

/// A range of heights to fill.
pub struct BlockBackfill<'a> {
    /// Loads rows.
    pub loader: &'a Loader,
    /// Writes rows.
    pub writer: &'a mut RawBlocks,
    /// How blocks and plays are recorded in each era, in order.
    pub records: Arc<[Record]>,
    /// Where eras change.
    pub changes: Changes,
    /// What blocks and plays are numbered by, up to here.
    pub numbering: Numbering,
    /// Fill production's `plays`, for heights that nobody has indexed.
    pub plays: bool,
}

/// What a backfill did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Blocks written.
    pub blocks: u64,
    /// Blocks read that were recorded already.
    pub known: u64,
    /// Rows by table, in the order of first writing.
    pub rows: Vec<(&'static str, u64)>,
    /// The last height that is done.
    pub height: i64,
}

impl BlockBackfill<'_> {
    /// Runs to the end of the source, or until `cancel` fires. `report` is called after every
    /// transaction.
    ///
    /// # Errors
    /// The first error of any stage. What was written before stays.
    pub async fn run(
        mut self,
        source: Box<dyn BlockSource>,
        cancel: &CancellationToken,
        mut report: impl FnMut(&Filled),
    ) -> Result<(End, Filled), Error> {
        let pool = Pool::new(0).map_err(|error| Error::Thread(std::io::Error::other(error)))?;
        let reading = cancel.child_token();
        let _stop_reading = reading.clone().drop_guard();
        let receiver = input::start(source, Arc::new(pool), false, reading);
        let mut batches = Batches::new(receiver, BATCH.0, BATCH.1, Changes::default());
        let mut filled = Filled::default();
        loop {
            let next = tokio::select! {
                // First: reading ends with it too, which looks like the end of the source.
                biased;
                () = cancel.cancelled() => return Ok((End::Interrupted, filled)),
                next = batches.next() => next,
            };
            match next {
                Next::Batch(blocks, _) => self.fill(blocks, &mut filled).await?,
                // Nothing is in memory from one batch to the next.
                Next::Turn(_) => {}
                Next::AtHead(_) | Next::End => return Ok((End::Finished, filled)),
                Next::Failed(error) => return Err(error),
            }
            report(&filled);
        }
    }

    async fn fill(&mut self, blocks: Vec<Arc<Block>>, filled: &mut Filled) -> Result<(), Error> {
        let Some(last) = blocks.last().cloned() else { return Ok(()) };
        let heights: Vec<i64> = blocks.iter().map(|block| block.height).collect();
        let recorded = self.writer.recorded(&heights).await.map_err(Arc::new)?;
        let indexed = self.writer.indexed(&last.chain_id, &heights).await.map_err(Arc::new)?;
        let before = blocks.len();
        let blocks: Vec<_> =
            blocks.into_iter().filter(|block| !recorded.contains(&block.height)).collect();
        filled.known += (before - blocks.len()) as u64;
        filled.height = last.height;
        if blocks.is_empty() {
            return Ok(());
        }
        let heights = blocks.iter().map(|block| block.height);
        let with_plays = heights.filter(|height| self.plays && !indexed.contains(height));
        let era = ChainRows {
            records: Arc::clone(&self.records),
            changes: self.changes.clone(),
            with_plays: with_plays.collect(),
        };
        let mut written = self.apply(&blocks, era).await?;
        self.mark_duplicates(&mut written).await?;
        let (known, new): (Vec<_>, Vec<_>) =
            written.into_iter().partition(|block| indexed.contains(&block.block.height));
        let rows = self.writer.write(new, known).await.map_err(Arc::new)?;
        for (table, count) in rows {
            match filled.rows.iter_mut().find(|(name, _)| *name == table) {
                Some((_, rows)) => *rows += count,
                None => filled.rows.push((table, count)),
            }
        }
        filled.blocks += blocks.len() as u64;
        Ok(())
    }

    /// The blocks with the rows of the chain itself. Nothing stays in memory from one batch to the
    /// next.
    async fn apply(
        &mut self,
        blocks: &[Arc<Block>],
        era: ChainRows,
    ) -> Result<Vec<WrittenBlock>, Error> {
        let cursor = Cursor { numbering: self.numbering.clone(), ..Cursor::default() };
        let mut applier = Applier::new(cursor, Box::new(era));
        let mut attempt = applier.attempt(blocks);
        for _ in 0..MAX_ROUNDS {
            let requests = match attempt {
                Attempt::Done(applied) => {
                    self.numbering = applier.cursor().numbering.clone();
                    return Ok(applied.batch.blocks);
                }
                Attempt::Missing(requests) => requests,
            };
            let answers = self.loader.load(requests).await?;
            attempt = applier.answer(blocks, answers);
        }
        let height = blocks.first().map_or(0, |block| block.height);
        Err(Error::NeverComplete { height, rounds: MAX_ROUNDS })
    }

    async fn mark_duplicates(&self, blocks: &mut [WrittenBlock]) -> Result<(), Error> {
        let hashes: Vec<&str> = blocks
            .iter()
            .flat_map(|block| block.block.txs.iter().map(|tx| tx.hash.as_str()))
            .collect();
        let known = self.loader.known_hashes(&hashes).await?;
        for block in blocks {
            let txs = block.block.txs.iter().enumerate();
            block.duplicates =
                txs.filter(|(_, tx)| known.contains(&tx.hash)).map(|(index, _)| index).collect();
        }
        Ok(())
    }
}
