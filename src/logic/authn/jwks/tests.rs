//! Tests of key sets and of the decisions on their age.

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

fn read(keys: &[Value]) -> Result<usize, JwksError> {
    parse(serde_json::json!({ "keys": keys }).to_string().as_bytes()).map(|keys| keys.len())
}

#[test]
fn accepts_only_public_rsa_signing_keys() {
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
            Err(JwksError::NoUsableKey),
            "{name}"
        );
    }
}

#[test]
fn rejects_private_duplicate_and_malformed_key_sets() {
    for name in PRIVATE_KEY_PARAMETERS {
        assert_eq!(
            read(&[key(|_| {}), key(|key| drop(key.insert(name.into(), "x".into())))]),
            Err(JwksError::PrivateKeyInSet),
            "{name}"
        );
    }
    assert_eq!(read(&[key(|_| {}), key(|_| {})]), Err(JwksError::DuplicateKeyId));
    assert_eq!(read(&[]), Err(JwksError::NoUsableKey));
    assert_eq!(read(&vec![key(|_| {}); 17]), Err(JwksError::Malformed));
    for text in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[1]}", "{\"keys\":[],\"keys\":[]}", "<html>"] {
        assert_eq!(parse(text.as_bytes()), Err(JwksError::Malformed), "{text}");
    }
    assert_eq!(parse(&vec![b' '; MAX_SET_BYTES + 1]), Err(JwksError::Malformed));
}

/// I-2: the whole policy as a table of ages in seconds.
#[test]
fn age_determines_the_refresh_decision_i_2() {
    let known = |age: Option<u64>, tried: Option<u64>, failed| JwksCacheState {
        fetched_at_ms: age.map(|age| 10_000_000 - age * 1000),
        last_attempt_ms: tried.map(|age| 10_000_000 - age * 1000),
        last_attempt_failed: failed,
    };
    let unavailable = RefreshDecision::Unavailable { retry_after: RETRY_AFTER_S };
    for (age, tried, failed, wanted) in [
        (None, None, false, RefreshDecision::Fetch),
        (None, Some(1), true, unavailable),
        (None, Some(6), true, RefreshDecision::Fetch),
        (Some(149), Some(149), false, RefreshDecision::Use),
        (Some(150), Some(150), false, RefreshDecision::UseAndRefresh),
        (Some(150), Some(1), false, RefreshDecision::Use),
        (Some(299), Some(299), false, RefreshDecision::UseAndRefresh),
        (Some(300), Some(300), false, RefreshDecision::Fetch),
        (Some(400), Some(1), true, RefreshDecision::Use),
        (Some(400), Some(6), true, RefreshDecision::UseAndRefresh),
        (Some(3599), Some(6), true, RefreshDecision::UseAndRefresh),
        (Some(3600), Some(1), true, unavailable),
        (Some(3600), Some(6), true, RefreshDecision::Fetch),
    ] {
        assert_eq!(refresh_decision(known(age, tried, failed), 10_000_000), wanted, "{age:?} {tried:?} {failed}");
    }
    assert!(!may_refetch_for_unknown_kid(known(Some(29), Some(29), false), 10_000_000));
    assert!(may_refetch_for_unknown_kid(known(Some(30), Some(30), false), 10_000_000));
    assert!(!may_refetch_after_invalid_signature(known(None, Some(99), false), Some(10_000_000 - 59_000), 10_000_000));
    assert!(may_refetch_after_invalid_signature(known(None, Some(99), false), Some(10_000_000 - 60_000), 10_000_000));
}

#[test]
fn parses_pem_key() {
    let pem = include_str!("../../../../tests/vectors/issuer-public.pem");
    let key = from_pem(pem).unwrap();
    assert_eq!((key.modulus.len(), key.exponent), (256, vec![1, 0, 1]));
    assert_eq!(from_pem(&pem.replace('\n', "\\n")).unwrap().modulus, key.modulus);
    assert!(from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_err());
}
