//! The configuration file: TOML whose keys are the long options, read into entries that remember
//! their lines.

use std::path::Path;

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Error;
use super::environment::spellings;

/// The file that is read where none is named, if it is there.
const DEFAULT_FILE: &str = "audius-etl.toml";

/// A configuration file whose keys all stand for options.
#[derive(Default)]
pub(super) struct ConfigFile {
    /// As given.
    pub(super) path: String,
    /// In the order of the file.
    pub(super) entries: Vec<Entry>,
}

/// One key of the file.
pub(super) struct Entry {
    /// The command whose table it stands in, its words separated by spaces; empty at the top.
    pub(super) command: String,
    /// The key.
    pub(super) long: String,
    /// The values as they would be typed, each with its line.
    pub(super) values: Vec<(String, usize)>,
    /// The line of the key.
    pub(super) line: usize,
}

impl ConfigFile {
    /// Reads the file that was named, or the one in the working directory.
    ///
    /// # Errors
    /// A named file that isn't there, and anything in a file that no option takes.
    pub(super) fn load(named: Option<&Path>, program: &Command) -> Result<Option<Self>, Error> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text, program).map(Some),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(source) => Err(Error::Read { path: path.display().to_string(), source }),
        }
    }

    fn parse(path: &Path, text: &str, program: &Command) -> Result<Self, Error> {
        let mut file = Self { path: path.display().to_string(), entries: Vec::new() };
        let table = DeTable::parse(text).map_err(|error| Error::File {
            path: file.path.clone(),
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            problem: error.message().to_owned(),
        })?;
        file.read(table.get_ref(), text, program, "")?;
        Ok(file)
    }

    fn read(
        &mut self,
        table: &DeTable<'_>,
        text: &str,
        command: &Command,
        path: &str,
    ) -> Result<(), Error> {
        // The table is sorted by key; the first problem of the file is the one to report.
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in keys {
            let name = key.get_ref().as_ref();
            let line = line_of(text, key.span().start);
            if let DeValue::Table(inner) = value.get_ref() {
                let Some(sub) = command.find_subcommand(name) else {
                    return Err(self.problem(line, format!("there is no command `{name}`")));
                };
                let path = format!("{path} {}", sub.get_name());
                self.read(inner, text, sub, path.trim())?;
                continue;
            }
            let known = command.get_arguments().find(|arg| spellings(arg).contains(&name));
            let Some(long) = known.and_then(Arg::get_long).filter(|long| *long != "config") else {
                let place = match path {
                    "" => "at the top of the file".to_owned(),
                    command => format!("in [{}]", command.replace(' ', ".")),
                };
                return Err(self.problem(line, format!("unknown key `{name}` {place}")));
            };
            let values = self.values(name, value, text)?;
            self.entries.push(Entry {
                command: path.to_owned(),
                long: long.to_owned(),
                values,
                line,
            });
        }
        Ok(())
    }

    /// The text of a scalar, or of each scalar of an array, as it would be typed.
    fn values(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        text: &str,
    ) -> Result<Vec<(String, usize)>, Error> {
        let line = line_of(text, value.span().start);
        let typed = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(at) => at.to_string(),
            DeValue::Array(items) => {
                let lists = items.iter().map(|item| self.values(name, item, text));
                return Ok(lists.collect::<Result<Vec<_>, _>>()?.concat());
            }
            DeValue::Table(_) => {
                return Err(self.problem(line, format!("`{name}` takes a value, not a table")));
            }
        };
        Ok(vec![(typed, line)])
    }

    fn problem(&self, line: usize, problem: String) -> Error {
        Error::File { path: self.path.clone(), line, problem }
    }
}

/// The line, from 1, on which a byte offset falls.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}
