//! I-1: no route accepts a password, in a query, a form or JSON, at any depth; none is sent upstream, logged or stored.

use crate::harness::{ORIGIN, TOKENS, TestApp, TestResponse};
use hub::domain::method::{Method, ReceivedMethod};
use hub::{
    domain::{functions::FUNCTIONS, headers::Headers, tables::TABLES},
    entry::{incoming_request::IncomingRequest, routes::ROUTES},
};

const SECRET: &str = "correct-horse-battery";

fn stored_nowhere(response: &TestResponse, what: &str) {
    assert!(response.upstream.is_empty(), "{what}");
    let written = response.rows.iter().chain([&response.log]).map(ToString::to_string).collect::<String>();
    assert!(!written.contains(SECRET) && !response.text.contains(SECRET), "{what}");
}

fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    for route in ROUTES {
        match route.path.split_once('{') {
            Some((prefix, "table}")) => paths.extend(TABLES.iter().map(|table| format!("{prefix}{}", table.name))),
            Some((prefix, _)) => paths.extend(FUNCTIONS.iter().map(|function| format!("{prefix}{}", function.name))),
            None => paths.push(route.path.to_owned()),
        }
    }
    paths
}

#[test]
fn every_route_rejects_passwords_in_the_query_i_1() {
    let app = TestApp::new();
    for path in paths() {
        for name in ["password", "new_password", "user%5Bpassword%5D", "PASSWORD"] {
            for persona in ["-", "alice", "admin"] {
                let response = app.get(persona, "GET", &format!("{path}?a=1&{name}={SECRET}"));
                assert_eq!((response.status, response.code.as_str()), (400, "HUB309"), "{persona} {path} {name}");
                stored_nowhere(&response, &path);
            }
        }
    }
}

/// A caller without the right is rejected without reading the body; one with the right, by name.
#[test]
fn every_route_rejects_passwords_in_the_body_i_1() {
    let app = TestApp::new();
    let key = "?id=eq.00000000-0000-4000-8000-000000000000";
    let mut by_name = 0;
    for path in paths() {
        for (method, query) in [("POST", ""), ("PATCH", key)] {
            for body in [
                format!(r#"{{"password":"{SECRET}"}}"#),
                format!(r#"[{{"subject":"x","Password":"{SECRET}"}}]"#),
                format!(r#"{{"a":{{"b":[{{"c":{{"d":{{"new_password":"{SECRET}"}}}}}}]}}}}"#),
                format!(r#"{{"pass\u0077ord":"{SECRET}"}}"#),
            ] {
                for persona in ["alice", "admin"] {
                    let response = app.send(persona, method, &format!("{path}{query}"), &[], Some(&body));
                    assert!((400..500).contains(&response.status), "{method} {path} {body}: {}", response.status);
                    stored_nowhere(&response, &path);
                    by_name += usize::from(response.code == "HUB309");
                }
            }
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let response =
                app.send("alice", method, &format!("{path}{query}"), &form, Some(&format!("password={SECRET}")));
            assert!((400..500).contains(&response.status), "{method} {path} as a form: {}", response.status);
            stored_nowhere(&response, &path);
        }
    }
    assert!(by_name >= 80, "{by_name}");
}

#[test]
fn page_form_with_a_password_field_is_rejected_i_1() {
    let app = TestApp::new();
    let token = TOKENS["personas"]["alice"].as_str().unwrap();
    let updated = TOKENS["now"].as_i64().unwrap() - 20;
    let headers = [
        ("cookie".to_owned(), format!("__session={token}; __client_uat={updated}")),
        ("origin".to_owned(), ORIGIN.to_owned()),
    ];
    let response = app.handle(IncomingRequest {
        method: ReceivedMethod::Known(Method::Post),
        url: format!("{ORIGIN}/sign-out"),
        headers: Headers::new(headers.to_vec()),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: Some(format!("csrf=x&user%5Bpassword%5D={SECRET}").into_bytes().into()),
    });
    assert_eq!((response.status, response.code.as_str()), (400, "HUB309"));
    stored_nowhere(&response, "/sign-out");
}
