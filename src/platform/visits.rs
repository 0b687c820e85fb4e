//! The session of a page request: Clerk's cookies, the redirects to Clerk and back, and the resulting cookies (I-1,
//! I-2).

use super::{Runtime, clerk, hub::AppState};
use crate::{
    domain::{headers::Headers, session::Session},
    logic::{
        cookies::{self, Cookies},
        csrf::CsrfError,
        fault::Error,
        reply::Response,
        return_to::{percent_encode, strip_handshake_params},
        token,
        visit::{
            self, BrowserAuthDecision, BrowserSessionInput, Carrier, HANDSHAKE_STATE_COOKIE, HANDSHAKE_STATE_PARAMETER,
            REDIRECT_COUNT_COOKIE, forget,
        },
    },
};
use base64ct::{Base64UrlUnpadded, Encoding as _};

mod directives;

use directives::{
    AcceptedCookies, DEV_BROWSER_COOKIE, Holder, accept_cookies, is_plain, refresh_session, signed_directives,
};

/// A request for a page.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
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
pub enum PageAuthentication<Body> {
    /// A redirect, with its reason.
    Redirect(Response<Body>, &'static str),
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
pub async fn authenticate_page<P: Runtime>(
    hub: &AppState<P>,
    platform: &P,
    door: PageRequest<'_>,
) -> Result<PageAuthentication<P::Body>, Error> {
    let cookies = cookies_of(door.headers)?;
    let now_s = i64::try_from(platform.now_ms() / 1000).map_err(|_| Error::RuntimeFailed)?;
    let navigation =
        visit::is_navigation(door.method, door.headers.value("sec-fetch-dest"), door.headers.value("accept"));
    let visit = BrowserSessionInput { cookies: &cookies, query: door.query, is_navigation: navigation, now_s };
    let entrance = match visit::decide(&visit, &hub.clerk_instance) {
        BrowserAuthDecision::Verify(token) => verify_session(hub, platform, (door, &visit), token).await?,
        BrowserAuthDecision::ResolveNonce(nonce, carrier) => {
            hub.may_ask_clerk(platform, door.headers)?;
            let directives = clerk::handshake_payload(hub, platform, nonce).await;
            complete_handshake(hub, platform, (door, &visit), (directives, carrier)).await?
        }
        BrowserAuthDecision::ResolveToken(token, carrier) => {
            let directives = signed_directives(hub, platform, token).await;
            complete_handshake(hub, platform, (door, &visit), (directives, carrier)).await?
        }
        step => after_token_error(hub, platform, (door, &visit), step)?,
    };
    // A handshake that another page of this browser has completed leaves its parameters in the URL.
    let traces = navigation && visit::query_param(door.query, HANDSHAKE_STATE_PARAMETER).is_some();
    Ok(match entrance {
        PageAuthentication::SignedIn(_, set) if traces => {
            PageAuthentication::Redirect(redirect_without_handshake_params(hub, door, set), "handshake-ended-elsewhere")
        }
        // Without the parameters a pending session would be redirected to Clerk again; its page links to one without
        // them.
        PageAuthentication::SignedOut(why, set) if traces && why != PENDING => {
            PageAuthentication::Redirect(redirect_without_handshake_params(hub, door, set), why)
        }
        PageAuthentication::SignedIn(session, mut set) if cookies.values(REDIRECT_COUNT_COOKIE).next().is_some() => {
            set.push(cookies::delete(REDIRECT_COUNT_COOKIE));
            PageAuthentication::SignedIn(session, set)
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
pub async fn ending_session<P: Runtime>(
    hub: &AppState<P>,
    platform: &P,
    headers: &Headers,
    is_of_form: impl Fn(&str) -> bool,
) -> Result<Session, Error> {
    let cookies = cookies_of(headers)?;
    let names = ["__session".to_owned(), format!("__session_{}", hub.clerk_instance.suffix)];
    let mut tokens: Vec<&str> = names.iter().flat_map(|name| cookies.values(name)).collect();
    tokens.sort_unstable();
    tokens.dedup();
    let mut fault = Error::SignOutUnknown;
    for token in tokens.into_iter().take(MAX_HANDSHAKE_TOKENS) {
        match hub.ending_session(platform, token).await {
            Ok(departing) if is_of_form(departing.id()) => return Ok(departing.into_record()),
            Ok(_) => fault = Error::CsrfRejected(CsrfError::TokenWrong),
            Err(Error::Token(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(fault)
}

/// Parses the cookies of a request. A visitor with more than are read is not treated as signed out, which would cause a
/// redirect loop between the pages and Clerk.
fn cookies_of(headers: &Headers) -> Result<Cookies<'_>, Error> {
    let header = headers.value("cookie").unwrap_or_default();
    if Cookies::are_readable(header) { Ok(Cookies::parse(header)) } else { Err(Error::CookiesTooMany) }
}

async fn verify_session<P: Runtime>(
    hub: &AppState<P>,
    platform: &P,
    (door, visit): (PageRequest<'_>, &BrowserSessionInput<'_>),
    token: &str,
) -> Result<PageAuthentication<P::Body>, Error> {
    match hub.authenticate(platform, token).await {
        Ok(session) => Ok(PageAuthentication::SignedIn(session, Vec::new())),
        Err(Error::Token(fault)) => {
            if visit.is_navigation
                && fault == token::TokenError::Expired
                && let Some((session, set)) = refresh_session(hub, platform, (door.headers, visit.cookies), token).await
            {
                return Ok(PageAuthentication::SignedIn(session, set));
            }
            after_token_error(hub, platform, (door, visit), visit::after_token_error(visit, &hub.clerk_instance, fault))
        }
        Err(fault) => Err(fault),
    }
}

/// Executes a step that needs no verification.
fn after_token_error<P: Runtime>(
    hub: &AppState<P>,
    platform: &P,
    (door, visit): (PageRequest<'_>, &BrowserSessionInput<'_>),
    step: BrowserAuthDecision<'_>,
) -> Result<PageAuthentication<P::Body>, Error> {
    match step {
        BrowserAuthDecision::Handshake(reason) => {
            Ok(PageAuthentication::Redirect(redirect_to_handshake(hub, platform, visit, door, reason)?, reason))
        }
        BrowserAuthDecision::Refused(reason) => {
            Ok(PageAuthentication::SignedOut(reason, forget::sessions(&hub.clerk_instance, door.path)))
        }
        BrowserAuthDecision::SignedOut(reason) => Ok(PageAuthentication::SignedOut(reason, Vec::new())),
        BrowserAuthDecision::RedirectLoop(reason) => Err(Error::HandshakeFailed(reason)),
        // These were handled before.
        BrowserAuthDecision::ResolveNonce(..)
        | BrowserAuthDecision::ResolveToken(..)
        | BrowserAuthDecision::Verify(_) => Err(Error::RuntimeFailed),
    }
}

/// Sets the cookies of a handshake's result, or begins another handshake if a cookie may have been overwritten.
async fn complete_handshake<P: Runtime>(
    hub: &AppState<P>,
    platform: &P,
    (door, visit): (PageRequest<'_>, &BrowserSessionInput<'_>),
    (directives, carrier): (Result<Vec<String>, Error>, Carrier),
) -> Result<PageAuthentication<P::Body>, Error> {
    let taken = match directives {
        Ok(directives) => accept_cookies(hub, platform, &directives).await,
        Err(fault) => Err(fault),
    };
    match taken {
        Ok(AcceptedCookies { holder, set: taken }) => {
            let pending = matches!(holder, Holder::Pending);
            // Of several sessions' tokens only the one that is set now remains; of a pending session none.
            let mut set = if pending || visit::are_several(visit.cookies, &hub.clerk_instance) {
                forget::sessions(&hub.clerk_instance, door.path)
            } else {
                Vec::new()
            };
            set.extend(forget::carriers(&hub.clerk_instance));
            set.push(cookies::delete(HANDSHAKE_STATE_COOKIE));
            if !pending || may_redirect_to_clerk(hub, door) {
                set.push(redirect_count_cookie(visit.cookies));
            }
            set.extend(taken);
            if pending {
                return Ok(PageAuthentication::SignedOut(PENDING, set));
            }
            Ok(PageAuthentication::Redirect(redirect_without_handshake_params(hub, door, set), "handshake-resolved"))
        }
        Err(Error::HandshakeFailed(reason)) => {
            let step = visit::after_unresolved(visit, carrier, reason);
            Ok(match after_token_error(hub, platform, (door, visit), step)? {
                PageAuthentication::Redirect(reply, reason) => {
                    PageAuthentication::Redirect(with_cookies(reply, forget::carriers(&hub.clerk_instance)), reason)
                }
                entrance => entrance,
            })
        }
        Err(fault) => Err(fault),
    }
}

/// Counts one completed handshake; a signed-in page resets the count.
fn redirect_count_cookie(cookies: &Cookies<'_>) -> String {
    cookies::set(
        REDIRECT_COUNT_COOKIE,
        &visit::redirect_count(cookies).saturating_add(1).to_string(),
        REDIRECT_COUNT_TTL_S,
    )
}

/// Returns whether the page redirects a signed-out visitor to Clerk's pages.
///
/// A pending session needs two handshakes, one of the opened page and one of this page; only the latter is counted.
fn may_redirect_to_clerk<P: Runtime>(hub: &AppState<P>, door: PageRequest<'_>) -> bool {
    door.path.strip_prefix(&hub.config.base_path).is_some_and(|path| matches!(path, "/sign-in" | "/sign-up"))
}

/// Redirects to the same page without the handshake's parameters.
fn redirect_without_handshake_params<P: Runtime>(
    hub: &AppState<P>,
    door: PageRequest<'_>,
    set: Vec<String>,
) -> Response<P::Body> {
    let location = format!("{}{}", hub.config.origin, strip_handshake_params(door.path, door.query));
    with_cookies(Response::empty(307).with_header("location", location), set)
}

fn with_cookies<Body>(reply: Response<Body>, set: Vec<String>) -> Response<Body> {
    set.into_iter().fold(reply, |reply, cookie| reply.with_header("set-cookie", cookie))
}

/// Redirects to Clerk's handshake; the session token is not sent, since URLs are logged in many places.
fn redirect_to_handshake<P: Runtime>(
    hub: &AppState<P>,
    platform: &P,
    visit: &BrowserSessionInput<'_>,
    door: PageRequest<'_>,
    reason: &'static str,
) -> Result<Response<P::Body>, Error> {
    // Two pages of one browser may begin at once; the cookie of the second must also match the URL of the first.
    let state = match visit
        .cookies
        .value(HANDSHAKE_STATE_COOKIE)
        .filter(|state| state.len() == HANDSHAKE_STATE_LEN && is_plain(state))
    {
        Some(state) => state.to_owned(),
        None => Base64UrlUnpadded::encode_string(&platform.random::<16>().map_err(|_| Error::RuntimeFailed)?),
    };
    let back = strip_handshake_params(door.path, door.query);
    let mark = if back.contains('?') { '&' } else { '?' };
    // The Hub's own origin: the request's host is not trusted.
    let back = format!("{}{back}{mark}{HANDSHAKE_STATE_PARAMETER}={state}", hub.config.origin);
    let suffixed = visit::prefers_suffixed_cookies(visit.cookies, &hub.clerk_instance, visit.now_s);
    let mut location = format!(
        "{}/v1/client/handshake?redirect_url={}&__clerk_api_version={}&suffixed_cookies={suffixed}&__clerk_hs_reason={reason}&format=nonce",
        hub.config.issuer,
        percent_encode(&back),
        clerk::API_VERSION,
    );
    let browser = visit::query_param(visit.query, DEV_BROWSER_COOKIE)
        .or_else(|| visit.cookies.values(&format!("{DEV_BROWSER_COOKIE}_{}", hub.clerk_instance.suffix)).next())
        .or_else(|| visit.cookies.values(DEV_BROWSER_COOKIE).next());
    if let Some(browser) = browser.filter(|browser| hub.clerk_instance.is_development && is_plain(browser)) {
        location = format!("{location}&{DEV_BROWSER_COOKIE}={browser}");
    }
    let reply = Response::empty(307)
        .with_header("location", location)
        .with_header("set-cookie", cookies::set(HANDSHAKE_STATE_COOKIE, &state, HANDSHAKE_STATE_TTL_S));
    // Several pages may begin at once; a page that returns and is redirected again is in a loop.
    let round = visit::query_param(visit.query, HANDSHAKE_STATE_PARAMETER).is_some();
    Ok(if round { reply.with_header("set-cookie", redirect_count_cookie(visit.cookies)) } else { reply })
}

/// Reason of a visit with a pending session.
const PENDING: &str = "session-pending";
const REDIRECT_COUNT_TTL_S: u32 = 10;
const HANDSHAKE_STATE_TTL_S: u32 = 300;
/// Each requires a verification.
const MAX_HANDSHAKE_TOKENS: usize = 4;
/// 16 bytes in base64url.
const HANDSHAKE_STATE_LEN: usize = 22;
