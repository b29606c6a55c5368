//! `audius-etl man`: manual pages from the definitions of the command line.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

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
    let codes = program.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    for (typed, command) in pages(&program, "audius-etl") {
        let page = page(&typed, command, &codes).map_err(unwritable)?;
        let file = format!("{}.1", typed.replace(' ', "-"));
        std::fs::write(args.folder.join(file), page).map_err(unwritable)?;
    }
    context.printer.note(&format!("manual pages are in {}", args.folder.display()));
    Ok(())
}

/// The command and everything below it that help lists, each as it is typed.
fn pages<'c>(command: &'c Command, typed: &str) -> Vec<(String, &'c Command)> {
    let below = command.get_subcommands().filter(|command| !command.is_hide_set());
    let below = below.flat_map(|below| pages(below, &format!("{typed} {}", below.get_name())));
    std::iter::once((typed.to_owned(), command)).chain(below).collect()
}

/// The page of one command: what clap knows of it, then environment, files, exit codes and examples
/// in sections of their own. `codes` is the text about exit codes.
fn page(typed: &str, command: &Command, codes: &str) -> std::io::Result<Vec<u8>> {
    let usage = command.clone().render_usage().to_string();
    let name = typed.replace(' ', "-");
    let man = Man::new(command.clone().name(name.clone())).title(name).section("1");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    let mut synopsis = Roff::new();
    let behind = usage.split_once("[OPTIONS]").map_or("", |(_, behind)| behind);
    synopsis.control("SH", ["SYNOPSIS"]);
    synopsis.text([bold(typed), roman(format!(" [OPTIONS]{behind}"))]);
    synopsis.to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().any(|command| !command.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let mut more = Roff::new();
    for (title, body) in sections(&after).iter().filter(|(title, _)| title != "EXIT STATUS") {
        section(&mut more, title, body);
    }
    section(&mut more, "ENVIRONMENT", ENVIRONMENT);
    section(&mut more, "FILES", FILES);
    for (title, body) in &sections(codes) {
        section(&mut more, title, body);
    }
    more.to_writer(&mut page)?;
    Ok(page)
}

/// The parts of what stands below the help, by their headings.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let title = match line {
            "Examples:" => Some("EXAMPLES"),
            "Exit codes:" => Some("EXIT STATUS"),
            _ if sections.is_empty() => Some("NOTES"),
            _ => None,
        };
        if let Some(title) = title {
            sections.push((title.to_owned(), String::new()));
            if title != "NOTES" {
                continue;
            }
        }
        if let Some((_, body)) = sections.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

/// A section whose lines stay as they are.
fn section(page: &mut Roff, title: &str, body: &str) {
    page.control("SH", [title]);
    page.control("nf", []);
    for line in body.trim_end().lines() {
        page.text([roman(if line.is_empty() { " " } else { line })]);
    }
    page.control("fi", []);
}

const ENVIRONMENT: &str = "\
Every option has a variable: AUDIUS_ETL_ and its name in capitals, with
underscores for hyphens; with the name of the command in between it counts
for that command only: AUDIUS_ETL_LOG_FORMAT, AUDIUS_ETL_INDEX_FROM.

DATABASE_URL, ETL_DB_URL, writeDbUrl   stand for --db
ETL_RPC_URL                            stands for --source
ethRpcUrl, ethWsUrl                    stand for --eth-http, --eth-ws
AUDIUS_ETL_LOG                         a log filter: audius_etl=debug
NO_COLOR                               no colour
PGHOST, PGPASSWORD, PGPASSFILE, ...    complete --db as for psql";

const FILES: &str = "\
audius-etl.toml   options, in the working directory; --config names another
.audius-etl       the private PostgreSQL; --data-dir names another folder";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_below_the_help_becomes_sections() {
        let found = sections("Examples:\n  one\n\nExit codes:\n  0  done\n");
        assert_eq!(found[0], ("EXAMPLES".to_owned(), "  one\n\n".to_owned()));
        assert_eq!(found[1], ("EXIT STATUS".to_owned(), "  0  done\n".to_owned()));
    }
}
