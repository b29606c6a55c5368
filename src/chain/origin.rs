//! A block as a source read it, and the place it was read from.

use std::fmt;
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;

use super::core_pb;

/// A block that was read but not decoded.
#[derive(Clone, Debug)]
pub struct RawBlock {
    /// Height, always at least 1.
    pub height: i64,
    /// What was read.
    pub body: RawBody,
    /// Where it was read.
    pub origin: Origin,
}

/// The forms in which blocks arrive.
#[derive(Clone, Debug)]
pub enum RawBody {
    /// An encoded `core.v1.Block`.
    Proto(Bytes),
    /// A JSON object in the protobuf JSON mapping.
    Json(Bytes),
    /// A block that a node answered, its transactions still encoded.
    Message(core_pb::Block),
}

impl RawBlock {
    /// Size as read, in bytes.
    pub fn size(&self) -> usize {
        match &self.body {
            RawBody::Proto(bytes) | RawBody::Json(bytes) => bytes.len(),
            RawBody::Message(block) => block.encoded_len(),
        }
    }
}

/// Where a block was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An archive file or standard input.
    Archive {
        /// Path as given, or `standard input`.
        path: Arc<str>,
        /// The place in it.
        place: Place,
        /// Whether the place counts bytes or lines of the decompressed content.
        decompressed: bool,
    },
    /// A node: its URL without credentials.
    Node(Arc<str>),
}

/// A place in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Offset of the first byte of a length-prefixed block.
    Byte(u64),
    /// A line of a JSON archive and the offset of its first byte.
    Line {
        /// Line number, from 1.
        number: u64,
        /// Offset of the line's first byte.
        byte: u64,
    },
}

impl Origin {
    /// Whether the block came from a node and not from an archive.
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Node(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(url) => f.write_str(url),
            Self::Archive { path, place, decompressed } => {
                match place {
                    Place::Byte(byte) => write!(f, "{path}, byte offset {byte}")?,
                    Place::Line { number, byte } => {
                        write!(f, "{path}, line {number} (byte offset {byte})")?;
                    }
                }
                f.write_str(if *decompressed { " of the decompressed stream" } else { "" })
            }
        }
    }
}
