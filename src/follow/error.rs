//! Why following Ethereum stopped.

use std::error::Error as _;
use std::sync::Arc;

use crate::{db, eth, writer};

/// Why following stopped, or why a step did not come about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Asking the nodes.
    #[error(transparent)]
    Chain(#[from] eth::Error),
    /// Reading from the database.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// Writing to it.
    #[error(transparent)]
    Write(#[from] Arc<writer::Error>),
    /// The writer ended without an error.
    #[error("the writer has stopped")]
    WriterGone,
    /// The head at which a database would begin is not believed.
    #[error("a node says that the head is block {number}, which is not believed: {reason}")]
    UnlikelyHead {
        /// Its height.
        number: u64,
        /// What speaks against it.
        reason: &'static str,
    },
    /// What is stored is above everything that the nodes have, and no history leads back.
    #[error(
        "the database stands at Ethereum block {stored}, and the head of the nodes is {head}: they \
         lag, or the block came from a node that lied; in that case go back with --eth-rewind-to \
         {head}"
    )]
    AboveEveryHead {
        /// Where the database stands.
        stored: u64,
        /// The newest block of the nodes.
        head: u64,
    },
    /// A block that must be there is not.
    #[error("no node has block {number}")]
    NoBlock {
        /// Its height.
        number: u64,
    },
}

impl Error {
    /// Whether looking at the chain again may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Chain(error) => error.is_retryable(),
            Self::Database(error) => error.is_retryable(),
            Self::NoBlock { .. } | Self::UnlikelyHead { .. } | Self::AboveEveryHead { .. } => true,
            Self::Write(_) | Self::WriterGone => false,
        }
    }

    /// The innermost cause, for a log line.
    pub(super) fn cause(&self) -> String {
        let mut cause = self.source();
        let mut text = String::new();
        while let Some(error) = cause {
            text = error.to_string();
            cause = error.source();
        }
        text
    }
}
