//! The issuer's public keys: accepted sets and keys, and the rules for fetching a set again.

use super::json;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value};

/// An RSA public key, numbers big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    /// `kid`; empty for a key that was given as PEM.
    pub kid: String,
    /// The modulus.
    pub n: Vec<u8>,
    /// The public exponent.
    pub e: Vec<u8>,
}

/// The reason why a key set or key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwksFault {
    /// Not a JSON object with `keys`, too long, or too many keys.
    Malformed,
    /// No key that can verify RS256.
    NoKey,
    /// A private or symmetric key in the set: it is not a public set at all.
    Private,
    /// Two keys with one id.
    Twice,
}

/// Parses a JWK set (RFC 7517): at most 64 KiB and 16 keys; keys for other uses are skipped.
///
/// # Errors
/// See the variants; an invalid set never replaces a valid one.
pub fn parse(body: &[u8]) -> Result<Vec<RsaKey>, JwksFault> {
    if body.len() > LONGEST_SET {
        return Err(JwksFault::Malformed);
    }
    let set = json::strict(body, 6).map_err(|_| JwksFault::Malformed)?;
    let entries = set.get("keys").and_then(Value::as_array).ok_or(JwksFault::Malformed)?;
    if entries.len() > MOST_KEYS {
        return Err(JwksFault::Malformed);
    }
    let mut keys: Vec<RsaKey> = Vec::new();
    for entry in entries {
        let entry = entry.as_object().ok_or(JwksFault::Malformed)?;
        if PRIVATE.iter().any(|name| entry.contains_key(*name)) {
            return Err(JwksFault::Private);
        }
        if let Some(key) = usable(entry) {
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(JwksFault::Twice);
            }
            keys.push(key);
        }
    }
    if keys.is_empty() { Err(JwksFault::NoKey) } else { Ok(keys) }
}

/// Parses a PEM public key (`CLERK_JWT_KEY`), with line breaks or with `\n` written out.
///
/// # Errors
/// `Malformed` or `NoKey`.
pub fn from_pem(pem: &str) -> Result<RsaKey, JwksFault> {
    use pkcs1::der::Decode as _;
    let pem = pem.replace("\\n", "\n");
    let (label, document) = pkcs1::der::Document::from_pem(pem.trim()).map_err(|_| JwksFault::Malformed)?;
    if label != "PUBLIC KEY" {
        return Err(JwksFault::Malformed);
    }
    let info = spki::SubjectPublicKeyInfoRef::from_der(document.as_bytes()).map_err(|_| JwksFault::Malformed)?;
    let bits = info.subject_public_key.as_bytes().ok_or(JwksFault::Malformed)?;
    let key = pkcs1::RsaPublicKey::from_der(bits).map_err(|_| JwksFault::NoKey)?;
    let (n, e) = (key.modulus.as_bytes().to_vec(), key.public_exponent.as_bytes().to_vec());
    if strong(&n, &e) { Ok(RsaKey { kid: String::new(), n, e }) } else { Err(JwksFault::NoKey) }
}

fn usable(entry: &Map<String, Value>) -> Option<RsaKey> {
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
    strong(&n, &e).then_some(RsaKey { kid, n, e })
}

/// Returns whether a key has 2048 to 4096 bits and the exponent 65537.
fn strong(n: &[u8], e: &[u8]) -> bool {
    (256..=512).contains(&n.len()) && n.first().is_some_and(|byte| *byte >= 0x80) && e == [1, 0, 1]
}

/// State of the key store, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Time at which the held set was fetched; `None`: no set is held.
    pub fetched: Option<u64>,
    /// Time at which the latest fetch began.
    pub tried: Option<u64>,
    /// True if that fetch failed.
    pub failed: bool,
}

/// The next step for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
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
pub fn step(known: Known, now: u64) -> Step {
    let since = |time: Option<u64>| time.map_or(u64::MAX, |time| now.saturating_sub(time));
    let (age, tried) = (since(known.fetched), since(known.tried));
    let quiet = if known.failed { AFTER_FAILURE_MS } else { TIMEOUT_MS };
    match age {
        _ if age < FRESH_MS / 2 => Step::Use,
        _ if age < FRESH_MS => {
            if tried < quiet {
                Step::Use
            } else {
                Step::UseAndRefresh
            }
        }
        // A stale set after a failed fetch is used at once; the next fetch runs in the background.
        _ if age < STALE_MS && known.failed => {
            if tried < quiet {
                Step::Use
            } else {
                Step::UseAndRefresh
            }
        }
        _ if known.failed && tried < AFTER_FAILURE_MS => Step::Unavailable { retry_after: RETRY_AFTER_S },
        _ => Step::Fetch,
    }
}

/// Returns whether a request with an unknown key id may cause a fetch: once in 30 seconds.
#[must_use]
pub fn may_look_for_unknown(known: Known, now: u64) -> bool {
    known.tried.is_none_or(|tried| now.saturating_sub(tried) >= UNKNOWN_MS)
}

/// Returns whether an invalid signature under a known key id may cause a fetch: once in 60 seconds.
///
/// Clerk's key id is that of the instance, so a rotation may retain it.
#[must_use]
pub fn may_doubt_a_known_key(known: Known, doubted: Option<u64>, now: u64) -> bool {
    let since = |time: Option<u64>| time.map_or(u64::MAX, |time| now.saturating_sub(time));
    since(doubted) >= DOUBT_MS && since(known.tried) >= AFTER_FAILURE_MS
}

/// Timeout of a fetch, in milliseconds.
pub const TIMEOUT_MS: u64 = 3_000;
/// `Retry-After` of the 503 response, in seconds.
pub const RETRY_AFTER_S: u32 = 5;
/// Time for which an unknown key id is remembered, in milliseconds.
pub const NEGATIVE_MS: u64 = 60_000;
/// Maximum age of a set of another isolate that an isolate without one uses, in milliseconds.
pub const SHARED_MS: u64 = FRESH_MS / 2;
/// Minimum interval between fetches for unknown key ids, in milliseconds.
pub const UNKNOWN_MS: u64 = 30_000;
/// Pause after a failed fetch, and maximum age of a set that needs no fetch for an invalid signature, in milliseconds.
pub const AFTER_FAILURE_MS: u64 = 5_000;
/// Maximum length of a set, in bytes.
pub const LONGEST_SET: usize = 64 * 1024;

const DOUBT_MS: u64 = 60_000;
const FRESH_MS: u64 = 300_000;
const STALE_MS: u64 = 3_600_000;
const MOST_KEYS: usize = 16;
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

#[cfg(test)]
mod tests {
    use super::*;

    fn n(bytes: usize) -> String {
        Base64UrlUnpadded::encode_string(&vec![0xff; bytes])
    }

    fn key(change: impl Fn(&mut Map<String, Value>)) -> Value {
        let mut key =
            serde_json::json!({ "kty": "RSA", "kid": "ins_1", "use": "sig", "alg": "RS256", "n": n(256), "e": "AQAB" });
        change(key.as_object_mut().unwrap());
        key
    }

    fn read(keys: &[Value]) -> Result<usize, JwksFault> {
        parse(serde_json::json!({ "keys": keys }).to_string().as_bytes()).map(|keys| keys.len())
    }

    #[test]
    fn takes_public_rsa_signing_keys_only() {
        assert_eq!(read(&[key(|_| {})]), Ok(1));
        assert_eq!(
            read(&[key(|key| drop(key.remove("use"))), key(|key| drop(key.insert("kid".into(), "b".into())))]),
            Ok(2)
        );
        for (name, value) in [
            ("kty", "EC".into()),
            ("use", "enc".into()),
            ("alg", "RS512".into()),
            ("key_ops", serde_json::json!(["sign"])),
            ("n", n(128).into()),
            ("n", n(513).into()),
            ("e", "Aw".into()),
            ("kid", "".into()),
        ] {
            assert_eq!(
                read(&[key(|key| drop(key.insert(name.into(), value.clone())))]),
                Err(JwksFault::NoKey),
                "{name}"
            );
        }
    }

    #[test]
    fn refuses_whole_sets_that_are_not_public_or_not_plain() {
        for name in PRIVATE {
            assert_eq!(
                read(&[key(|_| {}), key(|key| drop(key.insert(name.into(), "x".into())))]),
                Err(JwksFault::Private),
                "{name}"
            );
        }
        assert_eq!(read(&[key(|_| {}), key(|_| {})]), Err(JwksFault::Twice));
        assert_eq!(read(&[]), Err(JwksFault::NoKey));
        assert_eq!(read(&vec![key(|_| {}); 17]), Err(JwksFault::Malformed));
        for text in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[1]}", "{\"keys\":[],\"keys\":[]}", "<html>"] {
            assert_eq!(parse(text.as_bytes()), Err(JwksFault::Malformed), "{text}");
        }
        assert_eq!(parse(&vec![b' '; LONGEST_SET + 1]), Err(JwksFault::Malformed));
    }

    /// I-2: the whole policy as a table of ages in seconds.
    #[test]
    fn decides_by_age_i_2() {
        let known = |age: Option<u64>, tried: Option<u64>, failed| Known {
            fetched: age.map(|age| 10_000_000 - age * 1000),
            tried: tried.map(|age| 10_000_000 - age * 1000),
            failed,
        };
        let unavailable = Step::Unavailable { retry_after: RETRY_AFTER_S };
        for (age, tried, failed, wanted) in [
            (None, None, false, Step::Fetch),
            (None, Some(1), true, unavailable),
            (None, Some(6), true, Step::Fetch),
            (Some(149), Some(149), false, Step::Use),
            (Some(150), Some(150), false, Step::UseAndRefresh),
            (Some(150), Some(1), false, Step::Use),
            (Some(299), Some(299), false, Step::UseAndRefresh),
            (Some(300), Some(300), false, Step::Fetch),
            (Some(400), Some(1), true, Step::Use),
            (Some(400), Some(6), true, Step::UseAndRefresh),
            (Some(3599), Some(6), true, Step::UseAndRefresh),
            (Some(3600), Some(1), true, unavailable),
            (Some(3600), Some(6), true, Step::Fetch),
        ] {
            assert_eq!(step(known(age, tried, failed), 10_000_000), wanted, "{age:?} {tried:?} {failed}");
        }
        assert!(!may_look_for_unknown(known(Some(29), Some(29), false), 10_000_000));
        assert!(may_look_for_unknown(known(Some(30), Some(30), false), 10_000_000));
        assert!(!may_doubt_a_known_key(known(None, Some(99), false), Some(10_000_000 - 59_000), 10_000_000));
        assert!(may_doubt_a_known_key(known(None, Some(99), false), Some(10_000_000 - 60_000), 10_000_000));
    }

    #[test]
    fn reads_a_pem_key() {
        let pem = include_str!("../../tests/vectors/issuer-public.pem");
        let key = from_pem(pem).unwrap();
        assert_eq!((key.n.len(), key.e), (256, vec![1, 0, 1]));
        assert_eq!(from_pem(&pem.replace('\n', "\\n")).unwrap().n, key.n);
        assert!(from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_err());
    }
}
