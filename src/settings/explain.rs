//! The effective value of every option and where it comes from, for `audius-etl config`.

use std::ffi::OsString;

use clap::builder::ArgAction;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::layers::{Given, Layers, Origin, tree};
use super::{Environment, Error};

/// Commands that only look at the program itself.
const WITHOUT_SETTINGS: &[&str] = &["completions", "config", "help", "man"];

/// The effective value of one option. May hold secrets as they were given.
#[derive(Clone)]
pub struct Effective {
    /// The command, its words separated by spaces; empty for the options of every command.
    pub command: String,
    /// The long option without dashes.
    pub option: String,
    /// The values as they would be typed; none where the option is not set.
    pub values: Vec<String>,
    /// Whether several values are a list, and one is a list of one.
    pub is_list: bool,
    /// Whether it is a switch or a count, whose values are no text.
    pub is_plain: bool,
    /// Where the values come from.
    pub origin: Origin,
    /// A value of a lower layer that is not used because an option above excludes it: where it
    /// comes from, and what excludes it.
    pub overruled: Option<(Origin, String)>,
}

/// The effective values of the options of `words`, a command with its options as it would be
/// typed, after those of every command; of all commands where `words` is empty. `program` is
/// everything that can be typed. `argv` is the command line on which `config` itself stands, whose
/// options for every command count too.
///
/// # Errors
/// What the same settings would refuse a run for.
pub fn explain(
    program: &Command,
    argv: &[OsString],
    words: &[String],
    environment: &Environment,
) -> Result<Vec<Effective>, Error> {
    let mut inner: Vec<OsString> = vec!["audius-etl".into()];
    if let Ok(outer) = program.clone().ignore_errors(true).try_get_matches_from(argv) {
        inner.extend(typed_globals(program, &outer));
    }
    inner.extend(words.iter().map(OsString::from));
    let layers = Layers::read(program.clone(), &inner, environment)?;
    let selected = layers.selected.clone();
    let (layered, given) = layers.into_program();
    let lenient = layered.clone().ignore_errors(true);
    let matches = match layered.try_get_matches_from(&inner) {
        Ok(matches) => matches,
        // What is missing is shown as not set.
        Err(error) if words.is_empty() || error.kind() == ErrorKind::MissingRequiredArgument => {
            lenient.try_get_matches_from(&inner)?
        }
        Err(error) => return Err(error.into()),
    };
    let mut all = Vec::new();
    // The options in the order of their definition, which giving them defaults does not keep.
    for (path, command) in tree(program) {
        if command.is_hide_set() || WITHOUT_SETTINGS.contains(&path.as_str()) {
            continue;
        }
        let on_the_way = selected == path || selected.starts_with(&format!("{path} "));
        if !(path.is_empty() || selected.is_empty() || on_the_way) {
            continue;
        }
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            all.extend(effective(&path, arg, &given, &matches));
        }
    }
    Ok(all)
}

/// The options of every command that stand on a command line, as they would be typed.
fn typed_globals(program: &Command, matches: &ArgMatches) -> Vec<OsString> {
    let mut typed = Vec::new();
    for arg in program.get_arguments() {
        let id = arg.get_id().as_str();
        let Some(long) = arg.get_long() else { continue };
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        match arg.get_action() {
            ArgAction::SetTrue => typed.push(format!("--{long}").into()),
            ArgAction::Count => {
                let times = usize::from(matches.get_count(id));
                typed.extend(vec![OsString::from(format!("--{long}")); times]);
            }
            _ => typed.extend(matches.get_raw(id).into_iter().flatten().map(|value| {
                let mut word = OsString::from(format!("--{long}="));
                word.push(value);
                word
            })),
        }
    }
    typed
}

fn effective(path: &str, arg: &Arg, given: &[Given], matches: &ArgMatches) -> Option<Effective> {
    let option = arg.get_long().filter(|long| !["help", "version", "config"].contains(long))?;
    let here = given.iter().find(|given| given.command == path && given.long == option);
    let used = here.filter(|given| given.overruled_by.is_none());
    let typed = typed_values(path, arg, matches);
    let (values, origin) = match (typed, used) {
        (Some(values), _) => (values, Origin::Flag),
        (None, Some(given)) => (given.values.clone(), given.origin.clone()),
        (None, None) => {
            let values: Vec<String> = arg
                .get_default_values()
                .iter()
                .map(|value| value.to_string_lossy().into_owned())
                .collect();
            match (values.is_empty(), arg.get_action()) {
                (true, ArgAction::Count) => (vec!["0".to_owned()], Origin::Default),
                (true, ArgAction::SetTrue) => (vec!["false".to_owned()], Origin::Default),
                (true, _) => (values, Origin::Unset),
                (false, _) => (values, Origin::Default),
            }
        }
    };
    let overruled =
        here.and_then(|given| given.overruled_by.clone().map(|by| (given.origin.clone(), by)));
    Some(Effective {
        command: path.to_owned(),
        option: option.to_owned(),
        values,
        is_list: matches!(arg.get_action(), ArgAction::Append),
        is_plain: matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::Count),
        origin,
        overruled,
    })
}

/// The values of an option that was typed.
fn typed_values(path: &str, arg: &Arg, matches: &ArgMatches) -> Option<Vec<String>> {
    let mut at = matches;
    for word in path.split(' ').filter(|word| !word.is_empty()) {
        at = at.subcommand_matches(word)?;
    }
    let id = arg.get_id().as_str();
    at.try_contains_id(id).ok()?;
    if at.value_source(id) != Some(ValueSource::CommandLine) {
        return None;
    }
    Some(match arg.get_action() {
        ArgAction::SetTrue => vec![at.get_flag(id).to_string()],
        ArgAction::Count => vec![at.get_count(id).to_string()],
        _ => at
            .get_raw(id)
            .into_iter()
            .flatten()
            .map(|value| value.to_string_lossy().into_owned())
            .collect(),
    })
}
