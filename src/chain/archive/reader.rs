//! Reads one archive, block after block, in constant memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::format::{
    Compression, Layout, MAX_FRAME_BYTES, MAX_LINE_BYTES, NamedFormat, SNIFF_BYTES, compression_of,
    layout_of,
};
use crate::chain::error::Error;
use crate::chain::header::Header;
use crate::chain::origin::{Origin, Place, RawBlock, RawBody};

/// Read buffer of a file and of the decompressed stream.
const BUFFER_BYTES: usize = 256 << 10;

/// One open archive.
pub(crate) struct ArchiveReader {
    input: Box<dyn BufRead + Send>,
    layout: Layout,
    path: Arc<str>,
    decompressed: bool,
    offset: u64,
    line: u64,
    scratch: Vec<u8>,
}

/// A block's header with the means to take the block itself.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Height, hash and chain id.
    pub(crate) header: Header,
    /// The block.
    pub(crate) origin: Origin,
}

impl ArchiveReader {
    /// Opens the file `path`; `read` counts the bytes taken from it, for progress.
    pub(crate) fn open(path: &str, read: Arc<AtomicU64>) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::File {
            action: "open",
            path: path.to_owned(),
            source,
        })?;
        Self::new(file, path, NamedFormat::of(path), read)
    }

    /// Reads `input`, shown as `path` in messages.
    pub(crate) fn new(
        input: impl Read + Send + 'static,
        path: &str,
        named: NamedFormat,
        read: Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        let path: Arc<str> = path.into();
        let start = |decompressed| Origin::Archive {
            path: Arc::clone(&path),
            place: Place::Byte(0),
            decompressed,
        };
        let counted = Counted { input, read };
        let (head, raw) = sniff(counted).map_err(|error| unreadable(&start(false), &error))?;
        let compression = compression_of(&head, named.compression);
        if head.is_empty() && named.compression.is_some() {
            let problem = "the file is empty, not even a compressed nothing".to_owned();
            return Err(Error::Corrupt { origin: start(false), problem });
        }
        let raw = BufReader::with_capacity(BUFFER_BYTES, raw);
        let plain: Box<dyn Read + Send> = match compression {
            Compression::Plain => Box::new(raw),
            Compression::Zstd => Box::new(
                zstd::stream::read::Decoder::with_buffer(raw)
                    .map_err(|error| unreadable(&start(true), &error))?,
            ),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
        };
        let decompressed = compression != Compression::Plain;
        let (head, plain) =
            sniff(plain).map_err(|error| unreadable(&start(decompressed), &error))?;
        Ok(Self {
            input: Box::new(BufReader::with_capacity(BUFFER_BYTES, plain)),
            layout: layout_of(&head, named.layout),
            path,
            decompressed,
            offset: 0,
            line: 0,
            scratch: Vec::new(),
        })
    }

    /// Reads the next block into the reader's buffer and returns its header, `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<Entry>, Error> {
        match self.layout {
            Layout::Frames => self.advance_frame(),
            Layout::JsonLines => self.advance_line(),
        }
    }

    /// The block that [`Self::advance`] read last.
    pub(crate) fn take(&mut self, entry: Entry) -> RawBlock {
        let bytes = mem::take(&mut self.scratch).into();
        let body = match self.layout {
            Layout::Frames => RawBody::Proto(bytes),
            Layout::JsonLines => RawBody::Json(bytes),
        };
        RawBlock { height: entry.header.height, body, origin: entry.origin }
    }

    fn advance_frame(&mut self) -> Result<Option<Entry>, Error> {
        let origin = self.origin(Place::Byte(self.offset));
        let mut prefix = Vec::with_capacity(4);
        self.fill(&origin, 4, &mut prefix)?;
        if prefix.is_empty() {
            return Ok(None);
        }
        let Ok(prefix) = <[u8; 4]>::try_from(prefix.as_slice()) else {
            let problem = format!("truncated: {} of the 4 bytes of a length", prefix.len());
            return Err(Error::Corrupt { origin, problem });
        };
        let length = u32::from_le_bytes(prefix);
        if length > MAX_FRAME_BYTES {
            let problem = format!(
                "corrupt: a block of {length} bytes, more than any block has; JSON lines begin with {{"
            );
            return Err(Error::Corrupt { origin, problem });
        }
        let mut block = mem::take(&mut self.scratch);
        block.clear();
        self.fill(&origin, u64::from(length), &mut block)?;
        if block.len() as u64 != u64::from(length) {
            let problem = format!("truncated: {} of the {length} bytes of a block", block.len());
            return Err(Error::Corrupt { origin, problem });
        }
        self.offset += 4 + u64::from(length);
        self.scratch = block;
        let header = Header::of_proto(&self.scratch).map_err(|error| Error::Corrupt {
            origin: origin.clone(),
            problem: format!("not an encoded block: {error}"),
        })?;
        Self::entry(header, origin).map(Some)
    }

    fn advance_line(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            let origin = self.origin(Place::Line { number: self.line + 1, byte: self.offset });
            self.scratch.clear();
            let read = (&mut self.input)
                .take(MAX_LINE_BYTES + 1)
                .read_until(b'\n', &mut self.scratch)
                .map_err(|error| unreadable(&origin, &error))?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 > MAX_LINE_BYTES {
                let problem = format!("a line of more than {MAX_LINE_BYTES} bytes");
                return Err(Error::Corrupt { origin, problem });
            }
            self.line += 1;
            self.offset += read as u64;
            let complete = self.scratch.last() == Some(&b'\n');
            let blank = self.scratch.trim_ascii().is_empty();
            if self.line == 1 && self.scratch.starts_with(b"\xef\xbb\xbf") {
                self.scratch.drain(..3);
            }
            if blank {
                continue;
            }
            if !complete
                && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&self.scratch)
            {
                let problem = format!("truncated: the last line is not a complete block: {error}");
                return Err(Error::Corrupt { origin, problem });
            }
            let header = Header::of_json(&self.scratch).map_err(|error| Error::Corrupt {
                origin: origin.clone(),
                problem: format!("not a JSON block: {error}"),
            })?;
            return Self::entry(header, origin).map(Some);
        }
    }

    fn entry(header: Header, origin: Origin) -> Result<Entry, Error> {
        if header.height < 1 {
            let problem = format!("a block with height {}; the first is 1", header.height);
            return Err(Error::Corrupt { origin, problem });
        }
        Ok(Entry { header, origin })
    }

    /// Appends up to `length` bytes to `to`; fewer only at the end of the input.
    fn fill(&mut self, origin: &Origin, length: u64, to: &mut Vec<u8>) -> Result<(), Error> {
        // `take` grows the buffer with what really arrives, so a corrupt length costs no memory.
        (&mut self.input)
            .take(length)
            .read_to_end(to)
            .map(|_| ())
            .map_err(|error| unreadable(origin, &error))
    }

    fn origin(&self, place: Place) -> Origin {
        Origin::Archive { path: Arc::clone(&self.path), place, decompressed: self.decompressed }
    }
}

/// An input with its first bytes put back in front of it.
type Sniffed<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// Takes the first bytes of `input` and gives them back in front of it.
fn sniff<R: Read>(mut input: R) -> io::Result<(Vec<u8>, Sniffed<R>)> {
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    (&mut input).take(SNIFF_BYTES as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(input)))
}

fn unreadable(origin: &Origin, error: &io::Error) -> Error {
    let problem = if error.kind() == ErrorKind::UnexpectedEof {
        format!("truncated: the compressed data ends inside this block: {error}")
    } else {
        format!("cannot be read: {error}")
    };
    Error::Corrupt { origin: origin.clone(), problem }
}

struct Counted<R> {
    input: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
