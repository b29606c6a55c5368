//! Reports that leave the terminal: CSV and JSON lines with every difference, one HTML page to send
//! around, and several JSON reports merged into one.

mod csv;
mod html;
mod json;
mod merge;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub use self::merge::merge;

use super::{Ended, Error};

/// Where reports go.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// One line per differing field or missing row, after those that count them by column.
    pub csv: Option<PathBuf>,
    /// One JSON object per line: the report, then every difference.
    pub json: Option<PathBuf>,
    /// A page for people.
    pub html: Option<PathBuf>,
}

/// The files, open before there is anything to write: hours of work are not to be lost for want of
/// a folder.
#[derive(Debug)]
pub struct Opened {
    csv: Option<Out>,
    json: Option<Out>,
    html: Option<Out>,
}

impl Files {
    /// Creates the files, each under a name of its own until it is whole.
    ///
    /// # Errors
    /// When one cannot be created.
    pub fn open(&self) -> Result<Opened, Error> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(Out::create).transpose();
        Ok(Opened { csv: open(&self.csv)?, json: open(&self.json)?, html: open(&self.html)? })
    }
}

impl Opened {
    /// Writes the reports. A file appears only once it is complete; one that fails keeps none of the
    /// others from being written.
    ///
    /// # Errors
    /// The first of what went wrong.
    pub fn write(self, ended: &mut Ended) -> Result<(), Error> {
        let csv = self.csv.map_or(Ok(()), |out| out.write(|out| csv::write(ended, out)));
        let json = self.json.map_or(Ok(()), |out| out.write(|out| json::write(ended, out)));
        let html = self.html.map_or(Ok(()), |out| out.write(|out| html::write(ended, out)));
        csv.and(json).and(html)
    }
}

/// What writing a report can fail with.
pub(super) type Written = Result<(), Failed>;

/// Why a report could not be written.
#[derive(Debug)]
pub(super) enum Failed {
    Out(std::io::Error),
    Differences(Error),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Out(error)
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self::Out(error.into())
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Differences(error)
    }
}

/// A file that is written beside its place and moved there, so that nobody reads half of it. What
/// is no regular file (a pipe, `/dev/stdout`) is written to as it is. Dropped, it leaves nothing.
#[derive(Debug)]
pub(super) struct Out {
    path: PathBuf,
    /// Where it is written, unless that is `path` itself.
    beside: Option<PathBuf>,
    file: File,
}

impl Out {
    /// Creates the file.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let special = path.metadata().is_ok_and(|found| !found.is_file());
        let beside = (!special).then(|| {
            let mut beside = path.as_os_str().to_owned();
            beside.push(".unfinished");
            PathBuf::from(beside)
        });
        let target = beside.as_deref().unwrap_or(path);
        let mut options = File::options();
        let file = options.write(true).create(!special).truncate(!special).open(target);
        let file = file.map_err(failed("create", path))?;
        Ok(Self { path: path.to_owned(), beside, file })
    }

    /// Fills the file and puts it in its place.
    pub(super) fn write(
        mut self,
        fill: impl FnOnce(&mut dyn Write) -> Written,
    ) -> Result<(), Error> {
        let mut out = BufWriter::new(&self.file);
        let filled = fill(&mut out);
        let flushed = out.flush();
        drop(out);
        match filled {
            Ok(()) => flushed.map_err(failed("write", &self.path))?,
            Err(Failed::Out(source)) => return Err(failed("write", &self.path)(source)),
            Err(Failed::Differences(error)) => return Err(error),
        }
        match self.beside.take() {
            Some(beside) => {
                std::fs::rename(&beside, &self.path).map_err(failed("write", &self.path))
            }
            None => Ok(()),
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // A leftover is no harm, and there is nobody to tell.
            drop(std::fs::remove_file(beside));
        }
    }
}

fn failed(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Io { doing, path: path.display().to_string(), source }
}
