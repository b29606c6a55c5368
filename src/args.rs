//! The options that every command takes, as they can be typed. What they mean once environment and
//! configuration file are added is `settings`' business.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

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
    /// `AUDIUS_ETL_DB` there, and so on for every option; `AUDIUS_ETL_INDEX_FROM` is --from for
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

/// How commands that do something tell what they did.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Output")]
pub struct SummaryArgs {
    /// Summary on stdout [default: short; full with -v, json with --log-format json, none with -q]
    #[arg(long, value_name = "FORM", hide_default_value = true)]
    pub summary: Option<SummaryForm>,
}

/// Form of the summary of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryForm {
    /// What matters most, the verdict last.
    Short,
    /// Everything that was counted.
    Full,
    /// One JSON object on a line.
    Json,
    /// Nothing.
    None,
}
