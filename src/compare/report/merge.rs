//! Several JSON reports, of the shards of one comparison, made into one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::super::spool::Spool;
use super::super::{Ended, Error, Origin, Report, Span};
use super::json::OwnedLine;

/// Reads the reports and adds them up.
///
/// # Errors
/// When a file cannot be read, is no such report, or is one of another comparison.
pub fn merge(paths: &[PathBuf], allow_empty: bool) -> Result<Ended, Error> {
    let mut merged: Option<Report> = None;
    let mut parts = Parts::default();
    let mut spools: BTreeMap<String, Spool> = BTreeMap::new();
    for path in paths {
        let report = read(path, &mut spools)?;
        parts.add(&report, path)?;
        match &mut merged {
            None => merged = Some(report),
            Some(merged) => add(merged, report, path)?,
        }
    }
    let Some(mut report) = merged else {
        return Err(Error::Usage("no reports to merge".to_owned()));
    };
    report.notes.retain(|note| !note.starts_with("only part "));
    parts.check_whole()?;
    report.notes.push(format!("merged from {} reports", paths.len()));
    report.origin = Origin { shard: None, allow_empty, ..report.origin };
    report.verdict = Report::judge(&report.tables, &report.drift, &report.origin);
    let spools =
        report.tables.iter().map(|table| spools.remove(&table.table).unwrap_or_default()).collect();
    Ok(Ended::new(report, spools))
}

/// The parts that were read, and the file of each.
#[derive(Debug, Default)]
struct Parts {
    of: u32,
    files: BTreeMap<u32, PathBuf>,
}

impl Parts {
    /// Refuses what is no part, a part of another division, and a part that was there before.
    fn add(&mut self, report: &Report, path: &Path) -> Result<(), Error> {
        let wrong = |problem: String| Error::File { path: path.display().to_string(), problem };
        let Some((part, of)) = report.origin.shard else {
            return Err(wrong("is the report of no --shard part".to_owned()));
        };
        if self.of != 0 && self.of != of {
            return Err(wrong(format!(
                "is part {part} of {of}, the first report one of {}",
                self.of
            )));
        }
        self.of = of;
        match self.files.insert(part, path.to_owned()) {
            Some(before) => {
                Err(wrong(format!("is part {part} of {of}, and so is {}", before.display())))
            }
            None => Ok(()),
        }
    }

    /// Refuses an incomplete set.
    fn check_whole(&self) -> Result<(), Error> {
        let missing = (1..=self.of).filter(|part| !self.files.contains_key(part));
        let missing: Vec<_> = missing.map(|part| format!("{part}/{}", self.of)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Usage(format!("--merge lacks part {}", missing.join(", "))))
    }
}

fn read(path: &Path, spools: &mut BTreeMap<String, Spool>) -> Result<Report, Error> {
    let name = || path.display().to_string();
    let failed = |source| Error::Io { doing: "read", path: name(), source };
    let file = BufReader::new(File::open(path).map_err(failed)?);
    let mut report = None;
    for (number, line) in file.lines().enumerate() {
        let line = line.map_err(failed)?;
        let parsed = serde_json::from_str(&line).map_err(|error| Error::File {
            path: name(),
            problem: format!("line {}: {error}", number + 1),
        })?;
        match parsed {
            OwnedLine::Report(found) => report = Some(found),
            OwnedLine::Difference(difference) => {
                spools.entry(difference.table.clone()).or_default().push(&difference)?;
            }
        }
    }
    report.ok_or_else(|| Error::File { path: name(), problem: "holds no report".to_owned() })
}

fn add(merged: &mut Report, report: Report, path: &Path) -> Result<(), Error> {
    let other = |what: &str| Error::File {
        path: path.display().to_string(),
        problem: format!("is of a comparison with {what} than the first report"),
    };
    if (&merged.etl.url, &merged.prod.url) != (&report.etl.url, &report.prod.url) {
        return Err(other("other databases"));
    }
    if merged.origin.selection != report.origin.selection {
        return Err(other("other options"));
    }
    // The head may have moved between the shards; the window is the part they share.
    match (&mut merged.window, &report.window) {
        (None, None) => {}
        (Some(one), Some(two)) if one.chain == two.chain => {
            let first = one.heights.first.max(two.heights.first);
            let last = one.heights.last.min(two.heights.last);
            one.heights = Span { first, last };
        }
        _ => return Err(other("another window")),
    }
    for table in report.tables {
        match merged.tables.iter_mut().find(|found| found.table == table.table) {
            Some(found) => found.add(&table),
            None => merged.tables.push(table),
        }
    }
    for known in report.known {
        let same = |found: &&mut super::super::KnownUse| {
            let entry = |known: &super::super::KnownUse| {
                (
                    known.table.clone(),
                    known.column.clone(),
                    known.rule.clone(),
                    known.condition.clone(),
                )
            };
            entry(found) == entry(&known)
        };
        if let Some(found) = merged.known.iter_mut().find(same) {
            found.uses += known.uses;
        }
    }
    for drift in report.drift {
        if !merged.drift.contains(&drift) {
            merged.drift.push(drift);
        }
    }
    merged.etl.received += report.etl.received;
    merged.prod.received += report.prod.received;
    merged.seconds = merged.seconds.max(report.seconds);
    Ok(())
}
