//! Extraction of the one bearer token of a request; ambiguous credentials are rejected.

use crate::domain::headers::Headers;
use std::collections::HashSet;

/// The reason why a request has no usable credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum CredentialError {
    /// A key of Clerk's or Supabase's in the place of a session token.
    ApiKeyInsteadOfToken,
    /// More than one value, another scheme, unexpected white space or characters.
    Malformed,
    /// No `Authorization` at all.
    Missing,
    /// The publishable key, which supabase-js sends without a signed-in user.
    PublishableKey,
}

/// Returns the token of `Authorization: Bearer` (RFC 6750 §2.1).
///
/// Cookies, the query and the body are never read: a credential that a browser attaches automatically would need
/// another defence. Workers join repeated headers with a comma, which no token contains.
///
/// # Errors
/// See the variants.
pub fn bearer<'a>(headers: &'a Headers, publishable_key: &str) -> Result<&'a str, CredentialError> {
    let value = headers.value("authorization").ok_or(CredentialError::Missing)?;
    let (scheme, token) = value.split_once(' ').ok_or(CredentialError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(CredentialError::Malformed);
    }
    if token == publishable_key {
        return Err(CredentialError::PublishableKey);
    }
    if KEY_PREFIXES.iter().any(|prefix| token.starts_with(prefix)) {
        return Err(CredentialError::ApiKeyInsteadOfToken);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if token.bytes().all(allowed) { Ok(token) } else { Err(CredentialError::Malformed) }
}

/// Returns the distinct strings with the form of a JWT in the head of a request: in the headers that carry credentials and in
/// the URL. A token that was sent in the clear is revoked even if it was in the wrong place (T-3); the result never
/// authenticates a request.
#[must_use]
pub fn exposed<'a>(headers: &'a Headers, url: &'a str) -> Vec<&'a str> {
    let token = |byte: char| byte.is_ascii_alphanumeric() || matches!(byte, '-' | '_' | '.');
    // A JWT's header is a JSON object, whose first byte is always encoded as `e`; host names are far shorter.
    let form = |header: &&str| {
        header.len() >= MIN_JWT_LEN
            && header.starts_with('e')
            && header.bytes().filter(|byte| *byte == b'.').count() == 2
    };
    let sources = EXPOSING_HEADERS.iter().filter_map(|name| headers.value(name)).chain([url]);
    let mut unique = HashSet::new();
    let candidates = sources.flat_map(|text| text.split(move |byte: char| !token(byte))).filter(form);
    candidates.filter(|header| unique.insert(*header)).take(MAX_EXPOSED).collect()
}

const EXPOSING_HEADERS: [&str; 4] = ["authorization", "cookie", "apikey", "proxy-authorization"];
/// Minimum length of a JWT: the signature alone of an RS256 token has 342 characters, that of an ES256 token 86.
const MIN_JWT_LEN: usize = 100;
/// Maximum number of texts checked per request: other applications of the domain have cookies of that form as well.
const MAX_EXPOSED: usize = 64;

/// Clerk's API keys, OAuth tokens, machine tokens and secrets; Supabase's keys.
const KEY_PREFIXES: [&str; 7] = ["ak_", "mt_", "oat_", "pk_", "sb_", "sbp_", "sk_"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<String, CredentialError> {
        let headers = Headers::new(vec![("authorization".to_owned(), value.to_owned())]);
        bearer(&headers, "sb_publishable_x").map(str::to_owned)
    }

    #[test]
    fn accepts_one_bearer_token_in_any_case_of_the_scheme() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(read(&format!("{scheme} a.b-c.d_e")).as_deref(), Ok("a.b-c.d_e"));
        }
    }

    #[test]
    fn rejects_ambiguous_authorization_headers() {
        for value in [
            "a.b.c",
            "Bearer",
            "Bearer ",
            "Bearer  a.b.c",
            "Bearer a.b.c ",
            "Bearer\ta.b.c",
            "Bearer a.b.c, Bearer d.e.f",
            "Bearer a.b.c junk",
            "Basic a.b.c",
            "Bearer \"a.b.c\"",
            "Bearer a.b.c=",
            "Bearer a+b.c/d.e",
            "Bearer é.b.c",
            " Bearer a.b.c",
        ] {
            assert_eq!(read(value), Err(CredentialError::Malformed), "{value}");
        }
    }

    #[test]
    fn finds_exposed_tokens_in_headers_and_url_t_3() {
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.{}", "a".repeat(40), "b_-".repeat(20));
        let found = |name: &str, value: String, url: &str| {
            let headers = Headers::new(vec![(name.to_owned(), value)]);
            exposed(&headers, url).len()
        };
        for (name, value) in [
            ("authorization", format!("Bearer {token}")),
            ("authorization", token.clone()),
            ("authorization", format!("Token token=\"{token}\"")),
            ("cookie", format!("a=b; __session={token}; c=d")),
            ("apikey", token.clone()),
        ] {
            assert_eq!(found(name, value, "/"), 1, "{name}");
        }
        assert_eq!(found("accept", token.clone(), "/"), 0);
        assert_eq!(found("accept", String::new(), &format!("http://hub.example/{token}?x={token}&y=e{token}")), 2);
        let distinct: Vec<_> = (0..90).map(|n| format!("{token}{n}")).collect();
        assert_eq!(found("cookie", distinct.join(" "), "/"), MAX_EXPOSED);
        let long = format!("http://{}.{}.example/", "e".repeat(63), "x".repeat(20));
        for url in ["http://hub.stacklumen.example/a.b.c", long.as_str()] {
            assert_eq!(found("cookie", "a=b".to_owned(), url), 0, "{url}");
        }
    }

    #[test]
    fn distinguishes_api_keys_from_tokens() {
        assert_eq!(read("Bearer sb_publishable_x"), Err(CredentialError::PublishableKey));
        for key in ["sb_secret_x", "sb_publishable_y", "ak_x", "oat_x", "mt_x", "sk_live_x", "pk_live_x"] {
            assert_eq!(read(&format!("Bearer {key}")), Err(CredentialError::ApiKeyInsteadOfToken), "{key}");
        }
        assert_eq!(bearer(&Headers::default(), ""), Err(CredentialError::Missing));
    }
}
