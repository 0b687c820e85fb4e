//! The states of a visit, and which of two sets of cookies speaks.

use super::*;
use crate::logic::cookies::Cookies;
use base64ct::{Base64UrlUnpadded, Encoding as _};

const NOW: i64 = 1_800_000_000;

fn instance(development: bool) -> Instance {
    Instance { suffix: "QvfNY2dr".to_owned(), issuer: "https://clerk.example.com".to_owned(), development }
}

fn token(issuer: &str, at: i64) -> String {
    let payload = serde_json::json!({ "iss": issuer, "iat": at, "exp": at + 60, "sid": "sess_1" }).to_string();
    format!("e30.{}.AA", Base64UrlUnpadded::encode_string(payload.as_bytes()))
}

fn decided(cookie: &str, query: &str, navigation: bool, development: bool) -> String {
    let cookies = Cookies::parse(cookie);
    let seen = Visit { cookies: &cookies, query, navigation, now_s: NOW };
    match decide(&seen, &instance(development)) {
        Step::Verify(_) => "verify".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The vectors are those of Clerk's own keys.
#[test]
fn the_suffix_is_the_one_of_clerk() {
    assert_eq!(cookie_suffix("pk_live_Y2xlcmsuY2xlcmsuZGV2JA"), "1Z8AzTQD");
    assert_eq!(cookie_suffix("pk_test_Y2xlcmsuY2xlcmsuZGV2JA"), "QvfNY2dr");
}

/// I-2: the table of states, in production.
#[test]
fn decides_by_cookies_i_2() {
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
        (format!("__session=x.y.z; __client_uat={}", NOW - 20), "SignedOut(\"token-malformed\")"),
        (
            format!("__session={fresh}; __session=x; __client_uat={}", NOW - 20),
            "Handshake(\"client-uat-but-no-session-token\")",
        ),
    ] {
        assert_eq!(decided(&cookie, "", true, false), state, "{cookie}");
        let without = decided(&cookie, "", false, false);
        assert!(!without.contains("Handshake"), "only a navigation is sent away: {cookie}");
    }
}

#[test]
fn development_instances_know_browsers_by_their_own_token() {
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

/// I-2: what comes back from Clerk is taken by the browser that was sent there, and by no other.
#[test]
fn a_handshake_is_taken_from_the_browser_that_began_it_i_2() {
    let back = "__clerk_handshake=x.y.z&hub_state=abc";
    assert_eq!(decided("__Host-hub_state=abc", back, true, false), "ResolveToken(\"x.y.z\")");
    assert_eq!(
        decided("__Host-hub_state=abc", "__clerk_handshake_nonce=n&hub_state=abc", true, false),
        "ResolveNonce(\"n\")"
    );
    for cookie in ["", "__Host-hub_state=abd", "__Host-hub_state=", "hub_state=abc"] {
        assert_eq!(decided(cookie, back, true, false), "Stuck(\"handshake-not-of-this-browser\")", "{cookie}");
    }
    assert_eq!(decided("__Host-hub_state=abc", back, false, false), "SignedOut(\"session-token-and-uat-missing\")");
    assert_eq!(
        decided("__Host-hub_state=abc", "__clerk_handshake=x.y.z", true, false),
        "SignedOut(\"session-token-and-uat-missing\")",
        "a link from somebody else"
    );
}

#[test]
fn three_redirects_are_enough() {
    let cookie = |count: &str| format!("__client_uat={}; __clerk_redirect_count={count}", NOW - 20);
    for count in ["0", "1", "2", "x"] {
        assert!(decided(&cookie(count), "", true, false).starts_with("Handshake"), "{count}");
    }
    for count in ["3", "4", "255"] {
        assert!(decided(&cookie(count), "", true, false).starts_with("Stuck"), "{count}");
    }
}

#[test]
fn only_a_browser_that_asks_for_a_document_is_a_navigation() {
    for (method, destination, accept, navigation) in [
        ("GET", Some("document"), None, true),
        ("GET", None, Some("text/html,application/xhtml+xml"), true),
        ("GET", None, Some("application/json, text/html"), false),
        ("GET", None, None, false),
        ("GET", Some("empty"), Some("text/html"), false),
        ("GET", Some("iframe"), Some("text/html"), false),
        ("GET", Some("image"), None, false),
        ("HEAD", Some("document"), None, false),
        ("POST", Some("document"), Some("text/html"), false),
    ] {
        assert_eq!(is_navigation(method, destination, accept), navigation, "{method} {destination:?} {accept:?}");
    }
}

/// Rule by rule, in Clerk's order: issuer of the plain token, presence, recency, sign-outs.
#[test]
fn one_of_two_sets_of_cookies_speaks() {
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
        assert_eq!(uses_suffixed(&cookies, &instance(false), NOW), production, "production: {cookie}");
        assert_eq!(uses_suffixed(&cookies, &instance(true), NOW), development, "development: {cookie}");
    }
    let upper = token("HTTPS://clerk.example.com", NOW);
    assert!(!uses_suffixed(&Cookies::parse(&format!("__session={upper}")), &instance(false), NOW));
}
