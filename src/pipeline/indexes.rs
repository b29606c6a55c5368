//! The end of an initial sync: the indexes that were left out are built, one at a time, while the
//! writer has nothing to do.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, postgres::PgConnection};
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use super::event::{PipelineEvent, Summary};
use crate::db::{
    Database, Error,
    deferred::{self, DeferredIndex},
};

/// How long a server that went away is waited for, and the pause between two attempts.
const RETRY_FOR: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(1);

/// What is still to be built, and where.
#[derive(Clone, Debug)]
pub struct MissingIndexes {
    database: Database,
    missing: VecDeque<DeferredIndex>,
}

impl MissingIndexes {
    /// Reads what earlier runs and this one have left out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(database: &Database) -> Result<Self, Error> {
        let mut connection = database.connect().await?;
        let missing = deferred::pending(&mut connection).await?.into();
        connection.close().await.map_err(Error::query("closing a connection"))?;
        Ok(Self { database: database.clone(), missing })
    }

    /// Whether every index is there.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// How many are to be built.
    pub fn len(&self) -> usize {
        self.missing.len()
    }

    /// Builds what is missing. With `cancel` it ends early; what is built stays, the rest is built
    /// by a later run.
    ///
    /// # Errors
    /// When the server refuses one, or stays away too long.
    pub async fn build(
        &mut self,
        events: &mpsc::Sender<PipelineEvent>,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let all = self.missing.len();
        let mut connection = None;
        while let Some(index) = self.missing.front() {
            let done = all - self.missing.len();
            tracing::info!(index = index.name, table = index.table, done, all, "building an index");
            let started = Instant::now();
            tokio::select! {
                // The server takes back what an unfinished transaction has done.
                () = cancel.cancelled() => return Ok(()),
                built = build_one(&self.database, &mut connection, index) => built?,
            }
            self.missing.pop_front();
            let mut summary = Summary::default();
            summary.time.indexes = started.elapsed();
            // Events are for people: nobody listening is no reason to stop.
            drop(events.send(PipelineEvent::IndexBuilt(Box::new(summary))).await);
        }
        if let Some(connection) = connection {
            connection.close().await.map_err(Error::query("closing a connection"))?;
        }
        Ok(())
    }
}

/// Builds one index, on a new connection where the last one was lost.
async fn build_one(
    database: &Database,
    connection: &mut Option<PgConnection>,
    index: &DeferredIndex,
) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        let attempt = async {
            let connection = match connection {
                Some(connection) => connection,
                None => connection.insert(database.connect().await?),
            };
            deferred::build(connection, index).await
        };
        match attempt.await {
            Err(error) if error.is_retryable() && started.elapsed() < RETRY_FOR => {
                tracing::warn!(%error, index = index.name, "building an index is tried again");
                *connection = None;
                sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}
