//! L-3: response bodies that take longer than the timeout, or never end. A forwarded body is limited by its client
//! only; every body that the Hub reads itself has a time limit.

use crate::{
    cancellation::{generated, kinds},
    harness::{TestApp, default_upstream, upstream_response},
};
use hub::{
    domain::{method::Method, upstreams::POSTGREST},
    entry::handle_request::handle_request,
    runtime::{BodyReadError, FetchError, RuntimePort as _, UpstreamRequest, fake::FakeRuntime},
};

const LONG_MS: u64 = 14_000;
const STAFF: [(&str, &str); 2] = [("x-hub-purpose", "support"), ("if-match", "*")];

fn upstream_request(timeout_ms: u32) -> UpstreamRequest {
    let url = "https://slow.example/".to_owned();
    UpstreamRequest::new(&POSTGREST, Method::Get, url).with_timeout_ms(timeout_ms)
}

/// The fake runtime behaves like `src/runtime/workers/fetch.rs`, which tests/e2e/slow.test.mjs tests.
#[test]
fn fetch_timeout_covers_the_body_and_fetch_head_timeout_does_not() {
    let fake = FakeRuntime::new(0, |_| upstream_response(200, "[]"));
    fake.slow_bodies("slow.example", Some(LONG_MS));
    let read = |whole: bool, timeout_ms| {
        fake.run(async {
            let upstream_request = upstream_request(timeout_ms);
            let response =
                if whole { fake.fetch(upstream_request).await } else { fake.fetch_head(upstream_request).await };
            fake.read(response.unwrap().body.unwrap(), 100).await
        })
    };
    assert_eq!(read(true, 10_000), Ok(Err(BodyReadError::Broken)));
    assert_eq!(read(true, 15_000), Ok(Ok(b"[]".to_vec())));
    assert_eq!(read(false, 10_000), Ok(Ok(b"[]".to_vec())));
    let silent = FakeRuntime::new(0, |_| Err(FetchError::Timeout));
    for whole in [true, false] {
        let response = silent.run(async {
            if whole { silent.fetch(upstream_request(10)).await } else { silent.fetch_head(upstream_request(10)).await }
        });
        assert_eq!(response.unwrap().err(), Some(FetchError::Timeout));
    }
}

#[test]
fn body_slower_than_the_timeout_is_forwarded_completely_l_3() {
    let one = "/rest/v1/contact_tickets?id=eq.00000000-0000-4000-8000-000000000000";
    let messages = "/rest/v1/ticket_messages?ticket_id=eq.00000000-0000-4000-8000-000000000000";
    let represented = [STAFF[0], STAFF[1], ("prefer", "return=representation")];
    let app = TestApp::with_upstream(|request| match request.method {
        Method::Patch => upstream_response(200, r#"[{"id":1}]"#),
        _ if request.url.contains("/rpc/") || request.method != Method::Get => default_upstream(request),
        _ if request.url.contains("/rest/v1/") => upstream_response(200, r#"[{"id":1}]"#),
        _ => default_upstream(request),
    });
    app.fake.slow_bodies("/rest/v1/", Some(LONG_MS));
    for (persona, method, path, headers, body) in [
        ("alice", "GET", one, &STAFF[..], None),
        ("support", "GET", one, &STAFF, None),
        ("support", "GET", messages, &STAFF, None),
        ("alice", "PATCH", one, &represented, Some(r#"{"status":"closed"}"#)),
        ("support", "PATCH", one, &represented, Some(r#"{"status":"closed"}"#)),
    ] {
        let began = app.fake.now_ms();
        let response = app.send(persona, method, path, headers, body);
        assert_eq!((response.status, response.text.as_str()), (200, r#"[{"id":1}]"#), "{persona} {method} {path}");
        assert!(app.fake.now_ms() - began >= LONG_MS, "{persona} {method} {path}: it was not slow");
    }
}

/// The Hub reads the response of `revoke_sessions`: a user whose sessions Clerk was not requested to end remains
/// rejected for ten minutes.
#[test]
fn revocation_with_an_endless_response_is_reported_incomplete_i_2() {
    let app = TestApp::new();
    app.fake.slow_bodies("/rpc/revoke_sessions", None);
    let body = r#"{"person":"user_2hubalice0000000000000001","reason":"test"}"#;
    let response = app.send("admin", "POST", "/rest/v1/rpc/revoke_sessions", &STAFF, Some(body));
    assert_eq!((response.status, response.code.as_str()), (502, "HUB407"));
}

/// Every kind of request and every route: no body that the Hub reads blocks a request, whatever its sender and status.
#[test]
fn endless_bodies_do_not_exceed_request_limits_l_3() {
    let refused = |request: &UpstreamRequest| {
        if request.url.contains("/rest/v1/") { upstream_response(400, "{") } else { default_upstream(request) }
    };
    let broken = |_: &UpstreamRequest| upstream_response(500, "{");
    for upstream in [default_upstream, refused, broken] {
        for slow in ["", "/rest/v1/", "/rpc/record_re", "api.clerk.com", "jwks"] {
            for (name, make) in kinds().into_iter().chain(generated()) {
                let app = TestApp::with_upstream(upstream);
                app.fake.slow_bodies(slow, None);
                let began = app.fake.now_ms();
                let response = app.fake.run(handle_request(&app.hub, &app.fake, make()));
                assert!(response.is_ok(), "{name}: waits for ever, without end: {slow:?}");
                let took = app.fake.now_ms() - began;
                assert!(took < 30_000, "{name}: {took} ms, without end: {slow:?}");
                assert!(app.fake.run_background().is_ok(), "{name}: its work waits for ever, without end: {slow:?}");
            }
        }
    }
}
