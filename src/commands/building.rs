//! Looks at the indexes that a server builds while a command waits for them.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::task::JoinHandle;

use crate::db::Database;
use crate::db::building::building;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks until it is dropped.
#[derive(Debug)]
pub(crate) struct BuildWatch(JoinHandle<()>);

impl BuildWatch {
    /// Tells what is being built on `database`, again and again, while there `may` be something;
    /// nothing where there is not.
    pub(crate) fn start(
        database: &Database,
        may: impl Fn() -> bool + Send + 'static,
        tell: impl Fn(Option<String>) + Send + 'static,
    ) -> Self {
        let database = database.clone();
        Self(tokio::spawn(async move {
            let mut connection: Option<PgConnection> = None;
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                if !may() {
                    connection = None;
                    tell(None);
                    continue;
                }
                if connection.is_none() {
                    connection = database.connect().await.ok();
                }
                let Some(open) = &mut connection else { continue };
                match building(open).await {
                    Ok(found) => tell(found.map(|found| found.to_string())),
                    Err(error) => {
                        tracing::debug!(%error, "cannot see what is being built");
                        connection = None;
                    }
                }
            }
        }))
    }
}

impl Drop for BuildWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
