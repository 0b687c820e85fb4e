//! Target of a browser's return from Clerk: a page of the Hub only.

use crate::logic::http::query_string::pairs;

/// Returns the path and query of the page of the Hub that a `redirect_url` names; `None` for anything else, for which
/// the caller has a default.
///
/// Accepts a path (`/account?x=1`) and an absolute URL of the Hub's own origin, below the mount path: other paths of
/// that origin do not belong to the Hub. Rejects everything that browsers parse differently from its appearance:
/// `//host`, `/\host`, white space and control characters, a dot segment, user names, other schemes.
#[must_use]
pub fn validate<'a>(wanted: &'a str, origin: &str, base_path: &str) -> Option<&'a str> {
    let path = match wanted.strip_prefix(origin) {
        Some("") => "/",
        Some(rest) => rest,
        None => wanted,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?&=%+:,@!$'()*;".contains(&byte);
    let segments = path.split('?').next().unwrap_or_default();
    let odd = segments.contains("//") || segments.split('/').any(|segment| segment == "." || segment == "..");
    let encoded = segments.contains('%');
    let mounted = segments.strip_prefix(base_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let right =
        path.starts_with('/') && mounted && path.bytes().all(plain) && !odd && !encoded && path.len() <= MAX_LEN;
    right.then_some(path)
}

/// Returns a path and query without the parameters of the handshake with Clerk.
#[must_use]
pub fn strip_handshake_params(path: &str, query: &str) -> String {
    let remaining = pairs(query).filter(|pair| !HANDSHAKE_PARAMETERS.contains(&pair.name));
    let remaining: Vec<&str> = remaining.map(|pair| pair.text).collect();
    if remaining.is_empty() { path.to_owned() } else { format!("{path}?{}", remaining.join("&")) }
}

const MAX_LEN: usize = 2048;
const HANDSHAKE_PARAMETERS: [&str; 7] = [
    "__clerk_db_jwt",
    "__clerk_handshake",
    "__clerk_handshake_nonce",
    "__clerk_help",
    "__clerk_hs_reason",
    "__dev_session",
    crate::logic::authn::browser_session::HANDSHAKE_STATE_PARAMETER,
];

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://hub.example.com";

    #[test]
    fn redirects_only_to_pages_of_the_hub() {
        for (wanted, path) in [
            ("/", "/"),
            ("/account", "/account"),
            ("/account?tab=1&x=%2F", "/account?tab=1&x=%2F"),
            ("https://hub.example.com", "/"),
            ("https://hub.example.com/account", "/account"),
        ] {
            assert_eq!(validate(wanted, ORIGIN, ""), Some(path), "{wanted}");
        }
        for wanted in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            " /account",
            "/account\n",
            "https://evil.example",
            "https://hub.example.com.evil.example/",
            "https://hub.example.com@evil.example/",
            "https://hub.example.com:444/",
            "https:hub.example.com",
            "HTTPS://hub.example.com//evil.example",
            "https://hub.example.com//evil.example",
            "http://hub.example.com/account",
            "javascript:alert(1)",
            "data:text/html,x",
            "/%2F/evil.example",
            "/%5cevil.example",
            "/account/../x",
            "/./x",
            "/a//b",
            "/\u{e9}",
            "/<script>",
            "/a#b",
        ] {
            assert_eq!(validate(wanted, ORIGIN, ""), None, "{wanted:?}");
        }
        assert_eq!(validate(&format!("/{}", "a".repeat(2048)), ORIGIN, ""), None);
    }

    #[test]
    fn redirects_only_below_the_base_path() {
        for wanted in ["/app", "/app/", "/app/account", "/app?x=/", "https://hub.example.com/app/account?x=1"] {
            assert!(validate(wanted, ORIGIN, "/app").is_some(), "{wanted}");
        }
        for wanted in [
            "/",
            "/account",
            "/apps",
            "/app.evil",
            "/appaccount",
            "/x/app/account",
            "https://hub.example.com",
            "?x=/app",
        ] {
            assert_eq!(validate(wanted, ORIGIN, "/app"), None, "{wanted}");
        }
    }

    #[test]
    fn strips_handshake_parameters() {
        assert_eq!(strip_handshake_params("/a", "__clerk_handshake=x&b=1&hub_state=y&__clerk_db_jwt=z"), "/a?b=1");
        assert_eq!(strip_handshake_params("/a", "__clerk_handshake_nonce=x"), "/a");
        assert_eq!(strip_handshake_params("/a", ""), "/a");
    }
}
