//! The issuer's key set as the isolates of one location share it: with the time it was fetched, and a MAC of a Hub
//! (I-2).
//!
//! Every Worker of a zone can write to the cache under any URL of the zone (Workers docs, Cache API), so a cached set
//! is trusted only with a MAC under a key that is derived from a secret of the Hub.

use crate::{
    domain::secret::Secret,
    logic::keyed_hash::{derive, hmac_sha256},
};
use hmac::Mac as _;

/// A key set that another isolate has shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedSet<'a> {
    /// Time at which it was fetched from the issuer, in milliseconds.
    pub fetched_at_ms: u64,
    /// The set, as the issuer sent it.
    pub set: &'a [u8],
}

/// Derives the key of the MAC.
#[must_use]
pub fn derive_key(root: &Secret<[u8; 32]>) -> Secret<Vec<u8>> {
    derive(root, b"stacklumen-hub shared key sets 1")
}

/// Returns the set of this URL in its shared form: MAC, time in milliseconds, set.
#[must_use]
pub fn seal(key: &Secret<Vec<u8>>, url: &str, fetched_ms: u64, set: &[u8]) -> Vec<u8> {
    let mac: [u8; MAC_BYTES] = proof(key, url, fetched_ms, set).finalize().into_bytes().into();
    [mac.as_slice(), &fetched_ms.to_be_bytes(), set].concat()
}

/// Returns the set, if a Hub with this key shared it for this URL. Compares the MAC in constant time.
#[must_use]
pub fn open<'a>(key: &Secret<Vec<u8>>, url: &str, shared: &'a [u8]) -> Option<SharedSet<'a>> {
    let (given, rest) = shared.split_first_chunk::<MAC_BYTES>()?;
    let (time, set) = rest.split_first_chunk::<TIME_BYTES>()?;
    let fetched_at_ms = u64::from_be_bytes(*time);
    proof(key, url, fetched_at_ms, set).verify_slice(given).ok()?;
    Some(SharedSet { fetched_at_ms, set })
}

fn proof(key: &Secret<Vec<u8>>, url: &str, fetched_ms: u64, set: &[u8]) -> hmac::Hmac<sha2::Sha256> {
    let mut proof = hmac_sha256(key.expose(), url.as_bytes());
    // A URL contains no zero byte, so a zero byte ends it.
    proof.update(&[0]);
    proof.update(&fetched_ms.to_be_bytes());
    proof.update(set);
    proof
}

/// Number of bytes before the set.
pub const OVERHEAD_BYTES: usize = MAC_BYTES + TIME_BYTES;
const MAC_BYTES: usize = 32;
const TIME_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://clerk.example/.well-known/jwks.json";

    #[test]
    fn shared_set_is_bound_to_key_and_url_i_2() {
        let keys = [derive_key(&Secret::new([1; 32])), derive_key(&Secret::new([2; 32]))];
        let shared = seal(&keys[0], URL, 7, b"set");
        assert_eq!(open(&keys[0], URL, &shared), Some(SharedSet { fetched_at_ms: 7, set: b"set" }));
        assert_eq!(open(&keys[1], URL, &shared), None);
        assert_eq!(open(&keys[0], "https://clerk.example/other", &shared), None);
    }

    /// Every byte and the length are covered.
    #[test]
    fn modified_shared_set_is_rejected_i_2() {
        let key = derive_key(&Secret::new([1; 32]));
        let shared = seal(&key, URL, 7, b"{\"keys\":[]}");
        for place in 0..shared.len() {
            for bit in 0..8 {
                let mut changed = shared.clone();
                changed[place] ^= 1 << bit;
                assert_eq!(open(&key, URL, &changed), None, "byte {place}");
            }
            assert_eq!(open(&key, URL, &shared[..place]), None, "cut at {place}");
        }
        assert_eq!(open(&key, URL, &[shared.as_slice(), b" "].concat()), None);
        assert_eq!(open(&key, URL, b"1800000000000   {\"keys\":[]}"), None, "the form without proof");
    }
}
