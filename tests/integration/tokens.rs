//! I-1, I-2: every token of `tests/vectors/tokens.json` through the whole program.

use crate::harness::{ORIGIN, TOKENS, TestApp};
use hub::domain::method::{Method, ReceivedMethod};
use hub::services::request_context::RequestContext;
use hub::{domain::headers::Headers, entry::incoming_request::IncomingRequest};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn with(token: &str) -> IncomingRequest {
    IncomingRequest {
        method: ReceivedMethod::Known(Method::Get),
        url: format!("{ORIGIN}/rest/v1/contact_tickets"),
        headers: Headers::new(vec![("authorization".to_owned(), format!("Bearer {token}"))]),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: None,
    }
}

/// Each token gets its status and code; only the log contains the reason; nothing reaches the database; tokens with the
/// same response are indistinguishable.
#[test]
fn rejects_every_invalid_token_i_1() {
    let refused = TOKENS["refused"].as_array().unwrap();
    let names: BTreeSet<_> = refused.iter().map(|vector| vector["name"].as_str().unwrap()).collect();
    assert!(refused.len() >= 300 && names.len() == refused.len(), "each case has a name of its own");
    let mut texts = BTreeSet::new();
    for vector in refused {
        // A new Hub for each token, so that no token affects the next one.
        let response = TestApp::new().handle(with(vector["token"].as_str().unwrap()));
        let name = vector["name"].as_str().unwrap();
        let status = if vector["code"] == "HUB102" { 400 } else { 401 };
        assert_eq!((response.status, response.code.as_str()), (status, vector["code"].as_str().unwrap()), "{name}");
        assert_eq!(response.log["reason"], vector["reason"], "{name}");
        assert!(response.upstream.is_empty(), "{name} reached the database");
        assert!(response.header("www-authenticate").is_some(), "{name}");
        let row = response.rows.first().unwrap_or_else(|| panic!("{name} left no request row"));
        assert_eq!((&row["who"], &row["actor_id"]), (&"nobody".into(), &serde_json::Value::Null), "{name}");
        let written = response.rows.iter().chain([&response.log]).map(ToString::to_string).collect::<String>();
        let token = vector["token"].as_str().unwrap();
        assert!(token.len() < 20 || !written.contains(token), "{name} stands in a log");
        if vector["code"] == "HUB103" {
            texts.insert(response.text);
        }
    }
    assert_eq!(texts.len(), 1, "a refused token tells why it was refused");
}

/// A token that is rejected before a key is needed must not cause a fetch from the issuer.
#[test]
fn malformed_token_causes_no_key_fetch() {
    for vector in TOKENS["refused"].as_array().unwrap() {
        let early = [
            "encoding",
            "not-three",
            "too-long",
            "too-deep",
            "header-",
            "algorithm",
            "type",
            "category",
            "key-id",
            "malformed",
            "api-key",
            "publishable-key",
        ];
        let reason = vector["reason"].as_str().unwrap();
        if early.iter().any(|start| reason.starts_with(start)) && !vector["name"].as_str().unwrap().contains("payload")
        {
            let response = TestApp::new().handle(with(vector["token"].as_str().unwrap()));
            assert_eq!(response.fetched_keys, 0, "{}", vector["name"]);
        }
    }
}

#[test]
fn accepts_valid_tokens_with_expected_session_a_2() {
    for vector in TOKENS["accepted"].as_array().unwrap() {
        let response = TestApp::new().handle(with(vector["token"].as_str().unwrap()));
        let name = vector["name"].as_str().unwrap();
        match vector["who"].as_str() {
            Some(who) => {
                assert_eq!(response.status, 200, "{name}: {}", response.text);
                assert_eq!(response.rows[0]["who"], who, "{name}");
            }
            None => assert_eq!((response.status, response.code.as_str()), (403, "HUB201"), "{name}"),
        }
    }
}

/// A token is cached as a whole: half of one, or one with another end, is not found.
#[test]
fn verified_token_is_cached_until_expiry_i_2() {
    let app = TestApp::new();
    let token = TOKENS["personas"]["alice"].as_str().unwrap();
    assert_eq!(app.handle(with(token)).status, 200);
    let (head, _) = token.rsplit_once('.').unwrap();
    assert_eq!(app.handle(with(&format!("{head}.AAAA"))).status, 401);
    app.fake.advance_time(59_000);
    assert_eq!(app.handle(with(token)).status, 200);
    // Not in the cache after its expiry, and rejected after the tolerance of five seconds.
    app.fake.advance_time(6_000);
    assert_eq!(app.handle(with(token)).log["reason"], "expired");
}

/// the database receives the Hub's token: its role, the user, the owner, 30 seconds; and no token of the client.
#[test]
fn database_token_identifies_only_the_user_a_3() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let app = TestApp::new();
    for (persona, role, owner, staff) in [
        ("alice", "hub_customer", Some("org_2hubacme00000000000000001"), None),
        ("carol", "hub_customer", Some("user_2hubcarol0000000000000003"), None),
        ("sales", "hub_staff", None, Some("sales")),
    ] {
        let headers = [("x-client-info", "supabase-js/2"), ("cookie", "a=b"), ("x-forwarded-for", "192.0.2.1")];
        let response = app.send(persona, "GET", "/rest/v1/contact_tickets", &headers, None);
        let [sent] = response.upstream.as_slice() else { panic!("one request") };
        let header =
            |name: &str| sent.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
        let token = header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        let claims = Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["role"], role);
        assert_eq!(claims.get("owner").and_then(|value| value.as_str()), owner);
        assert_eq!(claims.get("stacklumen_role").and_then(|value| value.as_str()), staff);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 30);
        for name in ["x-client-info", "cookie", "x-forwarded-for"] {
            assert_eq!(header(name), None);
        }
        assert_eq!((header("accept-profile"), header("apikey")), (Some("hub"), Some("sb_publishable_vectors")));
    }
}

/// A token is cached while it is valid for ten more seconds, and none serves two users.
#[test]
fn database_token_is_cached_per_session() {
    let app = TestApp::new();
    let sent = |persona: &str| {
        let response = app.get(persona, "GET", "/rest/v1/contact_tickets");
        response.upstream[0].headers.iter().find(|(name, _)| *name == "authorization").unwrap().1.clone()
    };
    let first = sent("alice");
    assert_eq!(sent("alice"), first);
    assert_ne!(sent("bob"), first);
    app.fake.advance_time(21_000);
    assert_ne!(sent("alice"), first);
}

/// The feature bitmask: `tickets` has both permissions, `invoices` the first; a feature of the user has none here.
#[test]
fn decodes_organization_permissions_a_2() {
    let vectors = TOKENS["accepted"].as_array().unwrap();
    let vector = vectors.iter().find(|vector| vector["name"] == "with permissions of its organization").unwrap();
    let app = TestApp::new();
    let context = RequestContext::for_event(&app.fake);
    let session = app.fake.run(app.hub.authenticate(&context, vector["token"].as_str().unwrap())).unwrap().unwrap();
    let organization = session.organization.unwrap();
    assert_eq!((organization.id.as_str(), organization.role.as_str()), ("org_2hubacme00000000000000001", "admin"));
    assert_eq!(organization.permissions, ["org:tickets:read", "org:tickets:manage", "org:invoices:read"]);
}

/// Every token with one changed byte is rejected, and none of them ends the program.
#[test]
fn token_with_any_changed_byte_is_rejected_i_1() {
    let app = TestApp::new();
    let (mut chance, mut tried) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    for vector in TOKENS["accepted"].as_array().unwrap() {
        let valid = vector["token"].as_str().unwrap().as_bytes();
        for _ in 0..40 {
            // SplitMix64: a run is reproducible.
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = usize::try_from(chance >> 33).unwrap() % valid.len();
            let byte = u8::try_from((chance >> 20) & 0x7f).unwrap();
            let mut changed = valid.to_vec();
            if changed[place] == byte || byte < 0x21 {
                continue;
            }
            changed[place] = byte;
            let response = app.handle(with(std::str::from_utf8(&changed).unwrap()));
            assert!(
                (400..=401).contains(&response.status),
                "{} at {place} with {byte}: {}",
                vector["name"],
                response.status
            );
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}
