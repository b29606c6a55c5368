//! Stage 1, READ: sources that yield blocks in height order.
//!
//! A source is an archive (a file, a folder, a pattern or standard input) or one or more core
//! nodes. It checks what can be checked without decoding: one chain id, contiguous heights, no
//! changed hash. It never parses a transaction. Nodes serve transactions re-sorted and in an order
//! that differs between calls, so blocks of nodes are re-sorted in the decode stage; blocks of
//! archives keep the order in which they were recorded.

mod activity;
mod archive;
pub mod core_json;
pub mod core_pb;
mod error;
pub mod generator;
mod header;
mod node;
mod origin;
mod redact;
mod sequence;
mod switch;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

pub use activity::{Activity, NodeCalls, Reading};
pub use archive::{ArchiveWriter, Compression, Embedded, Layout, Written};
pub use error::{Error, ErrorKind};
pub use node::{CoreProbe, NodeLimits, RetryPolicy, probe_core};
pub use origin::{Origin, Place, RawBlock, RawBody};
pub use redact::redact_url;
pub use sequence::LastBlock;

/// Yields blocks in height order.
pub trait BlockSource: Send {
    /// The chain id: of the node, or of an archive's first block. `None` for an empty archive.
    fn chain_id(&self) -> Option<&str>;

    /// The highest height the source is known to have. `None` for archives.
    fn head(&self) -> Option<i64>;

    /// Whether the blocks come from a node.
    fn is_live(&self) -> bool;

    /// How much of the input has been read, for progress. `None` for nodes.
    fn bytes_read(&self) -> Option<BytesRead> {
        self.gauge().map(|gauge| gauge.reading())
    }

    /// The same for those who look on while somebody else reads.
    fn gauge(&self) -> Option<ReadGauge>;

    /// The next blocks, waiting for them if need be. May be dropped and called again: a block that
    /// was not returned is returned by the next call. After [`Fetched::End`] it returns `End`.
    ///
    /// # Errors
    /// Everything of [`Error`]. All blocks before the fault have been returned before. The source
    /// is of no use afterwards.
    fn next(&mut self) -> BoxFuture<'_, Result<Fetched, Error>>;
}

/// What a source had.
#[derive(Debug)]
pub enum Fetched {
    /// At least one block, each one height above the one before.
    Blocks(Vec<RawBlock>),
    /// Everything up to the node's head has been returned; `next` waits for new blocks.
    AtHead {
        /// The head.
        head: i64,
    },
    /// The archive or the wanted range has ended.
    End,
}

/// Input that was read, in bytes as they lie on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesRead {
    /// Read so far.
    pub read: u64,
    /// Size of all of it, when known.
    pub total: Option<u64>,
}

/// Tells how much of an input has been read. Clones look at the same.
#[derive(Clone, Debug)]
pub struct ReadGauge {
    read: Arc<AtomicU64>,
    total: Option<u64>,
    marks: Marks,
}

/// How much had been read when blocks up to a height were handed over, in order.
type Marks = Arc<Mutex<VecDeque<(i64, u64)>>>;

impl ReadGauge {
    /// How much has been read by now.
    pub fn reading(&self) -> BytesRead {
        BytesRead { read: self.read.load(Ordering::Relaxed), total: self.total }
    }

    /// How much had to be read for the blocks up to `height`, as far as that is known by now: reading
    /// runs ahead of whoever works with the blocks. Heights only rise from call to call.
    pub fn reached(&self, height: i64) -> Option<u64> {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reached = None;
        while let Some((_, read)) = marks.front().copied().filter(|(mark, _)| *mark <= height) {
            reached = Some(read);
            marks.pop_front();
        }
        reached
    }
}

/// What to read.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// As given: `http(s)://…` (several are an ordered failover), paths, patterns, or `-`.
    pub sources: Vec<String>,
    /// First height wanted.
    pub start: i64,
    /// Last height wanted.
    pub end_inclusive: Option<i64>,
    /// Stop at the head that a node has when the source is opened. Archives always end.
    pub once: bool,
    /// The chain being indexed; `None` takes the chain that the source has.
    pub chain_id: Option<String>,
    /// The last block indexed before, to detect a changed chain and a gap.
    pub last: Option<LastBlock>,
    /// The chain that was left for this one: an archive of both may begin with it.
    pub behind: Option<String>,
    /// Whether the first block has to be the one at `start`, and none may be missing before it.
    pub begins_at_start: bool,
    /// How nodes are asked.
    pub limits: NodeLimits,
    /// Where calls to nodes are counted.
    pub activity: Activity,
}

impl SourceConfig {
    /// Everything that `sources` have, from height 1, of whatever chain.
    pub fn new(sources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            sources: sources.into_iter().map(Into::into).collect(),
            start: 1,
            end_inclusive: None,
            once: false,
            chain_id: None,
            last: None,
            behind: None,
            begins_at_start: false,
            limits: NodeLimits::default(),
            activity: Activity::default(),
        }
    }
}

/// Whether a source, as it was typed, is a node.
pub fn is_node(source: &str) -> bool {
    let lower = source.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// Makes sure that sources go together and can be there, without opening anything but folders: the
/// mistakes that can be told before a database is touched.
///
/// # Errors
/// Schemes that nobody knows, nodes beside archives, paths and patterns that lead nowhere.
pub fn check(sources: &[String]) -> Result<(), Error> {
    for source in sources.iter().filter(|source| !is_node(source)) {
        if let Some((scheme, _)) = source.split_once("://") {
            return Err(Error::UnusableSource {
                source_text: redact_url(source),
                problem: format!(
                    "scheme {scheme} is not known; nodes are http:// or https://, archives are paths"
                ),
            });
        }
    }
    let nodes = sources.iter().filter(|source| is_node(source)).count();
    if nodes > 0 && nodes < sources.len() {
        return Err(Error::Sources {
            problem: "nodes and archives can't be read in one run: name either".to_owned(),
        });
    }
    if nodes == 0 { archive::check(sources) } else { Ok(()) }
}

/// Opens the sources of `config`.
///
/// # Errors
/// Sources that don't go together or don't exist, archives that can't be read, nodes that don't
/// answer or have another chain.
pub async fn open(config: SourceConfig) -> Result<Box<dyn BlockSource>, Error> {
    if config.sources.is_empty() {
        return Err(Error::Sources { problem: "no source given".to_owned() });
    }
    check(&config.sources)?;
    let behind = config.behind.clone();
    let source: Box<dyn BlockSource> = if is_node(&config.sources[0]) {
        Box::new(Box::pin(node::NodeSource::open(config)).await?)
    } else {
        Box::new(archive::ArchiveSource::open(config, None).await?)
    };
    match behind {
        Some(chain) if source.chain_id() == Some(&*chain) => Err(Error::SameChain { chain }),
        _ => Ok(source),
    }
}

/// Opens `first`, which has to end with a height, and reads on from `then`, of another chain.
///
/// # Errors
/// As [`open`]; what comes of `then` shows when the first chain has ended.
pub async fn open_switching(
    first: SourceConfig,
    then: SourceConfig,
) -> Result<Box<dyn BlockSource>, Error> {
    Ok(Box::new(switch::SwitchingSource::open(first, then).await?))
}

/// Opens an archive inside the program, with `config` for everything but the sources.
///
/// # Errors
/// The archive can't be read.
pub async fn open_embedded(
    archive: Embedded,
    config: SourceConfig,
) -> Result<Box<dyn BlockSource>, Error> {
    Ok(Box::new(archive::ArchiveSource::open(config, Some(archive)).await?))
}
