//! Writes archives. Everything that leaves the program as an archive goes through here.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use prost::Message;

use super::format::{Compression, Layout, NamedFormat};
use crate::chain::core_json::{self, JsonBlock};
use crate::chain::core_pb;
use crate::chain::error::Error;
use crate::chain::origin::{RawBlock, RawBody};

/// zstd level: about a quarter of the size at several hundred MB/s.
const ZSTD_LEVEL: i32 = 3;
const BUFFER_BYTES: usize = 256 << 10;

/// What an archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Blocks.
    pub blocks: u64,
    /// Heights of the first and the last of them.
    pub heights: Option<(i64, i64)>,
    /// Bytes before compression.
    pub bytes: u64,
}

/// An archive being written. It is complete only after [`ArchiveWriter::finish`].
pub struct ArchiveWriter {
    output: Output,
    layout: Layout,
    path: String,
    written: Written,
    buffer: Vec<u8>,
    /// The file being written and the name it gets once complete.
    unfinished: Option<Unfinished>,
}

/// A file beside the one that was asked for. Dropped before it is complete, it goes.
struct Unfinished {
    beside: PathBuf,
    target: PathBuf,
    keep: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.keep {
            // Where even that fails, its name says what it is.
            drop(std::fs::remove_file(&self.beside));
        }
    }
}

enum Output {
    Plain(BufWriter<Box<dyn Write + Send>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, BufWriter<Box<dyn Write + Send>>>>),
    Gzip(Box<flate2::write::GzEncoder<BufWriter<Box<dyn Write + Send>>>>),
}

impl ArchiveWriter {
    /// Creates (or replaces) the archive `path`; its extensions choose layout and compression. A
    /// regular file is written beside (`path.part`) and gets its name once it is complete, so that
    /// what stands there before stays until then.
    ///
    /// # Errors
    /// A name that ends in neither `.jsonl` nor `.pb` (then `.zst` or `.gz`), or a file that can't
    /// be created.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let named = NamedFormat::of(&shown);
        let Some(layout) = named.layout else {
            return Err(Error::UnusableSource {
                source_text: shown,
                problem: "an archive ends in .jsonl or .pb, optionally followed by .zst or .gz"
                    .to_owned(),
            });
        };
        let special = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
        let beside = if special { path.to_owned() } else { part_of(path) };
        let file = File::create(&beside).map_err(|source| Error::File {
            action: "create",
            path: shown.clone(),
            source,
        })?;
        let compression = named.compression.unwrap_or(Compression::Plain);
        let mut writer = Self::to_writer(Box::new(file), &shown, layout, compression)?;
        writer.unfinished =
            (!special).then(|| Unfinished { beside, target: path.to_owned(), keep: false });
        Ok(writer)
    }

    /// Writes to `output`, called `path` in messages.
    ///
    /// # Errors
    /// The compressor can't be set up.
    pub fn to_writer(
        output: Box<dyn Write + Send>,
        path: &str,
        layout: Layout,
        compression: Compression,
    ) -> Result<Self, Error> {
        let buffered = BufWriter::with_capacity(BUFFER_BYTES, output);
        let output = match compression {
            Compression::Plain => Output::Plain(buffered),
            Compression::Zstd => Output::Zstd(Box::new(
                zstd::stream::write::Encoder::new(buffered, ZSTD_LEVEL)
                    .map_err(|source| write_error(path, source))?,
            )),
            Compression::Gzip => Output::Gzip(Box::new(flate2::write::GzEncoder::new(
                buffered,
                flate2::Compression::default(),
            ))),
        };
        let path = path.to_owned();
        let (written, buffer) = (Written::default(), Vec::new());
        Ok(Self { output, layout, path, written, buffer, unfinished: None })
    }

    /// Appends a block.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write_message(&mut self, block: &core_pb::Block) -> Result<(), Error> {
        self.buffer.clear();
        match self.layout {
            Layout::Frames => block.encode_raw(&mut self.buffer),
            Layout::JsonLines => self.put_json(block.height, &JsonBlock::from_proto(block))?,
        }
        self.emit(block.height)
    }

    /// Appends a block as it was read. Where the layouts agree, the bytes are taken over.
    ///
    /// # Errors
    /// The file can't be written, the block can't be read, or it has no form in this layout.
    pub fn write_raw(&mut self, block: &RawBlock) -> Result<(), Error> {
        match (&block.body, self.layout) {
            (RawBody::Message(message), _) => self.write_message(message),
            (RawBody::Proto(bytes), Layout::Frames) => {
                self.buffer.clear();
                self.buffer.extend_from_slice(bytes);
                self.emit(block.height)
            }
            (RawBody::Json(bytes), Layout::JsonLines) => {
                self.buffer.clear();
                self.buffer.extend_from_slice(bytes.trim_ascii());
                self.emit(block.height)
            }
            (RawBody::Proto(bytes), Layout::JsonLines) => {
                let message = core_pb::Block::decode(bytes.clone())
                    .map_err(|error| corrupt(block, &error.to_string()))?;
                self.write_message(&message)
            }
            (RawBody::Json(bytes), Layout::Frames) => {
                let json: JsonBlock =
                    core_json::parse(bytes).map_err(|error| corrupt(block, &error.to_string()))?;
                let message = json
                    .into_proto()
                    .map_err(|source| Error::Form { height: block.height, source })?;
                self.write_message(&message)
            }
        }
    }

    /// What was written so far.
    pub const fn written(&self) -> Written {
        self.written
    }

    /// Hands everything written so far to the system, compressed data up to a point from which a
    /// reader can see it.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn flush(&mut self) -> Result<(), Error> {
        let outcome = match &mut self.output {
            Output::Plain(out) => out.flush(),
            Output::Zstd(out) => out.flush(),
            Output::Gzip(out) => out.flush(),
        };
        outcome.map_err(|source| write_error(&self.path, source))
    }

    /// Completes the archive.
    ///
    /// # Errors
    /// The rest can't be written.
    pub fn finish(self) -> Result<Written, Error> {
        let outcome = match self.output {
            Output::Plain(mut out) => out.flush(),
            Output::Zstd(out) => out.finish().and_then(|mut out| out.flush()),
            Output::Gzip(out) => out.finish().and_then(|mut out| out.flush()),
        };
        outcome.map_err(|source| write_error(&self.path, source))?;
        if let Some(mut file) = self.unfinished {
            std::fs::rename(&file.beside, &file.target)
                .map_err(|source| write_error(&self.path, source))?;
            file.keep = true;
        }
        Ok(self.written)
    }

    fn put_json(&mut self, height: i64, block: &JsonBlock) -> Result<(), Error> {
        serde_json::to_writer(&mut self.buffer, block).map_err(|error| Error::Write {
            path: format!("block {height} as JSON"),
            source: error.into(),
        })
    }

    fn emit(&mut self, height: i64) -> Result<(), Error> {
        let length = u32::try_from(self.buffer.len()).map_err(|_too_long| Error::Write {
            path: self.path.clone(),
            source: io::ErrorKind::FileTooLarge.into(),
        })?;
        let (outcome, frame) = match self.layout {
            Layout::Frames => (self.put(&length.to_le_bytes()).and_then(|()| self.put_buffer()), 4),
            Layout::JsonLines => (self.put_buffer().and_then(|()| self.put(b"\n")), 1),
        };
        outcome.map_err(|source| write_error(&self.path, source))?;
        let first = self.written.heights.map_or(height, |(first, _)| first);
        self.written.heights = Some((first, height));
        self.written.blocks += 1;
        self.written.bytes += u64::from(length) + frame;
        Ok(())
    }

    fn put_buffer(&mut self) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let outcome = self.put(&buffer);
        self.buffer = buffer;
        outcome
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.output {
            Output::Plain(out) => out.write_all(bytes),
            Output::Zstd(out) => out.write_all(bytes),
            Output::Gzip(out) => out.write_all(bytes),
        }
    }
}

/// The name of an archive that is not complete yet.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn corrupt(block: &RawBlock, problem: &str) -> Error {
    Error::Corrupt { origin: block.origin.clone(), problem: problem.to_owned() }
}

fn write_error(path: &str, source: io::Error) -> Error {
    Error::Write { path: path.to_owned(), source }
}
