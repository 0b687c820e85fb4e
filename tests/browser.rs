//! The deployed build in a real browser: the same vectors give the same responses as natively (I-1), and WebCrypto and
//! the pure-Rust reference agree about every signature.
//!
//! Run with `make test STAGE=browser`.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    dead_code,
    reason = "a test may panic, and the browser runs a part of the suite"
)]

#[path = "integration/harness.rs"]
mod harness;
#[path = "integration/query_firewall.rs"]
mod query_firewall;
#[path = "integration/tokens.rs"]
mod tokens;

// Imported so that Cargo detects its use: `rsa` obtains random bytes from it.
use getrandom_02 as _;
use harness::{ORIGIN, TOKENS, TestApp};
use hub::{
    domain::session::Session,
    logic::{
        authn::{
            jwks::{self, RsaKey},
            session_token::{self, TokenError, TokenPolicy},
        },
        webhook::clerk_event,
    },
    runtime::{RuntimePort as _, fake::FakeRuntime, webcrypto},
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// The implementation that verifies a signature.
#[derive(Clone, Copy)]
enum By {
    PureRust,
    WebCrypto,
}

async fn signed(by: By, key: &RsaKey, message: &str, signature: &[u8]) -> bool {
    match by {
        By::PureRust => {
            let fake: FakeRuntime = TestApp::new().fake;
            let key = fake.import_rsa(&key.modulus, &key.exponent).await.unwrap();
            fake.verify(&key, message.as_bytes(), signature).await.unwrap()
        }
        By::WebCrypto => {
            let key = webcrypto::import_rsa(&key.modulus, &key.exponent).await.unwrap();
            webcrypto::verify(&key, message.as_bytes(), signature).await.unwrap()
        }
    }
}

async fn judged(by: By, raw: &str) -> Result<Session, &'static str> {
    let policy = TokenPolicy {
        issuer: TOKENS["issuer"].as_str().unwrap().to_owned(),
        authorized_parties: vec![ORIGIN.to_owned()],
        role_claim: vec!["metadata".to_owned(), "stacklumen_role".to_owned()],
    };
    let keys = jwks::parse(TOKENS["jwks"].to_string().as_bytes()).unwrap();
    let unverified = session_token::parse(raw).map_err(TokenError::reason)?;
    let key = keys.iter().find(|key| key.kid == unverified.kid()).ok_or("key-unknown")?;
    let valid = signed(by, key, unverified.signing_input(), unverified.signature()).await;
    let verified = unverified.into_verified(valid.into()).map_err(TokenError::reason)?;
    session_token::validate_claims(&verified, &policy, TOKENS["now"].as_i64().unwrap()).map_err(TokenError::reason)
}

#[wasm_bindgen_test]
async fn webcrypto_and_pure_rust_agree_about_every_token_i_1() {
    let mut judgements = 0;
    for vector in TOKENS["refused"].as_array().unwrap().iter().filter(|vector| vector["code"] == "HUB103") {
        let raw = vector["token"].as_str().unwrap();
        for by in [By::PureRust, By::WebCrypto] {
            assert_eq!(judged(by, raw).await.unwrap_err(), vector["reason"].as_str().unwrap(), "{}", vector["name"]);
            judgements += 1;
        }
    }
    for vector in TOKENS["accepted"].as_array().unwrap() {
        let raw = vector["token"].as_str().unwrap();
        assert_eq!(
            judged(By::PureRust, raw).await.unwrap(),
            judged(By::WebCrypto, raw).await.unwrap(),
            "{}",
            vector["name"]
        );
        judgements += 2;
    }
    assert!(judgements > 400, "{judgements}");
}

/// A-3: a signature by WebCrypto is accepted by the pure-Rust reference, under the public half alone.
#[wasm_bindgen_test]
async fn webcrypto_signatures_verify_in_pure_rust_a_3() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    use jwt_compact::{
        Algorithm as _, AlgorithmSignature as _,
        alg::{Es256, VerifyingKey as _},
    };
    type Verifying = <Es256 as jwt_compact::Algorithm>::VerifyingKey;
    type Signature = <Es256 as jwt_compact::Algorithm>::Signature;
    let jwk = harness::json("throwaway-keys.json")["hub"].clone();
    let number =
        |name: &str| <[u8; 32]>::try_from(Base64UrlUnpadded::decode_vec(jwk[name].as_str().unwrap()).unwrap()).unwrap();
    let key = webcrypto::import_p256(&number("x"), &number("y"), &number("d")).await.unwrap();
    let signature = webcrypto::sign(&key, b"a message").await.unwrap();
    let public = Verifying::from_slice(&[&[4][..], &number("x"), &number("y")].concat()).unwrap();
    let signature = Signature::try_from_slice(&signature).unwrap();
    assert!(Es256.verify_signature(&signature, &public, b"a message"));
    assert!(!Es256.verify_signature(&signature, &public, b"another"));
}

/// I-2: a browser's stack is smaller than a native one, and a user's own metadata may be 256 KiB of brackets.
#[wasm_bindgen_test]
fn nested_free_metadata_is_accepted_i_2() {
    let (open, close) = ("[".repeat(125_000), "]".repeat(125_000));
    let data = format!(r#"{{"unsafe_metadata":{open}{close},"id":"user_2hub00000001","banned":true}}"#);
    let event = clerk_event::parse(format!(r#"{{"type":"user.updated","data":{data}}}"#).as_bytes(), 1_795_464_900_000);
    assert_eq!(event.unwrap().revocations[0].expires_at, "infinity");
}
