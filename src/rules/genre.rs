//! Closed lists of track metadata: genres, moods, musical keys, and the shape of CIDs
//! (handlers-b 5).

use std::{collections::HashMap, sync::LazyLock};

use super::unicode::{go_lower, go_upper};

/// All genres, exact text.
pub const GENRES: [&str; 51] = [
    "Acoustic",
    "Alternative",
    "Ambient",
    "Audiobooks",
    "Blues",
    "Classical",
    "Comedy",
    "Country",
    "Dancehall",
    "Deep House",
    "Devotional",
    "Disco",
    "Downtempo",
    "Drum & Bass",
    "Dubstep",
    "Electro",
    "Electronic",
    "Experimental",
    "Folk",
    "Funk",
    "Future Bass",
    "Future House",
    "Glitch Hop",
    "Hardstyle",
    "Hip-Hop/Rap",
    "House",
    "Hyperpop",
    "Jazz",
    "Jersey Club",
    "Jungle",
    "Kids",
    "Latin",
    "Lo-Fi",
    "Metal",
    "Moombahton",
    "Podcasts",
    "Pop",
    "Progressive House",
    "Punk",
    "R&B/Soul",
    "Reggae",
    "Rock",
    "Soundtrack",
    "Spoken Word",
    "Tech House",
    "Techno",
    "Trance",
    "Trap",
    "Tropical House",
    "Vaporwave",
    "World",
];

/// All moods. They only matter as reserved handles; a track's mood is free text.
pub const MOODS: [&str; 23] = [
    "Peaceful",
    "Romantic",
    "Sentimental",
    "Tender",
    "Easygoing",
    "Yearning",
    "Sophisticated",
    "Sensual",
    "Cool",
    "Gritty",
    "Melancholy",
    "Serious",
    "Brooding",
    "Fiery",
    "Defiant",
    "Aggressive",
    "Rowdy",
    "Excited",
    "Energizing",
    "Empowering",
    "Stirring",
    "Upbeat",
    "Other",
];

const KEY_NOTES: [&str; 12] =
    ["A", "B flat", "B", "C", "D flat", "D", "E flat", "E", "F", "G flat", "G", "A flat"];

/// Whether a text is one of the genres (handlers-b 5.1); the empty text is not.
pub fn is_genre(text: &str) -> bool {
    GENRES.contains(&text)
}

/// Other spellings of genres, lower-case.
const GENRE_VARIANTS: [(&str, &str); 18] = [
    ("hip-hop", "Hip-Hop/Rap"),
    ("hiphop", "Hip-Hop/Rap"),
    ("hip hop", "Hip-Hop/Rap"),
    ("hip hop/rap", "Hip-Hop/Rap"),
    ("rap", "Hip-Hop/Rap"),
    ("r&b", "R&B/Soul"),
    ("rnb", "R&B/Soul"),
    ("r and b", "R&B/Soul"),
    ("r&b/soul", "R&B/Soul"),
    ("r&b soul", "R&B/Soul"),
    ("drum and bass", "Drum & Bass"),
    ("drum&bass", "Drum & Bass"),
    ("dnb", "Drum & Bass"),
    ("d&b", "Drum & Bass"),
    ("edm", "Electronic"),
    ("electronic dance music", "Electronic"),
    ("lofi", "Lo-Fi"),
    ("lo fi", "Lo-Fi"),
];

/// Genres by their lower-case spellings.
static SPELLINGS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let listed = GENRES.iter().map(|genre| (go_lower(genre), *genre));
    let variants = GENRE_VARIANTS.iter().map(|(variant, genre)| ((*variant).to_owned(), *genre));
    listed.chain(variants).collect()
});

/// The form in which an open list stores a genre: the listed one it stands for, else with every word
/// capitalised by the simple mapping (tracks.md 7.2). `None` for text without a word.
pub fn go_form(text: &str) -> Option<String> {
    if is_genre(text) {
        return Some(text.to_owned());
    }
    let lower = go_lower(text);
    let words: Vec<&str> = lower.split_whitespace().collect();
    if let Some(genre) = SPELLINGS.get(&words.join(" ")) {
        return Some((*genre).to_owned());
    }
    let capitalised = |word: &&str| -> String {
        let mut letters = word.chars();
        letters.next().map(go_upper).into_iter().chain(letters).collect()
    };
    let genre = words.iter().map(capitalised).collect::<Vec<_>>().join(" ");
    (!genre.is_empty()).then_some(genre)
}

/// Whether a text is a musical key such as `E flat minor`, or `Silence` (handlers-b 5.3).
pub fn is_musical_key(text: &str) -> bool {
    text == "Silence"
        || text
            .strip_suffix(" major")
            .or_else(|| text.strip_suffix(" minor"))
            .is_some_and(|note| KEY_NOTES.contains(&note))
}

/// Whether a text has the shape of a CID: 62 characters of `a-z0-9`, and by an accident of the
/// reference's pattern one newline may follow (handlers-b, constants and 5.4).
pub fn is_cid(text: &str) -> bool {
    let cid = text.strip_suffix('\n').unwrap_or(text);
    cid.len() == 62 && cid.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genres_are_exact() {
        assert!(is_genre("Drum & Bass") && is_genre("World"));
        assert!(!is_genre("") && !is_genre("drum & bass") && !is_genre("Edm"));
    }

    #[test]
    fn an_open_list_has_a_common_form() {
        for (text, form) in [
            ("  HIP-HOP  ", Some("Hip-Hop/Rap")),
            ("polka", Some("Polka")),
            ("j-pop  fusion", Some("J-pop Fusion")),
            ("\u{df}x", Some("\u{df}x")),
            ("   ", None),
        ] {
            assert_eq!(go_form(text).as_deref(), form, "{text:?}");
        }
    }

    #[test]
    fn keys_have_no_sharps() {
        assert!(is_musical_key("E flat minor") && is_musical_key("A major"));
        assert!(is_musical_key("Silence"));
        for text in ["", "a major", "C sharp major", "H minor", "A  major", "A Major", "major"] {
            assert!(!is_musical_key(text), "{text}");
        }
    }

    #[test]
    fn cids_have_62_lower_case_characters() {
        let cid = format!("baeaaaiqse{}", "x7".repeat(26));
        assert!(is_cid(&cid));
        assert!(is_cid(&format!("{cid}\n")));
        for text in ["", "some-track-cid", &cid[1..], &format!("{cid}\n\n"), &cid.to_uppercase()] {
            assert!(!is_cid(text), "{text}");
        }
    }
}
