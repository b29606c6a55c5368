//! The program as a whole: what the user can type, and which command it runs. The options of one
//! command stand beside its `run` in `commands`.

use std::ffi::OsString;
use std::thread;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::args::GlobalArgs;
use crate::commands::backfill::BackfillArgs;
use crate::commands::compare::CompareArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::config::ConfigArgs;
use crate::commands::context::Context;
use crate::commands::decode_multicall::DecodeMulticallArgs;
use crate::commands::generate::GenerateArgs;
use crate::commands::index::IndexArgs;
use crate::commands::man::ManArgs;
use crate::commands::migrate::MigrateArgs;
use crate::commands::probe::ProbeArgs;
use crate::commands::record::RecordArgs;
use crate::commands::status::StatusArgs;
use crate::commands::sweep::SweepArgs;
use crate::commands::wrap::WrapArgs;
use crate::commands::{
    backfill, compare, completions, config, decode_multicall, generate, index, man, migrate, probe,
    record, status, sweep, wrap,
};
use crate::failure::{Failure, FailureKind};
use crate::interrupt::Interrupt;
use crate::settings::{self, Environment, Settings};
use crate::terminal::{Printer, log};

/// Index the Open Audio core chain into PostgreSQL
///
/// Without a database option the data goes into a private PostgreSQL cluster under --data-dir, made
/// with this machine's own PostgreSQL programs. Data is printed on stdout, everything else on
/// stderr.
#[derive(Debug, Parser)]
#[command(name = "audius-etl", version = version(), max_term_width = 100)]
#[command(after_long_help = EXIT_CODES)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. A new one is a variant here, a line in `dispatch` and a file with its arguments
/// and `run`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
#[command(subcommand_help_heading = "Commands")]
#[expect(
    missing_docs,
    reason = "a text here would replace the help at the arguments of the command"
)]
pub enum Command {
    Backfill(BackfillArgs),
    Compare(Box<CompareArgs>),
    Completions(CompletionsArgs),
    Config(ConfigArgs),
    DecodeMulticall(DecodeMulticallArgs),
    #[command(hide = true)]
    Generate(GenerateArgs),
    Index(Box<IndexArgs>),
    Man(ManArgs),
    Migrate(MigrateArgs),
    Probe(Box<ProbeArgs>),
    Record(RecordArgs),
    Status(StatusArgs),
    Sweep(Box<SweepArgs>),
    #[command(hide = true)]
    WrapTransactions(WrapArgs),
}

/// Version and, in a build that is shipped, commit and day.
fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match (COMMIT, option_env!("AUDIUS_ETL_BUILD_DATE")) {
        (Some(commit), Some(day)) => format!("{version} ({commit} {day})"),
        (Some(commit), None) => format!("{version} ({commit})"),
        (None, _) => version.to_owned(),
    }
}

/// The commit a build was made from, where whoever built it said so.
const COMMIT: Option<&str> = option_env!("AUDIUS_ETL_COMMIT");

/// How long a dropped command may take to let go of what it holds, such as the private cluster.
const LETTING_GO: Duration = Duration::from_millis(800);

/// A command that ends within this time needs no word about it.
const SAY_STOPPING_AFTER: Duration = Duration::from_millis(200);

/// Stack of the thread of the command: that of a main thread.
const STACK: usize = 8 << 20;

/// Printed below the long help of the program.
const EXIT_CODES: &str = "\
Exit codes:
    0  done; compare: equal
    1  compare: differences; status: older than allowed
    2  usage or configuration
    3  database unreachable, or not with these rights
    4  chain unreachable
    5  another writer holds the lock
    6  data or write error
    7  no verdict: schema drift, dirty migration, nothing compared
  130  interrupted, after everything processed was written";

/// Runs the program for a command line and returns its exit code.
pub async fn run(argv: Vec<OsString>, environment: Environment, interrupt: Interrupt) -> u8 {
    let cli: Cli = match settings::parse(&argv, &environment) {
        Ok(cli) => cli,
        Err(error) => {
            return Printer::early(settings::logs_json(&argv, &environment)).refusal(error);
        }
    };
    let settings = Settings::resolve(&cli.global, &environment);
    let printer = Printer::new(&settings);
    let program = Cli::command();
    let ended = match log::init(&settings, &printer) {
        Ok(()) => {
            for name in environment.unknown(&program) {
                tracing::warn!(
                    name,
                    "unknown variable in the environment: no option has this name"
                );
            }
            let argv = argv.into();
            let printer = printer.clone();
            let cancel = interrupt.token().clone();
            let context = Context {
                settings,
                printer,
                interrupt: interrupt.clone(),
                cancel,
                argv,
                environment,
                program,
            };
            let stopping = tokio::spawn(tell_of_stopping(interrupt, context.printer.clone()));
            let ended = dispatch_unless_interrupted(cli, context).await;
            stopping.abort();
            ended
        }
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(code) => code,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}

/// Says that a signal was heard, unless the command ends at once: people who see nothing press again,
/// and lose what would have been written.
async fn tell_of_stopping(interrupt: Interrupt, printer: Printer) {
    interrupt.token().cancelled().await;
    tokio::time::sleep(SAY_STOPPING_AFTER).await;
    printer.always("stopping: what was processed is written first; a second signal stops at once");
}

/// Runs the command on a thread of its own, so that a signal finds somebody who listens whatever the
/// command is doing, and drops it when it is time to.
async fn dispatch_unless_interrupted(cli: Cli, context: Context) -> Result<u8, Failure> {
    let interrupt = context.interrupt.clone();
    let (runtime, given_up) = (Handle::current(), CancellationToken::new());
    let (tell, mut ended) = oneshot::channel();
    let listening = given_up.clone();
    let command = move || {
        let ended = runtime.block_on(async {
            tokio::select! {
                biased;
                ended = dispatch(cli, &context) => Some(ended),
                () = listening.cancelled() => None,
            }
        });
        // Nobody listens any more where this came too late.
        drop(tell.send(ended));
    };
    thread::Builder::new()
        .name("command".to_owned())
        .stack_size(STACK)
        .spawn(command)
        .map_err(|error| Failure::new(FailureKind::Data, error))?;
    let waited_for = tokio::select! {
        ended = &mut ended => {
            let panicked = || Err(Failure::new(FailureKind::Data, "the command panicked"));
            return ended.ok().flatten().unwrap_or_else(panicked);
        }
        waited_for = interrupt.gives_up() => waited_for,
    };
    given_up.cancel();
    // What the command holds is let go of in order, as far as that does not wait for others either.
    match timeout(LETTING_GO, ended).await {
        Ok(Ok(Some(ended))) => ended,
        Ok(_) | Err(_) => Err(Failure::given_up(waited_for.as_deref())),
    }
}

/// Runs the command; the exit code of one that ended well.
async fn dispatch(cli: Cli, context: &Context) -> Result<u8, Failure> {
    let done = match cli.command {
        Command::Backfill(args) => backfill::run(args, context).await,
        Command::Compare(args) => return compare::run(*args, context).await,
        Command::Completions(args) => completions::run(&args, context),
        Command::Config(args) => config::run(&args, context),
        Command::DecodeMulticall(args) => decode_multicall::run(args, context).await,
        Command::Generate(args) => generate::run(args, context).await,
        Command::Index(args) => index::run(*args, context).await,
        Command::Man(args) => man::run(&args, context),
        Command::Migrate(args) => migrate::run(args, context).await,
        Command::Probe(args) => probe::run(*args, context).await,
        Command::Record(args) => Box::pin(record::run(args, context)).await,
        Command::Status(args) => return status::run(args, context).await,
        Command::Sweep(args) => sweep::run(*args, context).await,
        Command::WrapTransactions(args) => wrap::run(args, context).await,
    };
    done.map(|()| 0)
}
