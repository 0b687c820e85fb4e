//! A-2, L-1: exports of the audit log: who may export, the records of an export, and a file that is either complete or
//! recognizably broken.

use crate::harness::{TestApp, default_upstream, upstream_response};
use hub::{
    domain::headers::Headers,
    runtime::{FetchError, UpstreamRequest, UpstreamResponse},
};
use serde_json::json;

const NDJSON: (&str, &str) = ("accept", "application/x-ndjson");
const CSV: (&str, &str) = ("accept", "text/csv");
const WHY: (&str, &str) = ("x-hub-purpose", "legal");
const PATH: &str = "/rest/v1/team_activities?select=id,action&actor_id=eq.user_2hubsales0000000000000006";

fn parameter<'a>(request: &'a UpstreamRequest, name: &str) -> Option<&'a str> {
    request.url.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// An audit log of this many rows, the newest of which is `rows`; a page has at most 1,000 of them, whatever is
/// requested.
fn audit_log(rows: i64) -> impl FnMut(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> + 'static {
    move |request| {
        if !request.url.contains("/team_activities?") {
            return default_upstream(request);
        }
        let limit = parameter(request, "limit").unwrap().parse::<usize>().unwrap().min(1_000);
        let (up, down) = ((1..=rows), (1..=rows).rev());
        let behind = |name| parameter(request, "id").and_then(|id| id.strip_prefix(name)?.parse::<i64>().ok());
        let page: Vec<i64> = match parameter(request, "order") {
            Some("id.asc") => up.filter(|id| behind("gt.").is_none_or(|last| *id > last)).take(limit).collect(),
            _ => down.filter(|id| behind("lt.").is_none_or(|last| *id < last)).take(limit).collect(),
        };
        if request.headers.contains(&("accept", "text/csv".to_owned())) {
            let lines: String = page.iter().map(|id| format!("\n{id},\"a\nb\"")).collect();
            let headers = Headers::new(vec![("content-type".to_owned(), "text/csv; charset=utf-8".to_owned())]);
            // Without a row there is no header line either.
            let body = if page.is_empty() { String::new() } else { format!("id,action{lines}") };
            return Ok(UpstreamResponse { status: 200, headers, body: Some(body.into_bytes()) });
        }
        upstream_response(200, &json!(page.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>()).to_string())
    }
}

struct Exported {
    status: u16,
    code: String,
    text: String,
    whole: Option<bool>,
    pages: usize,
    rows: Vec<serde_json::Value>,
    recorded: Vec<(usize, serde_json::Value)>,
}

fn export(app: &TestApp, persona: &str, path: &str, headers: &[(&str, &str)]) -> Exported {
    let response = app.send(persona, "GET", path, headers, None);
    let relayed = app.fake.written_bodies();
    let (text, whole) = match relayed.first() {
        Some(relayed) => (String::from_utf8(relayed.bytes.take()).unwrap(), relayed.whole.get()),
        None => (response.text, None),
    };
    let pages = response.upstream.iter().filter(|sent| sent.url.starts_with(crate::harness::REST)).count();
    Exported {
        status: response.status,
        code: response.code,
        text,
        whole,
        pages,
        rows: response.rows,
        recorded: response.recorded,
    }
}

#[test]
fn export_contains_every_record_once_across_pages_l_1() {
    for (rows, pages) in [(0, 1), (1, 2), (999, 2), (1_000, 2), (2_001, 4)] {
        let app = TestApp::with_upstream(audit_log(rows));
        let found = export(&app, "admin", PATH, &[NDJSON, WHY]);
        assert_eq!((found.status, found.whole, found.pages), (200, Some(true), pages), "{rows}");
        let lines: String = (1..=rows).rev().map(|id| format!("{{\"id\":{id}}}\n")).collect();
        assert_eq!(found.text, lines, "{rows}");
        let found = export(&app, "admin", &format!("{PATH}&order=id.asc"), &[CSV, WHY]);
        assert_eq!((found.status, found.whole, found.pages), (200, Some(true), pages), "{rows}");
        let lines: String = (1..=rows).map(|id| format!("{id},\"a\nb\"\n")).collect();
        assert_eq!(found.text, format!("id,action\n{lines}"), "{rows}");
    }
    let found =
        export(&TestApp::with_upstream(audit_log(9_000)), "admin", &format!("{PATH}&limit=2500"), &[NDJSON, WHY]);
    assert_eq!((found.text.lines().count(), found.pages), (2_500, 3));
}

/// The export is recorded in the database before the first page is requested, and its row is completed after the last
/// page was sent.
#[test]
fn export_is_audited_with_filter_purpose_and_size_l_1() {
    let found = export(&TestApp::with_upstream(audit_log(3_000)), "admin", PATH, &[NDJSON, WHY]);
    let ([(0, read_record)], [ended]) = (&found.recorded[..], &found.rows[..]) else { panic!("{:?}", found.rows) };
    assert_eq!(
        [&read_record["entity"], &read_record["purpose"], &read_record["export"]],
        [&json!("team_activities"), &json!("legal"), &json!(true)]
    );
    assert!(read_record["filter"].as_str().unwrap().contains("actor_id=eq.user_2hubsales"));
    assert_eq!(
        [&ended["status"], &ended["row_count"], &ended["outcome"]],
        [&json!(200), &json!(3_000), &json!("allowed")]
    );
    assert!(ended.get("look").is_none(), "one look");
}

#[test]
fn export_requires_admin_and_recent_factor_a_2() {
    let app = TestApp::with_upstream(audit_log(10));
    for (persona, path, headers, status, code) in [
        ("-", PATH, vec![NDJSON, WHY], 401, "HUB101"),
        ("alice", PATH, vec![NDJSON, WHY], 404, "HUB202"),
        ("support", PATH, vec![CSV, WHY], 404, "HUB202"),
        ("stale", PATH, vec![NDJSON, WHY], 403, "HUB203"),
        ("admin", PATH, vec![NDJSON], 403, "HUB328"),
        ("admin", "/rest/v1/leads?select=id", vec![CSV, WHY], 406, "HUB301"),
        ("support", "/rest/v1/contact_tickets", vec![CSV], 406, "HUB301"),
        ("admin", "/rest/v1/team_activities?select=action,id", vec![NDJSON, WHY], 400, "HUB331"),
        ("admin", "/rest/v1/team_activities?select=id&order=occurred_at", vec![NDJSON, WHY], 400, "HUB331"),
        ("admin", "/rest/v1/team_activities?select=id&order=id.desc.nullslast", vec![NDJSON, WHY], 400, "HUB331"),
        ("admin", "/rest/v1/team_activities?select=id&offset=5", vec![NDJSON, WHY], 400, "HUB331"),
        ("admin", "/rest/v1/team_activities?select=id&limit=x", vec![NDJSON, WHY], 400, "HUB318"),
        ("admin", "/rest/v1/team_activities?select=id&limit=5&limit=6", vec![NDJSON, WHY], 400, "HUB308"),
    ] {
        let found = export(&app, persona, path, &headers);
        assert_eq!((found.status, found.code.as_str(), found.pages), (status, code, 0), "{persona} {path}");
        assert_eq!(found.rows.len(), 1, "{persona} {path}");
        assert!(found.rows[0].get("look").is_none() && found.recorded.is_empty());
    }
}

#[test]
fn export_requires_request_record_l_3() {
    for first_response in
        [Err(FetchError::Unreachable), upstream_response(500, "{}"), upstream_response(400, r#"{"code":"22P02"}"#)]
    {
        let (mut audit_log, mut first_response) = (audit_log(10), Some(first_response));
        let app = TestApp::with_upstream(move |request| {
            if request.url.ends_with("/rpc/record_read") { first_response.take().unwrap() } else { audit_log(request) }
        });
        let found = export(&app, "admin", PATH, &[NDJSON, WHY]);
        assert_eq!((found.status, found.code.as_str(), found.whole, found.pages), (503, "HUB405", None, 0));
    }
}

/// A session revoked meanwhile, an unavailable database, a truncated page: the file is recognizably broken.
#[test]
fn truncated_export_aborts_the_stream_l_1() {
    for (what, second) in [
        ("revoked", upstream_response(401, r#"{"code":"PT401","message":"session revoked"}"#)),
        ("away", Err(FetchError::Unreachable)),
        ("cut off", upstream_response(200, r#"[{"id":5},{"id":"#)),
        ("no array", upstream_response(200, r#"{"id":5}"#)),
    ] {
        let (mut audit_log, mut second) = (audit_log(3_000), Some(second));
        let app = TestApp::with_upstream(move |request| {
            if request.url.contains("id=lt.") { second.take().unwrap() } else { audit_log(request) }
        });
        let found = export(&app, "admin", PATH, &[NDJSON, WHY]);
        assert_eq!((found.status, found.whole, found.text.lines().count()), (200, Some(false), 1_000), "{what}");
        let ended = found.rows.last().unwrap();
        assert_eq!([&ended["outcome"], &ended["row_count"]], [&json!("failed"), &json!(1_000)], "{what}");
        assert!(ended["code"].as_str().unwrap().starts_with("HUB"), "{what}");
    }
    let mut audit_log = audit_log(3);
    let app = TestApp::with_upstream(move |request| {
        if request.url.contains("team_activities") { upstream_response(500, "{}") } else { audit_log(request) }
    });
    assert_eq!(export(&app, "admin", PATH, &[NDJSON, WHY]).status, 502, "before the head has left it is an error");
}

/// Records of the maximum length: a page that does not fit is requested again, smaller.
#[test]
fn oversized_page_is_requested_again_in_parts() {
    let mut sizes = Vec::new();
    let app = TestApp::with_upstream(move |request| {
        if !request.url.contains("/team_activities?") {
            return default_upstream(request);
        }
        let limit: i64 = parameter(request, "limit").unwrap().parse().unwrap();
        sizes.push(limit);
        let behind =
            parameter(request, "id").map_or(600, |id| id.strip_prefix("lt.").unwrap().parse::<i64>().unwrap() - 1);
        let long = "x".repeat(50_000);
        let page: Vec<_> = (1..=behind).rev().take(usize::try_from(limit).unwrap()).collect();
        let page: Vec<_> = page.iter().map(|id| json!({ "id": id, "reason": long })).collect();
        upstream_response(200, &json!(page).to_string())
    });
    let found = export(&app, "admin", PATH, &[NDJSON, WHY]);
    assert_eq!((found.whole, found.text.lines().count()), (Some(true), 600));
}

/// The file is complete however few records fit into a page: a request for none would be taken for the end of the file.
#[test]
fn page_limit_is_never_zero() {
    for fits in [1, 2, 3] {
        let app = TestApp::with_upstream(move |request| {
            if !request.url.contains("/team_activities?") {
                return default_upstream(request);
            }
            let limit: usize = parameter(request, "limit").unwrap().parse().unwrap();
            assert!(limit > 0);
            let behind =
                parameter(request, "id").map_or(7, |id| id.strip_prefix("lt.").unwrap().parse::<i64>().unwrap() - 1);
            if limit > fits && behind > 0 {
                return upstream_response(200, &" ".repeat(24 * 1024 * 1024 + 1));
            }
            let page: Vec<_> = (1..=behind).rev().take(limit).map(|id| json!({ "id": id })).collect();
            upstream_response(200, &json!(page).to_string())
        });
        let found = export(&app, "admin", PATH, &[NDJSON, WHY]);
        assert_eq!((found.whole, found.text.lines().count()), (Some(true), 7), "{fits}");
    }
}

/// A record that fits in no page ends the file with a visible error.
#[test]
fn record_larger_than_a_page_aborts_the_stream() {
    let mut audit_log = audit_log(3_000);
    let app = TestApp::with_upstream(move |request| {
        if request.url.contains("id=lt.") {
            upstream_response(200, &" ".repeat(24 * 1024 * 1024 + 1))
        } else {
            audit_log(request)
        }
    });
    let found = export(&app, "admin", PATH, &[NDJSON, WHY]);
    assert_eq!((found.status, found.whole, found.text.lines().count()), (200, Some(false), 1_000));
    assert_eq!(found.rows.last().unwrap()["outcome"], json!("failed"));
}

/// A client's own rows, without a purpose and without a second factor; pages are ordered by a uuid.
#[test]
fn customer_exports_own_rows_a_1() {
    let key = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
    for table in ["contact_tickets", "ticket_messages", "chat_threads", "chat_messages"] {
        let app = TestApp::with_upstream(move |request| {
            if !request.url.contains(&format!("/{table}?")) {
                return default_upstream(request);
            }
            let behind = parameter(request, "id").and_then(|id| id.strip_prefix("gt."));
            let rows = (1..=1_500).map(key).filter(|id| behind.is_none_or(|last| id.as_str() > last)).take(1_000);
            let lines: String = rows.map(|id| format!("\n{id},2026-01-01")).collect();
            let headers = Headers::new(vec![("content-type".to_owned(), "text/csv; charset=utf-8".to_owned())]);
            let body = if lines.is_empty() { String::new() } else { format!("id,created_at{lines}") };
            Ok(UpstreamResponse { status: 200, headers, body: Some(body.into_bytes()) })
        });
        let found = export(&app, "alice", &format!("/rest/v1/{table}?select=id,created_at&order=id.asc"), &[CSV]);
        assert_eq!((found.status, found.whole, found.pages), (200, Some(true), 3), "{table}");
        let lines: String = (1..=1_500).map(|n| format!("{},2026-01-01\n", key(n))).collect();
        assert_eq!(found.text, format!("id,created_at\n{lines}"), "{table}");
        assert_eq!(found.rows.last().unwrap()["row_count"], json!(1_500));
        assert!(found.rows.iter().all(|row| row.get("look").is_none()), "what is one's own is no look");
    }
}
