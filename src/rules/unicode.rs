//! Characters as Python 3.11 (Unicode 14) and Go (Unicode 15) classify them, where Rust's standard
//! library differs.

/// Letters whose lower-case mapping is younger than Unicode 15, which added none to Unicode 14.
const YOUNGER_LETTERS: &[(char, char)] = &[
    ('\u{1c89}', '\u{1c89}'),
    ('\u{a7cb}', '\u{a7ce}'),
    ('\u{a7d2}', '\u{a7d4}'),
    ('\u{a7da}', '\u{a7dc}'),
    ('\u{10d50}', '\u{10d65}'),
    ('\u{16ea0}', '\u{16eb8}'),
];

/// The zeros of all decimal digit ranges; each is followed by its one to nine.
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66,
    0xDE6, 0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650,
    0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50,
    0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// Python's `str.isspace` and `\s`: Rust's white space and the separators U+001C to U+001F.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Python's `str.strip()`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Python's `str.split()`: the parts between runs of white space.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|part| !part.is_empty())
}

/// Go's `strings.ToLower`: every character by its simple mapping, no context, so U+0130 is `i` and
/// the Kelvin sign `k`.
pub fn go_lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let simple = |c: char| match c {
        '\u{130}' => 'i',
        other if is_younger(other) => other,
        // Every other full mapping is the simple one.
        other => other.to_lowercase().next().unwrap_or(other),
    };
    text.chars().map(simple).collect()
}

/// Go's `unicode.ToUpper`: the simple mapping, which is one character and for some like `ß` itself.
pub fn go_upper(character: char) -> char {
    let mut full = character.to_uppercase();
    let offset = match (full.next(), full.next(), character) {
        (Some(upper), None, _) if !is_younger(upper) => return upper,
        // Greek letters with an iota below, whose full mapping spells it out.
        (_, _, '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}') => 8,
        (_, _, '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}') => 9,
        _ => 0,
    };
    char::from_u32(u32::from(character) + offset).unwrap_or(character)
}

/// Whether neither reference knows the letter.
fn is_younger(character: char) -> bool {
    YOUNGER_LETTERS.iter().any(|(from, to)| (*from..=*to).contains(&character))
}

/// Python's `str.lower()`: full mapping with the final sigma, `İ` becoming `i` and U+0307.
pub fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // To Python these are unassigned: unchanged, and they end a word for the final sigma.
    let mut lowered = String::with_capacity(text.len());
    for part in text.split_inclusive(is_younger) {
        match part.char_indices().next_back() {
            Some((at, last)) if is_younger(last) => {
                lowered.push_str(&part[..at].to_lowercase());
                lowered.push(last);
            }
            _ => lowered.push_str(&part.to_lowercase()),
        }
    }
    lowered
}

/// The value of a decimal digit of any script, as Python's `int()` and `\d` take it.
pub fn decimal_digit(character: char) -> Option<u8> {
    let code = u32::from(character);
    let at = ZEROS.partition_point(|zero| *zero <= code);
    let distance = code - ZEROS.get(at.checked_sub(1)?)?;
    u8::try_from(distance).ok().filter(|digit| *digit < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_is_pythons() {
        for (text, expected) in [
            ("ΑΣ", "ας"),
            ("ΑΣ.", "ας."),
            ("Σ", "σ"),
            ("ΑΣΑ", "ασα"),
            ("ΑΣ\u{301}", "ας\u{301}"),
            ("İ", "i\u{307}"),
            ("\u{212a}", "k"),
            ("ẞ", "ß"),
            ("Α\u{a7da}ΑΣ\u{a7dc}", "α\u{a7da}ας\u{a7dc}"),
            ("ABC", "abc"),
            ("", ""),
        ] {
            assert_eq!(lower(text), expected);
        }
    }

    #[test]
    fn simple_mappings_are_gos() {
        for (lower, upper) in [
            ('a', 'A'),
            ('ß', 'ß'),
            ('\u{149}', '\u{149}'),
            ('\u{1f80}', '\u{1f88}'),
            ('\u{1ff3}', '\u{1ffc}'),
            ('\u{1f88}', '\u{1f88}'),
            ('\u{1c6}', '\u{1c4}'),
            ('\u{264}', '\u{264}'),
            ('ç', 'Ç'),
        ] {
            assert_eq!(go_upper(lower), upper, "{lower}");
        }
        assert_eq!(go_lower("ΟΔΟΣ İ\u{212a}\u{a7dc}"), "οδοσ ik\u{a7dc}");
    }

    #[test]
    fn white_space_includes_the_separators() {
        assert_eq!(strip("\u{1c}\u{a0} a b \u{3000}\u{85}"), "a b");
        assert_eq!(strip("\u{200b}a"), "\u{200b}a");
        assert_eq!(split(" a\u{1f}b  c ").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn digits_of_every_script_have_a_value() {
        assert_eq!(decimal_digit('7'), Some(7));
        assert_eq!(decimal_digit('٣'), Some(3));
        assert_eq!(decimal_digit('９'), Some(9));
        assert_eq!(decimal_digit('\u{1d7ff}'), Some(9));
        assert_eq!(decimal_digit('²'), None);
        assert_eq!(decimal_digit('a'), None);
        assert_eq!(decimal_digit('/'), None);
    }
}
