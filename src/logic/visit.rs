//! Who opens a page, by Clerk's cookies: signed in, signed out, or to be sent to Clerk for fresh ones (I-2).
//!
//! The states and their order are those of Clerk's own backend; where this is stricter, `tests/vectors/second-opinion.json` says so.
//! Source: <https://clerk.com/docs/guides/how-clerk-works/overview#the-handshake>

mod suffix;

pub use suffix::{cookie_suffix, uses_suffixed};

use super::{
    cookies::Cookies,
    token::{self, TokenFault},
};

/// What the configuration says about cookies.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The end of the suffixed cookies' names.
    pub suffix: String,
    /// The issuer, whose tokens these cookies carry.
    pub issuer: String,
    /// Whether it is a development instance, whose browsers are told apart by a token of their own.
    pub development: bool,
}

/// A request for a page, as far as this decision looks.
#[derive(Debug)]
pub struct Visit<'a> {
    /// Its cookies.
    pub cookies: &'a Cookies<'a>,
    /// Its query, still encoded.
    pub query: &'a str,
    /// Whether it is a navigation: only that can be sent to Clerk and come back.
    pub navigation: bool,
    /// Unix time in seconds.
    pub now_s: i64,
}

/// What to do with it.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send it to Clerk, for this reason.
    Handshake(&'static str),
    /// It comes back from Clerk with cookies in a signed token.
    ResolveToken(&'a str),
    /// It comes back from Clerk with a name for cookies that Clerk keeps.
    ResolveNonce(&'a str),
    /// The browser does not keep what is set, or somebody else sent it here: it is told so, and not sent on.
    Stuck(&'static str),
    /// Nobody, for this reason.
    SignedOut(&'static str),
    /// Somebody, if this token is good.
    Verify(&'a str),
}

/// Whether a request is a navigation: a GET by a browser for a document, never a script's call, a form or a frame.
#[must_use]
pub fn is_navigation(method: &str, fetch_destination: Option<&str>, accept: Option<&str>) -> bool {
    let document = match fetch_destination {
        Some(destination) => destination == "document",
        None => accept.is_some_and(|accept| accept.starts_with("text/html")),
    };
    method == "GET" && document
}

/// Decides.
#[must_use]
pub fn decide<'a>(visit: &Visit<'a>, instance: &Instance) -> Step<'a> {
    let parameter = |name: &str| query_value(visit.query, name);
    // Only what this browser asked for is resolved: a link with somebody else's cookies would sign the visitor in as them.
    let state = parameter(STATE_PARAMETER);
    if visit.navigation && state.is_some() {
        if visit.cookies.value(STATE) != state {
            return Step::Stuck("handshake-not-of-this-browser");
        }
        if let Some(nonce) = parameter("__clerk_handshake_nonce") {
            return Step::ResolveNonce(nonce);
        }
        if let Some(token) = parameter("__clerk_handshake") {
            return Step::ResolveToken(token);
        }
    }
    let suffixed = uses_suffixed(visit.cookies, instance, visit.now_s);
    let cookie = |name: &str| {
        if suffixed { visit.cookies.value(&format!("{name}_{}", instance.suffix)) } else { visit.cookies.value(name) }
    };
    if instance.development && parameter("__clerk_db_jwt").is_some() {
        return handshake(visit, "dev-browser-sync");
    }
    if instance.development && cookie("__clerk_db_jwt").is_none() {
        return handshake(visit, "dev-browser-missing");
    }
    let updated_at = cookie("__client_uat").and_then(|text| text.parse::<i64>().ok()).filter(|time| *time > 0);
    match (cookie("__session"), updated_at) {
        (None, None) => Step::SignedOut("session-token-and-uat-missing"),
        (Some(_), None) => handshake(visit, "session-token-but-no-client-uat"),
        (None, Some(_)) => handshake(visit, "client-uat-but-no-session-token"),
        (Some(token), Some(updated_at)) => match token::peek(token) {
            None => Step::SignedOut("token-malformed"),
            Some(seen) if seen.issued_at.is_some_and(|issued| issued < updated_at) => {
                handshake(visit, "session-token-iat-before-client-uat")
            }
            Some(_) => Step::Verify(token),
        },
    }
}

/// What to do when the token was not good.
#[must_use]
pub fn after_fault<'a>(visit: &Visit<'a>, fault: TokenFault) -> Step<'a> {
    match fault {
        TokenFault::Expired => handshake(visit, "session-token-expired"),
        TokenFault::NotYetValid => handshake(visit, "session-token-nbf"),
        TokenFault::IssuedInFuture => handshake(visit, "session-token-iat-in-the-future"),
        _ => Step::SignedOut(fault.reason()),
    }
}

fn handshake<'a>(visit: &Visit<'a>, reason: &'static str) -> Step<'a> {
    match (visit.navigation, redirects(visit.cookies) < MOST_REDIRECTS) {
        (false, _) => Step::SignedOut(reason),
        (true, true) => Step::Handshake(reason),
        (true, false) => Step::Stuck(reason),
    }
}

/// How often this browser was sent to Clerk within a few seconds.
#[must_use]
pub fn redirects(cookies: &Cookies<'_>) -> u8 {
    cookies.value(REDIRECTS).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The first value of a parameter; percent-encoded ones are no token and no nonce.
#[must_use]
pub fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    (!value.is_empty()).then_some(value)
}

/// The cookie that ties a way to Clerk and back to one browser; the prefix lets nobody else set it (RFC 6265bis §4.1.3.2).
pub const STATE: &str = "__Host-hub_state";
/// The same value in the URL that Clerk sends the browser back to.
pub const STATE_PARAMETER: &str = "hub_state";
/// Clerk's own count of redirects.
pub const REDIRECTS: &str = "__clerk_redirect_count";
/// After as many, the visitor is told instead.
pub const MOST_REDIRECTS: u8 = 3;

#[cfg(test)]
mod tests;
