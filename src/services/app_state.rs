//! State with the lifetime of an isolate: the variables, and caches shared by its requests.

use crate::{
    domain::{headers::Headers, secret::Secret, session::Session, time::whole_seconds},
    logic::{
        authn::{
            browser_session::{ClerkInstance, cookie_suffix},
            csrf,
            database_token::SigningKey,
            jwks,
            session_token::{self, EndingSession, TokenPolicy},
            shared_jwks,
        },
        config::{Config, ConfigError},
        error::Error,
        http::{
            client_ip, cookies,
            query_string::{Unescaped, encode},
        },
    },
    runtime::RuntimePort as _,
    services::{
        database_client::DatabaseClient,
        database_token_issuer::DatabaseTokenIssuer,
        exposed_sessions::ExposedSessions,
        jwks_cache::{JwksCache, JwksSource},
        rate_limiter::{RateLimiter, network},
        request_bodies::BodyBudget,
        request_context::RequestContext,
        request_log::RequestLogWriter,
        session_verifier::{self, SessionCache},
    },
};
use std::{cell::Cell, rc::Rc};

/// The state of one isolate.
pub struct AppState {
    /// The parsed variables.
    pub config: Config,
    /// Request rows that wait to be written.
    pub request_log: Rc<RequestLogWriter>,
    /// The client of the database.
    pub database: Rc<DatabaseClient>,
    /// The bytes of the held bodies.
    pub body_budget: BodyBudget,
    /// The last status of `/healthz`.
    pub health: Cell<Option<HealthStatus>>,
    /// Time at which a request of this isolate began to probe; the runtime may end that request before it is done.
    pub probing_since: Cell<Option<u64>>,
    /// Sessions whose tokens were recently sent over plain http.
    pub exposed: ExposedSessions,
    /// Limit of the requests to Clerk's Backend API caused by page requests, by network and by user.
    pub clerk_request_limiter: RateLimiter,
    /// The names and domains of Clerk's cookies in this deployment.
    pub clerk_instance: ClerkInstance,
    /// The key of the tokens in forms.
    pub csrf_key: Secret<Vec<u8>>,
    /// The key of the address hashes in request rows.
    pub client_ip_key: Secret<Vec<u8>>,
    token_policy: TokenPolicy,
    jwks: Rc<JwksCache>,
    sessions: SessionCache,
}

/// Reachability of the Hub's upstreams at a time.
#[derive(Clone, Copy, Debug)]
pub struct HealthStatus {
    /// Time of the probe, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// True if `PostgREST` responded to a request of the Hub.
    pub database: bool,
    /// True if Clerk's JWKS responded.
    pub jwks: bool,
}

impl AppState {
    /// Starts without cached state.
    ///
    /// # Errors
    /// The variables whose keys are unusable.
    pub fn new(config: Config) -> Result<Self, Vec<ConfigError>> {
        let config_error = |name| vec![ConfigError { name, reason: "holds no usable key" }];
        let keys = SigningKey::parse_set(&config.signing_keys).unwrap_or_default();
        // A rotation puts the new key first and leaves the oldest last, so that the derived keys do not change with it.
        let (signing, oldest) = keys.first().zip(keys.last()).ok_or_else(|| config_error("HUB_SIGNING_KEYS"))?;
        let root = config.hmac_key.as_ref().unwrap_or(&oldest.d);
        let pem =
            config.jwt_key.as_deref().map(jwks::from_pem).transpose().map_err(|_| config_error("CLERK_JWT_KEY"))?;
        let forms = csrf::derive_key(root);
        let addresses = client_ip::derive_key(root);
        let database = DatabaseClient::new(&config, DatabaseTokenIssuer::new(signing.clone()));
        Ok(Self {
            token_policy: TokenPolicy {
                issuer: config.issuer.clone(),
                authorized_parties: config.authorized_parties.clone(),
                role_claim: config.role_claim.clone(),
            },
            jwks: JwksCache::new(JwksSource {
                jwks_url: config.jwks_url.clone(),
                // No route of the Hub uses this URL; the keys of another instance would have another URL.
                shared_url: format!("{}/.keys?of={}", config.origin, encode(&config.jwks_url, Unescaped::None)),
                sharing_key: shared_jwks::derive_key(root),
                pem,
            }),
            sessions: SessionCache::default(),
            request_log: RequestLogWriter::new(Rc::clone(&database)),
            database,
            body_budget: BodyBudget::default(),
            health: Cell::new(None),
            probing_since: Cell::new(None),
            exposed: ExposedSessions::default(),
            clerk_request_limiter: RateLimiter::new(MAX_CLERK_REQUESTS_PER_MINUTE),
            clerk_instance: ClerkInstance {
                suffix: cookie_suffix(&config.clerk_publishable_key),
                issuer: config.issuer.clone(),
                is_development: config.is_development_instance,
                domains: cookies::domains(&config.origin),
            },
            csrf_key: forms,
            client_ip_key: addresses,
            config,
        })
    }

    /// Returns the session of a token (I-1).
    ///
    /// # Errors
    /// `Token` for an invalid one, `JwksUnavailable` if it could not be verified.
    pub async fn authenticate(&self, context: &RequestContext, token: &str) -> Result<Session, Error> {
        self.sessions.authenticate(context, &self.jwks, &self.token_policy, token).await
    }

    /// Returns whether a token justifies a signature check: its form, issuer and times are those of a valid one. The
    /// result proves nothing.
    #[must_use]
    pub fn may_be_valid(&self, context: &RequestContext, token: &str) -> bool {
        let now_s = whole_seconds(context.runtime.now_ms());
        let current = |claims: session_token::UnverifiedClaims| claims.is_current(&self.token_policy.issuer, now_s);
        session_token::parse(token).is_ok() && session_token::decode_unverified(token).is_some_and(current)
    }

    /// Returns whether the key id of a token is one of the issuer's. An unknown one causes no fetch.
    pub async fn knows_key_of(&self, context: &RequestContext, token: &str) -> bool {
        match session_token::parse(token) {
            Ok(unverified) => self.jwks.knows(context, unverified.kid()).await,
            Err(_) => false,
        }
    }

    /// Verifies a token for signing out; it may have expired (I-2).
    ///
    /// # Errors
    /// Same as [`AppState::authenticate`].
    pub async fn ending_session(&self, context: &RequestContext, token: &str) -> Result<EndingSession, Error> {
        session_verifier::ending_session(context, &self.jwks, &self.token_policy, token).await
    }

    /// Returns the content of Clerk's handshake, if it is signed with a key of the issuer.
    ///
    /// # Errors
    /// Same as [`AppState::authenticate`].
    pub async fn verify_handshake_token(
        &self,
        context: &RequestContext,
        token: &str,
    ) -> Result<Option<serde_json::Value>, Error> {
        match session_verifier::verify_claim(context, &self.jwks, token, "handshake").await {
            Err(Error::Token(_)) => Err(Error::HandshakeFailed("handshake-token-refused")),
            other => other,
        }
    }

    /// Counts a request to Clerk's Backend API that a client without a verified token causes.
    ///
    /// Clerk limits requests per secret key, not per user: a 429 would also block the checks of staff and the end of
    /// sessions.
    /// Source: <https://clerk.com/docs/guides/how-clerk-works/system-limits#backend-api-requests>
    ///
    /// # Errors
    /// `ClerkUnavailable` if the client's network has used up the limit of this minute.
    pub fn may_call_clerk(&self, context: &RequestContext, headers: &Headers) -> Result<(), Error> {
        let may = self.clerk_request_limiter.try_acquire(&network(headers), context.runtime.now_ms());
        may.then_some(()).ok_or(Error::ClerkUnavailable)
    }

    /// Removes a session that was revoked or signed out from the cache (I-2).
    pub fn evict_session(&self, session: &Session) {
        self.sessions.evict(&session.id);
    }
}

/// Limit per minute, of one network or user: all users of an office may sign in from one address, and Clerk's limit is
/// 6,000 for a production instance.
const MAX_CLERK_REQUESTS_PER_MINUTE: u32 = 120;
