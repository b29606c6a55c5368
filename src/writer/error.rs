//! What can go wrong while writing, and what that means for the process.

use std::fmt;

use crate::db;

/// Why a run could not be written. One error ends the writer; every waiter gets the same one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be reached or has the wrong schema.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// Another session holds the writer lock of the database.
    #[error("another writer holds the lock of this database: {holder}")]
    Locked {
        /// Who it is.
        holder: LockHolder,
    },
    /// A batch repeats what was submitted before.
    #[error("batch begins at checkpoint {found}, but the one before ended at {after}")]
    OutOfOrder {
        /// Last checkpoint submitted.
        after: u64,
        /// First checkpoint of the batch.
        found: u64,
    },
    /// Somebody else wrote to the database, for example while the connection was lost.
    #[error("the database stands at checkpoint {found:?}, but this writer left it at {expected:?}")]
    Diverged {
        /// Where this writer left it.
        expected: Option<u64>,
        /// What it found.
        found: Option<u64>,
    },
    /// PostgreSQL refused rows of one table.
    #[error("writing {table} failed in the run up to checkpoint {checkpoint}, height {height}")]
    Refused {
        /// The table, or the step when no table is at fault.
        table: &'static str,
        /// Last checkpoint of the run.
        checkpoint: u64,
        /// Its height.
        height: i64,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// A value does not fit the type of its column.
    #[error("{table}.{column}: {problem}")]
    Encode {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What does not fit.
        problem: &'static str,
    },
    /// Rolling back to a checkpoint whose before-images are not kept.
    #[error("cannot go back to checkpoint {checkpoint}: history is kept down to {oldest:?} only")]
    HistoryGone {
        /// What was asked for.
        checkpoint: u64,
        /// The oldest checkpoint that can be gone back to.
        oldest: Option<u64>,
    },
    /// The role may not silence the triggers of the database.
    #[error("the role {role} may not silence the database's triggers (--triggers ours)")]
    MayNotSilence {
        /// The role, as SQL writes it.
        role: String,
        /// The server is PostgreSQL 15 or later.
        can_be_granted: bool,
    },
    /// The writer ended without an error, or its task died.
    #[error("the writer has stopped")]
    Stopped,
}

/// The session that holds the writer lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockHolder {
    /// Server process id of the session.
    pub pid: Option<i32>,
    /// Its `application_name`.
    pub application: String,
    /// Its client address; empty for a local socket.
    pub host: String,
    /// When its session began, RFC 3339.
    pub since: String,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "pid {pid}")?,
            None => write!(f, "pid unknown")?,
        }
        if !self.application.is_empty() {
            write!(f, " ({})", self.application)?;
        }
        match self.host.as_str() {
            "" => write!(f, " on the database's own host")?,
            host => write!(f, " from {host}")?,
        }
        write!(f, " since {}", self.since)
    }
}

/// What an error means to a calling script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// An error outside the writer: see [`db::ErrorKind`].
    Database(db::ErrorKind),
    /// Another process writes: exit code 5.
    Locked,
    /// The role lacks a right: exit code 3.
    Rights,
    /// A row was refused, or the database is not where it should be: exit code 6.
    Data,
}

impl Error {
    /// What the error means to a calling script.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Database(error) => ErrorKind::Database(error.kind()),
            Self::Locked { .. } => ErrorKind::Locked,
            Self::MayNotSilence { .. } => ErrorKind::Rights,
            Self::OutOfOrder { .. }
            | Self::Diverged { .. }
            | Self::Refused { .. }
            | Self::Encode { .. }
            | Self::HistoryGone { .. }
            | Self::Stopped => ErrorKind::Data,
        }
    }

    /// Whether the same transaction may succeed on a second try.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(error) => error.is_retryable(),
            Self::Refused { source, .. } => db::is_transient(source),
            Self::Locked { .. }
            | Self::OutOfOrder { .. }
            | Self::Diverged { .. }
            | Self::Encode { .. }
            | Self::HistoryGone { .. }
            | Self::MayNotSilence { .. }
            | Self::Stopped => false,
        }
    }
}
