//! I-2: keys that change under the same id, whatever other requests are sent meanwhile.

use crate::harness::{ORIGIN, TOKENS, TestApp, default_upstream, json, upstream_response};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hub::services::request_context::RequestContext;
use hub::{
    domain::secret::Secret,
    logic::authn::shared_jwks,
    runtime::{RuntimePort as _, UpstreamRequest},
};
use serde_json::Value;
use std::{
    cell::Cell,
    future::{Future as _, poll_fn},
    pin::pin,
    rc::Rc,
    task::Poll,
};

/// Maximum time until a rotation that reuses the key id is noticed: one fetch for an invalid signature in 60 seconds,
/// and 5 seconds after another fetch.
const BOUND_MS: u64 = 65_000;

#[derive(Clone, Copy, PartialEq)]
enum Key {
    First,
    Second,
}

fn set(key: Key) -> String {
    if key == Key::First {
        return TOKENS["jwks"].to_string();
    }
    let foreign_key = &json("throwaway-keys.json")["foreign"];
    let members = ["kty", "n", "e"].map(|name| (name.to_owned(), foreign_key[name].clone()));
    let mut key: serde_json::Map<String, Value> = members.into_iter().collect();
    key.insert("kid".to_owned(), TOKENS["jwks"]["keys"][0]["kid"].clone());
    serde_json::json!({ "keys": [key] }).to_string()
}

fn refused(name: &str) -> &'static str {
    let vectors = TOKENS["refused"].as_array().unwrap();
    vectors.iter().find(|vector| vector["name"] == name).unwrap()["token"].as_str().unwrap()
}

/// Returns a token that is valid under this key.
fn token(key: Key) -> &'static str {
    match key {
        Key::First => TOKENS["personas"]["bob"].as_str().unwrap(),
        Key::Second => refused("signed by a foreign key under the kid of the issuer"),
    }
}

/// Returns an app whose issuer has this key, and the number of requests to the issuer.
fn issuer() -> (TestApp, Rc<Cell<Key>>, Rc<Cell<u64>>) {
    let (key, fetches) = (Rc::new(Cell::new(Key::First)), Rc::new(Cell::new(0)));
    let (given, counted) = (Rc::clone(&key), Rc::clone(&fetches));
    let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
        if !request.url.ends_with("/jwks.json") {
            return default_upstream(request);
        }
        counted.set(counted.get() + 1);
        upstream_response(200, &set(given.get()))
    });
    (app, key, fetches)
}

/// Returns whether the signature was accepted: the tokens of the vectors are valid for a minute, which is checked only
/// after the signature.
fn is_accepted(app: &TestApp, token: &str) -> bool {
    let header = format!("Bearer {token}");
    let response = app.send("-", "GET", "/rest/v1/contact_tickets", &[("authorization", &header)], None);
    response.status == 200 || response.log["reason"] == "expired"
}

/// Random schedules of forged and valid tokens and of rotations, from a deterministic generator.
#[test]
fn valid_token_is_accepted_in_bounded_time_despite_forged_tokens_i_2() {
    let forged = refused("a signature of zeros");
    let mut seed: u64 = 11;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for schedule in 0..10 {
        let (app, key, fetches) = issuer();
        let began = app.fake.now_ms();
        let mut rotated = began;
        // The rate of forged tokens differs between schedules.
        let busy = next(4);
        for _ in 0..60 {
            app.fake.advance_time(next(25_000));
            let now = app.fake.now_ms();
            match next(4 + busy) {
                0 if now - rotated > 2 * BOUND_MS => {
                    key.set(if key.get() == Key::First { Key::Second } else { Key::First });
                    rotated = now;
                }
                0 | 1 => {
                    let accepted = is_accepted(&app, token(key.get()));
                    assert!(accepted || now - rotated < BOUND_MS, "schedule {schedule}: {} ms after", now - rotated);
                }
                _ => assert!(!is_accepted(&app, forged)),
            }
        }
        let elapsed = app.fake.now_ms() - began;
        let most = elapsed / 60_000 + elapsed / 150_000 + 3;
        assert!(
            fetches.get() <= most,
            "schedule {schedule}: the issuer was asked {} times in {elapsed} ms",
            fetches.get()
        );
    }
}

/// A token is verified with a key that another request replaces meanwhile, at any point: the next time it is invalid.
#[test]
fn token_of_a_replaced_key_is_not_cached_i_2() {
    for polls in 0..12 {
        let (app, key, _) = issuer();
        assert_eq!(app.get("alice", "GET", "/rest/v1/contact_tickets").status, 200);
        key.set(Key::Second);
        app.fake.advance_time(6_000);
        let context = RequestContext::for_event(&app.fake);
        let mut old = pin!(app.hub.authenticate(&context, token(Key::First)));
        let mut new = pin!(app.hub.authenticate(&context, token(Key::Second)));
        let (mut turn, mut found, mut replaced) = (0, None, false);
        let (found, replaced) = app
            .fake
            .run(poll_fn(|context| {
                turn += 1;
                // The end of one allows the other to continue in the same turn.
                loop {
                    let before = (found, replaced);
                    if (turn > polls || found.is_some()) && !replaced {
                        replaced = new.as_mut().poll(context).is_ready();
                    }
                    if found.is_none()
                        && (turn <= polls || replaced)
                        && let Poll::Ready(session) = old.as_mut().poll(context)
                    {
                        found = Some(session.is_ok());
                    }
                    if before == (found, replaced) {
                        break;
                    }
                }
                if replaced && found.is_some() { Poll::Ready((found, replaced)) } else { Poll::Pending }
            }))
            .unwrap();
        assert!(replaced && (polls == 0 || found == Some(true)));
        let header = format!("Bearer {}", token(Key::First));
        let response =
            app.send("-", "GET", "/rest/v1/contact_tickets", &[("authorization", &header), ("origin", ORIGIN)], None);
        assert_eq!(
            (response.status, response.log["reason"].as_str()),
            (401, Some("signature-invalid")),
            "after {polls} polls"
        );
    }
}

/// Another Worker of the zone can write to the cache: a set that no Hub with this signing key wrote is ignored, and the
/// issuer is requested.
#[test]
fn unauthenticated_shared_set_is_ignored_i_2() {
    let jwks = "https://clerk.stacklumen.example/.well-known/jwks.json";
    let url = format!("{ORIGIN}/.keys?of={}", "https%3A%2F%2Fclerk.stacklumen.example%2F.well-known%2Fjwks.json");
    let now = TOKENS["now"].as_u64().unwrap() * 1000;
    let foreign_key = shared_jwks::derive_key(&Secret::new([7; 32]));
    let forged = set(Key::Second);
    for shared in [
        format!("{now:<16}{forged}").into_bytes(),
        shared_jwks::seal(&foreign_key, jwks, now, forged.as_bytes()),
        forged.clone().into_bytes(),
        Vec::new(),
    ] {
        let (app, _, fetches) = issuer();
        app.fake.run(app.fake.cache_put(&url, &shared, 300)).unwrap();
        assert!(!is_accepted(&app, token(Key::Second)), "signed with the key that was written to the cache");
        assert!(is_accepted(&app, token(Key::First)));
        assert_eq!(fetches.get(), 1);
        // A set shared by the Hub itself is accepted by the next isolate.
        assert!(is_accepted(&app.another_isolate(), token(Key::First)));
        assert_eq!(fetches.get(), 1);
    }
    // The same URL and the same set, with the MAC of the Hub's own key: accepted, without a request to the issuer.
    let mut own = [0; 32];
    let private = json("throwaway-keys.json")["hub"]["d"].as_str().unwrap().to_owned();
    Base64UrlUnpadded::decode(private, &mut own).unwrap();
    let (app, _, fetches) = issuer();
    let shared = shared_jwks::seal(&shared_jwks::derive_key(&Secret::new(own)), jwks, now, forged.as_bytes());
    app.fake.run(app.fake.cache_put(&url, &shared, 300)).unwrap();
    assert!(is_accepted(&app, token(Key::Second)));
    assert_eq!(fetches.get(), 0);
}
