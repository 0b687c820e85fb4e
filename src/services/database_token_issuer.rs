//! Signs the Hub's tokens for the database, and caches each while it is valid.

use crate::{
    domain::{
        lifetimes::{DATABASE_TOKEN_S, MIN_DATABASE_TOKEN_S},
        session::Actor,
        time::whole_seconds,
    },
    logic::{
        authn::database_token::{self, SigningKey},
        error::Error,
    },
    runtime::{ImportedSigningKey, RuntimePort as _},
    services::request_context::RequestContext,
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
};

/// The token issuer of one isolate.
pub struct DatabaseTokenIssuer {
    key: SigningKey,
    imported: OnceCell<ImportedSigningKey>,
    tokens: RefCell<HashMap<String, CachedToken>>,
}

struct CachedToken {
    token: String,
    until_s: i64,
}

impl DatabaseTokenIssuer {
    /// Returns an issuer that signs with this key.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self { key, imported: OnceCell::new(), tokens: RefCell::default() }
    }

    /// Returns a token for this actor with a remaining lifetime of at least 10 seconds.
    ///
    /// # Errors
    /// `RuntimeFailed` if signing fails, or if the actor has no rights.
    pub async fn token(&self, context: &RequestContext, actor: &Actor<'_>) -> Result<String, Error> {
        let now_s = whole_seconds(context.runtime.now_ms());
        let name = cache_key(actor);
        if let Some(tokens) = self.tokens.borrow().get(&name).filter(|tokens| now_s < tokens.until_s) {
            return Ok(tokens.token.clone());
        }
        let jti = Base64UrlUnpadded::encode_string(&context.runtime.random::<16>().map_err(|_| Error::RuntimeFailed)?);
        let unsigned = database_token::signing_input(&self.key.kid, actor, now_s, &jti).ok_or(Error::RuntimeFailed)?;
        let signature = self.sign(context, unsigned.as_bytes()).await.ok_or(Error::RuntimeFailed)?;
        let token = format!("{unsigned}.{}", Base64UrlUnpadded::encode_string(&signature));
        let mut tokens = self.tokens.borrow_mut();
        if tokens.len() >= MAX_CACHED_TOKENS {
            tokens.retain(|_, tokens| now_s < tokens.until_s);
        }
        if tokens.len() < MAX_CACHED_TOKENS {
            tokens.insert(
                name,
                CachedToken { token: token.clone(), until_s: now_s + DATABASE_TOKEN_S - MIN_DATABASE_TOKEN_S },
            );
        }
        Ok(token)
    }

    async fn sign(&self, context: &RequestContext, message: &[u8]) -> Option<[u8; 64]> {
        let key = if let Some(key) = self.imported.get() {
            key.clone()
        } else {
            let key = context.runtime.import_p256(&self.key.x, &self.key.y, self.key.d.expose()).await.ok()?;
            // Another request may have been first; both keys are the same.
            drop(self.imported.set(key.clone()));
            key
        };
        context.runtime.sign(&key, message).await.ok()
    }
}

/// Returns all values of the claims as text, so that no token serves two actors that differ in any of them.
fn cache_key(actor: &Actor<'_>) -> String {
    match actor {
        Actor::User(session) => format!(
            "{}\n{}\n{}\n{}\n{}\n{}",
            session.id,
            session.user,
            session.owner(),
            session.principal_name(),
            session.issued_at,
            session.display_name.as_deref().unwrap_or_default(),
        ),
        Actor::Job(name) => (*name).to_owned(),
    }
}

const MAX_CACHED_TOKENS: usize = 1024;
