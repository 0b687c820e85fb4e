//! The session of a page request: Clerk's cookies, the redirects to Clerk and back, and the resulting cookies (I-1,
//! I-2).

use super::{Platform, clerk, hub::Hub};
use crate::{
    domain::{headers::Headers, session::Session},
    logic::{
        cookies::{self, Cookies},
        csrf::CsrfFault,
        fault::Fault,
        reply::Reply,
        return_to::{encoded, without_traces},
        token,
        visit::{self, Carrier, REDIRECTS, STATE, STATE_PARAMETER, Step, Visit, forget},
    },
};
use base64ct::{Base64UrlUnpadded, Encoding as _};

mod directives;

use directives::{BROWSER, Holder, Taken, is_plain, refreshed, signed_directives, taken_over};

/// A request for a page.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, with the mount path.
    pub path: &'a str,
    /// The query, still encoded.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a Headers,
}

/// The result of checking a visit.
pub enum Entrance<Body> {
    /// A redirect, with its reason.
    Elsewhere(Reply<Body>, &'static str),
    /// A signed-in user, and cookies to set with the response.
    SignedIn(Session, Vec<String>),
    /// No user, with the reason, and cookies to set with the response.
    SignedOut(&'static str, Vec<String>),
}

/// Determines the session of a page request.
///
/// # Errors
/// `CookiesTooMany` for more cookies than are read, `VisitStuck` for a browser in a redirect loop, `KeysUnavailable` if
/// no token can be verified, `ClerkUnavailable` if Clerk stores the cookies and does not respond.
pub async fn enter<P: Platform>(hub: &Hub<P>, platform: &P, door: Door<'_>) -> Result<Entrance<P::Body>, Fault> {
    let cookies = cookies_of(door.headers)?;
    let now_s = i64::try_from(platform.now_ms() / 1000).map_err(|_| Fault::Platform)?;
    let navigation =
        visit::is_navigation(door.method, door.headers.value("sec-fetch-dest"), door.headers.value("accept"));
    let visit = Visit { cookies: &cookies, query: door.query, navigation, now_s };
    let entrance = match visit::decide(&visit, &hub.instance) {
        Step::Verify(token) => verified(hub, platform, (door, &visit), token).await?,
        Step::ResolveNonce(nonce, carrier) => {
            hub.may_ask_clerk(platform, door.headers)?;
            let directives = clerk::handshake_payload(hub, platform, nonce).await;
            resolved(hub, platform, (door, &visit), (directives, carrier)).await?
        }
        Step::ResolveToken(token, carrier) => {
            let directives = signed_directives(hub, platform, token).await;
            resolved(hub, platform, (door, &visit), (directives, carrier)).await?
        }
        step => unverified(hub, platform, (door, &visit), step)?,
    };
    // A handshake that another page of this browser has completed leaves its parameters in the URL.
    let traces = navigation && visit::query_value(door.query, STATE_PARAMETER).is_some();
    Ok(match entrance {
        Entrance::SignedIn(_, set) if traces => {
            Entrance::Elsewhere(onward(hub, door, set), "handshake-ended-elsewhere")
        }
        // Without the parameters a pending session would be redirected to Clerk again; its page links to one without
        // them.
        Entrance::SignedOut(why, set) if traces && why != PENDING => Entrance::Elsewhere(onward(hub, door, set), why),
        Entrance::SignedIn(session, mut set) if cookies.values(REDIRECTS).next().is_some() => {
            set.push(cookies::forget(REDIRECTS));
            Entrance::SignedIn(session, set)
        }
        entrance => entrance,
    })
}

/// Returns the session that a sign-out form would end: the one for which the form was made, by a token of this browser
/// (I-2).
///
/// A page may be open longer than its token is valid, so the token's age is not checked here, nor the consistency of
/// Clerk's other cookies.
///
/// # Errors
/// `CookiesTooMany` as with [`enter`], `SignOutUnknown` if no token can be verified, `Form` if none belongs to the
/// form's session, `KeysUnavailable` if none can be checked.
pub async fn departing<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    headers: &Headers,
    is_of_form: impl Fn(&str) -> bool,
) -> Result<Session, Fault> {
    let cookies = cookies_of(headers)?;
    let names = ["__session".to_owned(), format!("__session_{}", hub.instance.suffix)];
    let mut tokens: Vec<&str> = names.iter().flat_map(|name| cookies.values(name)).collect();
    tokens.sort_unstable();
    tokens.dedup();
    let mut fault = Fault::SignOutUnknown;
    for token in tokens.into_iter().take(MOST_TOKENS) {
        match hub.departing(platform, token).await {
            Ok(departing) if is_of_form(departing.id()) => return Ok(departing.into_record()),
            Ok(_) => fault = Fault::Form(CsrfFault::TokenWrong),
            Err(Fault::Token(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(fault)
}

/// Parses the cookies of a request. A visitor with more than are read is not treated as signed out, which would cause a
/// redirect loop between the pages and Clerk.
fn cookies_of(headers: &Headers) -> Result<Cookies<'_>, Fault> {
    let header = headers.value("cookie").unwrap_or_default();
    if Cookies::are_readable(header) { Ok(Cookies::parse(header)) } else { Err(Fault::CookiesTooMany) }
}

async fn verified<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    (door, visit): (Door<'_>, &Visit<'_>),
    token: &str,
) -> Result<Entrance<P::Body>, Fault> {
    match hub.identify(platform, token).await {
        Ok(session) => Ok(Entrance::SignedIn(session, Vec::new())),
        Err(Fault::Token(fault)) => {
            if visit.navigation
                && fault == token::TokenFault::Expired
                && let Some((session, set)) = refreshed(hub, platform, (door.headers, visit.cookies), token).await
            {
                return Ok(Entrance::SignedIn(session, set));
            }
            unverified(hub, platform, (door, visit), visit::after_fault(visit, &hub.instance, fault))
        }
        Err(fault) => Err(fault),
    }
}

/// Executes a step that needs no verification.
fn unverified<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    (door, visit): (Door<'_>, &Visit<'_>),
    step: Step<'_>,
) -> Result<Entrance<P::Body>, Fault> {
    match step {
        Step::Handshake(reason) => Ok(Entrance::Elsewhere(to_clerk(hub, platform, visit, door, reason)?, reason)),
        Step::Refused(reason) => Ok(Entrance::SignedOut(reason, forget::sessions(&hub.instance, door.path))),
        Step::SignedOut(reason) => Ok(Entrance::SignedOut(reason, Vec::new())),
        Step::Stuck(reason) => Err(Fault::VisitStuck(reason)),
        // These were handled before.
        Step::ResolveNonce(..) | Step::ResolveToken(..) | Step::Verify(_) => Err(Fault::Platform),
    }
}

/// Sets the cookies of a handshake's result, or begins another handshake if a cookie may have been overwritten.
async fn resolved<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    (door, visit): (Door<'_>, &Visit<'_>),
    (directives, carrier): (Result<Vec<String>, Fault>, Carrier),
) -> Result<Entrance<P::Body>, Fault> {
    let taken = match directives {
        Ok(directives) => taken_over(hub, platform, &directives).await,
        Err(fault) => Err(fault),
    };
    match taken {
        Ok(Taken { holder, set: taken }) => {
            let pending = matches!(holder, Holder::Pending);
            // Of several sessions' tokens only the one that is set now remains; of a pending session none.
            let mut set = if pending || visit::are_several(visit.cookies, &hub.instance) {
                forget::sessions(&hub.instance, door.path)
            } else {
                Vec::new()
            };
            set.extend(forget::carriers(&hub.instance));
            set.push(cookies::forget(STATE));
            if !pending || leads_to_clerk(hub, door) {
                set.push(counted(visit.cookies));
            }
            set.extend(taken);
            if pending {
                return Ok(Entrance::SignedOut(PENDING, set));
            }
            Ok(Entrance::Elsewhere(onward(hub, door, set), "handshake-resolved"))
        }
        Err(Fault::VisitStuck(reason)) => {
            let step = visit::after_unresolved(visit, carrier, reason);
            Ok(match unverified(hub, platform, (door, visit), step)? {
                Entrance::Elsewhere(reply, reason) => {
                    Entrance::Elsewhere(with_cookies(reply, forget::carriers(&hub.instance)), reason)
                }
                entrance => entrance,
            })
        }
        Err(fault) => Err(fault),
    }
}

/// Counts one completed handshake; a signed-in page resets the count.
fn counted(cookies: &Cookies<'_>) -> String {
    cookies::set(REDIRECTS, &visit::redirects(cookies).saturating_add(1).to_string(), REDIRECTS_LIFE_S)
}

/// Returns whether the page redirects a signed-out visitor to Clerk's pages.
///
/// A pending session needs two handshakes, one of the opened page and one of this page; only the latter is counted.
fn leads_to_clerk<P: Platform>(hub: &Hub<P>, door: Door<'_>) -> bool {
    door.path.strip_prefix(&hub.config.base_path).is_some_and(|path| matches!(path, "/sign-in" | "/sign-up"))
}

/// Redirects to the same page without the handshake's parameters.
fn onward<P: Platform>(hub: &Hub<P>, door: Door<'_>, set: Vec<String>) -> Reply<P::Body> {
    let location = format!("{}{}", hub.config.origin, without_traces(door.path, door.query));
    with_cookies(Reply::empty(307).with("location", location), set)
}

fn with_cookies<Body>(reply: Reply<Body>, set: Vec<String>) -> Reply<Body> {
    set.into_iter().fold(reply, |reply, cookie| reply.with("set-cookie", cookie))
}

/// Redirects to Clerk's handshake; the session token is not sent, since URLs are logged in many places.
fn to_clerk<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    visit: &Visit<'_>,
    door: Door<'_>,
    reason: &'static str,
) -> Result<Reply<P::Body>, Fault> {
    // Two pages of one browser may begin at once; the cookie of the second must also match the URL of the first.
    let state = match visit.cookies.value(STATE).filter(|state| state.len() == STATE_LENGTH && is_plain(state)) {
        Some(state) => state.to_owned(),
        None => Base64UrlUnpadded::encode_string(&platform.random::<16>().map_err(|_| Fault::Platform)?),
    };
    let back = without_traces(door.path, door.query);
    let mark = if back.contains('?') { '&' } else { '?' };
    // The Hub's own origin: the request's host is not trusted.
    let back = format!("{}{back}{mark}{STATE_PARAMETER}={state}", hub.config.origin);
    let suffixed = visit::uses_suffixed(visit.cookies, &hub.instance, visit.now_s);
    let mut location = format!(
        "{}/v1/client/handshake?redirect_url={}&__clerk_api_version={}&suffixed_cookies={suffixed}&__clerk_hs_reason={reason}&format=nonce",
        hub.config.issuer,
        encoded(&back),
        clerk::API_VERSION,
    );
    let browser = visit::query_value(visit.query, BROWSER)
        .or_else(|| visit.cookies.values(&format!("{BROWSER}_{}", hub.instance.suffix)).next())
        .or_else(|| visit.cookies.values(BROWSER).next());
    if let Some(browser) = browser.filter(|browser| hub.instance.development && is_plain(browser)) {
        location = format!("{location}&{BROWSER}={browser}");
    }
    let reply =
        Reply::empty(307).with("location", location).with("set-cookie", cookies::set(STATE, &state, STATE_LIFE_S));
    // Several pages may begin at once; a page that returns and is redirected again is in a loop.
    let round = visit::query_value(visit.query, STATE_PARAMETER).is_some();
    Ok(if round { reply.with("set-cookie", counted(visit.cookies)) } else { reply })
}

/// Reason of a visit with a pending session.
const PENDING: &str = "session-pending";
const REDIRECTS_LIFE_S: u32 = 10;
const STATE_LIFE_S: u32 = 300;
/// Each requires a verification.
const MOST_TOKENS: usize = 4;
/// 16 bytes in base64url.
const STATE_LENGTH: usize = 22;
