//! Why a block can't be decoded.

use std::fmt;

use crate::chain::Origin;

/// A block that can't be decoded, and where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not an encoded block.
    #[error("{origin}: block {height}: not an encoded block: {source}")]
    Proto {
        /// Where it was read.
        origin: Origin,
        /// Its height.
        height: i64,
        /// What the protobuf reader says.
        source: prost::DecodeError,
    },
    /// The line is not a block in the protobuf JSON mapping.
    #[error("{origin}: block {height}{}{}: {source}", Tx(*tx), Field(field))]
    Json {
        /// Where it was read.
        origin: Origin,
        /// Its height.
        height: i64,
        /// Position of the transaction, when the fault lies in one.
        tx: Option<usize>,
        /// Path of the value, empty for the whole line.
        field: String,
        /// What the JSON reader says.
        source: serde_json::Error,
    },
    /// A field without which the block can't be indexed.
    #[error("{origin}: block {height}{}: {field} {problem}", Tx(*tx))]
    Field {
        /// Where it was read.
        origin: Origin,
        /// Its height.
        height: i64,
        /// Position of the transaction, when the fault lies in one.
        tx: Option<usize>,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Error {
    /// Height of the block.
    pub const fn height(&self) -> i64 {
        match self {
            Self::Proto { height, .. } | Self::Json { height, .. } | Self::Field { height, .. } => {
                *height
            }
        }
    }

    /// Where the block was read.
    pub const fn origin(&self) -> &Origin {
        match self {
            Self::Proto { origin, .. } | Self::Json { origin, .. } | Self::Field { origin, .. } => {
                origin
            }
        }
    }

    /// Decoding the same bytes again gives the same error.
    pub const fn is_retryable(&self) -> bool {
        false
    }
}

struct Tx(Option<usize>);

impl fmt::Display for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |index| write!(f, ", transaction {index}"))
    }
}

struct Field<'a>(&'a str);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", {}", self.0) }
    }
}
