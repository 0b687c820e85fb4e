//! Takes the one bearer token out of a request, and refuses everything that could be read two ways.

use crate::domain::headers::Headers;

/// Why a request carries no usable credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialFault {
    /// A key of Clerk's or Supabase's, where a session token belongs.
    KeyNotToken,
    /// More than one value, another scheme, odd white space or odd characters.
    Malformed,
    /// No `Authorization` at all.
    Missing,
    /// The publishable key, which supabase-js sends when nobody is signed in.
    PublishableKey,
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
///
/// Cookies, the query and the body are never read: a credential that a browser attaches by itself would need another
/// defence. Workers join repeated headers with a comma, and no token has one.
///
/// # Errors
/// As the variants say.
pub fn bearer<'a>(headers: &'a Headers, publishable_key: &str) -> Result<&'a str, CredentialFault> {
    let value = headers.value("authorization").ok_or(CredentialFault::Missing)?;
    let (scheme, token) = value.split_once(' ').ok_or(CredentialFault::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(CredentialFault::Malformed);
    }
    if token == publishable_key {
        return Err(CredentialFault::PublishableKey);
    }
    if KEY_PREFIXES.iter().any(|prefix| token.starts_with(prefix)) {
        return Err(CredentialFault::KeyNotToken);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if token.bytes().all(allowed) { Ok(token) } else { Err(CredentialFault::Malformed) }
}

/// Clerk's API keys, OAuth tokens, machine tokens and secrets; Supabase's keys.
const KEY_PREFIXES: [&str; 7] = ["ak_", "mt_", "oat_", "pk_", "sb_", "sbp_", "sk_"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<String, CredentialFault> {
        let headers = Headers::new(vec![("authorization".to_owned(), value.to_owned())]);
        bearer(&headers, "sb_publishable_x").map(str::to_owned)
    }

    #[test]
    fn takes_one_bearer_token() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(read(&format!("{scheme} a.b-c.d_e")).as_deref(), Ok("a.b-c.d_e"));
        }
    }

    #[test]
    fn refuses_what_could_be_read_two_ways() {
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
            assert_eq!(read(value), Err(CredentialFault::Malformed), "{value}");
        }
    }

    #[test]
    fn tells_keys_from_tokens() {
        assert_eq!(read("Bearer sb_publishable_x"), Err(CredentialFault::PublishableKey));
        for key in ["sb_secret_x", "sb_publishable_y", "ak_x", "oat_x", "mt_x", "sk_live_x", "pk_live_x"] {
            assert_eq!(read(&format!("Bearer {key}")), Err(CredentialFault::KeyNotToken), "{key}");
        }
        assert_eq!(bearer(&Headers::default(), ""), Err(CredentialFault::Missing));
    }
}
