//! Finding the PostgreSQL server programs of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;

/// Where Debian and Ubuntu keep every major version in a folder of its own.
const DEBIAN: &str = "/usr/lib/postgresql";

/// One installation of the server programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    /// Their folder; `None` where they are found through PATH.
    folder: Option<PathBuf>,
    /// The major version, e.g. `15`.
    pub(super) major: String,
}

impl Programs {
    /// The installation to use: one of version `needed` if a cluster exists already, else the first
    /// of PATH, `pg_config --bindir`, and the newest folder of the Debian packages.
    pub(super) fn find(needed: Option<(&str, &Path)>) -> Result<Self, Error> {
        let found: Vec<Self> = candidates().into_iter().filter_map(Self::probe).collect();
        if found.is_empty() {
            return Err(Error::NoPrograms);
        }
        let Some((needed, data)) = needed else {
            return found.into_iter().next().ok_or(Error::NoPrograms);
        };
        let versions: Vec<&str> = found.iter().map(|programs| programs.major.as_str()).collect();
        let versions = versions.join(", ");
        found.into_iter().find(|programs| programs.major == needed).ok_or_else(|| {
            Error::OtherVersion {
                data: data.to_owned(),
                needed: needed.to_owned(),
                found: versions,
            }
        })
    }

    /// The path to run `program` by.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(program),
            None => PathBuf::from(program),
        }
    }

    /// A complete installation in `folder`, if there is one.
    fn probe(folder: Option<PathBuf>) -> Option<Self> {
        let mut programs = Self { folder, major: String::new() };
        for program in ["initdb", "pg_ctl"] {
            output(&programs.path(program), "--version")?;
        }
        programs.major = major(&output(&programs.path("postgres"), "--version")?)?;
        Some(programs)
    }
}

fn candidates() -> Vec<Option<PathBuf>> {
    let mut folders = vec![None];
    if let Some(bindir) = output(Path::new("pg_config"), "--bindir") {
        folders.push(Some(PathBuf::from(bindir.trim())));
    }
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin")))
    });
    let mut versions: Vec<(u32, PathBuf)> = versions.collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    folders.extend(versions.into_iter().map(|(_, folder)| Some(folder)));
    folders
}

/// What a program prints for one argument, if it is there and succeeds.
fn output(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The major version in the answer to `postgres --version`: `postgres (PostgreSQL) 15.14 (…)`.
fn major(answer: &str) -> Option<String> {
    let version = answer.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0)\n").unwrap(), "15");
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n").unwrap(), "19");
        assert_eq!(major("something else"), None);
    }
}
