//! A comparison of two databases for people: its progress, and its report on stdout.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Width};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::info;

use super::Printer;
use super::progress::short;
use super::table::{grouped, per_second, plain};
use crate::compare::{Difference, Kind, KnownUse, Progress, Report, TableResult, Taken, Verdict};

/// Between two updates of the bar.
const REDRAW: Duration = Duration::from_millis(100);

/// A comparison that ends sooner shows no bar at all.
const FIRST_DRAW: Duration = Duration::from_millis(250);

/// Between two log lines where there is no bar.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Characters of a value that the table of differences shows.
const VALUE_CHARS: usize = 120;

/// Characters of a value of a key that the table of differences shows.
const KEY_CHARS: usize = 24;

/// Columns that a table row of the summary needs at most are counted in digits; wider text wraps.
const VALUE_WIDTH: u16 = 24;

/// Shows the progress of a comparison until it ends.
pub async fn follow<T>(printer: &Printer, progress: &Progress, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let begun = Instant::now();
    let mut logged = begun;
    let mut bar: Option<ProgressBar> = None;
    let mut ticks = interval(REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = &mut work => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return ended;
            }
            now = ticks.tick() => {
                let elapsed = now - begun;
                if printer.is_interactive() && elapsed >= FIRST_DRAW {
                    let bar = bar.get_or_insert_with(|| new_bar(printer));
                    bar.set_length(progress.expected().max(1));
                    bar.set_position(progress.done());
                    bar.set_message(line(progress, elapsed));
                } else if !printer.is_interactive() && now - logged >= LOG_EVERY {
                    logged = now;
                    info!(
                        rows = progress.done(),
                        expected = progress.expected(),
                        rows_per_s = per_second(progress.done(), elapsed),
                        differences = progress.differences(),
                        doing = progress.doing(),
                        "comparing"
                    );
                }
            }
        }
    }
}

fn new_bar(printer: &Printer) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:20} {wide_msg}")
        .expect("the template is valid")
        .progress_chars("━╸─");
    printer.bars().add(ProgressBar::no_length().with_style(style))
}

/// Rows, rate, time left and differences.
fn line(progress: &Progress, elapsed: Duration) -> String {
    let (done, expected) = (progress.done(), progress.expected());
    let rate = per_second(done, elapsed);
    let mut parts = vec![progress.doing(), format!("{} rows/s", grouped(rate))];
    if let Some(left) = (expected - done).checked_div(rate) {
        parts.push(format!("{} left", short(Duration::from_secs(left))));
    }
    parts.push(format!("{} differences", grouped(progress.differences())));
    parts.join(" · ")
}

/// The report as text; its last line is the verdict.
pub fn render(report: &Report, shown: &[Difference], color: bool) -> String {
    let mut parts = vec![headline(report), tables(report)];
    let paint = Paint { color };
    if !shown.is_empty() {
        parts.push(differences(report, shown, paint));
    }
    parts.extend(lists(report));
    let code = match report.verdict {
        Verdict::Equal => "1;32",
        Verdict::Different => "1;31",
        Verdict::Drift => "1;33",
    };
    parts.push(paint.with(code, &report.verdict_line()));
    parts.join("\n\n")
}

/// What a snapshot holds, in one line.
pub fn render_taken(taken: Taken, path: &Path) -> String {
    format!(
        "{}: {} rows of {} tables in {} segments",
        path.display(),
        grouped(taken.rows),
        taken.tables,
        grouped(taken.segments as u64)
    )
}

#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn headline(report: &Report) -> String {
    let window = match &report.window {
        None => "everything, whatever heights it belongs to".to_owned(),
        Some(window) => format!(
            "heights {} to {} of {}{}\n         blocks {} to {} in etl, {} to {} in prod",
            window.heights.first,
            window.heights.last,
            printable(&window.chain, VALUE_CHARS),
            if window.whole { ", all that both have" } else { "" },
            window.etl.blocks.first,
            window.etl.blocks.last,
            window.prod.blocks.first,
            window.prod.blocks.last,
        ),
    };
    let total = report.total();
    let rows = total.etl_rows + total.prod_rows;
    let elapsed = Duration::from_secs_f64(report.seconds.max(0.0));
    format!(
        "etl      {} ({})\nprod     {} ({})\nwindow   {window}\n\
         method   {}, {} rows in {:.1} s ({} rows/s), {} kB received",
        report.etl.url,
        report.etl.version,
        report.prod.url,
        report.prod.version,
        report.method,
        grouped(rows),
        report.seconds,
        grouped(per_second(rows, elapsed)),
        grouped((report.etl.received + report.prod.received).div_ceil(1024)),
    )
}

/// The summary: one line per table. `-prod` counts rows that prod lacks, `-etl` those that etl
/// lacks.
fn tables(report: &Report) -> String {
    let mut table =
        plain(["table", "matched", "differ", "-prod", "-etl", "ahead", "known", "rate"]);
    // A name cut in pieces can be neither read nor searched for.
    table.set_content_arrangement(ContentArrangement::Disabled);
    let empty = |result: &&TableResult| result.etl_rows == 0 && result.prod_rows == 0;
    let without = report.tables.iter().filter(empty).count();
    for result in report.tables.iter().filter(|result| !empty(result)) {
        table.add_row(summary_row(result));
    }
    if table.row_count() > 1 {
        table.add_row(summary_row(&report.total()));
    }
    let mut text = table.trim_fmt();
    if without > 0 {
        text.push_str(&format!("\n({without} tables without rows on either side)"));
    }
    text
}

fn summary_row(result: &TableResult) -> Vec<Cell> {
    let number = |count: u64| {
        let text = if count == 0 { "·".to_owned() } else { grouped(count) };
        Cell::new(text).set_alignment(CellAlignment::Right)
    };
    let rate = (result.match_rate() * 100_000.0).floor() / 1000.0;
    let rate = if result.differences() == 0 { "100 %".to_owned() } else { format!("{rate:.3} %") };
    vec![
        Cell::new(&result.table),
        number(result.matched),
        number(result.different),
        number(result.missing_in_prod),
        number(result.missing_in_etl),
        number(result.ahead),
        number(result.known),
        Cell::new(rate).set_alignment(CellAlignment::Right),
    ]
}

fn differences(report: &Report, shown: &[Difference], paint: Paint) -> String {
    let mut table = plain(["table", "key", "column", "etl", "prod", "blocks"]);
    if paint.color {
        table.enforce_styling();
    }
    for difference in shown {
        let key: Vec<_> =
            difference.key.iter().map(|(_, value)| key_text(value.as_deref())).collect();
        let blocks = format!("{}/{}", block(difference.etl_block), block(difference.prod_block));
        let mut add = |column: &str, etl: String, prod: String| {
            table.add_row([
                Cell::new(printable(&difference.table, VALUE_CHARS)),
                Cell::new(key.join(" ")),
                Cell::new(printable(column, VALUE_CHARS)),
                Cell::new(etl).fg(Color::Red),
                Cell::new(prod).fg(Color::Green),
                Cell::new(&blocks),
            ]);
        };
        match difference.kind {
            Kind::Different | Kind::Segment => {
                for field in &difference.fields {
                    let mark = if field.known.is_some() { " (known)" } else { "" };
                    let column = format!("{}{mark}", field.column);
                    add(
                        &column,
                        value_text(field.etl.as_deref()),
                        value_text(field.prod.as_deref()),
                    );
                }
            }
            Kind::MissingInProd => add("", "row".to_owned(), "-".to_owned()),
            Kind::MissingInEtl => add("", "-".to_owned(), "row".to_owned()),
        }
    }
    for index in [3, 4] {
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(VALUE_WIDTH)));
        }
    }
    let mut text = table.trim_fmt();
    let total = report.total();
    let all = total.differences() + total.known;
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        text.push('\n');
        text.push_str(&paint.with("2", &format!("and {} more", grouped(more))));
    }
    text
}

fn block(number: Option<i64>) -> String {
    number.map_or_else(|| "·".to_owned(), |number| number.to_string())
}

/// A value of a key: of a long one, such as a hash, both ends.
fn key_text(value: Option<&str>) -> String {
    let text = value_text(value);
    let count = text.chars().count();
    if count <= KEY_CHARS {
        return text;
    }
    let start: String = text.chars().take(KEY_CHARS / 2).collect();
    let end: String = text.chars().skip(count - KEY_CHARS / 2 + 1).collect();
    format!("{start}…{end}")
}

fn value_text(value: Option<&str>) -> String {
    value.map_or_else(
        || "NULL".to_owned(),
        |text| {
            if text.is_empty() { "''".to_owned() } else { printable(text, VALUE_CHARS) }
        },
    )
}

/// Drift, skipped tables, known differences and notes, each with a heading where there are any.
fn lists(report: &Report) -> Vec<String> {
    let drift = report.drift.iter().map(|drift| {
        let column = drift.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
        let aside = if drift.serious { "" } else { " (no matter)" };
        format!("{}{column}: {}{aside}", drift.table, drift.problem)
    });
    let skipped = report.skipped.iter().map(|skip| format!("{}: {}", skip.table, skip.reason));
    let lists: [(&str, Vec<String>); 4] = [
        ("schema drift", drift.collect()),
        ("not compared", skipped.collect()),
        ("known differences", known(report)),
        ("notes", report.notes.clone()),
    ];
    lists
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(heading, lines)| format!("{heading}\n  {}", lines.join("\n  ")))
        .collect()
}

/// The known differences that mattered, one line each, and in one line those that did not.
fn known(report: &Report) -> Vec<String> {
    let name = |known: &KnownUse| {
        let column = known.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
        format!("{}{column} ({})", known.table, known.rule)
    };
    let (used, unused): (Vec<_>, Vec<_>) = report.known.iter().partition(|known| known.uses > 0);
    let mut lines: Vec<_> = used
        .into_iter()
        .map(|known| match known.rule.as_str() {
            "not-compared" | "absent" => format!("{}: {}", name(known), known.reason),
            _ => format!("{}, {} times: {}", name(known), grouped(known.uses), known.reason),
        })
        .collect();
    // Entries about tables that were not looked at could not be used.
    let compared = |known: &&KnownUse| {
        known.table == "*" || report.tables.iter().any(|table| table.table == known.table)
    };
    let unused: Vec<_> = unused.into_iter().filter(compared).map(name).collect();
    if !unused.is_empty() {
        lines.push(format!("unused: {}", unused.join(", ")));
    }
    lines
}

/// Text from a database made safe for a terminal.
fn printable(text: &str, most: usize) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(most).map(clean).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}
