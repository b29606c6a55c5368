//! What can go wrong between us and the nodes of a chain.

use std::fmt;
use std::time::Duration;

use alloy::primitives::Address;

use super::classify::Class;

/// Characters of a node's own words that a message quotes.
const QUOTED: usize = 300;

/// One answer that was no result, or none at all.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What it asks for.
    pub class: Class,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Code of the JSON-RPC error.
    pub code: Option<i64>,
    /// The node's words, or ours about the connection; shortened, on one line.
    pub text: String,
    /// How long the node asked us to wait.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A fault that was found here, not told by the node.
    pub(super) fn own(class: Class, text: impl Into<String>) -> Self {
        Self { class, status: None, code: None, text: quoted(&text.into()), retry_after: None }
    }

    pub(super) fn told(class: Class, status: u16, code: Option<i64>, text: &str) -> Self {
        let text = quoted(text);
        Self { class, status: Some(status), code, text, retry_after: None }
    }
}

/// Text of a node, short enough for a message and on one line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(QUOTED));
    for (count, word) in text.split_whitespace().enumerate() {
        if count > 0 {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| !c.is_control()));
        if out.len() > QUOTED {
            let end = out.char_indices().nth(QUOTED).map_or(out.len(), |(at, _)| at);
            out.truncate(end);
            out.push('…');
            break;
        }
    }
    out
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.name())?;
        if let Some(status) = self.status.filter(|&status| status != 200) {
            write!(f, ", HTTP {status}")?;
        }
        if let Some(code) = self.code {
            write!(f, ", code {code}")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

impl std::error::Error for Fault {}

/// Why a chain could not be asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No endpoint was given, or one is no URL we can use.
    #[error("{0}")]
    Config(String),
    /// An endpoint serves another chain.
    #[error("{endpoint} serves chain {found}, expected {expected}")]
    WrongChain {
        /// The endpoint, redacted.
        endpoint: String,
        /// The chain wanted.
        expected: u64,
        /// The chain it has.
        found: u64,
    },
    /// There is no contract where one must be.
    #[error("{endpoint} has no code at {address}, where the contract {contract} should be")]
    NoCode {
        /// The endpoint, redacted.
        endpoint: String,
        /// Name of the contract.
        contract: &'static str,
        /// Its address.
        address: Address,
    },
    /// Every endpoint failed, time and again.
    #[error("no answer to {method} from {endpoint} after {rounds} rounds over all endpoints")]
    Unreachable {
        /// The method called.
        method: &'static str,
        /// The endpoint that failed last, redacted.
        endpoint: String,
        /// How often all endpoints were tried.
        rounds: u32,
        /// The last failure.
        source: Box<Fault>,
    },
    /// A node refused a request that no other endpoint would take either.
    #[error("{endpoint} refused {method}")]
    Refused {
        /// The method called.
        method: &'static str,
        /// The endpoint, redacted.
        endpoint: String,
        /// What it said.
        source: Box<Fault>,
    },
}

/// What an error means to a calling script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The settings make no sense: exit code 2.
    Usage,
    /// The chain cannot be asked: exit code 4.
    Unreachable,
}

impl Error {
    /// What the error means to a calling script.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_) | Self::WrongChain { .. } | Self::NoCode { .. } => ErrorKind::Usage,
            Self::Unreachable { .. } | Self::Refused { .. } => ErrorKind::Unreachable,
        }
    }

    /// Whether the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
            || matches!(self, Self::Refused { source, .. }
                if matches!(source.class, Class::Missing | Class::Timeout | Class::HalveAndWait))
    }

    /// Whether a node does not have the block or the state that was asked for: orphaned, pruned or
    /// not there yet.
    pub fn is_missing(&self) -> bool {
        self.class() == Some(Class::Missing)
    }

    /// The class of the fault behind the error.
    pub const fn class(&self) -> Option<Class> {
        match self {
            Self::Unreachable { source, .. } | Self::Refused { source, .. } => Some(source.class),
            Self::Config(_) | Self::WrongChain { .. } | Self::NoCode { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_node_are_quoted_on_one_short_line() {
        let fault = Fault::told(Class::Unknown, 500, Some(-1), "a\n\tb\u{7}  c");
        assert_eq!(fault.to_string(), "unknown, HTTP 500, code -1: a b c");
        let long = Fault::told(Class::Unknown, 200, None, &"ü".repeat(10_000));
        assert!(long.text.chars().count() <= QUOTED + 1, "{}", long.text.len());
    }
}
