//! `audius-etl completions`: scripts that let shells complete the command line.

use clap::{Args, Command};
use clap_complete::Shell;

use super::context::Context;
use crate::failure::Failure;

/// Print a script that completes the command line in a shell
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  For bash, for all users:
    audius-etl completions bash > /etc/bash_completion.d/audius-etl
  For zsh, into a folder of $fpath:
    audius-etl completions zsh > ~/.zfunc/_audius-etl
  For fish:
    audius-etl completions fish > ~/.config/fish/completions/audius-etl.fish";

pub(crate) fn run(args: &CompletionsArgs, context: &Context) -> Result<(), Failure> {
    context.printer.data(script(args.shell, &context.program).trim_end())
}

/// The program as it is typed.
const NAME: &str = "audius-etl";

/// The script for a shell, over what help lists.
fn script(shell: Shell, program: &Command) -> String {
    let mut program = listed(program);
    // `config` explains the command line of another command, which stands behind it.
    let explained: Vec<Command> = program
        .get_subcommands()
        .filter(|command| command.get_name() != "config")
        .cloned()
        .collect();
    program = program.mut_subcommand("config", |config| {
        let options = config.get_arguments().filter(|option| !option.is_positional()).cloned();
        Command::new("config")
            .about(config.get_about().cloned().unwrap_or_default())
            .args(options.collect::<Vec<_>>())
            .subcommands(explained)
    });
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        // The generator takes the hyphen in the name for one between commands in half of the
        // places, so that no state of the script is ever reached.
        Shell::Bash => {
            let script = script.replace("audius__subcmd__etl", "audius__etl");
            // Unlike the others, this one offers hidden options, too.
            hidden(&program)
                .iter()
                .fold(script, |script, name| script.replace(&format!(" --{name} "), " "))
        }
        _ => script,
    }
}

/// The command without hidden ones: nobody wants them offered.
fn listed(command: &Command) -> Command {
    let below = command.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .version(command.get_version().unwrap_or_default().to_owned())
        .args(command.get_arguments().cloned().collect::<Vec<_>>())
        .subcommands(below.map(listed).collect::<Vec<_>>())
}

/// The long names of options that help hides.
fn hidden(command: &Command) -> Vec<&str> {
    let options = command.get_arguments().filter(|option| option.is_hide_set());
    let below = command.get_subcommands().flat_map(hidden);
    options.filter_map(clap::Arg::get_long).chain(below).collect()
}
