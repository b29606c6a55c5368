//! Text of SQL: names and literals, quoted.

/// A string literal, read the same whatever `standard_conforming_strings` says.
pub(crate) fn quoted(text: &str) -> String {
    let quotes = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quotes.replace('\\', "\\\\"))
    } else {
        format!("'{quotes}'")
    }
}

/// A quoted identifier.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An array literal of `values`, to be cast to the type of its elements. A constant of the
/// statement: a parameter would be cast again for every row where the cast is not immutable.
pub(crate) fn array<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::from("{");
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        for character in value.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
    }
    text.push('}');
    quoted(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_survive() {
        assert_eq!(quoted("it's"), "'it''s'");
        assert_eq!(quoted(r"a\'b"), r"E'a\\''b'");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(array([r#"a"b"#, "c,d", "e'f"]), r#"E'{"a\\"b","c,d","e''f"}'"#);
    }
}
