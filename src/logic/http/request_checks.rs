//! Checks of a request before its route is known: scheme, TLS version, host, path and headers (T-1, T-3).

use crate::{
    domain::{headers::Headers, method::ReceivedMethod},
    logic::{
        authn::bearer_token,
        config::{Config, TlsVersion},
        error::Error,
        http::{query_string::pairs, request_url::RequestUrl},
    },
};

/// The response to a plain-http request (T-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsecureAction {
    /// 403 with a body which states that the credential is revoked.
    Refuse,
    /// 308 to the same address over https.
    Redirect,
}

/// The target of a plain-http request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsecureTarget {
    /// The address of a page of the Hub at its own origin.
    OwnPage,
    /// The API, another host, or an address that is not valid.
    Other,
}

/// Decides about a plain-http request: only a page read that carries no credential is redirected to https.
///
/// A redirect would hide that a secret was sent in the clear, so a client that may have sent one is rejected
/// (draft-ietf-httpapi-privacy §3).
#[must_use]
pub fn insecure_action(
    target: InsecureTarget,
    method: &ReceivedMethod,
    headers: &Headers,
    query: &str,
) -> InsecureAction {
    let credential = !bearer_token::exposed(headers, query).is_empty()
        || CREDENTIAL_HEADERS.iter().any(|name| headers.value(name).is_some())
        || pairs(query).any(|pair| {
            let name = pair.name.to_ascii_lowercase();
            CREDENTIAL_PARAMETERS.iter().any(|secret| name.contains(secret))
        });
    if target == InsecureTarget::OwnPage && method.is_read() && !credential {
        InsecureAction::Redirect
    } else {
        InsecureAction::Refuse
    }
}

/// Rejects a connection below the minimum TLS version (T-1). An unknown or missing version is below any.
///
/// # Errors
/// `TlsTooOld`.
pub fn check_tls(version: Option<&str>, minimum: TlsVersion) -> Result<(), Error> {
    match version.and_then(TlsVersion::parse) {
        Some(version) if version >= minimum => Ok(()),
        _ => Err(Error::TlsTooOld),
    }
}

/// Rejects a request for a host other than the Hub's own: the addresses of workers.dev, of previews, and of other zones
/// lead to the same Worker and bypass the rules of the Hub's zone (RFC 9110 §15.5.20).
///
/// # Errors
/// `HostRefused`.
pub fn check_host(address: &RequestUrl<'_>, config: &Config) -> Result<(), Error> {
    if address.is_own_host(config) { Ok(()) } else { Err(Error::HostRefused) }
}

/// Rejects a URL that is longer than 8192 bytes.
///
/// # Errors
/// `PathRefused`.
pub fn check_url_length(url: &str) -> Result<(), Error> {
    if url.len() > MAX_URL_BYTES { Err(Error::PathRefused) } else { Ok(()) }
}

/// Rejects paths that two parsers could interpret differently.
///
/// No route of the Hub needs a percent sign, so encoded slashes, double encoding and encoded dots are rejected
/// together: `PostgREST` decodes a segment after it has split the path, and a rule on the raw text would miss it.
///
/// # Errors
/// `PathRefused`.
pub fn check_path(path: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let segments = path.strip_prefix('/').ok_or(Error::PathRefused)?;
    let mut rest = segments.strip_suffix('/').unwrap_or(segments).split('/');
    let odd = |segment: &str| segment.is_empty() || segment.bytes().all(|byte| byte == b'.');
    if !path.bytes().all(plain) || (!segments.is_empty() && rest.any(odd)) {
        return Err(Error::PathRefused);
    }
    Ok(())
}

/// Rejects headers that an upstream parser could interpret differently.
///
/// Forwarding headers (`x-forwarded-…`, `forwarded`, `cf-connecting-ip`) are accepted, because the edge itself adds
/// them, but the Hub never reads one and never forwards one.
///
/// # Errors
/// `HeaderRefused`.
pub fn check_headers(headers: &Headers) -> Result<(), Error> {
    let refused = |name: &str| {
        let inward = name.starts_with("x-hub-") && !CLIENT_SETTABLE_HUB_HEADERS.contains(&name);
        name.contains('_') || inward || REWRITING_HEADERS.contains(&name)
    };
    if headers.names().any(refused) { Err(Error::HeaderRefused) } else { Ok(()) }
}

/// Returns the client's own request id, if it is safe to store and print.
#[must_use]
pub fn client_request_id(headers: &Headers) -> Option<&str> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    headers.value("x-request-id").filter(|id| (8..=64).contains(&id.len()) && id.bytes().all(safe))
}

const MAX_URL_BYTES: usize = 8192;
const CREDENTIAL_HEADERS: [&str; 4] = ["authorization", "apikey", "cookie", "proxy-authorization"];
const CREDENTIAL_PARAMETERS: [&str; 6] = ["token", "key", "secret", "password", "session", "__clerk"];
/// The Hub's own headers that a client may set; the others are between the Hub and the database.
const CLIENT_SETTABLE_HUB_HEADERS: [&str; 2] = ["x-hub-purpose", "x-hub-reason"];
const REWRITING_HEADERS: [&str; 5] =
    ["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"];

#[cfg(test)]
mod tests;
