//! A source over two chains: one up to a height, then another from a height of its own.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{BlockSource, Error, Fetched, ReadGauge, SourceConfig, open};

/// Blocks of one chain and, behind its last height, of the next.
pub(super) struct SwitchingSource {
    /// The chain that is read now.
    now: Box<dyn BlockSource>,
    /// The last height of the first chain, and what comes after it.
    then: Option<(i64, SourceConfig)>,
    /// The next chain while it is opened.
    opening: Option<BoxFuture<'static, Result<Box<dyn BlockSource>, Error>>>,
    /// Highest block so far.
    reached: i64,
}

impl SwitchingSource {
    /// Opens `first`, which ends with a height, and `then` once that has been returned. Of a source
    /// that holds both, the other chain's blocks are passed over.
    pub(super) async fn open(first: SourceConfig, then: SourceConfig) -> Result<Self, Error> {
        let last = first.end_inclusive.unwrap_or(i64::MAX);
        let reached = first.start - 1;
        let now = open(first).await?;
        Ok(Self { now, then: Some((last, then)), opening: None, reached })
    }

    /// The chain has ended: opens the next one, unless this one ended early.
    fn go_over(&mut self) -> bool {
        let Some((last, mut config)) = self.then.take() else { return false };
        let chain = self.now.chain_id().map(str::to_owned);
        if self.reached < last {
            tracing::warn!(
                chain,
                reached = self.reached,
                last,
                "the source ends below the height at which its chain is left; a later run goes on"
            );
            return false;
        }
        tracing::info!(chain, last, first = config.start, "the chain is left for the next one");
        config.activity.begins_chain();
        config.behind = chain;
        self.opening = Some(open(config).boxed());
        true
    }
}

impl BlockSource for SwitchingSource {
    fn chain_id(&self) -> Option<&str> {
        self.now.chain_id()
    }

    fn head(&self) -> Option<i64> {
        self.now.head()
    }

    fn is_live(&self) -> bool {
        self.now.is_live()
    }

    /// Nothing: how much one source has read says nothing of the other.
    fn gauge(&self) -> Option<ReadGauge> {
        None
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Fetched, Error>> {
        async move {
            loop {
                if let Some(opening) = &mut self.opening {
                    let opened = opening.await;
                    self.opening = None;
                    self.now = opened?;
                }
                let fetched = self.now.next().await?;
                match &fetched {
                    Fetched::Blocks(blocks) => {
                        self.reached = blocks.last().map_or(self.reached, |block| block.height);
                    }
                    Fetched::End if self.go_over() => continue,
                    Fetched::AtHead { .. } | Fetched::End => {}
                }
                return Ok(fetched);
            }
        }
        .boxed()
    }
}
