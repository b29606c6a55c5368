//! Tables for people: the summary at the end of a run, readable on a terminal of 80 columns.

use std::time::Duration;

use comfy_table::{
    Cell, CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};

use crate::pipeline::event::{Outcome, OutcomeCounts, Summary, TimeSplit};

/// Width every table keeps to: what a terminal has that nobody resized.
const WIDTH: u16 = 80;

/// Characters of text from the chain that a cell shows.
const CHAIN_TEXT: usize = 28;

/// Pairs without a handler that are listed by name. Anyone can invent such pairs, so their number
/// says nothing and must not bury the rest.
const UNROUTED_LISTED: usize = 20;

/// The summary of a run as text of several tables, without a line end.
pub fn render_summary(summary: &Summary) -> String {
    let mut parts = vec![headline(summary)];
    if summary.blocks > 0 {
        parts.extend(
            [
                transactions(summary),
                pairs(summary),
                unrouted(summary),
                reasons(summary),
                rows(summary),
                Some(times(&summary.time)),
            ]
            .into_iter()
            .flatten(),
        );
    }
    parts.join("\n\n")
}

/// An empty table in the style of this program: a rule below the head, and space for the rest.
pub fn plain<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(
            TableStyle::new()
                .header_lines(ContentLineStyle::none())
                .header_separator(LineStyle::none().fill('─').junction('─'))
                .content_lines(ContentLineStyle::none()),
        )
        .force_no_tty()
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(head);
    table
}

/// A number with its thousands set apart: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Events per second as a whole number; 0 where no time has passed.
pub(super) fn per_second(count: u64, elapsed: Duration) -> u64 {
    u128::from(count)
        .saturating_mul(1_000_000)
        .checked_div(elapsed.as_micros())
        .map_or(0, |rate| u64::try_from(rate).unwrap_or(u64::MAX))
}

fn headline(summary: &Summary) -> String {
    let height = |height: Option<i64>| height.map_or_else(|| "none".to_owned(), |h| h.to_string());
    let chain = summary.chain_id.as_deref().map(|id| format!(" of {}", printable(id)));
    let chain = chain.unwrap_or_default();
    let resumed = summary.resumed_from;
    let committed = height(summary.committed_height.or(resumed));
    if summary.blocks == 0 {
        let after = resumed.map(|last| format!(" after height {last}")).unwrap_or_default();
        return format!("no new blocks{chain}{after}\ncommitted up to {committed}");
    }
    let total = summary.transactions_total();
    let elapsed = summary.time.elapsed;
    let continuing = resumed.map(|last| format!(", continuing after {last}")).unwrap_or_default();
    format!(
        "indexed {} blocks with {} transactions in {:.1} s ({} tx/s)\n\
         heights {} to {}{chain}{continuing}\n\
         committed up to {committed}",
        grouped(summary.blocks),
        grouped(total),
        elapsed.as_secs_f64(),
        grouped(per_second(total, elapsed)),
        height(summary.first_height),
        height(summary.last_height),
    )
}

fn transactions(summary: &Summary) -> Option<String> {
    let mut table = plain(["transactions", "count"]);
    for (kind, &count) in &summary.transactions {
        table.add_row([Cell::new(kind), number(count)]);
    }
    for (tag, &count) in &summary.unknown_members {
        table.add_row([Cell::new(format!("  unknown member {tag}")), number(count)]);
    }
    for (what, count) in [
        ("  known hash, not indexed again", summary.duplicates),
        ("  single plays", summary.plays),
        ("  values cleaned for PostgreSQL", summary.sanitized_values),
        ("  signatures checked", summary.signatures.checked),
        ("  signatures matching", summary.signatures.matching),
    ] {
        table.add_row_if(|_, _| count > 0, [Cell::new(what), number(count)]);
    }
    finished(&mut table)
}

/// What became of calls, for the outcomes that occurred.
fn pairs(summary: &Summary) -> Option<String> {
    let totals = summary.entities.totals();
    let occurred = |outcome: &Outcome| {
        *outcome == Outcome::Applied || *outcome != Outcome::Unrouted && totals.get(*outcome) > 0
    };
    let shown: Vec<Outcome> = Outcome::ALL.into_iter().filter(occurred).collect();
    let mut table = plain(["entity action"]);
    table.set_header(
        std::iter::once("entity action").chain(shown.iter().map(|outcome| outcome.name())),
    );
    let line = |name: &str, counts: &OutcomeCounts| {
        let cells = shown.iter().map(|&outcome| number(counts.get(outcome)));
        std::iter::once(Cell::new(name)).chain(cells).collect::<Vec<_>>()
    };
    for (entity, action, counts) in summary.entities.pairs() {
        if counts.get(Outcome::Unrouted) < counts.total() {
            table.add_row(line(&pair_name(entity, action), counts));
        }
    }
    if table.row_count() > 1 {
        table.add_row(line("total", &totals));
    }
    finished(&mut table)
}

/// Calls that no handler exists for, the most frequent first.
fn unrouted(summary: &Summary) -> Option<String> {
    let mut table = plain(["no handler for", "calls"]);
    let count = |counts: &OutcomeCounts| counts.get(Outcome::Unrouted);
    let mut pairs: Vec<_> =
        summary.entities.pairs().filter(|(_, _, counts)| count(counts) > 0).collect();
    // A stable sort: pairs seen equally often stay in alphabetical order.
    pairs.sort_by_key(|(_, _, counts)| std::cmp::Reverse(count(counts)));
    let hidden = pairs.split_off(pairs.len().min(UNROUTED_LISTED));
    for (entity, action, counts) in pairs {
        table.add_row([Cell::new(pair_name(entity, action)), number(count(counts))]);
    }
    if !hidden.is_empty() {
        let sum = hidden.iter().map(|(_, _, counts)| count(counts)).sum();
        table.add_row([Cell::new(format!("({} more pairs)", hidden.len())), number(sum)]);
    }
    finished(&mut table)
}

fn pair_name(entity: &str, action: &str) -> String {
    let slash = if action.is_empty() { "" } else { "/" };
    printable(&format!("{entity}{slash}{action}"))
}

fn reasons(summary: &Summary) -> Option<String> {
    let mut table = plain(["not applied because", "outcome", "count"]);
    for (outcome, code, count) in summary.entities.reasons() {
        table.add_row([Cell::new(code), Cell::new(outcome.name()), number(count)]);
    }
    finished(&mut table)
}

fn rows(summary: &Summary) -> Option<String> {
    let mut table = plain(["table", "rows written"]);
    for (name, &count) in &summary.rows {
        table.add_row([Cell::new(name), number(count)]);
    }
    if table.row_count() > 1 {
        table.add_row([Cell::new("total"), number(summary.rows_total())]);
    }
    finished(&mut table)
}

fn times(time: &TimeSplit) -> String {
    let mut table = plain(["time (stages overlap)", "seconds", "of total"]);
    for (stage, spent) in [
        ("fetch", time.fetch),
        ("decode, all threads", time.decode),
        ("load", time.load),
        ("apply", time.apply),
        ("write", time.write),
        ("indexes", time.indexes),
        ("stalled on fetch", time.stalled_on_fetch),
        ("stalled on write", time.stalled_on_write),
        ("total", time.elapsed),
    ] {
        let share = (spent.as_micros() * 100).checked_div(time.elapsed.as_micros());
        let share = share.map_or_else(String::new, |percent| format!("{percent} %"));
        table.add_row([
            Cell::new(stage),
            right(format!("{:.2}", spent.as_secs_f64())),
            right(share),
        ]);
    }
    table.trim_fmt()
}

/// The text of a table that has rows.
fn finished(table: &mut Table) -> Option<String> {
    (!table.is_empty()).then(|| table.trim_fmt())
}

fn number(count: u64) -> Cell {
    right(if count == 0 { "·".to_owned() } else { grouped(count) })
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Text from the chain made safe for a terminal: no control characters, no more than fits a cell.
fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(CHAIN_TEXT).map(clean).collect();
    if text.chars().nth(CHAIN_TEXT).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn run_of_500_blocks() -> Summary {
        let mut summary = Summary {
            chain_id: Some("audius-demo".to_owned()),
            first_height: Some(1),
            last_height: Some(500),
            committed_height: Some(500),
            blocks: 500,
            transactions: BTreeMap::from([
                ("manage_entity", 12_345),
                ("plays", 600),
                ("sla_rollup", 2),
                ("unknown", 1),
            ]),
            unknown_members: BTreeMap::from([("tag 1017".to_owned(), 1)]),
            duplicates: 3,
            plays: 6_000,
            rows: BTreeMap::from([("users", 1_200), ("tracks", 900), ("etl_transactions", 12_948)]),
            sanitized_values: 2,
            time: TimeSplit {
                elapsed: Duration::from_millis(2_300),
                fetch: Duration::from_millis(300),
                decode: Duration::from_millis(900),
                load: Duration::from_millis(200),
                apply: Duration::from_millis(500),
                write: Duration::from_millis(2_000),
                indexes: Duration::ZERO,
                stalled_on_fetch: Duration::ZERO,
                stalled_on_write: Duration::from_millis(1_400),
            },
            ..Summary::default()
        };
        for _ in 0..1_200 {
            summary.entities.record("User", "Create", Outcome::Applied, None);
        }
        for _ in 0..40 {
            summary.entities.record("Track", "Update", Outcome::Rejected, Some("not_owner"));
        }
        summary.entities.record("Track", "Update", Outcome::Poison, Some("poison"));
        summary.entities.record("User", "Create", Outcome::Skipped, Some("bad_metadata"));
        summary.entities.record("Event", "Create", Outcome::Unrouted, None);
        summary
    }

    #[test]
    fn the_summary_of_a_run_fits_80_columns() {
        let text = render_summary(&run_of_500_blocks());
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_run_without_blocks_says_where_the_database_stands() {
        let summary = Summary {
            chain_id: Some("audius-demo".to_owned()),
            resumed_from: Some(500),
            ..Summary::default()
        };
        insta::assert_snapshot!(render_summary(&summary), @r"
        no new blocks of audius-demo after height 500
        committed up to 500
        ");
    }

    #[test]
    fn text_from_the_chain_can_neither_steer_the_terminal_nor_break_the_table() {
        let mut summary = run_of_500_blocks();
        let hostile = "\x1b[2J".repeat(100);
        summary.entities.record(&hostile, "line\nbreak", Outcome::Unrouted, None);
        let text = render_summary(&summary);
        assert!(!text.contains('\x1b'));
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)));
    }

    #[test]
    fn invented_pairs_do_not_bury_the_others() {
        let mut summary = run_of_500_blocks();
        for number in 0..200 {
            summary.entities.record("Nonsense", &format!("{number:03}"), Outcome::Unrouted, None);
        }
        let text = render_summary(&summary);
        assert_eq!(text.matches("Nonsense").count(), UNROUTED_LISTED - 1, "{text}");
        assert!(text.contains("(181 more pairs)"), "{text}");
    }

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0, 999, 1_000, 1_234_567, u64::MAX];
        let texts = ["0", "999", "1,000", "1,234,567", "18,446,744,073,709,551,615"];
        assert_eq!(numbers.map(grouped), texts);
    }
}
