//! The layers below the command line: environment and file completed to the value of every option,
//! each checked where it stands, contradictions found, and everything handed to clap as defaults.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::builder::ArgAction;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::environment::spellings;
use super::file::ConfigFile;
use super::{Environment, Error};

/// Options that name no setting.
const NO_SETTINGS: &[&str] = &["help", "version"];

/// Where the value of an option comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment variable of this name.
    Variable(String),
    /// The configuration file.
    File {
        /// The file as given.
        path: String,
        /// Line of the key, from 1.
        line: usize,
    },
    /// The program.
    Default,
    /// Nobody gives one, and the program can do without.
    Unset,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("command line"),
            Self::Variable(name) => write!(f, "environment, {name}"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Default => f.write_str("default"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

impl Origin {
    /// Whether two values come from the same layer.
    const fn is_beside(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Variable(_), Self::Variable(_)) | (Self::File { .. }, Self::File { .. })
        )
    }

    /// An error about the value that this origin gives.
    fn problem(&self, problem: String) -> Error {
        match self {
            Self::File { path, line } => Error::File { path: path.clone(), line: *line, problem },
            Self::Variable(name) => Error::Variable { name: name.clone(), problem },
            Self::Flag | Self::Default | Self::Unset => {
                Error::Variable { name: self.to_string(), problem }
            }
        }
    }
}

/// An option that the environment or the file gives.
#[derive(Clone)]
pub(super) struct Given {
    /// The command, its words separated by spaces; empty for the options of every command.
    pub(super) command: String,
    pub(super) long: String,
    pub(super) values: Vec<String>,
    pub(super) origin: Origin,
    /// The option of a higher layer that it contradicts, and that takes its place.
    pub(super) overruled_by: Option<String>,
}

impl Given {
    /// Whether the option is there at all: a switch that is off contradicts nothing.
    fn is_active(&self) -> bool {
        self.overruled_by.is_none() && self.values.iter().any(|value| value != "false")
    }
}

/// The layers below the command line.
pub(super) struct Layers {
    program: Command,
    /// What was typed, as far as it can be understood without the other layers.
    typed: Option<ArgMatches>,
    /// The command that was typed, its words separated by spaces.
    pub(super) selected: String,
    /// At most one per option: the environment's, else the file's.
    pub(super) given: Vec<Given>,
}

impl Layers {
    /// Reads the layers below `argv`. Variables are looked at for the command that was typed only,
    /// or for every command where none was.
    ///
    /// # Errors
    /// A file that cannot be read, keys and values that no option takes, and options of one layer
    /// that contradict each other.
    pub(super) fn read(
        program: Command,
        argv: &[OsString],
        environment: &Environment,
    ) -> Result<Self, Error> {
        let typed = program.clone().ignore_errors(true).try_get_matches_from(argv).ok();
        let selected = typed.as_ref().map(selected_command).unwrap_or_default();
        let named = typed
            .as_ref()
            .and_then(|typed| typed.try_get_one::<PathBuf>("config").ok().flatten().cloned())
            .or_else(|| environment.option("", "config").map(|(_, path)| PathBuf::from(path)));
        let file = ConfigFile::load(named.as_deref(), &program)?.unwrap_or_default();
        let mut layers = Self { program, typed, selected, given: Vec::new() };
        layers.read_environment(environment)?;
        layers.read_file(file)?;
        layers.settle()?;
        Ok(layers)
    }

    fn read_environment(&mut self, environment: &Environment) -> Result<(), Error> {
        for (path, command) in tree(&self.program) {
            let concerned = path.is_empty()
                || self.selected.is_empty()
                || self.selected == path
                || self.selected.starts_with(&format!("{path} "));
            for arg in command.get_arguments().filter(|_| concerned) {
                let Some(long) = arg.get_long().filter(|long| !NO_SETTINGS.contains(long)) else {
                    continue;
                };
                let mut names = spellings(arg).into_iter();
                let found = names.find_map(|long| environment.option(&path, long));
                let Some((name, value)) = found else { continue };
                let values: Vec<String> = match arg.get_action() {
                    ArgAction::Append => value.split(',').map(|one| one.trim().into()).collect(),
                    _ => vec![value.to_owned()],
                };
                let origin = Origin::Variable(name);
                for value in &values {
                    self.check(&path, arg, value, &origin)?;
                }
                let (command, long) = (path.clone(), long.to_owned());
                self.given.push(Given { command, long, values, origin, overruled_by: None });
            }
        }
        Ok(())
    }

    fn read_file(&mut self, file: ConfigFile) -> Result<(), Error> {
        for entry in file.entries {
            let command = find(&self.program, &entry.command);
            let Some(arg) = command.and_then(|command| option(command, &entry.long)) else {
                continue;
            };
            for (value, line) in &entry.values {
                let origin = Origin::File { path: file.path.clone(), line: *line };
                self.check(&entry.command, arg, value, &origin)?;
            }
            let origin = Origin::File { path: file.path.clone(), line: entry.line };
            if entry.values.len() > 1 && !matches!(arg.get_action(), ArgAction::Append) {
                return Err(origin.problem(format!("`{}` takes one value", entry.long)));
            }
            let same = |given: &Given| given.command == entry.command && given.long == entry.long;
            if !self.given.iter().any(same) {
                let values = entry.values.into_iter().map(|(value, _)| value).collect();
                let (command, long) = (entry.command, entry.long);
                self.given.push(Given { command, long, values, origin, overruled_by: None });
            }
        }
        Ok(())
    }

    /// Lets clap check a value as if it had been typed.
    fn check(&self, path: &str, arg: &Arg, value: &str, origin: &Origin) -> Result<(), Error> {
        let long = arg.get_long().unwrap_or_default();
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => {
                return match value {
                    "true" | "false" => Ok(()),
                    _ => Err(origin.problem(format!("`{long}` is a switch: true or false"))),
                };
            }
            ArgAction::Count => {
                return value.parse::<u8>().map(drop).map_err(|_not_a_number| {
                    origin.problem(format!("`{long}` takes a number from 0 to 255"))
                });
            }
            _ => {}
        }
        let words = std::iter::once("audius-etl").chain(path.split(' ').filter(|w| !w.is_empty()));
        let line = words.map(str::to_owned).chain([format!("--{long}={value}")]);
        let Err(error) = self.program.clone().try_get_matches_from(line) else { return Ok(()) };
        match error.kind() {
            ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals => {
                Err(origin.problem(first_paragraph(&error)))
            }
            // Something else is missing, as it may: this is no whole command line.
            _ => Ok(()),
        }
    }

    /// Finds options that exclude each other. In one layer that is an error; between two, the
    /// higher one is what is wanted.
    fn settle(&mut self) -> Result<(), Error> {
        let mut pairs = Vec::new();
        for (path, command) in tree(&self.program) {
            for arg in command.get_arguments() {
                let others = command.get_arg_conflicts_with(arg);
                let others = others.into_iter().filter_map(Arg::get_long);
                let long = arg.get_long().map(str::to_owned);
                pairs.extend(
                    others
                        .filter_map(|other| Some((path.clone(), long.clone()?, other.to_owned()))),
                );
            }
        }
        for (path, one, other) in pairs {
            for (long, against) in [(&one, &other), (&other, &one)] {
                self.overrule(&path, long, against)?;
            }
        }
        Ok(())
    }

    /// Takes `long` out if `against` excludes it from above.
    fn overrule(&mut self, path: &str, long: &str, against: &str) -> Result<(), Error> {
        let find = |name: &str| {
            self.given
                .iter()
                .position(|given| given.command == path && given.long == name && given.is_active())
        };
        let Some(index) = find(long) else { return Ok(()) };
        if self.is_typed(path, against) {
            self.given[index].overruled_by = Some(format!("--{against} on the command line"));
            return Ok(());
        }
        // What the command line replaces contradicts nothing.
        if self.is_typed(path, long) {
            return Ok(());
        }
        let Some(other) = find(against).map(|other| self.given[other].clone()) else {
            return Ok(());
        };
        let given = &mut self.given[index];
        if given.origin.is_beside(&other.origin) {
            let (first, second) = match (&given.origin, &other.origin) {
                (Origin::File { line, .. }, Origin::File { line: earlier, .. })
                    if line < earlier =>
                {
                    (&*given, &other)
                }
                _ => (&other, &*given),
            };
            let problem =
                format!("`{}` contradicts `{}` ({})", second.long, first.long, first.origin);
            return Err(second.origin.problem(problem));
        }
        if matches!(other.origin, Origin::Variable(_)) {
            given.overruled_by = Some(format!("{against} ({})", other.origin));
        }
        Ok(())
    }

    /// Whether an option was typed.
    fn is_typed(&self, path: &str, long: &str) -> bool {
        let Some(mut matches) = self.typed.as_ref() else { return false };
        for word in path.split(' ').filter(|word| !word.is_empty()) {
            match matches.subcommand_matches(word) {
                Some(sub) => matches = sub,
                None => return false,
            }
        }
        let arg = find(&self.program, path).and_then(|command| option(command, long));
        arg.is_some_and(|arg| {
            let id = arg.get_id().as_str();
            matches.try_contains_id(id).is_ok()
                && matches.value_source(id) == Some(ValueSource::CommandLine)
        })
    }

    /// What the layers give the command that was typed, as it would be typed behind it.
    pub(super) fn as_words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        for given in self.given.iter().filter(|given| given.overruled_by.is_none()) {
            let here = !given.command.is_empty() && given.command == self.selected;
            let takes_value = find(&self.program, &given.command)
                .and_then(|command| option(command, &given.long))
                .is_some_and(|arg| arg.get_action().takes_values());
            if here && takes_value && !self.is_typed(&given.command, &given.long) {
                let word = |value: &String| OsString::from(format!("--{}={value}", given.long));
                words.extend(given.values.iter().map(word));
            }
        }
        words
    }

    /// The program with the values of the layers as the defaults of its options.
    pub(super) fn into_program(self) -> (Command, Vec<Given>) {
        let Self { mut program, given, .. } = self;
        for given in given.iter().filter(|given| given.overruled_by.is_none()) {
            let words: Vec<&str> = given.command.split(' ').filter(|w| !w.is_empty()).collect();
            program = with_default(program, &words, given);
        }
        (program, given)
    }
}

fn with_default(command: Command, words: &[&str], given: &Given) -> Command {
    match words.split_first() {
        Some((word, rest)) => command.mut_subcommand(*word, |sub| with_default(sub, rest, given)),
        None => {
            let id = option(&command, &given.long).map(|arg| arg.get_id().clone());
            match id {
                Some(id) => command
                    .mut_arg(id, |arg| arg.default_values(given.values.clone()).required(false)),
                None => command,
            }
        }
    }
}

/// Every command with its path, the program itself first with an empty one.
pub(super) fn tree(program: &Command) -> Vec<(String, &Command)> {
    let (mut all, mut next) = (Vec::new(), vec![(String::new(), program)]);
    while let Some((path, command)) = next.pop() {
        let subs = command.get_subcommands().collect::<Vec<_>>().into_iter().rev();
        next.extend(subs.map(|sub| (format!("{path} {}", sub.get_name()).trim().to_owned(), sub)));
        all.push((path, command));
    }
    all
}

fn find<'c>(program: &'c Command, path: &str) -> Option<&'c Command> {
    path.split(' ')
        .filter(|word| !word.is_empty())
        .try_fold(program, |command, word| command.find_subcommand(word))
}

fn option<'c>(command: &'c Command, long: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(long))
}

fn selected_command(matches: &ArgMatches) -> String {
    let mut words = Vec::new();
    let mut at = matches;
    while let Some((word, sub)) = at.subcommand() {
        words.push(word.to_owned());
        at = sub;
    }
    words.join(" ")
}

/// Clap's message up to the first empty line, without its `error: `, as one line.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let text = lines.collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").map(str::to_owned).unwrap_or(text)
}
