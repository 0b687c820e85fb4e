//! A-2: the API description of each caller matches the catalogue in both directions: every grant is in it, and nothing
//! else.

use crate::harness::{REST, TestApp, default_upstream, upstream_response};
use hub::{
    domain::{
        access::{
            Operation, PrincipalKind,
            StaffRole::{Admin, Sales, Support},
        },
        functions::FUNCTIONS,
        tables::{ColumnType, TABLES},
    },
    logic::{
        authz::grants,
        error::public_rows,
        openapi::{Caller, Scope, document},
    },
};
use serde_json::Value;
use std::collections::BTreeSet;

const CALLERS: [(&str, PrincipalKind); 4] = [
    ("alice", PrincipalKind::Customer),
    ("admin", PrincipalKind::Staff(Admin)),
    ("sales", PrincipalKind::Staff(Sales)),
    ("support", PrincipalKind::Staff(Support)),
];

fn described(persona: &str) -> Value {
    let response = TestApp::new().get(persona, "GET", "/rest/v1/");
    assert_eq!(response.status, 200, "{}", response.text);
    serde_json::from_str(&response.text).unwrap()
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

const METHODS: [(Operation, &str); 4] = [
    (Operation::Select, "get"),
    (Operation::Insert, "post"),
    (Operation::Update, "patch"),
    (Operation::Delete, "delete"),
];

#[test]
fn description_lists_exactly_the_grants_a_2() {
    for (persona, who) in CALLERS {
        let document = described(persona);
        let (mut paths, mut definitions, mut filters) = (BTreeSet::new(), set(["error"]), BTreeSet::new());
        for table in TABLES {
            let Some(grant) = table.grant(who) else { continue };
            let path = format!("/{}", table.name);
            let methods = METHODS.iter().filter(|(operation, _)| grants(grant, *operation)).map(|(_, method)| *method);
            assert_eq!(names(&document["paths"][&path]), set(methods), "{persona} {path}");
            paths.insert(path);
            let uses = [
                (table.name.to_owned(), grant.read),
                (format!("{}.insert", table.name), grant.insert),
                (format!("{}.update", table.name), grant.update),
            ];
            for (definition, columns) in uses.into_iter().filter(|(_, columns)| !columns.is_empty()) {
                let properties = &document["definitions"][&definition]["properties"];
                assert_eq!(names(properties), set(columns.iter().copied()), "{persona} {definition}");
                definitions.insert(definition);
            }
            filters.extend(grant.read.iter().map(|column| format!("rowFilter.{}.{column}", table.name)));
        }
        for function in FUNCTIONS.iter().filter(|function| function.is_open_to(who)) {
            let path = format!("/rpc/{}", function.name);
            let methods = if function.writes { set(["post"]) } else { set(["get", "post"]) };
            assert_eq!(names(&document["paths"][&path]), methods, "{persona} {path}");
            let definition = format!("rpc.{}", function.name);
            let schema = &document["definitions"][&definition];
            assert_eq!(names(&schema["properties"]), set(function.arguments.iter().map(|argument| argument.name)));
            let required: BTreeSet<String> = serde_json::from_value(schema["required"].clone()).unwrap_or_default();
            let needed = function.arguments.iter().filter(|argument| argument.required).map(|argument| argument.name);
            assert_eq!(required, set(needed), "{persona} {path}");
            paths.insert(path);
            definitions.insert(definition);
        }
        assert_eq!(names(&document["paths"]), paths, "{persona}");
        assert_eq!(names(&document["definitions"]), definitions, "{persona}");
        let listed = names(&document["parameters"]).into_iter().filter(|name| name.starts_with("rowFilter."));
        assert_eq!(listed.collect::<BTreeSet<_>>(), filters, "{persona}");
    }
}

/// The operators that the description lists for a column are those that the firewall accepts there, of all operators of
/// PostgREST.
#[test]
fn description_lists_accepted_operators_per_column() {
    const KNOWN: [&str; 29] = [
        "eq",
        "neq",
        "gt",
        "gte",
        "lt",
        "lte",
        "in",
        "is",
        "isdistinct",
        "like",
        "ilike",
        "like(any)",
        "like(all)",
        "ilike(any)",
        "ilike(all)",
        "match",
        "imatch",
        "fts",
        "plfts",
        "phfts",
        "wfts",
        "cs",
        "cd",
        "ov",
        "sl",
        "sr",
        "nxr",
        "nxl",
        "adj",
    ];
    let app = TestApp::new();
    for (persona, who) in CALLERS {
        let document = described(persona);
        for table in TABLES {
            let Some(grant) = table.grant(who).filter(|grant| grants(grant, Operation::Select)) else { continue };
            for column in grant.read {
                let parameter = &document["parameters"][format!("rowFilter.{}.{column}", table.name)];
                let description = parameter["description"].as_str().unwrap_or_default();
                let named = |operator: &str| description.split([' ', ',', ';']).any(|part| part == operator);
                for operator in KNOWN {
                    let path = format!("/rest/v1/{}?select={}&{column}={operator}.x", table.name, table.key);
                    let code = app.get(persona, "GET", &path).code;
                    if code != "HUB203" {
                        assert_eq!(
                            named(operator),
                            code != "HUB314",
                            "{persona} {}.{column} {operator}: {description}",
                            table.name
                        );
                    }
                }
            }
        }
    }
}

/// The headers that a generated client must send: the purpose of a read of sensitive columns, and the version on which
/// a change is based.
#[test]
fn description_lists_headers_required_of_staff_a_2_l_1() {
    for (persona, who) in CALLERS {
        let document = described(persona);
        let staff = who != PrincipalKind::Customer;
        let find_parameter = |path: &str, method: &str, name: &str| {
            let parameters = document["paths"][path][method]["parameters"].as_array().unwrap();
            let mut resolved = parameters.iter().map(|parameter| match parameter["$ref"].as_str() {
                Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
                None => parameter,
            });
            resolved.find(|parameter| parameter["name"] == name).cloned()
        };
        for table in TABLES {
            let Some(grant) = table.grant(who) else { continue };
            let path = format!("/{}", table.name);
            if grants(grant, Operation::Select) {
                let guarded = table.sensitive_columns.iter().any(|column| grant.read.contains(column));
                let purpose = find_parameter(&path, "get", "x-hub-purpose");
                assert_eq!(purpose.is_some(), staff && (guarded || grant.export || table.audited), "{persona} {path}");
            }
            if grants(grant, Operation::Update) && table.column("version").is_some() {
                let version = find_parameter(&path, "patch", "If-Match").unwrap();
                assert_eq!(version["required"], Value::from(staff), "{persona} {path}");
                assert_eq!(find_parameter(&path, "patch", table.key).unwrap()["required"], Value::from(true));
            }
            for (operation, step_up) in grant.step_up {
                let method = METHODS.iter().find(|(other, _)| other == operation).map_or("get", |(_, method)| *method);
                let marked = document["paths"][&path][method]["x-step-up"].as_array().unwrap();
                let same = |mark: &&Value| {
                    mark["operation"] == operation.name() && mark["after_minutes"] == step_up.after_minutes
                };
                assert_eq!(marked.iter().filter(same).count(), 1, "{persona} {path} {method}");
            }
        }
    }
}

#[test]
fn description_lists_every_error_code_of_the_api() {
    let document = described("admin");
    let responses = document["responses"].to_string();
    let elsewhere = ["HUB007", "HUB105", "HUB106", "HUB107", "HUB108", "HUB109", "HUB111"];
    for public in public_rows().filter(|public| !elsewhere.contains(&public.code)) {
        let described = document["responses"][public.status.to_string()]["description"].as_str().unwrap_or_default();
        assert!(described.contains(public.code), "{} {}", public.status, public.code);
    }
    for code in elsewhere {
        assert!(!responses.contains(code), "{code}");
    }
}

#[test]
fn every_reference_resolves() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    for (_, who) in CALLERS {
        for scope in [Scope::Everything, Scope::Reads] {
            let document = document(Caller { who, scope }, "https://hub.example", "/app");
            let mut found = BTreeSet::new();
            references(&document, &mut found);
            assert!(found.len() > 20);
            for reference in found {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            assert_eq!(document["basePath"], "/app/rest/v1");
            assert_eq!(document["host"], "hub.example");
        }
    }
}

#[test]
fn impersonated_sessions_see_only_readable_operations() {
    for (_, who) in CALLERS {
        let all = document(Caller { who, scope: Scope::Everything }, "https://hub.example", "");
        let reads = document(Caller { who, scope: Scope::Reads }, "https://hub.example", "");
        for (path, methods) in reads["paths"].as_object().unwrap() {
            let may = |method: &str| method == "get" || (path.starts_with("/rpc/") && methods.get("get").is_some());
            assert!(names(methods).iter().all(|method| may(method)), "{path} {methods}");
        }
        for (path, methods) in all["paths"].as_object().unwrap() {
            assert_eq!(methods.get("get"), reads["paths"][path].get("get"), "{path}");
        }
    }
}

#[test]
fn description_requires_a_session_and_is_recorded_l_3() {
    let app = TestApp::new();
    for (persona, method, status, code) in [
        ("-", "GET", 401, "HUB101"),
        ("nobody", "GET", 403, "HUB201"),
        ("alice", "POST", 405, "HUB007"),
        ("alice", "GET", 200, ""),
        ("alice", "HEAD", 200, ""),
        ("admin", "GET", 200, ""),
    ] {
        let response = app.get(persona, method, "/rest/v1/");
        assert_eq!((response.status, response.code.as_str()), (status, code), "{persona} {method}");
        assert_eq!(response.rows.len(), 1, "{persona} {method}");
        assert_eq!(response.rows[0]["route"], "/rest/v1/");
        assert_eq!(response.rows[0]["status"], status);
        if status == 200 {
            assert_eq!(response.header("content-type"), Some("application/openapi+json; charset=utf-8"));
            assert_eq!(response.header("cache-control"), Some("no-store"));
            assert_eq!(response.text.is_empty(), method == "HEAD");
        }
        // The database checks that the session is not revoked.
        let queries: Vec<&str> = response.upstream.iter().filter_map(|sent| sent.url.strip_prefix(REST)).collect();
        assert_eq!(queries, if status == 200 { vec!["/rpc/who_am_i"] } else { vec![] }, "{persona} {method}");
    }
}

/// Each hint about a column names the columns that this caller may use there, and no columns of other roles.
#[test]
fn rejected_column_hint_lists_allowed_columns_a_2() {
    for (persona, who) in CALLERS {
        let app = TestApp::new();
        for table in TABLES {
            let Some(grant) = table.grant(who) else { continue };
            let path = format!("/rest/v1/{}", table.name);
            let keyed = format!("{}=eq.00000000-0000-4000-8000-000000000000", table.key);
            let staff_headers = [("x-hub-purpose", "support"), ("if-match", "*")];
            let body = Some(r#"{"no_such_column":"x"}"#);
            let places = [
                (Operation::Select, "GET", format!("{path}?select=no_such_column"), None, grant.read),
                (Operation::Select, "GET", format!("{path}?no_such_column=eq.x"), None, grant.read),
                (Operation::Select, "GET", format!("{path}?order=no_such_column"), None, grant.read),
                (Operation::Insert, "POST", path.clone(), body, grant.insert),
                (Operation::Insert, "POST", format!("{path}?columns=no_such_column"), body, grant.insert),
                (Operation::Update, "PATCH", format!("{path}?{keyed}"), body, grant.update),
            ];
            for (operation, method, url, body, columns) in places {
                if !grants(grant, operation) {
                    continue;
                }
                let response = app.send(persona, method, &url, &staff_headers, body);
                if response.code == "HUB203" {
                    continue;
                }
                let error: Value = serde_json::from_str(&response.text).unwrap();
                assert_eq!((response.status, response.code.as_str()), (400, "HUB311"), "{persona} {method} {url}");
                assert_eq!(error["details"], "no_such_column");
                assert_eq!(error["hint"], format!("Use: {}.", columns.join(", ")), "{persona} {method} {url}");
            }
        }
    }
}

/// `types/` is the output of `make types`.
#[test]
fn generated_types_match_files_for_every_audience_a_2() {
    let mut differences = Vec::new();
    for (name, who) in crate::types::AUDIENCES {
        let written = std::fs::read_to_string(format!("types/{name}.ts")).unwrap_or_default();
        let expected = crate::types::module(name, who);
        let is_absent = |line: &&str| written.lines().all(|other| other != *line);
        differences.extend(expected.lines().filter(is_absent).map(|line| format!("{name}.ts lacks {line}")));
        differences.extend((written != expected).then(|| format!("{name}.ts differs")));
    }
    assert_eq!(differences, Vec::<String>::new(), "run `make types`");
    assert_eq!(std::fs::read_dir("types").unwrap().count(), crate::types::AUDIENCES.len());
}

/// The firewall requires a purpose exactly where the description states it: each read and call is made without one.
#[test]
fn purpose_is_required_exactly_where_described_a_2() {
    let app = TestApp::new();
    let mut needed = 0;
    for (persona, who) in CALLERS {
        let document = described(persona);
        let header = |path: &str, method: &str| {
            let parameters = document["paths"][path][method]["parameters"].as_array().unwrap();
            parameters.iter().find(|parameter| parameter["name"] == "x-hub-purpose").cloned()
        };
        let queries = |method: &str, path: &str, body| {
            let response = app.send(persona, method, &format!("/rest/v1{path}"), &[], body);
            assert!(
                response.status < 300 || ["HUB328", "HUB203"].contains(&response.code.as_str()),
                "{persona} {path} {}",
                response.text
            );
            (response.code == "HUB328", response.code == "HUB203")
        };
        for table in TABLES {
            let Some(grant) = table.grant(who).filter(|grant| grants(grant, Operation::Select)) else { continue };
            let path = format!("/{}", table.name);
            let described = header(&path, "get").map(|header| header["description"].to_string()).unwrap_or_default();
            let key = match table.column(table.key).unwrap().kind {
                ColumnType::Integer => "1",
                ColumnType::Uuid => "00000000-0000-4000-8000-000000000000",
                _ => "sess_2hubalice0000000000000001",
            };
            let is_text =
                |name: &str| Some(name) != table.owner && table.column(name).unwrap().kind == ColumnType::Text;
            let text = grant.read.iter().find(|name| is_text(name)).unwrap();
            let guarded = |name: &str| table.sensitive_columns.contains(&name);
            for (query, requirement) in [
                (format!("{path}?{}=eq.{key}", table.key), "the result, a filter or the order contains"),
                (
                    format!("{path}?select={}&{text}=like.x*", table.key),
                    if guarded(text) { "a filter" } else { "a search" },
                ),
            ] {
                let (refused, stale) = queries("GET", &query, None);
                assert!(stale || refused == described.contains(requirement), "{persona} {query} {described}");
                needed += u32::from(refused);
            }
        }
        for function in FUNCTIONS.iter().filter(|function| function.is_open_to(who) && !function.writes) {
            let path = format!("/rpc/{}", function.name);
            let body = if function.name == "search_tickets" { r#"{"words":"x"}"# } else { "{}" };
            let required = header(&path, "post").is_some_and(|header| header["required"] == true);
            let (refused, _) = queries("POST", &path, Some(body));
            assert_eq!(refused, required, "{persona} {path}");
            needed += u32::from(refused);
        }
    }
    assert!(needed > 10, "{needed}");
}

#[test]
fn revoked_session_receives_no_description_i_2() {
    let revoked = r#"{"code":"PT401","message":"session revoked","details":null,"hint":null}"#;
    let app = TestApp::with_upstream(move |request| {
        if request.url.ends_with("/rpc/who_am_i") { upstream_response(401, revoked) } else { default_upstream(request) }
    });
    let response = app.get("alice", "GET", "/rest/v1/");
    assert_eq!((response.status, response.code.as_str()), (401, "HUB103"));
    assert!(!response.text.contains("swagger"));
}
