//! Block archives on disk: JSON lines or length-prefixed protobuf, plain or compressed.

mod format;
mod reader;
mod source;
mod writer;

pub use format::{Compression, Layout};
pub use source::Embedded;
pub use writer::{ArchiveWriter, Written};

pub(super) use source::{ArchiveSource, check};
