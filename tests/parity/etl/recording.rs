//! Reads recordings of this era: NAME.jsonl.gz as `index --source` reads it, the rows before it and
//! after it, and what became of its calls.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;

use crate::diff::normalise::Marks;
use crate::diff::value::Value;
use crate::diff::{Row, Tables};
use crate::recording::{Entry, Kind, member, read_json_nulls, read_tables};

/// The folder of what was recorded with constraints taken off.
const RELAXED: &str = "relaxed";

/// A call, or a transaction of plays, that was not applied: height, position and class.
pub(crate) type NotApplied = BTreeSet<(i64, i64, String)>;

/// A recording on disk, not yet read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recording<'a> {
    /// Path without the ending.
    stem: &'a Path,
}

/// Rows that are there before the first block.
pub(crate) enum Seed {
    /// Statements, each for itself: what a schema lacks is left out.
    Sql(Vec<String>),
    /// Rows.
    Rows {
        /// Tables that are emptied first.
        empty: Vec<String>,
        rows: Tables,
        json_nulls: Vec<Marks>,
    },
}

/// What was recorded.
pub(crate) struct Recorded {
    /// Address that may verify users.
    pub(crate) verifier: String,
    pub(crate) tables: Tables,
    pub(crate) json_nulls: Vec<Marks>,
    pub(crate) not_applied: NotApplied,
}

/// The recording that a file belongs to, if it is the input of one, and the size of the file.
pub(crate) fn find(folder: &Path, file_name: &str) -> Option<(u64, Entry)> {
    let name = file_name.strip_suffix(".jsonl.gz")?;
    let path = folder.join(name);
    let size = fs::metadata(with(&path, "jsonl.gz")).ok()?.len();
    if !with(&path, "dump.json.gz").exists() || !with(&path, "outcomes.jsonl.gz").exists() {
        return None;
    }
    let name = if is_relaxed(&path) { format!("{RELAXED}/{name}") } else { name.to_owned() };
    Some((size, Entry { name, kind: Kind::Etl, path }))
}

/// Whether the recording at a path was made with production's constraints taken off.
pub(crate) fn is_relaxed(stem: &Path) -> bool {
    let folder = stem.parent().and_then(|folder| folder.canonicalize().ok());
    folder.is_some_and(|folder| folder.ends_with(RELAXED))
}

impl<'a> Recording<'a> {
    /// The recording of an entry.
    pub(crate) fn of(entry: &'a Entry) -> Self {
        Self { stem: &entry.path }
    }

    /// The blocks, as an archive.
    pub(crate) fn input(&self) -> PathBuf {
        with(self.stem, "jsonl.gz")
    }

    /// The rows before, if there are any.
    pub(crate) fn seed(&self) -> Result<Option<Seed>> {
        let first = |endings: [&str; 2]| {
            endings.map(|ending| with(self.stem, ending)).into_iter().find(|path| path.exists())
        };
        if let Some(path) = first(["seed.sql", "seed.sql.gz"]) {
            let text = read(&path)?;
            let statements = text.split(";\n").map(without_comments);
            return Ok(Some(Seed::Sql(statements.filter(|text| !text.is_empty()).collect())));
        }
        let Some(path) = first(["seed.json", "seed.json.gz"]) else { return Ok(None) };
        let seed = Value::parse(&read(&path)?)?;
        let names = |value: &Value| -> Vec<String> {
            value.items().iter().filter_map(Value::as_text).map(str::to_owned).collect()
        };
        Ok(Some(Seed::Rows {
            empty: seed.get("empty").map(names).unwrap_or_default(),
            rows: read_tables(member(&seed, "rows")?)?,
            json_nulls: seed.get("nulls").map(read_json_nulls).transpose()?.unwrap_or_default(),
        }))
    }

    /// What the reference did.
    pub(crate) fn read(&self) -> Result<Recorded> {
        let dump = Value::parse(&read(&with(self.stem, "dump.json.gz"))?)?;
        let meta = Value::parse(&read(&with(self.stem, "meta.json"))?)?;
        let verifier = member(member(&meta, "oracle")?, "verifier")?.as_text();
        let mut tables = read_tables(member(&dump, "entities")?)?;
        tables.extend(read_tables(member(&dump, "triggers")?)?);
        let outcomes = read(&with(self.stem, "outcomes.jsonl.gz"))?;
        let outcomes = outcomes.lines().map(outcome).collect::<Result<Vec<_>>>()?;
        Ok(Recorded {
            verifier: verifier.context("no verifier")?.to_owned(),
            tables,
            json_nulls: read_json_nulls(member(&dump, "json_nulls")?)?,
            not_applied: outcomes.into_iter().filter(|(_, _, class)| class != "accepted").collect(),
        })
    }
}

/// Height, position and class of `[height, position, class, reason]`.
fn outcome(line: &str) -> Result<(i64, i64, String)> {
    let value = Value::parse(line)?;
    match value.items() {
        [height, index, class, ..] => {
            let numbers = height.as_int().zip(index.as_int());
            let parts = numbers.zip(class.as_text());
            let ((height, index), class) = parts.with_context(|| format!("outcome {line}"))?;
            Ok((height, index, class.to_owned()))
        }
        _ => bail!("outcome {line}"),
    }
}

fn without_comments(statement: &str) -> String {
    let lines = statement.lines().filter(|line| !line.starts_with("--"));
    lines.collect::<Vec<_>>().join("\n").trim().trim_end_matches(';').to_owned()
}

fn with(stem: &Path, ending: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(format!(".{ending}"));
    path.into()
}

fn read(path: &Path) -> Result<String> {
    let name = || path.display().to_string();
    let mut file = File::open(path).with_context(name)?;
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|ending| ending == "gz") {
        GzDecoder::new(file).read_to_end(&mut bytes).with_context(name)?;
    } else {
        file.read_to_end(&mut bytes).with_context(name)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a column; `null` where the row lacks it.
pub(crate) fn field<'a>(row: &'a Row, column: &str) -> &'a Value {
    row.get(column).unwrap_or(&Value::Null)
}
