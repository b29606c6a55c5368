//! Words, names and identifiers in the forms that clients send.

use std::sync::LazyLock;

use harsh::Harsh;

use super::random::Random;

const WORDS: &[&str] = &[
    "midnight",
    "echo",
    "drift",
    "velvet",
    "neon",
    "harbor",
    "signal",
    "ember",
    "cascade",
    "lunar",
    "static",
    "golden",
    "paper",
    "river",
    "mirror",
    "concrete",
    "summer",
    "ghost",
    "wire",
    "garden",
    "hollow",
    "satellite",
    "crystal",
    "dust",
    "orbit",
    "silver",
    "thunder",
    "quiet",
    "atlas",
    "bloom",
    "carbon",
    "delta",
    "fever",
    "glass",
    "horizon",
    "ivory",
    "jade",
    "kinetic",
    "lantern",
    "mosaic",
];

/// Endings of titles: punctuation that slugs drop, other scripts, combining marks, emoji.
const ENDINGS: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "!",
    " (feat. Mira)",
    " [Remix]",
    " - Live",
    " 2",
    " #1",
    " & Co",
    " ’24",
    " – Interlude",
    " Café",
    " Cafe\u{301}",
    " 東京",
    " Ночь",
    " İstanbul",
    " 🔥",
    " w/ friends",
    "…",
    "~",
];

/// Genres of the reference's list.
pub(super) const GENRES: &[&str] = &[
    "Electronic",
    "Hip-Hop/Rap",
    "House",
    "Techno",
    "Lo-Fi",
    "Ambient",
    "R&B/Soul",
    "Rock",
    "Pop",
    "Trap",
    "Dubstep",
    "Drum & Bass",
    "Deep House",
    "Experimental",
    "Jazz",
    "Latin",
    "Podcasts",
    "Audiobooks",
    "World",
];

/// Moods as the clients offer them.
pub(super) const MOODS: &[&str] =
    &["Peaceful", "Energizing", "Fiery", "Melancholy", "Cool", "Upbeat", "Easygoing", "Other"];

/// Musical keys of the reference's list.
pub(super) const KEYS: &[&str] = &["C major", "A minor", "B flat minor", "G flat major", "Silence"];

/// City, region and country; parts may be missing.
pub(super) const PLACES: &[(&str, &str, &str)] = &[
    ("Berlin", "Berlin", "Germany"),
    ("São Paulo", "São Paulo", "Brazil"),
    ("Lagos", "Lagos", "Nigeria"),
    ("Los Angeles", "California", "United States"),
    ("", "Ontario", "Canada"),
    ("Tokyo", "", "Japan"),
    ("", "", "France"),
];

impl Random {
    /// `low` to `high` words, separated by blanks.
    pub(super) fn words(&mut self, low: i64, high: i64) -> String {
        let count = self.between(low, high);
        let words: Vec<_> = (0..count).map(|_| self.pick(WORDS)).collect();
        words.join(" ")
    }

    /// A title: words, capitalised, with an ending of any script.
    pub(super) fn title(&mut self) -> String {
        let words = self.words(1, 3);
        let mut title = words[..1].to_ascii_uppercase();
        title.push_str(&words[1..]);
        title.push_str(self.pick(ENDINGS));
        title
    }

    /// A name of at most 32 characters.
    pub(super) fn name(&mut self) -> String {
        let words = self.words(1, 2);
        format!("{}{}{}", words[..1].to_ascii_uppercase(), &words[1..], self.pick(ENDINGS))
    }

    /// A file's content id in the form tracks have.
    pub(super) fn cid(&mut self) -> String {
        format!("baeaaaiqse{}", self.identifier(52))
    }

    /// A content id in the older form.
    pub(super) fn old_cid(&mut self) -> String {
        format!("Qm{}", self.identifier(44))
    }

    /// A request id.
    pub(super) fn uuid(&mut self) -> String {
        let hex = self.identifier(30);
        let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..]);
        format!("{a}-{b}-4{c}-8{d}-{e}")
    }

    /// A signature that only looks like one: `0x` and 65 bytes.
    pub(super) fn signature(&mut self) -> String {
        let v = if self.chance(500) { "1b" } else { "1c" };
        format!("0x{}{v}", self.identifier(128))
    }
}

/// The public form of an id, which clients send in its place here and there.
pub(super) fn hash_id(id: i64) -> String {
    static HASHIDS: LazyLock<Harsh> = LazyLock::new(|| {
        Harsh::builder()
            .salt("azowernasdfoia")
            .length(5)
            .build()
            .expect("salt and length are valid")
    });
    HASHIDS.encode(&[id.unsigned_abs()])
}

/// The handle of the user `id`; nobody else has it.
pub(super) fn handle_of(id: i64) -> String {
    let word = WORDS[usize::try_from(id.unsigned_abs() % WORDS.len() as u64).unwrap_or_default()];
    let separator = ["", "_", "."][usize::try_from(id.unsigned_abs() % 3).unwrap_or_default()];
    format!("{word}{separator}{id}")
}
