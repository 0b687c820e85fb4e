//! T-1, T-2, T-3: the request checks, tested through the whole program.

use crate::harness::{ORIGIN, TestApp, default_upstream, upstream_response};
use hub::domain::method::ReceivedMethod;
use hub::{domain::headers::Headers, entry::incoming_request::IncomingRequest};

fn arrival(method: &str, url: &str, tls: Option<&str>, headers: &[(&str, &str)]) -> IncomingRequest {
    IncomingRequest {
        method: ReceivedMethod::parse(method),
        url: url.to_owned(),
        headers: Headers::new(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        tls_version: tls.map(str::to_owned),
        colo: None,
        country: None,
        body: None,
    }
}

const PATHS: [&str; 9] = [
    "/",
    "/security",
    "/healthz",
    "/robots.txt",
    "/assets/hub.css",
    "/nothing",
    "/rest/v1/leads",
    "/rest//v1",
    "/auth/v1/token",
];

#[test]
fn https_responses_have_security_headers_t_2() {
    for path in PATHS {
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let response = TestApp::new().handle(arrival(method, &format!("{ORIGIN}{path}"), Some("TLSv1.3"), &[]));
            assert_eq!(
                response.header("strict-transport-security"),
                Some("max-age=63072000; includeSubDomains; preload")
            );
            for name in [
                "x-content-type-options",
                "x-frame-options",
                "referrer-policy",
                "permissions-policy",
                "content-security-policy",
                "cache-control",
                "cross-origin-resource-policy",
                "cross-origin-opener-policy",
                "x-request-id",
            ] {
                let count = response.headers.iter().filter(|(other, _)| *other == name).count();
                assert_eq!(count, 1, "{method} {path} {name}");
            }
        }
    }
}

#[test]
fn old_tls_is_rejected_on_every_route_t_1() {
    let app = TestApp::new();
    for path in PATHS {
        for tls in [None, Some("TLSv1.2"), Some("TLSv1.1"), Some("")] {
            let response = app.handle(arrival("GET", &format!("{ORIGIN}{path}"), tls, &[]));
            assert_eq!((response.status, response.code.as_str()), (403, "HUB002"), "{path} {tls:?}");
            assert!(response.upstream.is_empty());
        }
    }
    let older = TestApp::with(&[("HUB_MIN_TLS", "TLSv1.2")], default_upstream);
    assert_eq!(older.handle(arrival("GET", &format!("{ORIGIN}/"), Some("TLSv1.2"), &[])).status, 200);
}

/// The response is the same whether the credential is valid or not, so that plain http cannot be used to test tokens.
#[test]
fn plain_http_is_rejected_or_redirected_t_3() {
    let app = TestApp::new();
    let valid = format!("Bearer {}", crate::harness::TOKENS["personas"]["alice"].as_str().unwrap());
    let http = |method: &str, path: &str, headers: &[(&str, &str)]| {
        app.handle(arrival(method, &format!("http://hub.stacklumen.example{path}"), None, headers))
    };
    for path in ["/rest/v1/contact_tickets", "/rest/v1/rpc/x", "/webhooks/clerk", "/auth/v1/token"] {
        for headers in [&[][..], &[("authorization", valid.as_str())], &[("authorization", "Bearer x")]] {
            let response = http("GET", path, headers);
            assert_eq!((response.status, response.code.as_str()), (403, "HUB001"), "{path}");
            assert!(response.text.contains("Revoke"));
            // In the background a valid token is revoked; nothing else of the request is sent upstream.
            assert!(response.upstream.iter().all(|sent| sent.url.ends_with("/rpc/burn_token")), "{path}");
            assert_eq!(response.header("strict-transport-security"), None);
        }
    }
    for method in ["GET", "HEAD"] {
        let response = http(method, "/security?a=b", &[]);
        assert_eq!(
            (response.status, response.header("location")),
            (308, Some("https://hub.stacklumen.example/security?a=b"))
        );
        assert_eq!(response.text, "");
    }
    for (method, path, headers) in [
        ("POST", "/", &[][..]),
        ("GET", "/", &[("cookie", "__session=x")]),
        ("GET", "/security", &[("authorization", "Basic x")]),
        ("GET", "/?token=x", &[]),
        ("GET", "/%2e%2e/x", &[]),
    ] {
        assert_eq!(http(method, path, headers).status, 403, "{method} {path}");
    }
}

#[test]
fn base_path_is_part_of_every_url() {
    let app = TestApp::with(&[("HUB_BASE_PATH", "/app")], default_upstream);
    for (path, status) in
        [("/app", 200), ("/app/", 200), ("/app/security", 200), ("/", 404), ("/security", 404), ("/application", 404)]
    {
        assert_eq!(app.get("-", "GET", path).status, status, "{path}");
    }
    assert_eq!(app.get("alice", "GET", "/app/rest/v1/contact_tickets").status, 200);
    assert_eq!(app.get("alice", "GET", "/rest/v1/contact_tickets").status, 404);
}

#[test]
fn preflights_are_handled_only_for_allowed_origins() {
    let app = TestApp::new();
    let preflight = |origin: &str| app.send("-", "OPTIONS", "/rest/v1/leads", &[("origin", origin)], None);
    let listed = preflight(ORIGIN);
    assert_eq!((listed.status, listed.header("access-control-allow-origin")), (204, Some(ORIGIN)));
    assert_eq!(listed.header("access-control-allow-credentials"), None);
    for origin in [
        "https://evil.example",
        "null",
        "https://hub.stacklumen.example.evil.example",
        "https://HUB.stacklumen.example",
        "http://hub.stacklumen.example",
    ] {
        let response = preflight(origin);
        assert_eq!((response.status, response.header("access-control-allow-origin")), (403, None), "{origin}");
    }
    assert!(listed.upstream.is_empty());
}

/// The client's response for each failure of the database; a change is never sent twice.
#[test]
fn database_failures_map_to_their_own_errors() {
    use hub::runtime::{FetchError, UpstreamRequest, UpstreamResponse};
    type Given = Result<UpstreamResponse<Vec<u8>>, FetchError>;
    fn html() -> Given {
        let headers = Headers::new(vec![("content-type".to_owned(), "text/html".to_owned())]);
        Ok(UpstreamResponse { status: 200, headers, body: Some(b"<html>".to_vec()) })
    }
    let cases: [(fn() -> Given, u16, &str); 9] = [
        (|| Err(FetchError::Timeout), 504, "HUB402"),
        (|| Err(FetchError::Unreachable), 502, "HUB401"),
        (|| upstream_response(503, r#"{"code":"PGRST001","message":"x"}"#), 503, "HUB403"),
        (|| upstream_response(500, "<html>"), 502, "HUB404"),
        (|| upstream_response(302, ""), 502, "HUB404"),
        (html, 502, "HUB404"),
        (|| upstream_response(401, r#"{"code":"PGRST301","message":"JWT"}"#), 502, "HUB404"),
        (|| upstream_response(401, r#"{"code":"PT401","message":"session revoked"}"#), 401, "HUB103"),
        (
            || {
                upstream_response(
                    409,
                    r#"{"code":"23505","message":"duplicate key value violates unique constraint \"a_key\"","details":"Key (email)=(a@b.c)"}"#,
                )
            },
            409,
            "23505",
        ),
    ];
    for (given, status, code) in cases {
        let app = TestApp::with_upstream(move |request: &UpstreamRequest| {
            if request.url.contains("/contact_tickets") { given() } else { default_upstream(request) }
        });
        let response = app.send("alice", "POST", "/rest/v1/contact_tickets", &[], Some(r#"{"subject":"x"}"#));
        assert_eq!((response.status, response.code.as_str()), (status, code));
        assert_eq!(response.upstream.len(), 1, "{code}: asked more than once");
        assert!(!response.text.contains("a@b.c"), "a value of a row in an error");
    }
}

#[test]
fn only_listed_database_headers_are_forwarded() {
    let app = TestApp::with_upstream(|request| {
        if !request.url.contains("/contact_tickets") {
            return default_upstream(request);
        }
        let pairs = [
            ("content-type", "application/json"),
            ("content-range", "0-0/*"),
            ("location", "/contact_tickets?id=eq.1"),
            ("server", "postgrest/12"),
            ("set-cookie", "a=b"),
            ("sb-project-ref", "ref"),
            ("proxy-status", "x"),
        ];
        let headers =
            Headers::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        Ok(hub::runtime::UpstreamResponse { status: 200, headers, body: Some(b"[]".to_vec()) })
    });
    let response = app.get("alice", "GET", "/rest/v1/contact_tickets");
    assert_eq!(response.header("content-range"), Some("0-0/*"));
    assert_eq!(response.header("location"), Some("/rest/v1/contact_tickets?id=eq.1"));
    for name in ["server", "set-cookie", "sb-project-ref", "proxy-status"] {
        assert_eq!(response.header(name), None, "{name}");
    }
}

#[test]
fn passwords_are_rejected_everywhere_i_1() {
    let app = TestApp::new();
    let response =
        app.send("alice", "POST", "/rest/v1/contact_tickets", &[], Some(r#"{"subject":"x","password":"hunter2"}"#));
    assert_eq!((response.status, response.code.as_str()), (400, "HUB309"));
    assert!(!response.log.to_string().contains("hunter2") && !format!("{:?}", response.rows).contains("hunter2"));
    assert!(response.upstream.is_empty());
}

/// A token is revoked however often another one is repeated beside it.
#[test]
fn copies_of_one_token_do_not_hide_another_t_3() {
    let token = |who: &str| crate::harness::TOKENS["personas"][who].as_str().unwrap().to_owned();
    for copies in [1, 4, 80] {
        let app = TestApp::new();
        let cookie: String = (0..copies).map(|n| format!("__session_{n}={}; ", token("carol"))).collect();
        let url = format!("http://hub.stacklumen.example/rest/v1/x?t={}", token("alice"));
        let response = app.handle(arrival("GET", &url, None, &[("cookie", cookie.as_str())]));
        let revoked = response.upstream.iter().filter(|request| request.url.ends_with("burn_token")).count();
        assert_eq!(revoked, 2, "{copies}");
    }
}
