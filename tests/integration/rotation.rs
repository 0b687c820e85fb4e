//! The steps of a rotation of `HUB_SIGNING_KEYS`: the changes of each step, and the values that remain.

use crate::harness::{ORIGIN, TOKENS, TestApp, default_upstream, json};
use hub::domain::method::{Method, ReceivedMethod};
use hub::{
    domain::headers::Headers,
    entry::incoming_request::IncomingRequest,
    logic::{authn::csrf, config::Config, http::client_ip},
    services::app_state::AppState,
};

/// Returns a key set with these ids; each id has its own private half, the only part used here.
fn set(kids: &[&str]) -> String {
    let key = |kid: &&str| {
        let mut key = json("throwaway-keys.json")["hub"].clone();
        key["kid"] = (*kid).into();
        key["d"] = format!("{}{}", kid, &key["d"].as_str().unwrap()[kid.len()..]).into();
        key
    };
    serde_json::json!({ "keys": kids.iter().map(key).collect::<Vec<_>>() }).to_string()
}

/// Returns the hash of an address and the token of a form, as a Hub with this key set creates them.
fn derived(signing_keys: &str, hmac_key: Option<&str>) -> (String, String) {
    let hub = hub(signing_keys, hmac_key).unwrap_or_else(|| panic!("{signing_keys}"));
    (client_ip::hash(&hub.client_ip_key, "192.0.2.1"), csrf::issue(&hub.csrf_key, "sess_1"))
}

fn hub(signing_keys: &str, hmac_key: Option<&str>) -> Option<AppState> {
    let config = Config::parse(|name| match name {
        "HUB_SIGNING_KEYS" => Some(signing_keys.to_owned()),
        "HUB_HMAC_KEY" => hmac_key.map(str::to_owned),
        "HUB_ENV" => Some("preview".to_owned()),
        "HUB_ORIGIN" | "CLERK_AUTHORIZED_PARTIES" => Some(ORIGIN.to_owned()),
        "CLERK_PUBLISHABLE_KEY" => Some("pk_live_Y2xlcmsuc3RhY2tsdW1lbi5leGFtcGxlJA".to_owned()),
        "CLERK_SECRET_KEY" => Some("sk_live_of_no_instance".to_owned()),
        "CLERK_WEBHOOK_SECRETS" => Some(crate::harness::WEBHOOK_SECRET.to_owned()),
        "SUPABASE_URL" => Some("https://database.example".to_owned()),
        "SUPABASE_PUBLISHABLE_KEY" => Some(TOKENS["publishable_key"].as_str().unwrap().to_owned()),
        _ => None,
    });
    AppState::new(config.ok()?).ok()
}

const HMAC_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// The order of docs/operations.md: old; new and old; new.
#[test]
fn address_hashes_and_forms_survive_key_rotation() {
    let steps = [set(&["Old"]), set(&["New", "Old"]), set(&["New"])];
    let without: Vec<_> = steps.iter().map(|keys| derived(keys, None)).collect();
    assert_eq!(without[0], without[1], "while both keys are in the set");
    assert_ne!(without[1].0, without[2].0, "the end of a rotation without HUB_HMAC_KEY changes address hashes");
    let with: Vec<_> = steps.iter().map(|keys| derived(keys, Some(HMAC_KEY))).collect();
    assert!(with.iter().all(|derived| *derived == with[0]), "{with:?}");
    assert_ne!(with[0], without[0]);
}

#[test]
fn first_key_signs_and_all_keys_are_valid() {
    let kid = |keys: &str| {
        use base64ct::{Base64UrlUnpadded, Encoding as _};
        let keys: &'static str = Box::leak(keys.to_owned().into_boxed_str());
        let vars: &'static [(&str, &str)] = Box::leak(Box::new([("HUB_SIGNING_KEYS", keys)]));
        let response = TestApp::with(vars, default_upstream).handle(IncomingRequest {
            method: ReceivedMethod::Known(Method::Get),
            url: format!("{ORIGIN}/rest/v1/contact_tickets"),
            headers: Headers::new(vec![(
                "authorization".to_owned(),
                format!("Bearer {}", TOKENS["personas"]["alice"].as_str().unwrap()),
            )]),
            tls_version: Some("TLSv1.3".to_owned()),
            colo: None,
            country: None,
            body: None,
        });
        let sent = response.upstream.iter().find(|sent| sent.url.contains("contact_tickets")).unwrap().clone();
        let (_, token) = sent.headers.iter().find(|(name, _)| *name == "authorization").unwrap();
        let header = token.trim_start_matches("Bearer ").split('.').next().unwrap();
        let header: serde_json::Value =
            serde_json::from_slice(&Base64UrlUnpadded::decode_vec(header).unwrap()).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    };
    assert_eq!(kid(&set(&["New", "Old"])), "New");
    for wrong in [set(&[]), set(&["One", "One"]), set(&["New", "Old"]).replacen("\"P-256\"", "\"P-384\"", 1)] {
        assert!(hub(&wrong, None).is_none(), "{wrong}");
    }
}
