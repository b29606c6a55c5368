//! `audius-etl compare`: prove that two databases hold the same entities.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::database::OpenDatabase;
use super::telemetry::MetricsArgs;
use crate::args::{LogFormat, SummaryForm};
use crate::compare::report::{Files, Opened};
use crate::compare::{self, Aggregates, Ended, Options, Progress, Sample, Verdict};
use crate::db::{Database, redacted};
use crate::failure::Failure;
use crate::quantity;
use crate::telemetry::Work;
use crate::terminal::{comparing, parity};

/// Prove that two databases hold the same entities, field by field
///
/// Compares over the stretch of the chain that both have indexed, in both directions: rows that
/// match, that differ, and that are on one side only. Both servers compute checksums of segments;
/// only segments that differ are read. Nothing is written to either database. The last line is the
/// verdict; the exit code is 0 for equal, 1 for differences, 7 for no verdict: a schema lacks
/// something, a table of which nothing was compared, rows that the role may not see.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = AFTER_HELP)]
pub struct CompareArgs {
    /// Database to check, as a postgres:// URL [default: the one of --db]
    #[arg(long, value_name = "URL", help_heading = "Databases")]
    pub etl_db: Option<String>,

    /// Database to check it against, as a postgres:// URL
    #[arg(long, value_name = "URL", help_heading = "Databases",
        required_unless_present_any = ["merge", "snapshot", "against"])]
    pub prod_db: Option<String>,

    /// Connections to each server
    #[arg(long, value_name = "N", default_value_t = 4, help_heading = "Databases",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,

    /// Time after which a statement is given up
    #[arg(long, value_name = "TIME", default_value = "10m", help_heading = "Databases",
        value_parser = quantity::duration)]
    pub statement_timeout: Duration,

    /// Pause while a server runs more than this many statements of others
    #[arg(long, value_name = "N", help_heading = "Databases")]
    pub max_load: Option<u32>,

    /// Compare everything, whatever heights it belongs to; for two dumps
    #[arg(long, help_heading = "What to compare", conflicts_with_all = ["from", "to", "chain"])]
    pub all: bool,

    /// First height [default: the first that both databases have]
    #[arg(long, visible_alias = "since", value_name = "HEIGHT", help_heading = "What to compare")]
    pub from: Option<i64>,

    /// Last height [default: the last that both databases have]
    #[arg(long, visible_alias = "until", value_name = "HEIGHT", help_heading = "What to compare")]
    pub to: Option<i64>,

    /// Chain id, where the databases have several in common [default: the one written last]
    #[arg(long, value_name = "ID", help_heading = "What to compare")]
    pub chain: Option<String>,

    /// Tables, separated by commas [default: all that both databases have]
    #[arg(long, value_name = "TABLES", value_delimiter = ',', help_heading = "What to compare")]
    pub tables: Vec<String>,

    /// Columns besides the keys, `column` or `table.column`, separated by commas [default: all]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = "What to compare")]
    pub columns: Vec<String>,

    /// SQL condition on the rows, with `t` for the table, such as `t.user_id < 1000`
    #[arg(long = "where", value_name = "SQL", help_heading = "What to compare")]
    pub condition: Option<String>,

    /// Compare only about N rows, or N% of the rows, of every table; the same rows on both sides
    #[arg(long, value_name = "N|N%", value_parser = sample, help_heading = "What to compare")]
    pub sample: Option<Sample>,

    /// Compare only part I of N parts, so that several machines share the work
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "What to compare")]
    pub shard: Option<(u32, u32)>,

    /// Leave a table after this many differences
    #[arg(long, value_name = "N", help_heading = "What to compare")]
    pub limit: Option<u64>,

    /// Do not refuse a verdict because nothing was compared in a table
    #[arg(long, help_heading = "What to compare")]
    pub allow_empty: bool,

    /// Compare every row instead of checksums
    #[arg(long, help_heading = "How to compare")]
    pub exact: bool,

    /// File of known differences, instead of the one that comes with the program
    #[arg(long, value_name = "FILE", help_heading = "How to compare")]
    pub known: Option<PathBuf>,

    /// Also hold the counters of each side against its own rows, which tells drift there from drift
    /// here; no matter for the verdict
    #[arg(long, help_heading = "What to compare")]
    pub check_aggregates: bool,

    /// Counters of production: `rest` holds them to be equal, for dumps; `live` also lets one pass
    /// that production's own rows do not explain, if they say what ours says
    #[arg(long, value_name = "STATE", value_enum, default_value_t = Aggregates::Live,
        hide_possible_values = true, help_heading = "What to compare")]
    pub aggregates: Aggregates,

    /// Hold the known differences of this name to their strict form, or take them for unknown where
    /// they have none; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "How to compare")]
    pub strict: Vec<String>,

    /// Time after which rows that differ are read again, if a database was written to meanwhile;
    /// 0 never
    #[arg(long, value_name = "TIME", default_value = "30s", help_heading = "How to compare",
        value_parser = quantity::duration_or_zero)]
    pub recheck_after: Duration,

    /// Rows of a segment
    #[arg(long, value_name = "N", default_value_t = 1_000, hide = true,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub segment_rows: u64,

    /// Hash with MD5 even where the servers agree on PostgreSQL's own hash
    #[arg(long, hide = true)]
    pub md5: bool,

    /// Write every difference to a CSV file: counts by column, then one line per field
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub csv: Option<PathBuf>,

    /// Write the report and every difference to a file, one JSON object per line
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub json: Option<PathBuf>,

    /// Write a page for people: one file that needs no network
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub html: Option<PathBuf>,

    /// Compare nothing, but write the checksums of the database to check into a file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prod_db", "against"],
        help_heading = "Snapshots")]
    pub snapshot: Option<PathBuf>,

    /// Compare with a file of --snapshot instead of a second database; finds segments, not rows
    #[arg(long, value_name = "FILE", conflicts_with = "prod_db", help_heading = "Snapshots")]
    pub against: Option<PathBuf>,

    /// Compare nothing, but make one report of the --json files of all --shard parts
    #[arg(long, value_name = "FILES", num_args = 1.., help_heading = "Reports")]
    pub merge: Vec<PathBuf>,

    /// Differences to print, some of every table; all of them go into the CSV and JSON files
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Reports")]
    pub show: usize,

    /// Form of the report on stdout: text or json, one object [default: json with --log-format json]
    #[arg(
        long,
        value_name = "FORM",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Reports"
    )]
    pub summary: Option<SummaryForm>,

    /// Where it is watched.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

const AFTER_HELP: &str = "\
Known differences are entries of a TOML file, each with a reason:

    [[difference]]
    table = \"users\"            # or \"*\"
    column = \"cover_photo\"     # none for rules about whole rows
    rule = \"null-is-empty\"
    reason = \"why this is expected\"
    name = \"covers\"            # optional: what --strict calls it
    where = \"NOT r.is_verified\" # optional: SQL that holds in the reference, for its row r
                               # and our row t; it may read other tables of the reference
    strict = \"false\"           # optional: what --strict puts in the place of `where`
    production = true          # optional: only where the reference is production of 2026
    ask = \"etl\"                # optional: our database is asked, not the reference

Rules: any, null-is-empty, null-is-zero, null-in-etl, null-in-prod, case, same-set (order and number
of elements), not-compared (the column is left out), missing-in-etl, missing-in-prod (whole rows),
absent (the schema lacks table or column). `columns` takes a list of them.";

fn sample(text: &str) -> Result<Sample, String> {
    let wrong = || "a number of rows such as 1000, or a share such as 2.5%, is needed".to_owned();
    match text.strip_suffix('%') {
        Some(percent) => percent
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(|percent| Sample::Share(percent / 100.0))
            .ok_or_else(wrong),
        None => text.parse().map(Sample::Rows).map_err(|_not_a_number| wrong()),
    }
}

fn shard(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('/').and_then(|(part, of)| {
        let (part, of) = (part.parse().ok()?, of.parse().ok()?);
        (1..=of).contains(&part).then_some((part, of))
    });
    parts.ok_or_else(|| "a part such as 2/4 is needed".to_owned())
}

impl CompareArgs {
    fn options(&self) -> Options {
        Options {
            all: self.all,
            chain: self.chain.clone(),
            since: self.from,
            until: self.to,
            tables: self.tables.clone(),
            columns: self.columns.clone(),
            condition: self.condition.clone(),
            sample: self.sample,
            shard: self.shard,
            limit: self.limit,
            exact: self.exact,
            md5: self.md5,
            jobs: self.jobs.into(),
            segment_rows: self.segment_rows,
            statement_timeout: self.statement_timeout,
            max_load: self.max_load,
            recheck_after: self.recheck_after,
            known: self.known.clone(),
            strict: self.strict.clone(),
            allow_empty: self.allow_empty,
            check_aggregates: self.check_aggregates,
            aggregates: self.aggregates,
            command: command_line(std::env::args_os()),
        }
    }
}

/// Compares and returns the exit code.
pub(crate) async fn run(args: CompareArgs, context: &Context) -> Result<u8, Failure> {
    let files = Files { csv: args.csv.clone(), json: args.json.clone(), html: args.html.clone() };
    let files = files.open()?;
    if !args.merge.is_empty() {
        let merged = compare::report::merge(&args.merge, args.allow_empty)?;
        return report(&args, context, merged, files);
    }
    let work = Work::new("compare", "rows");
    let monitor = args.metrics.watch(context, &work, Duration::ZERO).await?;
    let opened = match &args.etl_db {
        Some(_) => None,
        None => Some(OpenDatabase::open(context).await?),
    };
    let etl = match (&args.etl_db, &opened) {
        (Some(url), _) => Database::parse(url)?,
        (None, Some(opened)) => opened.database().clone(),
        (None, None) => return Err(Failure::usage("no database to check is given")),
    };
    // Servers are told to stop their queries.
    let _moment = context.interrupt.moment();
    let ended = compare_and_report(&args, context, etl, files, &work).await;
    monitor.ends();
    if let Some(opened) = opened {
        opened.close().await?;
    }
    ended
}

async fn compare_and_report(
    args: &CompareArgs,
    context: &Context,
    etl: Database,
    files: Opened,
    work: &Work,
) -> Result<u8, Failure> {
    let progress = Arc::new(Progress::default());
    let (shared, cancel) = (Arc::clone(&progress), context.cancel.clone());
    let (printer, options) = (&context.printer, args.options());
    if let Some(path) = &args.snapshot {
        let taking = Box::pin(compare::take_snapshot(etl, options, path, shared, cancel));
        let taken = comparing::follow(printer, &progress, work, taking).await?;
        printer.data(&parity::render_taken(taken, path))?;
        return Ok(0);
    }
    let ended = if let Some(path) = &args.against {
        let comparing =
            Box::pin(compare::compare_with_snapshot(etl, options, path, shared, cancel));
        comparing::follow(printer, &progress, work, comparing).await?
    } else {
        let prod = Database::parse(args.prod_db.as_deref().unwrap_or_default())?;
        let comparing = Box::pin(compare::compare(etl, prod, options, shared, cancel));
        comparing::follow(printer, &progress, work, comparing).await?
    };
    report(args, context, ended, files)
}

/// Writes the reports that were asked for, prints the one for people and returns the exit code.
fn report(
    args: &CompareArgs,
    context: &Context,
    mut ended: Ended,
    files: Opened,
) -> Result<u8, Failure> {
    let written = files.write(&mut ended);
    let shown = ended.some(args.show)?;
    let report = &ended.report;
    let form = args
        .summary
        .or_else(|| (context.settings.log_format == LogFormat::Json).then_some(SummaryForm::Json));
    match form {
        Some(SummaryForm::None) => {}
        Some(SummaryForm::Json) => context.printer.data(&parity::summary(report))?,
        Some(SummaryForm::Short | SummaryForm::Full) | None => {
            let is_colored = context.printer.is_data_colored();
            context.printer.data(&parity::render(report, &shown, is_colored))?;
        }
    }
    written?;
    Ok(match report.verdict {
        Verdict::Equal => 0,
        Verdict::Different => 1,
        Verdict::Drift | Verdict::Nothing => crate::failure::FailureKind::Schema.exit_code(),
    })
}

/// The command line as it was given, URLs without passwords.
fn command_line(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> String {
    let arguments = arguments.into_iter().enumerate().map(|(index, argument)| {
        let argument = argument.to_string_lossy().into_owned();
        let (option, value) = match argument.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (format!("{option}="), value),
            _ => (String::new(), argument.as_str()),
        };
        let value = match value.split_once("://") {
            Some((scheme, _)) if scheme.starts_with("postgres") => redacted(value),
            _ if index == 0 => "audius-etl".to_owned(),
            _ => value.to_owned(),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
        if !value.is_empty() && value.chars().all(plain) {
            option + &value
        } else {
            format!("{option}'{}'", value.replace('\'', r"'\''"))
        }
    });
    arguments.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_of_a_report_shows_no_password_and_can_be_pasted() {
        let given = ["/usr/bin/x", "compare", "--prod-db=postgres://a:secret@h/d?password=secret"];
        let given = given.into_iter().chain(["--etl-db", "postgresql://a:secret@h/d"]);
        let given = given.chain(["--where", "t.name = 'x'"]).map(std::ffi::OsString::from);
        let line = command_line(given);
        assert!(line.starts_with("audius-etl compare --prod-db="), "{line}");
        assert!(!line.contains("secret"), "{line}");
        assert!(line.contains("--where 't.name = "), "{line}");
    }
}
