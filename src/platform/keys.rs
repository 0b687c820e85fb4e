//! The issuer's keys, kept in the isolate as imported keys: fetched seldom, replaced whole, never awaited from another
//! request (I-2).

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

/// Where the keys come from.
#[derive(Debug)]
pub struct KeySource {
    /// The JWK set's URL.
    pub jwks_url: String,
    /// Under which URL the isolates of one place share a set.
    pub shared_url: String,
    /// What proves that a Hub shared it.
    pub sharing_key: Secret<Vec<u8>>,
    /// A key that is used while no set has ever been had.
    pub pem: Option<RsaKey>,
}

/// The keys of one issuer, by key id.
pub struct KeyStore<P: Platform> {
    source: KeySource,
    held: RefCell<Keys<P>>,
    /// Which keys those are, and how often they were others: what was verified with a former set is verified again.
    listed: RefCell<Vec<RsaKey>>,
    generation: Cell<u64>,
    known: Cell<Known>,
    doubted: Cell<Option<u64>>,
    /// Since when a request of this isolate waits for a set.
    fetching: Cell<Option<u64>>,
    /// Key ids that no set had, and when that was found.
    unknown: RefCell<Vec<(String, u64)>>,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// No set can be had; nothing is known of the token.
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

    /// The key with this id, and the generation of the set that it is from.
    ///
    /// # Errors
    /// As [`NoKey`] says.
    pub async fn key(self: &Rc<Self>, platform: &P, kid: &str) -> Result<Dated<P>, NoKey> {
        match self.current(platform, kid).await? {
            Some(key) => Ok(key),
            None => self.look_for(platform, kid).await,
        }
    }

    /// Tells whether there is a key with this id, without a fetch for an unknown one.
    pub async fn knows(self: &Rc<Self>, platform: &P, kid: &str) -> bool {
        matches!(self.current(platform, kid).await, Ok(Some(_)))
    }

    /// The key with this id in the set, which is fetched where it is due.
    async fn current(self: &Rc<Self>, platform: &P, kid: &str) -> Result<Option<Dated<P>>, NoKey> {
        let mut step = jwks::step(self.known.get(), platform.now_ms());
        if step == Step::Fetch && self.waited_for_another(platform).await {
            step = jwks::step(self.known.get(), platform.now_ms());
        }
        match step {
            Step::Use => {}
            Step::UseAndRefresh if self.held(kid).is_some() => self.refresh_behind(platform),
            // The set is due: an id that it lacks is refused after the fetch, not while it goes on behind the refusal.
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

    /// Changes whenever the held keys are others than before.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// The key with this id after a signature under it was bad: another one, if the issuer has rotated and kept the id.
    pub async fn after_bad_signature(self: &Rc<Self>, platform: &P, kid: &str) -> Option<Dated<P>> {
        let now = platform.now_ms();
        if !jwks::may_doubt_a_known_key(self.known.get(), self.doubted.get(), now) {
            return None;
        }
        // Only a doubt that has the set fetched counts: forged tokens would otherwise put the next fetch off for ever.
        self.doubted.set(Some(now));
        if self.fetch(platform, jwks::AFTER_FAILURE_MS).await { self.held(kid) } else { None }
    }

    /// An unknown id is worth one fetch in 30 seconds, and is remembered as unknown for 60.
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

    /// Whether a set that is no longer fresh may still be used after the fetch that just failed.
    fn may_go_on(&self, platform: &P) -> bool {
        matches!(jwks::step(self.known.get(), platform.now_ms()), Step::Use | Step::UseAndRefresh)
    }

    /// A cold start without an issuer: the key from the configuration, whatever the id.
    async fn pinned(&self, platform: &P) -> Result<Dated<P>, NoKey> {
        let unavailable = NoKey::Unavailable { retry_after: RETRY_AFTER_S };
        let pem = self.source.pem.as_ref().filter(|_| self.known.get().fetched.is_none()).ok_or(unavailable)?;
        let generation = self.generation.get();
        let key = platform.import_rsa(&pem.n, &pem.e).await.map_err(|_| unavailable)?;
        Ok((key, generation))
    }

    fn refresh_behind(self: &Rc<Self>, platform: &P) {
        let (store, background) = (Rc::clone(self), platform.clone());
        // Counts as tried from now on, so that the next request does not do the same.
        store.known.set(Known { tried: Some(platform.now_ms()), ..store.known.get() });
        platform.wait_until(async move {
            store.fetch(&background, jwks::SHARED_MS).await;
        });
    }

    /// Waits while another request of this isolate fetches, by looking again and again: what belongs to one request may not be awaited
    /// from another. Gives whether there was one.
    async fn waited_for_another(&self, platform: &P) -> bool {
        let mut waited = false;
        while self.fetching.get().is_some_and(|since| platform.now_ms().saturating_sub(since) <= jwks::TIMEOUT_MS) {
            platform.sleep(LOOKING_MS).await;
            waited = true;
        }
        waited
    }

    /// Replaces the whole set by one that another isolate has fetched within `shared_ms`, else by the issuer's; a faulty answer changes
    /// nothing but the time of the next try.
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

    /// A set that another isolate has fetched lately, and later than the one held here. It counts as old as it is.
    async fn shared(&self, platform: &P, shared_ms: u64) -> Option<((Vec<RsaKey>, Keys<P>), u64)> {
        let kept = platform.kept(&self.source.shared_url, jwks::LONGEST_SET + shared_set::OVERHEAD_BYTES);
        let bytes = platform.within(CACHE_MS, kept).await??;
        let (fetched, set) = shared_set::opened(&self.source.sharing_key, &self.source.jwks_url, &bytes)?;
        let newer = self.known.get().fetched.is_none_or(|held| fetched > held);
        let (now, fresh) = (platform.now_ms(), platform.now_ms().saturating_sub(fetched) < shared_ms);
        let keys = imported(platform, set).await.filter(|_| newer && fresh && fetched <= now)?;
        Some((keys, fetched))
    }

    /// Shares a set once it is held here, so that a cache that does not answer holds no request up. Only what was good is shared.
    fn share_behind(self: &Rc<Self>, platform: &P, fetched: u64, set: &[u8]) {
        let sealed = shared_set::sealed(&self.source.sharing_key, &self.source.jwks_url, fetched, set);
        let (store, background) = (Rc::clone(self), platform.clone());
        platform.wait_until(async move {
            let sharing = background.keep(&store.source.shared_url, &sealed, SHARED_S);
            background.within(SHARING_MS, sharing).await;
        });
    }

    /// The issuer's set, and what it was read from.
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

/// A key, and the generation of the set that it is from.
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
/// How long a request waits for the cache, which no Cloudflare document gives a time limit, before it asks the issuer.
const CACHE_MS: u32 = 400;
const SHARING_MS: u32 = 2_000;
const MOST_UNKNOWN: usize = 256;
