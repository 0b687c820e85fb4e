//! A bearer token: its form is parsed without a panic, and an accepted session satisfies its invariants.

#![no_main]

use hub::logic::authn::session_token::{self, TokenPolicy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let peeked = session_token::decode_unverified(raw);
    let Ok(unverified) = session_token::parse(raw) else { return };
    assert!(raw.len() <= 8192 && raw.split('.').count() == 3);
    assert!(raw.starts_with(unverified.signing_input()));
    assert!((1..=64).contains(&unverified.kid().len()));
    // As if the signature were valid: the holder of the key may still sign an invalid payload.
    let Ok(verified) = unverified.into_verified(true.into()) else { return };
    assert!(peeked.is_some());
    let policy = TokenPolicy {
        issuer: "https://clerk.stacklumen.example".to_owned(),
        authorized_parties: vec!["https://hub.stacklumen.example".to_owned()],
        role_claim: vec!["metadata".to_owned(), "stacklumen_role".to_owned()],
    };
    let now_s = 1_795_464_900;
    let Ok(session) = session_token::validate_claims(&verified, &policy, now_s) else { return };
    assert!(session.user.starts_with("user_") && session.id.starts_with("sess_"));
    assert!(session.expires_at > session.issued_at && session.expires_at - session.issued_at <= 120);
    assert!(now_s < session.expires_at + 5);
});
