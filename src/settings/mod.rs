//! What the words on the command line mean: the command line completed from the environment, the
//! configuration file and the defaults, in that order of weight. Pure apart from reading the
//! environment and the file; opens no connection.

mod environment;
mod explain;
mod file;
mod layers;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

pub use environment::Environment;
pub use explain::{Effective, explain};
use layers::Layers;
pub use layers::Origin;

use crate::args::{Color, GlobalArgs, LogFormat, SummaryArgs, SummaryForm};

/// Commands that have nothing to do with a database.
const WITHOUT_DATABASE: &[&str] = &["completions", "decode-multicall", "man", "probe"];

/// Why the command line, the environment and the file together make no run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Clap's own message; also `--help` and `--version`, which are no errors.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The configuration file cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration file is not TOML, holds something no option takes, or contradicts itself.
    #[error("{path}:{line}: {problem}")]
    File {
        /// The file.
        path: String,
        /// Line of the problem, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A variable of the environment holds something its option does not take, or contradicts
    /// another.
    #[error("{name}: {problem}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Options of all commands, resolved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database to work on.
    pub database: DatabaseChoice,
    /// Folder for what the program keeps, in the first place its private cluster.
    pub data_dir: PathBuf,
    /// Form of the log lines.
    pub log_format: LogFormat,
    /// How much is said on stderr.
    pub verbosity: Verbosity,
    /// Whether to colour what goes to stderr.
    pub color: Color,
    /// Whether `NO_COLOR` asks for none where `color` is automatic.
    pub no_color: bool,
    /// A log filter that replaces the one of `verbosity`.
    pub log_filter: Option<String>,
}

/// Which database to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseChoice {
    /// The one the user named.
    Url(DatabaseUrl),
    /// A private cluster under this folder, started and stopped by the program.
    Private(PathBuf),
}

/// A connection URL, which may hold a password: its `Debug` form shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Wraps a URL as it was typed.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL itself, for the code that connects. Never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(redacted)")
    }
}

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// Progress, the summary, and what a person wants to know.
    Normal,
    /// Debug messages too.
    Debug,
    /// Everything.
    Trace,
}

impl Settings {
    /// Resolves the options that all commands share.
    pub fn resolve(args: &GlobalArgs, environment: &Environment) -> Self {
        Self {
            database: match &args.db {
                Some(url) => DatabaseChoice::Url(DatabaseUrl::new(url)),
                None => DatabaseChoice::Private(args.data_dir.clone()),
            },
            data_dir: args.data_dir.clone(),
            log_format: args.log_format,
            verbosity: match (args.quiet, args.verbose) {
                (true, _) => Verbosity::Quiet,
                (false, 0) => Verbosity::Normal,
                (false, 1) => Verbosity::Debug,
                (false, _) => Verbosity::Trace,
            },
            color: args.color,
            no_color: environment.get("NO_COLOR").is_some(),
            log_filter: environment.log_filter(),
        }
    }
}

impl Settings {
    /// The form of a summary: as asked for, else what goes with the rest of the output.
    pub fn summary(&self, asked: SummaryArgs) -> SummaryForm {
        asked.summary.unwrap_or(match (self.verbosity, self.log_format) {
            (Verbosity::Quiet, _) => SummaryForm::None,
            (_, LogFormat::Json) => SummaryForm::Json,
            (Verbosity::Normal, LogFormat::Text) => SummaryForm::Short,
            (Verbosity::Debug | Verbosity::Trace, LogFormat::Text) => SummaryForm::Full,
        })
    }
}

/// Reads the command line and completes it from the environment and the configuration file.
///
/// Both enter as defaults of the very options they stand for, so a value is checked in one place
/// wherever it comes from, and every option of every command can stand in either.
///
/// # Errors
/// Everything of [`Error`].
pub fn parse<P: CommandFactory + FromArgMatches>(
    argv: &[OsString],
    environment: &Environment,
) -> Result<P, Error> {
    let hue = hue(P::command(), argv);
    // Help shows the program's own defaults, not what the environment may hold of secrets, and is
    // there when the file is broken.
    let asks_for_help = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    match without_database(P::command().color(hue)).try_get_matches_from(argv) {
        Err(error) if asks_for_help.contains(&error.kind()) => return Err(error.into()),
        Ok(_) | Err(_) => {}
    }
    let layers = Layers::read(P::command(), argv, environment)?;
    let words = layers.as_words();
    let (program, _given) = layers.into_program();
    let program = program.color(hue);
    let matches = match program.clone().try_get_matches_from(argv) {
        // Clap takes no default for an option that is required unless another is there.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument && !words.is_empty() => {
            program.try_get_matches_from(argv.iter().chain(&words)).map_err(|_again| error)?
        }
        other => other?,
    };
    Ok(P::from_arg_matches(&matches)?)
}

/// The program as help shows it: options about the database are not listed where they mean nothing.
fn without_database(mut program: clap::Command) -> clap::Command {
    for name in WITHOUT_DATABASE {
        if program.find_subcommand(name).is_some() {
            program = program.mut_subcommand(*name, |command| {
                let hidden = |id, long| clap::Arg::new(id).long(long).hide(true);
                command.arg(hidden("db", "db")).arg(hidden("data_dir", "data-dir"))
            });
        }
    }
    program
}

/// Whether the log is to be JSON, as far as that can be told of a command line that is not
/// understood as a whole.
pub fn logs_json(argv: &[OsString], environment: &Environment) -> bool {
    let words = || argv.iter().filter_map(|word| word.to_str());
    let typed = words()
        .zip(words().skip(1))
        .filter_map(|(option, value)| (option == "--log-format").then_some(value))
        .chain(words().filter_map(|word| word.strip_prefix("--log-format=")))
        .last();
    let variable = || environment.option("", "log-format").map(|(_, value)| value);
    typed.or_else(variable) == Some("json")
}

/// Whether clap's own messages are to be coloured.
fn hue(program: clap::Command, argv: &[OsString]) -> clap::ColorChoice {
    let typed = program.ignore_errors(true).try_get_matches_from(argv).ok();
    match typed.as_ref().and_then(|typed| typed.try_get_one("color").ok().flatten()) {
        Some(Color::Always) => clap::ColorChoice::Always,
        Some(Color::Never) => clap::ColorChoice::Never,
        Some(Color::Auto) | None => clap::ColorChoice::Auto,
    }
}
