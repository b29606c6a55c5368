//! The subcommands, one file each: its arguments and its `run`. Here: what a command gets from the
//! process around it, and the dispatch.

pub mod backfill;
pub mod compare;
pub mod completions;
pub mod config;
mod database;
pub mod decode_multicall;
pub mod era;
pub mod ethereum;
pub mod generate;
pub mod index;
pub mod man;
pub mod migrate;
pub mod probe;
pub mod record;
pub mod status;
pub mod sweep;
pub mod telemetry;
pub mod wrap;

use std::ffi::OsString;
use std::sync::Arc;

use clap::CommandFactory;
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::settings::{self, Environment, Settings};
use crate::terminal::{Printer, log};

/// What every command gets from the process around it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The resolved options that all commands share.
    pub settings: Settings,
    /// The way to stdout and stderr.
    pub printer: Printer,
    /// Cancelled by the first SIGINT or SIGTERM: stop taking up work, flush, and end with
    /// [`Failure::interrupted`].
    pub cancel: CancellationToken,
    /// The command line as it was typed.
    pub argv: Arc<[OsString]>,
    /// The environment, for `config`.
    pub environment: Environment,
}

/// Runs the program for a command line and returns its exit code.
pub async fn run(argv: Vec<OsString>, environment: Environment, cancel: CancellationToken) -> u8 {
    let cli = match settings::parse(&argv, &environment) {
        Ok(cli) => cli,
        Err(error) => return Printer::plain().refusal(error),
    };
    let settings = Settings::resolve(&cli.global, &environment);
    let printer = Printer::new(&settings);
    let ended = match log::init(&settings, &printer) {
        Ok(()) => {
            for name in environment.unknown(&Cli::command()) {
                tracing::warn!(
                    name,
                    "unknown variable in the environment: no option has this name"
                );
            }
            let argv = argv.into();
            let printer = printer.clone();
            dispatch(cli, &Context { settings, printer, cancel, argv, environment }).await
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
        Command::Record(args) => record::run(args, context).await,
        Command::Status(args) => return status::run(args, context).await,
        Command::Sweep(args) => sweep::run(*args, context).await,
        Command::WrapTransactions(args) => wrap::run(args, context).await,
    };
    done.map(|()| 0)
}
