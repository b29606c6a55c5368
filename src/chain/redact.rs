//! URLs as they may be shown: without credentials and without anything that looks like a key.

use std::borrow::Cow;

/// Path segments and query values of at least this length without a separator count as a key.
const KEY_LENGTH: usize = 20;

/// `url` with user and password removed, query values hidden, and key-like path segments hidden.
///
/// Providers put API keys into user info, into the query (`?key=…`) or into the path
/// (`/v2/<key>`). A text that is not a URL is treated the same way, piece by piece.
///
/// ```
/// use audius_etl::chain::redact_url;
///
/// let url = "https://me:secret@eth.example.org/v2/0123456789abcdef0123456789abcdef?key=1";
/// assert_eq!(redact_url(url), "https://***@eth.example.org/v2/***?key=***");
/// ```
pub fn redact_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (rest, fragment) = rest.split_once('#').map_or((rest, false), |(rest, _)| (rest, true));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, q)| (rest, Some(q)));
    let (authority, path) =
        rest.find('/').map_or((rest, ""), |slash| (&rest[..slash], &rest[slash..]));
    let host = authority
        .rsplit_once('@')
        .map_or(Cow::Borrowed(authority), |(_, host)| Cow::Owned(format!("***@{host}")));
    let mut out = String::with_capacity(url.len());
    if !scheme.is_empty() {
        out.push_str(scheme);
        out.push_str("://");
    }
    out.push_str(&host);
    for segment in path.split('/').skip(1) {
        out.push('/');
        out.push_str(if looks_like_key(segment) { "***" } else { segment });
    }
    if let Some(query) = query {
        out.push('?');
        for (index, pair) in query.split('&').enumerate() {
            if index > 0 {
                out.push('&');
            }
            match pair.split_once('=') {
                Some((name, _)) => {
                    out.push_str(name);
                    out.push_str("=***");
                }
                None => out.push_str("***"),
            }
        }
    }
    if fragment {
        out.push_str("#***");
    }
    out
}

fn looks_like_key(segment: &str) -> bool {
    segment.len() >= KEY_LENGTH && segment.chars().any(|c| c.is_ascii_digit())
        || segment.len() >= 2 * KEY_LENGTH
}

#[cfg(test)]
mod tests {
    use super::redact_url;

    #[test]
    fn credentials_and_keys_are_hidden_and_the_rest_stays() {
        for (given, shown) in [
            ("https://core.example.org", "https://core.example.org"),
            ("http://localhost:50051/", "http://localhost:50051/"),
            ("https://user:secret@host:1/x", "https://***@host:1/x"),
            ("https://us@er:sec@host", "https://***@host"),
            ("https://host/v2/aBcDeFgHiJkLmNoPqRsT0123/", "https://host/v2/***/"),
            ("https://host/x?key=secret&z", "https://host/x?key=***&***"),
            ("https://host?apikey=secret#frag", "https://host?apikey=***#***"),
            ("host:50051", "host:50051"),
        ] {
            assert_eq!(redact_url(given), shown);
        }
    }
}
