//! A-2: irreversible operations need fresh factors, and a check with Clerk at that moment; ending sessions also ends
//! them at Clerk (I-2).

use crate::harness::{REST, TestApp, TestResponse, default_upstream, upstream_response};
use hub::runtime::{FetchError, UpstreamRequest, UpstreamResponse};
use serde_json::{Value, json};

const CLERK: &str = "https://api.clerk.com/v1/";
const LEAD: &str = "/rest/v1/leads?id=eq.00000000-0000-4000-8000-000000000000";

fn clerk_responds(status: u16, body: &'static str) -> TestApp {
    TestApp::with_upstream(move |request: &UpstreamRequest| {
        if request.url.starts_with(CLERK) { upstream_response(status, body) } else { default_upstream(request) }
    })
}

fn calls<'a>(response: &'a TestResponse, prefix: &str) -> Vec<&'a str> {
    response.upstream.iter().map(|sent| sent.url.as_str()).filter(|url| url.starts_with(prefix)).collect()
}

/// The response has the format that Clerk's `isReverificationHint` and `useReverification` parse.
#[test]
fn stale_factor_returns_clerk_reverification_hint_a_2() {
    let response = TestApp::new().get("stale", "DELETE", LEAD);
    assert_eq!((response.status, response.code.as_str(), response.upstream.len()), (403, "HUB203", 0));
    let body: Value = serde_json::from_str(&response.text).unwrap();
    assert_eq!(
        body["clerk_error"],
        json!({
            "type": "forbidden",
            "reason": "reverification-error",
            "metadata": { "reverification": { "level": "second_factor", "afterMinutes": 10 } },
        })
    );
}

#[test]
fn irreversible_operation_verifies_user_at_clerk_a_2() {
    let still = r#"{"id":"user_x","banned":false,"locked":false,"public_metadata":{"stacklumen_role":"admin"}}"#;
    let app = clerk_responds(200, still);
    let response = app.get("admin", "DELETE", LEAD);
    assert_eq!(response.status, 204);
    assert_eq!(calls(&response, CLERK), ["https://api.clerk.com/v1/users/user_2hubadmin0000000000000005"]);
    let sent = &response.upstream[0];
    let header = |name: &str| sent.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
    assert_eq!(header("authorization"), Some("Bearer sk_live_of_no_instance"));
    assert_eq!(sent.timeout_ms, 2000);
    // A reversible change, and a client's own removal, need no such check.
    let changed = app.send("admin", "PATCH", LEAD, &[], Some(r#"{"status":"won"}"#));
    assert!(calls(&changed, CLERK).is_empty());
    let own = app.get("alice", "DELETE", "/rest/v1/chat_messages?id=eq.00000000-0000-4000-8000-000000000000");
    assert_eq!((own.status, calls(&own, CLERK).len()), (204, 0));
}

#[test]
fn revoked_staff_cannot_delete_a_2() {
    for (status, body) in [
        (200, r#"{"banned":true,"locked":false,"public_metadata":{"stacklumen_role":"admin"}}"#),
        (200, r#"{"banned":false,"locked":true,"public_metadata":{"stacklumen_role":"admin"}}"#),
        (200, r#"{"banned":false,"locked":false,"public_metadata":{"stacklumen_role":"sales"}}"#),
        (200, r#"{"banned":false,"locked":false,"public_metadata":{}}"#),
        (200, r#"{"banned":false,"locked":false}"#),
        (404, r#"{"errors":[{"code":"resource_not_found"}]}"#),
    ] {
        let response = clerk_responds(status, body).get("admin", "DELETE", LEAD);
        assert_eq!((response.status, response.code.as_str()), (401, "HUB103"), "{body}");
        assert!(calls(&response, REST).is_empty(), "{body}");
    }
}

/// An operation that cannot be checked is rejected, never allowed.
#[test]
fn delete_fails_when_clerk_is_unreachable_a_2() {
    for (status, body) in [(500, "{}"), (200, "garbage"), (200, "{}"), (401, "{}"), (429, "{}")] {
        let response = clerk_responds(status, body).get("admin", "DELETE", LEAD);
        assert_eq!((response.status, response.code.as_str()), (503, "HUB406"), "{status} {body}");
        assert!(calls(&response, REST).is_empty());
        assert!(response.header("retry-after").is_some());
    }
    for failure in [FetchError::Timeout, FetchError::Unreachable] {
        let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
            if request.url.starts_with(CLERK) { Err(failure) } else { default_upstream(request) }
        });
        let response = app.get("admin", "DELETE", LEAD);
        assert_eq!((response.status, calls(&response, REST).len()), (503, 0));
    }
}

fn revoked(
    at_clerk: impl Fn(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> + 'static,
) -> TestResponse {
    let app = TestApp::with_upstream(move |request: &UpstreamRequest| match request.url.as_str() {
        url if url.ends_with("/rpc/revoke_sessions") => {
            upstream_response(200, r#"{"person":"user_2hubalice0000000000000001"}"#)
        }
        url if url.starts_with(CLERK) => at_clerk(request),
        _ => default_upstream(request),
    });
    let body = r#"{"person":"user_2hubalice0000000000000001","reason":"a lost laptop"}"#;
    app.send("admin", "POST", "/rest/v1/rpc/revoke_sessions", &[], Some(body))
}

fn clerk_available(request: &UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> {
    match request.url.as_str() {
        url if url.contains("/users/") => {
            upstream_response(200, r#"{"banned":false,"locked":false,"public_metadata":{"stacklumen_role":"admin"}}"#)
        }
        url if url.contains("status=active") => upstream_response(
            200,
            r#"{"data":[{"id":"sess_2hub00000001"},{"id":"sess_2hub00000002"}],"total_count":2}"#,
        ),
        url if url.contains("status=pending") => upstream_response(200, r#"{"data":[],"total_count":0}"#),
        _ => upstream_response(200, "{}"),
    }
}

/// I-2: the database rejects the user before Clerk is requested to end sessions, and allows a new sign-in afterwards.
#[test]
fn admin_revocation_precedes_revocation_at_clerk_i_2() {
    let response = revoked(clerk_available);
    assert_eq!(response.status, 200);
    assert_eq!(response.text, r#"{"person":"user_2hubalice0000000000000001","sessions_ended":2}"#);
    let order: Vec<&str> = response.upstream.iter().map(|sent| sent.url.rsplit("/v1/").next().unwrap()).collect();
    assert_eq!(
        order,
        [
            "users/user_2hubadmin0000000000000005",
            "rpc/revoke_sessions",
            "sessions?user_id=user_2hubalice0000000000000001&status=active&paginated=true&limit=20",
            "sessions/sess_2hub00000001/revoke",
            "sessions/sess_2hub00000002/revoke",
            "sessions?user_id=user_2hubalice0000000000000001&status=pending&paginated=true&limit=20",
            "rpc/sessions_ended",
        ]
    );
}

/// The user remains rejected for ten minutes, and the response states that the operation is incomplete.
#[test]
fn incomplete_clerk_revocation_returns_hub407_i_2() {
    for step in ["status=active", "/revoke", "status=pending"] {
        let response =
            revoked(
                move |request| {
                    if request.url.contains(step) { upstream_response(500, "{}") } else { clerk_available(request) }
                },
            );
        assert_eq!((response.status, response.code.as_str()), (502, "HUB407"), "{step}");
        assert!(!response.upstream.iter().any(|sent| sent.url.ends_with("sessions_ended")), "{step}");
        assert!(response.upstream.iter().any(|sent| sent.url.ends_with("rpc/revoke_sessions")), "{step}");
    }
}
