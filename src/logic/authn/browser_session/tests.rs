//! The states of a browser session, and the selection between two sets of cookies.

use super::*;
use crate::logic::http::cookies::Cookies;
use base64ct::{Base64UrlUnpadded, Encoding as _};

const NOW: i64 = 1_800_000_000;

fn instance(development: bool) -> ClerkInstance {
    let domains = vec!["hub.example.com".to_owned(), "example.com".to_owned()];
    ClerkInstance {
        suffix: "QvfNY2dr".to_owned(),
        issuer: "https://clerk.example.com".to_owned(),
        is_development: development,
        domains,
    }
}

fn token(issuer: &str, at: i64) -> String {
    let payload = serde_json::json!({ "iss": issuer, "iat": at, "exp": at + 60, "sid": "sess_1" }).to_string();
    format!("e30.{}.AA", Base64UrlUnpadded::encode_string(payload.as_bytes()))
}

fn decided(cookie: &str, query: &str, navigation: bool, development: bool) -> String {
    let cookies = Cookies::parse(cookie);
    let input = BrowserSessionInput { cookies: &cookies, query, is_navigation: navigation, now_s: NOW };
    let decision = decide(&input, &instance(development));
    if matches!(decision, BrowserAuthDecision::Verify(_)) { "verify".to_owned() } else { format!("{decision:?}") }
}

/// The vectors are those of Clerk's own keys.
#[test]
fn cookie_suffix_matches_clerk() {
    assert_eq!(cookie_suffix("pk_live_Y2xlcmsuY2xlcmsuZGV2JA"), "1Z8AzTQD");
    assert_eq!(cookie_suffix("pk_test_Y2xlcmsuY2xlcmsuZGV2JA"), "QvfNY2dr");
}

/// I-2: the table of states, in production.
#[test]
fn cookies_determine_the_decision_i_2() {
    let fresh = token("https://clerk.example.com", NOW - 10);
    for (cookie, state) in [
        (String::new(), "SignedOut(\"session-token-and-uat-missing\")"),
        ("__client_uat=0".to_owned(), "SignedOut(\"session-token-and-uat-missing\")"),
        ("__client_uat=x".to_owned(), "SignedOut(\"session-token-and-uat-missing\")"),
        (format!("__client_uat={}", NOW - 20), "Handshake(\"client-uat-but-no-session-token\")"),
        (format!("__session={fresh}"), "Handshake(\"session-token-but-no-client-uat\")"),
        (format!("__session={fresh}; __client_uat=0"), "Handshake(\"session-token-but-no-client-uat\")"),
        (format!("__session={fresh}; __client_uat={}", NOW - 5), "Handshake(\"session-token-iat-before-client-uat\")"),
        (format!("__session={fresh}; __client_uat={}", NOW - 20), "verify"),
        (format!("__session=x.y.z; __client_uat={}", NOW - 20), "Refused(\"token-malformed\")"),
    ] {
        assert_eq!(decided(&cookie, "", true, false), state, "{cookie}");
        let without = decided(&cookie, "", false, false);
        assert!(!without.contains("Handshake"), "only a navigation is sent away: {cookie}");
    }
}

#[test]
fn dev_instances_require_dev_browser_token() {
    let fresh = token("https://clerk.example.com", NOW - 10);
    let signed_in = format!("__session={fresh}; __client_uat={}", NOW - 20);
    assert_eq!(decided(&signed_in, "", true, true), "Handshake(\"dev-browser-missing\")");
    assert_eq!(decided(&format!("{signed_in}; __clerk_db_jwt=dvb_1"), "", true, true), "verify");
    assert_eq!(
        decided(&format!("{signed_in}; __clerk_db_jwt=dvb_1"), "a=1&__clerk_db_jwt=dvb_2", true, true),
        "Handshake(\"dev-browser-sync\")"
    );
    assert_eq!(decided(&signed_in, "__clerk_db_jwt=dvb_2", true, false), "verify", "not in production");
}

/// I-2: a handshake's result is accepted from the browser that was redirected to Clerk, and from no other.
#[test]
fn handshake_is_accepted_only_from_the_initiating_browser_i_2() {
    let back = "__clerk_handshake=x.y.z&hub_state=abc";
    assert_eq!(decided("__Host-hub_state=abc", back, true, false), "ResolveToken(\"x.y.z\", Query)");
    assert_eq!(
        decided("__Host-hub_state=abc", "__clerk_handshake_nonce=n&hub_state=abc", true, false),
        "ResolveNonce(\"n\", Query)"
    );
    let uat = format!("__client_uat={}", NOW - 20);
    for cookie in ["", "__Host-hub_state=", "hub_state=abc", "__Host-hub_state=abc; __Host-hub_state=abd"] {
        assert_eq!(decided(cookie, back, true, false), "SignedOut(\"session-token-and-uat-missing\")", "{cookie}");
        let partly_stored = decided(&format!("{cookie}; {uat}"), back, true, false);
        assert_eq!(partly_stored, "RedirectLoop(\"handshake-not-of-this-browser\")", "{cookie}");
    }
    // Another page of this browser began one later: nothing is resolved, its own cookies are used.
    let other = "__Host-hub_state=abd; __clerk_handshake=x.y.z";
    assert_eq!(decided(other, back, true, false), "SignedOut(\"session-token-and-uat-missing\")");
    assert_eq!(
        decided(&format!("{other}; {uat}"), back, true, false),
        "Handshake(\"client-uat-but-no-session-token\")"
    );
    assert_eq!(decided("__Host-hub_state=abc", back, false, false), "SignedOut(\"session-token-and-uat-missing\")");
    assert_eq!(
        decided("__Host-hub_state=abc", "__clerk_handshake=x.y.z", true, false),
        "SignedOut(\"session-token-and-uat-missing\")",
        "a link from somebody else"
    );
}

/// I-2: a production instance sends the result as a cookie of the parent domain, bound to the browser like the other
/// carrier.
///
/// Source: clerk/javascript `integration/tests/handshake.test.ts`, "Handshake result - prod - nominal".
#[test]
fn handshake_is_accepted_from_query_or_cookie_i_2() {
    let state = "__Host-hub_state=abc";
    for development in [false, true] {
        for (cookie, query, step) in [
            ("__clerk_handshake=x.y.z", "hub_state=abc", "ResolveToken(\"x.y.z\", Cookie)"),
            ("__clerk_handshake_nonce=n", "hub_state=abc", "ResolveNonce(\"n\", Cookie)"),
            ("__clerk_handshake_nonce=n; __clerk_handshake=x", "hub_state=abc", "ResolveNonce(\"n\", Cookie)"),
            ("__clerk_handshake_nonce=n", "hub_state=abc&__clerk_handshake=q", "ResolveToken(\"q\", Query)"),
            ("__clerk_handshake=x", "hub_state=abc&__clerk_handshake_nonce=q", "ResolveNonce(\"q\", Query)"),
        ] {
            assert_eq!(decided(&format!("{state}; {cookie}"), query, true, development), step, "{cookie} {query}");
            let resolves =
                |jar: String, query, navigation| decided(&jar, query, navigation, development).starts_with("Resolve");
            assert!(!resolves(cookie.to_owned(), query, true), "of no browser that was sent there: {cookie} {query}");
            assert!(
                !resolves(format!("__Host-hub_state=abd; {cookie}"), query, true),
                "of another way: {cookie} {query}"
            );
            assert!(
                !resolves(format!("{state}; {cookie}"), query.trim_start_matches("hub_state=abc"), true),
                "of a link"
            );
            assert!(!decided(&format!("{state}; {cookie}"), query, false, development).starts_with("Resolve"));
        }
    }
}

/// Another application of the domain may have overwritten a cookie: retried, at most three times.
#[test]
fn invalid_handshake_cookie_restarts_the_handshake_i_2() {
    let stepped = |jar: &str, carrier| {
        let cookies = Cookies::parse(jar);
        let visit = BrowserSessionInput { cookies: &cookies, query: "", is_navigation: true, now_s: NOW };
        format!("{:?}", after_unresolved(&visit, carrier, "spoilt"))
    };
    assert_eq!(stepped("", Carrier::Cookie), "Handshake(\"spoilt\")");
    assert_eq!(stepped("__clerk_redirect_count=3", Carrier::Cookie), "RedirectLoop(\"spoilt\")");
    assert_eq!(stepped("", Carrier::Query), "RedirectLoop(\"spoilt\")");
}

/// Clerk's cookie of the parent domain beside one of this host: the greater one is the later one
/// (clerk/javascript#3318).
#[test]
fn greatest_client_uat_applies_i_2() {
    let fresh = token("https://clerk.example.com", NOW - 10);
    let (before, after) = (NOW - 20, NOW - 5);
    for (updates, state) in [
        (vec![0, before], "verify"),
        (vec![before, 0], "verify"),
        (vec![before - 9, before], "verify"),
        (vec![before, after], "Handshake(\"session-token-iat-before-client-uat\")"),
        (vec![0, 0], "Handshake(\"session-token-but-no-client-uat\")"),
    ] {
        let updates: Vec<String> = updates.iter().map(|time| format!("__client_uat={time}")).collect();
        let jar = format!("__session={fresh}; {}", updates.join("; "));
        assert_eq!(decided(&jar, "", true, false), state, "{jar}");
    }
}

/// Strict without a dead end: of one session the newest token is selected, of several none, and then the browser is
/// redirected to Clerk.
#[test]
fn selects_newest_token_of_one_session_and_none_of_several_i_2() {
    let of = |session: &str, age: i64| {
        let payload = serde_json::json!({ "iss": "https://clerk.example.com", "iat": NOW - age, "exp": NOW + 60 - age, "sid": session });
        format!("e30.{}.AA", Base64UrlUnpadded::encode_string(payload.to_string().as_bytes()))
    };
    let (old, new, other) = (of("sess_1", 30), of("sess_1", 10), of("sess_2", 5));
    let theirs = token("https://clerk.other.example", NOW);
    let uat = format!("__client_uat={}", NOW - 40);
    let ambiguous = "Handshake(\"session-token-ambiguous\")";
    for (tokens, state) in [
        (vec![&old, &new], Some(&new)),
        (vec![&new, &old], Some(&new)),
        (vec![&new, &theirs], Some(&new)),
        (vec![&new, &new], Some(&new)),
        (vec![&new, &other], None),
        (vec![&other, &old, &new], None),
    ] {
        let jar = tokens.iter().map(|token| format!("__session={token}")).collect::<Vec<_>>().join("; ") + "; " + &uat;
        let cookies = Cookies::parse(&jar);
        let visit = BrowserSessionInput { cookies: &cookies, query: "", is_navigation: true, now_s: NOW };
        match (decide(&visit, &instance(false)), state) {
            (BrowserAuthDecision::Verify(found), Some(wanted)) => assert_eq!(found, wanted),
            (step, None) => assert_eq!(format!("{step:?}"), ambiguous, "{jar}"),
            (step, wanted) => panic!("{step:?} instead of {wanted:?}"),
        }
        let quiet = decided(&jar, "", false, false);
        assert!(!quiet.contains("Handshake"), "a script is never sent away");
    }
    let rubbish = format!("__session=x.y.z; __session=a.b.c; {uat}");
    assert_eq!(decided(&rubbish, "", true, false), ambiguous);
}

/// Each form of a cookie is deleted separately, and those to be retained are not.
#[test]
fn deletes_every_path_and_domain_variant_of_a_cookie() {
    let forms = |set: &[String], name: &str| {
        let of = |cookie: &&String| cookie.starts_with(&format!("{name}=;"));
        set.iter().filter(of).map(|cookie| cookie.split("; Max-Age=0").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = delete_cookies::everything(&instance(false), "/app/account");
    let wanted = |domain: &str| ["/", "/app", "/app/account"].map(|path| format!("__session=; Path={path}{domain}"));
    let wanted: Vec<String> = [wanted(""), wanted("; Domain=hub.example.com"), wanted("; Domain=example.com")].concat();
    assert_eq!(forms(&all, "__session"), wanted);
    for name in
        ["__client_uat", "__client_uat_QvfNY2dr", "__refresh_QvfNY2dr", "__clerk_handshake", "__clerk_redirect_count"]
    {
        assert_eq!(forms(&all, name).len(), 9, "{name}");
    }
    let updates =
        |development, suffixed| forms(&delete_cookies::other_updates(&instance(development), suffixed), "__client_uat");
    let domains = ["__client_uat=; Path=/; Domain=hub.example.com", "__client_uat=; Path=/; Domain=example.com"];
    assert_eq!(updates(true, None), domains);
    assert_eq!(updates(false, None), ["__client_uat=; Path=/"]);
    assert_eq!(updates(false, Some("example.com")), ["__client_uat=; Path=/", domains[0]]);
}

#[test]
fn redirect_loop_is_detected_after_three_redirects() {
    let cookie = |count: &str| format!("__client_uat={}; __clerk_redirect_count={count}", NOW - 20);
    for count in ["0", "1", "2", "x"] {
        assert!(decided(&cookie(count), "", true, false).starts_with("Handshake"), "{count}");
    }
    for count in ["3", "4", "255"] {
        assert!(decided(&cookie(count), "", true, false).starts_with("RedirectLoop"), "{count}");
    }
}

#[test]
fn navigation_requires_a_document_request_by_a_browser() {
    for (method, destination, accept, navigation) in [
        (Method::Get, Some("document"), None, true),
        (Method::Get, None, Some("text/html,application/xhtml+xml"), true),
        (Method::Get, None, Some("application/json, text/html"), false),
        (Method::Get, None, None, false),
        (Method::Get, Some("empty"), Some("text/html"), false),
        (Method::Get, Some("iframe"), Some("text/html"), false),
        (Method::Get, Some("image"), None, false),
        (Method::Head, Some("document"), None, false),
        (Method::Post, Some("document"), Some("text/html"), false),
    ] {
        assert_eq!(is_navigation(method, destination, accept), navigation, "{method} {destination:?} {accept:?}");
    }
}

/// Rule by rule, in Clerk's order: issuer of the plain token, presence, recency, sign-outs.
#[test]
fn chooses_suffixed_or_plain_cookies() {
    let ours = |age: i64| token("https://clerk.example.com", NOW - age);
    let theirs = token("https://clerk.other.example", NOW);
    let no_issuer = format!("e30.{}.AA", Base64UrlUnpadded::encode_string(b"{\"iat\":1}"));
    let s = "QvfNY2dr";
    for (cookie, production, development) in [
        (String::new(), false, false),
        (format!("__session={}; __client_uat=1", ours(10)), false, false),
        (format!("__session={no_issuer}; __session_{s}={}; __client_uat_{s}=1", ours(10)), false, false),
        (format!("__session={theirs}"), true, true),
        (format!("__session={theirs}; __session_{s}={}; __client_uat_{s}=1", ours(10)), true, true),
        (format!("__session_{s}={}; __client_uat_{s}=1", ours(10)), true, true),
        (format!("__session_{s}={}", ours(10)), false, false),
        (
            format!("__session={}; __client_uat=1; __session_{s}={}; __client_uat_{s}=1", ours(5), ours(10)),
            false,
            false,
        ),
        (format!("__session={}; __client_uat=1; __session_{s}={}; __client_uat_{s}=1", ours(10), ours(5)), true, true),
        (format!("__client_uat=1; __client_uat_{s}=0"), false, false),
        (format!("__client_uat=0; __client_uat_{s}=0"), true, true),
        (format!("__client_uat=0; __session_{s}={}; __client_uat_{s}=1", ours(100)), true, false),
        (format!("__client_uat=0; __session_{s}={}; __client_uat_{s}=1", ours(10)), true, true),
    ] {
        let cookies = Cookies::parse(&cookie);
        assert_eq!(prefers_suffixed_cookies(&cookies, &instance(false), NOW), production, "production: {cookie}");
        assert_eq!(prefers_suffixed_cookies(&cookies, &instance(true), NOW), development, "development: {cookie}");
    }
    let upper = token("HTTPS://clerk.example.com", NOW);
    assert!(!prefers_suffixed_cookies(&Cookies::parse(&format!("__session={upper}")), &instance(false), NOW));
}
