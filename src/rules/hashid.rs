//! Hash ids, the public form of Audius ids (handlers-a 0.10, handlers-b 3.1).

use std::sync::LazyLock;

use harsh::Harsh;

/// Ids are at most this long; longer texts are not looked at (their numbers exceed every id).
const MAX_LENGTH: usize = 12;

static HASHIDS: LazyLock<Harsh> = LazyLock::new(|| {
    Harsh::builder().salt("azowernasdfoia").length(5).build().expect("salt and length are valid")
});

/// The hash id of a record id; empty for a negative number, as in Python.
pub fn encode(id: i64) -> String {
    u64::try_from(id).map(|id| HASHIDS.encode(&[id])).unwrap_or_default()
}

/// The id behind a hash id, the first one if it holds several; `None` when it is not valid.
pub fn decode(text: &str) -> Option<i64> {
    if text.len() > MAX_LENGTH || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let ids = HASHIDS.decode(text).ok()?;
    i64::try_from(*ids.first()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_vectors_hold_both_ways() {
        for (id, text) in [
            (1, "7eP5n"),
            (2, "ML51L"),
            (3, "lebQD"),
            (51, "eJ57D"),
            (3_000_001, "Pl7R1"),
            (777, "LjjBL"),
            (400_000, "YJ4Np"),
            (2_000_000, "YBwZy"),
            (2_000_001, "P8mWR"),
            (61_740_430, "rq1YRQ"),
            (1_595_511_751, "JBKl7R6"),
        ] {
            assert_eq!(encode(id), text);
            assert_eq!(decode(text), Some(id));
        }
    }

    #[test]
    fn what_is_no_hash_id_decodes_to_nothing() {
        for text in ["", "1", "7eP5", "7eP5N", "abcde", "7eP5n ", "@user_2", "é", &"9".repeat(40)]
        {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(encode(-1), "");
    }
}
