//! Sessions that the Hub itself ends: those of a user, by an admin, and that of a token sent over plain http (I-2,
//! T-3).

use crate::{
    domain::{headers::Headers, ids::is_clerk_id, time, upstreams::POSTGREST},
    logic::{
        authn::bearer_token,
        error::Error,
        http::response::{CachePolicy, ContentKind, Response, ResponseBody},
    },
    runtime::{BodyStream, LogLevel, RuntimePort as _},
    services::{app_state::AppState, clerk_client, request_context::RequestContext},
};
use serde_json::Value;
use std::rc::Rc;

/// The second step of `/rest/v1/rpc/revoke_sessions`: the database already rejects the user, now Clerk ends the
/// sessions.
///
/// # Errors
/// `ClerkRevocationIncomplete` if Clerk did not end them: the user remains rejected for ten minutes, and the call may
/// be retried.
pub async fn revoke_at_clerk(
    app: &AppState,
    context: &RequestContext,
    response: Response<BodyStream>,
) -> Result<Response<BodyStream>, Error> {
    let body = match response.body {
        ResponseBody::Stream(body) => {
            context.runtime.within(POSTGREST.timeout_ms, context.runtime.read(body, MAX_RESPONSE_BYTES)).await
        }
        ResponseBody::Empty | ResponseBody::Text(_) => None,
    };
    let body = body.and_then(Result::ok).unwrap_or_default();
    let revoked: Value = serde_json::from_slice(&body).map_err(|_| Error::ClerkRevocationIncomplete)?;
    let user = revoked.get("person").and_then(Value::as_str).filter(|user| is_clerk_id(user, "user_"));
    let user = user.ok_or(Error::ClerkRevocationIncomplete)?;
    let ended = clerk_client::end_sessions(app, context, user).await?;
    let arguments = serde_json::json!({ "person": user });
    let builder = app.database.query().rpc("sessions_ended", arguments.to_string());
    // If this fails, the user remains rejected for the ten minutes, which is no less secure.
    if let Err(fault) = app.database.execute(context, "revocation", "return=minimal", builder).await {
        let line = serde_json::json!({ "event": "revocation.not_narrowed", "user_id": user, "reason": fault.reason() });
        context.log(LogLevel::Warn, line);
    }
    let body = serde_json::json!({ "person": user, "sessions_ended": ended });
    Ok(Response::text(200, ContentKind::Json, CachePolicy::NoStore, body.to_string()))
}

/// Revokes the session tokens in the head of a request over plain http, in the background: the response is the same for
/// every token.
///
/// Only valid tokens are revoked: forged ones would otherwise revoke the sessions of others. Signature checks are not
/// limited, as in the API, since forged tokens would use up a common limit and leave the valid token of another user
/// unrevoked; a token without the format, key id, issuer and times of a valid one is not checked. Requests to the
/// database are limited per user.
pub fn revoke_leaked_tokens(app: &Rc<AppState>, context: &RequestContext, headers: &Headers, url: &str) {
    let exposed = bearer_token::exposed(headers, url).into_iter().filter(|token| app.may_be_valid(context, token));
    let tokens: Vec<_> = exposed.take(MAX_TOKENS).map(str::to_owned).collect();
    if tokens.is_empty() {
        return;
    }
    let (app, background) = (Rc::clone(app), context.background());
    context.runtime.wait_until(async move {
        for token in tokens {
            if app.knows_key_of(&background, &token).await {
                revoke_leaked_token(&app, &background, &token).await;
            }
        }
    });
}

async fn revoke_leaked_token(app: &AppState, context: &RequestContext, token: &str) {
    let Ok(session) = app.authenticate(context, token).await else { return };
    app.evict_session(&session);
    if app.exposed.are_revoked(&session) {
        return;
    }
    if !app.exposed.try_acquire(&session.user, context.runtime.now_ms()) {
        let line = serde_json::json!({
            "event": "insecure_transport.rate_limited",
            "actor_id": session.user,
            "session_id": session.id,
        });
        context.log(LogLevel::Warn, line);
        return;
    }
    let issued_ms = time::milliseconds(session.issued_at);
    let arguments = serde_json::json!({ "session": session.id, "issued_until": time::rfc3339(issued_ms) });
    let builder = app.database.query().rpc("burn_token", arguments.to_string());
    let done = app.database.execute(context, "boundary", "return=minimal", builder).await;
    if done.is_ok() {
        app.exposed.mark_revoked(&session);
    }
    let line = serde_json::json!({
        "event": "insecure_transport.token_revoked",
        "actor_id": session.user,
        "session_id": session.id,
        "revoked": done.is_ok(),
    });
    context.log(LogLevel::Warn, line);
}

/// Maximum number of revoked tokens per request: a browser sends one, and each may require a signature check.
const MAX_TOKENS: usize = 4;
const MAX_RESPONSE_BYTES: usize = 4096;
