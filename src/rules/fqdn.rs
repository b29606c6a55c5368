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

/// Whether the reference takes the text for a host or an `http(s)` URL of one.
pub fn is_fqdn(text: &str) -> bool {
    FQDN.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::is_fqdn;

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
