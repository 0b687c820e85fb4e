//! The query firewall: every query of `tests/vectors/queries.json` through the whole program.

use crate::harness::{REST, TestApp, TestResponse, golden, json};
use hub::domain::{
    access::PrincipalKind,
    functions::FUNCTIONS,
    tables::{ColumnType, TABLES},
};
use serde_json::Value;
use std::fmt::Write as _;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn send_vector(vector: &Value) -> TestResponse {
    let text = |name: &str| vector[name].as_str();
    let headers: Vec<(&str, &str)> = vector["headers"]
        .as_object()
        .map(|headers| headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect())
        .unwrap_or_default();
    let path = format!("/rest/v1/{}", text("path").unwrap());
    TestApp::new().send(text("persona").unwrap(), text("method").unwrap(), &path, &headers, text("body"))
}

#[test]
fn invalid_queries_are_rejected_before_the_database() {
    let vectors = json("queries.json");
    let refused = vectors["refused"].as_array().unwrap();
    assert!(refused.len() >= 100);
    let mut wrong = Vec::new();
    for vector in refused {
        let response = send_vector(vector);
        let error: Value = serde_json::from_str(&response.text).unwrap_or_default();
        let whole = ["code", "message", "details", "hint"].iter().all(|name| error.get(name).is_some());
        let right = (Value::from(response.status), Value::from(response.code.as_str()))
            == (vector["status"].clone(), vector["code"].clone());
        if !right || !whole || !response.upstream.is_empty() {
            wrong.push(format!(
                "{}: {} {} upstream {}",
                vector["name"],
                response.status,
                response.code,
                response.upstream.len()
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The forwarded part of each accepted query: method, path, preferences, media type and body.
#[test]
fn valid_queries_are_reserialized() {
    let vectors = json("queries.json");
    let mut text = String::new();
    for vector in vectors["accepted"].as_array().unwrap() {
        let response = send_vector(vector);
        let to_database: Vec<_> = response.upstream.iter().filter(|sent| sent.url.starts_with(REST)).collect();
        let [sent] = to_database.as_slice() else {
            panic!("{}: {} {}", vector["name"], response.status, response.text)
        };
        let header =
            |name: &str| sent.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
        writeln!(text, "{}", vector["name"].as_str().unwrap()).unwrap();
        writeln!(text, "  asked  {} {}", vector["method"].as_str().unwrap(), vector["path"].as_str().unwrap()).unwrap();
        writeln!(text, "  sent   {} {}", sent.method, sent.url.strip_prefix(REST).unwrap()).unwrap();
        for name in ["prefer", "accept", "x-hub-max-affected", "x-hub-if-match", "x-hub-purpose", "x-hub-reason"] {
            if let Some(value) = header(name).filter(|value| *value != "application/json") {
                writeln!(text, "  {:<6} {value}", name.trim_start_matches("x-hub-")).unwrap();
            }
        }
        let body = sent.body.as_deref().map(|body| String::from_utf8_lossy(body).into_owned());
        let reads = matches!(vector["method"].as_str(), Some("GET" | "HEAD"));
        if let Some(arguments) = body.as_deref().filter(|_| reads) {
            writeln!(text, "  body   {arguments}").unwrap();
        } else {
            assert_eq!(body.as_deref(), vector["body"].as_str(), "{}: the body goes on as it is", vector["name"]);
        }
    }
    golden("queries.txt", &text);
}

/// A forwarded query, sent by the same user, is forwarded unchanged: the firewall parses its own output with the same
/// meaning.
#[test]
fn reserialized_query_is_a_fixed_point() {
    let vectors = json("queries.json");
    let app = TestApp::new();
    let replanned = |vector: &Value, method: &str, path: &str, body: Option<&str>, version: Option<&str>| {
        let mut headers: Vec<(&str, &str)> = vector["headers"]
            .as_object()
            .map(|headers| headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect())
            .unwrap_or_default();
        headers.retain(|(name, _)| *name != "if-match" || version.is_none());
        headers.extend(version.map(|version| ("if-match", version)));
        let path = format!("/rest/v1/{path}");
        let response = app.send(vector["persona"].as_str().unwrap(), method, &path, &headers, body);
        let mut sent = response.upstream.into_iter().filter(|sent| sent.url.starts_with(REST));
        sent.next().ok_or_else(|| format!("{} {}: {}", vector["name"], path, response.text)).unwrap()
    };
    for vector in vectors["accepted"].as_array().unwrap() {
        let first = replanned(
            vector,
            vector["method"].as_str().unwrap(),
            vector["path"].as_str().unwrap(),
            vector["body"].as_str(),
            None,
        );
        let version = first.headers.iter().find(|(name, _)| *name == "x-hub-if-match");
        let version = version.and_then(|(_, one)| one.split_once('=')).map(|(_, version)| format!("\"{version}\""));
        let body = first.body.as_ref().map(|body| String::from_utf8(body.clone()).unwrap());
        let path = first.url.strip_prefix(REST).unwrap().trim_start_matches('/');
        let second = replanned(vector, first.method.name(), path, body.as_deref(), version.as_deref());
        assert_eq!(
            (second.method, &second.url, &second.body),
            (first.method, &first.url, &first.body),
            "{}",
            vector["name"]
        );
    }
}

/// PostgreSQL estimates with the rows of every client, so no estimate is requested for a client: of no table, by no
/// method, of no function.
#[test]
fn customers_never_receive_estimated_counts_a_1() {
    const KEY: &str = "00000000-0000-4000-8000-000000000000";
    let app = TestApp::new();
    let mut calls = 0;
    let mut check = |persona: &str, method: &str, path: &str, body: Option<&str>| {
        for count in ["exact", "planned", "estimated"] {
            for preference in [format!("count={count}"), format!("return=representation, count={count}")] {
                let response = app.send(persona, method, &format!("/rest/v1/{path}"), &[("prefer", &preference)], body);
                let name = format!("{persona} {method} {path} {preference}: {} {}", response.status, response.text);
                let prefer: Vec<_> = response
                    .upstream
                    .iter()
                    .flat_map(|sent| &sent.headers)
                    .filter(|(name, _)| *name == "prefer")
                    .map(|(_, value)| value.as_str())
                    .collect();
                if response.code == "HUB306" {
                    assert!(prefer.is_empty() && response.upstream.is_empty(), "{name}");
                } else {
                    assert!(response.status < 300, "{name}");
                    assert!(prefer.iter().any(|prefer| prefer.split(',').any(|one| one == "count=exact")), "{name}");
                }
                assert!(
                    !prefer.iter().any(|prefer| prefer.contains("planned") || prefer.contains("estimated")),
                    "{name}"
                );
                calls += 1;
            }
        }
    };
    for persona in ["alice", "dave"] {
        for table in TABLES {
            let Some(grant) = table.grant(PrincipalKind::Customer) else { continue };
            for method in ["GET", "HEAD"] {
                check(persona, method, table.name, None);
                for column in grant.read.iter().filter_map(|name| table.column(name)) {
                    let value = match column.kind {
                        _ if Some(column.name) == table.owner => "user_2hubcarol0000000000000003",
                        ColumnType::Boolean => "true",
                        ColumnType::Integer => "1",
                        ColumnType::Timestamp => "2026-11-26T00:00:00Z",
                        ColumnType::Uuid => KEY,
                        _ => column.values.first().unwrap_or(&"x"),
                    };
                    check(
                        persona,
                        method,
                        &format!("{}?select={}&{}=gte.{value}", table.name, table.key, column.name),
                        None,
                    );
                }
            }
            let row = |columns: &[&str]| {
                let value = |name: &str| match table.column(name).unwrap() {
                    column if column.kind == ColumnType::Uuid => KEY,
                    column => column.values.first().copied().unwrap_or("x"),
                };
                let members = columns.iter().map(|name| ((*name).to_owned(), Value::from(value(name))));
                Value::Object(members.collect()).to_string()
            };
            let one = format!("{}?{}=eq.{KEY}", table.name, table.key);
            if !grant.insert.is_empty() {
                check(persona, "POST", table.name, Some(&row(grant.insert)));
            }
            if !grant.update.is_empty() {
                check(persona, "PATCH", &one, Some(&row(grant.update)));
            }
            if grant.delete {
                check(persona, "DELETE", &one, None);
            }
        }
        for function in FUNCTIONS.iter().filter(|function| function.is_open_to(PrincipalKind::Customer)) {
            let needed = function.arguments.iter().filter(|argument| argument.required);
            let arguments: serde_json::Map<_, _> = needed.map(|one| (one.name.to_owned(), Value::from("x"))).collect();
            check(persona, "POST", &format!("rpc/{}", function.name), Some(&Value::Object(arguments).to_string()));
        }
    }
    assert!(calls > 700, "{calls}");
}

/// Staff may read every row that they can query, so an estimate reveals nothing else.
#[test]
fn staff_receive_the_requested_count() {
    for count in ["planned", "estimated"] {
        for (persona, table) in [("support", "leads"), ("sales", "contact_tickets"), ("admin", "chat_threads")] {
            let preference = format!("count={count}");
            let response = TestApp::new().send(
                persona,
                "HEAD",
                &format!("/rest/v1/{table}?select=id"),
                &[("prefer", &preference)],
                None,
            );
            let sent = response.upstream.iter().flat_map(|sent| &sent.headers).find(|(name, _)| *name == "prefer");
            assert_eq!(sent, Some(&("prefer", preference)), "{persona} {table}: {}", response.text);
        }
    }
}
