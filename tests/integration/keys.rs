//! I-2: the issuer's keys over time: rotation, outage, unknown ids, and the client's responses meanwhile.

use crate::harness::{ORIGIN, TOKENS, TestApp, default_upstream, json, upstream_response};
use hub::domain::method::{Method, ReceivedMethod};
use hub::{
    domain::headers::Headers,
    entry::{handle_request::handle_request, incoming_request::IncomingRequest},
    runtime::{FetchError, RuntimePort as _, UpstreamRequest, UpstreamResponse},
};
use serde_json::Value;
use std::{cell::Cell, rc::Rc};

type Given = Result<UpstreamResponse<Vec<u8>>, FetchError>;

/// Returns an app whose issuer can be changed while it runs.
fn changing() -> (TestApp, Rc<Cell<fn() -> Given>>) {
    let issuer: Rc<Cell<fn() -> Given>> = Rc::new(Cell::new(set));
    let given = Rc::clone(&issuer);
    let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
        if request.url.ends_with("/jwks.json") { given.get()() } else { default_upstream(request) }
    });
    (app, issuer)
}

fn set() -> Given {
    upstream_response(200, &TOKENS["jwks"].to_string())
}

fn away() -> Given {
    Err(FetchError::Unreachable)
}

fn hanging() -> Given {
    Err(FetchError::Timeout)
}

/// The same key id with another key: a possible result of rotating an instance key at Clerk.
fn other_key() -> Given {
    let mut key = json("throwaway-keys.json")["foreign"].clone();
    let key = key.as_object_mut().unwrap();
    for private in ["d", "p", "q", "dp", "dq", "qi", "note"] {
        key.remove(private);
    }
    key["kid"] = TOKENS["jwks"]["keys"][0]["kid"].clone();
    upstream_response(200, &serde_json::json!({ "keys": [key] }).to_string())
}

fn read(app: &TestApp) -> (u16, String, usize) {
    // Each request uses a token that is not cached, so that a key is needed.
    let response = app.get("alice", "GET", "/rest/v1/contact_tickets");
    (response.status, response.code, response.fetched_keys)
}

/// Sends one of several tokens of the same time, since the tokens of the vectors are valid for a minute.
fn fresh(app: &TestApp, number: usize) -> (u16, String, usize) {
    let names = ["alice", "bob", "carol", "dave", "admin", "sales", "support", "stale"];
    let response = app.get(names[number], "GET", "/rest/v1/contact_tickets");
    (response.status, response.code, response.fetched_keys)
}

#[test]
fn jwks_is_fetched_once_for_many_tokens() {
    let (app, _) = changing();
    let fetched: usize = (0..8).map(|number| fresh(&app, number).2).sum();
    assert_eq!(fetched, 1);
}

/// An outage is 503 with `Retry-After`, never 401: the token was not verified. One attempt in five seconds.
#[test]
fn returns_503_until_a_jwks_was_fetched() {
    for broken in [
        away as fn() -> Given,
        hanging,
        || upstream_response(503, "{}"),
        || upstream_response(200, "<html>"),
        || upstream_response(200, r#"{"keys":"garbage"}"#),
        || upstream_response(200, r#"{"keys":[]}"#),
        || upstream_response(200, &format!(r#"{{"keys":[],"padding":"{}"}}"#, "x".repeat(70_000))),
        || Ok(UpstreamResponse { status: 302, headers: Headers::default(), body: None }),
        || {
            Ok(UpstreamResponse {
                status: 200,
                headers: Headers::default(),
                body: Some(TOKENS["jwks"].to_string().into_bytes()),
            })
        },
    ] {
        let (app, issuer) = changing();
        issuer.set(broken);
        let response = app.get("alice", "GET", "/rest/v1/contact_tickets");
        assert_eq!((response.status, response.code.as_str(), response.fetched_keys), (503, "HUB104", 1));
        assert_eq!(response.header("retry-after"), Some("5"));
        assert!(response.upstream.is_empty());
        assert_eq!(read(&app), (503, "HUB104".to_owned(), 0), "the second request must not fetch again");
        app.fake.advance_time(5_001);
        issuer.set(set);
        assert_eq!(read(&app).0, 200);
    }
}

/// A fetched set is used for an hour without its issuer, and no longer.
#[test]
fn serves_stale_jwks_for_one_hour_i_2() {
    let (app, issuer) = changing();
    assert_eq!(fresh(&app, 0).0, 200);
    issuer.set(away);
    app.fake.advance_time(50_000);
    assert_eq!(fresh(&app, 1), (200, String::new(), 0), "still fresh");
    // Tokens expire, so later only the result for the key is compared.
    app.fake.advance_time(3_000_000);
    let expired = (401, "HUB103".to_owned());
    let (status, code, _) = fresh(&app, 2);
    assert_eq!((status, code), expired, "stale, but judged");
    app.fake.advance_time(600_000);
    let (status, code, _) = fresh(&app, 3);
    assert_eq!((status, code), (503, "HUB104".to_owned()), "over an hour old");
}

#[test]
fn refreshes_jwks_in_background_after_half_ttl() {
    let (app, _) = changing();
    assert_eq!(fresh(&app, 0).2, 1);
    app.fake.advance_time(149_000);
    assert_eq!(fresh(&app, 1).2, 0);
    app.fake.advance_time(2_000);
    assert_eq!(fresh(&app, 2).2, 1);
    assert_eq!(fresh(&app, 3).2, 0);
}

/// A rotation that reuses the key id: the old key's tokens become invalid, at the cost of one fetch a minute.
#[test]
fn refetches_jwks_once_after_invalid_signature() {
    let (app, issuer) = changing();
    assert_eq!(fresh(&app, 0), (200, String::new(), 1));
    issuer.set(other_key);
    app.fake.advance_time(6_000);
    let foreign_key = |name: &str| {
        let vectors = TOKENS["refused"].as_array().unwrap();
        vectors.iter().find(|vector| vector["name"] == name).unwrap()["token"].as_str().unwrap().to_owned()
    };
    let fetch = |token: &str| {
        let headers = [("authorization", format!("Bearer {token}"))];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = app.send("-", "GET", "/rest/v1/contact_tickets", &headers, None);
        (response.status, response.fetched_keys)
    };
    assert_eq!(
        fetch(&foreign_key("signed by a foreign key under the kid of the issuer")),
        (200, 1),
        "the new key's token"
    );
    assert_eq!(fresh(&app, 1), (401, "HUB103".to_owned(), 0), "the old key's token");
    assert_eq!(fresh(&app, 0).0, 401, "a token that was remembered, verified with the old key");
    assert_eq!(fetch(&foreign_key("a signature of zeros")), (401, 0), "no second doubt within a minute");
}

#[test]
fn refetches_for_unknown_kid_at_most_every_30s() {
    let (app, _) = changing();
    assert_eq!(fresh(&app, 0).2, 1);
    let unknown = |name: &str| {
        let vectors = TOKENS["refused"].as_array().unwrap();
        let token = vectors.iter().find(|vector| vector["name"] == name).unwrap()["token"].as_str().unwrap();
        let header = format!("Bearer {token}");
        let response = app.send("-", "GET", "/rest/v1/contact_tickets", &[("authorization", &header)], None);
        assert_eq!((response.status, response.code.as_str()), (401, "HUB103"));
        response.fetched_keys
    };
    assert_eq!(unknown("a kid that no key has"), 0, "the set is younger than 30 s");
    app.fake.advance_time(30_000);
    assert_eq!(unknown("a kid that no key has"), 1);
    assert_eq!(unknown("a kid in other case"), 0);
    app.fake.advance_time(30_001);
    assert_eq!(unknown("a kid that no key has"), 0, "known as unknown for a minute");
    assert_eq!(unknown("a kid in other case"), 1);
}

/// `CLERK_JWT_KEY` serves a cold start without an issuer, until the first set is fetched.
#[test]
fn cold_start_uses_the_pinned_key() {
    let pem: &'static str =
        Box::leak(std::fs::read_to_string("tests/vectors/issuer-public.pem").unwrap().into_boxed_str());
    let vars: &'static [(&str, &str)] = Box::leak(Box::new([("CLERK_JWT_KEY", pem)]));
    let app = TestApp::with(
        vars,
        |request| if request.url.ends_with("/jwks.json") { away() } else { default_upstream(request) },
    );
    assert_eq!(fresh(&app, 0), (200, String::new(), 1));
    assert_eq!(fresh(&app, 1), (200, String::new(), 0));
}

/// I-2: isolates of one data centre share a fetched set, and each logs the source of its set.
#[test]
fn isolates_share_jwks_and_its_age_i_2() {
    let app = TestApp::new();
    assert_eq!(app.get("alice", "GET", "/rest/v1/contact_tickets").fetched_keys, 1);
    let other = app.another_isolate();
    let response = other.get("alice", "GET", "/rest/v1/contact_tickets");
    assert_eq!((response.status, response.fetched_keys), (200, 0));
    // A set that is too old to be shared is fetched again, and shared again.
    app.fake.advance_time(151_000);
    let third = app.another_isolate();
    assert_eq!(fresh(&third, 0).2, 1);
    assert_eq!(fresh(&app.another_isolate(), 0).2, 0);
}

/// I-2: a Cache API that never responds costs a cold isolate part of a second, not its keys.
#[test]
fn verifies_tokens_when_cache_never_responds_i_2() {
    let app = TestApp::new();
    app.fake.hang_cache();
    let began = app.fake.now_ms();
    let header = format!("Bearer {}", TOKENS["personas"]["alice"].as_str().unwrap());
    let headers = vec![("authorization".to_owned(), header)];
    let arrival = IncomingRequest {
        method: ReceivedMethod::Known(Method::Get),
        url: format!("{ORIGIN}/rest/v1/contact_tickets"),
        headers: Headers::new(headers),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: None,
    };
    let response = app.fake.run(handle_request(&app.hub, &app.fake, arrival));
    assert_eq!(response.map(|response| response.status), Ok(200));
    assert!(app.fake.now_ms() - began < 1_000, "answered after {} ms", app.fake.now_ms() - began);
    app.fake.run_background().unwrap();
    // The fetched set is held: the next tokens wait for nothing, and no work remains waiting.
    assert_eq!((1..8).map(|number| fresh(&app, number)).collect::<Vec<_>>(), vec![(200, String::new(), 0); 7]);
}

/// I-2: the same for a set that is due, in the background and before a response.
#[test]
fn refreshes_jwks_when_cache_never_responds_i_2() {
    let (app, _) = changing();
    assert_eq!(fresh(&app, 0).2, 1);
    app.fake.hang_cache();
    app.fake.advance_time(151_000);
    assert_eq!(fresh(&app, 1).2, 1, "fetched behind the answer");
    assert_eq!(fresh(&app, 2).2, 0);
    app.fake.advance_time(700_000);
    assert_eq!(fresh(&app, 3).2, 1, "no set that may still be used");
    assert_eq!(fresh(&app, 4).2, 0);
}

#[test]
fn every_jwks_fetch_is_logged_with_its_outcome() {
    let failing = |request: &UpstreamRequest| {
        if request.url.contains("jwks") { upstream_response(503, "{}") } else { default_upstream(request) }
    };
    for (app, outcome) in [(TestApp::new(), "fetched"), (TestApp::with_upstream(failing), "failed")] {
        drop(app.fake.log_lines());
        let headers =
            vec![("authorization".to_owned(), format!("Bearer {}", TOKENS["personas"]["alice"].as_str().unwrap()))];
        let arrival = IncomingRequest {
            method: ReceivedMethod::Known(Method::Get),
            url: format!("{ORIGIN}/rest/v1/contact_tickets"),
            headers: Headers::new(headers),
            tls_version: Some("TLSv1.3".to_owned()),
            colo: None,
            country: None,
            body: None,
        };
        app.fake.run(handle_request(&app.hub, &app.fake, arrival)).unwrap();
        let lines: Vec<Value> =
            app.fake.log_lines().iter().map(|(_, line)| serde_json::from_str(line).unwrap()).collect();
        let line = lines.iter().find(|line| line["event"] == "jwks").unwrap();
        assert_eq!(line["outcome"], outcome);
        assert!(line["duration_ms"].is_u64());
    }
}

/// A rotation that is noticed just when the set is due for its next fetch: the first token of the new key is accepted,
/// not only the second.
#[test]
fn due_refresh_precedes_unknown_kid_rejection_i_2() {
    let (app, issuer) = changing();
    issuer.set(|| upstream_response(200, &TOKENS["jwks"].to_string().replace("\"kid\":\"", "\"kid\":\"old_")));
    assert_eq!(app.get("alice", "GET", "/rest/v1/contact_tickets").log["reason"], "key-unknown");
    issuer.set(set);
    app.fake.advance_time(200_000);
    let response = app.get("alice", "GET", "/rest/v1/contact_tickets");
    // By then it has expired, which is checked only after its signature is valid.
    assert_eq!((response.log["reason"].as_str(), response.fetched_keys), (Some("expired"), 1));
}
