//! State with the lifetime of an isolate: the variables, and caches shared by its requests.

use super::{
    Platform,
    allowance::{Allowance, network},
    bodies::Bodies,
    exposed::Exposed,
    journal::Journal,
    keys::{KeySource, KeyStore},
    mint::Minter,
    sessions::{self, Sessions},
};
use crate::{
    domain::{
        headers::Headers,
        secret::Secret,
        session::{Actor, Session},
    },
    logic::{
        address,
        config::{Config, Problem},
        cookies, csrf,
        fault::Fault,
        jwks,
        return_to::encoded,
        shared_set,
        token::{self, Departing, Expected},
        upstream_token::SigningKey,
        visit::{Instance, cookie_suffix},
    },
};
use std::{cell::Cell, rc::Rc};

/// The Hub of one isolate.
pub struct Hub<P: Platform> {
    /// The parsed variables.
    pub config: Config,
    /// Request rows that wait to be written.
    pub journal: Journal,
    /// The bytes of the held bodies.
    pub bodies: Bodies,
    /// The last finding of `/healthz`.
    pub health: Cell<Option<Finding>>,
    /// Time at which a request of this isolate began to probe; a platform may end that request before it is done.
    pub probing_since: Cell<Option<u64>>,
    /// Sessions whose tokens were recently sent over plain http.
    pub exposed: Exposed,
    /// Limit of the requests to Clerk's Backend API caused by visitors, by network and by user.
    pub clerk_questions: Allowance,
    /// The names and domains of Clerk's cookies in this deployment.
    pub instance: Instance,
    /// The key of the tokens in forms.
    pub forms: Secret<Vec<u8>>,
    /// The key of the address hashes in request rows.
    pub addresses: Secret<Vec<u8>>,
    expected: Expected,
    keys: Rc<KeyStore<P>>,
    sessions: Sessions,
    minter: Minter<P>,
}

/// Reachability of the Hub's upstreams at a time.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// Time of the probe, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// True if `PostgREST` responded to a request of the Hub.
    pub database: bool,
    /// True if Clerk's JWKS responded.
    pub jwks: bool,
}

impl<P: Platform> Hub<P> {
    /// Starts without cached state.
    ///
    /// # Errors
    /// The variables whose keys are unusable.
    pub fn new(config: Config) -> Result<Self, Vec<Problem>> {
        let bad = |name| vec![Problem { name, wrong: "holds no usable key" }];
        let keys = SigningKey::set(&config.signing_keys).unwrap_or_default();
        // A rotation puts the new key first and leaves the oldest last, so that the derived keys do not change with it.
        let (signing, oldest) = keys.first().zip(keys.last()).ok_or_else(|| bad("HUB_SIGNING_KEYS"))?;
        let root = config.hmac_key.as_ref().unwrap_or(&oldest.d);
        let pem = config.jwt_key.as_deref().map(jwks::from_pem).transpose().map_err(|_| bad("CLERK_JWT_KEY"))?;
        let forms = csrf::key(root);
        let addresses = address::key(root);
        Ok(Self {
            expected: Expected {
                issuer: config.issuer.clone(),
                authorized_parties: config.authorized_parties.clone(),
                role_claim: config.role_claim.clone(),
            },
            keys: KeyStore::new(KeySource {
                jwks_url: config.jwks_url.clone(),
                // No route of the Hub uses this URL; the keys of another instance would have another URL.
                shared_url: format!("{}/.keys?of={}", config.origin, encoded(&config.jwks_url)),
                sharing_key: shared_set::key(root),
                pem,
            }),
            sessions: Sessions::default(),
            minter: Minter::new(signing.clone()),
            journal: Journal::default(),
            bodies: Bodies::default(),
            health: Cell::new(None),
            probing_since: Cell::new(None),
            exposed: Exposed::default(),
            clerk_questions: Allowance::new(MAX_CLERK_QUESTIONS),
            instance: Instance {
                suffix: cookie_suffix(&config.clerk_publishable_key),
                issuer: config.issuer.clone(),
                development: config.development,
                domains: cookies::domains(&config.origin),
            },
            forms,
            addresses,
            config,
        })
    }

    /// Returns the session of a token (I-1).
    ///
    /// # Errors
    /// `Token` for an invalid one, `KeysUnavailable` if it could not be verified.
    pub async fn identify(&self, platform: &P, token: &str) -> Result<Session, Fault> {
        sessions::identify(platform, &self.sessions, &self.keys, &self.expected, token).await
    }

    /// Returns whether a token justifies a signature check: its form, issuer and times are those of a valid one. The
    /// result proves nothing.
    #[must_use]
    pub fn looks_valid(&self, platform: &P, token: &str) -> bool {
        let now_s = i64::try_from(platform.now_ms() / 1000).unwrap_or(i64::MAX);
        let current = |seen: token::Peek| seen.is_current(&self.expected.issuer, now_s);
        token::read(token).is_ok() && token::peek(token).is_some_and(current)
    }

    /// Returns whether the key id of a token is one of the issuer's. An unknown one causes no fetch.
    pub async fn knows_key_of(&self, platform: &P, token: &str) -> bool {
        match token::read(token) {
            Ok(unverified) => self.keys.knows(platform, unverified.kid()).await,
            Err(_) => false,
        }
    }

    /// Verifies a token for signing out; it may have expired (I-2).
    ///
    /// # Errors
    /// Same as [`Hub::identify`].
    pub async fn departing(&self, platform: &P, token: &str) -> Result<Departing, Fault> {
        sessions::departing(platform, &self.keys, &self.expected, token).await
    }

    /// Returns the content of Clerk's handshake, if it is signed with a key of the issuer.
    ///
    /// # Errors
    /// Same as [`Hub::identify`].
    pub async fn signed_message(&self, platform: &P, token: &str) -> Result<Option<serde_json::Value>, Fault> {
        match sessions::signed_claim(platform, &self.keys, token, "handshake").await {
            Err(Fault::Token(_)) => Err(Fault::VisitStuck("handshake-token-refused")),
            other => other,
        }
    }

    /// Returns a token for the database that authenticates exactly this actor.
    ///
    /// # Errors
    /// `Platform` if signing fails.
    pub async fn mint(&self, platform: &P, actor: &Actor<'_>) -> Result<String, Fault> {
        self.minter.token(platform, actor).await
    }

    /// Counts a request to Clerk's Backend API that a visitor without a verified token causes.
    ///
    /// Clerk limits requests per secret key, not per user: a 429 would also block the checks of staff and the end of
    /// sessions.
    /// Source: <https://clerk.com/docs/guides/how-clerk-works/system-limits#backend-api-requests>
    ///
    /// # Errors
    /// `ClerkUnavailable` if the visitor's network has used up the limit of this minute.
    pub fn may_ask_clerk(&self, platform: &P, headers: &Headers) -> Result<(), Fault> {
        let may = self.clerk_questions.one_more(&network(headers), platform.now_ms());
        may.then_some(()).ok_or(Fault::ClerkUnavailable)
    }

    /// Removes a session that was revoked or signed out from the cache (I-2).
    pub fn forget(&self, session: &Session) {
        self.sessions.forget(&session.id);
    }
}

/// Limit per minute, of one network or user: all users of an office may sign in from one address, and Clerk's limit is
/// 6,000 for a production instance.
const MAX_CLERK_QUESTIONS: u32 = 120;
