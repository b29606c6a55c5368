//! `audius-etl completions`: scripts that let shells complete the command line.

use clap::Args;
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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut context.program.clone(), "audius-etl", &mut script);
    context.printer.data(String::from_utf8_lossy(&script).trim_end())
}
