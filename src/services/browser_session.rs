//! The session of a page request: Clerk's cookies, the redirects to Clerk and back, and the resulting cookies (I-1,
//! I-2).

use crate::{
    domain::{headers::Headers, method::Method, session::Session, time::whole_seconds},
    logic::{
        authn::{
            browser_session::{
                self, BrowserAuthDecision, BrowserSessionInput, Carrier, HANDSHAKE_STATE_COOKIE,
                HANDSHAKE_STATE_PARAMETER, REDIRECT_COUNT_COOKIE, delete_cookies,
            },
            csrf::CsrfError,
            session_token,
        },
        error::Error,
        http::{
            cookies::{self, Cookies},
            query_string::first_value,
            response::Response,
        },
    },
    runtime::{BodyStream, RuntimePort as _},
    services::{app_state::AppState, clerk_client, request_context::RequestContext},
};

mod directives;
mod redirects;

use directives::{AcceptedCookies, Holder, accept_cookies, refresh_session, signed_directives};
use redirects::{
    may_redirect_to_clerk, redirect_count_cookie, redirect_to_handshake, redirect_without_handshake_params,
    with_cookies,
};

/// A request for a page.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// The method.
    pub method: Method,
    /// The path, with the mount path.
    pub path: &'a str,
    /// The query, still encoded.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a Headers,
}

/// The authentication of a page request.
pub enum PageAuthentication {
    /// A redirect, with its reason.
    Redirect(Response<BodyStream>, &'static str),
    /// A signed-in user, and cookies to set with the response.
    SignedIn(Session, Vec<String>),
    /// No user, with the reason, and cookies to set with the response.
    SignedOut(&'static str, Vec<String>),
}

/// Determines the session of a page request.
///
/// # Errors
/// `CookiesTooMany` for more cookies than are read, `HandshakeFailed` for a browser in a redirect loop,
/// `JwksUnavailable` if no token can be verified, `ClerkUnavailable` if Clerk stores the cookies and does not respond.
pub async fn authenticate_page(
    app: &AppState,
    context: &RequestContext,
    page: PageRequest<'_>,
) -> Result<PageAuthentication, Error> {
    let cookies = cookies_of(page.headers)?;
    let now_s = whole_seconds(context.runtime.now_ms());
    let navigation =
        browser_session::is_navigation(page.method, page.headers.value("sec-fetch-dest"), page.headers.value("accept"));
    let visit = BrowserSessionInput { cookies: &cookies, query: page.query, is_navigation: navigation, now_s };
    let authentication = match browser_session::decide(&visit, &app.clerk_instance) {
        BrowserAuthDecision::Verify(token) => verify_session(app, context, (page, &visit), token).await?,
        BrowserAuthDecision::ResolveNonce(nonce, carrier) => {
            app.may_call_clerk(context, page.headers)?;
            let directives = clerk_client::handshake_payload(app, context, nonce).await;
            complete_handshake(app, context, (page, &visit), (directives, carrier)).await?
        }
        BrowserAuthDecision::ResolveToken(token, carrier) => {
            let directives = signed_directives(app, context, token).await;
            complete_handshake(app, context, (page, &visit), (directives, carrier)).await?
        }
        step @ (BrowserAuthDecision::Handshake(_)
        | BrowserAuthDecision::RedirectLoop(_)
        | BrowserAuthDecision::Refused(_)
        | BrowserAuthDecision::SignedOut(_)) => after_token_error(app, context, (page, &visit), step)?,
    };
    // A handshake that another page of this browser has completed leaves its parameters in the URL.
    let traces = navigation && first_value(page.query, HANDSHAKE_STATE_PARAMETER).is_some();
    Ok(match authentication {
        PageAuthentication::SignedIn(_, set) if traces => {
            PageAuthentication::Redirect(redirect_without_handshake_params(app, page, set), "handshake-ended-elsewhere")
        }
        // Without the parameters a pending session would be redirected to Clerk again; its page links to one without
        // them.
        PageAuthentication::SignedOut(why, set) if traces && why != PENDING => {
            PageAuthentication::Redirect(redirect_without_handshake_params(app, page, set), why)
        }
        PageAuthentication::SignedIn(session, mut set) if cookies.values(REDIRECT_COUNT_COOKIE).next().is_some() => {
            set.push(cookies::delete(REDIRECT_COUNT_COOKIE));
            PageAuthentication::SignedIn(session, set)
        }
        authentication @ (PageAuthentication::Redirect(..)
        | PageAuthentication::SignedIn(..)
        | PageAuthentication::SignedOut(..)) => authentication,
    })
}

/// Returns the session that a sign-out form would end: the one for which the form was made, by a token of this browser
/// (I-2).
///
/// A page may be open longer than its token is valid, so the token's age is not checked here, nor the consistency of
/// Clerk's other cookies.
///
/// # Errors
/// `CookiesTooMany` as with [`authenticate_page`], `SignOutUnknown` if no token can be verified, `CsrfRejected` if none
/// belongs to the form's session, `JwksUnavailable` if none can be checked.
pub async fn ending_session(
    app: &AppState,
    context: &RequestContext,
    headers: &Headers,
    is_of_form: impl Fn(&str) -> bool,
) -> Result<Session, Error> {
    let cookies = cookies_of(headers)?;
    let names = ["__session".to_owned(), format!("__session_{}", app.clerk_instance.suffix)];
    let mut tokens: Vec<&str> = names.iter().flat_map(|name| cookies.values(name)).collect();
    tokens.sort_unstable();
    tokens.dedup();
    // Another host of the domain may have set more than are verified; the form's own token is among the first.
    let claims_form = |token: &&str| {
        session_token::decode_unverified(token).and_then(|claims| claims.session).is_some_and(|id| is_of_form(&id))
    };
    tokens.sort_by_cached_key(|token| !claims_form(token));
    let mut fault = Error::SignOutUnknown;
    for token in tokens.into_iter().take(MAX_HANDSHAKE_TOKENS) {
        match app.ending_session(context, token).await {
            Ok(departing) if is_of_form(departing.id()) => return Ok(departing.into_record()),
            Ok(_) => fault = Error::CsrfRejected(CsrfError::TokenWrong),
            Err(Error::Token(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(fault)
}

/// Parses the cookies of a request. A browser with more than are read is not treated as signed out, which would cause a
/// redirect loop between the pages and Clerk.
fn cookies_of(headers: &Headers) -> Result<Cookies<'_>, Error> {
    let header = headers.value("cookie").unwrap_or_default();
    if Cookies::are_readable(header) { Ok(Cookies::parse(header)) } else { Err(Error::CookiesTooMany) }
}

async fn verify_session(
    app: &AppState,
    context: &RequestContext,
    (page, visit): (PageRequest<'_>, &BrowserSessionInput<'_>),
    token: &str,
) -> Result<PageAuthentication, Error> {
    match app.authenticate(context, token).await {
        Ok(session) => Ok(PageAuthentication::SignedIn(session, Vec::new())),
        Err(Error::Token(fault)) => {
            if visit.is_navigation
                && fault == session_token::TokenError::Expired
                && let Some(fresh) = refresh_session(app, context, (page.headers, visit.cookies), token).await
            {
                return Ok(PageAuthentication::SignedIn(fresh.session, fresh.cookies));
            }
            after_token_error(
                app,
                context,
                (page, visit),
                browser_session::after_token_error(visit, &app.clerk_instance, fault),
            )
        }
        Err(fault) => Err(fault),
    }
}

/// Executes a step that needs no verification.
fn after_token_error(
    app: &AppState,
    context: &RequestContext,
    (page, visit): (PageRequest<'_>, &BrowserSessionInput<'_>),
    step: BrowserAuthDecision<'_>,
) -> Result<PageAuthentication, Error> {
    match step {
        BrowserAuthDecision::Handshake(reason) => Ok(PageAuthentication::Redirect(
            redirect_to_handshake(app, context, redirects::HandshakeStart { page, visit, reason })?,
            reason,
        )),
        BrowserAuthDecision::Refused(reason) => {
            Ok(PageAuthentication::SignedOut(reason, delete_cookies::sessions(&app.clerk_instance, page.path)))
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
async fn complete_handshake(
    app: &AppState,
    context: &RequestContext,
    (page, visit): (PageRequest<'_>, &BrowserSessionInput<'_>),
    (directives, carrier): (Result<Vec<String>, Error>, Carrier),
) -> Result<PageAuthentication, Error> {
    let accepted = match directives {
        Ok(directives) => accept_cookies(app, context, &directives).await,
        Err(fault) => Err(fault),
    };
    match accepted {
        Ok(AcceptedCookies { holder, set: accepted }) => {
            let pending = matches!(holder, Holder::Pending);
            // Of several sessions' tokens only the one that is set now remains; of a pending session none.
            let mut set = if pending || browser_session::are_several(visit.cookies, &app.clerk_instance) {
                delete_cookies::sessions(&app.clerk_instance, page.path)
            } else {
                Vec::new()
            };
            set.extend(delete_cookies::carriers(&app.clerk_instance));
            set.push(cookies::delete(HANDSHAKE_STATE_COOKIE));
            if !pending || may_redirect_to_clerk(app, page) {
                set.push(redirect_count_cookie(visit.cookies));
            }
            set.extend(accepted);
            if pending {
                return Ok(PageAuthentication::SignedOut(PENDING, set));
            }
            Ok(PageAuthentication::Redirect(redirect_without_handshake_params(app, page, set), "handshake-resolved"))
        }
        Err(Error::HandshakeFailed(reason)) => {
            let step = browser_session::after_unresolved(visit, carrier, reason);
            Ok(match after_token_error(app, context, (page, visit), step)? {
                PageAuthentication::Redirect(response, reason) => PageAuthentication::Redirect(
                    with_cookies(response, delete_cookies::carriers(&app.clerk_instance)),
                    reason,
                ),
                authentication @ (PageAuthentication::SignedIn(..) | PageAuthentication::SignedOut(..)) => {
                    authentication
                }
            })
        }
        Err(fault) => Err(fault),
    }
}

/// Reason of a page request with a pending session.
const PENDING: &str = "session-pending";
/// Each requires a verification.
const MAX_HANDSHAKE_TOKENS: usize = 4;
