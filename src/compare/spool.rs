//! The differences of a table on disk, where any number of them fits. The file has no name and goes
//! with the process.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use super::{Difference, Error};

/// Differences in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    file: Option<BufWriter<File>>,
    count: u64,
}

impl Spool {
    pub(crate) fn push(&mut self, difference: &Difference) -> Result<(), Error> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => BufWriter::new(tempfile::tempfile().map_err(failed)?),
        };
        serde_json::to_writer(&mut file, difference).map_err(|error| failed(error.into()))?;
        file.write_all(b"\n").map_err(failed)?;
        self.file = Some(file);
        self.count += 1;
        Ok(())
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> u64 {
        self.count
    }

    /// Reads them from the first.
    pub(crate) fn read(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<Difference, Error>>, Error> {
        let reader = match &mut self.file {
            Some(file) => {
                file.flush().map_err(failed)?;
                let mut file = file.get_ref().try_clone().map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                Some(BufReader::new(file))
            }
            None => None,
        };
        let lines = reader.into_iter().flat_map(BufRead::lines);
        Ok(lines.map(|line| {
            serde_json::from_str(&line.map_err(failed)?).map_err(|error| failed(error.into()))
        }))
    }
}

fn failed(source: io::Error) -> Error {
    Error::Io { doing: "keep differences in", path: "a temporary file".to_owned(), source }
}
