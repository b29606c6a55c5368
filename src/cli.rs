//! What the user can type: the clap types of the program and of the options all commands share.
//! What the words mean once environment and configuration file are added is `settings`' business;
//! the options of one command stand beside its `run` in `commands`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::commands::backfill::BackfillArgs;
use crate::commands::compare::CompareArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::config::ConfigArgs;
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

/// Index the Open Audio core chain into PostgreSQL
///
/// Without a database option the data goes into a private PostgreSQL cluster under --data-dir, made
/// with this machine's own PostgreSQL programs. Data is printed on stdout, everything else on
/// stderr.
#[derive(Debug, Parser)]
#[command(name = "audius-etl", version, max_term_width = 100, after_long_help = EXIT_CODES)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes, before or after its name.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// PostgreSQL to work on, as a postgres:// URL [default: a private cluster under --data-dir]
    ///
    /// In the environment DATABASE_URL, ETL_DB_URL and writeDbUrl stand for it too. A password in it
    /// is never printed.
    #[arg(long, global = true, value_name = "URL", hide_default_value = true)]
    pub db: Option<String>,

    /// Folder of the private PostgreSQL cluster
    #[arg(long, global = true, value_name = "DIR", default_value = ".audius-etl")]
    pub data_dir: PathBuf,

    /// TOML file with further options [default: audius-etl.toml, if it is there]
    ///
    /// Options of every command stand at the top, those of one command in a table of its name; keys
    /// are the long options without dashes in front. The environment wins over the file: --db is
    /// `AUDIUS_ETL_DB` there, and so on for every option; `AUDIUS_ETL_INDEX_START` is --start for
    /// `index` only, and lists are separated by commas. The command line wins over both.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Form of the log lines on stderr
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// When to colour what a person reads
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Say more: -v for debug messages, -vv for traces
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Say less: no progress and no summary, only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// When to colour output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands. A new one is a variant here, a line in `commands::dispatch` and a file with its
/// arguments and `run`.
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

/// Printed below the long help of the program.
const EXIT_CODES: &str = "\
Exit codes:
    0  done; compare: equal
    1  compare: differences; status: older than allowed
    2  usage or configuration
    3  database unreachable
    4  chain unreachable
    5  another writer holds the lock
    6  data or write error
    7  schema drift or dirty migration
  130  interrupted, after everything processed was written";
