//! Clerk's Backend API: the current state of a user, and the end of their sessions.
//!
//! Source: <https://clerk.com/docs/reference/backend-api>

use crate::{
    domain::{
        ids::is_clerk_id,
        method::Method,
        session::{RoleClaim, Session},
        upstreams::CLERK_BACKEND_API,
    },
    logic::error::Error,
    runtime::{RuntimePort as _, UpstreamRequest},
    services::{app_state::AppState, request_context::RequestContext},
};
use serde_json::Value;

/// Checks with Clerk that a staff member's token is still correct: not banned, not locked, same role.
///
/// # Errors
/// `ClerkUnavailable` if Clerk does not respond within 2 seconds: without the check the request is rejected.
/// `SessionRevoked` if the user's state differs from the token.
pub async fn verify_current_status(app: &AppState, context: &RequestContext, session: &Session) -> Result<(), Error> {
    let response = send(context, request(app, Method::Get, &format!("/v1/users/{}", session.user))).await?;
    if response.status == 404 {
        return Err(Error::SessionRevoked);
    }
    let user = response.success()?;
    // A response without this member is invalid.
    let flag = |name: &str| user.get(name).and_then(Value::as_bool).ok_or(Error::ClerkUnavailable);
    let (banned, locked) = (flag("banned")?, flag("locked")?);
    let role = user.get("public_metadata").and_then(|metadata| metadata.get("stacklumen_role")).and_then(Value::as_str);
    let same = matches!(session.role, RoleClaim::Known(claimed) if role == Some(claimed.name()));
    if banned || locked || !same {
        app.evict_session(session);
        return Err(Error::SessionRevoked);
    }
    Ok(())
}

/// Ends every session of a user that can still issue tokens; returns their number.
///
/// # Errors
/// `ClerkRevocationIncomplete` if one of them could not be ended.
pub async fn end_sessions(app: &AppState, context: &RequestContext, user: &str) -> Result<usize, Error> {
    let mut ended = 0;
    for status in ["active", "pending"] {
        let path = format!("/v1/sessions?user_id={user}&status={status}&paginated=true&limit={MAX_SESSIONS_PER_USER}");
        let response = send(context, request(app, Method::Get, &path)).await;
        let listed = response.and_then(|response| response.success()).map_err(|_| Error::ClerkRevocationIncomplete)?;
        let listed = listed.get("data").and_then(Value::as_array).ok_or(Error::ClerkRevocationIncomplete)?;
        let ids = listed.iter().filter_map(|session| session.get("id").and_then(Value::as_str));
        for id in ids.filter(|id| is_clerk_id(id, "sess_")) {
            end_session(app, context, id, user).await?;
            ended += 1;
        }
        if listed.len() >= MAX_SESSIONS_PER_USER {
            return Err(Error::ClerkRevocationIncomplete);
        }
    }
    Ok(ended)
}

/// Ends one session of a user.
///
/// # Errors
/// `ClerkRevocationIncomplete` if it could not be ended.
pub async fn end_session(app: &AppState, context: &RequestContext, session: &str, user: &str) -> Result<(), Error> {
    let path = format!("/v1/sessions/{session}/revoke");
    let response = send(context, request(app, Method::Post, &path)).await;
    match response.map_err(|_| Error::ClerkRevocationIncomplete)?.status {
        200 => Ok(()),
        // It may have ended already, or belong to another instance than the key.
        400 | 404 => is_over(app, context, session, user).await,
        _ => Err(Error::ClerkRevocationIncomplete),
    }
}

/// Requests from Clerk whether a session has ended.
///
/// Clerk lists ended sessions with their status (<https://clerk.com/docs/reference/backend/sessions/get-session-list>),
/// so an ended one is expected to be readable. The documentation does not state for how long, and
/// `GET /v1/sessions/{session_id}` may respond 404 (`GetSession` of Clerk's `OpenAPI` document). Therefore a session
/// that Clerk does not find has ended as well, provided that Clerk finds the user; otherwise the key may be that of
/// another instance.
async fn is_over(app: &AppState, context: &RequestContext, session: &str, user: &str) -> Result<(), Error> {
    let found = send(context, request(app, Method::Get, &format!("/v1/sessions/{session}"))).await;
    let found = found.map_err(|_| Error::ClerkRevocationIncomplete)?;
    let over = if found.status == 404 {
        let owner = send(context, request(app, Method::Get, &format!("/v1/users/{user}"))).await;
        let owner = owner.map_err(|_| Error::ClerkRevocationIncomplete)?;
        owner.success().is_ok_and(|found| found.get("id").and_then(Value::as_str) == Some(user))
    } else {
        let found = found.success().map_err(|_| Error::ClerkRevocationIncomplete)?;
        let text = |name: &str| found.get(name).and_then(Value::as_str);
        text("id") == Some(session) && text("status").is_some_and(|status| ENDED_STATUSES.contains(&status))
    };
    if over { Ok(()) } else { Err(Error::ClerkRevocationIncomplete) }
}

/// Fetches the cookies that a handshake stored at Clerk under a nonce; a nonce is valid once.
///
/// # Errors
/// `HandshakeFailed` for a nonce that Clerk does not recognize (any more), `ClerkUnavailable` if it does not respond.
pub async fn handshake_payload(app: &AppState, context: &RequestContext, nonce: &str) -> Result<Vec<String>, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !(1..=128).contains(&nonce.len()) || !nonce.bytes().all(plain) {
        return Err(Error::HandshakeFailed("handshake-nonce-odd"));
    }
    let path = format!("/v1/clients/handshake_payload?nonce={nonce}");
    let response = send(context, request(app, Method::Get, &path)).await?;
    if matches!(response.status, 400..=499) && response.status != 429 {
        return Err(Error::HandshakeFailed("handshake-nonce-unknown"));
    }
    string_array(&response.success()?, "directives")
}

/// An expired token, and the one that renews it.
#[derive(Clone, Copy)]
pub struct ExpiredToken<'a> {
    /// The session token.
    pub expired: &'a str,
    /// The refresh token.
    pub refresh: &'a str,
}

/// Fetches cookies with a fresh token for a session whose token has expired. Of the client's request, only the two
/// tokens are forwarded.
///
/// # Errors
/// If Clerk returns none; then the browser is redirected to the handshake.
pub async fn refresh(
    app: &AppState,
    context: &RequestContext,
    session: &str,
    ExpiredToken { expired, refresh }: ExpiredToken<'_>,
) -> Result<Vec<String>, Error> {
    if !is_clerk_id(session, "sess_") {
        return Err(Error::HandshakeFailed("refresh-session-odd"));
    }
    let body = serde_json::json!({
        "format": "cookie",
        "expired_token": expired,
        "refresh_token": refresh,
        "request_origin": app.config.origin,
        "request_headers": {},
    });
    let path = format!("/v1/sessions/{session}/refresh?suffixed_cookies=true");
    let request = request(app, Method::Post, &path).with_body(body.to_string().into_bytes());
    string_array(&send(context, request).await?.success()?, "cookies")
}

/// A response of Clerk, read completely.
struct ClerkResponse {
    status: u16,
    body: Vec<u8>,
}

impl ClerkResponse {
    /// Returns the body of a 200; anything else is an invalid response of Clerk.
    fn success(&self) -> Result<Value, Error> {
        let body = (self.status == 200).then_some(&self.body).ok_or(Error::ClerkUnavailable)?;
        serde_json::from_slice(body).map_err(|_| Error::ClerkUnavailable)
    }
}

fn request(app: &AppState, method: Method, path: &str) -> UpstreamRequest {
    UpstreamRequest::new(&CLERK_BACKEND_API, method, format!("{}{path}", app.config.clerk_api_url))
        .with_bearer(app.config.clerk_secret_key.expose())
}

async fn send(context: &RequestContext, request: UpstreamRequest) -> Result<ClerkResponse, Error> {
    let response = context.runtime.fetch(request).await.map_err(|_| Error::ClerkUnavailable)?;
    let body = match response.body {
        Some(body) => context.runtime.read(body, MAX_RESPONSE_BYTES).await.map_err(|_| Error::ClerkUnavailable)?,
        None => Vec::new(),
    };
    Ok(ClerkResponse { status: response.status, body })
}

/// Returns a list of texts; any other value is an invalid response of Clerk.
fn string_array(response: &Value, name: &str) -> Result<Vec<String>, Error> {
    let listed = response.get(name).and_then(Value::as_array).ok_or(Error::ClerkUnavailable)?;
    let texts: Option<Vec<String>> = listed.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    texts.ok_or(Error::ClerkUnavailable)
}

/// Statuses of a session that issues no tokens any more; the others are `active` and `pending`.
const ENDED_STATUSES: [&str; 6] = ["abandoned", "ended", "expired", "removed", "replaced", "revoked"];
const MAX_RESPONSE_BYTES: usize = 512 * 1024;
/// A Worker may send 50 subrequests per request.
const MAX_SESSIONS_PER_USER: usize = 20;
