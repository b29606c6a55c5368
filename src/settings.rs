//! What the words on the command line mean: the command line completed from the environment, the
//! configuration file and the defaults, in that order of weight. The only file that reads the
//! environment. Pure apart from reading the file that `--config` names; opens no connection.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::{Cli, Color, GlobalArgs, LogFormat};

/// Options that the environment can give, with the variables that are looked at in turn.
const VARIABLES: &[(&str, &[&str])] = &[
    ("db", &["AUDIUS_ETL_DB", "DATABASE_URL", "ETL_DB_URL", "writeDbUrl"]),
    ("data_dir", &["AUDIUS_ETL_DATA_DIR"]),
    ("config", &["AUDIUS_ETL_CONFIG"]),
    ("source", &["AUDIUS_ETL_SOURCE", "ETL_RPC_URL"]),
    ("eth_http", &["AUDIUS_ETL_ETH_HTTP", "ethRpcUrl"]),
    ("eth_ws", &["AUDIUS_ETL_ETH_WS", "ethWsUrl"]),
    ("eth_audio_contract", &["ethAudioContractAddress"]),
    ("eth_staking_contract", &["ethStakingContractAddress"]),
    ("eth_delegate_manager_contract", &["ethDelegateManagerContractAddress"]),
    ("sweep_interval", &["ethStaleRefreshIntervalSecs"]),
    ("sweep_batch", &["ethStaleRefreshBatchSize"]),
];

/// Options whose variable counts as unset unless it is a whole number above 0, as the reference
/// has it.
const LENIENT: &[&str] = &["sweep_interval", "sweep_batch"];

/// Log filter in the syntax of `tracing_subscriber::EnvFilter`; replaces what `-v` and `-q` choose.
const LOG_FILTER: &str = "AUDIUS_ETL_LOG";

/// The variables of the process this program looks at.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process. Empty values and values that are not Unicode count as
    /// unset.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

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
    /// The configuration file is not TOML, or holds something no option takes.
    #[error("{path}:{line}: {problem}")]
    File {
        /// The file.
        path: String,
        /// Line of the problem, from 1.
        line: usize,
        /// What is wrong there.
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
            log_filter: environment.get(LOG_FILTER).map(str::to_owned),
        }
    }
}

/// Reads the command line and completes it from the environment and the configuration file.
///
/// Both enter as defaults of the very options they stand for, so a value is checked in one place
/// wherever it comes from, and every option of every command can stand in the file.
pub fn parse(argv: &[OsString], environment: &Environment) -> Result<Cli, Error> {
    let first_look = Cli::command().ignore_errors(true).try_get_matches_from(argv).ok();
    let mut command = Cli::command().color(first_look.as_ref().map_or_else(Default::default, hue));
    if let Some(path) = first_look.as_ref().and_then(|matches| config_path(matches, environment)) {
        command = with_file(command, &path)?;
    }
    command = with_environment(command, environment);
    let matches = command.try_get_matches_from(argv)?;
    Ok(Cli::from_arg_matches(&matches)?)
}

/// The value of a global option, wherever on the line it stood.
fn global<'m, T: Clone + Send + Sync + 'static>(
    matches: &'m ArgMatches,
    id: &str,
) -> Option<&'m T> {
    matches.try_get_one::<T>(id).ok().flatten()
}

fn hue(matches: &ArgMatches) -> clap::ColorChoice {
    match global::<Color>(matches, "color") {
        Some(Color::Always) => clap::ColorChoice::Always,
        Some(Color::Never) => clap::ColorChoice::Never,
        Some(Color::Auto) | None => clap::ColorChoice::Auto,
    }
}

fn config_path(matches: &ArgMatches, environment: &Environment) -> Option<PathBuf> {
    global::<PathBuf>(matches, "config")
        .cloned()
        .or_else(|| environment.get("AUDIUS_ETL_CONFIG").map(PathBuf::from))
}

/// Makes the variables the defaults of the options they stand for, at any depth.
fn with_environment(mut command: clap::Command, environment: &Environment) -> clap::Command {
    for (id, names) in VARIABLES {
        let value = names.iter().find_map(|name| environment.get(name));
        let value = value.filter(|value| {
            !LENIENT.contains(id) || value.parse::<u32>().is_ok_and(|number| number > 0)
        });
        if let Some(value) = value
            && command.get_arguments().any(|arg| arg.get_id() == id)
        {
            command = command.mut_arg(id, |arg| arg.default_value(value.to_owned()));
        }
    }
    command.mut_subcommands(|sub| with_environment(sub, environment))
}

/// Makes the values of the configuration file the defaults of the options they stand for.
fn with_file(command: clap::Command, path: &Path) -> Result<clap::Command, Error> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Read { path: name.clone(), source })?;
    let table = DeTable::parse(&text).map_err(|error| Error::File {
        path: name.clone(),
        line: line_of(&text, error.span().map_or(0, |span| span.start)),
        problem: error.message().to_owned(),
    })?;
    File { path: &name, text: &text }.apply(command, table.get_ref(), true)
}

/// A configuration file, for messages about places in it.
struct File<'a> {
    path: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn problem<T>(&self, at: &Spanned<T>, problem: String) -> Error {
        let line = line_of(self.text, at.span().start);
        Error::File { path: self.path.to_owned(), line, problem }
    }

    /// `global` says whether options of every command may stand in this table.
    fn apply(
        &self,
        mut command: clap::Command,
        table: &DeTable<'_>,
        global: bool,
    ) -> Result<clap::Command, Error> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if let DeValue::Table(inner) = value.get_ref() {
                let Some(sub) = command.find_subcommand(name).cloned() else {
                    return Err(self.problem(key, format!("there is no command `{name}`")));
                };
                let sub = self.apply(sub, inner, false)?;
                command = command.mut_subcommand(name, |_| sub);
                continue;
            }
            let id = command
                .get_arguments()
                .find(|arg| arg.get_long() == Some(name) && name != "config")
                .map(|arg| arg.get_id().clone());
            let Some(id) = id else {
                let place = if global { "at the top of the file" } else { command.get_name() };
                return Err(self.problem(key, format!("unknown key `{name}` in {place}")));
            };
            let values = self.values(name, value)?;
            command = command.mut_arg(id, |arg| arg.default_values(values));
        }
        Ok(command)
    }

    /// The text of a scalar, or of each scalar of an array, as it would be typed.
    fn values(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Error> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(at) => at.to_string(),
            DeValue::Array(items) => {
                let lists = items.iter().map(|item| self.values(name, item));
                return Ok(lists.collect::<Result<Vec<_>, _>>()?.concat());
            }
            DeValue::Table(_) => {
                return Err(self.problem(value, format!("`{name}` takes a value, not a table")));
            }
        };
        Ok(vec![text])
    }
}

/// The line, from 1, on which a byte offset falls.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}
