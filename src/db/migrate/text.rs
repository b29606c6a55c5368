//! SQL as text: fingerprints that ignore its layout, and the objects a file creates.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

/// Hex SHA-256 over the statements of `sql` without comments, with every run of white space
/// outside quotes as one space.
pub(super) fn checksum(sql: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(normalized(sql).as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

/// `sql` without comments and with single spaces. Dollar-quoted bodies are SQL or PL/pgSQL here, so
/// the same rules hold inside them.
fn normalized(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '-' if rest.starts_with("--") => {
                gap(&mut out);
                rest.find('\n').unwrap_or(rest.len())
            }
            '/' if rest.starts_with("/*") => {
                gap(&mut out);
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            }
            '\'' | '"' => {
                let end = rest[1..].find(first).map_or(rest.len(), |end| end + 2);
                out.push_str(&rest[..end]);
                end
            }
            space if space.is_whitespace() => {
                gap(&mut out);
                space.len_utf8()
            }
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out.truncate(out.trim_end().len());
    out
}

fn gap(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// Whether `sql` is nothing but comments.
pub(super) fn is_blank(sql: &str) -> bool {
    normalized(sql).is_empty()
}

/// The names of the tables, views, functions, triggers and types that `sql` creates, as
/// `kind name`, in the spelling of `catalog`.
pub(super) fn created_by(sql: &str) -> BTreeSet<String> {
    static CREATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?i)\bCREATE (?:OR REPLACE )?(TABLE|MATERIALIZED VIEW|FUNCTION|TRIGGER|TYPE)(?: IF NOT EXISTS)? (\w+)",
        )
        .expect("the pattern is a constant")
    });
    CREATE
        .captures_iter(&normalized(sql))
        .map(|found| format!("{} {}", found[1].to_lowercase(), found[2].to_lowercase()))
        .collect()
}

/// The line, from 1, of a one-based character position in `sql`.
pub(super) fn line_of(sql: &str, position: usize) -> usize {
    1 + sql.chars().take(position.saturating_sub(1)).filter(|&c| c == '\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_layout_do_not_change_the_checksum() {
        let plain = checksum("CREATE TABLE a (b text DEFAULT 'x  y'); SELECT 1;");
        let spread =
            "-- why\nCREATE  TABLE a (b text\n DEFAULT 'x  y'); /* it's\n so */ SELECT 1;\n";
        assert_eq!(checksum(spread), plain);
    }

    #[test]
    fn what_stands_in_quotes_does() {
        assert_ne!(checksum("SELECT 'a  b'"), checksum("SELECT 'a b'"));
        assert_ne!(checksum("SELECT '--a'"), checksum("SELECT '--b'"));
        assert_ne!(checksum("SELECT 'it''s  a'"), checksum("SELECT 'it''s a'"));
    }

    #[test]
    fn created_objects_are_named_with_their_kind() {
        let sql = "CREATE TABLE IF NOT EXISTS a (b int);\nCREATE OR REPLACE FUNCTION f() ...;
            CREATE TRIGGER t AFTER INSERT ON a; CREATE MATERIALIZED VIEW IF NOT EXISTS v AS";
        let expected = ["function f", "materialized view v", "table a", "trigger t"];
        assert_eq!(created_by(sql), expected.map(String::from).into());
    }

    #[test]
    fn a_position_falls_on_the_line_it_points_at() {
        assert_eq!(line_of("a\nb\nc", 1), 1);
        assert_eq!(line_of("a\nb\nc", 3), 2);
        assert_eq!(line_of("a\nb\nc", 5), 3);
    }
}
