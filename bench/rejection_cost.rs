//! The cost of rejecting an unauthenticated client, relative to that of accepting a valid token: ratios of one run.
//! `make bench` runs it.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a report: it measures time, and its inputs are the test vectors"
)]

use hub::domain::headers::Headers;
use hub::domain::secret::Secret;
use hub::logic::authn::browser_session::BrowserSessionInput;
use hub::logic::authn::browser_session::ClerkInstance;
use hub::logic::authn::browser_session::decide;
use hub::logic::authn::jwks;
use hub::logic::authn::password_fields;
use hub::logic::authn::session_token;
use hub::logic::authn::session_token::TokenPolicy;
use hub::logic::http::cookies::Cookies;
use hub::logic::webhook::signature::WebhookSignature;
use hub::runtime::RuntimePort as _;
use hub::runtime::fake::FakeRuntime;
use std::{hint::black_box, time::Instant};

const VECTORS: &str = include_str!("../tests/vectors/tokens.json");

fn timed(rounds: u32, mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    for _ in 0..rounds {
        work();
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
}

fn main() {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let valid = vectors["personas"]["alice"].as_str().expect("a token");
    let now = vectors["now"].as_i64().expect("a time");
    let keys = jwks::parse(vectors["jwks"].to_string().as_bytes()).expect("a set");
    let key = keys.first().expect("a key");
    let fake = FakeRuntime::new(0, |_| Err(hub::runtime::FetchError::Unreachable));
    let imported = fake.run(fake.import_rsa(&key.modulus, &key.exponent)).expect("at once").expect("a key");
    let expected = TokenPolicy {
        issuer: vectors["issuer"].as_str().expect("an issuer").to_owned(),
        authorized_parties: vec!["https://hub.stacklumen.example".to_owned()],
        role_claim: vec!["metadata".to_owned(), "stacklumen_role".to_owned()],
    };
    let judged = |raw: &str| {
        let Ok(unverified) = session_token::parse(raw) else { return false };
        let checked = fake.run(fake.verify(&imported, unverified.signing_input().as_bytes(), unverified.signature()));
        let verified = unverified.into_verified(checked.is_ok_and(|valid| valid.unwrap_or(false)).into());
        verified.is_ok_and(|verified| session_token::validate_claims(&verified, &expected, now).is_ok())
    };
    assert!(judged(valid), "the valid token is accepted");
    let one = timed(2000, || assert!(black_box(judged(valid))));
    println!("{:<44} {one:>9.1} µs    1.000", "a valid token: form, signature, claims");
    let (header, rest) = valid.split_once('.').expect("three segments");
    let signature = rest.split_once('.').expect("three segments").1;
    let long = format!("{header}.{}.{signature}", "A".repeat(1_000_000));
    let full = format!("{header}.{}.{signature}", "A".repeat(8192 - header.len() - signature.len() - 2));
    let instance = ClerkInstance {
        suffix: "QvfNY2dr".to_owned(),
        issuer: expected.issuer.clone(),
        is_development: true,
        domains: Vec::new(),
    };
    let crowd = "__session=x.y.z; ".repeat(900);
    let (far, form) = ("x=1; ".repeat(200_000), "a=1&".repeat(2000));
    let sent = [
        ("svix-id", "msg_1".to_owned()),
        ("svix-timestamp", now.to_string()),
        ("svix-signature", "v1,AAAA ".repeat(200)),
    ];
    let sent = Headers::new(sent.map(|(name, value)| (name.to_owned(), value)).to_vec());
    let secrets = [Secret::new(vec![7; 32])];
    let body = vec![b'x'; 256 * 1024];
    let visited = |header: &str| {
        let cookies = Cookies::parse(header);
        let visit = BrowserSessionInput { cookies: &cookies, query: &form, is_navigation: true, now_s: now };
        black_box(decide(&visit, &instance));
    };
    let report = |name: &str, cost: f64| println!("{name:<44} {cost:>9.1} µs {:>8.3}", cost / one);
    report("a token of 1 MB", timed(2000, || assert!(!judged(black_box(&long)))));
    report("a token of 8192 characters, no JSON", timed(2000, || assert!(!judged(black_box(&full)))));
    report("a Cookie header of 15 KB, one name", timed(2000, || visited(black_box(&crowd))));
    report("a Cookie header of 1 MB", timed(2000, || visited(black_box(&far))));
    report(
        "a query of 8 KB, looked through for passwords",
        timed(2000, || assert!(!password_fields::form_contains_password(black_box(&form)))),
    );
    report(
        "a webhook of 256 KiB with 200 signatures",
        timed(500, || {
            assert!(
                WebhookSignature::parse(&sent, now).is_ok_and(|envelope| envelope.verify(&secrets, &body).is_err())
            );
        }),
    );
}
