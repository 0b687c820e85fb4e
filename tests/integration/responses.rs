//! The database's response is forwarded only if it has the requested media type; a request of the Hub never fails there
//! for a missing column.

use crate::harness::{REST, TestApp, default_upstream, upstream_response};
use hub::{
    domain::{
        access::{PrincipalKind, StaffRole},
        functions::FUNCTIONS,
        headers::Headers,
        tables::{ColumnType, TABLES, Table},
    },
    runtime::UpstreamResponse,
};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const STRIPPED: &str = "application/vnd.pgrst.array+json;nulls=stripped";
const KEY: &str = "00000000-0000-4000-8000-000000000000";
const BACK: [(&str, &str); 1] = [("prefer", "return=representation")];

/// An intermediary between the Hub and the database may send any response.
#[test]
fn unexpected_content_type_is_not_forwarded() {
    let given = |status: u16, media: Option<&'static str>| {
        TestApp::with_upstream(move |request| {
            if !request.url.starts_with(REST) || request.url.ends_with("/rpc/record_requests") {
                return default_upstream(request);
            }
            let headers = media.map(|media| ("content-type".to_owned(), media.to_owned())).into_iter().collect();
            Ok(UpstreamResponse { status, headers: Headers::new(headers), body: Some(b"[]".to_vec()) })
        })
    };
    let fetch = |app: TestApp, method, accept| {
        let headers = [("accept", accept), ("if-match", "*")];
        let path = format!(
            "/rest/v1/contact_tickets?{}",
            if method == "GET" { "select=id".to_owned() } else { format!("id=eq.{KEY}") }
        );
        app.send("alice", method, &path, &headers, (method == "PATCH").then_some(r#"{"subject":"x"}"#))
    };
    for (status, media) in [
        (200, None),
        (206, None),
        (200, Some("")),
        (200, Some("text/html; x=json")),
        (200, Some("text/html")),
        (200, Some("application/jsonp")),
        (200, Some("application/json; charset=latin1")),
        (200, Some("text/csv")),
        (200, Some(STRIPPED)),
        (202, Some("application/json")),
        (203, Some("application/json")),
        (205, None),
        (299, Some("application/json")),
    ] {
        let response = fetch(given(status, media), "GET", "application/json");
        assert_eq!((response.status, response.code.as_str()), (502, "HUB404"), "{status} {media:?}");
    }
    for (media, accept) in [
        ("application/json; charset=utf-8", "application/json"),
        ("Application/Json;charset=UTF-8", "application/json"),
        ("application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8", STRIPPED),
    ] {
        let response = fetch(given(200, Some(media)), "GET", accept);
        assert_eq!((response.status, response.text.as_str()), (200, "[]"), "{media}");
        assert_eq!(response.header("content-type"), Some(format!("{accept}; charset=utf-8").as_str()), "written anew");
    }
    for (status, media) in [(204, None), (204, Some("text/html"))] {
        let response = fetch(given(status, media), "PATCH", "application/json");
        assert_eq!(
            (response.status, response.text.as_str(), response.header("content-type")),
            (204, "", None),
            "{media:?}"
        );
    }
    let inserted = given(201, None).send("alice", "POST", "/rest/v1/contact_tickets", &[], Some(r#"{"subject":"x"}"#));
    assert_eq!((inserted.status, inserted.text.as_str(), inserted.header("content-type")), (201, "", None));
}

/// A function requested as a file is rejected with 406, not with a hint to the method that was used.
#[test]
fn functions_cannot_be_exported() {
    for (persona, name) in [("alice", "search_tickets?words=x"), ("alice", "my_activity"), ("support", "who_am_i")] {
        for accept in ["text/csv", "application/x-ndjson"] {
            let response =
                TestApp::new().send(persona, "GET", &format!("/rest/v1/rpc/{name}"), &[("accept", accept)], None);
            assert_eq!(
                (response.status, response.code.as_str(), response.header("allow")),
                (406, "HUB301", None),
                "{name} {accept}"
            );
        }
    }
}

fn personas() -> [(&'static str, PrincipalKind); 4] {
    [
        ("alice", PrincipalKind::Customer),
        ("admin", PrincipalKind::Staff(StaffRole::Admin)),
        ("sales", PrincipalKind::Staff(StaffRole::Sales)),
        ("support", PrincipalKind::Staff(StaffRole::Support)),
    ]
}

fn value(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Boolean => "true",
        ColumnType::Integer => "1",
        ColumnType::Timestamp => "2026-01-01",
        ColumnType::Uuid => KEY,
        ColumnType::Bytes | ColumnType::Json | ColumnType::Text | ColumnType::Texts => "x",
    }
}

fn filter(table: &Table, name: &str) -> String {
    let kind = table.column(name).unwrap().kind;
    if matches!(kind, ColumnType::Bytes | ColumnType::Json | ColumnType::Texts) {
        "is.null".to_owned()
    } else if table.owner == Some(name) {
        "eq.user_2hubcarol0000000000000003".to_owned()
    } else {
        format!("eq.{}", value(kind))
    }
}

/// Returns the same for one of several conditions, where staff must name neither an owner nor a record.
fn in_tree(table: &Table, name: &str) -> String {
    let names =
        name == table.key || table.owner == Some(name) || table.parent.is_some_and(|(column, _)| name == column);
    if names { "is.null".to_owned() } else { filter(table, name) }
}

/// Rows of a function contain only their selected columns: a column that filters or orders them without being selected
/// is rejected by name, by GET and by POST, for every persona; if selected, it is accepted.
#[test]
fn function_filters_require_selected_columns() {
    let (app, mut checked) = (TestApp::new(), 0);
    for function in FUNCTIONS.iter().filter(|function| function.returns.table().is_some()) {
        let table = function.returns.table().unwrap();
        let body: serde_json::Map<String, serde_json::Value> =
            function.arguments.iter().map(|argument| (argument.name.to_owned(), json!(value(argument.kind)))).collect();
        let body = json!(body).to_string();
        for (persona, who) in personas().into_iter().filter(|(_, who)| function.callers.contains(who)) {
            let read = table.grant(who).unwrap().read;
            for name in read {
                let other = read.iter().find(|other| *other != name).unwrap();
                for query in [
                    format!("{name}={}", filter(table, name)),
                    format!("or=({name}.{},{other}.{})", in_tree(table, name), in_tree(table, other)),
                    format!("not.and=({other}.{},{name}.{})", in_tree(table, other), in_tree(table, name)),
                    format!("order={other},{name}.desc"),
                ] {
                    let send = |select: &str| {
                        let path = format!("/rest/v1/rpc/{}?select={select}&{query}", function.name);
                        app.send(persona, "POST", &path, &[("x-hub-purpose", "support")], Some(&body))
                    };
                    let response = send(other);
                    let error: serde_json::Value = serde_json::from_str(&response.text).unwrap();
                    assert_eq!(
                        (response.status, &error["code"], &error["details"]),
                        (400, &json!("HUB333"), &json!(name)),
                        "{query}"
                    );
                    assert!(response.upstream.is_empty());
                    assert_eq!(send(&format!("{other},{name}")).upstream.len(), 1, "{persona} {query}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

/// The rows that a change returns: those of a delete may be filtered by selected columns, those of an update by no
/// tree, since releases of PostgREST evaluate it before or after the change; plain conditions need no selected column,
/// and nothing is needed if no rows are returned.
#[test]
fn filters_on_returned_rows_require_selected_columns() {
    let (app, mut checked) = (TestApp::new(), 0);
    for table in TABLES {
        for (persona, who) in personas() {
            let Some(grant) = table.grant(who) else { continue };
            let other = if grant.read.contains(&"created_at") { "created_at" } else { continue };
            let changed = grant.update.first().map(|column| json!({ *column: "x" }).to_string());
            for (method, may) in [("PATCH", changed.is_some()), ("DELETE", grant.delete)] {
                for name in grant.read.iter().filter(|name| may && **name != other) {
                    let send = |query: &str, headers: &[(&str, &str)]| {
                        let path = format!("/rest/v1/{}?{}=eq.{KEY}&{query}", table.name, table.key);
                        let why = [("x-hub-purpose", "support"), ("if-match", "*")];
                        let all: Vec<_> = headers.iter().copied().chain(why).collect();
                        app.send(persona, method, &path, &all, changed.as_deref().filter(|_| method == "PATCH"))
                    };
                    let tree = format!("or=({name}.{},{other}.is.null)", filter(table, name));
                    let response = send(&format!("select={other}&{tree}"), &BACK);
                    let code = if method == "PATCH" { "HUB334" } else { "HUB333" };
                    assert_eq!(
                        (response.status, response.code.as_str()),
                        (400, code),
                        "{persona} {method} {} {tree}",
                        table.name
                    );
                    let response = send(&format!("select={other},{name}&{tree}"), &BACK);
                    let wanted = if method == "PATCH" { "HUB334" } else { "" };
                    assert_eq!(response.code, wanted, "{persona} {method} {} {tree}", table.name);
                    assert_eq!(send(&tree, &[]).code, "", "{persona} {method} {} {tree}", table.name);
                    if *name != "version" {
                        let plain = format!("select={other}&{name}={}", filter(table, name));
                        assert_eq!(send(&plain, &BACK).code, "", "{persona} {method} {} {plain}", table.name);
                    }
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 50, "{checked}");
}

/// A rejection by the database is logged with its code and message, without a value, and the client receives a hint.
#[test]
fn database_rejection_is_logged_without_values() {
    let app = TestApp::with_upstream(|request| {
        if request.url.contains("/contact_tickets?") {
            return upstream_response(
                400,
                r#"{"code":"23502","message":"null value in column \"subject\" of relation \"contact_tickets\" violates not-null constraint","details":"Failing row contains (secret)."}"#,
            );
        }
        default_upstream(request)
    });
    let path = format!("/rest/v1/contact_tickets?id=eq.{KEY}");
    let response = app.send("alice", "PATCH", &path, &[], Some(r#"{"subject":null}"#));
    let error: serde_json::Value = serde_json::from_str(&response.text).unwrap();
    assert_eq!([&error["code"], &error["message"]], [&json!("23502"), &json!("A required value is missing: subject")]);
    assert_eq!(error["hint"], json!("Send a value for this column."));
    let line = response.log.to_string();
    assert!(line.contains("23502") && line.contains("null value in column") && !line.contains("secret"), "{line}");
}

/// No role may write a key, so an upsert could not find an existing row: HUB322 states this. A grant of a key column
/// needs a decision first.
#[test]
fn grants_permit_no_upsert() {
    for table in TABLES {
        for grant in table.grants {
            let key = grant.insert.contains(&table.key) || grant.update.contains(&table.key);
            assert!(!key, "{} {:?}", table.name, grant.principal);
        }
    }
}
