//! Why two databases could not be compared.

use super::Side;
use crate::db;

/// Why a comparison did not come to a verdict.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of the servers is away, or refused a statement.
    #[error("{side} database")]
    Database {
        /// Which one.
        side: Side,
        /// What went wrong there.
        source: db::Error,
    },
    /// There is no stretch of the chain that both databases have indexed.
    #[error("{reason}")]
    Window {
        /// Why not, naming the side.
        reason: String,
    },
    /// The role that reads does not see all rows or columns of a table.
    #[error("{side} database: {problem}")]
    Hidden {
        /// Which one.
        side: Side,
        /// The table, and what hides it from whom.
        problem: String,
        /// The way out.
        remedy: String,
    },
    /// A replica cancelled statements for the sake of recovery again and again.
    #[error("{side} database is a replica that cancels what is read from it, {times} times now")]
    Replica {
        /// Which one.
        side: Side,
        /// How often it was tried.
        times: usize,
        /// What the server said last.
        source: db::Error,
    },
    /// What was asked for names something that is not there.
    #[error("{0}")]
    Usage(String),
    /// A file of known differences, or a snapshot, makes no sense.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} {path}")]
    Io {
        /// `read`, `create` or `write`.
        doing: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The run was asked to stop before it came to a verdict.
    #[error("interrupted before there was a verdict")]
    Interrupted,
}

impl Error {
    /// Whether a replica gave up the statement, or the whole connection, because of what it had to
    /// replay.
    pub(crate) fn is_recovery_conflict(&self) -> bool {
        let Self::Database {
            source: db::Error::Query { source, .. } | db::Error::Unreachable { source, .. },
            ..
        } = self
        else {
            return false;
        };
        let code = source.as_database_error().and_then(|error| error.code());
        code.is_some_and(|code| matches!(&*code, "40001" | "40P01"))
    }

    /// Whether it may go better when begun anew: a conflict, or a connection that went away.
    pub(crate) fn may_pass(&self) -> bool {
        // A replica cancels what a new connection asks first, too.
        self.is_recovery_conflict()
            || match self {
                Self::Database { source: source @ db::Error::Query { .. }, .. } => {
                    source.is_retryable()
                }
                _ => false,
            }
    }

    /// Wraps an error of one side's database.
    pub(crate) fn on(side: Side) -> impl Fn(db::Error) -> Self {
        move |source| Self::Database { side, source }
    }
}
