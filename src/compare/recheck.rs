//! A second look at the rows that differed, for databases that are written to meanwhile.

use std::time::Duration;

use super::Error;
use super::run::Run;
use super::session::Session;
use super::table::{IN_FULL_AT_ONCE, TableRun};

impl TableRun<'_> {
    /// Reads the rows that differed once more, in new snapshots, and keeps those that still differ.
    pub(crate) async fn recheck(&mut self) -> Result<(), Error> {
        if self.spool.len() == 0 {
            return Ok(());
        }
        let mut before = std::mem::take(&mut self.spool);
        let flagged = before.len();
        let old = std::mem::take(&mut self.result.known) + self.result.differences();
        self.result.different = 0;
        self.result.missing_in_prod = 0;
        self.result.missing_in_etl = 0;
        let ahead = self.result.ahead;
        let mut etl = self.run.etl.session().await?;
        let mut prod = self.run.prod.session().await?;
        tokio::try_join!(etl.begin(), prod.begin())?;
        let mut batch: Vec<(String, Option<String>)> = Vec::new();
        let mut last: Option<String> = None;
        for difference in before.read()? {
            let difference = difference?;
            // Several differences may share an identity; its rows are judged together.
            if last.as_ref() == Some(&difference.identity) {
                continue;
            }
            last = Some(difference.identity.clone());
            batch.push((difference.identity, difference.first));
            if batch.len() == IN_FULL_AT_ONCE {
                self.judge_rest(&mut etl, &mut prod, &std::mem::take(&mut batch)).await?;
            }
        }
        self.judge_rest(&mut etl, &mut prod, &batch).await?;
        tokio::try_join!(etl.finish(), prod.finish())?;
        let still = self.spool.len();
        let newly_ahead = self.result.ahead - ahead;
        self.result.transient = old.max(flagged).saturating_sub(still + newly_ahead);
        self.result.matched += self.result.transient;
        Ok(())
    }

    async fn judge_rest(
        &mut self,
        etl: &mut Session,
        prod: &mut Session,
        batch: &[(String, Option<String>)],
    ) -> Result<(), Error> {
        for judgement in self.judge_again(etl, prod, batch).await? {
            self.result.ahead += judgement.ahead;
            for difference in judgement.differences {
                self.count(difference.kind, difference.is_known());
                self.spool.push(&difference)?;
            }
        }
        Ok(())
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
