//! Which handles and display names a user may take (handlers-a 0.10).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::genre::{GENRES, MOODS};
use super::unicode;

/// Longest handle in code points.
const MAX_HANDLE: usize = 30;

/// Words that are pages of the website or status codes.
const RESERVED: [&str; 45] = [
    "discover",
    "account",
    "collection",
    "curated",
    "podcast",
    "library",
    "next",
    "suggested",
    "follow",
    "stats",
    "radio",
    "like",
    "repost",
    "share",
    "social",
    "artist",
    "options",
    "billing",
    "support",
    "genre",
    "mood",
    "collections",
    "podcasts",
    "libraries",
    "suggestions",
    "following",
    "stations",
    "likes",
    "reposts",
    "artists",
    "notification",
    "message",
    "inbox",
    "genres",
    "moods",
    "embed",
    "crypto",
    "payment",
    "error",
    "search",
    "api",
    "200",
    "204",
    "400",
    "404",
];

/// Spellings by which somebody poses as Audius.
const BAD_WORDS: [&str; 7] =
    ["audius", "airdrop", "audlus", "auduis", "auddius", "avdius", "audus"];

/// Why a handle or a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameProblem {
    /// No handle, or an empty one.
    Empty,
    /// A character outside `a-z`, `0-9`, `_` and `.` after lower-casing.
    Character,
    /// More than 30 characters.
    TooLong,
    /// A word the website uses.
    Reserved,
    /// The name of a genre.
    Genre,
    /// The name of a mood.
    Mood,
    /// Contains a word by which somebody poses as Audius.
    BadWord,
}

impl NameProblem {
    /// A stable code for counting.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "handle_empty",
            Self::Character => "handle_character",
            Self::TooLong => "handle_too_long",
            Self::Reserved => "handle_reserved",
            Self::Genre => "handle_genre",
            Self::Mood => "handle_mood",
            Self::BadWord => "bad_word",
        }
    }
}

/// The handle rules, in the reference's order (handlers-a 0.10 "Handle rules").
///
/// # Errors
/// The first rule that is broken.
pub fn check_handle(handle: &str) -> Result<(), NameProblem> {
    if handle.is_empty() {
        return Err(NameProblem::Empty);
    }
    let handle = unicode::lower(handle);
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.');
    if !handle.chars().all(allowed) {
        return Err(NameProblem::Character);
    }
    if handle.chars().count() > MAX_HANDLE {
        return Err(NameProblem::TooLong);
    }
    if RESERVED.contains(&handle.as_str()) {
        return Err(NameProblem::Reserved);
    }
    if GENRES.iter().any(|genre| genre.eq_ignore_ascii_case(&handle)) {
        return Err(NameProblem::Genre);
    }
    if MOODS.iter().any(|mood| mood.eq_ignore_ascii_case(&handle)) {
        return Err(NameProblem::Mood);
    }
    check_name(&handle)
}

/// The name rule: an empty name passes, else only bad words are refused (handlers-a 0.10).
///
/// # Errors
/// [`NameProblem::BadWord`].
pub fn check_name(name: &str) -> Result<(), NameProblem> {
    if has_bad_word(name) { Err(NameProblem::BadWord) } else { Ok(()) }
}

/// Whether a text contains a bad word once look-alike letters and accents are taken off.
pub fn has_bad_word(text: &str) -> bool {
    let plain: String =
        text.nfkc().map(look_alike_of_a).nfd().filter(|c| !is_combining_mark(*c)).collect();
    let plain = unicode::lower(&plain);
    BAD_WORDS.iter().any(|word| plain.contains(word))
}

const fn look_alike_of_a(character: char) -> char {
    match character {
        '\u{410}' | '\u{430}' | '\u{391}' | '\u{3b1}' | '\u{1d00}' | '\u{2c6f}' | '\u{23a}' => 'a',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_handles_pass() {
        for handle in [
            "one_2_",
            "One2",
            "One.2.Three",
            "fire_emoji",
            "abcdefghijklmnopqrstuvwxyz1234",
            "\u{212a}elvin",
        ] {
            assert_eq!(check_handle(handle), Ok(()), "{handle}");
        }
    }

    #[test]
    fn refused_handles_tell_why() {
        for (handle, problem) in [
            ("", NameProblem::Empty),
            ("one ", NameProblem::Character),
            ("one 2", NameProblem::Character),
            ("one-2", NameProblem::Character),
            ("one∆", NameProblem::Character),
            ("fire🔥", NameProblem::Character),
            ("İx", NameProblem::Character),
            ("one\n", NameProblem::Character),
            ("abcdefghijklmnopqrstuvwxyz12345", NameProblem::TooLong),
            ("Podcast", NameProblem::Reserved),
            ("404", NameProblem::Reserved),
            ("jungle", NameProblem::Genre),
            ("Upbeat", NameProblem::Mood),
            ("xAUDIUSx", NameProblem::BadWord),
            ("free.airdrop", NameProblem::BadWord),
        ] {
            assert_eq!(check_handle(handle), Err(problem), "{handle}");
        }
    }

    #[test]
    fn bad_words_are_found_behind_look_alikes() {
        for name in [
            "Audius",
            "ａｕｄｉｕｓ",
            "\u{410}udius",
            "\u{3b1}ud\u{ed}us",
            "Ȧu\u{301}di\u{336}us",
            "𝐀𝐮𝐝𝐢𝐮𝐬",
            "\u{23a}udus team",
            "the avdius",
            "\u{2c6f}irdrop",
        ] {
            assert!(has_bad_word(name), "{name}");
            assert_eq!(check_name(name), Err(NameProblem::BadWord));
        }
        for name in ["", "audio", "aud ius", "a.udius", "Ordinary Name"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }
}
