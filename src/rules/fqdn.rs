//! The shape a developer app's `image_url` must have to be kept (handlers-a 0.10 "FQDN check").

use std::sync::LazyLock;

use regex::Regex;

/// Python's `\w` is letters, numbers and the underscore; `\d` any decimal digit; `\s` its white
/// space; and `$` also matches before one newline at the end.
static FQDN: LazyLock<Regex> = LazyLock::new(|| {
    let host = concat!(
        r"localhost|cn[0-9]_creator-node_1:[0-9]+|audius-creator-node-[0-9]",
        r"|audius-discovery-provider-[0-9]|[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+",
    );
    let pattern =
        format!(r"\A[ \t]?(?:https?://)?(?:{host})(?::\p{{Nd}}+)?(?:/[^\s\x1c-\x1f]*)?\n?\z");
    Regex::new(&pattern).expect("the pattern is constant")
});

/// Go's classes are of ASCII alone, `$` is the end and nothing else, and two hosts have other names.
static ASCII_FQDN: LazyLock<Regex> = LazyLock::new(|| {
    let host = concat!(
        r"localhost|cn[0-9]_creator-node_1:[0-9]+|audius-protocol-creator-node-[0-9]",
        r"|audius-protocol-discovery-provider-[0-9]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+",
    );
    let pattern = format!(r"\A[ \t]?(?:https?://)?(?:{host})(?::[0-9]+)?(?:/[^\t\n\x0c\r ]*)?\z");
    Regex::new(&pattern).expect("the pattern is constant")
});

/// The same as the Go indexer has it (users.md 4).
pub fn is_ascii_fqdn(text: &str) -> bool {
    ASCII_FQDN.is_match(text)
}

/// Whether the reference takes the text for a host or an `http(s)` URL of one.
pub fn is_fqdn(text: &str) -> bool {
    FQDN.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::{is_ascii_fqdn, is_fqdn};

    #[test]
    fn go_takes_ascii_and_no_newline_at_the_end() {
        for text in ["a.b", "\ta.b", "localhost", "a.b/ü?x=1", "https://x.y:80/\u{b}", "-.-"] {
            assert!(is_ascii_fqdn(text), "{text:?}");
        }
        assert!(is_ascii_fqdn("audius-protocol-creator-node-3:99/x"));
        for text in ["", "a.b\n", "ü.é", "localhost:٣", "audius-creator-node-3", "a.b/x y", "a"]
        {
            assert!(!is_ascii_fqdn(text), "{text:?}");
        }
    }

    #[test]
    fn hosts_and_urls_pass() {
        for text in [
            "a.b",
            " a.b",
            "\ta.b",
            "a.b\n",
            "localhost:80/x",
            "localhost:٣٤",
            "http://localhost",
            "192.168.1.1",
            "https://x.y/",
            "a.b/?x=1",
            "a.b/\n",
            "ü.é",
            "²._-",
            "cn1_creator-node_1:4000",
            "audius-creator-node-3:99/x",
            "https://audius-discovery-provider-1",
            "-.-",
        ] {
            assert!(is_fqdn(text), "{text:?}");
        }
    }

    #[test]
    fn everything_else_does_not() {
        for text in [
            "",
            "http://a",
            "a.b?x=1",
            "http://a.b#x",
            "HTTPS://a.b",
            "ftp://a.b",
            "user@a.b",
            "https://x.y/ z",
            "https://x.y/\u{1c}",
            "i am not a url lol!",
            "  a.b",
            "a.b\n\n",
            "a..b",
            "a.b:",
            "a.b:x",
            "\u{301}.b",
            "cn1_creator-node_1",
            "a.b\r\n",
        ] {
            assert!(!is_fqdn(text), "{text:?}");
        }
    }
}
