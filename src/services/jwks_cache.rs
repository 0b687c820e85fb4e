//! The issuer's keys, stored in the isolate as imported keys: fetched rarely, replaced as a set, never awaited from
//! another request (I-2).

use crate::{
    domain::secret::Secret,
    logic::authn::jwks::{self, JwksCacheState, RETRY_AFTER_S, RefreshDecision, RsaKey, UNKNOWN_KID_TTL_MS},
    runtime::{LogLevel, RuntimePort as _},
    services::request_context::RequestContext,
};
mod import;
mod sources;

pub use import::DatedKey;
use import::Keys;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// The source of the keys.
#[derive(Debug)]
pub struct JwksSource {
    /// The JWK set's URL.
    pub jwks_url: String,
    /// The cache URL under which the isolates of a data centre share a set.
    pub shared_url: String,
    /// The key that authenticates a shared set as the Hub's.
    pub sharing_key: Secret<Vec<u8>>,
    /// A key that is used until a first set is fetched.
    pub pem: Option<RsaKey>,
}

/// The keys of one issuer, by key id.
pub struct JwksCache {
    source: JwksSource,
    imported_keys: RefCell<Keys>,
    /// The held keys, and the number of their changes: tokens verified with a former set are verified again.
    public_keys: RefCell<Vec<RsaKey>>,
    generation: Cell<u64>,
    state: Cell<JwksCacheState>,
    last_signature_refetch: Cell<Option<u64>>,
    /// Time since which a request of this isolate waits for a set.
    fetching: Cell<Option<u64>>,
    /// Key ids that were not in the set, and the time at which each was not found.
    unknown_kids: RefCell<Vec<(String, u64)>>,
}

/// The reason for a missing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLookupError {
    /// No set is available; the token cannot be verified.
    Unavailable {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The set has no such key.
    Unknown,
}

impl JwksCache {
    /// Starts without a set.
    #[must_use]
    pub fn new(source: JwksSource) -> Rc<Self> {
        Rc::new(Self {
            source,
            imported_keys: RefCell::default(),
            public_keys: RefCell::default(),
            generation: Cell::default(),
            state: Cell::default(),
            last_signature_refetch: Cell::default(),
            fetching: Cell::default(),
            unknown_kids: RefCell::default(),
        })
    }

    /// Returns the key with this id, and the generation of its set.
    ///
    /// # Errors
    /// The cases of [`KeyLookupError`].
    pub async fn key(self: &Rc<Self>, context: &RequestContext, kid: &str) -> Result<DatedKey, KeyLookupError> {
        match self.current(context, kid).await? {
            Some(key) => Ok(key),
            None => self.refetch_for_unknown_kid(context, kid).await,
        }
    }

    /// Returns whether there is a key with this id, without a fetch for an unknown one.
    pub async fn knows(self: &Rc<Self>, context: &RequestContext, kid: &str) -> bool {
        matches!(self.current(context, kid).await, Ok(Some(_)))
    }

    /// Returns the key with this id in the set, which is fetched if it is due.
    async fn current(self: &Rc<Self>, context: &RequestContext, kid: &str) -> Result<Option<DatedKey>, KeyLookupError> {
        let mut step = jwks::refresh_decision(self.state.get(), context.runtime.now_ms());
        if step == RefreshDecision::Fetch && self.wait_for_inflight_fetch(context).await {
            step = jwks::refresh_decision(self.state.get(), context.runtime.now_ms());
        }
        match step {
            RefreshDecision::Use => {}
            RefreshDecision::UseAndRefresh if self.cached_key(kid).is_some() => self.refresh_in_background(context),
            // The set is due: an id that it lacks is rejected after the fetch, not while the fetch runs in the
            // background.
            RefreshDecision::UseAndRefresh => {
                self.fetch(context, jwks::SHARED_MAX_AGE_MS).await;
            }
            RefreshDecision::Fetch => {
                if !self.fetch(context, jwks::SHARED_MAX_AGE_MS).await && !self.may_use_stale(context) {
                    return self.fallback_key(context).await.map(Some);
                }
            }
            RefreshDecision::Unavailable { retry_after } => {
                return self
                    .fallback_key(context)
                    .await
                    .map(Some)
                    .map_err(|_| KeyLookupError::Unavailable { retry_after });
            }
        }
        Ok(self.cached_key(kid))
    }

    /// Returns a number that changes whenever the held keys change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// Returns the key with this id after a signature was invalid: another one, if the issuer has rotated and reused
    /// the id.
    pub async fn after_invalid_signature(self: &Rc<Self>, context: &RequestContext, kid: &str) -> Option<DatedKey> {
        let now = context.runtime.now_ms();
        if !jwks::may_refetch_after_invalid_signature(self.state.get(), self.last_signature_refetch.get(), now) {
            return None;
        }
        // Only a check that causes a fetch counts: forged tokens could otherwise delay the next fetch forever.
        self.last_signature_refetch.set(Some(now));
        if self.fetch(context, jwks::AFTER_FAILURE_MS).await { self.cached_key(kid) } else { None }
    }

    /// Fetches for an unknown id, at most once in 30 seconds; the id is remembered as unknown for 60 seconds.
    async fn refetch_for_unknown_kid(
        self: &Rc<Self>,
        context: &RequestContext,
        kid: &str,
    ) -> Result<DatedKey, KeyLookupError> {
        let now = context.runtime.now_ms();
        self.unknown_kids.borrow_mut().retain(|(_, found)| now.saturating_sub(*found) < UNKNOWN_KID_TTL_MS);
        let remembered = self.unknown_kids.borrow().iter().any(|(other, _)| other == kid);
        if !remembered
            && jwks::may_refetch_for_unknown_kid(self.state.get(), now)
            && self.fetch(context, jwks::UNKNOWN_KID_REFETCH_INTERVAL_MS).await
        {
            if let Some(key) = self.cached_key(kid) {
                return Ok(key);
            }
            let mut unknown = self.unknown_kids.borrow_mut();
            if unknown.len() < MAX_UNKNOWN_KIDS {
                unknown.push((kid.to_owned(), now));
            }
        }
        Err(KeyLookupError::Unknown)
    }

    fn cached_key(&self, kid: &str) -> Option<DatedKey> {
        let held = self.imported_keys.borrow();
        held.iter().find(|(other, _)| other == kid).map(|(_, key)| (key.clone(), self.generation.get()))
    }

    /// Returns whether a set that is no longer fresh may still be used after the fetch that just failed.
    fn may_use_stale(&self, context: &RequestContext) -> bool {
        matches!(
            jwks::refresh_decision(self.state.get(), context.runtime.now_ms()),
            RefreshDecision::Use | RefreshDecision::UseAndRefresh
        )
    }

    /// Returns the configured key, whatever the id, on a cold start without a reachable issuer.
    async fn fallback_key(&self, context: &RequestContext) -> Result<DatedKey, KeyLookupError> {
        let unavailable = KeyLookupError::Unavailable { retry_after: RETRY_AFTER_S };
        let pem = self.source.pem.as_ref().filter(|_| self.state.get().fetched_at_ms.is_none()).ok_or(unavailable)?;
        let generation = self.generation.get();
        let key = context.runtime.import_rsa(&pem.modulus, &pem.exponent).await.map_err(|_| unavailable)?;
        Ok((key, generation))
    }

    fn refresh_in_background(self: &Rc<Self>, context: &RequestContext) {
        let (store, background) = (Rc::clone(self), context.background());
        // Counts as tried from now on, so that the next request does not repeat it.
        store.state.set(JwksCacheState { last_attempt_ms: Some(context.runtime.now_ms()), ..store.state.get() });
        context.runtime.wait_until(async move {
            store.fetch(&background, jwks::SHARED_MAX_AGE_MS).await;
        });
    }

    /// Waits while another request of this isolate fetches, by polling: an object of one request must not be awaited in
    /// another. Returns whether there was one.
    async fn wait_for_inflight_fetch(&self, context: &RequestContext) -> bool {
        let mut waited = false;
        while self
            .fetching
            .get()
            .is_some_and(|since| context.runtime.now_ms().saturating_sub(since) <= jwks::TIMEOUT_MS)
        {
            context.runtime.sleep(POLL_INTERVAL_MS).await;
            waited = true;
        }
        waited
    }

    /// Replaces the set by one that another isolate has fetched within `shared_ms`, otherwise by the issuer's; an
    /// invalid response changes only the time of the next attempt.
    async fn fetch(self: &Rc<Self>, context: &RequestContext, shared_ms: u64) -> bool {
        let began = context.runtime.now_ms();
        self.state.set(JwksCacheState { last_attempt_ms: Some(began), ..self.state.get() });
        self.fetching.set(Some(began));
        let found = match self.load_shared(context, shared_ms).await {
            Some(found) => Some((found, None)),
            None => {
                self.fetch_from_issuer(context).await.map(|(keys, set)| ((keys, context.runtime.now_ms()), Some(set)))
            }
        };
        self.fetching.set(None);
        let outcome = if let Some((((listed, keys), fetched), set)) = found {
            self.imported_keys.replace(keys);
            if self.public_keys.replace(listed.clone()) != listed {
                self.generation.set(self.generation.get() + 1);
            }
            self.state.set(JwksCacheState {
                fetched_at_ms: Some(fetched),
                last_attempt_ms: Some(began),
                last_attempt_failed: false,
            });
            match set {
                Some(set) => {
                    self.share_in_background(context, fetched, &set);
                    "fetched"
                }
                None => "shared",
            }
        } else {
            self.state.set(JwksCacheState {
                last_attempt_ms: Some(began),
                last_attempt_failed: true,
                ..self.state.get()
            });
            "failed"
        };
        let line = serde_json::json!({
            "event": "jwks",
            "outcome": outcome,
            "keys": self.imported_keys.borrow().len(),
            "age_ms": self.state.get().fetched_at_ms.map(|fetched| context.runtime.now_ms().saturating_sub(fetched)),
            "duration_ms": context.runtime.now_ms().saturating_sub(began),
        });
        context.log(if outcome == "failed" { LogLevel::Warn } else { LogLevel::Info }, line);
        outcome != "failed"
    }
}

const POLL_INTERVAL_MS: u32 = 10;
const MAX_UNKNOWN_KIDS: usize = 256;
