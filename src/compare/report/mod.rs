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
    /// One line per differing field or missing row.
    pub csv: Option<PathBuf>,
    /// One JSON object per line: the report, then every difference.
    pub json: Option<PathBuf>,
    /// A page for people.
    pub html: Option<PathBuf>,
}

/// Writes the reports. A file appears only once it is complete.
///
/// # Errors
/// When a file cannot be written.
pub fn write(ended: &mut Ended, files: &Files) -> Result<(), Error> {
    if let Some(path) = &files.csv {
        whole(path, |out| csv::write(ended, out))?;
    }
    if let Some(path) = &files.json {
        whole(path, |out| json::write(ended, out))?;
    }
    if let Some(path) = &files.html {
        whole(path, |out| html::write(ended, out))?;
    }
    Ok(())
}

/// What writing a report can fail with.
type Written = Result<(), Failed>;

/// Why a report could not be written.
#[derive(Debug)]
enum Failed {
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

/// Writes beside the file and moves it into place, so that nobody reads half a report. What is no
/// regular file (a pipe, `/dev/stdout`) is written to as it is.
fn whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Written) -> Result<(), Error> {
    let failed = |source| Error::Io { doing: "write", path: path.display().to_string(), source };
    let special = path.metadata().is_ok_and(|found| !found.is_file());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".unfinished");
    let target = if special { path.to_owned() } else { PathBuf::from(beside) };
    let mut out = BufWriter::new(File::create(&target).map_err(failed)?);
    match fill(&mut out) {
        Ok(()) => {}
        Err(Failed::Out(source)) => return Err(failed(source)),
        Err(Failed::Differences(error)) => return Err(error),
    }
    out.flush().map_err(failed)?;
    if special { Ok(()) } else { std::fs::rename(&target, path).map_err(failed) }
}
