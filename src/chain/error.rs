//! What can go wrong while reading blocks.

use std::io;

use super::core_json::FormError;
use super::origin::Origin;

/// What the operator can do about an [`Error`]; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The sources as given make no sense: change the command line.
    Usage,
    /// No source answers.
    Unreachable,
    /// What was read contradicts itself or what was indexed before.
    Data,
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The list of sources is empty or mixes what can't be mixed.
    #[error("{problem}")]
    Sources {
        /// What is wrong with it.
        problem: String,
    },
    /// A URL that is none, or a path or pattern that leads to no archive.
    #[error("source `{source_text}`: {problem}")]
    UnusableSource {
        /// The source as given.
        source_text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An archive that can't be written.
    #[error("cannot write {path}")]
    Write {
        /// The archive.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A file that can't be opened.
    #[error("cannot {action} {path}")]
    File {
        /// `open`, `create` …
        action: &'static str,
        /// The path.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// An archive whose content can't be read as blocks.
    #[error("{origin}: {problem}")]
    Corrupt {
        /// Where.
        origin: Origin,
        /// What is wrong there.
        problem: String,
    },
    /// Heights inside a source that don't follow each other.
    #[error("{origin}: block {found} follows block {previous}: {}", gap_text(*previous, *found))]
    NotContiguous {
        /// Where the second block was read.
        origin: Origin,
        /// Height before it.
        previous: i64,
        /// Its height.
        found: i64,
    },
    /// A block of another chain.
    #[error(
        "{origin}: the block belongs to chain `{found}`, but `{expected}` is being indexed; \
         heights of two chains are not comparable. If the network moved to a new chain, go on \
         there with --then, or start it from its first block with --new-chain"
    )]
    WrongChain {
        /// Where it was read.
        origin: Origin,
        /// The chain that is being read.
        expected: String,
        /// The chain of the block.
        found: String,
    },
    /// The chain to go on with is the one that is left.
    #[error(
        "the source to go on with has chain `{chain}` too, which is the one that is left; name one \
         of the next chain with --then"
    )]
    SameChain {
        /// Its id.
        chain: String,
    },
    /// An indexed height has another hash now.
    #[error(
        "{origin}: block {height} has hash {found}, but was indexed with hash {expected}; blocks \
         of this chain are final, so this is a wrong node or a new chain with an old name"
    )]
    ChangedHash {
        /// Where it was read.
        origin: Origin,
        /// The height.
        height: i64,
        /// Hash as indexed.
        expected: String,
        /// Hash as read.
        found: String,
    },
    /// No endpoint answered, after all retries.
    #[error("no core node answers: {}", join_reasons(endpoints))]
    Unreachable {
        /// Redacted URL and reason, in the order of the sources.
        endpoints: Vec<(String, String)>,
    },
    /// Every endpoint answers, and none gives the next block.
    #[error("no core node serves block {height}: {}", join_reasons(endpoints))]
    NoBlock {
        /// The block.
        height: i64,
        /// Redacted URL and reason, in the order of the sources.
        endpoints: Vec<(String, String)>,
    },
    /// A block that can't be written in the archive's format.
    #[error("block {height}")]
    Form {
        /// Its height.
        height: i64,
        /// Which part has no such form.
        source: FormError,
    },
    /// Reading ended before with an error that was reported then.
    #[error("reading stopped after an earlier error")]
    Stopped,
}

impl Error {
    /// What the operator can do about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Sources { .. } | Self::UnusableSource { .. } | Self::File { .. } => {
                ErrorKind::Usage
            }
            Self::Unreachable { .. } | Self::NoBlock { .. } => ErrorKind::Unreachable,
            Self::Corrupt { .. }
            | Self::Write { .. }
            | Self::NotContiguous { .. }
            | Self::WrongChain { .. }
            | Self::SameChain { .. }
            | Self::ChangedHash { .. }
            | Self::Form { .. }
            | Self::Stopped => ErrorKind::Data,
        }
    }

    /// Whether the same sources may answer later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoBlock { .. })
    }
}

fn gap_text(previous: i64, found: i64) -> String {
    match found - previous {
        0 => "the same height twice".to_owned(),
        step if step < 0 => "heights run backwards".to_owned(),
        2 => format!("block {} is missing", previous + 1),
        _ => format!("blocks {} to {} are missing", previous + 1, found - 1),
    }
}

fn join_reasons(endpoints: &[(String, String)]) -> String {
    let parts: Vec<_> =
        endpoints.iter().map(|(endpoint, reason)| format!("{endpoint}: {reason}")).collect();
    parts.join("; ")
}
