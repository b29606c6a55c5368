//! PostgreSQL outside the writer: connection settings, migrations, and the private cluster.
//!
//! A [`Database`] is settings that have been checked, not a connection: making one touches no
//! network. Its password never leaves it except towards the server.

pub mod aggregates;
pub mod building;
pub mod catalog;
pub mod deferred;
pub mod effects;
pub mod eth_balances;
pub mod eth_seed;
pub mod fitness;
pub mod load;
pub mod migrate;
pub mod plan;
pub mod private;
pub mod refusal;
pub mod releases;
pub mod search_path;
pub mod start;
pub mod status;
pub mod taken_ids;

pub(crate) mod codec;
mod error;
pub(crate) mod layout;
pub(crate) mod param;
mod relay;
pub(crate) mod silence;
mod url;

use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fmt, io};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;

use self::relay::Relay;
use crate::interrupt::Interrupt;

pub use self::error::{Error, ErrorKind, SchemaProblem};
pub(crate) use self::error::{is_transient, is_transient_state, may_be_drift};
pub(crate) use self::url::hide_parameters;
pub use self::url::redacted;

/// How long a server may take to accept a connection. A host that drops packets would otherwise
/// hold a start for minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The name under which connections show up in `pg_stat_activity`.
const APPLICATION_NAME: &str = "audius-etl";

/// Checked connection settings of one database.
#[derive(Clone)]
pub struct Database {
    options: PgConnectOptions,
    redacted: String,
    interrupt: Interrupt,
    /// What carries connections over TCP; `None` inside where there is nothing to be carried.
    relay: Arc<OnceLock<Option<Relay>>>,
    /// How long an answer may take before the server is asked what its session is doing.
    patience: Duration,
}

impl Database {
    /// Reads a `postgres://` or `postgresql://` URL. What it leaves out (user, port, password) is
    /// completed as `psql` does it.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let redacted = redacted(url);
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(Error::Url { url: redacted, source: None });
        }
        let options = PgConnectOptions::from_str(url)
            .map_err(|source| Error::Url { url: redacted.clone(), source: Some(source) })?
            .application_name(APPLICATION_NAME)
            .disable_statement_logging();
        let (interrupt, relay) = (Interrupt::default(), Arc::default());
        Ok(Self { options, redacted, interrupt, relay, patience: silence::PATIENCE })
    }

    /// Another database of the same server, with the same credentials.
    #[must_use]
    pub fn with_name(&self, name: &str) -> Self {
        Self {
            options: self.options.clone().database(name),
            redacted: url::with_name(&self.redacted, name),
            interrupt: self.interrupt.clone(),
            relay: Arc::clone(&self.relay),
            patience: self.patience,
        }
    }

    /// Asks after `patience` without an answer whether the connection still lives.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Enters waits for this database in the list of `interrupt`.
    #[must_use]
    pub fn interrupted_by(self, interrupt: &Interrupt) -> Self {
        Self { interrupt: interrupt.clone(), ..self }
    }

    /// Where waits for this database are entered.
    pub const fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The URL without password, fit for messages and logs.
    pub fn redacted(&self) -> &str {
        &self.redacted
    }

    /// How the driver reaches the server.
    pub(crate) fn options(&self) -> PgConnectOptions {
        match self.relay() {
            Some(relay) => self.options.clone().socket(relay.directory()),
            None => self.options.clone(),
        }
    }

    fn relay(&self) -> Option<&Relay> {
        let start = || {
            let (host, port) = (self.options.get_host(), self.options.get_port());
            if self.options.get_socket().is_some() || host.starts_with('/') {
                return None;
            }
            // An address of version 6 stands in brackets in a URL.
            let relay = Relay::start(host.trim_matches(['[', ']']), port);
            relay.inspect_err(|error| tracing::debug!(%error, "no relay to the server")).ok()
        };
        self.relay.get_or_init(start).as_ref()
    }

    /// Opens one connection, for work that needs a session of its own (locks, the writer).
    pub async fn connect(&self) -> Result<PgConnection, Error> {
        match timeout(CONNECT_TIMEOUT, self.options().connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(source)) => {
                let failure = self.relay().and_then(Relay::failure);
                Err(self.unreachable(failure.map_or(source, sqlx::Error::Io)))
            }
            Err(_elapsed) => {
                let silent = io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
                );
                Err(self.unreachable(silent.into()))
            }
        }
    }

    /// Opens a pool of at most `max_connections`, having made sure that the server answers.
    pub async fn pool(&self, max_connections: u32) -> Result<PgPool, Error> {
        // The pool itself would retry a refused connection until its timeout.
        let probe = self.connect().await?;
        probe.close().await.map_err(|source| self.unreachable(source))?;
        Ok(PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_lazy_with(self.options()))
    }

    fn unreachable(&self, source: sqlx::Error) -> Error {
        Error::Unreachable { url: self.redacted.clone(), source }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.redacted).finish()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_password() {
        let database = Database::parse("postgres://ann:s3cret@db.example:5433/audius").unwrap();
        for text in [format!("{database:?}"), database.to_string()] {
            assert!(!text.contains("s3cret"), "{text}");
            assert!(text.contains("postgres://ann:***@db.example:5433/audius"), "{text}");
        }
    }

    #[test]
    fn a_url_of_something_else_is_a_configuration_error() {
        for url in ["mysql://a:s3cret@b/c", "audius", "postgres://a:s3cret@b:port/c"] {
            let error = Database::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Settings);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn another_database_of_the_server_keeps_the_rest_of_the_url() {
        let database = Database::parse("postgresql:///audius?host=/tmp/x&user=postgres").unwrap();
        assert_eq!(
            database.with_name("other").redacted(),
            "postgresql:///other?host=/tmp/x&user=postgres"
        );
    }
}
