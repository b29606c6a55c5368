//! Text of others (nodes, senders of transactions, databases) made harmless before it reaches a
//! terminal or a log: nothing in it moves the cursor, forges a line or turns what stands beside it.

use std::borrow::Cow;

/// `text` on one line, and such that different texts look different: what does not show, or changes
/// what stands beside it, is written as an escape.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            '\r' => safe.push_str("\\r"),
            _ if is_invisible(character) => escape(character, &mut safe),
            _ => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// The same for text of several lines: each but the first is marked as going on, so that none looks
/// like a line of this program.
pub(super) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n  | ")
}

/// The last net under everything that leaves through stdout and stderr: lines, tabs and colours stay,
/// every other control character, and what turns the direction of text, is written as an escape.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let width = colour(rest).unwrap_or_else(|| character.len_utf8());
        let (here, after) = rest.split_at(width);
        if width == character.len_utf8() && is_harmful(character) {
            escape(character, &mut safe);
        } else {
            safe.push_str(here);
        }
        rest = after;
    }
    Cow::Owned(safe)
}

/// Bytes of a sequence that sets a colour or a style, if `text` begins with one.
fn colour(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\x1b[")?;
    let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    codes[end..].starts_with('m').then_some(2 + end + 1)
}

fn escape(character: char, into: &mut String) {
    into.extend(character.escape_unicode());
}

fn is_harmful(character: char) -> bool {
    (character.is_control() && character != '\n' && character != '\t')
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Control and format characters, spaces other than the usual one, and combining marks, which make
/// two spellings of one letter.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "a\x1b]0;owned\x07\nERROR forged\u{9b}31m\x7f\u{202e}b";

    #[test]
    fn text_of_others_stays_on_its_line_and_moves_nothing() {
        let shown = printable(SENT);
        assert_eq!(shown, r"a\u{1b}]0;owned\u{7}\nERROR forged\u{9b}31m\u{7f}\u{202e}b");
        assert_eq!(printable("plain – text"), "plain – text");
        assert_eq!(printable_lines("one\nERROR two\x1b"), "one\n  | ERROR two\\u{1b}");
    }

    #[test]
    fn colours_and_lines_pass_the_last_net_and_nothing_else_does() {
        let ours = "\x1b[1;31merror:\x1b[0m no\n\tway";
        assert_eq!(harmless(ours), ours);
        assert_eq!(harmless("\x1b[2J\x1b[31"), r"\u{1b}[2J\u{1b}[31");
        assert_eq!(harmless("a\r\u{202e}b"), r"a\u{d}\u{202e}b");
    }
}
