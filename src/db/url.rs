//! Connection URLs as text: hiding passwords, swapping the database name. Works on anything that
//! was typed, a URL or not, because a message about a bad URL must hide its password too.

/// What stands in for a password.
const HIDDEN: &str = "***";

/// `url` with every password in it replaced by `***`.
///
/// Text that is no proper URL is cut rather than shown in doubt: everything between the first colon
/// of the user part and the last `@` counts as password.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return match url.rfind('@') {
            Some(at) => format!("{HIDDEN}{}", hide_parameters(&url[at..])),
            None => hide_parameters(url),
        };
    };
    let before_query = rest.find('?').unwrap_or(rest.len());
    let at = rest[..before_query].rfind('@').or_else(|| rest.rfind('@'));
    let Some(at) = at else {
        return format!("{scheme}://{}", hide_parameters(rest));
    };
    let (user, host) = rest.split_at(at);
    let user = match user.split_once(':') {
        Some((name, _password)) => format!("{name}:{HIDDEN}"),
        None => user.to_owned(),
    };
    format!("{scheme}://{user}{}", hide_parameters(host))
}

/// Hides the value of `password=` and its like, in a query string and in `key=value` settings.
pub(crate) fn hide_parameters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.to_ascii_lowercase().find("password=") {
        let value = found + "password=".len();
        out.push_str(&rest[..value]);
        out.push_str(HIDDEN);
        rest = &rest[value..];
        let end = rest.find(['&', ' ']).unwrap_or(rest.len());
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// `url` with the name of its database replaced.
pub(super) fn with_name(url: &str, name: &str) -> String {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (url, String::new()),
    };
    let host_at = base.find("://").map_or(0, |scheme| scheme + 3);
    let path = base[host_at..].find('/').map_or(base.len(), |slash| host_at + slash);
    format!("{}/{name}{query}", &base[..path])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        for (url, shown) in [
            ("postgres://a:pw@h:1/d", "postgres://a:***@h:1/d"),
            ("postgres://a:p@w/x@h/d", "postgres://a:***@h/d"),
            ("postgres://a:p?w@h/d", "postgres://a:***@h/d"),
            ("postgres://a@h/d", "postgres://a@h/d"),
            ("postgres://:pw@h/d", "postgres://:***@h/d"),
            ("postgres:///d?user=a&password=pw&x=1", "postgres:///d?user=a&password=***&x=1"),
            ("postgres:///d?sslPassword=pw", "postgres:///d?sslPassword=***"),
            ("host=h password=pw dbname=d", "host=h password=*** dbname=d"),
            ("a:pw@h/d", "***@h/d"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }

    #[test]
    fn the_database_name_is_swapped_in_every_form_of_url() {
        assert_eq!(with_name("postgres://a@h:1/d?x=/y", "n"), "postgres://a@h:1/n?x=/y");
        assert_eq!(with_name("postgres://h", "n"), "postgres://h/n");
        assert_eq!(with_name("postgres:///d", "n"), "postgres:///n");
    }
}
