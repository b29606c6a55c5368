//! The last net under everything that leaves through stderr and `config`: URLs inside a text lose
//! their credentials and keys, whoever wrote it (a library's error, clap quoting a word).

use std::borrow::Cow;

use crate::chain::redact_url;
use crate::db;

/// Characters that end a URL inside a text.
const ENDS: &[char] = &['"', '\'', '`', '<', '>', '\\', '\x1b', '|', '[', ']'];

/// Punctuation that belongs to the text and not to the URL before it.
const PUNCTUATION: &[char] = &['.', ',', ';', ':', ')', '!'];

/// `text` with the secrets hidden that stand in URLs and after `password=`.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return hide_passwords(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(mark) = rest.find("://") {
        let start = scheme_start(rest, mark);
        if start == mark {
            let (before, after) = rest.split_at(mark + "://".len());
            out.push_str(&hide_passwords(before));
            rest = after;
            continue;
        }
        let end = url_end(rest, mark);
        out.push_str(&hide_passwords(&rest[..start]));
        out.push_str(&redacted_url(&rest[start..end]));
        rest = &rest[end..];
    }
    out.push_str(&hide_passwords(rest));
    Cow::Owned(out)
}

/// A single URL with its secrets hidden, in the way of its scheme.
pub fn redacted_url(url: &str) -> String {
    if url.starts_with("postgres") { db::redacted(url) } else { redact_url(url) }
}

fn scheme_start(text: &str, mark: usize) -> usize {
    let scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text[..mark]
        .rfind(|c| !scheme(c))
        .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8))
}

/// Where the URL around `mark` ends: at a space or quote, or where a list goes on with another.
fn url_end(text: &str, mark: usize) -> usize {
    let body = mark + "://".len();
    let stop = |c: char| c.is_whitespace() || c.is_control() || ENDS.contains(&c);
    let end = text[body..].find(stop).map_or(text.len(), |at| body + at);
    let next = text[body..end].find("://").and_then(|at| {
        let start = scheme_start(&text[body..], at);
        text[body..body + start].ends_with([',', ';']).then_some(body + start - 1)
    });
    let end = next.unwrap_or(end);
    body + text[body..end].trim_end_matches(PUNCTUATION).len()
}

fn hide_passwords(text: &str) -> Cow<'_, str> {
    if text.to_ascii_lowercase().contains("password=") {
        Cow::Owned(db::hide_parameters(text))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_hidden_wherever_the_url_stands() {
        for (text, shown) in [
            ("nothing to hide", "nothing to hide"),
            (
                "unexpected argument 'https://u:pw@h/x' found",
                "unexpected argument 'https://***@h/x' found",
            ),
            ("cannot connect to postgres://a:pw@h:1/d", "cannot connect to postgres://a:***@h:1/d"),
            ("(see https://h?key=pw), then", "(see https://h?key=***), then"),
            ("http://a,wss://u:pw@b;http://c?k=pw", "http://a,wss://***@b;http://c?k=***"),
            ("{\"url\":\"https://u:pw@h\"}", "{\"url\":\"https://***@h\"}"),
            ("host=h password=pw dbname=d", "host=h password=*** dbname=d"),
            (
                "über https://u:pw@h — https://h/v3/0123456789abcdef0123",
                "über https://***@h — https://h/v3/***",
            ),
            (
                "\u{1b}[3mnode\u{1b}[0m=https://u:pw@h\u{1b}[0m",
                "\u{1b}[3mnode\u{1b}[0m=https://***@h\u{1b}[0m",
            ),
            ("://", "://"),
        ] {
            assert_eq!(redacted(text), shown);
            assert_eq!(redacted(shown), shown, "hiding twice changes nothing");
        }
    }
}
