//! The subcommands, one file each: its arguments and its `run`. Here: what a command gets from the
//! process around it, and the dispatch.

pub mod backfill;
mod database;
pub mod ethereum;
pub mod generate;
pub mod index;
pub mod migrate;
pub mod record;
pub mod wrap;

use std::ffi::OsString;

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
        Ok(()) => dispatch(cli, &Context { settings, printer: printer.clone(), cancel }).await,
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(()) => 0,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}

async fn dispatch(cli: Cli, context: &Context) -> Result<(), Failure> {
    match cli.command {
        Command::Backfill(args) => backfill::run(args, context).await,
        Command::Generate(args) => generate::run(args, context).await,
        Command::Index(args) => index::run(*args, context).await,
        Command::Migrate(args) => migrate::run(args, context).await,
        Command::Record(args) => record::run(args, context).await,
        Command::WrapTransactions(args) => wrap::run(args, context).await,
    }
}
