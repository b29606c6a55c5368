//! An index run from its settings to its summary: opens what it needs, starts the pipeline, and
//! closes everything in order.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::args::{IndexArgs, SignatureMode, SourceChoice};
use super::ethereum::{self, Ethereum};
use super::initial_sync;
use super::opening::{Opened, Route};
use crate::args::SummaryForm;
use crate::chain::{self, BlockSource, LastBlock};
use crate::commands::building::BuildWatch;
use crate::commands::context::Context;
use crate::commands::database::OpenDatabase;
use crate::commands::era::{ChosenEra, EraSettings};
use crate::commands::telemetry::Monitor;
use crate::db::load::Loader;
use crate::db::migrate::Migrator;
use crate::db::plan::{self, StoredPlan};
use crate::db::start::StartState;
use crate::db::taken_ids;
use crate::db::{Database, fitness};
use crate::eras::{Derive, Numbering, SerialIds};
use crate::failure::{Failure, FailureKind};
use crate::model::Timestamp;
use crate::pipeline::event::{PipelineEvent, Start, Summary};
use crate::pipeline::{Applier, Cursor, Doing, End, Limits, Pipeline, RejectLog, Releases};
use crate::terminal::{progress, summary};
use crate::writer::{
    self, ChainStatus, CheckpointIds, Lane, PostgresConfig, PostgresSink, Triggers, WriterConfig,
    WriterHandle,
};

/// Events that wait to be drawn. Drawing never falls behind for long; this bridges a slow terminal.
const EVENTS_AHEAD: usize = 256;

/// Runs the command.
pub(crate) async fn run(args: IndexArgs, context: &Context) -> Result<(), Failure> {
    let source = args.source_choice(&context.settings)?;
    if let SourceChoice::Given(sources) = &source {
        chain::check(sources)?;
    }
    if !args.then.is_empty() {
        chain::check(&args.then)?;
    }
    let open = OpenDatabase::open(context).await?;
    let done = index(&args, source, context, open.database()).await;
    let url = open.private_url().map(str::to_owned);
    let closed = open.close().await;
    if let (Some(url), Ok(())) = (url, &done) {
        context.printer.note(&format!(
            "the private PostgreSQL runs while a command does (audius-etl status starts it too); then \
             look around with\n  psql '{url}'"
        ));
    }
    done.and(closed)
}

async fn index(
    args: &IndexArgs,
    source: SourceChoice,
    context: &Context,
    database: &Database,
) -> Result<(), Failure> {
    let mut monitor = args.telemetry.start(context).await?;
    fitness::check(database, args.strict_search_path).await?;
    if !args.no_migrate {
        migrate(context, database).await?;
    }
    let sink = PostgresSink::open(PostgresConfig {
        wait_lock: args.wait_lock,
        triggers: args.triggers.map(Into::into),
        ..PostgresConfig::new(database.clone())
    })
    .await?;
    let loader = Arc::new(Loader::over(database, Arc::clone(sink.catalog()))?);
    let derive = choose_derivation(args, &sink);
    let start = loader.start_state().await?;
    let (events, receiver) = mpsc::channel(EVENTS_AHEAD);
    let (written, telemetry) = (events.clone(), monitor.telemetry.clone());
    let handle = writer::spawn(
        sink,
        WriterConfig { committed: start.checkpoint, ..WriterConfig::default() },
        move |run| {
            telemetry.written(run);
            report_written(&written, run);
        },
    );
    let outcome = match args.rewind_to {
        Some(height) => {
            let outcome = rewind(height, &start, &loader, &handle, context).await;
            outcome.and(handle.shutdown().await.map_err(Failure::from))
        }
        None => {
            let nodes = &args.ethereum;
            match ethereum::open(nodes, args.once, database, &start, &handle, context).await? {
                Some(ethereum) if source == SourceChoice::Nothing => {
                    drop((events, receiver));
                    ethereum.watched_by(&mut monitor);
                    monitor.is_up(database);
                    let ended = follow_ethereum(ethereum, &handle, context).await;
                    monitor.ends();
                    ended
                }
                ethereum => {
                    if let Some(ethereum) = &ethereum {
                        ethereum.watched_by(&mut monitor);
                    }
                    let start = &start;
                    let plan = loader.plan().await?;
                    let era = args.era.choose(start, plan.as_ref(), &loader).await?;
                    let route = Route::agreed(args, start, plan.as_ref())?;
                    let job =
                        Job { args, source, context, start, database, monitor, derive, era, route };
                    let loader = Arc::clone(&loader);
                    Box::pin(follow(job, loader, handle, ethereum, events, receiver)).await
                }
            }
        }
    };
    loader.close().await;
    outcome
}

async fn migrate(context: &Context, database: &Database) -> Result<(), Failure> {
    let mut connection = database.connect().await?;
    for step in Migrator::default().up(&mut connection).await? {
        context.printer.note(&format!("applied migration {}", step.name));
    }
    Ok(())
}

/// Takes the database back to `height` of the chain that was written to last.
async fn rewind(
    height: i64,
    start: &StartState,
    loader: &Loader,
    handle: &WriterHandle,
    context: &Context,
) -> Result<(), Failure> {
    let Some(position) = start.latest() else {
        return Err(Failure::usage("the database holds no chain to rewind"));
    };
    if loader.catalog().has_deriving_triggers() {
        return Err(Failure::usage(
            "what the database's own triggers derived cannot be taken back",
        )
        .hint("restore a backup from before that height instead"));
    }
    let Some(checkpoint) = loader.checkpoint_at(&position.chain, height).await? else {
        return Err(out_of_reach(height, &position.chain, loader).await?);
    };
    let reached = handle.rollback_to(checkpoint).await?;
    context.printer.note(&format!("{} stands at block {} now", reached.chain, reached.height));
    Ok(())
}

/// Why a height cannot be gone back to, and which can.
async fn out_of_reach(height: i64, chain: &str, loader: &Loader) -> Result<Failure, Failure> {
    let failure = Failure::usage(format!("no history is kept for block {height} of {chain}"));
    Ok(match loader.reachable(chain).await? {
        Some((low, high)) => failure
            .hint(format!("blocks {low} to {high} can be gone back to"))
            .hint("a larger --keep-history keeps more of the blocks that are indexed from then on"),
        None => failure.hint("run index with --keep-history to keep a window that can be rewound"),
    })
}

/// What a run is asked to do.
pub(super) struct Job<'a> {
    pub(super) args: &'a IndexArgs,
    pub(super) source: SourceChoice,
    pub(super) context: &'a Context,
    pub(super) start: &'a StartState,
    database: &'a Database,
    pub(super) monitor: Monitor,
    derive: Derive,
    /// Whose behaviour is followed.
    era: ChosenEra,
    /// Where one chain is left for the next, and which that is.
    pub(super) route: Route,
}

/// Follows Ethereum without a core chain.
async fn follow_ethereum(
    ethereum: Ethereum,
    handle: &WriterHandle,
    context: &Context,
) -> Result<(), Failure> {
    let _section = context.interrupt.section();
    let ended = ethereum.run(&context.cancel).await;
    let closed = handle.shutdown().await;
    let interrupted = ended?;
    closed?;
    if interrupted { Err(Failure::interrupted()) } else { Ok(()) }
}

async fn follow(
    mut job: Job<'_>,
    loader: Arc<Loader>,
    handle: WriterHandle,
    ethereum: Option<Ethereum>,
    events: mpsc::Sender<PipelineEvent>,
    receiver: mpsc::Receiver<PipelineEvent>,
) -> Result<(), Failure> {
    let args = job.args;
    let Opened { source, first_height, resume } = job.open_where_it_stands().await?;
    job.takes_chain(source.chain_id());
    let started = PipelineEvent::Started(Start {
        chain_id: source.chain_id().map(str::to_owned),
        first_height,
        resumed_from: resume.as_ref().map(|last| last.height),
        last_height: args
            .to
            .filter(|_| args.then.is_empty())
            .or_else(|| source.head().filter(|_| args.once)),
    });
    // Drawing starts below; the queue has room for the first event.
    drop(events.try_send(started));
    job.tell_start(&*source, &handle);
    let cancel = &job.context.cancel;
    // From here on there is something to bring to an end.
    let _section = job.context.interrupt.section();
    let far_behind = initial_sync::is_far_behind(&*source, first_height, args.to);
    let indexes =
        initial_sync::prepare(args, job.start, far_behind, job.database, &events, cancel).await?;
    let stop = cancel.child_token();
    let status = job.status(source.chain_id(), source.head());
    let derive = job.derive;
    let notification_ids = job.notification_ids(derive).await?;
    let cursor = job.cursor(resume, handle.ids(), notification_ids);
    let settings = EraSettings {
        verifier_address: args.verifier_address.clone(),
        comment_karma_threshold: args.comment_karma_threshold,
        accepted_wallet_signatures: args.accept_wallet_signature.clone(),
        clock: args.clock.map(Timestamp::from),
        database_now: loader.now().await?,
        derive,
        plays: !args.no_plays,
        shape: loader.catalog().shape(),
    };
    let applier = job.applier(cursor, &settings, &loader).await?;
    job.keep_plan().await?;
    let gauge = source.gauge();
    let pipeline = Pipeline {
        source,
        loader,
        writer: handle.clone(),
        applier,
        changes: job.era.schedule.changes().clone(),
        rejects: RejectLog::open(args.rejects.as_deref()).map_err(|error| {
            Failure::new(FailureKind::Usage, error).hint("--rejects names the file")
        })?,
        check_signatures: args.verify_signatures != SignatureMode::Off,
        limits: Limits {
            batch_blocks: args.batch_blocks,
            batch_txs: args.batch_txs,
            max_changes: args.max_changes,
            max_bytes: args.max_memory,
        },
        keep_history: args.keep_history,
        events,
        cancel: stop.clone(),
        status,
        indexes,
        releases: args.releases.map(|every| Releases::new(job.database.clone(), every)),
        pulse: job.monitor.pulse.clone(),
    };
    job.monitor.is_up(job.database);
    let telemetry = job.monitor.telemetry.clone();
    // The writer holds the last sender of events, so it has to end for the drawing to end.
    let work = async {
        let indexing = async { pipeline.run().await.map_err(Failure::from) };
        let ended = match ethereum {
            None => indexing.await,
            Some(ethereum) => {
                let ended = Box::pin(ethereum.beside(indexing, &stop)).await;
                ended.map(|(end, interrupted)| if interrupted { End::Interrupted } else { end })
            }
        };
        let closed = handle.shutdown().await;
        ended.and_then(|end| closed.map(|()| end).map_err(Into::into))
    };
    let (told, doing) = watch::channel(None);
    let pulse = job.monitor.pulse.clone();
    let _looking = BuildWatch::start(
        job.database,
        move || pulse.doing().0 == Doing::Indexes,
        move |text| drop(told.send_replace(text)),
    );
    let drawing = progress::follow(&job.context.printer, receiver, gauge, &doing, |event| {
        telemetry.observe(event);
    });
    let (ended, sums) = tokio::join!(work, drawing);
    job.monitor.ends();
    job.tell_end(&sums, &ended)?;
    match ended? {
        End::Finished => Ok(()),
        End::Interrupted => Err(Failure::interrupted()),
    }
}

impl Job<'_> {
    /// Heights of the schedule are those of the chain that was indexed first.
    fn takes_chain(&mut self, chain: Option<&str>) {
        self.route.first = self.route.first.take().or(chain.map(str::to_owned));
        let schedule = self.era.schedule.clone();
        self.era.schedule = schedule.on_chain(self.route.first.as_deref());
    }

    /// Stores what later runs have to keep to.
    async fn keep_plan(&self) -> Result<(), Failure> {
        let plan = StoredPlan {
            era: self.era.schedule.to_string(),
            reason: self.era.reason.clone(),
            chain: self.route.first.clone(),
            switch: self.route.switch,
        };
        tracing::info!(era = plan.era, reason = plan.reason, "whose behaviour is followed");
        let mut connection = self.database.connect().await?;
        Ok(plan::store(&mut connection, &plan).await?)
    }

    /// Prints what the run did, in the form that was asked for.
    fn tell_end(&self, sums: &Summary, ended: &Result<End, Failure>) -> Result<(), Failure> {
        let how = match ended {
            Ok(End::Finished) => "done",
            Ok(End::Interrupted) => "interrupted",
            Err(_) => "failed",
        };
        let form = self.context.settings.summary(self.args.summary);
        // Where nothing was read, the error says it all.
        if ended.is_err() && sums.blocks == 0 && form != SummaryForm::Json {
            return Ok(());
        }
        match summary::render(sums, form, how) {
            Some(text) => self.context.printer.data(&text),
            None => Ok(()),
        }
    }

    /// Tells those who watch where the run begins.
    fn tell_start(&self, source: &dyn BlockSource, handle: &WriterHandle) {
        let telemetry = &self.monitor.telemetry;
        telemetry.starts(source.chain_id(), source.is_live(), handle.clone());
        for position in self.start.own.iter().chain(&self.start.indexed) {
            telemetry.stands_at(&position.chain, position.height, position.block_time);
        }
    }

    fn cursor(
        &self,
        resume: Option<LastBlock>,
        ids: CheckpointIds,
        notification_ids: SerialIds,
    ) -> Cursor {
        Cursor {
            ids,
            numbering: Numbering {
                em_block: self.start.block_number,
                plays_slot: self.start.plays_slot,
                last: resume.map(|last| (last.height, last.hash)),
                notification_ids,
            },
        }
    }

    /// Numbers of new notifications, where this program writes them. Where triggers do, none may be
    /// taken: a statement would fail on it.
    async fn notification_ids(&self, derive: Derive) -> Result<SerialIds, Failure> {
        if derive == Derive::Elsewhere {
            return Ok(SerialIds::default());
        }
        let mut connection = self.database.connect().await?;
        let taken = taken_ids::claim(&mut connection, "notification").await?;
        Ok(match derive {
            Derive::Here => SerialIds::new(taken.next, taken.ranges),
            Derive::Triggers | Derive::Elsewhere => SerialIds::default(),
        })
    }

    fn status(&self, chain: Option<&str>, head: Option<i64>) -> ChainStatus {
        let chain = chain.unwrap_or_default();
        let known = self.start.chains.iter().find(|known| known.chain == chain);
        ChainStatus {
            chain: chain.to_owned(),
            head_height: head.or_else(|| known.and_then(|known| known.head_height)),
            head_time: known.and_then(|known| known.head_time),
            ready_at: known.and_then(|known| known.ready_at),
        }
    }

    /// An applier for the run. Into an empty database, it knows what cannot be there yet; except
    /// where triggers write rows that it does not see.
    async fn applier(
        &self,
        cursor: Cursor,
        settings: &EraSettings,
        loader: &Loader,
    ) -> Result<Applier, Failure> {
        let begins_empty = self.start.is_empty && settings.derive == Derive::Here;
        let mut applier = Applier::new(cursor, self.era.open(settings));
        if begins_empty {
            applier.store_mut().begin_empty(&loader.empty_tables().await?);
        }
        Ok(applier)
    }
}

/// Aggregates are kept by production's triggers where those exist, unless they are silenced; else
/// here, never by both.
fn choose_derivation(args: &IndexArgs, sink: &PostgresSink) -> Derive {
    let (derive, by, reason) = match (sink.triggers(), args.no_aggregates) {
        (Some(Triggers::Database), _) if args.triggers.is_some() => {
            (Derive::Triggers, "the database's own triggers", "--triggers database")
        }
        (Some(Triggers::Database), _) => {
            (Derive::Triggers, "the database's own triggers", "the database has them")
        }
        (_, true) => (Derive::Elsewhere, "nobody", "--no-aggregates"),
        (Some(Triggers::Ours), false) => (Derive::Here, "this program", "--triggers ours"),
        (None, false) => (Derive::Here, "this program", "the database has no triggers for it"),
    };
    tracing::info!(
        by,
        reason,
        "aggregates and the notifications derived from entity rows are kept"
    );
    if sink.triggers() == Some(Triggers::Ours) {
        let tables = sink.catalog().tables_that_notify().join(", ");
        tracing::info!(tables, "no trigger fires for what is written, and none notifies listeners");
    }
    derive
}

/// Turns a commit into an event.
fn report_written(events: &mpsc::Sender<PipelineEvent>, run: &writer::Written) {
    let mut summary = Summary {
        committed_height: run
            .checkpoint
            .as_ref()
            .filter(|_| run.lane == Lane::Core)
            .map(|checkpoint| checkpoint.height),
        rows: run.rows.iter().copied().collect(),
        sanitized_values: run.sanitized_values,
        ..Summary::default()
    };
    summary.time.write = run.elapsed;
    let event = PipelineEvent::Committed(Box::new(summary));
    if let Err(mpsc::error::TrySendError::Full(event)) = events.try_send(event) {
        let events = events.clone();
        tokio::spawn(async move { drop(events.send(event).await) });
    }
}
