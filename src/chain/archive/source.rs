//! A source over one or many archives: finds the files, puts them into height order, and reads
//! them on a thread of its own.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::format::NamedFormat;
use super::reader::{ArchiveReader, Entry};
use crate::chain::error::Error;
use crate::chain::origin::RawBlock;
use crate::chain::sequence::{Sequence, Verdict};
use crate::chain::{BlockSource, Fetched, Marks, ReadGauge, SourceConfig};

/// A batch is handed over at this many blocks …
const BATCH_BLOCKS: usize = 256;
/// … or this many bytes, whichever comes first.
const BATCH_BYTES: usize = 1 << 20;
/// Batches read ahead; with [`BATCH_BYTES`] this bounds the memory of the read stage.
const BATCHES_AHEAD: usize = 6;

/// Marks of how much was read for which heights: more than batches can be under way.
const MOST_MARKS: usize = 1_000;

/// The same for blocks that are handed over one by one.
const SINGLES_AHEAD: usize = 64;

/// What standard input is called in messages.
const STDIN: &str = "standard input";

/// An archive inside the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its file name, for the format and for messages.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// Blocks of archives.
pub(crate) struct ArchiveSource {
    batches: mpsc::Receiver<Result<Vec<RawBlock>, Error>>,
    chain_id: Option<String>,
    read: Arc<AtomicU64>,
    total: Option<u64>,
    marks: Marks,
    failed: bool,
    /// What came after the blocks that were returned last.
    put_back: Option<Error>,
}

impl ArchiveSource {
    /// Opens the archives that `config.sources` name, or the one given as `embedded`. Reads the
    /// first block of each.
    pub(crate) async fn open(
        config: SourceConfig,
        embedded: Option<Embedded>,
    ) -> Result<Self, Error> {
        // Opening standard input waits for its first block, which may take as long as it likes;
        // a detached thread, unlike a blocking task, does not hold up the end of the process.
        let (ready, opened) = tokio::sync::oneshot::channel();
        let is_live =
            embedded.is_none() && config.sources.iter().any(|path| path == "-" || is_pipe(path));
        let (sender, batches) = mpsc::channel(if is_live { SINGLES_AHEAD } else { BATCHES_AHEAD });
        let read = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&read);
        let marks = Marks::default();
        let marking = Arc::clone(&marks);
        let reader = move || match Plan::make(&config, embedded, &counter) {
            Ok(plan) => {
                // Fails only when the caller has given up waiting; then nobody takes blocks either.
                if ready.send(Ok((plan.chain_id.clone(), plan.total))).is_ok() {
                    plan.run(&config, is_live, &counter, &marking, &sender);
                }
            }
            Err(error) => drop(ready.send(Err(error))),
        };
        thread::Builder::new().name("archive".to_owned()).spawn(reader).map_err(|source| {
            Error::File { action: "start a thread for", path: "the archives".to_owned(), source }
        })?;
        let (chain_id, total) = opened.await.unwrap_or(Err(Error::Stopped))?;
        Ok(Self { batches, chain_id, read, total, marks, failed: false, put_back: None })
    }
}

impl BlockSource for ArchiveSource {
    fn chain_id(&self) -> Option<&str> {
        self.chain_id.as_deref()
    }

    fn head(&self) -> Option<i64> {
        None
    }

    fn is_live(&self) -> bool {
        false
    }

    fn gauge(&self) -> Option<ReadGauge> {
        let (read, marks) = (Arc::clone(&self.read), Arc::clone(&self.marks));
        Some(ReadGauge { read, total: self.total, marks })
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Fetched, Error>> {
        async move {
            if self.failed {
                return Err(Error::Stopped);
            }
            let next = match self.put_back.take() {
                Some(error) => Some(Err(error)),
                None => self.batches.recv().await,
            };
            match next {
                Some(Ok(blocks)) => Ok(Fetched::Blocks(self.with_what_is_there(blocks))),
                Some(Err(error)) => {
                    self.failed = true;
                    Err(error)
                }
                None => Ok(Fetched::End),
            }
        }
        .boxed()
    }
}

impl ArchiveSource {
    /// `blocks` and those behind them that are there already, up to a batch.
    fn with_what_is_there(&mut self, mut blocks: Vec<RawBlock>) -> Vec<RawBlock> {
        let mut bytes: usize = blocks.iter().map(RawBlock::size).sum();
        while blocks.len() < BATCH_BLOCKS && bytes < BATCH_BYTES {
            match self.batches.try_recv() {
                Ok(Ok(more)) => {
                    bytes += more.iter().map(RawBlock::size).sum::<usize>();
                    blocks.extend(more);
                }
                Ok(Err(error)) => {
                    self.put_back = Some(error);
                    break;
                }
                Err(_nothing_yet) => break,
            }
        }
        blocks
    }
}

/// The archives to read.
#[derive(Default)]
struct Plan {
    /// In height order.
    files: Vec<String>,
    /// The first of them, where it can't be opened twice.
    opened: Option<(ArchiveReader, Option<Entry>)>,
    /// What is wrong with archives whose first block can't be read, so that nobody knows where
    /// they belong. Reported where blocks are missing, at the latest after the last block.
    headless: Vec<Error>,
    chain_id: Option<String>,
    total: Option<u64>,
}

impl Plan {
    fn make(
        config: &SourceConfig,
        embedded: Option<Embedded>,
        read: &Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        if let Some(Embedded { name, bytes }) = embedded {
            let named = NamedFormat::of(name);
            let reader = ArchiveReader::new(Cursor::new(bytes), name, named, Arc::clone(read))?;
            return Self::of_opened(reader, name, u64::try_from(bytes.len()).ok(), config);
        }
        if config.sources.iter().any(|source| source == "-") {
            let named = NamedFormat::default();
            let reader = ArchiveReader::new(io::stdin(), STDIN, named, Arc::clone(read))?;
            return Self::of_opened(reader, STDIN, None, config);
        }
        if let [path] = &config.sources[..]
            && is_pipe(path)
        {
            let reader = ArchiveReader::open(path, Arc::clone(read))?;
            return Self::of_opened(reader, path, None, config);
        }
        let mut found = Vec::new();
        for source in &config.sources {
            found.extend(files_of(source)?);
        }
        let mut plan = Self { total: Some(0), ..Self::default() };
        let mut ordered = Vec::with_capacity(found.len());
        for path in found {
            let size = fs::metadata(&path).map_or(0, |meta| meta.len());
            plan.total = plan.total.map(|total| total + size);
            let opened = ArchiveReader::open(&path, Arc::default());
            match opened.and_then(|mut reader| first_entry(&mut reader, config)) {
                Ok(Some(entry)) => ordered.push((entry.header.height, path, entry.header.chain_id)),
                Ok(None) => {}
                Err(error) => plan.headless.push(error),
            }
        }
        ordered.sort();
        plan.chain_id = ordered.first().map(|(_, _, chain_id)| chain_id.clone());
        plan.files = ordered.into_iter().map(|(_, path, _)| path).collect();
        Ok(plan)
    }

    /// The plan for the one archive that can't be opened twice.
    fn of_opened(
        mut reader: ArchiveReader,
        name: &str,
        total: Option<u64>,
        config: &SourceConfig,
    ) -> Result<Self, Error> {
        let first = first_entry(&mut reader, config)?;
        let chain_id = first.as_ref().map(|entry| entry.header.chain_id.clone());
        let opened = Some((reader, first));
        Ok(Self { files: vec![name.to_owned()], opened, chain_id, total, ..Self::default() })
    }

    fn run(
        mut self,
        config: &SourceConfig,
        is_live: bool,
        read: &Arc<AtomicU64>,
        marks: &Marks,
        sender: &mpsc::Sender<Result<Vec<RawBlock>, Error>>,
    ) {
        let sequence = Sequence::of(config);
        let (blocks, bytes) = (Vec::new(), 0);
        let mut batches = Batches { sender, is_live, read, marks, blocks, bytes, sequence };
        for path in std::mem::take(&mut self.files) {
            let outcome = match self.opened.take() {
                Some((reader, first)) => batches.read(reader, first),
                None => ArchiveReader::open(&path, Arc::clone(read)).and_then(|mut reader| {
                    let first = reader.advance()?;
                    batches.read(reader, first)
                }),
            };
            match outcome {
                Ok(Flow::Continue) => {}
                Ok(Flow::Stop) => {
                    batches.hand_over();
                    return;
                }
                Err(error @ Error::NotContiguous { .. }) => {
                    return batches.fail(self.headless.into_iter().next().unwrap_or(error));
                }
                Err(error) => return batches.fail(error),
            }
        }
        match self.headless.into_iter().next() {
            Some(error) => batches.fail(error),
            None => drop(batches.hand_over()),
        }
    }
}

/// The first block behind those of the chain that was left.
fn first_entry(reader: &mut ArchiveReader, config: &SourceConfig) -> Result<Option<Entry>, Error> {
    loop {
        match reader.advance()? {
            Some(entry) if config.behind.as_ref() == Some(&entry.header.chain_id) => {}
            found => return Ok(found),
        }
    }
}

enum Flow {
    Continue,
    Stop,
}

struct Batches<'a> {
    sender: &'a mpsc::Sender<Result<Vec<RawBlock>, Error>>,
    /// Blocks come as somebody makes them: none waits for the next one.
    is_live: bool,
    read: &'a AtomicU64,
    marks: &'a Marks,
    blocks: Vec<RawBlock>,
    bytes: usize,
    sequence: Sequence,
}

impl Batches<'_> {
    fn read(&mut self, mut reader: ArchiveReader, first: Option<Entry>) -> Result<Flow, Error> {
        let mut next = first;
        while let Some(entry) = next {
            match self.sequence.check(&entry.header, &entry.origin)? {
                Verdict::Skip => {}
                Verdict::Past => return Ok(Flow::Stop),
                Verdict::Take => {
                    let block = reader.take(entry);
                    self.bytes += block.size();
                    self.blocks.push(block);
                    let full = self.is_live
                        || self.blocks.len() >= BATCH_BLOCKS
                        || self.bytes >= BATCH_BYTES;
                    if full && !self.hand_over() {
                        return Ok(Flow::Stop);
                    }
                }
            }
            next = reader.advance()?;
        }
        Ok(Flow::Continue)
    }

    /// Sends what has been collected, and why there is no more.
    fn fail(mut self, error: Error) {
        if self.hand_over() {
            // Nobody listening any more is a way of not wanting to know.
            drop(self.sender.blocking_send(Err(error)));
        }
    }

    /// Sends what has been collected; false when nobody listens any more.
    fn hand_over(&mut self) -> bool {
        self.bytes = 0;
        let blocks = std::mem::take(&mut self.blocks);
        if let Some(last) = blocks.last() {
            let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
            // Where nobody looks, they do not pile up.
            if marks.len() >= MOST_MARKS {
                marks.pop_front();
            }
            marks.push_back((last.height, self.read.load(Ordering::Relaxed)));
        }
        blocks.is_empty() || self.sender.blocking_send(Ok(blocks)).is_ok()
    }
}

/// Makes sure that archives can be there, without opening any.
pub(crate) fn check(sources: &[String]) -> Result<(), Error> {
    if sources.iter().any(|source| source == "-") {
        if sources.len() > 1 {
            let problem = "standard input (`-`) can only be the single source".to_owned();
            return Err(Error::Sources { problem });
        }
        return Ok(());
    }
    sources.iter().try_for_each(|source| files_of(source).map(drop))
}

/// Whether `path` is something that can be read only once, such as a named pipe.
fn is_pipe(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// The files a source names: itself, the archives of a folder, or the matches of a pattern.
fn files_of(source: &str) -> Result<Vec<String>, Error> {
    let no_archive = |problem: &str| Error::UnusableSource {
        source_text: source.to_owned(),
        problem: problem.to_owned(),
    };
    let path = Path::new(source);
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|error| Error::File {
            action: "list",
            path: source.to_owned(),
            source: error,
        })?;
        let mut files: Vec<_> = entries
            .filter_map(|entry| entry.ok()?.path().to_str().map(str::to_owned))
            .filter(|path| NamedFormat::of(path).layout.is_some() && Path::new(path).is_file())
            .collect();
        files.sort();
        if files.is_empty() {
            return Err(no_archive("the folder holds no .jsonl or .pb archive"));
        }
        return Ok(files);
    }
    if path.exists() {
        return Ok(vec![source.to_owned()]);
    }
    if !source.contains(['*', '?', '[']) {
        return Err(no_archive("no such file or folder"));
    }
    let matches = glob::glob(source).map_err(|error| no_archive(&error.to_string()))?;
    let files: Vec<_> = matches
        .filter_map(|found| found.ok()?.to_str().map(str::to_owned))
        .filter(|path| Path::new(path).is_file())
        .collect();
    if files.is_empty() {
        return Err(no_archive("the pattern matches no file"));
    }
    Ok(files)
}
