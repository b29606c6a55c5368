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
        /// `read` or `write`.
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
    /// Wraps an error of one side's database.
    pub(crate) fn on(side: Side) -> impl Fn(db::Error) -> Self {
        move |source| Self::Database { side, source }
    }
}
