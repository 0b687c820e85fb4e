//! Clerk's Backend API: who a person is at this moment, and the end of their sessions.
//!
//! Source: <https://clerk.com/docs/reference/backend-api>

use super::{Outgoing, Platform, database::USER_AGENT, hub::Hub};
use crate::{
    domain::{
        ids::is_clerk_id,
        session::{RoleClaim, Session},
    },
    logic::fault::Fault,
};
use serde::Deserialize;
use serde_json::Value;

/// A user, as far as the Hub looks.
#[derive(Deserialize)]
struct User {
    banned: bool,
    locked: bool,
    #[serde(default)]
    public_metadata: Value,
}

#[derive(Deserialize)]
struct Sessions {
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

/// Asks Clerk whether a member of staff still is what the token says: not banned, not locked, same role.
///
/// # Errors
/// `ClerkUnavailable` when Clerk does not answer within 2 seconds: what cannot be judged is not done. `SessionRevoked` when the
/// person is not what the token says any more.
pub async fn recheck<P: Platform>(hub: &Hub<P>, platform: &P, session: &Session) -> Result<(), Fault> {
    let (status, body) = ask(hub, platform, "GET", &format!("/v1/users/{}", session.user)).await?;
    if status == 404 {
        return Err(Fault::SessionRevoked);
    }
    let user: User = ok(status, &body)?;
    let role = user.public_metadata.get("stacklumen_role").and_then(Value::as_str);
    let same = matches!(session.role, RoleClaim::Known(claimed) if role == Some(claimed.name()));
    if user.banned || user.locked || !same {
        hub.forget(session);
        return Err(Fault::SessionRevoked);
    }
    Ok(())
}

/// Ends every session of a person that can still give tokens; gives how many there were.
///
/// # Errors
/// `ClerkUndone` when one of them could not be ended.
pub async fn end_sessions<P: Platform>(hub: &Hub<P>, platform: &P, user: &str) -> Result<usize, Fault> {
    let mut ended = 0;
    for status in ["active", "pending"] {
        let path = format!("/v1/sessions?user_id={user}&status={status}&paginated=true&limit={MOST_SESSIONS}");
        let (status, body) = ask(hub, platform, "GET", &path).await.map_err(|_| Fault::ClerkUndone)?;
        let listed: Sessions = ok(status, &body).map_err(|_| Fault::ClerkUndone)?;
        for session in listed.data.iter().filter(|session| is_clerk_id(&session.id, "sess_")) {
            let path = format!("/v1/sessions/{}/revoke", session.id);
            let (status, _) = ask(hub, platform, "POST", &path).await.map_err(|_| Fault::ClerkUndone)?;
            // 404: it has ended by itself.
            if status != 200 && status != 404 {
                return Err(Fault::ClerkUndone);
            }
            ended += 1;
        }
        if listed.data.len() >= MOST_SESSIONS {
            return Err(Fault::ClerkUndone);
        }
    }
    Ok(ended)
}

async fn ask<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    method: &'static str,
    path: &str,
) -> Result<(u16, Vec<u8>), Fault> {
    let request = Outgoing {
        method,
        url: format!("{}{path}", hub.config.clerk_url),
        headers: vec![
            ("accept", "application/json".to_owned()),
            ("authorization", format!("Bearer {}", hub.config.clerk_key.expose())),
            ("clerk-api-version", API_VERSION.to_owned()),
            ("user-agent", USER_AGENT.to_owned()),
        ],
        wanted: &[],
        body: None,
        timeout_ms: TIMEOUT_MS,
    };
    let answer = platform.fetch(request).await.map_err(|_| Fault::ClerkUnavailable)?;
    let body = match answer.body {
        Some(body) => platform.read(body, LONGEST_ANSWER).await.map_err(|_| Fault::ClerkUnavailable)?,
        None => Vec::new(),
    };
    Ok((answer.status, body))
}

fn ok<'a, T: Deserialize<'a>>(status: u16, body: &'a [u8]) -> Result<T, Fault> {
    let answered = (status == 200).then_some(body).ok_or(Fault::ClerkUnavailable)?;
    serde_json::from_slice(answered).map_err(|_| Fault::ClerkUnavailable)
}

const API_VERSION: &str = "2026-05-12";
const LONGEST_ANSWER: usize = 512 * 1024;
/// A Worker may send 50 requests for one that comes in.
const MOST_SESSIONS: usize = 20;
const TIMEOUT_MS: u32 = 2_000;
