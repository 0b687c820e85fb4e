//! The issuer's public keys: accepted sets and keys, and the rules for fetching a set again.

use crate::{domain::upstreams::CLERK_JWKS, logic::strict_json};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value};

/// An RSA public key, numbers big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    /// `kid`; empty for a key that was given as PEM.
    pub kid: String,
    /// The modulus.
    pub modulus: Vec<u8>,
    /// The public exponent.
    pub exponent: Vec<u8>,
}

/// The reason why a key set or key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum JwksError {
    /// Not a JSON object with `keys`, too long, or too many keys.
    Malformed,
    /// No key that can verify RS256.
    NoUsableKey,
    /// A private or symmetric key in the set: it is not a public set at all.
    PrivateKeyInSet,
    /// Two keys with one id.
    DuplicateKeyId,
}

/// Parses a JWK set (RFC 7517): at most 64 KiB and 16 keys; keys for other uses are skipped.
///
/// # Errors
/// See the variants; an invalid set never replaces a valid one.
pub fn parse(body: &[u8]) -> Result<Vec<RsaKey>, JwksError> {
    if body.len() > MAX_SET_BYTES {
        return Err(JwksError::Malformed);
    }
    let set = strict_json::parse_strict(body, 6).map_err(|_| JwksError::Malformed)?;
    let entries = set.get("keys").and_then(Value::as_array).ok_or(JwksError::Malformed)?;
    if entries.len() > MAX_KEYS {
        return Err(JwksError::Malformed);
    }
    let mut keys: Vec<RsaKey> = Vec::new();
    for entry in entries {
        let entry = entry.as_object().ok_or(JwksError::Malformed)?;
        if PRIVATE_KEY_PARAMETERS.iter().any(|name| entry.contains_key(*name)) {
            return Err(JwksError::PrivateKeyInSet);
        }
        if let Some(key) = parse_signing_key(entry) {
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(JwksError::DuplicateKeyId);
            }
            keys.push(key);
        }
    }
    if keys.is_empty() { Err(JwksError::NoUsableKey) } else { Ok(keys) }
}

/// Parses a PEM public key (`CLERK_JWT_KEY`), with line breaks or with `\n` written out.
///
/// # Errors
/// `Malformed` or `NoUsableKey`.
pub fn from_pem(pem: &str) -> Result<RsaKey, JwksError> {
    use pkcs1::der::Decode as _;
    let pem = pem.replace("\\n", "\n");
    let (label, document) = pkcs1::der::Document::from_pem(pem.trim()).map_err(|_| JwksError::Malformed)?;
    if label != "PUBLIC KEY" {
        return Err(JwksError::Malformed);
    }
    let info = spki::SubjectPublicKeyInfoRef::from_der(document.as_bytes()).map_err(|_| JwksError::Malformed)?;
    let bits = info.subject_public_key.as_bytes().ok_or(JwksError::Malformed)?;
    let key = pkcs1::RsaPublicKey::from_der(bits).map_err(|_| JwksError::NoUsableKey)?;
    let (n, e) = (key.modulus.as_bytes().to_vec(), key.public_exponent.as_bytes().to_vec());
    if has_accepted_strength(&n, &e) {
        Ok(RsaKey { kid: String::new(), modulus: n, exponent: e })
    } else {
        Err(JwksError::NoUsableKey)
    }
}

fn parse_signing_key(entry: &Map<String, Value>) -> Option<RsaKey> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let absent_or = |name: &str, wanted: &str| !entry.contains_key(name) || text(name) == Some(wanted);
    let may_verify = match entry.get("key_ops") {
        None => true,
        Some(operations) => operations.as_array()?.iter().any(|operation| operation == "verify"),
    };
    if text("kty") != Some("RSA") || !absent_or("use", "sig") || !absent_or("alg", "RS256") || !may_verify {
        return None;
    }
    let kid = text("kid").filter(|kid| (1..=64).contains(&kid.len()))?.to_owned();
    let n = Base64UrlUnpadded::decode_vec(text("n")?).ok()?;
    let e = Base64UrlUnpadded::decode_vec(text("e")?).ok()?;
    has_accepted_strength(&n, &e).then_some(RsaKey { kid, modulus: n, exponent: e })
}

/// Returns whether a key has 2048 to 4096 bits and the exponent 65537.
fn has_accepted_strength(n: &[u8], e: &[u8]) -> bool {
    (256..=512).contains(&n.len()) && n.first().is_some_and(|byte| *byte >= 0x80) && e == [1, 0, 1]
}

/// State of the JWKS cache, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct JwksCacheState {
    /// Time at which the held set was fetched; `None`: no set is held.
    pub fetched_at_ms: Option<u64>,
    /// Time at which the latest fetch began.
    pub last_attempt_ms: Option<u64>,
    /// True if that fetch failed.
    pub last_attempt_failed: bool,
}

/// The next step for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Fetch, and wait for it.
    Fetch,
    /// Respond that no keys are available, and when to retry.
    Unavailable {
        /// Seconds.
        retry_after: u32,
    },
    /// Use the held set.
    Use,
    /// Use the held set, and fetch in the background.
    UseAndRefresh,
}

/// Decides for a request whose key is in the held set, or for one without a held set.
///
/// Fresh for 5 minutes, refreshed in the background from half of that on. While the issuer is unavailable, used for an
/// hour at most, because longer trust would outlive a revoked key. Without a set: 503, and one fetch in 5 seconds.
#[must_use]
pub fn refresh_decision(known: JwksCacheState, now: u64) -> RefreshDecision {
    let since = |time: Option<u64>| time.map_or(u64::MAX, |time| now.saturating_sub(time));
    let (age, tried) = (since(known.fetched_at_ms), since(known.last_attempt_ms));
    let quiet = if known.last_attempt_failed { AFTER_FAILURE_MS } else { TIMEOUT_MS };
    match age {
        _ if age < FRESH_FOR_MS / 2 => RefreshDecision::Use,
        _ if age < FRESH_FOR_MS => {
            if tried < quiet {
                RefreshDecision::Use
            } else {
                RefreshDecision::UseAndRefresh
            }
        }
        // A stale set after a failed fetch is used at once; the next fetch runs in the background.
        _ if age < USABLE_FOR_MS && known.last_attempt_failed => {
            if tried < quiet {
                RefreshDecision::Use
            } else {
                RefreshDecision::UseAndRefresh
            }
        }
        _ if known.last_attempt_failed && tried < AFTER_FAILURE_MS => {
            RefreshDecision::Unavailable { retry_after: RETRY_AFTER_S }
        }
        _ => RefreshDecision::Fetch,
    }
}

/// Returns whether a request with an unknown key id may cause a fetch: once in 30 seconds.
#[must_use]
pub fn may_refetch_for_unknown_kid(known: JwksCacheState, now: u64) -> bool {
    known.last_attempt_ms.is_none_or(|tried| now.saturating_sub(tried) >= UNKNOWN_KID_REFETCH_INTERVAL_MS)
}

/// Returns whether an invalid signature under a known key id may cause a fetch: once in 60 seconds.
///
/// Clerk's key id is that of the instance, so a rotation may retain it.
#[must_use]
pub fn may_refetch_after_invalid_signature(known: JwksCacheState, doubted: Option<u64>, now: u64) -> bool {
    let since = |time: Option<u64>| time.map_or(u64::MAX, |time| now.saturating_sub(time));
    since(doubted) >= SIGNATURE_REFETCH_INTERVAL_MS && since(known.last_attempt_ms) >= AFTER_FAILURE_MS
}

/// Timeout of a fetch, in milliseconds.
pub const TIMEOUT_MS: u64 = CLERK_JWKS.timeout_ms as u64;
/// `Retry-After` of the 503 response, in seconds.
pub const RETRY_AFTER_S: u32 = 5;
/// Time for which an unknown key id is remembered, in milliseconds.
pub const UNKNOWN_KID_TTL_MS: u64 = 60_000;
/// Maximum age of a set of another isolate that an isolate without one uses, in milliseconds.
pub const SHARED_MAX_AGE_MS: u64 = FRESH_FOR_MS / 2;
/// Minimum interval between fetches for unknown key ids, in milliseconds.
pub const UNKNOWN_KID_REFETCH_INTERVAL_MS: u64 = 30_000;
/// Pause after a failed fetch, and maximum age of a set that needs no fetch for an invalid signature, in milliseconds.
pub const AFTER_FAILURE_MS: u64 = 5_000;
/// Maximum length of a set, in bytes.
pub const MAX_SET_BYTES: usize = 64 * 1024;

const SIGNATURE_REFETCH_INTERVAL_MS: u64 = 60_000;
const FRESH_FOR_MS: u64 = 300_000;
const USABLE_FOR_MS: u64 = 3_600_000;
const MAX_KEYS: usize = 16;
const PRIVATE_KEY_PARAMETERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

#[cfg(test)]
mod tests;
