//! `audius-etl config`: every effective setting and where it comes from.

use clap::Args;
use serde_json::{Map, Value, json};

use super::context::Context;
use crate::failure::Failure;
use crate::settings::{self, Effective, Origin};
use crate::terminal::redact;

/// Print every effective setting and where it comes from
///
/// The output is TOML, fit to be kept as a configuration file; secrets in it are masked. With a
/// command line behind it, it tells what that would run with, and refuses what it would refuse.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ConfigArgs {
    /// Print JSON instead: per command and option the value and its origin
    #[arg(long)]
    pub json: bool,

    /// A command, with its options as they would be typed [default: all commands]
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  See what every command would run with, and why:
    audius-etl config
  See what a command line comes to, with the environment and the file of this folder:
    audius-etl config index --source https://node1.example.org --once
  Check a configuration file before a service is restarted with it:
    audius-etl --config /etc/audius-etl.toml -q config index > /dev/null && echo fine
  Ask for one value:
    audius-etl config --json index | jq -r .index.source.value[]";

pub(crate) fn run(args: &ConfigArgs, context: &Context) -> Result<(), Failure> {
    let all =
        settings::explain(&context.program, &context.argv, &args.command, &context.environment)?;
    let text = if args.json { as_json(&all) } else { as_toml(&all) };
    context.printer.data(&text)
}

/// One table per command, each line with its origin as a comment.
fn as_toml(all: &[Effective]) -> String {
    let mut lines = Vec::new();
    let mut table = None;
    let width = all.iter().map(|one| one.option.len()).max().unwrap_or(0);
    for one in all {
        if table != Some(&one.command) {
            table = Some(&one.command);
            match one.command.as_str() {
                "" => lines.push("# options of every command".to_owned()),
                command => lines.push(format!("\n[{}]", command.replace(' ', "."))),
            }
        }
        let line = match one.origin {
            Origin::Unset => format!("# {:width$} is not set", one.option),
            _ => format!("{:width$} = {}  # {}", one.option, toml_value(one), one.origin),
        };
        lines.push(line);
        if let Some((origin, by)) = &one.overruled {
            lines
                .push(format!("# {:width$} of {origin} is not used: {by} excludes it", one.option));
        }
    }
    lines.join("\n")
}

fn toml_value(one: &Effective) -> String {
    let text = |value: &String| {
        let shown = masked(value);
        if one.is_plain || (!one.is_list && value.parse::<i64>().is_ok()) {
            shown
        } else {
            // A JSON string is a TOML string too.
            Value::String(shown).to_string()
        }
    };
    if one.is_list {
        format!("[{}]", one.values.iter().map(text).collect::<Vec<_>>().join(", "))
    } else {
        one.values.iter().map(text).collect()
    }
}

fn as_json(all: &[Effective]) -> String {
    let mut commands = Map::new();
    for one in all {
        let command = if one.command.is_empty() { "global" } else { &one.command };
        let values: Vec<Value> =
            one.values.iter().map(|value| typed(one, &masked(value))).collect();
        let value = match (one.is_list, &one.origin) {
            (_, Origin::Unset) => Value::Null,
            (true, _) => Value::Array(values),
            (false, _) => values.into_iter().next().unwrap_or(Value::Null),
        };
        let mut entry = json!({ "value": value, "origin": one.origin.to_string() });
        if let Some((origin, by)) = &one.overruled {
            entry["not_used"] = json!({ "origin": origin.to_string(), "because_of": by });
        }
        let options = commands.entry(command).or_insert_with(|| json!({}));
        options[&one.option] = entry;
    }
    format!("{:#}", Value::Object(commands))
}

/// Numbers and switches as such, everything else as text.
fn typed(one: &Effective, shown: &str) -> Value {
    match (shown.parse::<bool>(), shown.parse::<i64>()) {
        (Ok(flag), _) if one.is_plain => flag.into(),
        (_, Ok(number)) => number.into(),
        _ => shown.into(),
    }
}

/// A value as it may be shown.
fn masked(value: &str) -> String {
    redact::redacted(value).into_owned()
}
