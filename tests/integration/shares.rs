//! The limits that one sender can use up: never those that protect others (I-2, T-3).

use crate::{
    harness::{ORIGIN, TOKENS, TestApp, TestResponse, default_upstream, upstream_response},
    jar::signed,
};
use hub::domain::method::{Method, ReceivedMethod};
use hub::{domain::headers::Headers, entry::incoming_request::IncomingRequest, runtime::UpstreamRequest};
use serde_json::{Value, json};
use std::{cell::Cell, rc::Rc};

const STATE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn persona(name: &str) -> &'static str {
    TOKENS["personas"][name].as_str().unwrap()
}

fn arrival(url: String, headers: &[(&str, &str)]) -> IncomingRequest {
    IncomingRequest {
        method: ReceivedMethod::Known(Method::Get),
        url,
        headers: Headers::new(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: None,
    }
}

fn arrive(app: &TestApp, url: String, headers: &[(&str, &str)]) -> TestResponse {
    app.handle(arrival(url, headers))
}

fn calls_of_clerk(response: &TestResponse) -> usize {
    response.upstream.iter().filter(|sent| sent.url.starts_with("https://api.clerk.com/")).count()
}

/// Sends a page request that returns from Clerk, with a state invented by its sender.
fn returning(app: &TestApp, address: &str) -> TestResponse {
    arrive(
        app,
        format!("{ORIGIN}/account?hub_state={STATE}&__clerk_handshake_nonce=x"),
        &[
            ("accept", "text/html"),
            ("sec-fetch-dest", "document"),
            ("cookie", &format!("__Host-hub_state={STATE}")),
            ("cf-connecting-ip", address),
        ],
    )
}

/// Clerk's limit applies to the whole secret key: a client without an account that used it up would stop revocations
/// and the checks of staff.
#[test]
fn clerk_api_calls_are_limited_per_address_i_2() {
    let app = TestApp::with_upstream(|request: &UpstreamRequest| {
        if request.url.contains("handshake_payload") { upstream_response(404, "{}") } else { default_upstream(request) }
    });
    let response: Vec<TestResponse> = (0..500).map(|_| returning(&app, "192.0.2.1")).collect();
    assert_eq!(response.iter().map(calls_of_clerk).sum::<usize>(), 120);
    let last = response.last().unwrap();
    assert_eq!((last.status, last.header("retry-after")), (503, Some("2")));
    assert_eq!(calls_of_clerk(&returning(&app, "192.0.2.2")), 1, "another address is not held up");
    let of_one_subscriber = (0..500).map(|number| returning(&app, &format!("2001:db8:0:1::{number:x}")));
    assert_eq!(of_one_subscriber.map(|response| calls_of_clerk(&response)).sum::<usize>(), 120);
    app.fake.advance_time(60_000);
    assert_eq!(calls_of_clerk(&returning(&app, "192.0.2.1")), 1);
}

/// A form may be sent again: the session is ended in the Hub each time, and Clerk receives a limited number of
/// requests.
#[test]
fn clerk_api_calls_are_limited_per_user_i_2() {
    let app = TestApp::with_upstream(|request: &UpstreamRequest| {
        if request.url.contains("/revoke") { upstream_response(200, "{}") } else { default_upstream(request) }
    });
    let cookie = format!("__session={}; __client_uat={}", persona("alice"), TOKENS["now"].as_i64().unwrap() - 20);
    let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let page = arrive(&app, format!("{ORIGIN}/sign-out"), &headers);
    let form = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (mut here, mut at_clerk) = (0, 0);
    for _ in 0..200 {
        let mut arrival = arrival(format!("{ORIGIN}/sign-out"), &headers);
        arrival.method = ReceivedMethod::Known(Method::Post);
        arrival.body = Some(format!("csrf={form}").into_bytes().into());
        let response = app.handle(arrival);
        here += usize::from(response.upstream.iter().any(|sent| sent.url.ends_with("/rpc/end_session")));
        at_clerk += calls_of_clerk(&response);
    }
    assert_eq!((here, at_clerk), (200, 120));
}

/// Returns a valid token of a session.
fn token(user: &str, session: u32, issued_at: i64) -> String {
    signed(&json!({
        "azp": ORIGIN, "exp": issued_at + 60, "iat": issued_at, "iss": "https://clerk.stacklumen.example", "nbf": issued_at - 10,
        "sid": format!("sess_2hub{session:08}"), "sub": user, "v": 2,
    }))
}

fn over_http(app: &TestApp, cookie: &str) -> TestResponse {
    arrive(app, format!("{}/account", ORIGIN.replace("https", "http")), &[("cookie", cookie)])
}

/// Returns the revocations requested from the database.
fn revoked(response: &TestResponse) -> Vec<Value> {
    let calls = response.upstream.iter().filter(|sent| sent.url.ends_with("/rpc/burn_token"));
    calls.map(|sent| serde_json::from_slice(sent.body.as_deref().unwrap()).unwrap()).collect()
}

const USER: &str = "user_2hubalice0000000000000001";
const OTHER: &str = "user_2hubcarol0000000000000003";

/// Key id and issuer are public, so that any client can write tokens that are valid except for their signature: a valid
/// one after them is revoked.
#[test]
fn forged_tokens_over_plain_http_do_not_consume_revocation_limit_t_3() {
    let app = TestApp::new();
    let now = TOKENS["now"].as_i64().unwrap();
    let (_, signature) = persona("carol").rsplit_once('.').unwrap();
    let valid = token(USER, 1, now);
    let (signed, _) = valid.rsplit_once('.').unwrap();
    for _ in 0..100 {
        assert!(revoked(&over_http(&app, &format!("__session={signed}.{signature}"))).is_empty());
    }
    assert_eq!(revoked(&over_http(&app, &format!("__session={}", persona("alice")))).len(), 1);
}

/// Ten tokens a minute of a user with many valid tokens are revoked; the token of another user is revoked nevertheless.
#[test]
fn revocation_limit_is_per_user_t_3() {
    let app = TestApp::new();
    let now = TOKENS["now"].as_i64().unwrap();
    let response: Vec<TestResponse> =
        (0..70).map(|number| over_http(&app, &format!("__session={}", token(USER, number, now)))).collect();
    assert_eq!(response.iter().map(|response| revoked(response).len()).sum::<usize>(), 10);
    let line =
        response.last().unwrap().lines.iter().find(|line| line["event"] == "insecure_transport.rate_limited").unwrap();
    assert_eq!(line["actor_id"], USER);
    assert!(
        !response.iter().any(|response| response.lines.iter().any(|line| line.to_string().contains("eyJ"))),
        "no token in the log"
    );
    assert_eq!(revoked(&over_http(&app, &format!("__session={}", token(OTHER, 99, now)))).len(), 1);
}

/// A client that is configured with plain http sends each token many times: it is revoked once, unless the database did
/// not respond.
#[test]
fn token_over_plain_http_is_revoked_once_t_3() {
    let fails = Rc::new(Cell::new(true));
    let app = TestApp::with_upstream({
        let fails = Rc::clone(&fails);
        move |request: &UpstreamRequest| {
            let is_revocation = request.url.ends_with("/rpc/burn_token");
            if is_revocation && fails.get() { upstream_response(503, "{}") } else { default_upstream(request) }
        }
    });
    let now = TOKENS["now"].as_i64().unwrap();
    let send = |issued_at: i64| revoked(&over_http(&app, &format!("__session={}", token(USER, 1, issued_at)))).len();
    assert_eq!([send(now - 20), send(now - 20)], [1, 1], "the database has not answered");
    fails.set(false);
    assert_eq!([send(now - 20), send(now - 20), send(now - 30)], [1, 0, 0]);
    assert_eq!([send(now), send(now), send(now - 20)], [1, 0, 0], "the session goes on with a newer token");
}

/// Tokens of other applications of the domain are in the same header.
#[test]
fn tokens_of_other_applications_do_not_hide_a_hub_token_t_3() {
    for count in 0..40 {
        let app = TestApp::new();
        let other = |number: usize| format!("app{number}=eyJhbGciOiJIUzI1NiJ9.{}.{}; ", "a".repeat(60), "b".repeat(60));
        let others: String = (0..count).map(other).collect();
        let response = over_http(&app, &format!("{others}__session={}", persona("alice")));
        assert_eq!(revoked(&response).len(), 1, "behind {count} others");
    }
}
