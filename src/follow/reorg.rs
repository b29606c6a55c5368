//! Going back to the last block that is still part of the chain.

use super::headers::Link;
use super::{Error, Follower, Turn};
use crate::writer;

/// Blocks to go back where nothing that is known is part of the chain: the depth below which the
/// chain is final.
const FINAL_DEPTH: u64 = 64;

impl Follower {
    /// Finds the last known block that is part of the node's chain and takes the database back to a
    /// checkpoint at or below it.
    pub(super) async fn go_back(&mut self) -> Result<Turn, Error> {
        self.low_since = None;
        self.writer.flush().await?;
        let tip = self.chain.tip().block;
        let common = self.common_block().await?;
        if common.is_some_and(|link| link.block == tip) {
            // The node changed its mind again, or another one answered.
            return Ok(Turn::Soon);
        }
        let depth = common.map(|link| tip.number - link.block.number);
        tracing::warn!(%tip, depth, "the chain was reorganised");
        self.status.send_modify(|status| status.reorganisations += 1);
        let Some(common) = common else {
            let lowest = self.chain.lowest().map_or(0, |link| link.block.number);
            let head = self.provider.head().await?.number;
            if head < lowest.saturating_sub(FINAL_DEPTH) {
                return Err(Error::AboveEveryHead { stored: tip.number, head });
            }
            let below = self.header_at(lowest.saturating_sub(FINAL_DEPTH)).await?;
            self.restart(Link::of(&below)).await?;
            return Ok(Turn::Again);
        };
        self.doubts.retain(|doubt| doubt.block.number <= common.block.number);
        let stored = self.chain.downwards().find(|link| link.checkpoint.is_some()).copied();
        if stored.is_some_and(|stored| stored.block.number <= common.block.number) {
            // Nothing of the lost blocks was written.
            self.chain.cut_above(common.block.number);
            return Ok(Turn::Again);
        }
        let target = self
            .chain
            .downwards()
            .find(|link| link.block.number <= common.block.number && link.checkpoint.is_some())
            .copied();
        let Some(Link { checkpoint: Some(id), block, .. }) = target else {
            self.restart(common).await?;
            return Ok(Turn::Again);
        };
        match self.writer.rollback_to(id).await {
            Ok(_) => {
                self.chain.cut_above(block.number);
                self.effects.forget_above(id);
            }
            Err(error) if matches!(*error, writer::Error::HistoryGone { .. }) => {
                self.restart(common).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Turn::Again)
    }

    /// The highest known block that the node's chain has, too.
    async fn common_block(&self) -> Result<Option<Link>, Error> {
        for link in self.chain.downwards() {
            let found = self.provider.header_at(link.block.number).await?;
            if found.is_some_and(|header| header.hash == link.block.hash) {
                return Ok(Some(*link));
            }
        }
        Ok(None)
    }

    /// Takes the chain up at a block below all that is lost, without before-images: whatever was
    /// read above it is read again.
    pub(super) async fn restart(&mut self, link: Link) -> Result<(), Error> {
        tracing::warn!(block = %link.block, "no history reaches back that far; balances are read again");
        self.chain = [Link { checkpoint: None, ..link }].into_iter().collect();
        let mut write = self.empty_write(link.block, link.timestamp);
        write.restart = true;
        self.submit(write, 0, false)?;
        self.writer.flush().await?;
        Ok(())
    }
}
