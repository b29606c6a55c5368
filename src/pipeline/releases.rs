//! Scheduled releases while a chain is followed: published between batches, with nothing in memory
//! that knew better.

use std::time::Duration;

use sqlx::Connection as _;
use tokio::time::{Instant, sleep_until};

use crate::db::releases::{self, Mode, Released};
use crate::db::{Database, Error};

/// When to look for releases, and where.
#[derive(Debug)]
pub struct Releases {
    database: Database,
    every: Duration,
    /// The next look; none before the head is reached.
    next: Option<Instant>,
}

impl Releases {
    /// Looks `every` so often, once the head is reached.
    pub const fn new(database: Database, every: Duration) -> Self {
        Self { database, every, next: None }
    }

    /// The head is reached.
    pub(super) fn begin(&mut self) {
        self.next.get_or_insert_with(Instant::now);
    }

    /// Ends when it is time for a look, which it may be at once.
    pub(super) async fn time(&self) {
        match self.next {
            Some(next) => sleep_until(next).await,
            None => std::future::pending().await,
        }
    }

    /// Whether something is due. The next look is later, whatever comes of this one.
    pub(super) async fn are_due(&mut self) -> Result<bool, Error> {
        self.next = Some(Instant::now() + self.every);
        let mut connection = self.database.connect().await?;
        let are_due = releases::are_due(&mut connection).await?;
        connection.close().await.map_err(Error::query("closing a connection"))?;
        Ok(are_due)
    }

    /// Publishes what is due. Triggers fire for this connection, whatever the writer's says.
    pub(super) async fn publish(&self) -> Result<Released, Error> {
        let mut connection = self.database.connect().await?;
        let released = releases::publish(&mut connection, Mode::Apply).await?;
        connection.close().await.map_err(Error::query("closing a connection"))?;
        Ok(released)
    }
}
