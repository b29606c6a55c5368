//! Replays one recording through the binary and compares what it left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sqlx::Connection as _;

use crate::archive::{self, FedBlock};
use crate::database::{Catalog, Server};
use crate::diff::compare::{TableDiff, compare};
use crate::diff::normalise;
use crate::diff::rules;
use crate::diff::value::Value;
use crate::diff::{Row, Tables};
use crate::etl::{self, Ground};
use crate::indexer::{IndexOptions, Indexer, Outcome, Reject};
use crate::place::{CHAIN_ID, Place, block_rows, plain_hash, stream_blocks};
use crate::recording::{Case, Entry, Kind, RecordedBlock, RecordedTx, Stream};
use crate::rejects::compare_rejects;

/// Verifier and karma threshold that all streams were recorded with.
const STREAM_VERIFIER: &str = "0xbbbb93A6B3A1D6fDd27909729b95CCB0cc9002C0";
const STREAM_KARMA: &str = "1700000";

/// Everything that replays share.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) template: String,
    pub(crate) catalog: Catalog,
    /// What recordings of the Go indexer are replayed on, where any are chosen.
    pub(crate) etl: Option<Ground>,
    /// The same for those that were made with constraints taken off.
    pub(crate) relaxed: Option<Ground>,
    pub(crate) indexer: Indexer,
    /// Folder for archives and reject lists.
    pub(crate) work: PathBuf,
    /// Leave databases and files behind.
    pub(crate) keep: bool,
    /// Leave out what production's triggers derive.
    pub(crate) no_triggers: bool,
    /// Index nothing: load the recorded rows and compare them with themselves.
    pub(crate) round_trip: bool,
}

/// What a replay found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Each one fails the recording.
    pub(crate) problems: Vec<String>,
    /// Tables with differences; these fail the recording too.
    pub(crate) tables: Vec<TableDiff>,
    /// Worth reading, but no failure.
    pub(crate) notes: Vec<String>,
}

impl Findings {
    /// Whether the recording was reproduced.
    pub(crate) fn passed(&self) -> bool {
        self.problems.is_empty() && self.tables.is_empty()
    }
}

impl Bench {
    /// Replays `entry` in databases of its own.
    pub(crate) async fn replay(&self, entry: &Entry) -> Findings {
        let mut findings = Findings::default();
        let done = match entry.kind {
            _ if self.round_trip => self.replay_nothing(entry, &mut findings).await,
            Kind::Case => self.replay_case(entry, &mut findings).await,
            Kind::Stream => self.replay_stream(entry, &mut findings).await,
            Kind::Etl => self.replay_etl(entry, &mut findings).await,
        };
        if let Err(error) = done {
            findings.problems.push(format!("{error:#}"));
        }
        findings
    }

    /// Loads the recorded rows after and reads them back: tests the schema and this program.
    async fn replay_nothing(&self, entry: &Entry, findings: &mut Findings) -> Result<()> {
        let (before, mut recorded, json_nulls, volatile) = match entry.kind {
            Kind::Case => {
                let case = entry.read_case()?;
                (case.before, case.after, case.json_nulls_after, case.volatile)
            }
            Kind::Stream => {
                let stream = entry.read_stream()?;
                (Tables::new(), stream.after, stream.json_nulls, Vec::new())
            }
            Kind::Etl => anyhow::bail!("only the recordings of the first era make a round trip"),
        };
        let database = self.database(&entry.name).await?;
        let mut connection = self.server.connect(&database).await?;
        let sequences = BTreeMap::new();
        self.catalog.seed(&mut connection, &recorded, &json_nulls, &sequences).await?;
        connection.close().await?;
        let mut ours = self.dump(&database, recorded.keys().map(String::as_str)).await?;
        self.finish(&database).await?;
        normalise::mark(&mut recorded, &json_nulls, &Value::JsonNull);
        normalise::mark(&mut recorded, &volatile, &Value::Any);
        let known = |table: &String, rows: &mut Vec<Row>| {
            self.catalog.has_table(table) || before.get(table) != Some(rows)
        };
        recorded.retain(known);
        self.compare(&mut recorded, &mut ours, findings);
        Ok(())
    }

    async fn replay_etl(&self, entry: &Entry, findings: &mut Findings) -> Result<()> {
        let is_relaxed = etl::is_relaxed(&entry.path);
        let ground = if is_relaxed { &self.relaxed } else { &self.etl };
        let ground = ground.as_ref().context("no database to copy")?;
        let database = self.server.name_of(&entry.name);
        self.server.create(&database, Some(&ground.template)).await?;
        let rejects = self.work.join(format!("{database}.rejects.jsonl"));
        let (server, indexer) = (&self.server, &self.indexer);
        let found = etl::replay(entry, ground, server, &database, indexer, &rejects).await;
        if !self.keep {
            remove(&rejects);
        }
        self.finish(&database).await?;
        *findings = found?;
        Ok(())
    }

    async fn replay_case(&self, entry: &Entry, findings: &mut Findings) -> Result<()> {
        let case = entry.read_case()?;
        let place = Place::behind(&case.before, &case.block);
        let fed = FedBlock {
            height: place.height,
            hash: place.hash.clone(),
            chain_id: &place.chain_id,
            block: &case.block,
            emptied: false,
        };
        let database = self.database(&entry.name).await?;
        let mut connection = self.server.connect(&database).await?;
        let mut before = case.before.clone();
        place.shift(&mut before);
        self.catalog
            .seed(&mut connection, &before, &case.json_nulls_before, &case.sequences)
            .await?;
        connection.close().await?;
        let options = case_options(&case)?;
        let rejects = self.index(&entry.name, &database, &[fed], &options).await?;
        let mut ours = self.dump(&database, case.after.keys().map(String::as_str)).await?;
        self.finish(&database).await?;
        if case.block.failed {
            check_failed_block(&place, &ours, &rejects, findings);
            return Ok(());
        }
        let given = std::slice::from_ref(&case.block);
        compare_rejects(given, |_| place.height, &case.rejected, &rejects, findings);
        let mut recorded = recorded_case(&case, &self.catalog);
        if !place.map_back(&mut ours, &case.block) {
            findings.problems.push("no row in blocks for the block fed".to_owned());
        }
        let doing_nothing = replaced_notifications(&case);
        normalise::drop_notifications(&mut ours, &doing_nothing);
        self.compare(&mut recorded, &mut ours, findings);
        Ok(())
    }

    async fn replay_stream(&self, entry: &Entry, findings: &mut Findings) -> Result<()> {
        let stream = entry.read_stream()?;
        let (database, rejects) = self.feed_stream(entry, "", &stream, true).await?;
        let mut ours = self.dump(&database, stream.after.keys().map(String::as_str)).await?;
        self.finish(&database).await?;
        let compared: Vec<RecordedBlock> =
            stream.blocks.iter().filter(|block| !block.failed).cloned().collect();
        compare_rejects(&compared, |block| block.number, &stream.rejected, &rejects, findings);
        let mut recorded = stream.after.clone();
        normalise::mark(&mut recorded, &stream.json_nulls, &Value::JsonNull);
        stream_blocks(&ours, &stream).apply(&mut ours);
        let left_out = |block: &&RecordedBlock| block.failed || block.txs.is_empty();
        let left_out: BTreeSet<String> =
            stream.blocks.iter().filter(left_out).map(|block| block.hash.clone()).collect();
        for side in [&mut recorded, &mut ours] {
            normalise::leave_out_blocks(side, &left_out);
            normalise::drop_notifications(side, rules::SEEDED_NOTIFICATIONS);
        }
        self.compare(&mut recorded, &mut ours, findings);
        if stream.blocks.iter().any(|block| block.failed) {
            self.replay_with_failed_blocks(entry, &stream, findings).await?;
        }
        Ok(())
    }

    /// The second run: all blocks, those the reference rolled back too. None may be lost.
    async fn replay_with_failed_blocks(
        &self,
        entry: &Entry,
        stream: &Stream,
        findings: &mut Findings,
    ) -> Result<()> {
        let (database, rejects) = self.feed_stream(entry, "_all", stream, false).await?;
        let ours = self.dump(&database, ["blocks"].into_iter()).await?;
        self.finish(&database).await?;
        let stored: BTreeSet<String> =
            block_rows(&ours).map(|(_, hash)| plain_hash(hash)).collect();
        let mut failed = 0;
        let mut poisoned = 0;
        let mut missing = Vec::new();
        for block in &stream.blocks {
            if !block.txs.is_empty() && !stored.contains(&plain_hash(&block.hash)) {
                findings.problems.push(format!("with failed blocks fed: {} is lost", block.number));
            }
            let poison = |reject: &Reject| {
                reject.height == block.number && reject.outcome == Outcome::Poison
            };
            failed += usize::from(block.failed);
            if block.failed && rejects.iter().any(poison) {
                poisoned += 1;
            } else if block.failed {
                let pairs: BTreeSet<String> = block.txs.iter().map(RecordedTx::pair).collect();
                let pairs: Vec<String> = pairs.into_iter().collect();
                missing.push(format!("{} {}", block.number, pairs.join(" ")));
            }
        }
        findings.notes.push(format!("{poisoned} of {failed} failed blocks count a poison"));
        if !missing.is_empty() {
            findings.notes.push(format!("not so: {}", missing.join(", ")));
        }
        Ok(())
    }

    async fn feed_stream(
        &self,
        entry: &Entry,
        suffix: &str,
        stream: &Stream,
        empty_failed: bool,
    ) -> Result<(String, Vec<Reject>)> {
        let name = format!("{}{suffix}", entry.name);
        let database = self.database(&name).await?;
        let mut connection = self.server.connect(&database).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(stream.seed.clone()))
            .execute(&mut connection)
            .await
            .context("load the seed rows")?;
        connection.close().await?;
        let mut fed: Vec<FedBlock<'_>> = Vec::with_capacity(stream.blocks.len());
        for block in &stream.blocks {
            fed.push(FedBlock {
                height: block.number,
                hash: block.hash.clone(),
                chain_id: CHAIN_ID,
                block,
                emptied: empty_failed && block.failed,
            });
        }
        let options = IndexOptions {
            verifier: STREAM_VERIFIER.to_owned(),
            karma_threshold: STREAM_KARMA.to_owned(),
            ..IndexOptions::default()
        };
        let rejects = self.index(&name, &database, &fed, &options).await?;
        Ok((database, rejects))
    }

    async fn database(&self, name: &str) -> Result<String> {
        let database = self.server.name_of(name);
        self.server.create(&database, Some(&self.template)).await?;
        Ok(database)
    }

    async fn index(
        &self,
        name: &str,
        database: &str,
        fed: &[FedBlock<'_>],
        options: &IndexOptions,
    ) -> Result<Vec<Reject>> {
        let file = |suffix: &str| self.work.join(format!("{name}.{suffix}.jsonl"));
        let (blocks, rejects) = (file("blocks"), file("rejects"));
        archive::write(&blocks, fed)?;
        let url = self.server.url_of(database)?;
        let found = self.indexer.index(&url, &blocks, &rejects, options).await;
        if found.is_err() && !self.keep {
            self.server.drop(database).await?;
        }
        if !self.keep {
            remove(&blocks);
            remove(&rejects);
        }
        found
    }

    /// Reads the tables of `also` and all that handlers and triggers fill.
    async fn dump<'a>(
        &self,
        database: &str,
        also: impl Iterator<Item = &'a str>,
    ) -> Result<Tables> {
        let known = rules::ENTITY_TABLES.iter().chain(rules::TRIGGER_TABLES).copied();
        let tables: BTreeSet<&str> = also.chain(known).collect();
        let mut connection = self.server.connect(database).await?;
        let dump = self.catalog.dump(&mut connection, tables.into_iter()).await?;
        connection.close().await?;
        Ok(dump)
    }

    async fn finish(&self, database: &str) -> Result<()> {
        if self.keep { Ok(()) } else { self.server.drop(database).await }
    }

    fn compare(&self, recorded: &mut Tables, ours: &mut Tables, findings: &mut Findings) {
        for side in [&mut *recorded, &mut *ours] {
            normalise::settle(side);
            if self.no_triggers {
                normalise::drop_notifications(side, rules::TRIGGER_NOTIFICATIONS);
                side.retain(|table, _| !rules::TRIGGER_TABLES.contains(&table.as_str()));
            }
        }
        let diffs = compare(recorded, ours, rules::natural_key);
        findings.tables.extend(diffs.into_iter().filter(|diff| !diff.differences.is_empty()));
    }
}

/// Removes a file that may be gone already.
fn remove(path: &Path) {
    drop(std::fs::remove_file(path));
}

fn case_options(case: &Case) -> Result<IndexOptions> {
    let (user, notification) = (&case.user_verifier, &case.notification_verifier);
    let notifies = case.block.txs.iter().any(|tx| tx.entity_type == "Notification");
    let verifies = case.block.txs.iter().any(|tx| tx.action == "Verify");
    if user != notification && notifies && verifies {
        anyhow::bail!("the case needs two verifier addresses in one block");
    }
    Ok(IndexOptions {
        clock: Some(case.clock.clone()),
        verifier: if notifies { notification.clone() } else { user.clone() },
        karma_threshold: case.karma_threshold.clone(),
        accepted_signatures: accepted_signatures(case),
    })
}

/// What a replaced `validate_signature` took for valid: the signatures of the wallet transactions
/// that the recording does not list as rejected.
fn accepted_signatures(case: &Case) -> Vec<String> {
    if !case.replaced_functions.iter().any(|function| function == "validate_signature") {
        return Vec::new();
    }
    let signature = |tx: &RecordedTx| {
        let metadata = Value::parse(&tx.metadata).ok()?;
        Some(metadata.get("data")?.get("signature")?.as_text()?.to_owned())
    };
    let accepted = |tx: &&RecordedTx| {
        tx.entity_type == "AssociatedWallet" && !case.rejected.contains_key(&tx.event)
    };
    let found: BTreeSet<String> =
        case.block.txs.iter().filter(accepted).filter_map(signature).collect();
    found.into_iter().collect()
}

/// Types of the notifications whose `create_…_notification` was replaced by doing nothing.
fn replaced_notifications(case: &Case) -> Vec<&str> {
    case.replaced_functions
        .iter()
        .filter_map(|function| function.strip_prefix("create_")?.strip_suffix("_notification"))
        .collect()
}

/// The recorded rows after, made comparable with ours.
fn recorded_case(case: &Case, catalog: &Catalog) -> Tables {
    let mut recorded = case.after.clone();
    // A table that we do not have is no difference as long as nothing in it changed.
    recorded.retain(|table, rows| {
        catalog.has_table(table) || case.before.get(table).is_none_or(|before| before != rows)
    });
    normalise::mark(&mut recorded, &case.json_nulls_after, &Value::JsonNull);
    normalise::mark(&mut recorded, &case.volatile, &Value::Any);
    recorded
}

/// A block that the reference could not commit: ours is committed and counts a poison.
fn check_failed_block(place: &Place, ours: &Tables, rejects: &[Reject], findings: &mut Findings) {
    if place.added(ours).len() != 1 {
        findings.problems.push("the block is not committed".to_owned());
    }
    if !rejects.iter().any(|reject| reject.outcome == Outcome::Poison) {
        findings.problems.push(format!("no transaction counted as poison: {rejects:?}"));
    }
}
