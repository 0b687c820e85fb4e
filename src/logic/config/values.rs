//! The formats of single values; `None` for a value in another format.

use crate::{domain::secret::Secret, logic::config::Environment};
use base64ct::{Base64, Base64Unpadded, Encoding as _};
use std::net::Ipv4Addr;

/// Parses an absolute URL to which the Hub may send requests (T-1): https, or http on loopback for a local Hub.
pub(super) fn endpoint(text: &str, environment: Option<Environment>) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let safe = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:[]".contains(&byte));
    let allowed = scheme == "https" || (scheme == "http" && environment == Some(Environment::Local) && loopback);
    (allowed && safe && !host.is_empty()).then(|| text.trim_end_matches('/').to_owned())
}

/// Parses the URL of an incoming webhook, whose path or query is its secret: https, or http on loopback for a local
/// Hub.
///
/// Its path may contain every character that a URL allows: one of Microsoft Teams has an `@`.
pub(super) fn webhook_url(text: &str, environment: Option<Environment>) -> Option<Secret<String>> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let path = rest.strip_prefix(authority)?;
    endpoint(&format!("{scheme}://{authority}"), environment)?;
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
    path.bytes().all(plain).then(|| Secret::new(text.to_owned()))
}

/// Parses an origin exactly as a browser writes it in `Origin`; it is compared character by character.
///
/// The host in lower case and as ASCII, numeric forms of IPv4 addresses as four decimal numbers, no default port of the
/// scheme.
/// Source: <https://url.spec.whatwg.org/#host-parsing> and
/// <https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin>
pub(super) fn origin(text: &str, environment: Option<Environment>) -> Option<String> {
    let url = endpoint(text, environment)?;
    let (scheme, authority) = url.split_once("://")?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    (is_canonical_host(host) && port.is_none_or(|port| is_canonical_port(scheme, port))).then_some(url)
}

fn is_canonical_host(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label = |label: &str| {
        let edges = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len()) && edges && label.bytes().all(plain)
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit());
    let address = || host.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == host);
    host == "[::1]" || (host.len() <= 253 && host.split('.').all(label) && (!number || address()))
}

fn is_canonical_port(scheme: &str, port: &str) -> bool {
    let own = if scheme == "https" { 443 } else { 80 };
    port.parse::<u16>().is_ok_and(|number| number != 0 && number != own && number.to_string() == port)
}

pub(super) fn base_path(text: &str) -> Option<String> {
    let path = text.trim_end_matches('/');
    let safe = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte));
    (path.is_empty() || (path.starts_with('/') && safe && !path.contains("//"))).then(|| path.to_owned())
}

/// Returns the issuer in a publishable key: base64 of the Frontend API host and a `$`.
///
/// Source: <https://clerk.com/docs/guides/development/clerk-environment-variables>
pub(super) fn issuer_from_publishable_key(key: &str) -> Option<String> {
    let body = key.strip_prefix("pk_live_").or_else(|| key.strip_prefix("pk_test_"))?;
    let host = String::from_utf8(base64(body)?).ok()?;
    origin(&format!("https://{}", host.strip_suffix('$')?), None)
}

/// Returns the account portal of an instance, which has another host than the Frontend API.
///
/// Source: <https://clerk.com/docs/guides/account-portal/overview>
pub(super) fn accounts_portal_url(issuer: &str) -> Option<String> {
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

/// Parses 32 bytes in base64, as `openssl rand -base64 32` writes them.
pub(super) fn key_bytes(text: &str) -> Option<Secret<[u8; 32]>> {
    Some(Secret::new(base64(text.trim())?.try_into().ok()?))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    if text.ends_with('=') { Base64::decode_vec(text) } else { Base64Unpadded::decode_vec(text) }.ok()
}

pub(super) fn header_value(text: &str) -> Option<String> {
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned())
}
