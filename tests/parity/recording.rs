//! Reads recorded cases and streams.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use audius_etl::model::Timestamp;
use flate2::read::GzDecoder;

use crate::diff::normalise::Marks;
use crate::diff::value::Value;
use crate::diff::{Row, Tables};
use crate::etl;

/// A transaction by hash and by its place among the events of that hash.
pub(crate) type EventKey = (String, i64);

/// One recorded entity transaction.
#[derive(Clone, Debug)]
pub(crate) struct RecordedTx {
    pub(crate) event: EventKey,
    pub(crate) user_id: i64,
    pub(crate) entity_type: String,
    pub(crate) entity_id: i64,
    pub(crate) action: String,
    pub(crate) metadata: String,
    pub(crate) signer: String,
}

impl RecordedTx {
    /// Entity type and action, as printed.
    pub(crate) fn pair(&self) -> String {
        format!("{}/{}", self.entity_type, self.action)
    }
}

/// One recorded block.
#[derive(Clone, Debug)]
pub(crate) struct RecordedBlock {
    pub(crate) number: i64,
    /// Unix seconds, a fraction cut.
    pub(crate) seconds: i64,
    pub(crate) hash: String,
    /// The reference rolled this block back.
    pub(crate) failed: bool,
    pub(crate) txs: Vec<RecordedTx>,
}

/// A rejected transaction and the reference's words for it.
pub(crate) type Rejects = BTreeMap<EventKey, String>;

/// One block with the rows before and after it.
pub(crate) struct Case {
    pub(crate) block: RecordedBlock,
    /// Rows to seed, those of trigger-filled tables included.
    pub(crate) before: Tables,
    pub(crate) json_nulls_before: Vec<Marks>,
    pub(crate) after: Tables,
    pub(crate) json_nulls_after: Vec<Marks>,
    /// Values from a machine's clock.
    pub(crate) volatile: Vec<Marks>,
    pub(crate) rejected: Rejects,
    pub(crate) clock: String,
    pub(crate) user_verifier: String,
    pub(crate) notification_verifier: String,
    pub(crate) karma_threshold: String,
    /// Sequence name to its last value.
    pub(crate) sequences: BTreeMap<String, i64>,
    /// Functions of the reference that the test had replaced.
    pub(crate) replaced_functions: Vec<String>,
}

/// Many blocks from an empty database.
pub(crate) struct Stream {
    pub(crate) blocks: Vec<RecordedBlock>,
    /// SQL to run after the migrations.
    pub(crate) seed: String,
    pub(crate) after: Tables,
    pub(crate) json_nulls: Vec<Marks>,
    /// Of the blocks that the reference committed.
    pub(crate) rejected: Rejects,
}

/// What a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Case,
    Stream,
    /// Of the Go indexer.
    Etl,
}

/// A recording on disk, not yet read.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The case's file, the folder of the stream's files, or the path of a recording of the Go indexer
    /// without its ending.
    pub(crate) path: PathBuf,
}

/// The folders of collections.
const FOLDERS: [&str; 5] = ["streams", "old-streams", "cases", "old-cases", "relaxed"];

/// Every stream and case under `dir`, streams (which take longest) by falling size first.
///
/// `dir` may hold the folders of recordings, or the files of one.
pub(crate) fn list(dir: &Path) -> Result<Vec<Entry>> {
    let mut cases = Vec::new();
    let mut streams = Vec::new();
    let folders = FOLDERS.iter().map(|folder| dir.join(folder));
    for folder in std::iter::once(dir.to_owned()).chain(folders) {
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let file = file?;
            let file_name = file.file_name().to_string_lossy().into_owned();
            if let Some(name) = file_name.strip_suffix(".stream.jsonl.gz") {
                let entry =
                    Entry { name: name.to_owned(), kind: Kind::Stream, path: folder.clone() };
                streams.push((file.metadata()?.len(), entry));
            } else if let Some((size, entry)) = etl::find(&folder, &file_name) {
                streams.push((size, entry));
            } else if let Some(name) = file_name.strip_suffix(".json")
                && ![".meta", ".notes", ".options"].iter().any(|part| name.ends_with(part))
            {
                cases.push(Entry { name: name.to_owned(), kind: Kind::Case, path: file.path() });
            }
        }
    }
    streams.sort_by(|(left, a), (right, b)| right.cmp(left).then(a.name.cmp(&b.name)));
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(streams.into_iter().map(|(_, entry)| entry).chain(cases).collect())
}

impl Entry {
    /// Reads the recording as a case.
    pub(crate) fn read_case(&self) -> Result<Case> {
        let text = fs::read_to_string(&self.path)
            .with_context(|| format!("read {}", self.path.display()))?;
        let case = without_fraction(Value::parse(&text)?, &text)?;
        let environment = member(&case, "environment")?;
        let verifier = member(environment, "verifier_address")?;
        let mut block = read_block(member(&case, "block")?)?;
        block.txs =
            member(&case, "txs")?.items().iter().map(read_tx).collect::<Result<Vec<_>>>()?;
        block.failed = *member(&case, "block_failed")? != Value::Null;
        let triggers = member(&case, "triggers")?;
        let json_nulls = member(&case, "json_nulls")?;
        let both = |when: &str| -> Result<Tables> {
            let mut tables = read_tables(member(&case, when)?)?;
            tables.extend(read_tables(member(triggers, when)?)?);
            Ok(tables)
        };
        let sequences = read_object(member(environment, "sequences_before")?);
        let replaced = member(environment, "replaced_functions")?.items();
        Ok(Case {
            block,
            before: both("before")?,
            json_nulls_before: read_json_nulls(member(json_nulls, "before")?)?,
            after: both("after")?,
            json_nulls_after: read_json_nulls(member(json_nulls, "after")?)?,
            volatile: member(&case, "volatile")?
                .items()
                .iter()
                .map(read_volatile)
                .collect::<Result<_>>()?,
            rejected: read_rejects(member(&case, "rejected")?.items())?,
            clock: text_of(environment, "clock")?,
            user_verifier: text_of(verifier, "user")?,
            notification_verifier: text_of(verifier, "notification")?,
            karma_threshold: text_of(environment, "comment_karma_threshold")?,
            sequences: sequences
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.as_int()?)))
                .collect(),
            replaced_functions: replaced
                .iter()
                .filter_map(Value::as_text)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Reads the recording as a stream.
    pub(crate) fn read_stream(&self) -> Result<Stream> {
        let blocks = read_lines(&self.part("stream.jsonl.gz")?)?
            .iter()
            .map(|line| {
                let mut block = read_block(line)?;
                block.failed = line.get("referenceFailed") == Some(&Value::Bool(true));
                let txs = member(line, "txs")?.items();
                block.txs = txs.iter().map(read_tx).collect::<Result<_>>()?;
                Ok(block)
            })
            .collect::<Result<Vec<_>>>()?;
        let failed = |number: Option<i64>| {
            blocks.iter().any(|block| block.failed && Some(block.number) == number)
        };
        let rejected: Vec<Value> = read_lines(&self.part("rejected.jsonl.gz")?)?
            .into_iter()
            .filter(|line| !failed(line.get("block").and_then(Value::as_int)))
            .collect();
        let dump = Value::parse(&self.part("dump.json.gz")?)?;
        let mut after = read_tables(member(&dump, "entities")?)?;
        after.extend(read_tables(member(&dump, "triggers")?)?);
        Ok(Stream {
            seed: self.part("seed.sql.gz")?,
            after,
            json_nulls: read_json_nulls(member(&dump, "json_nulls")?)?,
            rejected: read_rejects(&rejected)?,
            blocks,
        })
    }

    /// The (entity, action) pairs of a case, without reading more than is needed to tell.
    pub(crate) fn pairs(&self) -> Result<Vec<(String, String)>> {
        let case = self.read_case()?;
        Ok(case.block.txs.into_iter().map(|tx| (tx.entity_type, tx.action)).collect())
    }

    fn part(&self, suffix: &str) -> Result<String> {
        let path = self.path.join(format!("{}.{suffix}", self.name));
        let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
        let mut bytes = Vec::new();
        GzDecoder::new(file)
            .read_to_end(&mut bytes)
            .with_context(|| format!("unpack {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn read_lines(text: &str) -> Result<Vec<Value>> {
    text.lines().filter(|line| !line.is_empty()).map(|line| Ok(Value::parse(line)?)).collect()
}

pub(crate) fn member<'a>(value: &'a Value, key: &str) -> Result<&'a Value> {
    value.get(key).with_context(|| format!("the recording lacks {key}"))
}

fn text_of(value: &Value, key: &str) -> Result<String> {
    match member(value, key)? {
        Value::Text(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        other => bail!("{key} is {other}, not text"),
    }
}

/// An id; the empty text that some tests sent stands for 0.
fn id_of(value: &Value, key: &str) -> Result<i64> {
    match member(value, key)? {
        Value::Text(text) if text.is_empty() => Ok(0),
        Value::Null => Ok(0),
        other => other.as_int().with_context(|| format!("{key} is {other}, not an id")),
    }
}

fn read_block(value: &Value) -> Result<RecordedBlock> {
    Ok(RecordedBlock {
        number: id_of(value, "number")?,
        seconds: block_time(value)?.0,
        hash: text_of(value, "hash")?,
        failed: false,
        txs: Vec::new(),
    })
}

/// Unix seconds of a block and the six digits of their fraction, if there is one.
fn block_time(block: &Value) -> Result<(i64, Option<String>)> {
    let timestamp = member(block, "timestamp")?.to_string();
    let (seconds, fraction) = match timestamp.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(format!("{fraction:0<6}"))),
        None => (timestamp.as_str(), None),
    };
    Ok((seconds.parse().with_context(|| format!("block time {timestamp}"))?, fraction))
}

/// The case with the fraction of its block time cut wherever that time stands, also in the rows
/// before: some tests made them with the same time. Block times are whole seconds.
fn without_fraction(case: Value, text: &str) -> Result<Value> {
    let (seconds, Some(fraction)) = block_time(member(&case, "block")?)? else { return Ok(case) };
    let whole = Timestamp::from_seconds(seconds).to_string();
    let whole = whole.trim_end_matches('Z');
    Ok(Value::parse(&text.replace(&format!("{whole}.{fraction}"), whole))?)
}

fn read_tx(value: &Value) -> Result<RecordedTx> {
    Ok(RecordedTx {
        event: read_event(value)?,
        user_id: id_of(value, "userId")?,
        entity_type: text_of(value, "entityType")?,
        entity_id: id_of(value, "entityId")?,
        action: text_of(value, "action")?,
        metadata: match member(value, "metadata")? {
            // Some tests sent a bare number.
            Value::Number(number) => number.to_string(),
            _ => text_of(value, "metadata")?,
        },
        signer: text_of(value, "signer")?,
    })
}

fn read_event(value: &Value) -> Result<EventKey> {
    let index = value.get("event_index").and_then(Value::as_int).unwrap_or(0);
    Ok((text_of(value, "txhash")?, index))
}

fn read_rejects(items: &[Value]) -> Result<Rejects> {
    items.iter().map(|item| Ok((read_event(item)?, text_of(item, "reason")?))).collect()
}

fn read_object(value: &Value) -> Row {
    match value {
        Value::Object(members) => members.clone(),
        _ => Row::new(),
    }
}

pub(crate) fn read_tables(value: &Value) -> Result<Tables> {
    read_object(value)
        .into_iter()
        .map(|(table, rows)| match rows {
            Value::List(rows) => Ok((table, rows.iter().map(read_object).collect())),
            other => bail!("rows of {table} are {other}"),
        })
        .collect()
}

pub(crate) fn read_json_nulls(value: &Value) -> Result<Vec<Marks>> {
    let mut marks = Vec::new();
    for (table, rows) in read_object(value) {
        for row in rows.items() {
            let columns = member(row, "columns")?.items().iter().filter_map(Value::as_text);
            marks.push(Marks {
                table: table.clone(),
                key: read_object(member(row, "pk")?),
                columns: columns.map(str::to_owned).collect(),
            });
        }
    }
    Ok(marks)
}

fn read_volatile(value: &Value) -> Result<Marks> {
    Ok(Marks {
        table: text_of(value, "table")?,
        key: read_object(member(value, "pk")?),
        columns: vec![text_of(value, "column")?],
    })
}
