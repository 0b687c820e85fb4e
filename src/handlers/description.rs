//! `GET /rest/v1/`: an `OpenAPI` document of the operations that the caller is allowed to use.

use crate::{
    domain::session::{Actor, Session},
    logic::{
        fault::Fault,
        openapi::{self, Caller, Scope},
        policy::PolicyFault,
        reply::{Cache, Media, Reply},
    },
    platform::{
        Platform,
        database::{ask, send_as},
        hub::Hub,
    },
};

/// Describes the API for one session; an unknown role is rejected.
///
/// The document is made from the catalogue only; the database checks that the session is not revoked, as for every
/// other call (I-2).
///
/// # Errors
/// `RightMissing`, and the faults of the database.
pub async fn describe<P: Platform>(hub: &Hub<P>, platform: &P, session: &Session) -> Result<Reply<P::Body>, Fault> {
    let who = session.who().ok_or(Fault::Policy(PolicyFault::RightMissing))?;
    let question = ask(&hub.config.rest_url).rpc("who_am_i", "{}");
    if let Err(fault) = send_as(hub, platform, &Actor::Person(session), "count=none", question).await {
        if fault == Fault::SessionRevoked {
            hub.forget(session);
        }
        return Err(fault);
    }
    let scope = if session.impersonator.is_some() { Scope::Reads } else { Scope::Everything };
    let document = openapi::document(Caller { who, scope }, &hub.config.origin, &hub.config.base_path);
    Ok(Reply::text(200, Media::OpenApi, Cache::Nobody, document.to_string()))
}
