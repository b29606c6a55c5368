//! The summary of an `index` run: ten lines for people, every table of it, or one JSON object.

use std::time::Duration;

use comfy_table::Cell;
use serde_json::{Map, Value, json};

use super::table::{finished, grouped, number, per_second, plain, right, wrapped};
use crate::args::SummaryForm;
use crate::pipeline::event::{Outcome, OutcomeCounts, Summary, TimeSplit};

/// Characters of text from the chain that a cell shows.
const CHAIN_TEXT: usize = 28;

/// Pairs without a handler that are listed by name. Anyone can invent such pairs, so their number
/// says nothing and must not bury the rest.
const UNROUTED_LISTED: usize = 20;

/// Reasons, and tables, that the short summary names.
const NAMED: usize = 4;

/// The summary in the form that was asked for, without a line end; `None` for none at all.
/// `ended` says how the run did: `done`, `interrupted` or `failed`.
pub fn render(summary: &Summary, form: SummaryForm, ended: &str) -> Option<String> {
    match form {
        SummaryForm::Short => Some(short(summary)),
        SummaryForm::Full => Some(full(summary)),
        SummaryForm::Json => Some(as_json(summary, ended).to_string()),
        SummaryForm::None => None,
    }
}

/// Every table, the verdict last.
fn full(summary: &Summary) -> String {
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
    parts.push(verdict(summary));
    parts.join("\n\n")
}

/// What matters most, the verdict last.
fn short(summary: &Summary) -> String {
    let mut lines = vec![headline(summary)];
    let totals = summary.entities.totals();
    if totals.total() > 0 {
        let shown = Outcome::ALL.into_iter().filter(|outcome| totals.get(*outcome) > 0);
        let shown =
            shown.map(|outcome| format!("{} {}", grouped(totals.get(outcome)), outcome.name()));
        lines.push(format!(
            "{} entity calls: {}",
            grouped(totals.total()),
            shown.collect::<Vec<_>>().join(", ")
        ));
    }
    let reasons = summary.entities.reasons().map(|(_, code, count)| (code, count)).collect();
    if let Some(most) = most(reasons) {
        lines.push(format!("not applied because of {most}"));
    }
    let rows = summary.rows.iter().map(|(table, count)| (*table, *count)).collect();
    if let Some(most) = most(rows) {
        let (rows, tables) = (summary.rows_total(), summary.rows.len() as u64);
        let (rows, tables) = (counted(rows, "row"), counted(tables, "table"));
        lines.push(format!("{rows} in {tables} written: {most}"));
    }
    if summary.plays > 0 {
        lines.push(counted(summary.plays, "play"));
    }
    if summary.sanitized_values > 0 {
        let values = counted(summary.sanitized_values, "value");
        lines.push(format!("{values} cleaned of what PostgreSQL cannot hold"));
    }
    if summary.refused_by_database > 0 {
        lines.push(format!(
            "{} transactions refused by the database for their data and left out",
            grouped(summary.refused_by_database)
        ));
    }
    if summary.blocks > 0 {
        lines.push("(every table with --summary full)".to_owned());
    }
    lines.push(verdict(summary));
    lines.iter().map(|line| wrapped(line, 2)).collect::<Vec<_>>().join("\n")
}

/// The largest counts by name, and how many more there are.
fn most(mut counts: Vec<(&str, u64)>) -> Option<String> {
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = counts.len().saturating_sub(NAMED);
    let named = counts.iter().take(NAMED);
    let named: Vec<_> = named.map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    if named.is_empty() {
        return None;
    }
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(format!("{}{more}", named.join(", ")))
}

fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

fn as_json(summary: &Summary, ended: &str) -> Value {
    let outcomes = |counts: &OutcomeCounts| {
        let counts = Outcome::ALL.into_iter().map(|one| (one.name().to_owned(), counts.get(one)));
        counts.map(|(name, count)| (name, json!(count))).collect::<Map<_, _>>()
    };
    let pairs = summary.entities.pairs().map(|(entity, action, counts)| {
        let mut pair = Map::from_iter([
            ("entity".to_owned(), json!(entity)),
            ("action".to_owned(), json!(action)),
        ]);
        pair.extend(outcomes(counts));
        Value::Object(pair)
    });
    let reasons = summary.entities.reasons().map(|(outcome, code, count)| {
        json!({ "reason": code, "outcome": outcome.name(), "count": count })
    });
    json!({
        "summary": "index",
        "ended": ended,
        "chain": summary.chain_id,
        "resumed_from": summary.resumed_from,
        "first_height": summary.first_height,
        "last_height": summary.last_height,
        "committed_height": summary.committed_height.or(summary.resumed_from),
        "blocks": summary.blocks,
        "transactions": summary.transactions_total(),
        "transactions_by_type": summary.transactions,
        "unknown_members": summary.unknown_members,
        "duplicates": summary.duplicates,
        "plays": summary.plays,
        "entity_calls": outcomes(&summary.entities.totals()),
        "pairs": pairs.collect::<Vec<_>>(),
        "reasons": reasons.collect::<Vec<_>>(),
        "rows": summary.rows_total(),
        "rows_by_table": summary.rows,
        "sanitized_values": summary.sanitized_values,
        "refused_by_database": summary.refused_by_database,
        "signatures_checked": summary.signatures.checked,
        "signatures_matching": summary.signatures.matching,
        "seconds": seconds(&summary.time),
    })
}

fn seconds(time: &TimeSplit) -> Value {
    let stages = stages(time).map(|(stage, spent)| {
        (stage.replace([' ', ','], "_").replace("__", "_"), json!(spent.as_secs_f64()))
    });
    Value::Object(stages.into_iter().collect())
}

fn headline(summary: &Summary) -> String {
    let height = |height: Option<i64>| height.map_or_else(|| "none".to_owned(), |h| h.to_string());
    let chain = summary.chain_id.as_deref().map(|id| format!(" of {}", printable(id)));
    let chain = chain.unwrap_or_default();
    let resumed = summary.resumed_from;
    if summary.blocks == 0 {
        let after = resumed.map(|last| format!(" after height {last}")).unwrap_or_default();
        return format!("no new blocks{chain}{after}");
    }
    let total = summary.transactions_total();
    let elapsed = summary.time.elapsed;
    let continuing = resumed.map(|last| format!(", continuing after {last}")).unwrap_or_default();
    format!(
        "indexed {} blocks with {} transactions in {:.1} s ({} tx/s)\n\
         heights {} to {}{chain}{continuing}",
        grouped(summary.blocks),
        grouped(total),
        elapsed.as_secs_f64(),
        grouped(per_second(total, elapsed)),
        height(summary.first_height),
        height(summary.last_height),
    )
}

/// How far the database is.
fn verdict(summary: &Summary) -> String {
    match summary.committed_height.or(summary.resumed_from) {
        Some(height) => format!("committed up to height {height}"),
        None => "nothing committed yet".to_owned(),
    }
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
        ("  refused by the database", summary.refused_by_database),
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
    for (stage, spent) in stages(time) {
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

fn stages(time: &TimeSplit) -> [(&'static str, Duration); 9] {
    [
        ("fetch", time.fetch),
        ("decode, all threads", time.decode),
        ("load", time.load),
        ("apply", time.apply),
        ("write", time.write),
        ("indexes", time.indexes),
        ("stalled on fetch", time.stalled_on_fetch),
        ("stalled on write", time.stalled_on_write),
        ("total", time.elapsed),
    ]
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
    use crate::terminal::table::WIDTH;

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
        let text = full(&run_of_500_blocks());
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
        insta::assert_snapshot!(full(&summary), @r"
        no new blocks of audius-demo after height 500

        committed up to height 500
        ");
    }

    #[test]
    fn text_from_the_chain_can_neither_steer_the_terminal_nor_break_the_table() {
        let mut summary = run_of_500_blocks();
        let hostile = "\x1b[2J".repeat(100);
        summary.entities.record(&hostile, "line\nbreak", Outcome::Unrouted, None);
        let text = full(&summary);
        assert!(!text.contains('\x1b'));
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)));
    }

    #[test]
    fn invented_pairs_do_not_bury_the_others() {
        let mut summary = run_of_500_blocks();
        for number in 0..200 {
            summary.entities.record("Nonsense", &format!("{number:03}"), Outcome::Unrouted, None);
        }
        let text = full(&summary);
        assert_eq!(text.matches("Nonsense").count(), UNROUTED_LISTED - 1, "{text}");
        assert!(text.contains("(181 more pairs)"), "{text}");
    }

    #[test]
    fn the_short_summary_ends_with_the_verdict() {
        let text = short(&run_of_500_blocks());
        assert!(text.lines().count() <= 10, "{text}");
        insta::assert_snapshot!(text, @r"
        indexed 500 blocks with 12,948 transactions in 2.3 s (5,629 tx/s)
        heights 1 to 500 of audius-demo
        1,243 entity calls: 1,200 applied, 40 rejected, 1 skipped, 1 poison, 1 unrouted
        not applied because of not_owner 40, bad_metadata 1, poison 1
        15,048 rows in 3 tables written: etl_transactions 12,948, users 1,200, tracks
          900
        6,000 plays
        2 values cleaned of what PostgreSQL cannot hold
        (every table with --summary full)
        committed up to height 500
        ");
    }

    #[test]
    fn the_summary_for_programs_is_one_line() {
        let text = render(&run_of_500_blocks(), SummaryForm::Json, "done").unwrap();
        assert_eq!(text.lines().count(), 1);
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(said["committed_height"], 500);
        assert_eq!(said["entity_calls"]["poison"], 1);
        assert_eq!(said["rows_by_table"]["users"], 1_200);
        assert_eq!(said["seconds"]["decode_all_threads"], 0.9);
    }
}
