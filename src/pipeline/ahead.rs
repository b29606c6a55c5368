//! The batch after the one at hand: its rows are loaded while that one is applied.

use std::{sync::Arc, time::Instant};

use super::{
    Error,
    apply::{Foreseen, Unsettled},
    input::Next,
    state::{Loading, Ready, Running, Upcoming},
};
use crate::model::Block;

/// How often rows are looked up through rows that were just loaded: a reaction leads to a comment,
/// that to a track, that to its owner.
const ROUNDS: usize = 3;

impl Running {
    /// Starts loading for a batch. What is loaded has to be taken in before rows are dropped from
    /// memory again: until then, whatever is changed meanwhile is in memory, and wins.
    pub(super) async fn look_ahead(&self, next: Next, is_counted: bool) -> Result<Upcoming, Error> {
        let (blocks, summary) = match next {
            Next::Batch(blocks, summary) => (blocks, summary),
            Next::Turn(turn) => return Ok(Upcoming::Turn(turn)),
            Next::AtHead(head) => return Ok(Upcoming::AtHead(head)),
            Next::End => return Ok(Upcoming::End),
            Next::Failed(error) => return Ok(Upcoming::Failed(error)),
        };
        let blocks: Arc<[Arc<Block>]> = blocks.into();
        let committed = self.writer.committed();
        let Foreseen { requests, unsettled } = self.foresee(&blocks, None).await?;
        let (loader, batch) = (Arc::clone(&self.loader), Arc::clone(&blocks));
        let rows = tokio::spawn(async move {
            let txs = batch.iter().flat_map(|block| &block.txs);
            let hashes: Vec<&str> = txs.map(|tx| tx.hash.as_str()).collect();
            let loaded = tokio::try_join!(loader.load(requests), loader.known_hashes(&hashes));
            loaded.map_err(Error::from)
        });
        let summary = *summary;
        let loading = Loading { blocks, summary, is_counted, committed, unsettled, rows };
        Ok(Upcoming::Batch(Box::new(loading)))
    }

    /// Takes in what was loaded for a batch, and loads what only those rows let foresee.
    pub(super) async fn loaded(&self, loading: Loading) -> Result<Ready, Error> {
        let Loading { blocks, mut summary, is_counted, committed, unsettled, rows } = loading;
        let height = blocks.first().map_or(0, |block| block.height);
        let gone = || Error::Ended { stage: "load", height };
        let started = Instant::now();
        let (rows, known_hashes) = rows.await.map_err(|_panic| gone())??;
        self.apply
            .call(move |applier| {
                applier.store_mut().begin_generation();
                applier.absorb(rows);
            })
            .await
            .ok_or_else(gone)?;
        summary.time.load += started.elapsed();
        let evicted = self.await_capacity(&mut summary).await?;
        let started = Instant::now();
        let mut again = (!evicted).then_some(unsettled);
        for _ in 0..ROUNDS {
            let Foreseen { requests, unsettled } = self.foresee(&blocks, again).await?;
            if requests.is_empty() {
                break;
            }
            let rows = self.loader.load(requests).await?;
            self.apply.call(move |applier| applier.absorb(rows)).await.ok_or_else(gone)?;
            again = Some(unsettled);
        }
        summary.time.load += started.elapsed();
        Ok(Ready { blocks, summary, known_hashes, committed, is_counted })
    }

    async fn foresee(
        &self,
        blocks: &Arc<[Arc<Block>]>,
        again: Option<Unsettled>,
    ) -> Result<Foreseen, Error> {
        let batch = Arc::clone(blocks);
        let foreseen = self.apply.call(move |applier| applier.preload(&batch, again)).await;
        let height = blocks.first().map_or(0, |block| block.height);
        foreseen.ok_or(Error::Ended { stage: "apply", height })
    }
}
