//! State of a page request, from Clerk's cookies: signed in, signed out, or to be redirected to Clerk for fresh ones
//! (I-2).
//!
//! The states and their order are those of Clerk's own backend; `tests/vectors/clerk-sdk-differences.json` lists where
//! this module is stricter.
//! Source: <https://clerk.com/docs/guides/how-clerk-works/overview#the-handshake>

mod cookie_suffix;
pub mod delete_cookies;
mod session;

pub use cookie_suffix::{cookie_suffix, prefers_suffixed_cookies};
pub use session::are_several;

use crate::{
    domain::method::Method,
    logic::{
        authn::session_token::{self, TokenError},
        http::{cookies::Cookies, query_string::first_value},
    },
};

/// The part of the configuration that concerns cookies.
#[derive(Clone, Debug)]
pub struct ClerkInstance {
    /// The suffix of the suffixed cookies' names.
    pub suffix: String,
    /// The issuer, whose tokens these cookies contain.
    pub issuer: String,
    /// True for a development instance, which identifies browsers by a separate token.
    pub is_development: bool,
    /// The domains that a cookie of the Hub's host may name, the longest first.
    pub domains: Vec<String>,
}

/// A request for a page, reduced to the input of this decision.
#[derive(Debug)]
pub struct BrowserSessionInput<'a> {
    /// Its cookies.
    pub cookies: &'a Cookies<'a>,
    /// Its query, still encoded.
    pub query: &'a str,
    /// True if it is a navigation: only that can be redirected to Clerk and return.
    pub is_navigation: bool,
    /// Unix time in seconds.
    pub now_s: i64,
}

/// The next step of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserAuthDecision<'a> {
    /// Redirect to Clerk, for this reason.
    Handshake(&'static str),
    /// Return from Clerk with cookies in a signed token.
    ResolveToken(&'a str, Carrier),
    /// Return from Clerk with a nonce for cookies that Clerk stores.
    ResolveNonce(&'a str, Carrier),
    /// Signed out for this reason, and its token is to be deleted: otherwise the sign-in page would return the browser
    /// with it in a loop.
    Refused(&'static str),
    /// The browser does not store its cookies, or another party sent it here: it receives an error page and no
    /// redirect.
    RedirectLoop(&'static str),
    /// Signed out, for this reason.
    SignedOut(&'static str),
    /// Signed in, if this token is valid.
    Verify(&'a str),
}

/// Carrier of a handshake's result: the URL for a development instance, a cookie of the parent domain for a production
/// instance.
///
/// Source: clerk/javascript `packages/backend/src/tokens/authenticateContext.ts`, which reads both of every
/// instance, the query first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Any application of the parent domain may have overwritten it.
    Cookie,
    /// The URL.
    Query,
}

/// Returns whether a request is a navigation: a GET by a browser for a document, never a script's call, a form or a
/// frame.
#[must_use]
pub fn is_navigation(method: Method, fetch_destination: Option<&str>, accept: Option<&str>) -> bool {
    let document = match fetch_destination {
        Some(destination) => destination == "document",
        None => accept.is_some_and(|accept| accept.starts_with("text/html")),
    };
    method == Method::Get && document
}

/// Decides the next step.
///
/// Resolves only a handshake that this browser requested: a link with another user's cookies would sign this user in
/// as that one.
#[must_use]
pub fn decide<'a>(visit: &BrowserSessionInput<'a>, instance: &ClerkInstance) -> BrowserAuthDecision<'a> {
    let by_cookies = by_cookies(visit, instance);
    let Some(state) = first_value(visit.query, HANDSHAKE_STATE_PARAMETER).filter(|_| visit.is_navigation) else {
        return by_cookies;
    };
    match (visit.cookies.value(HANDSHAKE_STATE_COOKIE), by_cookies) {
        (Some(own), step) if own == state => payload(visit).unwrap_or(step),
        // A redirect loop otherwise: the browser does not store the state cookie.
        (None, BrowserAuthDecision::Handshake(_)) => BrowserAuthDecision::RedirectLoop("handshake-not-of-this-browser"),
        // Another page of this browser began or completed a handshake meanwhile, or the link is of another origin.
        (_, step) => step,
    }
}

/// Reads the result of a handshake from either carrier.
fn payload<'a>(visit: &BrowserSessionInput<'a>) -> Option<BrowserAuthDecision<'a>> {
    let [nonce, token] = delete_cookies::CARRIERS;
    let (query, cookie) = (|name| first_value(visit.query, name), |name| visit.cookies.value(name));
    (query(nonce).map(|value| BrowserAuthDecision::ResolveNonce(value, Carrier::Query)))
        .or_else(|| query(token).map(|value| BrowserAuthDecision::ResolveToken(value, Carrier::Query)))
        .or_else(|| cookie(nonce).map(|value| BrowserAuthDecision::ResolveNonce(value, Carrier::Cookie)))
        .or_else(|| cookie(token).map(|value| BrowserAuthDecision::ResolveToken(value, Carrier::Cookie)))
}

fn by_cookies<'a>(visit: &BrowserSessionInput<'a>, instance: &ClerkInstance) -> BrowserAuthDecision<'a> {
    let suffixed = prefers_suffixed_cookies(visit.cookies, instance, visit.now_s);
    let name = |base: &str| if suffixed { format!("{base}_{}", instance.suffix) } else { base.to_owned() };
    if instance.is_development && first_value(visit.query, "__clerk_db_jwt").is_some() {
        return handshake(visit, "dev-browser-sync");
    }
    if instance.is_development && visit.cookies.values(&name("__clerk_db_jwt")).next().is_none() {
        return handshake(visit, "dev-browser-missing");
    }
    if session::is_ambiguous(visit.cookies, instance, &name("__session")) {
        return handshake(visit, "session-token-ambiguous");
    }
    let updated_at = visit.cookies.greatest(&name("__client_uat")).and_then(|time| i64::try_from(time).ok());
    match (session::token(visit.cookies, instance, &name("__session")), updated_at.filter(|time| *time > 0)) {
        (None, None) => BrowserAuthDecision::SignedOut("session-token-and-uat-missing"),
        (Some(_), None) => handshake(visit, "session-token-but-no-client-uat"),
        (None, Some(_)) => handshake(visit, "client-uat-but-no-session-token"),
        (Some(token), Some(updated_at)) => match session_token::decode_unverified(token) {
            None => BrowserAuthDecision::Refused("token-malformed"),
            Some(claims) if claims.issued_at.is_some_and(|issued| issued < updated_at) => {
                handshake(visit, "session-token-iat-before-client-uat")
            }
            Some(_) => BrowserAuthDecision::Verify(token),
        },
    }
}

/// Decides what follows a handshake whose result was invalid. Another application may have overwritten a cookie, so a
/// cookie is retried.
///
/// Source: <https://github.com/clerk/javascript/pull/3848>
#[must_use]
pub fn after_unresolved<'a>(
    visit: &BrowserSessionInput<'a>,
    carrier: Carrier,
    reason: &'static str,
) -> BrowserAuthDecision<'a> {
    match carrier {
        Carrier::Cookie => handshake(visit, reason),
        Carrier::Query => BrowserAuthDecision::RedirectLoop(reason),
    }
}

/// Decides what follows an invalid token.
#[must_use]
pub fn after_token_error<'a>(
    visit: &BrowserSessionInput<'a>,
    instance: &ClerkInstance,
    error: TokenError,
) -> BrowserAuthDecision<'a> {
    if let Some((_, reason)) = RENEWABLE_ERRORS.iter().find(|(renewable, _)| *renewable == error) {
        handshake(visit, reason)
    } else if session::are_several(visit.cookies, instance) {
        // Another token beside it may be valid; Clerk decides.
        handshake(visit, "session-token-ambiguous")
    } else {
        BrowserAuthDecision::Refused(error.reason())
    }
}

/// The errors that a new token of the same session corrects, and the reasons by which Clerk knows them.
const RENEWABLE_ERRORS: [(TokenError, &str); 3] = [
    (TokenError::Expired, "session-token-expired"),
    (TokenError::NotYetValid, "session-token-nbf"),
    (TokenError::IssuedInFuture, "session-token-iat-in-the-future"),
];

fn handshake<'a>(visit: &BrowserSessionInput<'a>, reason: &'static str) -> BrowserAuthDecision<'a> {
    // A handshake that returned without a result is completed and not counted yet.
    let uncounted = u8::from(first_value(visit.query, HANDSHAKE_STATE_PARAMETER).is_some());
    let completed = redirect_count(visit.cookies).saturating_add(uncounted);
    match (visit.is_navigation, completed < MAX_REDIRECTS) {
        (false, _) => BrowserAuthDecision::SignedOut(reason),
        (true, true) => BrowserAuthDecision::Handshake(reason),
        (true, false) => BrowserAuthDecision::RedirectLoop(reason),
    }
}

/// Number of completed handshakes within a few seconds without a signed-in page in between.
#[must_use]
pub fn redirect_count(cookies: &Cookies<'_>) -> u8 {
    cookies.greatest(REDIRECT_COUNT_COOKIE).map_or(0, |count| u8::try_from(count).unwrap_or(u8::MAX))
}

/// The cookie that binds a handshake to one browser; the prefix prevents other hosts from setting it (RFC 6265bis
/// §4.1.3.2).
pub const HANDSHAKE_STATE_COOKIE: &str = "__Host-hub_state";
/// The same value in the URL to which Clerk redirects the browser.
pub const HANDSHAKE_STATE_PARAMETER: &str = "hub_state";
/// Clerk's own name for a count of redirects.
pub const REDIRECT_COUNT_COOKIE: &str = "__clerk_redirect_count";
/// Maximum number of handshakes before the browser receives an error page. Browsers stop after 20 redirects, and each
/// handshake has three.
pub const MAX_REDIRECTS: u8 = 3;

#[cfg(test)]
mod tests;
