//! The shapes of single values; `None` for what has not the shape.

use crate::domain::secret::Secret;

/// An absolute URL the Hub may send requests to (T-1): https, or http on loopback for a local Hub.
pub(super) fn endpoint(text: &str, local: bool) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let safe = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:[]".contains(&byte));
    let allowed = scheme == "https" || (scheme == "http" && local && loopback);
    (allowed && safe && !host.is_empty()).then(|| text.trim_end_matches('/').to_owned())
}

pub(super) fn origin_of(text: &str, local: bool) -> Option<String> {
    origin(text, local)
}

pub(super) fn origin(text: &str, local: bool) -> Option<String> {
    let url = endpoint(text, local)?;
    let (_, rest) = url.split_once("://")?;
    (!rest.contains('/')).then_some(url)
}

pub(super) fn base_path(text: &str) -> Option<String> {
    let path = text.trim_end_matches('/');
    let safe = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte));
    (path.is_empty() || (path.starts_with('/') && safe && !path.contains("//"))).then(|| path.to_owned())
}

/// The issuer that a publishable key names: base64 of the Frontend API host and a `$`.
///
/// Source: <https://clerk.com/docs/guides/development/clerk-environment-variables>
pub(super) fn issuer_of(key: &str) -> Option<String> {
    use base64ct::{Base64, Base64Unpadded, Encoding as _};
    let body = key.strip_prefix("pk_live_").or_else(|| key.strip_prefix("pk_test_"))?;
    let bytes = if body.ends_with('=') { Base64::decode_vec(body) } else { Base64Unpadded::decode_vec(body) }.ok()?;
    let host = String::from_utf8(bytes).ok()?;
    endpoint(&format!("https://{}", host.strip_suffix('$')?), false)
}

/// The account portal of an instance, which has a name of its own beside the Frontend API's.
///
/// Source: <https://clerk.com/docs/guides/account-portal/overview>
pub(super) fn accounts_of(issuer: &str) -> Option<String> {
    let host = issuer.strip_prefix("https://")?;
    match host.strip_suffix(".clerk.accounts.dev") {
        Some(name) => Some(format!("https://{name}.accounts.dev")),
        None => Some(format!("https://accounts.{}", host.strip_prefix("clerk.")?)),
    }
}

pub(super) fn claim_path(text: &str) -> Option<Vec<String>> {
    let names: Vec<String> = text.split('.').map(str::to_owned).collect();
    names.iter().all(|name| !name.is_empty() && name.len() <= 64).then_some(names)
}

pub(super) fn secret_key(text: &str) -> Option<Secret<String>> {
    let right = text.starts_with("sk_live_") || text.starts_with("sk_test_");
    header_value(text).filter(|_| right).map(Secret::new)
}

pub(super) fn header_value(text: &str) -> Option<String> {
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned())
}
