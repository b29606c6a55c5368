//! Route slugs of tracks and playlists and the legacy `route_id` (handlers-b 3).

use unicode_normalization::UnicodeNormalization;

use super::{hashid, unicode};

/// A slug that is free, and the number that makes it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueSlug {
    /// The unique part of the URL.
    pub slug: String,
    /// 0, or the number that the slug ends in.
    pub collision_id: i64,
}

/// The slug of a title before any collision (handlers-b 3.1): `My Track!` is `my-track`. A title
/// that leaves nothing gives the hash id of the record, in its own case.
pub fn title_slug(title: &str, record_id: i64) -> String {
    let kept = without(title, is_dropped_from_slug);
    let slug = unicode::lower(&dashed(unicode::strip(&kept), unicode::is_space));
    if slug.is_empty() { hashid::encode(record_id) } else { slug }
}

/// The slug of a title with a collision number; numbers below 1 leave no mark (handlers-b 3.1).
pub fn numbered_slug(title: &str, record_id: i64, number: i64) -> String {
    numbered(title_slug(title, record_id), number)
}

/// A title's slug with a collision number; numbers below 1 leave no mark.
pub fn numbered(slug: String, number: i64) -> String {
    if number > 0 { format!("{slug}-{number}") } else { slug }
}

/// The slug of a title before any collision as the Go ETL makes it (tracks.md 4.2): no normal form,
/// white space inside of ASCII only, lower case character by character. A title that leaves nothing
/// gives the id of the record.
pub fn go_title_slug(title: &str, record_id: i64) -> String {
    let kept: String = title.chars().filter(|c| !is_dropped_from_slug(*c)).collect();
    let is_blank = |c| matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ');
    let slug = unicode::go_lower(&dashed(kept.trim(), is_blank));
    if slug.is_empty() { record_id.to_string() } else { slug }
}

/// [`go_title_slug`] with a collision number; numbers below 1 leave no mark.
pub fn go_numbered_slug(title: &str, record_id: i64, number: i64) -> String {
    numbered(go_title_slug(title, record_id), number)
}

/// Whether a slug ends in a digit of any script, as Go's `unicode.IsDigit` has it (Unicode 15).
pub fn ends_in_decimal_digit(slug: &str) -> bool {
    let is_young = |c| matches!(c, '\u{11f50}'..='\u{11f59}' | '\u{1e4f0}'..='\u{1e4f9}');
    slug.ends_with(|c: char| unicode::decimal_digit(c).is_some() || is_young(c))
}

/// Whether a slug may equal one that got a collision number (handlers-b 3.2 step 2). Only ASCII
/// digits can: those numbers are written in them.
pub fn ends_in_digit(slug: &str) -> bool {
    slug.ends_with(|c: char| c.is_ascii_digit())
}

/// Settles the slug among those of one owner (handlers-b 3.2 steps 3 and 4).
///
/// `title_slug` is the title's own slug, `highest` the highest collision id of it, `exists` whether it
/// [ends in a digit](ends_in_digit) and is taken as a slug; `taken` looks a slug up.
///
/// # Errors
/// What `taken` fails with.
pub fn unique_slug<E>(
    title_slug: String,
    highest: Option<i64>,
    exists: bool,
    mut taken: impl FnMut(&str) -> Result<bool, E>,
) -> Result<UniqueSlug, E> {
    if highest.is_none() && !exists {
        return Ok(UniqueSlug { slug: title_slug, collision_id: 0 });
    }
    let mut collision_id = highest.unwrap_or(0);
    loop {
        collision_id += 1;
        // A number that was given with a route may be negative.
        let slug = numbered(title_slug.clone(), collision_id);
        if !taken(&slug)? {
            return Ok(UniqueSlug { slug, collision_id });
        }
    }
}

/// `tracks.route_id` (handlers-b 3.5): `<handle>/<title>` with its own set of dropped characters,
/// no trimming, no fallback, not unique.
pub fn route_id(handle: &str, title: &str) -> String {
    let kept = without(title, is_dropped_from_route_id);
    format!("{}/{}", unicode::lower(handle), unicode::lower(&dashed(&kept, unicode::is_space)))
}

/// `tracks.route_id` as the Go ETL makes it (tracks.md 4.1): no NFC, blanks of ASCII alone, characters
/// lower-cased one by one.
pub fn go_route_id(handle: &str, title: &str) -> String {
    let kept: String = title.chars().filter(|c| !is_dropped_from_route_id(*c)).collect();
    let is_blank = |c| matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ');
    format!("{}/{}", unicode::go_lower(handle), unicode::go_lower(&dashed(&kept, is_blank)))
}

fn without(title: &str, dropped: fn(char) -> bool) -> String {
    title.nfc().filter(|c| !dropped(*c)).collect()
}

/// Runs of blanks become one dash, runs of dashes one dash.
fn dashed(text: &str, is_blank: impl Fn(char) -> bool) -> String {
    let mut dashed = String::with_capacity(text.len());
    for character in text.chars() {
        let character = if is_blank(character) { '-' } else { character };
        if character != '-' || !dashed.ends_with('-') {
            dashed.push(character);
        }
    }
    dashed
}

const fn is_dropped_from_both(character: char) -> bool {
    matches!(
        character,
        '!' | '%'
            | '#'
            | '$'
            | '&'
            | '\''
            | '('
            | ')'
            | '*'
            | '+'
            | ','
            | '/'
            | ':'
            | ';'
            | '='
            | '?'
            | '@'
            | '['
            | ']'
            | '\0'
    )
}

const fn is_dropped_from_slug(character: char) -> bool {
    is_dropped_from_both(character)
        || matches!(character, '\u{2019}' | '^' | '.' | '{' | '}' | '"' | '~')
}

const fn is_dropped_from_route_id(character: char) -> bool {
    is_dropped_from_both(character) || character == '`'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_slugs_as_in_the_reference() {
        for (title, id, slug) in [
            ("my playlist~\u{2019}", 400_000, "my-playlist"),
            ("my playlist 1 w/ new name!", 1, "my-playlist-1-w-new-name"),
            ("  Backing Vox 2.wav", 1, "backing-vox-2wav"),
            ("R&B/Soul #1 (feat. X) [Remix]", 1, "rbsoul-1-feat-x-remix"),
            ("a - b -- c", 1, "a-b-c"),
            ("- lead/trail -", 1, "-leadtrail-"),
            ("-", 1, "-"),
            ("!!!", 2_000_000, "YBwZy"),
            ("...", 2_000_000, "YBwZy"),
            ("", 2_000_000, "YBwZy"),
            (" ! ", 2_000_000, "YBwZy"),
            ("🔥🔥", 1, "🔥🔥"),
            ("Fire 🔥 & Ice", 1, "fire-🔥-ice"),
            ("Cafe\u{301}", 1, "caf\u{e9}"),
            ("Ünïcødé Σας ΟΔΟΣ", 1, "ünïcødé-σας-οδος"),
            ("İstanbul", 1, "i\u{307}stanbul"),
            ("東京 タワー", 1, "東京-タワー"),
            ("a\u{a0}b\u{3000}c", 1, "a-b-c"),
            ("A\u{200b}B", 1, "a\u{200b}b"),
            ("one – two — three", 1, "one-–-two-—-three"),
            ("Don’t ‘stop’ “it”", 1, "dont-‘stop-“it”"),
            ("x! !y", 1, "x-y"),
            ("a\u{1c}\u{1f}b\u{85}", 1, "a-b"),
            ("`\\|<>_", 1, "`\\|<>_"),
        ] {
            assert_eq!(title_slug(title, id), slug, "{title}");
        }
    }

    #[test]
    fn the_collision_number_ends_the_slug() {
        assert_eq!(numbered_slug("My Awesome Track!", 1, 2), "my-awesome-track-2");
        assert_eq!(numbered_slug("!!!", 2_000_000, 3), "YBwZy-3");
        assert_eq!(numbered_slug("a", 1, 0), "a");
        assert_eq!(numbered_slug("Playlist", 400_001, 400_001), "playlist-400001");
    }

    /// The worked example of handlers-b 3.2: every route of one owner, oldest first.
    fn add(routes: &mut Vec<(String, UniqueSlug)>, title: &str) -> UniqueSlug {
        let slug = title_slug(title, 1);
        let same = routes.iter().filter(|(title_slug, _)| *title_slug == slug);
        let highest = same.map(|(_, route)| route.collision_id).max();
        let has = |slug: &str| routes.iter().any(|(_, route)| route.slug == slug);
        let exists = ends_in_digit(&slug) && has(&slug);
        let taken = |slug: &str| Ok::<_, ()>(has(slug));
        let unique = unique_slug(slug.clone(), highest, exists, taken).unwrap();
        routes.push((slug, unique.clone()));
        unique
    }

    #[test]
    fn collisions_take_the_next_free_number() {
        let unique = |slug: &str, collision_id| UniqueSlug { slug: slug.to_owned(), collision_id };
        let mut routes = Vec::new();
        assert_eq!(add(&mut routes, "my playlist~’"), unique("my-playlist", 0));
        let renamed = add(&mut routes, "my playlist 1 w/ new name!");
        assert_eq!(renamed, unique("my-playlist-1-w-new-name", 0));
        assert_eq!(add(&mut routes, "my playlist 2"), unique("my-playlist-2", 0));
        assert_eq!(add(&mut routes, "my playlist!!"), unique("my-playlist-1", 1));
        assert_eq!(add(&mut routes, "my ~playlist!!"), unique("my-playlist-3", 3));

        let mut routes = Vec::new();
        for (title, expected) in [
            ("Track", unique("track", 0)),
            ("Track", unique("track-1", 1)),
            ("Track 1", unique("track-1-1", 1)),
        ] {
            assert_eq!(add(&mut routes, title), expected);
        }
    }

    #[test]
    fn go_makes_slugs_of_its_own() {
        for (title, slug) in [
            ("  Backing Vox 2.wav", "backing-vox-2wav"),
            ("!!!", "2000000"),
            ("", "2000000"),
            ("ΟΔΟΣ", "οδοσ"),
            ("İstanbul", "istanbul"),
            ("Cafe\u{301}", "cafe\u{301}"),
            ("a\u{a0}b", "a\u{a0}b"),
            ("\u{a0}a\u{b}b\u{3000}", "a\u{b}b"),
            ("a \t\n-\u{c} b", "a-b"),
            ("\u{1c}a", "\u{1c}a"),
        ] {
            assert_eq!(go_title_slug(title, 2_000_000), slug, "{title}");
        }
        assert_eq!(go_numbered_slug("Mix!", 1, 400_001), "mix-400001");
        assert_eq!(go_numbered_slug("Mix!", 1, -3), "mix");
        assert!(ends_in_decimal_digit("mix-٣") && !ends_in_decimal_digit("mix²"));
    }

    #[test]
    fn numbers_go_on_from_a_negative_one_without_a_mark() {
        let taken = |slug: &str| Ok::<_, ()>(slug == "mix" || slug == "mix-1");
        let unique = unique_slug("mix".into(), Some(-2), false, taken).unwrap();
        assert_eq!(unique, UniqueSlug { slug: "mix-2".into(), collision_id: 2 });
        let unique = unique_slug("mix".into(), Some(-2), false, |_| Ok::<_, ()>(false)).unwrap();
        assert_eq!(unique, UniqueSlug { slug: "mix".into(), collision_id: -1 });
    }

    #[test]
    fn route_ids_keep_more_characters_and_are_not_trimmed() {
        for (title, expected) in [
            (" lead", "handle/-lead"),
            ("!!!", "handle/"),
            ("a`b\u{2019}^.{}\"~", "handle/ab\u{2019}^.{}\"~"),
            ("My  Track - 2", "handle/my-track-2"),
            ("Cafe\u{301} ", "handle/caf\u{e9}-"),
        ] {
            assert_eq!(route_id("Handle", title), expected);
        }
    }
}
