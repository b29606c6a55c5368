//! SQL as text: fingerprints that ignore its layout, statements and lists.

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
pub(super) fn normalized(sql: &str) -> String {
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

/// The statements of `sql`, each with the line it begins at, from 1: without the comments around
/// them and without the semicolon. Dollar-quoted bodies are taken as they are.
pub(super) fn statements(sql: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let taken = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            ';' => {
                found.extend(start.take().map(|start| (start, at)));
                1
            }
            space if space.is_whitespace() => space.len_utf8(),
            other => {
                start.get_or_insert(at);
                match other {
                    '\'' | '"' => rest[1..].find(other).map_or(rest.len(), |end| end + 2),
                    '$' => dollar_quoted(rest),
                    _ => other.len_utf8(),
                }
            }
        };
        at += taken;
    }
    found.extend(start.map(|start| (start, sql.len())));
    let of = |(start, end): (usize, usize)| (line_of_byte(sql, start), sql[start..end].trim_end());
    found.into_iter().map(of).collect()
}

/// Bytes of the dollar-quoted text that `text` begins with; 1 if it begins with none.
fn dollar_quoted(text: &str) -> usize {
    let is_tag = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let Some(tag) = text[1..].find('$').map(|end| &text[..end + 2]) else { return 1 };
    if !tag[1..tag.len() - 1].chars().all(is_tag) {
        return 1;
    }
    let body = &text[tag.len()..];
    body.find(tag).map_or(text.len(), |end| end + 2 * tag.len())
}

/// The items of a list that commas separate, outside of parentheses and quotes.
pub(super) fn split_list(list: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_i32, false);
    for (at, char) in list.char_indices() {
        match char {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            ',' if depth == 0 && !quoted => {
                items.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(list[start..].trim());
    items.retain(|item| !item.is_empty());
    items
}

/// Whether `name` stands in `sql` as a word of its own.
pub(super) fn mentions(sql: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    sql.match_indices(name).any(|(at, _)| {
        !sql[..at].chars().next_back().is_some_and(is_word)
            && !sql[at + name.len()..].chars().next().is_some_and(is_word)
    })
}

fn line_of_byte(sql: &str, at: usize) -> usize {
    1 + sql[..at].matches('\n').count()
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
    fn statements_end_at_semicolons_outside_of_quotes_bodies_and_comments() {
        let sql =
            "-- a; b\nSELECT ';';\n\nCREATE FUNCTION f() AS $fn$ SELECT 1; $fn$; -- c;\n  x\n";
        let expected =
            [(2, "SELECT ';'"), (4, "CREATE FUNCTION f() AS $fn$ SELECT 1; $fn$"), (5, "x")];
        assert_eq!(statements(sql), expected);
    }

    #[test]
    fn lists_are_split_at_their_own_commas() {
        assert_eq!(split_list("a (b, c), 'd,e' , f"), ["a (b, c)", "'d,e'", "f"]);
        assert_eq!(split_list(" "), Vec::<&str>::new());
    }

    #[test]
    fn names_are_found_as_words_only() {
        assert!(mentions("a event_type NOT NULL", "event_type"));
        assert!(!mentions("a my_event_type_b", "event_type"));
    }

    #[test]
    fn a_position_falls_on_the_line_it_points_at() {
        assert_eq!(line_of("a\nb\nc", 1), 1);
        assert_eq!(line_of("a\nb\nc", 3), 2);
        assert_eq!(line_of("a\nb\nc", 5), 3);
    }
}
