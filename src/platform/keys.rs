//! The issuer's keys, kept in the isolate as imported keys: fetched seldom, replaced whole, never awaited from another
//! request (I-2).

use super::{Outgoing, Platform, database::USER_AGENT};
use crate::logic::jwks::{self, Known, NEGATIVE_MS, RETRY_AFTER_S, RsaKey, Step};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Where the keys come from.
#[derive(Clone, Debug)]
pub struct KeySource {
    /// The JWK set's URL.
    pub jwks_url: String,
    /// A key that is used while no set has ever been had.
    pub pem: Option<RsaKey>,
}

/// The keys of one issuer, by key id.
pub struct KeyStore<P: Platform> {
    source: KeySource,
    held: RefCell<Vec<(String, P::VerifyingKey)>>,
    known: Cell<Known>,
    doubted: Cell<Option<u64>>,
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
            known: Cell::default(),
            doubted: Cell::default(),
            unknown: RefCell::default(),
        })
    }

    /// The key with this id.
    ///
    /// # Errors
    /// As [`NoKey`] says.
    pub async fn key(self: &Rc<Self>, platform: &P, kid: &str) -> Result<P::VerifyingKey, NoKey> {
        match jwks::step(self.known.get(), platform.now_ms()) {
            Step::Use => {}
            Step::UseAndRefresh => self.refresh_behind(platform),
            Step::Fetch => {
                if !self.fetch(platform).await && !self.may_go_on(platform) {
                    return self.pinned(platform).await;
                }
            }
            Step::Unavailable { retry_after } => {
                return self.pinned(platform).await.map_err(|_| NoKey::Unavailable { retry_after });
            }
        }
        if let Some(key) = self.held(kid) {
            return Ok(key);
        }
        self.look_for(platform, kid).await
    }

    /// The key with this id after a signature under it was bad: another one, if the issuer has rotated and kept the id.
    pub async fn after_bad_signature(self: &Rc<Self>, platform: &P, kid: &str) -> Option<P::VerifyingKey> {
        let now = platform.now_ms();
        if !jwks::may_doubt_a_known_key(self.known.get(), self.doubted.replace(Some(now)), now) {
            return None;
        }
        if self.fetch(platform).await { self.held(kid) } else { None }
    }

    /// An unknown id is worth one fetch in 30 seconds, and is remembered as unknown for 60.
    async fn look_for(self: &Rc<Self>, platform: &P, kid: &str) -> Result<P::VerifyingKey, NoKey> {
        let now = platform.now_ms();
        self.unknown.borrow_mut().retain(|(_, found)| now.saturating_sub(*found) < NEGATIVE_MS);
        let remembered = self.unknown.borrow().iter().any(|(other, _)| other == kid);
        if !remembered && jwks::may_look_for_unknown(self.known.get(), now) && self.fetch(platform).await {
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

    fn held(&self, kid: &str) -> Option<P::VerifyingKey> {
        self.held.borrow().iter().find(|(other, _)| other == kid).map(|(_, key)| key.clone())
    }

    /// Whether a set that is no longer fresh may still be used after the fetch that just failed.
    fn may_go_on(&self, platform: &P) -> bool {
        matches!(jwks::step(self.known.get(), platform.now_ms()), Step::Use | Step::UseAndRefresh)
    }

    /// A cold start without an issuer: the key from the configuration, whatever the id.
    async fn pinned(&self, platform: &P) -> Result<P::VerifyingKey, NoKey> {
        let unavailable = NoKey::Unavailable { retry_after: RETRY_AFTER_S };
        let pem = self.source.pem.as_ref().filter(|_| self.known.get().fetched.is_none()).ok_or(unavailable)?;
        platform.import_rsa(&pem.n, &pem.e).await.map_err(|_| unavailable)
    }

    fn refresh_behind(self: &Rc<Self>, platform: &P) {
        let (store, background) = (Rc::clone(self), platform.clone());
        // Counts as tried from now on, so that the next request does not do the same.
        store.known.set(Known { tried: Some(platform.now_ms()), ..store.known.get() });
        platform.wait_until(async move {
            store.fetch(&background).await;
        });
    }

    /// Fetches and replaces the whole set; a faulty answer changes nothing but the time of the next try.
    async fn fetch(&self, platform: &P) -> bool {
        let tried = Some(platform.now_ms());
        self.known.set(Known { tried, ..self.known.get() });
        if let Some(keys) = self.fetched(platform).await {
            self.held.replace(keys);
            self.known.set(Known { fetched: Some(platform.now_ms()), tried, failed: false });
            true
        } else {
            self.known.set(Known { tried, failed: true, ..self.known.get() });
            false
        }
    }

    async fn fetched(&self, platform: &P) -> Option<Vec<(String, P::VerifyingKey)>> {
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
        let mut keys = Vec::new();
        for key in jwks::parse(&body).ok()? {
            keys.push((key.kid, platform.import_rsa(&key.n, &key.e).await.ok()?));
        }
        Some(keys)
    }
}

const MOST_UNKNOWN: usize = 256;
