//! T-3, L-3: scheme, host, length and mount path in every combination; the scheme is checked first, and no request is
//! unrecorded.

use crate::harness::{ORIGIN, TOKENS, TestApp, TestResponse, default_upstream};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hub::domain::method::{Method, ReceivedMethod};
use hub::{domain::headers::Headers, entry::incoming_request::IncomingRequest};
use serde_json::Value;

const OWN: &str = "hub.stacklumen.example";
const BASES: [&str; 2] = ["", "/app"];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "TRACE"];
/// The path below the mount path, whether it belongs to the API, and whether it is in plain form.
const PATHS: [(&str, bool, bool); 9] = [
    ("/", false, true),
    ("/security", false, true),
    ("/nothing", false, true),
    ("/%2e%2e/x", false, false),
    ("/rest/v1/contact_tickets", true, true),
    ("/rest/v1/nothing/at/all", true, true),
    ("/rest//v1", true, false),
    ("/auth/v1/token", true, true),
    ("/webhooks/clerk", true, true),
];

/// The place of a token in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carries {
    Nothing,
    Forged,
    Bearer,
    Cookie,
    Query,
}

/// The length of a URL, by the part that makes it long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Short,
    LongPath,
    LongQuery,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    scheme: &'static str,
    host: &'static str,
    base: &'static str,
    mounted: bool,
    path: (&'static str, bool, bool),
    length: Length,
    method: &'static str,
    carries: Carries,
}

impl Case {
    fn url(&self) -> String {
        let (base, long) = (if self.mounted { self.base } else { "/elsewhere" }, "a".repeat(9000));
        let token = TOKENS["personas"]["alice"].as_str().unwrap();
        let query = match (self.length, self.carries) {
            (Length::LongQuery, Carries::Query) => format!("?a={long}&x={token}"),
            (Length::LongQuery, _) => format!("?a={long}"),
            (_, Carries::Query) => format!("?x={token}"),
            _ => String::new(),
        };
        let tail = if self.length == Length::LongPath { format!("/{long}") } else { String::new() };
        format!("{}://{}{base}{}{tail}{query}", self.scheme, self.host, self.path.0)
    }

    fn send(&self) -> TestResponse {
        let token = TOKENS["personas"]["alice"].as_str().unwrap();
        let header = match self.carries {
            Carries::Nothing | Carries::Query => None,
            Carries::Forged => Some(("authorization", format!("Bearer {}A", &token[..token.len() - 1]))),
            Carries::Bearer => Some(("authorization", format!("Bearer {token}"))),
            Carries::Cookie => Some(("cookie", format!("a=b; __session={token}; c=d"))),
        };
        let vars: &'static [(&str, &str)] = if self.base.is_empty() { &[] } else { &[("HUB_BASE_PATH", "/app")] };
        TestApp::with(vars, default_upstream).handle(IncomingRequest {
            method: ReceivedMethod::parse(self.method),
            url: self.url(),
            headers: Headers::new(header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            tls_version: (self.scheme == "https").then(|| "TLSv1.3".to_owned()),
            colo: None,
            country: None,
            body: None,
        })
    }

    fn api(&self) -> bool {
        self.mounted && self.path.1
    }
}

fn every(scheme: &'static str, check: impl Fn(&Case, &TestResponse)) -> usize {
    let (mut response, mut count) = (0, 0);
    for base in BASES {
        // Without a mount path there is no path outside it.
        for mounted in if base.is_empty() { &[true][..] } else { &[true, false] }.iter().copied() {
            for host in [OWN, "stacklumen-hub.account.workers.dev"] {
                for path in PATHS {
                    for length in [Length::Short, Length::LongPath, Length::LongQuery] {
                        for method in METHODS {
                            for carries in
                                [Carries::Nothing, Carries::Forged, Carries::Bearer, Carries::Cookie, Carries::Query]
                            {
                                // Each axis completely with the common values of the others, and a sample of the rest.
                                let rare = usize::from(host != OWN)
                                    + usize::from(!mounted)
                                    + usize::from(length != Length::Short)
                                    + usize::from(!matches!(method, "GET" | "POST"));
                                response += 1;
                                let most = usize::from(!matches!(carries, Carries::Cookie | Carries::Query));
                                if rare > most && response % 31 != 0 {
                                    continue;
                                }
                                let case = Case { scheme, host, base, mounted, path, length, method, carries };
                                check(&case, &case.send());
                                count += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    count
}

/// Plain http gets one of two responses whatever else is wrong with the request, and a valid token in its head is
/// revoked.
#[test]
fn plain_http_check_precedes_path_length_and_host_checks_t_3() {
    let count = every("http", |case, response| {
        let reads = matches!(case.method, "GET" | "HEAD");
        let plain = case.path.2 && case.length == Length::Short;
        let page = case.mounted && !case.path.1 && case.host == OWN;
        if page && reads && plain && case.carries == Carries::Nothing {
            let location = format!("{ORIGIN}{}{}", case.base, case.path.0);
            assert_eq!((response.status, response.header("location")), (308, Some(location.as_str())), "{case:?}");
            assert_eq!(response.text, "", "{case:?}");
        } else {
            assert_eq!(response.status, 403, "{case:?}");
            assert_eq!(response.header("location"), None, "{case:?}");
            assert!(case.method == "HEAD" || response.code == "HUB001", "{case:?} {}", response.code);
        }
        let valid = !matches!(case.carries, Carries::Nothing | Carries::Forged);
        let revoked: Vec<_> = response.upstream.iter().map(|sent| sent.url.ends_with("/rpc/burn_token")).collect();
        assert_eq!(revoked, if valid { vec![true] } else { vec![] }, "{case:?}");
        let recorded = case.api() && response.status >= 400;
        assert_eq!(response.rows.len(), usize::from(recorded), "{case:?}");
        assert_eq!(response.header("strict-transport-security"), None);
    });
    assert!(count > 700, "{count}");
}

/// Every https request to the API that is authenticated or rejected leaves one row, and each rejection has its code.
#[test]
fn https_api_requests_with_any_url_write_one_row_l_3() {
    let count = every("https", |case, response| {
        let long = case.length != Length::Short;
        let code = match case {
            _ if case.host != OWN => Some((421, "HUB010")),
            _ if long || (case.mounted && !case.path.2) => Some((400, "HUB003")),
            _ if !case.mounted => Some((404, "HUB006")),
            _ => None,
        };
        if let Some((status, code)) = code {
            // A 404 of the API without a body becomes a 403 for HEAD.
            assert!(response.status == status || case.method == "HEAD", "{case:?} {}", response.status);
            assert!(case.method == "HEAD" || response.code == code, "{case:?} {}", response.code);
            assert!(response.upstream.is_empty(), "{case:?}");
        }
        let preflight = case.method == "OPTIONS" && response.status < 400;
        assert_eq!(response.rows.len(), usize::from(case.api() && !preflight), "{case:?}");
        for row in &response.rows {
            assert!(row["route"].as_str().unwrap().len() <= 200, "{case:?}");
        }
    });
    assert!(count > 700, "{count}");
}

/// Host names by which a client may and may not address the Hub; a local Hub accepts every port of this host.
#[test]
fn other_hosts_are_rejected_as_misdirected() {
    let over = |vars: &'static [(&'static str, &'static str)], host: &str| {
        let app = TestApp::with(vars, default_upstream);
        app.handle(IncomingRequest {
            method: ReceivedMethod::Known(Method::Get),
            url: format!("https://{host}/security"),
            headers: Headers::default(),
            tls_version: Some("TLSv1.3".to_owned()),
            colo: None,
            country: None,
            body: None,
        })
    };
    for host in [OWN, "HUB.stacklumen.example", "hub.stacklumen.example:443"] {
        assert_eq!(over(&[], host).status, 200, "{host}");
    }
    for host in [
        "",
        "hub.stacklumen.example.",
        "hub.stacklumen.example:8443",
        "hub.stacklumen.example.evil.example",
        "evil.example",
        "stacklumen-hub.account.workers.dev",
        "0123abcd-stacklumen-hub.account.workers.dev",
        "user@hub.stacklumen.example",
        "localhost",
        "127.0.0.1:8787",
        "[::1]",
    ] {
        let response = over(&[], host);
        assert_eq!((response.status, response.code.as_str()), (421, "HUB010"), "{host}");
        assert!(!response.text.contains(OWN), "{host}: the answer names the Hub's host");
    }
    let local: &[_] = &[("HUB_ENV", "local"), ("HUB_ORIGIN", "https://localhost:8787")];
    for (host, status) in [
        ("localhost:8787", 200),
        ("localhost:9999", 200),
        ("127.0.0.1:8787", 200),
        ("[::1]:8787", 200),
        ("localhost.evil.example", 421),
        ("evil.example", 421),
    ] {
        assert_eq!(over(local, host).status, status, "{host}");
    }
}

/// Tor has its own country code at Cloudflare, `T1`.
#[test]
fn every_cloudflare_country_code_is_recorded_l_3() {
    for (country, is_stored) in [
        ("DE", true),
        ("T1", true),
        ("XX", true),
        ("de", false),
        ("DEU", false),
        ("D", false),
        ("D-", false),
        ("", false),
    ] {
        let response = TestApp::new().handle(IncomingRequest {
            method: ReceivedMethod::Known(Method::Get),
            url: format!("{ORIGIN}/rest/v1/leads"),
            headers: Headers::default(),
            tls_version: Some("TLSv1.3".to_owned()),
            colo: Some("FRA".to_owned()),
            country: Some(country.to_owned()),
            body: None,
        });
        assert_eq!(response.rows[0]["country"].as_str(), is_stored.then_some(country), "{country}");
    }
}

/// Sends a request over plain http with this token.
fn over_http(app: &TestApp, token: &str) -> TestResponse {
    app.handle(IncomingRequest {
        method: ReceivedMethod::Known(Method::Get),
        url: format!("http://{OWN}/rest/v1/leads"),
        headers: Headers::new(vec![("authorization".to_owned(), format!("Bearer {token}"))]),
        tls_version: None,
        colo: None,
        country: None,
        body: None,
    })
}

fn is_revoked(response: &TestResponse) -> bool {
    response.upstream.iter().any(|sent| sent.url.ends_with("/rpc/burn_token"))
}

/// Returns the parts of a valid token with other claims or another header, and an invalid signature.
fn forged(change: impl Fn(&mut Value, &mut Value)) -> String {
    let token = TOKENS["personas"]["alice"].as_str().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| serde_json::from_slice::<Value>(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap();
    let (mut header, mut claims) = (read(parts[0]), read(parts[1]));
    change(&mut header, &mut claims);
    let encode = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    format!("{}.{}.{}", encode(&header), encode(&claims), parts[2])
}

/// Tokens that can be written without knowing a token of this issuer do not use up a limit: the next valid token is
/// revoked.
#[test]
fn malformed_tokens_over_plain_http_do_not_consume_revocation_limit_t_3() {
    let now = TOKENS["now"].as_i64().unwrap();
    let junk: [(&str, String); 8] = [
        ("no base64", format!("e.{}.{}", "a".repeat(60), "b".repeat(60))),
        ("no JSON", format!("e30.{}.{}", "a".repeat(60), "b".repeat(60))),
        ("another algorithm", forged(|header, _| header["alg"] = "HS256".into())),
        ("an unknown key", forged(|header, _| header["kid"] = "ins_unheard_of".into())),
        ("another issuer", forged(|_, claims| claims["iss"] = "https://clerk.elsewhere.example".into())),
        ("expired", forged(|_, claims| claims["exp"] = (now - 6).into())),
        ("from the future", forged(|_, claims| claims["iat"] = (now + 60).into())),
        ("for ever", forged(|_, claims| claims["exp"] = (now + 86_400).into())),
    ];
    let valid = TOKENS["personas"]["alice"].as_str().unwrap();
    for (what, token) in junk {
        for warm in [false, true] {
            let app = TestApp::new();
            if warm {
                app.get("alice", "GET", "/rest/v1/contact_tickets");
            }
            let mut fetched = 0;
            for _ in 0..70 {
                let response = over_http(&app, &token);
                assert!(!is_revoked(&response), "{what}");
                fetched += response.fetched_keys;
            }
            assert!(fetched <= usize::from(!warm), "{what}: {fetched} fetches of the keys");
            assert!(is_revoked(&over_http(&app, valid)), "{what}, {warm}");
        }
    }
}
