//! A comparison from the first connection to the report.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::catalog::Catalog;
use super::known::Known;
use super::plan::{Choice, Plan, Skipped, TablePlan, plan};
use super::query::Hash;
use super::result::{Compared, KnownUse, Progress, Report};
use super::session::Server;
use super::spec;
use super::spool::Spool;
use super::table::TableRun;
use super::window::{self, Wanted, Window};
use super::{Difference, Error, Options, Side};
use crate::db::Database;

/// What the tables of a run share.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) etl: Arc<Server>,
    pub(crate) prod: Arc<Server>,
    pub(crate) window: Option<Window>,
    pub(crate) known: Known,
    pub(crate) hash: Hash,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cancel: CancellationToken,
}

/// The end of a comparison: the report, and the differences table by table.
#[derive(Debug)]
pub struct Ended {
    /// Everything but the differences.
    pub report: Report,
    spools: Vec<Spool>,
}

impl Ended {
    /// The end of a comparison; one spool per table of the report.
    pub(crate) const fn new(report: Report, spools: Vec<Spool>) -> Self {
        Self { report, spools }
    }

    /// Reads all differences, in the order of the tables of the report.
    ///
    /// # Errors
    /// When the temporary files cannot be read; the iterator, when a line of them cannot.
    pub fn differences(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<Difference, Error>> + '_, Error> {
        let mut parts = Vec::with_capacity(self.spools.len());
        for spool in &mut self.spools {
            parts.push(spool.read()?);
        }
        Ok(parts.into_iter().flatten())
    }
}

/// Compares two databases.
///
/// # Errors
/// Whatever keeps the comparison from coming to a verdict: then there is none, not even a partial
/// one.
pub async fn compare(
    etl: Database,
    prod: Database,
    options: Options,
    progress: Arc<Progress>,
    cancel: CancellationToken,
) -> Result<Ended, Error> {
    let begun = Instant::now();
    let known = match &options.known {
        Some(path) => Known::read(path)?,
        None => Known::default_file()?,
    };
    check_names(&options)?;
    let etl = Server::new(Side::Etl, etl, &options, &cancel);
    let prod = Server::new(Side::Prod, prod, &options, &cancel);
    let (run, mut plan, mut outline) =
        prepare(etl, prod, options, known, &progress, &cancel).await?;
    plan.tables.sort_by_key(|table| std::cmp::Reverse(table.rows()));
    let before = run.transactions().await?;
    let mut tables = run.tables(&plan.tables).await?;
    let live = run.transactions().await? != before;
    let flagged = tables.iter().any(|table| table.spool.len() > 0);
    if live && flagged && !run.options.recheck_after.is_zero() {
        run.recheck(&mut tables).await?;
        let seconds = run.options.recheck_after.as_secs_f64();
        outline.notes.push(format!("rows that differed were read again after {seconds} s"));
    }
    let order = |name: &str| spec::tables().iter().position(|spec| spec.name == name);
    tables.sort_by_key(|table| order(&table.result.table));
    let (results, spools) =
        tables.into_iter().map(|table| (table.result, table.spool)).unzip::<_, _, Vec<_>, Vec<_>>();
    outline.verdict = Report::judge(&results, &plan.drift);
    outline.tables = results;
    outline.drift = plan.drift;
    outline.skipped = plan.skipped;
    outline.known = run.known_uses();
    outline.etl.received = run.etl.received();
    outline.prod.received = run.prod.received();
    outline.seconds = begun.elapsed().as_secs_f64();
    Ok(Ended { report: outline, spools })
}

/// Refuses tables that are not in the list.
fn check_names(options: &Options) -> Result<(), Error> {
    let named = options.columns.iter().filter_map(|column| Some(column.split_once('.')?.0));
    let unknown = options
        .tables
        .iter()
        .map(String::as_str)
        .chain(named)
        .find(|name| spec::tables().iter().all(|spec| spec.name != *name));
    match unknown {
        Some(name) => Err(Error::Usage(format!("there is no table `{name}` to compare"))),
        None => Ok(()),
    }
}

/// Reads catalogs and window, and lays out what to do.
async fn prepare(
    etl: Arc<Server>,
    prod: Arc<Server>,
    options: Options,
    known: Known,
    progress: &Arc<Progress>,
    cancel: &CancellationToken,
) -> Result<(Run, Plan, Report), Error> {
    progress.say("reading catalogs");
    let (mut mine, mut theirs) = tokio::try_join!(etl.session(), prod.session())?;
    let (one, other) = tokio::try_join!(Catalog::read(&mut mine), Catalog::read(&mut theirs))?;
    let window = if options.all {
        None
    } else {
        let wanted =
            Wanted { chain: options.chain.clone(), since: options.since, until: options.until };
        Some(window::find(&mut mine, &mut theirs, &wanted).await?)
    };
    tokio::try_join!(mine.close(), theirs.close())?;
    let choice = Choice { tables: options.tables.clone(), columns: options.columns.clone() };
    let mut plan = plan(&one, &other, &choice, &known);
    if let Some(window) = &window {
        leave_out(&mut plan, window);
    }
    let hash = if options.md5 || one.probe != other.probe { Hash::Md5 } else { Hash::Builtin };
    let compared = |server: &Server, catalog: &Catalog| Compared {
        url: server.redacted().to_owned(),
        version: catalog.version_text.split(" on ").next().unwrap_or_default().to_owned(),
        received: 0,
    };
    let outline = Report {
        verdict: super::Verdict::Equal,
        etl: compared(&etl, &one),
        prod: compared(&prod, &other),
        method: method(&options, hash),
        tables: Vec::new(),
        drift: Vec::new(),
        skipped: Vec::new(),
        known: Vec::new(),
        notes: notes(&options, window.as_ref()),
        window: window.clone(),
        seconds: 0.0,
    };
    let (progress, cancel) = (Arc::clone(progress), cancel.clone());
    let run = Run { options, etl, prod, window, known, hash, progress, cancel };
    Ok((run, plan, outline))
}

/// Moves the tables that the window says nothing about to the skipped ones.
fn leave_out(plan: &mut Plan, window: &Window) {
    let (tables, skipped) = std::mem::take(&mut plan.tables)
        .into_iter()
        .partition(|table: &TablePlan| window.obstacle(table.position).is_none());
    plan.tables = tables;
    plan.skipped.extend(skipped.iter().filter_map(|table: &TablePlan| {
        let reason = window.obstacle(table.position)?.to_owned();
        Some(Skipped { table: table.name.clone(), reason })
    }));
}

fn method(options: &Options, hash: Hash) -> String {
    let method = match (options.exact, hash) {
        (true, _) => "every row, without hashes",
        (false, Hash::Builtin) => "128-bit sums of row hashes per segment",
        (false, Hash::Md5) => "128-bit sums of row hashes (MD5) per segment",
    };
    method.to_owned()
}

fn notes(options: &Options, window: Option<&Window>) -> Vec<String> {
    let mut notes = Vec::new();
    if options.sample.is_some() {
        notes.push("only a sample of the rows was compared".to_owned());
    }
    if let Some((part, of)) = options.shard {
        notes.push(format!("only part {part} of {of} was compared"));
    }
    if let Some(condition) = &options.condition {
        notes.push(format!("only rows with {condition} were compared"));
    }
    if !options.columns.is_empty() {
        notes.push(format!("only keys and {} were compared", options.columns.join(", ")));
    }
    if window.is_some_and(|window| window.diverges) {
        notes.push(
            "the databases number their blocks differently within the window: one of them counted \
             a block that the other did not"
                .to_owned(),
        );
    }
    if let Some(window) = window.filter(|window| window.block_shift != 0) {
        notes.push(format!(
            "prod numbers its blocks {:+} from etl; compared numbers are prod's",
            window.block_shift
        ));
    }
    notes
}

impl Run {
    /// Compares all tables, as many at a time as there are connections.
    async fn tables<'a>(&'a self, plans: &'a [TablePlan]) -> Result<Vec<TableRun<'a>>, Error> {
        for plan in plans {
            self.progress.expect(plan.etl.rows + plan.prod.rows);
        }
        let mut waiting = plans.iter();
        let mut running = FuturesUnordered::new();
        let begin = |plan: &'a TablePlan| async move {
            let mut table = TableRun::new(self, plan);
            self.progress.say(&plan.name);
            table.compare().await?;
            Ok::<_, Error>(table)
        };
        running.extend(waiting.by_ref().take(self.options.jobs.max(1)).map(begin));
        let mut done = Vec::with_capacity(plans.len());
        while let Some(table) = running.next().await {
            done.push(table?);
            if self.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            running.extend(waiting.next().map(begin));
        }
        Ok(done)
    }

    async fn recheck(&self, tables: &mut [TableRun<'_>]) -> Result<(), Error> {
        self.progress.say("waiting to read again what differed");
        self.wait(self.options.recheck_after).await?;
        self.progress.say("reading again what differed");
        self.known.entries.iter().for_each(super::known::Entry::forget);
        for table in tables {
            table.recheck().await?;
        }
        Ok(())
    }

    /// What the servers' transaction counters say: unchanged, if nobody wrote in between.
    async fn transactions(&self) -> Result<(String, String), Error> {
        const COUNTER: &str = "SELECT txid_snapshot_xmax(txid_current_snapshot())::text";
        let of = async |server: &Arc<Server>| {
            let mut session = server.session().await?;
            let rows = session.texts("reading the transaction counter", COUNTER).await?;
            session.close().await?;
            Ok::<_, Error>(rows.into_iter().flatten().flatten().next().unwrap_or_default())
        };
        Ok((of(&self.etl).await?, of(&self.prod).await?))
    }

    fn known_uses(&self) -> Vec<KnownUse> {
        let entries = self.known.entries.iter();
        entries
            .map(|entry| KnownUse {
                table: entry.table.clone(),
                column: entry.column.clone(),
                rule: entry.rule.name().to_owned(),
                reason: entry.reason.clone(),
                uses: entry.uses(),
            })
            .collect()
    }
}
