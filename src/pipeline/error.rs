//! Why an index run stopped, by the stage that stopped it.

use std::sync::Arc;

use crate::{chain, db, decode, writer};

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading blocks.
    #[error(transparent)]
    Chain(#[from] chain::Error),
    /// Decoding a block.
    #[error(transparent)]
    Decode(#[from] decode::Error),
    /// Loading rows.
    #[error(transparent)]
    Load(#[from] db::Error),
    /// Writing rows.
    #[error(transparent)]
    Write(#[from] Arc<writer::Error>),
    /// Writing the list of rejected calls.
    #[error("cannot write the list of rejected calls")]
    Rejects(#[from] std::io::Error),
    /// The system refuses a thread.
    #[error("cannot start a worker thread")]
    Thread(#[source] std::io::Error),
    /// A stage ended without saying why.
    #[error("the {stage} stage ended unexpectedly in the batch from block {height}")]
    Ended {
        /// The stage.
        stage: &'static str,
        /// First height of the batch at hand.
        height: i64,
    },
    /// Handlers ask for rows for ever.
    #[error("the batch from block {height} still misses rows after {rounds} rounds of loading")]
    NeverComplete {
        /// First height of the batch.
        height: i64,
        /// Rounds.
        rounds: usize,
    },
}
