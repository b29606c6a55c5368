//! Checksums of one database in a file, and a database held against such a file later: for two
//! databases that cannot be reached at the same time.
//!
//! The file says which segments differ, not which rows: those of the other side are not there.

use std::path::Path;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::again::again;
use super::catalog::Catalog;
use super::judge::{Difference, FieldDifference, Kind};
use super::kept::{Snapshot, TableSnapshot, VERSION, read};
use super::known::Known;
use super::plan::{Choice, Plan, Skipped, TablePlan, plan};
use super::query::{Hash, Query, Selection};
use super::report::Out;
use super::result::{Compared, Progress, Report, TableResult};
use super::run::{Ended, check_names};
use super::scan::{Scan, Segment, Segments};
use super::session::{Server, Session};
use super::spool::Spool;
use super::table::{MOST_SEGMENTS, SAMPLED_PER_SEGMENT};
use super::window::{self, OwnWindow, Wanted, Window};
use super::{Error, Options, Side, Verdict, sight, trial};
use crate::db::Database;

/// What a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Tables.
    pub tables: usize,
    /// Segments.
    pub segments: usize,
    /// Rows.
    pub rows: u64,
}

/// One database to read.
struct Reader<'a> {
    server: Arc<Server>,
    options: &'a Options,
    window: Option<Window>,
    hash: Hash,
    progress: &'a Progress,
    cancel: &'a CancellationToken,
}

impl Reader<'_> {
    /// The segments of a table, in a snapshot of its own; with `bounds` those of another database.
    async fn segments(
        &self,
        plan: &TablePlan,
        bounds: Option<Vec<String>>,
    ) -> Result<(Vec<String>, Segments), Error> {
        self.progress.say(&plan.name);
        let forget = || self.server.forget_idle();
        let read = async || self.segments_at_once(plan, bounds.clone()).await;
        again(self.cancel, &plan.name, forget, read).await
    }

    async fn segments_at_once(
        &self,
        plan: &TablePlan,
        bounds: Option<Vec<String>>,
    ) -> Result<(Vec<String>, Segments), Error> {
        let selection =
            Selection { condition: self.options.condition.clone(), ..Selection::default() };
        let (window, hash) = (self.window.as_ref(), self.hash);
        let query = Query { plan, side: Side::Etl, window, selection: &selection, hash };
        let mut session = self.server.session().await?;
        session.begin().await?;
        let snapshot = session.export().await?;
        let bounds = match bounds {
            Some(bounds) => bounds,
            None => self.bounds(&mut session, query).await?,
        };
        let scan = Scan {
            query,
            bounds: &bounds,
            only: None,
            snapshot: snapshot.as_deref(),
            progress: self.progress,
            cancel: self.cancel,
        };
        let (session, segments) = scan.run(session).await?;
        session.finish().await?;
        Ok((bounds, segments))
    }

    /// What segments of a table are ranges of.
    fn segment_name(&self, plan: &TablePlan) -> String {
        let (window, selection, hash) = (self.window.as_ref(), &Selection::default(), self.hash);
        Query { plan, side: Side::Etl, window, selection, hash }.segment_name()
    }

    async fn bounds(&self, session: &mut Session, query: Query<'_>) -> Result<Vec<String>, Error> {
        let rows = query.plan.etl.rows;
        let segments = (rows / self.options.segment_rows.max(1)).min(MOST_SEGMENTS);
        if segments < 2 {
            return Ok(Vec::new());
        }
        #[expect(clippy::cast_precision_loss, reason = "a share of a page sample is approximate")]
        let percent = 100.0 * (segments * SAMPLED_PER_SEGMENT) as f64 / rows as f64;
        let sampled = query.plan.etl.pages.is_some() && percent < 60.0;
        let sql = query.bounds(segments, sampled.then_some(percent), None);
        let doing = format!("cutting {} into segments", query.plan.name);
        let rows = session.texts(&doing, &sql).await?;
        let mut bounds: Vec<String> = rows.into_iter().flatten().flatten().collect();
        bounds.dedup();
        Ok(bounds)
    }
}

/// Writes the checksums of a database into a file.
///
/// # Errors
/// Whatever keeps the file from being whole.
pub async fn take_snapshot(
    database: Database,
    options: Options,
    path: &Path,
    progress: Arc<Progress>,
    cancel: CancellationToken,
) -> Result<Taken, Error> {
    check_names(&options)?;
    let known = options.known_differences()?;
    let out = Out::create(path)?;
    let server = Server::new(Side::Etl, database, &options, &cancel);
    let look = async || look(&server, &options, &known).await;
    let (catalog, own, plan) =
        again(&cancel, "reading the catalog", || server.forget_idle(), look).await?;
    let window = own.as_ref().map(OwnWindow::alone);
    let hash = if options.md5 { Hash::Md5 } else { Hash::Builtin };
    let (progress, cancel) = (&*progress, &cancel);
    let reader = Reader { server, options: &options, window, hash, progress, cancel };
    let mut tables = Vec::with_capacity(plan.tables.len());
    for table in &plan.tables {
        progress.expect(table.etl.rows);
    }
    for table in &plan.tables {
        let obstacle = reader.window.as_ref().and_then(|window| window.obstacle(table.position));
        if obstacle.is_some() {
            continue;
        }
        let (bounds, segments) = reader.segments(table, None).await?;
        tables.push(TableSnapshot::new(table, bounds, &segments));
    }
    let taken = Taken {
        tables: tables.len(),
        segments: tables.iter().map(|table| table.segments.len()).sum(),
        rows: tables.iter().flat_map(|table| &table.segments).map(|(_, rows, _)| rows).sum(),
    };
    let snapshot = Snapshot {
        version: VERSION,
        url: reader.server.redacted().to_owned(),
        server: catalog.version_text,
        moment: catalog.moment,
        identity: catalog.identity,
        hash,
        probe: catalog.probe,
        window: own,
        tables,
    };
    out.write(|out| Ok(serde_json::to_writer(out, &snapshot)?))?;
    Ok(taken)
}

/// Reads catalog and window of a database alone, and lays out what to read.
async fn look(
    server: &Arc<Server>,
    options: &Options,
    known: &Known,
) -> Result<(Catalog, Option<OwnWindow>, Plan), Error> {
    let mut session = server.session().await?;
    session.begin().await?;
    let catalog = Catalog::read(&mut session).await?;
    let own = if options.all {
        None
    } else {
        sight::check(Side::Etl, &catalog, "core_indexed_blocks", window::COLUMNS)?;
        Some(window::own(&mut session, &wanted(options)).await?)
    };
    let choice = Choice { tables: options.tables.clone(), columns: options.columns.clone() };
    choice.check(&catalog, &catalog)?;
    let mut plan = plan(&catalog, &catalog, &choice, known);
    if catalog.is_production {
        plan.date_plays(&mut session).await?;
    }
    plan.check_sight(Side::Etl, &catalog)?;
    if let Some(condition) = &options.condition {
        trial::condition(&mut plan, condition, !options.tables.is_empty(), &mut session).await?;
    }
    session.finish().await?;
    Ok((catalog, own, plan))
}

fn wanted(options: &Options) -> Wanted {
    Wanted { chain: options.chain.clone(), since: options.since, until: options.until }
}

/// Compares a database with a snapshot of another. A difference is a segment, not a row.
///
/// # Errors
/// Whatever keeps the comparison from coming to a verdict.
pub async fn compare_with_snapshot(
    database: Database,
    options: Options,
    path: &Path,
    progress: Arc<Progress>,
    cancel: CancellationToken,
) -> Result<Ended, Error> {
    let begun = Instant::now();
    check_names(&options)?;
    let snapshot = read(path)?;
    let server = Server::new(Side::Etl, database, &options, &cancel);
    let look = async || {
        let mut session = server.session().await?;
        session.begin().await?;
        let catalog = Catalog::read(&mut session).await?;
        let window = match &snapshot.window {
            Some(own) => {
                sight::check(Side::Etl, &catalog, "core_indexed_blocks", window::COLUMNS)?;
                Some(own.in_database(&mut session).await?)
            }
            None => None,
        };
        session.finish().await?;
        Ok((catalog, window))
    };
    let (catalog, window) =
        again(&cancel, "reading the catalog", || server.forget_idle(), look).await?;
    if snapshot.hash == Hash::Builtin && snapshot.probe != catalog.probe {
        return Err(Error::File {
            path: path.display().to_string(),
            problem: "was taken from a server that hashes otherwise; take it again with --md5"
                .to_owned(),
        });
    }
    let hash = snapshot.hash;
    let (progress, cancel) = (&*progress, &cancel);
    let reader = Reader { server, options: &options, window, hash, progress, cancel };
    let mut outline = outline(&snapshot, &catalog, &reader, path);
    let mut spools = Vec::new();
    let chosen =
        |table: &&TableSnapshot| options.tables.is_empty() || options.tables.contains(&table.name);
    for table in snapshot.tables.iter().filter(chosen) {
        let plan = match table.plan(&catalog) {
            Ok(plan) => plan,
            Err(drift) => {
                outline.drift.push(drift);
                continue;
            }
        };
        let window = reader.window.as_ref();
        if let Some(reason) = window.and_then(|window| window.obstacle(plan.position)) {
            outline.skipped.push(Skipped { table: plan.name, reason: reason.to_owned() });
            continue;
        }
        plan.check_sight(Side::Etl, &catalog)?;
        progress.expect(plan.etl.rows);
        let started = Instant::now();
        let (bounds, segments) = reader.segments(&plan, Some(table.bounds.clone())).await?;
        let name = reader.segment_name(&plan);
        let (mut result, spool) = differing(&plan, &name, &bounds, &segments, &table.segments())?;
        result.seconds = started.elapsed().as_secs_f64();
        result.unseen = result.is_empty() && options.tables.contains(&result.table);
        progress.found(result.differences());
        outline.tables.push(result);
        spools.push(spool);
    }
    outline.verdict = Report::judge(&outline.tables, &outline.drift, &outline.origin);
    outline.etl.received = reader.server.received();
    outline.seconds = begun.elapsed().as_secs_f64();
    Ok(Ended::new(outline, spools))
}

fn outline(snapshot: &Snapshot, catalog: &Catalog, reader: &Reader<'_>, path: &Path) -> Report {
    let compared = |url: String, version: &str, moment: &str| Compared {
        url,
        version: version.split(" on ").next().unwrap_or_default().to_owned(),
        moment: moment.to_owned(),
        received: 0,
    };
    let prod = format!("{} in {}", snapshot.url, path.display());
    let mut notes = vec![
        "against a snapshot a difference is a segment: a range of the first column of the key"
            .to_owned(),
    ];
    if snapshot.identity == catalog.identity {
        notes.push("the snapshot was taken of this very database".to_owned());
    }
    Report {
        verdict: Verdict::Nothing,
        origin: reader.options.origin(),
        etl: compared(reader.server.redacted().to_owned(), &catalog.version_text, &catalog.moment),
        prod: compared(prod, &snapshot.server, &snapshot.moment),
        window: reader.window.clone(),
        method: "checksums of segments against those of a snapshot".to_owned(),
        tables: Vec::new(),
        drift: Vec::new(),
        skipped: Vec::new(),
        known: Vec::new(),
        notes,
        by_segment: true,
        seconds: 0.0,
    }
}

/// The segments that differ, each as a difference with its range of keys and its rows.
fn differing(
    plan: &TablePlan,
    name: &str,
    bounds: &[String],
    etl: &Segments,
    prod: &Segments,
) -> Result<(TableResult, Spool), Error> {
    let mut result = TableResult {
        table: plan.name.clone(),
        etl_rows: etl.rows(),
        prod_rows: prod.rows(),
        ..TableResult::default()
    };
    let mut spool = Spool::default();
    for number in etl.numbers() {
        let (mine, theirs) = (etl.get(number), prod.get(number));
        if mine.rows == 0 && theirs.rows == 0 {
            continue;
        }
        result.segments += 1;
        if mine == theirs {
            result.matched += mine.rows;
            continue;
        }
        result.unequal_segments += 1;
        let bound = |at: i64| usize::try_from(at).ok().and_then(|at| bounds.get(at)).cloned();
        let range = match (number, bound(number - 1), bound(number)) {
            (-1, ..) => "NULL".to_owned(),
            (_, from, to) => {
                let from = from.map(|from| format!("from {from} "));
                let to = to.map(|to| format!("below {to}"));
                format!("{}{}", from.unwrap_or_default(), to.unwrap_or_default())
            }
        };
        let difference = Difference {
            table: plan.name.clone(),
            kind: Kind::Segment,
            key: vec![(name.to_owned(), Some(range))],
            fields: vec![FieldDifference {
                column: "rows and checksum".to_owned(),
                etl: Some(described(mine)),
                prod: Some(described(theirs)),
                known: None,
            }],
            etl_block: None,
            prod_block: None,
            etl_tx: None,
            prod_tx: None,
            known: None,
            etl_row: None,
            prod_row: None,
            identity: String::new(),
            first: None,
        };
        result.note(&difference);
        spool.push(&difference)?;
    }
    Ok((result, spool))
}

fn described(segment: Segment) -> String {
    let [one, _] = segment.sums();
    format!("{} rows, {one:x}", segment.rows)
}
