//! Which handles a user may take, by the rules of today (users.md 0.5). Those of `names` are older
//! and know other words.

use super::unicode::go_lower;

/// Longest handle in code points.
const LIMIT: usize = 30;

/// Words that are pages of the website or roles.
const RESERVED: [&str; 47] = [
    "admin",
    "audius",
    "api",
    "app",
    "blog",
    "contact",
    "dashboard",
    "dev",
    "developer",
    "docs",
    "download",
    "explore",
    "faq",
    "feed",
    "help",
    "home",
    "jobs",
    "legal",
    "library",
    "login",
    "logout",
    "manage",
    "media",
    "music",
    "news",
    "notifications",
    "oauth",
    "playlist",
    "playlists",
    "premium",
    "press",
    "privacy",
    "profile",
    "register",
    "search",
    "settings",
    "signup",
    "status",
    "support",
    "terms",
    "track",
    "tracks",
    "trending",
    "upload",
    "user",
    "users",
    "verify",
];

/// Why a handle is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleProblem {
    /// A character outside `a-z`, `0-9`, `_` and `.` after lower-casing.
    Character,
    /// More than 30 characters.
    TooLong,
    /// A reserved word.
    Reserved,
}

impl HandleProblem {
    /// A stable code for counting.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Character => "handle_character",
            Self::TooLong => "handle_too_long",
            Self::Reserved => "handle_reserved",
        }
    }
}

/// The lower-cased form of a handle that is not empty.
///
/// Every character has its simple mapping, so the Kelvin sign is a `k` and U+0130 an `i`, and both
/// pass.
///
/// # Errors
/// The first rule that is broken.
pub fn checked_lower(handle: &str) -> Result<String, HandleProblem> {
    let lower = go_lower(handle);
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    if !lower.bytes().all(allowed) {
        return Err(HandleProblem::Character);
    }
    if lower.len() > LIMIT {
        return Err(HandleProblem::TooLong);
    }
    if RESERVED.contains(&lower.as_str()) {
        return Err(HandleProblem::Reserved);
    }
    Ok(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_lower_cased_letter_by_letter() {
        for (handle, lower) in [
            ("One.2_", "one.2_"),
            ("\u{212a}elvin", "kelvin"),
            ("\u{130}", "i"),
            ("jungle", "jungle"),
            ("xaudiusx", "xaudiusx"),
            ("abcdefghijklmnopqrstuvwxyz1234", "abcdefghijklmnopqrstuvwxyz1234"),
        ] {
            assert_eq!(checked_lower(handle).as_deref(), Ok(lower));
        }
    }

    #[test]
    fn refused_handles_tell_why() {
        for (handle, problem) in [
            ("one-2", HandleProblem::Character),
            ("abc\n", HandleProblem::Character),
            ("fire🔥", HandleProblem::Character),
            ("abcdefghijklmnopqrstuvwxyz12345", HandleProblem::TooLong),
            ("Admin", HandleProblem::Reserved),
            ("TRACKS", HandleProblem::Reserved),
        ] {
            assert_eq!(checked_lower(handle), Err(problem), "{handle}");
        }
    }
}
