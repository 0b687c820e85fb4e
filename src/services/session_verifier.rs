//! The verification of session tokens: the only place that defines the order form, key, signature, claims (I-1).

use crate::{
    domain::{session::Session, time::whole_seconds},
    logic::{
        authn::session_token::{self, EndingSession, TokenError, TokenPolicy, Unverified, Verified},
        error::Error,
    },
    runtime::{ImportedVerifyingKey, RuntimePort as _},
    services::{
        jwks_cache::{JwksCache, KeyLookupError},
        request_context::RequestContext,
    },
};
use serde_json::Value;
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// Verified tokens until they expire, keyed by the whole token, so that a part of one is not sufficient.
///
/// The time of a hash map lookup does not depend on how similar another token is, since the whole token is hashed.
#[derive(Debug, Default)]
pub struct SessionCache {
    sessions: RefCell<HashMap<String, CachedSession>>,
}

/// A session, and the generation of the keys with which its token was verified.
#[derive(Debug)]
struct CachedSession {
    session: Session,
    generation: u64,
}

impl SessionCache {
    /// Returns the session of a verified token; a change of the keys invalidates all verified before (I-2).
    fn get(&self, token: &str, generation: u64, now_s: i64) -> Option<Session> {
        let valid = self.sessions.borrow();
        let valid = valid.get(token).filter(|valid| valid.generation == generation)?;
        (now_s < valid.session.expires_at).then(|| valid.session.clone())
    }

    fn insert(&self, token: &str, session: &Session, generation: u64, now_s: i64) {
        let mut valid = self.sessions.borrow_mut();
        if valid.len() >= MAX_SESSIONS {
            valid.retain(|_, valid| valid.generation == generation && now_s < valid.session.expires_at);
        }
        if valid.len() < MAX_SESSIONS {
            valid.insert(token.to_owned(), CachedSession { session: session.clone(), generation });
        }
    }

    /// Returns the session of a token.
    ///
    /// # Errors
    /// `Token` for an invalid one, `JwksUnavailable` if it could not be verified.
    pub async fn authenticate(
        &self,
        context: &RequestContext,
        keys: &Rc<JwksCache>,
        expected: &TokenPolicy,
        raw: &str,
    ) -> Result<Session, Error> {
        let now_s = whole_seconds(context.runtime.now_ms());
        if let Some(session) = self.get(raw, keys.generation(), now_s) {
            return Ok(session);
        }
        let verified = verify(context, keys, raw).await?;
        let session = session_token::validate_claims(&verified.claims, expected, now_s).map_err(Error::Token)?;
        self.insert(raw, &session, verified.generation, now_s);
        Ok(session)
    }

    /// Removes every token of a session that was ended (I-2).
    pub fn evict(&self, session_id: &str) {
        self.sessions.borrow_mut().retain(|_, valid| valid.session.id != session_id);
    }
}

/// Verifies a token for signing out; it may have expired (I-2).
///
/// # Errors
/// Same as [`SessionCache::authenticate`].
pub async fn ending_session(
    context: &RequestContext,
    keys: &Rc<JwksCache>,
    expected: &TokenPolicy,
    raw: &str,
) -> Result<EndingSession, Error> {
    let now_s = whole_seconds(context.runtime.now_ms());
    let verified = verify(context, keys, raw).await?;
    session_token::validate_for_sign_out(&verified.claims, expected, now_s).map_err(Error::Token)
}

/// Returns a claim of a message that the issuer signed with the keys of its tokens.
///
/// # Errors
/// Same as [`SessionCache::authenticate`].
pub async fn verify_claim(
    context: &RequestContext,
    keys: &Rc<JwksCache>,
    raw: &str,
    name: &str,
) -> Result<Option<Value>, Error> {
    let verified = verify(context, keys, raw).await?;
    Ok(verified.claims.claim(name).cloned())
}

/// A token with a valid signature.
struct VerifiedToken<'a> {
    claims: Verified<'a>,
    /// The generation of the key that verified it: the set may have been replaced since.
    generation: u64,
}

/// Checks form, key and signature.
async fn verify<'a>(context: &RequestContext, keys: &Rc<JwksCache>, raw: &'a str) -> Result<VerifiedToken<'a>, Error> {
    let unverified = session_token::parse(raw).map_err(Error::Token)?;
    let (key, mut generation) = keys.key(context, unverified.kid()).await.map_err(|no_key| match no_key {
        KeyLookupError::Unavailable { retry_after } => Error::JwksUnavailable(retry_after),
        KeyLookupError::Unknown => Error::Token(TokenError::KeyUnknown),
    })?;
    let mut valid = verify_signature(context, &key, &unverified).await?;
    if !valid && let Some((key, newer)) = keys.after_invalid_signature(context, unverified.kid()).await {
        generation = newer;
        valid = verify_signature(context, &key, &unverified).await?;
    }
    let claims = unverified.into_verified(valid.into()).map_err(Error::Token)?;
    Ok(VerifiedToken { claims, generation })
}

async fn verify_signature(
    context: &RequestContext,
    key: &ImportedVerifyingKey,
    token: &Unverified<'_>,
) -> Result<bool, Error> {
    context
        .runtime
        .verify(key, token.signing_input().as_bytes(), token.signature())
        .await
        .map_err(|_| Error::RuntimeFailed)
}

const MAX_SESSIONS: usize = 1024;
