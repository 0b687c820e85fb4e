//! Redirects of a page: to Clerk's handshake, and back to the same page.

use super::{
    PageRequest,
    directives::{DEV_BROWSER_COOKIE, is_plain},
};
use crate::{
    domain::upstreams::CLERK_API_VERSION,
    logic::{
        authn::browser_session::{
            self, BrowserSessionInput, HANDSHAKE_STATE_COOKIE, HANDSHAKE_STATE_PARAMETER, REDIRECT_COUNT_COOKIE,
        },
        error::Error,
        http::{
            cookies::{self, Cookies},
            query_string::{Unescaped, encode, first_value},
            redirect_url::strip_handshake_params,
            response::Response,
        },
    },
    runtime::{BodyStream, RuntimePort as _},
    services::{app_state::AppState, request_context::RequestContext},
};
use base64ct::{Base64UrlUnpadded, Encoding as _};

/// Counts one completed handshake; a signed-in page resets the count.
pub(super) fn redirect_count_cookie(cookies: &Cookies<'_>) -> String {
    cookies::set(
        REDIRECT_COUNT_COOKIE,
        &browser_session::redirect_count(cookies).saturating_add(1).to_string(),
        REDIRECT_COUNT_TTL_S,
    )
}

/// Returns whether the page redirects a signed-out browser to Clerk's pages.
///
/// A pending session needs two handshakes, one of the opened page and one of this page; only the latter is counted.
pub(super) fn may_redirect_to_clerk(app: &AppState, page: PageRequest<'_>) -> bool {
    page.path.strip_prefix(&app.config.base_path).is_some_and(|path| matches!(path, "/sign-in" | "/sign-up"))
}

/// Redirects to the same page without the handshake's parameters.
pub(super) fn redirect_without_handshake_params(
    app: &AppState,
    page: PageRequest<'_>,
    set: Vec<String>,
) -> Response<BodyStream> {
    let location = format!("{}{}", app.config.origin, strip_handshake_params(page.path, page.query));
    with_cookies(Response::empty(307).with_header("location", location), set)
}

pub(super) fn with_cookies(response: Response<BodyStream>, set: Vec<String>) -> Response<BodyStream> {
    set.into_iter().fold(response, |response, cookie| response.with_header("set-cookie", cookie))
}

/// The page request that a handshake begins with, and its reason.
#[derive(Clone, Copy)]
pub(super) struct HandshakeStart<'a> {
    pub(super) page: PageRequest<'a>,
    pub(super) visit: &'a BrowserSessionInput<'a>,
    pub(super) reason: &'static str,
}

/// Redirects to Clerk's handshake; the session token is not sent, since URLs are logged in many places.
pub(super) fn redirect_to_handshake(
    app: &AppState,
    context: &RequestContext,
    HandshakeStart { page, visit, reason }: HandshakeStart<'_>,
) -> Result<Response<BodyStream>, Error> {
    // Two pages of one browser may begin at once; the cookie of the second must also match the URL of the first.
    let state = match visit
        .cookies
        .value(HANDSHAKE_STATE_COOKIE)
        .filter(|state| state.len() == HANDSHAKE_STATE_LEN && is_plain(state))
    {
        Some(state) => state.to_owned(),
        None => Base64UrlUnpadded::encode_string(&context.runtime.random::<16>().map_err(|_| Error::RuntimeFailed)?),
    };
    let back = strip_handshake_params(page.path, page.query);
    let mark = if back.contains('?') { '&' } else { '?' };
    // The Hub's own origin: the request's host is not trusted.
    let back = format!("{}{back}{mark}{HANDSHAKE_STATE_PARAMETER}={state}", app.config.origin);
    let suffixed = browser_session::prefers_suffixed_cookies(visit.cookies, &app.clerk_instance, visit.now_s);
    let mut location = format!(
        "{}/v1/client/handshake?redirect_url={}&__clerk_api_version={}&suffixed_cookies={suffixed}&__clerk_hs_reason={reason}&format=nonce",
        app.config.issuer,
        encode(&back, Unescaped::None),
        CLERK_API_VERSION,
    );
    let browser = first_value(visit.query, DEV_BROWSER_COOKIE)
        .or_else(|| visit.cookies.values(&format!("{DEV_BROWSER_COOKIE}_{}", app.clerk_instance.suffix)).next())
        .or_else(|| visit.cookies.values(DEV_BROWSER_COOKIE).next());
    if let Some(browser) = browser.filter(|browser| app.clerk_instance.is_development && is_plain(browser)) {
        location = format!("{location}&{DEV_BROWSER_COOKIE}={browser}");
    }
    let response = Response::empty(307)
        .with_header("location", location)
        .with_header("set-cookie", cookies::set(HANDSHAKE_STATE_COOKIE, &state, HANDSHAKE_STATE_TTL_S));
    // Several pages may begin at once; a page that returns and is redirected again is in a loop.
    let round = first_value(visit.query, HANDSHAKE_STATE_PARAMETER).is_some();
    Ok(if round { response.with_header("set-cookie", redirect_count_cookie(visit.cookies)) } else { response })
}

const REDIRECT_COUNT_TTL_S: u32 = 10;
const HANDSHAKE_STATE_TTL_S: u32 = 300;
/// 16 bytes in base64url.
const HANDSHAKE_STATE_LEN: usize = 22;
