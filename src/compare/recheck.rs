//! A second look at the rows that differed, for databases that are written to meanwhile.

use std::time::Duration;

use super::again::again;
use super::session::Session;
use super::shared::Run;
use super::spool::Spool;
use super::table::{IN_FULL_AT_ONCE, TableRun};
use super::{Error, TableResult};

impl<'a> TableRun<'a> {
    /// Reads the rows that differed once more, in new snapshots, and keeps those that still differ.
    pub(crate) async fn recheck(&mut self) -> Result<(), Error> {
        if self.spool.len() == 0 {
            return Ok(());
        }
        let mut before = std::mem::take(&mut self.spool);
        let (run, this) = (self.run, &*self);
        let look = async || this.second_look(&mut before).await;
        let second = again(&run.cancel, &self.plan.name, || run.forget_idle(), look).await?;
        *self = second;
        Ok(())
    }

    async fn second_look(&self, before: &mut Spool) -> Result<Self, Error> {
        let first = &self.result;
        let mut second = TableRun::new(self.run, self.plan);
        second.result = TableResult {
            different: 0,
            missing_in_prod: 0,
            missing_in_etl: 0,
            known: 0,
            tally: Default::default(),
            ..first.clone()
        };
        let mut etl = self.run.etl.session().await?;
        let mut prod = self.run.prod.session().await?;
        tokio::try_join!(etl.begin(), prod.begin())?;
        let mut batch: Vec<(String, Option<String>)> = Vec::new();
        let mut last: Option<String> = None;
        let flagged = before.len();
        for difference in before.read()? {
            let difference = difference?;
            // Several differences may share an identity; its rows are judged together.
            if last.as_ref() == Some(&difference.identity) {
                continue;
            }
            last = Some(difference.identity.clone());
            batch.push((difference.identity, difference.first));
            if batch.len() == IN_FULL_AT_ONCE {
                second.judge_rest(&mut etl, &mut prod, &std::mem::take(&mut batch)).await?;
            }
        }
        second.judge_rest(&mut etl, &mut prod, &batch).await?;
        tokio::try_join!(etl.finish(), prod.finish())?;
        let newly_ahead = second.result.ahead - first.ahead;
        let old = (first.known + first.differences()).max(flagged);
        second.result.transient = old.saturating_sub(second.spool.len() + newly_ahead);
        second.result.matched += second.result.transient;
        Ok(second)
    }

    async fn judge_rest(
        &mut self,
        etl: &mut Session,
        prod: &mut Session,
        batch: &[(String, Option<String>)],
    ) -> Result<(), Error> {
        let judgement = self.judge_again(etl, prod, batch).await?;
        self.result.ahead += judgement.ahead;
        judgement.differences.iter().try_for_each(|difference| self.keep(difference))
    }
}

impl Run {
    /// Pauses until flagged rows are due to be read again.
    pub(crate) async fn wait(&self, pause: Duration) -> Result<(), Error> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.cancel.cancelled() => Err(Error::Interrupted),
        }
    }
}
