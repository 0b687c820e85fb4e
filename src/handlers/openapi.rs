//! `GET /rest/v1/`: an `OpenAPI` document of the operations that the caller is allowed to use.

use crate::{
    domain::session::{Actor, Session},
    logic::{
        authz::PolicyError,
        error::Error,
        http::response::{CachePolicy, ContentKind, Response},
        openapi::{self, Caller, Scope},
    },
    runtime::BodyStream,
    services::{app_state::AppState, request_context::RequestContext},
};

/// Describes the API for one session; an unknown role is rejected.
///
/// The document is made from the catalogue only; the database checks that the session is not revoked, as for every
/// other call (I-2).
///
/// # Errors
/// `Forbidden`, and the errors of the database.
pub async fn describe(
    app: &AppState,
    context: &RequestContext,
    session: &Session,
) -> Result<Response<BodyStream>, Error> {
    let who = session.principal_kind().ok_or(Error::Policy(PolicyError::Forbidden))?;
    let builder = app.database.query().rpc("who_am_i", "{}");
    if let Err(fault) = app.database.execute_as(context, &Actor::User(session), "count=none", builder).await {
        if fault == Error::SessionRevoked {
            app.evict_session(session);
        }
        return Err(fault);
    }
    let scope = if session.impersonator.is_some() { Scope::Reads } else { Scope::Everything };
    let document = openapi::document(Caller { who, scope }, &app.config.origin, &app.config.base_path);
    Ok(Response::text(200, ContentKind::OpenApi, CachePolicy::NoStore, document.to_string()))
}
