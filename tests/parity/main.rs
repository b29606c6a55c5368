//! Replays recorded cases and streams through the built binary and compares every row.
//!
//! `scripts/parity` builds both and starts this. Per recording: a database copied from a migrated
//! template, the recorded rows before, an archive with the recorded blocks, `audius-etl index`, and
//! a comparison of all tables and of the rejected transactions.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program's output is its purpose"
)]

mod archive;
mod database;
mod diff;
mod etl;
mod indexer;
mod place;
mod recording;
mod rejects;
mod replay;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use audius_etl::db::migrate::Migrator;
use clap::{Parser, ValueEnum};
use futures::StreamExt;
use sqlx::Connection as _;

use crate::database::{Catalog, Server};
use crate::indexer::Indexer;
use crate::recording::{Entry, Kind};
use crate::replay::{Bench, Findings};

/// Replay recordings and compare every row.
#[derive(Debug, Parser)]
#[command(name = "parity", args_override_self = true)]
struct Args {
    /// Folder with `cases`, `streams` and the like
    dir: PathBuf,
    /// Only these recordings: names or patterns with `*`
    names: Vec<String>,
    /// List the chosen recordings and end
    #[arg(long)]
    list: bool,
    /// Recordings replayed at once
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Leave databases, archives and reject lists behind
    #[arg(long)]
    keep: bool,
    /// One line per recording, no differences
    #[arg(long)]
    summary: bool,
    /// Differing rows shown per table
    #[arg(long, default_value_t = 3)]
    first: usize,
    /// Leave out what triggers fill: aggregates and derived notifications
    #[arg(long)]
    no_triggers: bool,
    /// Index nothing: load the recorded rows and compare them with themselves
    #[arg(long)]
    round_trip: bool,
    /// Only the recordings of one family of handlers
    #[arg(long)]
    family: Option<Family>,
    /// Seconds after which a run of the binary is ended
    #[arg(long, default_value_t = 300)]
    timeout: u64,
    /// A further option of every run of the binary
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    index_option: Vec<String>,
    /// The server to make databases on
    #[arg(long, default_value = "")]
    db: String,
    /// The binary under test
    #[arg(long, default_value = "audius-etl")]
    binary: PathBuf,
    /// Folder for archives and reject lists
    #[arg(long, default_value = ".")]
    work: PathBuf,
}

/// A family of handlers that is measured on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Family {
    /// Users, tracks, playlists and social actions.
    First,
}

impl Family {
    fn has_stream(self, name: &str) -> bool {
        const STREAMS: [&str; 5] = ["users", "tracks", "playlists", "routes", "social"];
        match self {
            Self::First => {
                name.rsplit_once("-focus-").is_some_and(|(_, topic)| STREAMS.contains(&topic))
            }
        }
    }

    fn has_pair(self, entity: &str, action: &str) -> bool {
        match self {
            Self::First => matches!(
                (entity, action),
                ("User", "Create" | "Update" | "Verify" | "Mute" | "Unmute")
                    | ("Track" | "Playlist", "Create" | "Update" | "Delete")
                    | (_, "Follow" | "Unfollow" | "Save" | "Unsave" | "Repost" | "Unrepost")
                    | (_, "Subscribe" | "Unsubscribe" | "Share")
            ),
        }
    }

    fn has(self, entry: &Entry) -> Result<bool> {
        match entry.kind {
            Kind::Stream => Ok(self.has_stream(&entry.name)),
            Kind::Etl => Ok(false),
            Kind::Case => {
                let pairs = entry.pairs().with_context(|| entry.name.clone())?;
                Ok(pairs.iter().all(|(entity, action)| self.has_pair(entity, action)))
            }
        }
    }
}

fn main() -> ExitCode {
    start(&Args::parse()).unwrap_or_else(|error| {
        eprintln!("parity: {error:#}");
        ExitCode::from(2)
    })
}

/// Replays what the arguments ask for: success if all of it was reproduced.
fn start(args: &Args) -> Result<ExitCode> {
    let chosen = choose(args)?;
    if args.list {
        for entry in &chosen {
            println!("{}", entry.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.jobs.max(1))
        // Recordings nest values some hundred levels deep.
        .thread_stack_size(64 << 20)
        .enable_all()
        .build()?;
    let failed = runtime.block_on(run(args, chosen))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The recordings that the arguments ask for. A name that matches none is an error.
fn choose(args: &Args) -> Result<Vec<Entry>> {
    let all = recording::list(&args.dir)?;
    if all.is_empty() {
        bail!("no recordings in {}", args.dir.display());
    }
    let patterns =
        args.names.iter().map(|name| glob::Pattern::new(name)).collect::<Result<Vec<_>, _>>()?;
    for pattern in &patterns {
        if !all.iter().any(|entry| pattern.matches(&entry.name)) {
            bail!("no recording is called {pattern}");
        }
    }
    let mut chosen = Vec::new();
    for entry in all {
        let named = patterns.is_empty() || patterns.iter().any(|p| p.matches(&entry.name));
        if named && args.family.map_or(Ok(true), |family| family.has(&entry))? {
            chosen.push(entry);
        }
    }
    Ok(chosen)
}

/// Replays all of `chosen` and prints what was found; returns how many failed.
async fn run(args: &Args, chosen: Vec<Entry>) -> Result<usize> {
    let server = Server::new(&args.db)?;
    let template = server.name_of("template");
    server.create(&template, None).await?;
    let grounds = [server.name_of("etl"), server.name_of("relaxed")];
    let outcome = run_with_template(args, chosen, server.clone(), &template, &grounds).await;
    if !args.keep {
        for name in grounds.iter().chain([&template]) {
            server.drop(name).await?;
        }
    }
    outcome
}

async fn run_with_template(
    args: &Args,
    chosen: Vec<Entry>,
    server: Server,
    template: &str,
    grounds: &[String; 2],
) -> Result<usize> {
    let indexer = Indexer {
        binary: args.binary.clone(),
        options: args.index_option.clone(),
        timeout: Duration::from_secs(args.timeout),
    };
    let mut connection = server.connect(template).await?;
    Migrator::default().up(&mut connection).await?;
    let catalog = Catalog::read(&mut connection).await?;
    connection.close().await?;
    std::fs::create_dir_all(&args.work)?;
    let has = |relaxed: bool| {
        let is_etl = |entry: &&Entry| entry.kind == Kind::Etl;
        chosen.iter().filter(is_etl).any(|entry| etl::is_relaxed(&entry.path) == relaxed)
    };
    let mut made = [None, None];
    for (at, is_relaxed) in [false, true].into_iter().enumerate().filter(|(_, is)| has(*is)) {
        let name = grounds[at].clone();
        made[at] = Some(etl::prepare(&server, template, name, is_relaxed).await?);
    }
    let [etl, relaxed] = made;
    let bench = Arc::new(Bench {
        server,
        template: template.to_owned(),
        catalog,
        etl,
        relaxed,
        indexer,
        work: args.work.clone(),
        keep: args.keep,
        no_triggers: args.no_triggers,
        round_trip: args.round_trip,
    });
    let total = chosen.len();
    let mut failed = 0;
    let replays = futures::stream::iter(chosen).map(|entry| {
        let bench = Arc::clone(&bench);
        async move {
            let start = Instant::now();
            let name = entry.name.clone();
            let replay = tokio::spawn(async move { bench.replay(&entry).await });
            let findings = replay.await.unwrap_or_else(|error| Findings {
                problems: vec![format!("the runner failed: {error}")],
                ..Findings::default()
            });
            (name, findings, start.elapsed())
        }
    });
    let mut replays = replays.buffer_unordered(args.jobs.max(1));
    while let Some((name, findings, elapsed)) = replays.next().await {
        failed += usize::from(!findings.passed());
        let shown = if args.summary { None } else { Some(args.first) };
        print!("{}", report::recording(&name, &findings, elapsed, shown));
    }
    if args.no_triggers {
        println!("what triggers fill was left out");
    }
    println!("{} passed, {failed} failed", total - failed);
    Ok(failed)
}
