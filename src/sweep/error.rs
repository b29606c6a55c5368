//! What can stop a sweep.

use crate::{db, eth};

/// Why a sweep could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] eth::Error),
}

impl Error {
    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(error) => error.is_retryable(),
            Self::Chain(error) => error.is_retryable(),
        }
    }
}
