//! A comparison from the first connection to the report.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::again::again;
use super::catalog::Catalog;
use super::known::Known;
use super::plan::{Choice, Plan, Skipped, TablePlan, plan};
use super::query::Hash;
use super::result::{Compared, KnownUse, Progress, Report};
use super::session::Server;
use super::shared::Run;
use super::spec;
use super::spool::Spool;
use super::table::TableRun;
use super::window::{self, Wanted, Window};
use super::{Difference, Error, Options, Side, aggregates, gone, heights, names, sight, trial};
use crate::db::Database;

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

    /// A few differences of every table that has any: about `most` in all.
    ///
    /// # Errors
    /// When the temporary files cannot be read.
    pub fn some(&mut self, most: usize) -> Result<Vec<Difference>, Error> {
        let filled = self.spools.iter().filter(|spool| spool.len() > 0).count();
        let mut some = Vec::new();
        for spool in &mut self.spools {
            let each = most.div_ceil(filled.max(1)).min(most - some.len());
            for difference in spool.read()?.take(each) {
                some.push(difference?);
            }
        }
        Ok(some)
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
    let mut known = options.known_differences()?;
    check_names(&options)?;
    let etl = Server::new(Side::Etl, etl, &options, &cancel);
    let prod = Server::new(Side::Prod, prod, &options, &cancel);
    progress.say("reading catalogs");
    let forget = || [&etl, &prod].iter().for_each(|server| server.forget_idle());
    let look = async || look(&etl, &prod, &options, &known).await;
    let found = again(&cancel, "reading catalogs", forget, look).await?;
    if !found.prod.is_production {
        known.forget_live_counters();
    }
    let (run, mut plan, mut outline) =
        prepare(found, etl.clone(), prod.clone(), options, known, progress, cancel);
    plan.tables.sort_by_key(|table| std::cmp::Reverse(table.rows()));
    let count = async || run.transactions().await;
    let before = again(&run.cancel, "counting transactions", || run.forget_idle(), &count).await?;
    let mut tables = run.tables(&plan.tables).await?;
    let after = again(&run.cancel, "counting transactions", || run.forget_idle(), &count).await?;
    let live = after != before;
    let flagged = tables.iter().any(|table| table.spool.len() > 0);
    if live && flagged && !run.options.recheck_after.is_zero() {
        run.recheck(&mut tables).await?;
        let seconds = run.options.recheck_after.as_secs_f64();
        outline.notes.push(format!("rows that differed were read again after {seconds} s"));
    }
    let order = |name: &str| spec::tables().iter().position(|spec| spec.name == name);
    tables.sort_by_key(|table| order(&table.result.table));
    outline.known = run.known_uses(&tables);
    let (mut results, spools) =
        tables.into_iter().map(|table| (table.result, table.spool)).unzip::<_, _, Vec<_>, Vec<_>>();
    if run.options.check_aggregates {
        for server in [&etl, &prod] {
            let check = async || aggregates::check(server).await;
            let forget = || server.forget_idle();
            outline.notes.extend(again(&run.cancel, "counting", forget, check).await?);
        }
    }
    heights::complete(&etl, &prod, &mut results).await;
    outline.verdict = Report::judge(&results, &plan.drift, &outline.origin);
    outline.tables = results;
    outline.drift = plan.drift;
    outline.skipped = plan.skipped;
    outline.etl.received = run.etl.received();
    outline.prod.received = run.prod.received();
    outline.seconds = begun.elapsed().as_secs_f64();
    Ok(Ended { report: outline, spools })
}

/// Refuses tables that are not in the list.
pub(crate) fn check_names(options: &Options) -> Result<(), Error> {
    let named = options.columns.iter().filter_map(|column| Some(column.split_once('.')?.0));
    let there = || spec::tables().iter().map(|spec| spec.name);
    let unknown = options
        .tables
        .iter()
        .map(String::as_str)
        .chain(named)
        .find(|name| there().all(|there| there != *name));
    match unknown {
        Some(name) => {
            let hint = names::hint(name, there());
            Err(Error::Usage(format!("there is no table `{name}` to compare{hint}")))
        }
        None => Ok(()),
    }
}

/// What a first look at both databases shows.
struct Found {
    etl: Catalog,
    prod: Catalog,
    window: Option<Window>,
    plan: Plan,
    inapplicable: BTreeSet<(usize, String)>,
}

/// Reads catalogs and window, lays out what to do, and tries what the user wrote in SQL.
async fn look(
    etl: &Arc<Server>,
    prod: &Arc<Server>,
    options: &Options,
    known: &Known,
) -> Result<Found, Error> {
    let (mut mine, mut theirs) = tokio::try_join!(etl.session(), prod.session())?;
    tokio::try_join!(mine.begin(), theirs.begin())?;
    let (one, other) = tokio::try_join!(Catalog::read(&mut mine), Catalog::read(&mut theirs))?;
    let window = if options.all {
        None
    } else {
        for (side, catalog) in [(Side::Etl, &one), (Side::Prod, &other)] {
            sight::check(side, catalog, "core_indexed_blocks", window::COLUMNS)?;
        }
        let wanted =
            Wanted { chain: options.chain.clone(), since: options.since, until: options.until };
        Some(window::find(&mut mine, &mut theirs, &wanted).await?)
    };
    let choice = Choice { tables: options.tables.clone(), columns: options.columns.clone() };
    choice.check(&one, &other)?;
    let mut plan = plan(&one, &other, &choice, known);
    if let Some(window) = &window {
        leave_out(&mut plan, window);
        gone::raw_rows(&mut plan, window, &mut mine, &mut theirs).await?;
    }
    gone::other_heads(&mut plan, &mut mine, &mut theirs).await?;
    if other.is_production {
        plan.date_plays(&mut theirs).await?;
    }
    plan.check_sight(Side::Etl, &one)?;
    plan.check_sight(Side::Prod, &other)?;
    if let Some(condition) = &options.condition {
        let named = !options.tables.is_empty();
        trial::condition(&mut plan, condition, named, &mut mine).await?;
        trial::condition(&mut plan, condition, named, &mut theirs).await?;
    }
    let inapplicable =
        trial::known(&plan, known, other.is_production, &mut mine, &mut theirs).await?;
    tokio::try_join!(mine.finish(), theirs.finish())?;
    Ok(Found { etl: one, prod: other, window, plan, inapplicable })
}

fn prepare(
    found: Found,
    etl: Arc<Server>,
    prod: Arc<Server>,
    options: Options,
    known: Known,
    progress: Arc<Progress>,
    cancel: CancellationToken,
) -> (Run, Plan, Report) {
    let Found { etl: one, prod: other, window, plan, inapplicable } = found;
    let hash = if options.md5 || one.probe != other.probe { Hash::Md5 } else { Hash::Builtin };
    let compared = |server: &Server, catalog: &Catalog| Compared {
        url: server.redacted().to_owned(),
        version: catalog.version_text.split(" on ").next().unwrap_or_default().to_owned(),
        moment: catalog.moment.clone(),
        received: 0,
    };
    let mut notes = notes(&options, window.as_ref());
    if other.is_production {
        let note =
            "prod is production of 2026: its tables are compared by what the chain makes of them";
        notes.push(note.to_owned());
    }
    if one.identity == other.identity {
        let note = "etl and prod are the same database: nothing else than EQUAL was to be expected";
        tracing::warn!("{note}");
        notes.push(note.to_owned());
    }
    let outline = Report {
        verdict: super::Verdict::Nothing,
        origin: options.origin(),
        etl: compared(&etl, &one),
        prod: compared(&prod, &other),
        method: method(&options, hash),
        tables: Vec::new(),
        drift: Vec::new(),
        skipped: Vec::new(),
        known: Vec::new(),
        notes,
        window: window.clone(),
        by_segment: false,
        seconds: 0.0,
    };
    let run = Run { options, etl, prod, window, known, inapplicable, hash, progress, cancel };
    (run, plan, outline)
}

/// Moves the tables that the window says nothing about to the skipped ones, and leaves out the
/// columns that indexers of two kinds fill each in its own way.
fn leave_out(plan: &mut Plan, window: &Window) {
    if !window.has_one_era() {
        plan.tables.iter_mut().for_each(TablePlan::forget_slots);
    }
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
    if let Some(window) = window.filter(|window| !window.others.is_empty()) {
        notes.push(format!(
            "rows of {} were compared; both databases have {} too: --chain",
            window.chain,
            window.others.join(", ")
        ));
    }
    if window.is_some_and(|window| !window.has_one_era()) {
        let note = "the databases have their plays from indexers of two kinds: slots of plays, and \
                    slots and parents of indexed blocks, were not compared";
        notes.push(note.to_owned());
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
        let attempt = async |plan: &'a TablePlan| {
            let mut table = TableRun::new(self, plan);
            let compared = table.compare().await;
            if compared.is_err() {
                self.progress.forget(table.result.differences());
            }
            compared.map(|()| table)
        };
        let begin = |plan: &'a TablePlan| async move {
            self.progress.say(&plan.name);
            again(&self.cancel, &plan.name, || self.forget_idle(), async || attempt(plan).await)
                .await
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
            session.begin().await?;
            let rows = session.texts("reading the transaction counter", COUNTER).await?;
            session.finish().await?;
            Ok::<_, Error>(rows.into_iter().flatten().flatten().next().unwrap_or_default())
        };
        Ok((of(&self.etl).await?, of(&self.prod).await?))
    }

    /// Closes connections that wait for work: they may be broken.
    pub(crate) fn forget_idle(&self) {
        self.etl.forget_idle();
        self.prod.forget_idle();
    }

    fn known_uses(&self, tables: &[TableRun<'_>]) -> Vec<KnownUse> {
        let entries = self.known.entries.iter().enumerate();
        let of = |index: usize| tables.iter().map(|table| table.uses[index]).sum::<u64>();
        entries.map(|(index, entry)| entry.used(of(index))).collect()
    }
}
