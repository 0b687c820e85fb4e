//! The verification of session tokens: the only place that knows the order form, key, signature, claims (I-1).

use super::{
    Platform,
    keys::{KeyStore, NoKey},
};
use crate::{
    domain::session::Session,
    logic::{
        fault::Fault,
        token::{self, Departing, Expected, TokenFault, Unverified, Verified},
    },
};
use serde_json::Value;
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// Verified tokens until they expire, keyed by the whole token, so that a part of one is not sufficient.
///
/// The time of a hash map lookup does not depend on how similar another token is, since the whole token is hashed.
#[derive(Debug, Default)]
pub struct Sessions {
    good: RefCell<HashMap<String, Good>>,
}

/// A session, and the generation of the keys with which its token was verified.
#[derive(Debug)]
struct Good {
    session: Session,
    generation: u64,
}

impl Sessions {
    /// Returns the session of a verified token; a change of the keys invalidates all verified before (I-2).
    fn remembered(&self, token: &str, generation: u64, now_s: i64) -> Option<Session> {
        let good = self.good.borrow();
        let good = good.get(token).filter(|good| good.generation == generation)?;
        (now_s < good.session.expires_at).then(|| good.session.clone())
    }

    fn remember(&self, token: &str, session: &Session, generation: u64, now_s: i64) {
        let mut good = self.good.borrow_mut();
        if good.len() >= MOST {
            good.retain(|_, good| good.generation == generation && now_s < good.session.expires_at);
        }
        if good.len() < MOST {
            good.insert(token.to_owned(), Good { session: session.clone(), generation });
        }
    }

    /// Removes every token of a session that was ended (I-2).
    pub fn forget(&self, session_id: &str) {
        self.good.borrow_mut().retain(|_, good| good.session.id != session_id);
    }
}

/// Returns the session of a token.
///
/// # Errors
/// `Token` for an invalid one, `KeysUnavailable` if it could not be verified.
pub async fn identify<P: Platform>(
    platform: &P,
    sessions: &Sessions,
    keys: &Rc<KeyStore<P>>,
    expected: &Expected,
    raw: &str,
) -> Result<Session, Fault> {
    let now_s = i64::try_from(platform.now_ms() / 1000).map_err(|_| Fault::Platform)?;
    if let Some(session) = sessions.remembered(raw, keys.generation(), now_s) {
        return Ok(session);
    }
    // The generation of the key that verified it: the set may have been replaced since.
    let (verified, generation) = verified(platform, keys, raw).await?;
    let session = token::check(&verified, expected, now_s).map_err(Fault::Token)?;
    sessions.remember(raw, &session, generation, now_s);
    Ok(session)
}

/// Verifies a token for signing out; it may have expired (I-2).
///
/// # Errors
/// Same as [`identify`].
pub async fn departing<P: Platform>(
    platform: &P,
    keys: &Rc<KeyStore<P>>,
    expected: &Expected,
    raw: &str,
) -> Result<Departing, Fault> {
    let now_s = i64::try_from(platform.now_ms() / 1000).map_err(|_| Fault::Platform)?;
    let (verified, _) = verified(platform, keys, raw).await?;
    token::check_departing(&verified, expected, now_s).map_err(Fault::Token)
}

/// Returns a claim of a message that the issuer signed with the keys of its tokens.
///
/// # Errors
/// Same as [`identify`].
pub async fn signed_claim<P: Platform>(
    platform: &P,
    keys: &Rc<KeyStore<P>>,
    raw: &str,
    name: &str,
) -> Result<Option<Value>, Fault> {
    let (verified, _) = verified(platform, keys, raw).await?;
    Ok(verified.claim(name).cloned())
}

/// Checks form, key and signature, and returns the generation of the key.
async fn verified<'a, P: Platform>(
    platform: &P,
    keys: &Rc<KeyStore<P>>,
    raw: &'a str,
) -> Result<(Verified<'a>, u64), Fault> {
    let unverified = token::read(raw).map_err(Fault::Token)?;
    let (key, mut generation) = keys.key(platform, unverified.kid()).await.map_err(|no_key| match no_key {
        NoKey::Unavailable { retry_after } => Fault::KeysUnavailable(retry_after),
        NoKey::Unknown => Fault::Token(TokenFault::KeyUnknown),
    })?;
    let mut good = signed_by(platform, &key, &unverified).await?;
    if !good && let Some((key, newer)) = keys.after_bad_signature(platform, unverified.kid()).await {
        generation = newer;
        good = signed_by(platform, &key, &unverified).await?;
    }
    Ok((unverified.verified(good).map_err(Fault::Token)?, generation))
}

async fn signed_by<P: Platform>(platform: &P, key: &P::VerifyingKey, token: &Unverified<'_>) -> Result<bool, Fault> {
    platform.verify(key, token.signed_part().as_bytes(), token.signature()).await.map_err(|_| Fault::Platform)
}

const MOST: usize = 1024;
