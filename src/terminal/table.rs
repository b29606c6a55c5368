//! Tables for people, as wide as the terminal is, and numbers in them.

use std::io;
use std::time::Duration;

use comfy_table::{
    Cell, CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};
use terminal_size::{Width, terminal_size_of};

/// Columns of a table where there is no terminal to ask: what one has that nobody resized.
pub(super) const WIDTH: u16 = 80;

/// Columns below which a table cannot be read on any account.
const NARROWEST: u16 = 40;

/// Columns that what goes to stdout may take: those of the terminal, [`WIDTH`] for a file or a pipe.
pub(super) fn width() -> u16 {
    terminal_width().unwrap_or(WIDTH)
}

/// The columns of the terminal behind stdout; `None` where there is none.
pub(super) fn terminal_width() -> Option<u16> {
    // Tests look the same wherever they run.
    let found = if cfg!(test) { None } else { terminal_size_of(io::stdout()) };
    found.map(|(Width(columns), _)| columns.max(NARROWEST))
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
        .set_width(width())
        .set_header(head);
    table
}

/// Text cut between words so that it fits, with `indent` before every line but the first.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let (columns, margin) = (usize::from(width()), " ".repeat(indent));
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut now = String::new();
        for word in line.split(' ') {
            let fits = now.chars().count() + 1 + word.chars().count() <= columns;
            if !now.is_empty() && !fits {
                lines.push(std::mem::replace(&mut now, margin.clone()));
            } else if !now.is_empty() {
                now.push(' ');
            }
            now.push_str(word);
        }
        lines.push(now);
    }
    lines.join("\n")
}

/// A table of counts by name, without a line end.
pub fn counts(head: [&str; 2], counts: &[(&str, u64)]) -> String {
    let mut table = plain(head);
    for (name, count) in counts {
        table.add_row([Cell::new(name), right(grouped(*count))]);
    }
    table.trim_fmt()
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

/// The text of a table that has rows.
pub(super) fn finished(table: &mut Table) -> Option<String> {
    (!table.is_empty()).then(|| table.trim_fmt())
}

pub(super) fn number(count: u64) -> Cell {
    right(if count == 0 { "·".to_owned() } else { grouped(count) })
}

/// A cell whose text stands at its right edge.
pub fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0, 999, 1_000, 1_234_567, u64::MAX];
        let texts = ["0", "999", "1,000", "1,234,567", "18,446,744,073,709,551,615"];
        assert_eq!(numbers.map(grouped), texts);
    }
}
