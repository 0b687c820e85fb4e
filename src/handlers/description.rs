//! `GET /rest/v1/`: what the caller may do, as a document for tools.

use crate::{
    domain::session::Session,
    logic::{
        config::Config,
        fault::Fault,
        openapi::{self, Caller, Scope},
        policy::PolicyFault,
        reply::{Cache, Media, Reply},
    },
};

/// Describes the API for one session; a role that is not known gets nothing.
///
/// # Errors
/// `RightMissing`.
pub fn describe<Body>(config: &Config, session: &Session) -> Result<Reply<Body>, Fault> {
    let who = session.who().ok_or(Fault::Policy(PolicyFault::RightMissing))?;
    let scope = if session.impersonator.is_some() { Scope::Reads } else { Scope::Everything };
    let document = openapi::document(Caller { who, scope }, &config.origin, &config.base_path);
    Ok(Reply::text(200, Media::OpenApi, Cache::Nobody, document.to_string()))
}
