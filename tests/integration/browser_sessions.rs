//! I-1, I-2: pages as in production: Clerk's addresses, the states of a browser session, and the behaviour of a page
//! when an upstream is unavailable.

use crate::harness::{ORIGIN, REST, TOKENS, TestApp, TestResponse, default_upstream, upstream_response};
use hub::domain::method::ReceivedMethod;
use hub::{
    domain::headers::Headers,
    entry::incoming_request::IncomingRequest,
    runtime::{FetchError, UpstreamRequest},
};
use serde_json::Value;
use std::{cell::Cell, rc::Rc};

const SESSION: &str = "sess_2hubalice0000000000000001";

fn now() -> i64 {
    TOKENS["now"].as_i64().unwrap()
}

fn jar(persona: &str) -> String {
    format!("__session={}; __client_uat={}", TOKENS["personas"][persona].as_str().unwrap(), now() - 20)
}

fn opened(
    app: &TestApp,
    method: &str,
    path: &str,
    cookie: &str,
    more: &[(&str, &str)],
    body: Option<String>,
) -> TestResponse {
    let mut headers = vec![("accept", "text/html"), ("sec-fetch-dest", "document")];
    headers.extend_from_slice(more);
    if !cookie.is_empty() {
        headers.push(("cookie", cookie));
    }
    app.handle(IncomingRequest {
        method: ReceivedMethod::parse(method),
        url: format!("{ORIGIN}{path}"),
        headers: Headers::new(headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: body.map(|body| body.into_bytes().into()),
    })
}

fn set(response: &TestResponse) -> Vec<&str> {
    response.headers.iter().filter(|(name, _)| *name == "set-cookie").map(|(_, value)| value.as_str()).collect()
}

fn csrf(page: &str) -> String {
    page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn production_redirects_to_the_accounts_portal_and_back_i_1() {
    let app = TestApp::new();
    for (path, page) in [("/sign-in", "sign-in"), ("/sign-up", "sign-up")] {
        let response = opened(&app, "GET", &format!("{path}?redirect_url=%2Fsecurity"), "", &[], None);
        assert_eq!(response.status, 303);
        let wanted = format!(
            "https://accounts.stacklumen.example/{page}?redirect_url=https%3A%2F%2Fhub.stacklumen.example%2Fsecurity"
        );
        assert_eq!(response.header("location"), Some(wanted.as_str()));
    }
    let response = opened(&app, "GET", "/sign-in?redirect_url=%2Fsecurity", &jar("alice"), &[], None);
    assert_eq!((response.status, response.header("location")), (303, Some("https://hub.stacklumen.example/security")));
}

#[test]
fn redirects_preserve_base_path_d_2() {
    let app = TestApp::with(&[("HUB_BASE_PATH", "/app")], default_upstream);
    let response = opened(&app, "GET", "/app/account", "", &[], None);
    assert_eq!(response.header("location"), Some("/app/sign-in?redirect_url=%2Fapp%2Faccount"));
    let response = opened(&app, "GET", "/app/sign-in", "", &[], None);
    assert!(
        response
            .header("location")
            .unwrap()
            .ends_with("redirect_url=https%3A%2F%2Fhub.stacklumen.example%2Fapp%2Faccount")
    );
    // Other paths on that origin do not belong to the Hub.
    for elsewhere in ["%2F", "%2Faccount", "https%3A%2F%2Fhub.stacklumen.example%2Fapps"] {
        let response = opened(&app, "GET", &format!("/app/sign-in?redirect_url={elsewhere}"), "", &[], None);
        assert!(response.header("location").unwrap().ends_with("stacklumen.example%2Fapp%2Faccount"), "{elsewhere}");
    }
    let page = opened(&app, "GET", "/app/account", &jar("alice"), &[], None);
    assert!(page.status == 200 && page.text.contains("action=\"/app/sign-out\""));
}

#[test]
fn expired_session_redirects_to_handshake_without_token_i_2() {
    let app = TestApp::new();
    app.fake.advance_time(120_000);
    let response = opened(&app, "GET", "/account?tab=1", &jar("alice"), &[], None);
    assert_eq!((response.status, response.header("cache-control")), (307, Some("no-store")));
    let location = response.header("location").unwrap();
    let start = "https://clerk.stacklumen.example/v1/client/handshake?redirect_url=https%3A%2F%2Fhub.stacklumen.example%2Faccount%3Ftab%3D1%26hub_state%3D";
    assert!(location.starts_with(start), "{location}");
    assert!(location.contains("&__clerk_hs_reason=session-token-expired&") && location.ends_with("&format=nonce"));
    assert!(!location.contains("__session") && !location.contains("db_jwt") && !location.contains("eyJ"));
    let [state] = set(&response)[..] else { panic!("{:?}", set(&response)) };
    assert!(state.starts_with("__Host-hub_state=") && state.ends_with("; Secure; HttpOnly; SameSite=Lax"));
    assert_eq!(response.log["reason"], "session-token-expired");
}

/// A session that the database rejects is ended here, including its cookies.
#[test]
fn revoked_session_is_signed_out_at_the_next_page_i_2() {
    let app = TestApp::with_upstream(|request: &UpstreamRequest| {
        let is_data = request.url.starts_with(REST) && !request.url.ends_with("/rpc/record_requests");
        if is_data {
            upstream_response(401, r#"{"code":"PT401","message":"session revoked"}"#)
        } else {
            default_upstream(request)
        }
    });
    let response = opened(&app, "GET", "/account", &jar("alice"), &[], None);
    assert_eq!(response.status, 401);
    assert!(response.text.contains("Your session has ended") && response.text.contains("/sign-in"));
    assert!(set(&response).iter().any(|cookie| cookie.starts_with("__session=; Path=/; Max-Age=0")));
    assert_eq!((response.rows.len(), &response.rows[0]["outcome"]), (1, &Value::from("refused")));
}

/// A gateway that does not accept the Hub's key proves nothing about the user: any 401 except `PT401` is an upstream
/// failure.
#[test]
fn page_session_is_ended_only_by_pt401_i_2() {
    for body in [
        // Supabase's gateway, for an invalid or absent `apikey`.
        r#"{"message":"Invalid API key","hint":"Double check your Supabase `anon` or `service_role` API key."}"#,
        r#"{"message":"No API key found in request"}"#,
        // PostgREST, for an untrusted key and for a wrong clock.
        r#"{"code":"PGRST301","message":"No suitable key or wrong key type","details":null,"hint":null}"#,
        r#"{"code":"PGRST303","message":"JWT issued at future","details":null,"hint":null}"#,
        r#"{"code":"PGRST302","message":"Anonymous access is disabled"}"#,
        r#"{"code":"pt401"}"#,
        r#"{"message":"PT401"}"#,
        r#"["PT401"]"#,
        "<html>unauthorized</html>",
        "",
    ] {
        let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
            let is_data = request.url.starts_with(REST) && !request.url.ends_with("/rpc/record_requests");
            if is_data { upstream_response(401, body) } else { default_upstream(request) }
        });
        let response = opened(&app, "GET", "/account", &jar("alice"), &[], None);
        assert_eq!((response.status, response.log["code"].as_str()), (502, Some("HUB404")), "{body}");
        assert!(set(&response).is_empty(), "the cookies stay: {body}");
        assert_eq!(
            opened(&app, "GET", "/account", &jar("alice"), &[], None).status,
            502,
            "nor is the session forgotten"
        );
    }
}

#[test]
fn page_reports_unavailable_upstream() {
    for (failure, status) in [(FetchError::Unreachable, 502), (FetchError::Timeout, 504)] {
        let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
            if request.url.starts_with(REST) { Err(failure) } else { default_upstream(request) }
        });
        let response = opened(&app, "GET", "/account", &jar("alice"), &[], None);
        assert_eq!(response.status, status);
        assert!(
            response.text.starts_with("<!DOCTYPE html>") && set(&response).is_empty(),
            "nobody is signed out by an outage"
        );
    }
    let keyless = TestApp::with_upstream(|request: &UpstreamRequest| {
        if request.url.contains("jwks") { Err(FetchError::Unreachable) } else { default_upstream(request) }
    });
    let response = opened(&keyless, "GET", "/account", &jar("alice"), &[], None);
    assert_eq!((response.status, set(&response).len()), (503, 0));
    assert!(response.header("retry-after").is_some());
}

/// Returns an app in which Clerk responds with this status to the end of a session.
fn revoking(at_clerk: u16) -> TestApp {
    TestApp::with_upstream(move |request: &UpstreamRequest| {
        if request.url.ends_with("/revoke") { upstream_response(at_clerk, "{}") } else { default_upstream(request) }
    })
}

fn signed_out(at_clerk: u16) -> (TestResponse, TestResponse) {
    let app = revoking(at_clerk);
    let page = opened(&app, "GET", "/sign-out", &jar("alice"), &[], None);
    let body = format!("csrf={}", csrf(&page.text));
    let sent = opened(&app, "POST", "/sign-out", &jar("alice"), &[("sec-fetch-site", "same-origin")], Some(body));
    (page, sent)
}

#[test]
fn sign_out_revokes_in_hub_then_at_clerk_then_deletes_cookies_i_2() {
    let (page, response) = signed_out(200);
    assert_eq!(page.status, 200);
    assert_eq!((response.status, response.header("location")), (303, Some("https://hub.stacklumen.example/")));
    let is_data: Vec<&str> = response.upstream.iter().map(|sent| sent.url.rsplit("/v1/").next().unwrap()).collect();
    assert_eq!(is_data, ["rpc/end_session", &format!("sessions/{SESSION}/revoke")]);
    let forgotten = set(&response);
    assert!(
        ["__session=;", "__client_uat=;"].iter().all(|name| forgotten.iter().any(|cookie| cookie.starts_with(name)))
    );
}

/// A page may be open longer than its token is valid. Its form ends the session, whatever the token's age.
#[test]
fn sign_out_accepts_expired_tokens_i_2() {
    for seconds in [0, 70, 3_600, 86_400, 30 * 86_400] {
        let app = revoking(200);
        let page = opened(&app, "GET", "/account", &jar("alice"), &[], None);
        let body = format!("csrf={}", csrf(&page.text));
        app.fake.advance_time(seconds * 1000);
        let sent = opened(&app, "POST", "/sign-out", &jar("alice"), &[("sec-fetch-site", "same-origin")], Some(body));
        assert_eq!((sent.status, sent.header("location")), (303, Some("https://hub.stacklumen.example/")), "{seconds}");
        let is_data: Vec<&str> = sent.upstream.iter().map(|sent| sent.url.rsplit("/v1/").next().unwrap()).collect();
        assert_eq!(is_data, ["rpc/end_session", &format!("sessions/{SESSION}/revoke")], "{seconds}");
        let named: Value = serde_json::from_slice(sent.upstream[0].body.as_ref().unwrap()).unwrap();
        assert_eq!(named["session"], SESSION);
        let row = &sent.rows[0];
        assert_eq!((&row["session_id"], &row["outcome"]), (&Value::from(SESSION), &Value::from("allowed")), "L-3");
        assert!(set(&sent).iter().all(|cookie| cookie.contains("; Max-Age=0;")));
        for form in ["__session=; Path=/; Max-Age=0", "__client_uat=; Path=/; Domain=stacklumen.example; Max-Age=0"] {
            assert!(set(&sent).iter().any(|cookie| cookie.starts_with(form)), "{form}");
        }
    }
}

/// A session that cannot be ended is not reported as ended: no session is ended, no cookie deleted, and the response
/// states it.
#[test]
fn sign_out_without_effect_is_reported_i_2() {
    let valid = TOKENS["personas"]["alice"].as_str().unwrap();
    let (signed, signature) = valid.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    let of_others = |reason: &str| {
        let cases = TOKENS["refused"].as_array().unwrap();
        cases.iter().find(|case| case["reason"] == reason).unwrap()["token"].as_str().unwrap()
    };
    let page = opened(&TestApp::new(), "GET", "/account", &jar("alice"), &[], None);
    let body = format!("csrf={}", csrf(&page.text));
    for (what, cookie) in [
        ("no cookie", String::new()),
        ("no token", "__session=x".to_owned()),
        ("a forged one", format!("__session={forged}")),
        ("of another issuer", format!("__session={}", of_others("issuer-refused"))),
        ("for another party", format!("__session={}", of_others("authorized-party-refused"))),
        ("of a template", format!("__session={}", of_others("category-refused"))),
        ("from the future", format!("__session={}", of_others("issued-in-future"))),
    ] {
        for seconds in [0, 3_600] {
            let app = TestApp::new();
            app.fake.advance_time(seconds * 1000);
            // An issue time an hour ahead is not in the future an hour later.
            if what == "from the future" && seconds > 0 {
                continue;
            }
            let form = Some(body.clone());
            let sent = opened(&app, "POST", "/sign-out", &cookie, &[("sec-fetch-site", "same-origin")], form);
            assert_eq!((sent.status, sent.log["code"].as_str()), (401, Some("HUB110")), "{what}");
            assert!(sent.text.contains("No session was ended"), "{what}");
            assert_eq!((sent.upstream.len(), set(&sent).len()), (0, 0), "{what}");
        }
    }
    // The form of another session ends neither.
    let of_carol =
        opened(&TestApp::new(), "POST", "/sign-out", &jar("carol"), &[("sec-fetch-site", "same-origin")], Some(body));
    assert_eq!((of_carol.status, of_carol.log["code"].as_str(), of_carol.upstream.len()), (403, Some("HUB106"), 0));
}

/// A key that was rotated within the day: its tokens cannot be verified any more, and without keys no token can be
/// verified.
#[test]
fn sign_out_with_rotated_key_reports_no_effect_i_2() {
    let rotated = Rc::new(Cell::new(None));
    let jwks = Rc::clone(&rotated);
    let app =
        TestApp::with_upstream(move |request: &UpstreamRequest| match (request.url.contains("jwks"), jwks.get()) {
            (true, Some(false)) => Err(FetchError::Unreachable),
            (true, Some(true)) => {
                let mut set = TOKENS["jwks"].clone();
                set["keys"][0]["kid"] = Value::from("ins_2hubanother");
                upstream_response(200, &set.to_string())
            }
            _ => default_upstream(request),
        });
    let page = opened(&app, "GET", "/account", &jar("alice"), &[], None);
    let body = || Some(format!("csrf={}", csrf(&page.text)));
    app.fake.advance_time(86_400_000);
    for (keys, status, code) in [(Some(false), 503, "HUB104"), (Some(true), 401, "HUB110")] {
        rotated.set(keys);
        let sent = opened(&app, "POST", "/sign-out", &jar("alice"), &[("sec-fetch-site", "same-origin")], body());
        assert_eq!((sent.status, sent.log["code"].as_str()), (status, Some(code)));
        assert_eq!((sent.upstream.len(), set(&sent).len()), (0, 0), "nothing ended, nothing forgotten");
        app.fake.advance_time(60_000);
    }
    // The page rejects the token, and the browser deletes it: a handshake with Clerk returns a fresh one.
    let response = opened(&app, "GET", "/account", &jar("alice"), &[], None);
    assert_eq!((response.status, response.log["reason"].as_str()), (303, Some("key-unknown")));
    assert!(set(&response).iter().any(|cookie| cookie.starts_with("__session=; Path=/; Max-Age=0")));
}

/// Of two sessions in one browser, the one that owns the page is ended.
#[test]
fn sign_out_ends_the_session_of_the_form_i_2() {
    let app = revoking(200);
    let suffix = &app.hub.clerk_instance.suffix;
    let [alice, carol] = ["alice", "carol"].map(|persona| TOKENS["personas"][persona].as_str().unwrap());
    let page = opened(&app, "GET", "/account", &jar("alice"), &[], None);
    let cookie = format!("__session={carol}; __session_{suffix}={alice}");
    let body = format!("csrf={}", csrf(&page.text));
    let sent = opened(&app, "POST", "/sign-out", &cookie, &[("sec-fetch-site", "same-origin")], Some(body));
    assert_eq!(sent.status, 303);
    assert!(sent.upstream[1].url.ends_with(&format!("/v1/sessions/{SESSION}/revoke")));
}

/// I-2: a production instance returns a handshake's result in a cookie of the parent domain. Seen with the first build:
/// 307, 307, 307, 401.
#[test]
fn production_handshake_signs_in_i_2() {
    let token = TOKENS["personas"]["alice"].as_str().unwrap();
    let directives = serde_json::json!({ "directives": [
        "__client_uat=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "__clerk_handshake_nonce=; Path=/; Domain=stacklumen.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        format!("__client_uat={}; Path=/; Domain=stacklumen.example; Max-Age=315360000; Secure; SameSite=Lax", now() - 20),
        format!("__session={token}; Path=/; Max-Age=315360000; Secure; SameSite=Lax"),
    ] });
    let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
        match request.url.split_once("handshake_payload?nonce=") {
            Some((_, "n1")) => upstream_response(200, &directives.to_string()),
            Some(_) => upstream_response(404, "{}"),
            None => default_upstream(request),
        }
    });
    let uat = format!("__client_uat={}", now() - 20);
    let away = opened(&app, "GET", "/account", &uat, &[], None);
    assert_eq!(away.status, 307);
    let state = set(&away)[0].split(';').next().unwrap().to_owned();
    let value = state.split_once('=').unwrap().1;
    let back = format!("/account?tab=1&hub_state={value}");
    let response = opened(&app, "GET", &back, &format!("{uat}; {state}; __clerk_handshake_nonce=n1"), &[], None);
    assert_eq!(
        (response.status, response.header("location")),
        (307, Some("https://hub.stacklumen.example/account?tab=1"))
    );
    let counted = "__clerk_redirect_count=1; Path=/; Max-Age=10; Secure; HttpOnly; SameSite=Lax";
    assert!(set(&response).contains(&counted), "a round is counted when it is over");
    let left = |cookie: &&str| !cookie.contains("Max-Age=0;") && *cookie != counted;
    let is_stored: Vec<&str> = set(&response).into_iter().filter(left).collect();
    let update = format!("{uat}; Path=/; Domain=stacklumen.example; Max-Age=31536000; Secure; SameSite=Lax");
    assert_eq!(
        is_stored,
        [&update, &format!("__session={token}; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax")]
    );
    for expired in
        ["__clerk_handshake_nonce=; Path=/; Domain=stacklumen.example; Max-Age=0", "__client_uat=; Path=/; Max-Age=0"]
    {
        assert!(set(&response).iter().any(|cookie| cookie.starts_with(expired)), "{expired}");
    }
    // Overwritten by another application of the domain: one more handshake, and the invalid cookie is deleted.
    let rejected = opened(&app, "GET", &back, &format!("{uat}; {state}; __clerk_handshake_nonce=n2"), &[], None);
    assert_eq!(rejected.status, 307);
    assert!(rejected.header("location").unwrap().contains("__clerk_hs_reason=handshake-nonce-unknown"));
    assert!(
        set(&rejected).iter().any(|cookie| cookie.starts_with("__clerk_handshake_nonce=; Path=/; Domain=stacklumen"))
    );
    assert!(set(&rejected).contains(&format!("{state}; Path=/; Max-Age=300; Secure; HttpOnly; SameSite=Lax").as_str()));
}

/// The cookies remain, so that the user can retry.
#[test]
fn failed_clerk_sign_out_returns_hub109_i_2() {
    let (_, response) = signed_out(500);
    assert_eq!((response.status, set(&response).len()), (502, 0));
    assert!(response.text.contains("the sign-out at Clerk failed"));
}

/// A refresh token avoids the redirect of the browser; an invalid response to it only causes that redirect.
#[test]
fn failed_refresh_redirects_to_handshake_i_2() {
    for (status, body) in
        [(500, "{}"), (200, "garbage"), (200, r#"{"cookies":[]}"#), (200, r#"{"cookies":["__session=x.y.z; Path=/"]}"#)]
    {
        let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
            if request.url.contains("/refresh?") { upstream_response(status, body) } else { default_upstream(request) }
        });
        app.fake.advance_time(120_000);
        let suffix = &app.hub.clerk_instance.suffix;
        let token = TOKENS["personas"]["alice"].as_str().unwrap();
        let cookie = format!("__session_{suffix}={token}; __client_uat_{suffix}={}; __refresh_{suffix}=r", now() - 20);
        let response = opened(&app, "GET", "/account", &cookie, &[], None);
        assert_eq!(response.status, 307, "{body}");
        assert!(response.header("location").unwrap().contains("/v1/client/handshake?"));
        let refreshed = response.upstream.iter().filter(|sent| sent.url.contains("/refresh?")).count();
        assert_eq!(refreshed, 1);
    }
}

/// Returns an app without the database, in which Clerk responds with these to the end of a session and to the request
/// for its status.
fn ending(database: bool, revoke: u16, session: (u16, &'static str)) -> TestApp {
    TestApp::with_upstream(move |request: &UpstreamRequest| match request.url.as_str() {
        url if url.ends_with("/rpc/end_session") && !database => Err(FetchError::Unreachable),
        url if url.ends_with("/revoke") => upstream_response(revoke, r#"{"errors":[]}"#),
        url if url.ends_with(&format!("/v1/sessions/{SESSION}")) => upstream_response(session.0, session.1),
        _ => default_upstream(request),
    })
}

fn sign_out_of(app: &TestApp) -> TestResponse {
    let page = opened(app, "GET", "/sign-out", &jar("alice"), &[], None);
    let body = format!("csrf={}", csrf(&page.text));
    opened(app, "POST", "/sign-out", &jar("alice"), &[("sec-fetch-site", "same-origin")], Some(body))
}

/// Both ends are attempted whatever the outcome of the other, and the failed one is named.
#[test]
fn sign_out_attempts_hub_and_clerk_independently_i_2() {
    for (database, clerk, status, code) in [
        (true, 200, 303, None),
        (true, 500, 502, Some("HUB109")),
        (false, 200, 502, Some("HUB401")),
        (false, 500, 502, Some("HUB401")),
    ] {
        let app = ending(database, clerk, (500, "{}"));
        let page = opened(&app, "GET", "/sign-out", &jar("alice"), &[], None);
        let body = format!("csrf={}", csrf(&page.text));
        let response =
            opened(&app, "POST", "/sign-out", &jar("alice"), &[("sec-fetch-site", "same-origin")], Some(body));
        assert_eq!((response.status, response.log["code"].as_str()), (status, code), "{database} {clerk}");
        let is_data = |end: &str| response.upstream.iter().filter(|sent| sent.url.ends_with(end)).count();
        assert_eq!((is_data("/rpc/end_session"), is_data("/revoke")), (1, 1), "{database} {clerk}");
        assert_eq!(set(&response).is_empty(), status != 303, "cookies go when it is over at both: {database} {clerk}");
        let incomplete = response.lines.iter().find(|line| line["event"] == "sign_out.incomplete");
        let ends = incomplete.map(|line| (line["revoked_at_hub"].as_bool(), line["revoked_at_clerk"].as_bool()));
        let wanted = (status != 303).then_some((Some(database), Some(clerk == 200)));
        assert_eq!(ends, wanted, "{database} {clerk}");
    }
}

/// Clerk lists ended sessions with their status, and does not state for how long. One that it does not find has ended
/// if it finds the user; otherwise the session or the key belongs to another instance.
#[test]
fn rejected_clerk_revocation_succeeds_only_for_ended_sessions_i_2() {
    let over = ["abandoned", "ended", "expired", "removed", "replaced", "revoked"];
    for refusal in [400, 404] {
        for status in over.into_iter().chain(["active", "pending", "", "unheard-of"]) {
            let body: &'static str = Box::leak(format!(r#"{{"id":"{SESSION}","status":"{status}"}}"#).into_boxed_str());
            let response = sign_out_of(&ending(true, refusal, (200, body)));
            let ended = over.contains(&status);
            assert_eq!(response.status, if ended { 303 } else { 502 }, "{refusal} {status}");
            assert_eq!(response.log["code"].as_str(), (!ended).then_some("HUB109"), "{refusal} {status}");
        }
        let other: &'static str = r#"{"id":"sess_2hubcarol0000000000000003","status":"ended"}"#;
        for sessions in
            [(404, r#"{"errors":[{"code":"resource_not_found"}]}"#), (500, "{}"), (200, "{}"), (200, "x"), (200, other)]
        {
            let response = sign_out_of(&ending(true, refusal, sessions));
            assert_eq!(
                (response.status, response.log["code"].as_str()),
                (502, Some("HUB109")),
                "{refusal} {sessions:?}"
            );
        }
        for (user, ended) in [
            ((200, r#"{"id":"user_2hubalice0000000000000001"}"#), true),
            ((200, r#"{"id":"user_2hubcarol0000000000000003"}"#), false),
            ((200, "{}"), false),
            ((200, "x"), false),
            ((401, "{}"), false),
            ((404, r#"{"errors":[{"code":"resource_not_found"}]}"#), false),
            ((500, "{}"), false),
        ] {
            let app = TestApp::with_upstream(move |request: &UpstreamRequest| match request.url.as_str() {
                url if url.ends_with("/revoke") => upstream_response(refusal, r#"{"errors":[]}"#),
                url if url.ends_with(&format!("/v1/sessions/{SESSION}")) => upstream_response(404, r#"{"errors":[]}"#),
                url if url.contains("/v1/users/") => upstream_response(user.0, user.1),
                _ => default_upstream(request),
            });
            let response = sign_out_of(&app);
            assert_eq!(response.status, if ended { 303 } else { 502 }, "{refusal}, the session is unknown, {user:?}");
            let is_data =
                response.upstream.iter().filter(|sent| sent.url.ends_with("/v1/users/user_2hubalice0000000000000001"));
            assert_eq!(is_data.count(), 1, "{refusal} {user:?}");
        }
    }
}

/// A browser with too many cookies receives an error: treated as signed out, it would be in a redirect loop.
#[test]
fn too_many_cookies_return_a_separate_error_i_2() {
    let many = format!("{}; {}", jar("alice"), vec!["a=1"; 99].join("; "));
    let long = format!("{}; a={}", jar("alice"), "x".repeat(16 * 1024));
    for cookie in [&many, &long] {
        for (method, path) in
            [("GET", "/account"), ("GET", "/sign-in"), ("GET", "/sign-up"), ("GET", "/sign-out"), ("POST", "/sign-out")]
        {
            let same = [("sec-fetch-site", "same-origin")];
            let response =
                opened(&TestApp::new(), method, path, cookie, &same, (method == "POST").then(|| "csrf=x".to_owned()));
            assert_eq!((response.status, response.log["code"].as_str()), (431, Some("HUB111")), "{method} {path}");
            assert!(
                response.header("location").is_none() && response.text.contains("Delete the cookies"),
                "{method} {path}"
            );
        }
        assert_eq!(
            opened(&TestApp::new(), "GET", "/security", cookie, &[], None).status,
            200,
            "a public page reads none"
        );
    }
    let most = format!("{}; {}", jar("alice"), vec!["a=1"; 98].join("; "));
    assert_eq!(opened(&TestApp::new(), "GET", "/account", &most, &[], None).status, 200);
}

/// Cookies that another host of the domain has set do not replace the token of the form's session.
#[test]
fn planted_cookies_do_not_block_sign_out_i_2() {
    let app = revoking(200);
    let alice = TOKENS["personas"]["alice"].as_str().unwrap();
    let page = opened(&app, "GET", "/account", &jar("alice"), &[], None);
    let body = format!("csrf={}", csrf(&page.text));
    let forged = |n: usize| format!("__session=e{n}{}; ", &TOKENS["personas"]["carol"].as_str().unwrap()[1..]);
    for count in [0, 4, 12] {
        let junk: String = (0..count).map(|n| format!("__session=A{n}; {}", forged(n))).collect();
        let cookie = format!("{junk}__session={alice}");
        let sent = opened(&app, "POST", "/sign-out", &cookie, &[("sec-fetch-site", "same-origin")], Some(body.clone()));
        assert_eq!(sent.status, 303, "{count}: {}", sent.code);
        assert!(sent.upstream.iter().any(|request| request.url.ends_with("/rpc/end_session")), "{count}");
    }
}
