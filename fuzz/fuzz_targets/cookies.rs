//! A `Cookie` header and the query of a page, and the directives of a handshake: each has one interpretation or none.

#![no_main]

use hub::logic::{
    authn::browser_session::{BrowserAuthDecision, BrowserSessionInput, ClerkInstance, decide},
    http::{
        cookies::{self, Cookies},
        query_string, redirect_url,
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, bool)| {
    let (header, query, navigation) = input;
    let read = Cookies::parse(header);
    for name in ["__session", "__client_uat", "__clerk_db_jwt"] {
        if let Some(value) = read.value(name) {
            assert!(!value.is_empty() && header.contains(value));
        }
    }
    for development in [false, true] {
        let instance = ClerkInstance {
            suffix: "QvfNY2dr".to_owned(),
            issuer: "https://clerk.example.com".to_owned(),
            is_development: development,
            domains: cookies::domains("https://hub.example.com"),
        };
        let visit = BrowserSessionInput { cookies: &read, query, is_navigation: navigation, now_s: 1_795_464_900 };
        let decision = decide(&visit, &instance);
        // A script's request is never redirected, and no handshake is resolved for it.
        assert!(
            navigation
                || matches!(
                    decision,
                    BrowserAuthDecision::Refused(_)
                        | BrowserAuthDecision::SignedOut(_)
                        | BrowserAuthDecision::Verify(_)
                )
        );
    }
    if let Some(found) = cookies::parse_set_cookie(query) {
        assert!([found.name, found.value, found.domain.unwrap_or_default()].iter().all(|text| !text.contains(';')));
    }
    if let Some(back) = query_string::decode(query)
        .as_deref()
        .and_then(|wanted| redirect_url::validate(wanted, "https://hub.example.com", ""))
    {
        assert!(back.starts_with('/') && !back.starts_with("//") && !back.contains('\\') && back.is_ascii());
    }
    let remaining = redirect_url::strip_handshake_params("/account", query);
    // Only the first `?` begins a query; others are part of names and values.
    let rest = remaining.split_once('?').map_or("", |(_, rest)| rest);
    assert!(!rest.split('&').any(|pair| pair.starts_with("__clerk_handshake=")));
});
