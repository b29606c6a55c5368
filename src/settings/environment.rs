//! The environment: the only place that reads it, and the names under which options stand in it.

use std::collections::BTreeMap;
use std::fmt;

use clap::Command;

/// Begins the names of this program's own variables.
const PREFIX: &str = "AUDIUS_ETL_";

/// Variables of other programs that stand for an option too, looked at after its own: what is
/// customary, and the names that the reference programs know.
const ALIASES: &[(&str, &[&str])] = &[
    ("db", &["DATABASE_URL", "ETL_DB_URL", "writeDbUrl"]),
    ("source", &["ETL_RPC_URL"]),
    ("eth-http", &["ethRpcUrl"]),
    ("eth-ws", &["ethWsUrl"]),
    ("eth-audio-contract", &["ethAudioContractAddress"]),
    ("eth-staking-contract", &["ethStakingContractAddress"]),
    ("eth-delegate-manager-contract", &["ethDelegateManagerContractAddress"]),
];

/// The same for options of one command, whose values the reference ignores unless they are positive
/// whole numbers (eth.md 1.1).
const POSITIVE_ALIASES: &[(&str, &str, &str)] = &[
    ("sweep", "interval", "ethStaleRefreshIntervalSecs"),
    ("sweep", "batch", "ethStaleRefreshBatchSize"),
];

/// Log filter in the syntax of `tracing_subscriber::EnvFilter`; replaces what `-v` and `-q` choose.
const LOG_FILTER: &str = "AUDIUS_ETL_LOG";

/// Level of this program's log lines under the name the reference uses.
const LOG_LEVEL: &str = "logLevel";

/// Variables with the prefix that are no options: the log filter, and what only tests look at.
const NO_OPTIONS: &[&str] = &[LOG_FILTER, "AUDIUS_ETL_TEST_"];

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

    /// The value of a variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The filter for log lines, if the environment has one.
    pub(super) fn log_filter(&self) -> Option<String> {
        let level = || self.get(LOG_LEVEL).map(|level| format!("warn,audius_etl={level}"));
        self.get(LOG_FILTER).map(str::to_owned).or_else(level)
    }

    /// The variable that gives an option of a command, and its value: the command's own, the
    /// general one, then the aliases. `command` is empty for the options of every command.
    pub(super) fn option(&self, command: &str, long: &str) -> Option<(String, &str)> {
        let aliases = ALIASES.iter().filter(|(option, _)| *option == long);
        let aliases = aliases.flat_map(|(_, names)| names.iter().map(|name| (*name).to_owned()));
        let found = own_names(command, long).into_iter().chain(aliases);
        let found = found.into_iter().find_map(|name| self.get(&name).map(|value| (name, value)));
        found.or_else(|| {
            let (.., name) = POSITIVE_ALIASES
                .iter()
                .find(|(of, option, _)| (*of, *option) == (command, long))?;
            let value = self.get(name)?;
            value.parse::<u32>().ok().filter(|number| *number > 0)?;
            Some(((*name).to_owned(), value))
        })
    }

    /// Variables with this program's prefix that stand for nothing, most likely misspelt.
    pub fn unknown(&self, program: &Command) -> Vec<String> {
        let mut known = Vec::new();
        collect_names(program, "", &mut known);
        self.0
            .iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty())
            .filter(|(name, _)| !NO_OPTIONS.iter().any(|other| name.starts_with(other)))
            .map(|(name, _)| name.clone())
            .filter(|name| !known.contains(name))
            .collect()
    }

    /// Where systemd waits for word of this process, and how often it wants to hear (microseconds),
    /// as far as it asks (see `sd_notify` and `sd_watchdog_enabled`).
    pub fn service_manager(&self) -> (Option<String>, Option<u64>) {
        let here = self.get("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let interval = self.get("WATCHDOG_USEC").filter(|_| here);
        let interval = interval.and_then(|micros| micros.parse().ok()).filter(|micros| *micros > 0);
        (self.get("NOTIFY_SOCKET").map(str::to_owned), interval)
    }
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The program's own names for an option, in order of weight.
fn own_names(command: &str, long: &str) -> Vec<String> {
    let upper = |text: &str| text.to_ascii_uppercase().replace(['-', ' '], "_");
    let general = format!("{PREFIX}{}", upper(long));
    match command {
        "" => vec![general],
        _ => vec![format!("{PREFIX}{}_{}", upper(command), upper(long)), general],
    }
}

/// The long names of an option, its proper one first.
pub(super) fn spellings(arg: &clap::Arg) -> Vec<&str> {
    arg.get_long().into_iter().chain(arg.get_all_aliases().into_iter().flatten()).collect()
}

/// The variables of `command` and of everything below it. `path` names the command.
fn collect_names(command: &Command, path: &str, names: &mut Vec<String>) {
    for arg in command.get_arguments() {
        names.extend(spellings(arg).into_iter().flat_map(|long| own_names(path, long)));
    }
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        collect_names(sub, path.trim(), names);
    }
}
