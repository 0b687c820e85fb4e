//! L-3: each request to the API leaves one row, and some responses wait for theirs.

use crate::harness::{PERSONAS, TestApp, default_upstream, upstream_response};
use hub::domain::method::{Method, ReceivedMethod};
use hub::runtime::{FetchError, UpstreamRequest};

fn change(app: &TestApp, persona: &str) -> crate::harness::TestResponse {
    let path = "/rest/v1/contact_tickets?id=eq.00000000-0000-4000-8000-000000000000";
    app.send(persona, "PATCH", path, &[], Some(r#"{"status":"closed"}"#))
}

/// A row from the Hub, or a committed change, which writes its own: exactly one of them.
#[test]
fn every_api_request_writes_exactly_one_row_l_3() {
    for persona in PERSONAS {
        for (method, path, body) in [
            ("GET", "/rest/v1/contact_tickets", None),
            ("HEAD", "/rest/v1/contact_tickets", None),
            ("GET", "/rest/v1/nothing", None),
            ("GET", "/rest/v1/contact_tickets?odd=odd", None),
            ("PUT", "/rest/v1/contact_tickets", Some("{}")),
            ("POST", "/rest/v1/rpc/search_tickets", Some(r#"{"words":"x"}"#)),
            ("GET", "/rest/v1/", None),
            ("GET", "/auth/v1/user", None),
            ("GET", "/rest/v1/%6ceads", None),
        ] {
            let app = TestApp::new();
            let response = app.send(persona, method, path, &[], body);
            assert_eq!(response.rows.len(), 1, "{persona} {method} {path}");
            let row = &response.rows[0];
            assert_eq!(row["request_id"].as_str(), response.header("x-request-id"));
            assert_eq!(row["status"], response.status);
            assert_eq!(row["outcome"], if response.status < 400 { "allowed" } else { "refused" });
            assert_eq!(
                row["code"].as_str().unwrap_or_default(),
                if method == "HEAD" { row["code"].as_str().unwrap_or_default() } else { &response.code }
            );
            assert!(!row["route"].as_str().unwrap().contains("nothing"), "a client's text stands in a row");
        }
        let response = change(&TestApp::new(), persona);
        let committed = response.status == 204;
        assert_eq!(response.rows.len(), 1, "{persona}: a committed change carries its own row, and this completes it");
        assert_eq!(response.rows[0]["status"], response.status, "{persona}");
        assert_eq!(response.rows[0]["upstream_ms"].is_number(), committed, "{persona}");
    }
}

#[test]
fn pages_and_preflights_write_no_row() {
    let app = TestApp::new();
    for (method, path) in [("GET", "/"), ("GET", "/security"), ("GET", "/nothing"), ("OPTIONS", "/rest/v1/leads")] {
        assert_eq!(app.get("-", method, path).rows.len(), 0, "{path}");
    }
}

/// Project rule: the queue first, then the database itself.
#[test]
fn falls_back_to_database_when_queue_rejects_l_3() {
    let app = TestApp::new();
    app.get("support", "GET", "/rest/v1/contact_tickets?select=id");
    let response = app.get("support", "GET", "/rest/v1/contact_tickets?select=id");
    assert_eq!((response.rows.len(), response.upstream.len()), (1, 1), "on the queue");
    app.fake.fail_queue();
    let response = app.get("support", "GET", "/rest/v1/contact_tickets?select=id");
    assert_eq!((response.status, response.rows.len()), (200, 1), "in the database");
}

/// Project rule: without its row, no response for staff and no confirmation of a change; a customer's read continues.
#[test]
fn staff_receive_no_data_when_the_row_cannot_be_written_l_3() {
    let broken = |request: &UpstreamRequest| {
        if request.url.ends_with("/rpc/record_requests") {
            Err(FetchError::Unreachable)
        } else {
            default_upstream(request)
        }
    };
    let app = TestApp::with_upstream(broken);
    assert_eq!(app.get("admin", "GET", "/rest/v1/leads?select=id").status, 200, "the queue has it");
    app.fake.fail_queue();
    for persona in ["admin", "sales", "support"] {
        let response = app.get(persona, "GET", "/rest/v1/contact_tickets");
        assert_eq!((response.status, response.code.as_str()), (503, "HUB405"), "{persona}");
        assert!(response.header("retry-after").is_some());
    }
    assert_eq!(app.get("alice", "GET", "/rest/v1/contact_tickets").status, 200);
    assert_eq!(change(&app, "alice").status, 204, "its row is in its own transaction");
}

/// A row that could not be written is logged completely, as the last resort.
#[test]
fn unwritable_rows_are_logged() {
    let app = TestApp::with_upstream(|request| {
        if request.url.ends_with("/rpc/record_requests") {
            upstream_response(500, "{}")
        } else {
            default_upstream(request)
        }
    });
    app.fake.fail_queue();
    reject_one(&app);
    app.fake.run_background().unwrap();
    let lines = app.fake.log_lines();
    let lost = lines.iter().find(|(_, line)| line.contains("request_log.write_failed")).unwrap();
    assert!(lost.1.contains("\"HUB101\""));
}

/// Sends one request without a session, whose row waits.
fn reject_one(app: &TestApp) {
    let arrival = hub::entry::incoming_request::IncomingRequest {
        method: ReceivedMethod::Known(Method::Get),
        url: format!("{}/rest/v1/leads", crate::harness::ORIGIN),
        headers: hub::domain::headers::Headers::default(),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: None,
    };
    drop(app.fake.run(hub::entry::handle_request::handle_request(&app.hub, &app.fake, arrival)).unwrap());
}

/// Returns the number of rows in each message that was put on the queue.
fn queued(app: &TestApp) -> Vec<usize> {
    let rows = |message: String| serde_json::from_str::<Vec<serde_json::Value>>(&message).unwrap().len();
    app.fake.queued().into_iter().map(rows).collect()
}

/// Rows of concurrent requests are sent together; a message at Cloudflare holds 128 KB.
#[test]
fn pending_rows_are_batched() {
    let app = TestApp::new();
    (0..5).for_each(|_| reject_one(&app));
    assert_eq!(app.fake.run_background().unwrap(), 1, "one timer for all of them");
    assert_eq!(queued(&app), [5]);
    (0..45).for_each(|_| reject_one(&app));
    assert_eq!(app.fake.run_background().unwrap(), 1, "the next one begins anew");
    assert_eq!(queued(&app), [20, 20, 5]);
}

/// The request that gathers rows may be cancelled; the next one takes over a second later.
#[test]
fn pending_rows_survive_cancelled_request() {
    let app = TestApp::new();
    reject_one(&app);
    app.fake.drop_background();
    reject_one(&app);
    assert_eq!(app.fake.run_background().unwrap(), 0);
    app.fake.advance_time(1_000);
    reject_one(&app);
    assert_eq!(app.fake.run_background().unwrap(), 1);
    assert_eq!(queued(&app), [3]);
}

/// A client's own id is stored beside the Hub's, never instead of it.
#[test]
fn client_request_id_is_stored_beside_the_hub_id() {
    let app = TestApp::new();
    let response = app.send("support", "GET", "/rest/v1/leads", &[("x-request-id", "my-own-id-1")], None);
    assert_eq!(response.rows[0]["client_request_id"], "my-own-id-1");
    assert_ne!(response.rows[0]["request_id"], "my-own-id-1");
    let response = app.send("support", "GET", "/rest/v1/leads", &[("x-request-id", "bad id\u{7}")], None);
    assert_eq!(response.rows[0]["client_request_id"], serde_json::Value::Null);
}
