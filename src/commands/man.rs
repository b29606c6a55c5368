//! `audius-etl man`: manual pages from the definitions of the command line.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use crate::failure::{Failure, FailureKind};

/// Write manual pages, one for the program and one per command
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ManArgs {
    /// Folder for the pages; made if it is not there
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  Install them for all users:
    audius-etl man /usr/local/share/man/man1
  Read one without installing it:
    audius-etl man pages && man pages/audius-etl-index.1";

pub(crate) fn run(args: &ManArgs, context: &Context) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::new(FailureKind::Usage, error)
            .hint(format!("{} has to be a folder that can be written", args.folder.display()))
    };
    std::fs::create_dir_all(&args.folder).map_err(unwritable)?;
    let mut program = context.program.clone().disable_help_subcommand(true);
    program.build();
    clap_mangen::generate_to(program, &args.folder).map_err(unwritable)?;
    context.printer.note(&format!("manual pages are in {}", args.folder.display()));
    Ok(())
}
