//! The Hub's own token for the database: actor and database role, valid for 30 seconds.

use crate::domain::{
    access::PrincipalKind,
    lifetimes::DATABASE_TOKEN_S,
    secret::Secret,
    session::{Actor, Session},
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A private P-256 key.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// `kid`, by which the database finds the public key.
    pub kid: String,
    /// `x`, 32 bytes.
    pub x: [u8; 32],
    /// `y`, 32 bytes.
    pub y: [u8; 32],
    /// `d`, 32 bytes.
    pub d: Secret<[u8; 32]>,
}

/// A JWK set of private keys in the format of `HUB_SIGNING_KEYS`.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    y: String,
    d: Secret<String>,
}

impl SigningKey {
    /// Parses the keys of a JWK set, of which the first signs; `None` unless each is complete and has a unique id.
    #[must_use]
    pub fn parse_set(set: &Secret<String>) -> Option<Vec<Self>> {
        let set: Set = serde_json::from_str(set.expose()).ok()?;
        let keys = set.keys.iter().map(Self::parse).collect::<Option<Vec<_>>>()?;
        let ids: BTreeSet<_> = keys.iter().map(|key| &key.kid).collect();
        (ids.len() == keys.len()).then_some(keys)
    }

    fn parse(jwk: &Jwk) -> Option<Self> {
        let number = |text: &str| <[u8; 32]>::try_from(Base64UrlUnpadded::decode_vec(text).ok()?).ok();
        let right = jwk.kty == "EC" && jwk.crv == "P-256" && !jwk.kid.is_empty();
        right.then_some(())?;
        let (x, y, d) = (number(&jwk.x)?, number(&jwk.y)?, number(jwk.d.expose())?);
        Some(Self { kid: jwk.kid.clone(), x, y, d: Secret::new(d) })
    }
}

/// The claims; `role` is a database role and never comes from the client.
#[derive(Serialize)]
struct Claims<'a> {
    role: &'static str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    /// Issue time of the session token, and its active organization: a revocation may be limited to them (I-2).
    #[serde(skip_serializing_if = "Option::is_none")]
    sat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    /// The name of the member of staff in the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stacklumen_role: Option<&'static str>,
    iat: i64,
    exp: i64,
    jti: &'a str,
}

/// Returns the part that is signed; `None` for a session without a row in the access matrix.
#[must_use]
pub fn signing_input(kid: &str, actor: &Actor<'_>, now_s: i64, jti: &str) -> Option<String> {
    let job;
    let who = actor.principal_kind()?;
    let (sub, session) = match actor {
        Actor::User(session) => (session.user.as_str(), Some(*session)),
        Actor::Job(name) => {
            job = format!("system:{name}");
            (job.as_str(), None)
        }
    };
    let stacklumen_role = match who {
        PrincipalKind::Staff(role) => Some(role.name()),
        PrincipalKind::Customer | PrincipalKind::System | PrincipalKind::Visitor => None,
    };
    let claims = Claims {
        role: who.database_role(),
        sub,
        sid: session.map(|session| session.id.as_str()),
        sat: session.map(|session| session.issued_at),
        org: session.and_then(|session| Some(session.organization.as_ref()?.id.as_str())),
        owner: session.filter(|session| session.is_customer()).map(Session::owner),
        name: session.filter(|session| session.is_staff()).and_then(|session| session.display_name.as_deref()),
        stacklumen_role,
        iat: now_s,
        exp: now_s + DATABASE_TOKEN_S,
        jti,
    };
    let header = serde_json::json!({ "alg": "ES256", "typ": "JWT", "kid": kid });
    let encode = |text: String| Base64UrlUnpadded::encode_string(text.as_bytes());
    Some(format!("{}.{}", encode(header.to_string()), encode(serde_json::to_string(&claims).ok()?)))
}
