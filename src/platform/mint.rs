//! Signs the Hub's tokens for the database, and caches each while it is valid.

use super::Platform;
use crate::{
    domain::session::Actor,
    logic::{
        fault::Fault,
        upstream_token::{self, LIFE_S, SigningKey},
    },
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
};

/// The token minter of one isolate.
pub struct Minter<P: Platform> {
    key: SigningKey,
    imported: OnceCell<P::SigningKey>,
    kept: RefCell<HashMap<String, Kept>>,
}

struct Kept {
    token: String,
    until_s: i64,
}

impl<P: Platform> Minter<P> {
    /// Returns a minter that signs with this key.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self { key, imported: OnceCell::new(), kept: RefCell::default() }
    }

    /// Returns a token for this actor with a remaining lifetime of at least 10 seconds.
    ///
    /// # Errors
    /// `Platform` if signing fails, or if the actor has no rights.
    pub async fn token(&self, platform: &P, actor: &Actor<'_>) -> Result<String, Fault> {
        let now_s = i64::try_from(platform.now_ms() / 1000).map_err(|_| Fault::Platform)?;
        let name = identity(actor);
        if let Some(kept) = self.kept.borrow().get(&name).filter(|kept| now_s < kept.until_s) {
            return Ok(kept.token.clone());
        }
        let jti = Base64UrlUnpadded::encode_string(&platform.random::<16>().map_err(|_| Fault::Platform)?);
        let unsigned = upstream_token::unsigned(&self.key.kid, actor, now_s, &jti).ok_or(Fault::Platform)?;
        let signature = self.sign(platform, unsigned.as_bytes()).await.ok_or(Fault::Platform)?;
        let token = format!("{unsigned}.{}", Base64UrlUnpadded::encode_string(&signature));
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, kept| now_s < kept.until_s);
        }
        if kept.len() < MOST_KEPT {
            kept.insert(name, Kept { token: token.clone(), until_s: now_s + LIFE_S - SPARE_S });
        }
        Ok(token)
    }

    async fn sign(&self, platform: &P, message: &[u8]) -> Option<[u8; 64]> {
        let key = if let Some(key) = self.imported.get() {
            key.clone()
        } else {
            let key = platform.import_p256(&self.key.x, &self.key.y, self.key.d.expose()).await.ok()?;
            // Another request may have been first; both keys are the same.
            drop(self.imported.set(key.clone()));
            key
        };
        platform.sign(&key, message).await.ok()
    }
}

/// Returns all values of the claims as text, so that no token serves two actors that differ in any of them.
fn identity(actor: &Actor<'_>) -> String {
    match actor {
        Actor::Person(session) => format!(
            "{}\n{}\n{}\n{}\n{}\n{}",
            session.id,
            session.user,
            session.owner(),
            session.who().map_or("nobody", |who| who.name()),
            session.issued_at,
            session.name.as_deref().unwrap_or_default(),
        ),
        Actor::Job(name) => (*name).to_owned(),
    }
}

const MOST_KEPT: usize = 1024;
const SPARE_S: i64 = 10;
