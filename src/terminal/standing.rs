//! `status` as tables for people, on 80 columns.

use comfy_table::{Cell, CellAlignment};

use super::printable;
use super::table::{grouped, plain};
use crate::db::status::{DatabaseStatus, Hole};

/// The tables of `status`, without a line end.
pub fn render(url: &str, found: &DatabaseStatus, writer: Option<&str>, stale: &[String]) -> String {
    let mut parts = vec![facts(url, found, writer)];
    parts.extend(chains(found));
    parts.extend(found.holes.as_deref().map(holes));
    parts.extend(tables(found));
    if !stale.is_empty() {
        parts.push(
            stale
                .iter()
                .map(|what| format!("stale: {}", printable(what)))
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    parts.join("\n\n")
}

fn facts(url: &str, found: &DatabaseStatus, writer: Option<&str>) -> String {
    let schema = &found.schema;
    let mut lines = vec![
        format!("database     {url}"),
        format!("server       PostgreSQL {}, {}", found.server, signed(found.bytes)),
        format!(
            "schema       {}, version {} of {}{}{}",
            schema.origin,
            schema.version,
            schema.known,
            counted(schema.pending, "pending"),
            counted(schema.foreign, "changed or unknown"),
        ),
        format!("writer       {}", printable(writer.unwrap_or("nobody"))),
    ];
    if let (Some(era), Some(reason)) = (&found.era, &found.era_reason) {
        lines.push(format!("era          {era} ({reason})"));
    }
    lines.extend(schema.problem.as_ref().map(|problem| format!("problem      {problem}")));
    lines.extend(
        schema.open.iter().map(|open| {
            format!("open         others may create here: {}", printable(&open.remedy()))
        }),
    );
    let hour = &found.last_hour;
    lines.push(format!(
        "newest hour  {} blocks, {} transactions ({:.1}/s), {} of them entity calls",
        number(hour.blocks),
        number(hour.transactions),
        hour.transactions_per_second,
        number(hour.entity_transactions)
    ));
    let balances = &found.balances;
    if let (Some(wallet), Some(age)) = (&balances.oldest_wallet, balances.oldest_seconds) {
        lines.push(format!(
            "balances     {} read in the last hour, {} waiting, {} of them due",
            number(hour.balances_read.unwrap_or(0)),
            number(balances.waiting.unwrap_or(0)),
            number(balances.due.unwrap_or(0)),
        ));
        let read = if balances.oldest_is_unread {
            "never read".to_owned()
        } else {
            format!("read {} ago", duration(age))
        };
        lines.push(format!("oldest       {}, {read}", printable(wallet)));
    }
    lines.join("\n")
}

fn counted(count: usize, what: &str) -> String {
    if count == 0 { String::new() } else { format!(", {count} {what}") }
}

fn chains(found: &DatabaseStatus) -> Option<String> {
    let mut table = plain(["chain", "head", "committed", "behind", "block age", "seen", "events"]);
    for chain in &found.chains {
        let ago = |seconds: Option<f64>| seconds.map_or_else(|| "unknown".to_owned(), duration);
        let height = |height: Option<i64>| height.map_or_else(|| "unknown".to_owned(), number);
        table.add_row([
            Cell::new(printable(&chain.chain)),
            right(if chain.left { "left".to_owned() } else { height(chain.head) }),
            right(number(chain.committed)),
            right(height(chain.lag.or(chain.left.then_some(0)))),
            right(ago(chain.age_seconds)),
            right(ago(chain.last_seen_seconds)),
            right(height(chain.events_processed)),
        ]);
    }
    (!table.is_empty()).then(|| table.trim_fmt())
}

fn holes(holes: &[Hole]) -> String {
    if holes.is_empty() {
        return "no height was left out".to_owned();
    }
    let mut table = plain(["left out of", "from", "to", "blocks"]);
    for hole in holes {
        let blocks = hole.last - hole.first + 1;
        let numbers = [hole.first, hole.last, blocks].map(|height| right(number(height)));
        table.add_row(std::iter::once(Cell::new(&hole.chain)).chain(numbers));
    }
    table.trim_fmt()
}

fn tables(found: &DatabaseStatus) -> Option<String> {
    let mut table = plain(["table", "rows, about", "size", "indexes"]);
    for size in &found.tables {
        table.add_row([
            Cell::new(&size.table),
            right(size.rows.map_or_else(|| "n/a".to_owned(), number)),
            right(signed(size.bytes)),
            right(signed(size.index_bytes)),
        ]);
    }
    (!table.is_empty()).then(|| table.trim_fmt())
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn number(number: i64) -> String {
    grouped(u64::try_from(number).unwrap_or(0))
}

fn signed(size: i64) -> String {
    bytes(u64::try_from(size).unwrap_or(0))
}

/// Bytes in the largest unit that leaves a number of at least 1.
pub(super) fn bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1_024.0 {
            return if unit == "B" {
                format!("{size:.0} {unit}")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1_024.0;
    }
    format!("{size:.1} TB")
}

/// Seconds as two units: `3 min 5 s`, `56 y 23 d`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "unknown".to_owned();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above 0")]
    let whole = seconds.max(0.0) as u64;
    let units = [(31_536_000, "y"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = whole;
    let mut parts = Vec::new();
    for (size, unit) in units {
        if left >= size {
            parts.push(format!("{} {unit}", left / size));
            left %= size;
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let shown = [0.4, 59.9, 3_600.0, 3_725.0, 90_061.0, 1_800_000_000.0].map(duration);
        assert_eq!(shown, ["0 s", "59 s", "1 h", "1 h 2 min", "1 d 1 h", "57 y 28 d"]);
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let shown = [0, 1_023, 1_536, 5 << 20, 3 << 30, 5 << 40].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.5 kB", "5.0 MB", "3.0 GB", "5.0 TB"]);
    }
}
