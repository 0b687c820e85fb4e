//! Every way a variable can be wrong, refused by its name and without its value.

use super::*;

fn complete(name: &str) -> Option<String> {
    let value = match name {
        "HUB_ENV" => "production",
        "HUB_ORIGIN" => "https://hub.example.com",
        // clerk.example.com$
        "CLERK_PUBLISHABLE_KEY" => "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
        "CLERK_AUTHORIZED_PARTIES" => "https://hub.example.com, https://app.example.com",
        "CLERK_SECRET_KEY" => "sk_live_x",
        "CLERK_WEBHOOK_SECRETS" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "SUPABASE_URL" => "https://ref.supabase.co/",
        "SUPABASE_PUBLISHABLE_KEY" => "sb_publishable_x",
        "HUB_SIGNING_KEYS" => "{\"keys\":[]}",
        _ => return None,
    };
    Some(value.to_owned())
}

fn with(name: &'static str, value: &'static str) -> Result<Config, Vec<Problem>> {
    Config::parse(|other| if other == name { Some(value.to_owned()) } else { complete(other) })
}

fn refused(name: &'static str, value: &'static str) -> bool {
    with(name, value).is_err_and(|problems| problems.iter().all(|problem| problem.name == name))
}

#[test]
fn takes_issuer_and_keys_from_the_publishable_key() {
    let config = Config::parse(complete).unwrap();
    assert_eq!(config.issuer, "https://clerk.example.com");
    assert_eq!(config.jwks_url, "https://clerk.example.com/.well-known/jwks.json");
    assert_eq!(config.rest_url, "https://ref.supabase.co/rest/v1");
    assert_eq!(config.authorized_parties.len(), 2);
    assert_eq!(config.min_tls, TlsVersion::V1_3);
}

#[test]
fn names_every_missing_variable_at_once() {
    let problems = Config::parse(|_| None).unwrap_err();
    let missing: Vec<_> = problems.iter().map(|problem| problem.name).collect();
    let wanted: Vec<_> = VARS.iter().filter(|var| var.absent == Absent::Refused).map(|var| var.name).collect();
    assert!(wanted.iter().all(|name| missing.contains(name)), "{missing:?}");
}

/// T-1: every upstream is https; loopback only where the Hub runs locally.
#[test]
fn refuses_http_upstreams_t_1() {
    for name in ["SUPABASE_URL", "POSTGREST_URL", "CLERK_JWKS_URL", "CLERK_ISSUER"] {
        for url in [
            "http://ref.supabase.co",
            "http://127.0.0.1:54321",
            "ftp://a.b",
            "https://user:pw@host",
            "https://host?x=1",
            "https://h\u{f6}st.example",
            "https://",
        ] {
            assert!(refused(name, url), "{name} {url}");
        }
    }
    let local = |url: &'static str| {
        Config::parse(move |name| match name {
            "HUB_ENV" => Some("local".to_owned()),
            "SUPABASE_URL" => Some(url.to_owned()),
            _ => complete(name),
        })
    };
    assert!(local("http://127.0.0.1:54321").is_ok());
    assert!(local("http://127.0.0.1.evil.example").is_err());
    assert!(local("http://10.0.0.1").is_err());
}

#[test]
fn refuses_values_of_the_wrong_shape() {
    for (name, value) in [
        ("HUB_ENV", "prod"),
        ("HUB_ORIGIN", "https://hub.example.com/path"),
        ("HUB_ORIGIN", "http://hub.example.com"),
        ("HUB_BASE_PATH", "app"),
        ("HUB_BASE_PATH", "/a//b"),
        ("HUB_MIN_TLS", "TLSv1.1"),
        ("CLERK_PUBLISHABLE_KEY", "pk_live_!!"),
        ("CLERK_PUBLISHABLE_KEY", "sk_live_Y2xlcmsuZXhhbXBsZS5jb20k"),
        ("CLERK_AUTHORIZED_PARTIES", "https://a.example, *"),
        ("STAFF_ROLE_CLAIM", "metadata..role"),
        ("SUPABASE_PUBLISHABLE_KEY", "two words"),
    ] {
        assert!(refused(name, value), "{name} {value}");
    }
}

#[test]
fn never_prints_a_secret() {
    let config = with("HUB_SIGNING_KEYS", "very-secret").unwrap();
    assert!(!format!("{config:?}").contains("very-secret"));
}
