//! The cookies that Clerk instructs the Hub to set: parsed, checked, and rewritten for this host.

use crate::{
    domain::{headers::Headers, session::Session},
    logic::{
        authn::{
            browser_session::delete_cookies,
            session_token::{self, TokenError},
        },
        error::Error,
        http::cookies::{self, Cookies, Directive},
    },
    services::{app_state::AppState, clerk_client, request_context::RequestContext},
};
use serde_json::Value;

/// Returns the directives that Clerk signed as the result of a handshake.
pub(super) async fn signed_directives(
    app: &AppState,
    context: &RequestContext,
    token: &str,
) -> Result<Vec<String>, Error> {
    let verified = app.verify_handshake_token(context, token).await?;
    let listed = verified.as_ref().and_then(Value::as_array);
    let listed = listed.ok_or(Error::HandshakeFailed("handshake-token-refused"))?;
    Ok(listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The cookies of a handshake's result, and their session.
pub(super) struct AcceptedCookies {
    /// The session of the token.
    pub(super) holder: Holder,
    /// Cookies to set.
    pub(super) set: Vec<String>,
}

/// The session in a handshake's result.
pub(super) enum Holder {
    /// No session.
    Absent,
    /// A session with an open task at Clerk, such as the choice of an organization. Its token is not set.
    Pending,
    /// A verified session.
    SignedIn(Box<Session>),
}

/// Converts the directives to cookies of this host: only Clerk's names, only plain values, session tokens only if
/// valid.
///
/// A pending session counts as signed out, as with Clerk's SDK (clerk/javascript
/// `packages/backend/src/tokens/authObjects.ts`, `treatPendingAsSignedOut`).
///
/// All of them are for this host alone but one: in production `__client_uat` is Clerk's own cookie of the parent
/// domain. It is forwarded unchanged, because a copy for this host could later contradict it
/// (<https://github.com/clerk/javascript/pull/3318>).
pub(super) async fn accept_cookies(
    app: &AppState,
    context: &RequestContext,
    directives: &[String],
) -> Result<AcceptedCookies, Error> {
    let suffix = format!("_{}", app.clerk_instance.suffix);
    let (mut holder, mut updated, mut set) = (Holder::Absent, None, Vec::new());
    for one in directives.iter().take(MAX_DIRECTIVES).filter_map(|text| cookies::parse_set_cookie(text)) {
        let Directive { name, value, domain } = one;
        let base = name.strip_suffix(suffix.as_str()).unwrap_or(name);
        let known =
            ACCEPTED_COOKIES.contains(&base) && (base != DEV_BROWSER_COOKIE || app.clerk_instance.is_development);
        if !known {
            continue;
        }
        if !is_plain(value) && !value.is_empty() {
            return Err(Error::HandshakeFailed("handshake-value-refused"));
        }
        let life_s = if value.is_empty() { 0 } else { COOKIE_TTL_S };
        if base == CLIENT_UAT_COOKIE && !app.clerk_instance.is_development {
            let ours = |ours: &&String| domain.is_some_and(|domain| ours.eq_ignore_ascii_case(domain));
            if let Some(domain) = app.clerk_instance.domains.iter().find(ours) {
                updated = Some(domain.as_str());
                set.push(cookies::set_on(domain, name, value, life_s));
            }
            continue;
        }
        if base == "__session" && !value.is_empty() {
            match app.authenticate(context, value).await {
                Ok(session) => holder = Holder::SignedIn(Box::new(session)),
                // Its signature, parties and times are valid, since those rules are checked before.
                Err(Error::Token(TokenError::StatusRefused)) => {
                    holder = Holder::Pending;
                    continue;
                }
                Err(Error::Token(_)) => return Err(Error::HandshakeFailed("handshake-session-refused")),
                Err(other) => return Err(other),
            }
        }
        set.push(cookies::set(name, value, life_s));
    }
    set.extend(delete_cookies::other_updates(&app.clerk_instance, updated));
    Ok(AcceptedCookies { holder, set })
}

/// A session with a fresh token.
pub(super) struct RefreshedSession {
    pub(super) session: Session,
    /// The cookies to set, with the token.
    pub(super) cookies: Vec<String>,
}

/// Refreshes an expired token without redirecting the browser.
pub(super) async fn refresh_session(
    app: &AppState,
    context: &RequestContext,
    (headers, cookies): (&Headers, &Cookies<'_>),
    expired: &str,
) -> Option<RefreshedSession> {
    let refresh = cookies.value(&format!("__refresh_{}", app.clerk_instance.suffix)).filter(|token| is_plain(token))?;
    let session = session_token::decode_unverified(expired)?.session?;
    app.may_call_clerk(context, headers).ok()?;
    let directives =
        clerk_client::refresh(app, context, &session, clerk_client::ExpiredToken { expired, refresh }).await.ok()?;
    match accept_cookies(app, context, &directives).await.ok()? {
        AcceptedCookies { holder: Holder::SignedIn(session), set } => {
            Some(RefreshedSession { session: *session, cookies: set })
        }
        AcceptedCookies { holder: Holder::Absent | Holder::Pending, .. } => None,
    }
}

/// Returns whether a value is allowed in a cookie and in a URL unencoded.
pub(super) fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_COOKIE_VALUE_LEN).contains(&value.len()) && value.bytes().all(plain)
}

/// The cookie that identifies a browser to a development instance.
pub(super) const DEV_BROWSER_COOKIE: &str = "__clerk_db_jwt";
const CLIENT_UAT_COOKIE: &str = "__client_uat";
const ACCEPTED_COOKIES: [&str; 4] = ["__session", CLIENT_UAT_COOKIE, "__refresh", DEV_BROWSER_COOKIE];
const COOKIE_TTL_S: u32 = 31_536_000;
const MAX_COOKIE_VALUE_LEN: usize = 4096;
/// A production handshake sends 11: two names of three cookies, a deletion of the host's copy for two of them, and a
/// deletion of itself.
const MAX_DIRECTIVES: usize = 24;
