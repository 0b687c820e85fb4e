//! The issuer's keys, stored in the isolate as imported keys: fetched rarely, replaced as a set, never awaited from
//! another request (I-2).

use super::{Level, Outgoing, Platform, database::USER_AGENT};
use crate::{
    domain::secret::Secret,
    logic::{
        jwks::{self, Known, NEGATIVE_MS, RETRY_AFTER_S, RsaKey, Step},
        shared_set,
    },
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// The source of the keys.
#[derive(Debug)]
pub struct KeySource {
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
pub struct KeyStore<P: Platform> {
    source: KeySource,
    held: RefCell<Keys<P>>,
    /// The held keys, and the number of their changes: tokens verified with a former set are verified again.
    listed: RefCell<Vec<RsaKey>>,
    generation: Cell<u64>,
    known: Cell<Known>,
    doubted: Cell<Option<u64>>,
    /// Time since which a request of this isolate waits for a set.
    fetching: Cell<Option<u64>>,
    /// Key ids that were not in the set, and the time of that finding.
    unknown: RefCell<Vec<(String, u64)>>,
}

/// The reason for a missing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// No set is available; the token cannot be verified.
    Unavailable {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The set has no such key.
    Unknown,
}

impl<P: Platform> KeyStore<P> {
    /// Starts without a set.
    #[must_use]
    pub fn new(source: KeySource) -> Rc<Self> {
        Rc::new(Self {
            source,
            held: RefCell::default(),
            listed: RefCell::default(),
            generation: Cell::default(),
            known: Cell::default(),
            doubted: Cell::default(),
            fetching: Cell::default(),
            unknown: RefCell::default(),
        })
    }

    /// Returns the key with this id, and the generation of its set.
    ///
    /// # Errors
    /// The cases of [`NoKey`].
    pub async fn key(self: &Rc<Self>, platform: &P, kid: &str) -> Result<Dated<P>, NoKey> {
        match self.current(platform, kid).await? {
            Some(key) => Ok(key),
            None => self.look_for(platform, kid).await,
        }
    }

    /// Returns whether there is a key with this id, without a fetch for an unknown one.
    pub async fn knows(self: &Rc<Self>, platform: &P, kid: &str) -> bool {
        matches!(self.current(platform, kid).await, Ok(Some(_)))
    }

    /// Returns the key with this id in the set, which is fetched if it is due.
    async fn current(self: &Rc<Self>, platform: &P, kid: &str) -> Result<Option<Dated<P>>, NoKey> {
        let mut step = jwks::step(self.known.get(), platform.now_ms());
        if step == Step::Fetch && self.waited_for_another(platform).await {
            step = jwks::step(self.known.get(), platform.now_ms());
        }
        match step {
            Step::Use => {}
            Step::UseAndRefresh if self.held(kid).is_some() => self.refresh_behind(platform),
            // The set is due: an id that it lacks is rejected after the fetch, not while the fetch runs in the
            // background.
            Step::UseAndRefresh => {
                self.fetch(platform, jwks::SHARED_MS).await;
            }
            Step::Fetch => {
                if !self.fetch(platform, jwks::SHARED_MS).await && !self.may_go_on(platform) {
                    return self.pinned(platform).await.map(Some);
                }
            }
            Step::Unavailable { retry_after } => {
                return self.pinned(platform).await.map(Some).map_err(|_| NoKey::Unavailable { retry_after });
            }
        }
        Ok(self.held(kid))
    }

    /// Returns a number that changes whenever the held keys change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// Returns the key with this id after a signature was invalid: another one, if the issuer has rotated and reused
    /// the id.
    pub async fn after_bad_signature(self: &Rc<Self>, platform: &P, kid: &str) -> Option<Dated<P>> {
        let now = platform.now_ms();
        if !jwks::may_doubt_a_known_key(self.known.get(), self.doubted.get(), now) {
            return None;
        }
        // Only a doubt that causes a fetch counts: forged tokens could otherwise delay the next fetch forever.
        self.doubted.set(Some(now));
        if self.fetch(platform, jwks::AFTER_FAILURE_MS).await { self.held(kid) } else { None }
    }

    /// Fetches for an unknown id, at most once in 30 seconds; the id is remembered as unknown for 60 seconds.
    async fn look_for(self: &Rc<Self>, platform: &P, kid: &str) -> Result<Dated<P>, NoKey> {
        let now = platform.now_ms();
        self.unknown.borrow_mut().retain(|(_, found)| now.saturating_sub(*found) < NEGATIVE_MS);
        let remembered = self.unknown.borrow().iter().any(|(other, _)| other == kid);
        if !remembered
            && jwks::may_look_for_unknown(self.known.get(), now)
            && self.fetch(platform, jwks::UNKNOWN_MS).await
        {
            if let Some(key) = self.held(kid) {
                return Ok(key);
            }
            let mut unknown = self.unknown.borrow_mut();
            if unknown.len() < MOST_UNKNOWN {
                unknown.push((kid.to_owned(), now));
            }
        }
        Err(NoKey::Unknown)
    }

    fn held(&self, kid: &str) -> Option<Dated<P>> {
        let held = self.held.borrow();
        held.iter().find(|(other, _)| other == kid).map(|(_, key)| (key.clone(), self.generation.get()))
    }

    /// Returns whether a set that is no longer fresh may still be used after the fetch that just failed.
    fn may_go_on(&self, platform: &P) -> bool {
        matches!(jwks::step(self.known.get(), platform.now_ms()), Step::Use | Step::UseAndRefresh)
    }

    /// Returns the configured key, whatever the id, on a cold start without a reachable issuer.
    async fn pinned(&self, platform: &P) -> Result<Dated<P>, NoKey> {
        let unavailable = NoKey::Unavailable { retry_after: RETRY_AFTER_S };
        let pem = self.source.pem.as_ref().filter(|_| self.known.get().fetched.is_none()).ok_or(unavailable)?;
        let generation = self.generation.get();
        let key = platform.import_rsa(&pem.n, &pem.e).await.map_err(|_| unavailable)?;
        Ok((key, generation))
    }

    fn refresh_behind(self: &Rc<Self>, platform: &P) {
        let (store, background) = (Rc::clone(self), platform.clone());
        // Counts as tried from now on, so that the next request does not repeat it.
        store.known.set(Known { tried: Some(platform.now_ms()), ..store.known.get() });
        platform.wait_until(async move {
            store.fetch(&background, jwks::SHARED_MS).await;
        });
    }

    /// Waits while another request of this isolate fetches, by polling: an object of one request must not be awaited in
    /// another. Returns whether there was one.
    async fn waited_for_another(&self, platform: &P) -> bool {
        let mut waited = false;
        while self.fetching.get().is_some_and(|since| platform.now_ms().saturating_sub(since) <= jwks::TIMEOUT_MS) {
            platform.sleep(LOOKING_MS).await;
            waited = true;
        }
        waited
    }

    /// Replaces the set by one that another isolate has fetched within `shared_ms`, otherwise by the issuer's; an
    /// invalid response changes only the time of the next attempt.
    async fn fetch(self: &Rc<Self>, platform: &P, shared_ms: u64) -> bool {
        let began = platform.now_ms();
        self.known.set(Known { tried: Some(began), ..self.known.get() });
        self.fetching.set(Some(began));
        let found = match self.shared(platform, shared_ms).await {
            Some(found) => Some((found, None)),
            None => self.fetched(platform).await.map(|(keys, set)| ((keys, platform.now_ms()), Some(set))),
        };
        self.fetching.set(None);
        let outcome = if let Some((((listed, keys), fetched), set)) = found {
            self.held.replace(keys);
            if self.listed.replace(listed.clone()) != listed {
                self.generation.set(self.generation.get() + 1);
            }
            self.known.set(Known { fetched: Some(fetched), tried: Some(began), failed: false });
            match set {
                Some(set) => {
                    self.share_behind(platform, fetched, &set);
                    "fetched"
                }
                None => "shared",
            }
        } else {
            self.known.set(Known { tried: Some(began), failed: true, ..self.known.get() });
            "failed"
        };
        let line = serde_json::json!({
            "event": "jwks",
            "outcome": outcome,
            "keys": self.held.borrow().len(),
            "age_ms": self.known.get().fetched.map(|fetched| platform.now_ms().saturating_sub(fetched)),
            "duration_ms": platform.now_ms().saturating_sub(began),
        });
        platform.log(if outcome == "failed" { Level::Warn } else { Level::Info }, &line.to_string());
        outcome != "failed"
    }

    /// Returns a set that another isolate has fetched recently, and later than the one held here; its age counts from
    /// that fetch.
    async fn shared(&self, platform: &P, shared_ms: u64) -> Option<((Vec<RsaKey>, Keys<P>), u64)> {
        let kept = platform.kept(&self.source.shared_url, jwks::LONGEST_SET + shared_set::OVERHEAD_BYTES);
        let bytes = platform.within(CACHE_MS, kept).await??;
        let (fetched, set) = shared_set::opened(&self.source.sharing_key, &self.source.jwks_url, &bytes)?;
        let newer = self.known.get().fetched.is_none_or(|held| fetched > held);
        let (now, fresh) = (platform.now_ms(), platform.now_ms().saturating_sub(fetched) < shared_ms);
        let keys = imported(platform, set).await.filter(|_| newer && fresh && fetched <= now)?;
        Some((keys, fetched))
    }

    /// Shares a set after it is held here, so that a cache that does not respond delays no request. Only valid sets are
    /// shared.
    fn share_behind(self: &Rc<Self>, platform: &P, fetched: u64, set: &[u8]) {
        let sealed = shared_set::sealed(&self.source.sharing_key, &self.source.jwks_url, fetched, set);
        let (store, background) = (Rc::clone(self), platform.clone());
        platform.wait_until(async move {
            let sharing = background.keep(&store.source.shared_url, &sealed, SHARED_S);
            background.within(SHARING_MS, sharing).await;
        });
    }

    /// Returns the issuer's set, and its source text.
    async fn fetched(&self, platform: &P) -> Option<((Vec<RsaKey>, Keys<P>), Vec<u8>)> {
        let request = Outgoing {
            method: "GET",
            url: self.source.jwks_url.clone(),
            headers: vec![("accept", "application/json".to_owned()), ("user-agent", USER_AGENT.to_owned())],
            wanted: &["content-type"],
            body: None,
            timeout_ms: u32::try_from(jwks::TIMEOUT_MS).unwrap_or(u32::MAX),
        };
        let answer = platform.fetch(request).await.ok()?;
        let json = answer.headers.value("content-type").is_some_and(|media| media.contains("json"));
        let body = answer.body.filter(|_| answer.status == 200 && json)?;
        let body = platform.read(body, jwks::LONGEST_SET).await.ok()?;
        let keys = imported(platform, &body).await?;
        Some((keys, body))
    }
}

/// A key, and the generation of its set.
pub type Dated<P> = (<P as Platform>::VerifyingKey, u64);
type Keys<P> = Vec<(String, <P as Platform>::VerifyingKey)>;

async fn imported<P: Platform>(platform: &P, set: &[u8]) -> Option<(Vec<RsaKey>, Keys<P>)> {
    let listed = jwks::parse(set).ok()?;
    let mut keys = Vec::new();
    for key in &listed {
        keys.push((key.kid.clone(), platform.import_rsa(&key.n, &key.e).await.ok()?));
    }
    Some((listed, keys))
}

const LOOKING_MS: u32 = 10;
const SHARED_S: u32 = 300;
/// Timeout of the cache, for which Cloudflare documents none, before the issuer is requested.
const CACHE_MS: u32 = 400;
const SHARING_MS: u32 = 2_000;
const MOST_UNKNOWN: usize = 256;
