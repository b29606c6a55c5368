//! Longest texts, in code points (frame.md 5). An empty text always passes.

use super::{Handled, ensure, reject};
use crate::rules::handles;

const NAME: usize = 32;
const BIO: usize = 256;
const DESCRIPTION: usize = 2500;
const GENRE: usize = 100;

/// Rejects a text of more than `limit` code points.
///
/// # Errors
/// A reject with `code`.
pub fn at_most(text: &str, limit: usize, code: &'static str) -> Handled {
    // No text has more code points than bytes.
    ensure(text.len() <= limit || text.chars().nth(limit).is_none(), code)
}

/// The name of a user.
///
/// # Errors
/// `name_too_long`.
pub fn check_name(name: &str) -> Handled {
    at_most(name, NAME, "name_too_long")
}

/// The biography of a user.
///
/// # Errors
/// `bio_too_long`.
pub fn check_bio(bio: &str) -> Handled {
    at_most(bio, BIO, "bio_too_long")
}

/// The description of a track or playlist.
///
/// # Errors
/// `description_too_long`.
pub fn check_description(description: &str) -> Handled {
    at_most(description, DESCRIPTION, "description_too_long")
}

/// The genre of a track, before it is brought to its common form.
///
/// # Errors
/// `genre_too_long`.
pub fn check_genre(genre: &str) -> Handled {
    at_most(genre, GENRE, "genre_too_long")
}

/// The handle of a user, lower-cased; `None` for an empty one.
///
/// # Errors
/// A reject where the handle breaks a rule ([`handles`]).
pub fn checked_handle(handle: &str) -> Result<Option<String>, super::Halt> {
    if handle.is_empty() {
        return Ok(None);
    }
    let lower = handles::checked_lower(handle);
    lower.map(Some).map_err(|problem| reject(problem.code()))
}
