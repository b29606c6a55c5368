//! The report of a comparison of two databases on stdout: for people, and in one line for programs.

use std::path::Path;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Width};
use serde_json::json;

use super::printable;
use super::table::{grouped, per_second, plain};
use crate::compare::{
    Difference, Example, Kind, KnownUse, Place, Report, TableResult, Taken, Verdict,
    around_difference,
};

/// Characters of a value that fit into a line of 80 columns behind the name of the side.
const VALUE_CHARS: usize = 66;

/// Characters of a value that the table of differences shows.
const CELL_CHARS: usize = 120;

/// Characters of a value of a key that the table of differences shows.
const KEY_CHARS: usize = 24;

/// Columns that a table row of the summary needs at most are counted in digits; wider text wraps.
const VALUE_WIDTH: u16 = 24;

/// The report in one JSON object without the differences themselves.
pub fn summary(report: &Report) -> String {
    let total = report.total();
    let tables = report.tables.iter().filter(|table| table.differences() > 0);
    let tables = tables.map(|table| {
        json!({
            "table": table.table,
            "different": table.different,
            "missing_in_prod": table.missing_in_prod,
            "missing_in_etl": table.missing_in_etl,
        })
    });
    let known = report.known.iter().filter(|known| known.uses > 0);
    let known = known.map(|known| {
        json!({ "name": known.name, "table": known.table, "column": known.column, "uses": known.uses })
    });
    let skipped = report.skipped.iter();
    let skipped = skipped.map(|skip| json!({ "table": skip.table, "reason": skip.reason }));
    json!({
        "summary": "compare",
        "verdict": report.verdict,
        "line": report.verdict_line(),
        "matched": total.matched,
        "different": total.different,
        "missing_in_prod": total.missing_in_prod,
        "missing_in_etl": total.missing_in_etl,
        "known": total.known,
        "ahead": total.ahead,
        "transient": total.transient,
        "tables": tables.collect::<Vec<_>>(),
        "explained": known.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "notes": report.notes,
        "seconds": report.seconds,
    })
    .to_string()
}

/// The report as text; its last line is the verdict.
pub fn render(report: &Report, shown: &[Difference], color: bool) -> String {
    let paint = Paint { color };
    let mut parts = vec![headline(report), tables(report)];
    parts.extend(columns(report, paint));
    parts.extend(one_sided(report, paint));
    if !shown.is_empty() {
        parts.push(differences(report, shown, paint));
    }
    parts.extend(lists(report));
    let code = match report.verdict {
        Verdict::Equal => "1;32",
        Verdict::Different => "1;31",
        Verdict::Drift | Verdict::Nothing => "1;33",
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
            printable(&window.chain),
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
    let at = |moment: &str| match moment {
        "" => String::new(),
        moment => format!("\n         at {moment}"),
    };
    format!(
        "etl      {} ({}){}\nprod     {} ({}){}\nwindow   {window}\n\
         begun    {} by {}\n\
         method   {}, {} rows in {:.1} s ({} rows/s), {} kB received",
        report.etl.url,
        report.etl.version,
        at(&report.etl.moment),
        report.prod.url,
        report.prod.version,
        at(&report.prod.moment),
        report.origin.at,
        report.origin.program,
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
    let empty = |result: &TableResult| result.is_empty() && !result.unseen;
    let without = report.tables.iter().filter(|result| empty(result)).count();
    for result in report.tables.iter().filter(|result| !empty(result)) {
        table.add_row(summary_row(result));
    }
    if table.row_count() > 1 {
        table.add_row(summary_row(&report.total()));
    }
    let mut text = table.trim_fmt();
    if without > 0 {
        let tables = if without == 1 { "table" } else { "tables" };
        text.push_str(&format!("\n({without} {tables} without rows on either side)"));
    }
    text
}

fn summary_row(result: &TableResult) -> Vec<Cell> {
    let number = |count: u64| {
        let text = if count == 0 { "·".to_owned() } else { grouped(count) };
        Cell::new(text).set_alignment(CellAlignment::Right)
    };
    let rate = (result.match_rate() * 100_000.0).floor() / 1000.0;
    let rate = match () {
        () if result.unseen => "nothing compared".to_owned(),
        () if result.differences() == 0 => "100 %".to_owned(),
        () => format!("{rate:.3} %"),
    };
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

/// Columns that are listed one by one.
const COLUMNS_LISTED: usize = 40;

/// How many rows differ in each column, the most frequent first, with examples.
fn columns(report: &Report, paint: Paint) -> Option<String> {
    let mut columns: Vec<_> = report
        .tables
        .iter()
        .flat_map(|table| table.tally.columns.iter().map(move |tally| (table, tally)))
        .filter(|(_, tally)| tally.rows > 0)
        .collect();
    columns.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.rows));
    let mut lines = Vec::new();
    for (table, tally) in columns.iter().take(COLUMNS_LISTED) {
        let all = table.different;
        let one_empty = match tally.rows {
            rows if rows == tally.null_in_etl && rows > 1 => ", always NULL in etl",
            rows if rows == tally.null_in_prod && rows > 1 => ", always NULL in prod",
            _ => "",
        };
        let name = format!("{}.{}", table.table, tally.column);
        lines.push(format!(
            "{}: {} of {} that differ{one_empty}",
            paint.with("1", &printable(&name)),
            rows(tally.rows),
            grouped(all)
        ));
        for example in &tally.examples {
            lines.extend(example_lines(example, paint, true));
        }
    }
    if columns.len() > COLUMNS_LISTED {
        lines.push(format!("and {} more columns", columns.len() - COLUMNS_LISTED));
    }
    (!lines.is_empty()).then(|| format!("rows that differ, by column\n  {}", lines.join("\n  ")))
}

/// The rows on one side only, table by table, with examples.
fn one_sided(report: &Report, paint: Paint) -> Option<String> {
    let mut lines = Vec::new();
    for table in &report.tables {
        let sides = [
            ("only in etl", table.missing_in_prod, &table.tally.only_in_etl),
            ("only in prod", table.missing_in_etl, &table.tally.only_in_prod),
        ];
        for (side, count, examples) in sides.into_iter().filter(|(_, count, _)| *count > 0) {
            lines.push(format!("{}: {} {side}", paint.with("1", &table.table), rows(count)));
            for example in examples {
                lines.extend(example_lines(example, paint, false));
            }
        }
    }
    (!lines.is_empty()).then(|| format!("rows on one side only\n  {}", lines.join("\n  ")))
}

fn rows(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "row" } else { "rows" })
}

/// The key and the place of a row, and with `values` what each side has.
fn example_lines(example: &Example, paint: Paint, values: bool) -> Vec<String> {
    let key: Vec<_> = example
        .key
        .iter()
        .map(|(column, value)| format!("{}={}", printable(column), key_text(value.as_deref())))
        .collect();
    let places = [&example.etl_at, &example.prod_at].map(place_text);
    let place = match places {
        [None, None] => String::new(),
        [Some(one), None] | [None, Some(one)] => format!("  ({one})"),
        [Some(one), Some(other)] if one == other => format!("  ({one})"),
        [Some(one), Some(other)] => format!("  (etl {one}, prod {other})"),
    };
    let mut lines = vec![format!("  {}{}", key.join(" "), paint.with("2", &place))];
    if values {
        let values = [example.etl.as_deref(), example.prod.as_deref()];
        let [etl, prod] = both_texts(values, VALUE_CHARS);
        lines.push(format!("    etl  {}", paint.with("31", &etl)));
        lines.push(format!("    prod {}", paint.with("32", &prod)));
    }
    lines
}

fn place_text(place: &Place) -> Option<String> {
    let at = match (place.height, place.block) {
        (Some(height), _) => Some(format!("height {height}")),
        (None, Some(block)) => Some(format!("block {block}")),
        (None, None) => None,
    };
    let tx = place.tx.as_deref().map(|tx| format!("tx {}", key_text(Some(tx))));
    let parts: Vec<_> = at.into_iter().chain(tx).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Some differences row by row.
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
                Cell::new(printable(&difference.table)),
                Cell::new(key.join(" ")),
                Cell::new(printable(column)),
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
                    let values = [field.etl.as_deref(), field.prod.as_deref()];
                    let [etl, prod] = both_texts(values, CELL_CHARS);
                    add(&column, etl, prod);
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

/// Two values that differ, cut so that the difference shows.
fn both_texts(values: [Option<&str>; 2], most: usize) -> [String; 2] {
    let cut = around_difference(values, most);
    cut.map(|value| value_text(value.as_deref()))
}

/// A value as SQL has it where it would not be plain: quoted where its ends or some characters do
/// not show, or where it could be taken for NULL.
fn value_text(value: Option<&str>) -> String {
    let Some(text) = value else { return "NULL".to_owned() };
    let escaped = printable(text);
    let shows = escaped == text && text.trim() == text && !text.is_empty() && text != "NULL";
    if shows { escaped.into_owned() } else { format!("'{escaped}'") }
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
        let title = known.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        format!("{title}{}{column} ({})", known.table, known.rule)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_look_different_and_none_reaches_the_terminal_raw() {
        assert_eq!(value_text(Some("Atlas #1")), "Atlas #1");
        assert_eq!(value_text(Some("Atlas #1 ")), "'Atlas #1 '");
        assert_eq!(value_text(Some("")), "''");
        assert_eq!(value_text(None), "NULL");
        assert_eq!(value_text(Some("NULL")), "'NULL'");
        assert_eq!(value_text(Some("a\u{202e}b\n\x1b[0m")), r"'a\u{202e}b\n\u{1b}[0m'");
        assert_ne!(value_text(Some("\u{e9}")), value_text(Some("e\u{301}")));
    }

    #[test]
    fn values_that_differ_late_show_where() {
        let long = "lorem ipsum ".repeat(60);
        let (one, other) = (format!("{long}x"), format!("{long}y"));
        let [etl, prod] = both_texts([Some(&one), Some(&other)], VALUE_CHARS);
        assert!(etl.ends_with('x') && prod.ends_with('y'), "{etl} {prod}");
        assert!(etl.chars().count() < 80, "{etl}");
    }
}
