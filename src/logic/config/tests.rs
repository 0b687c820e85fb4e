//! Every invalid form of a variable, rejected by name and without its value.

use super::*;

fn complete(name: &str) -> Option<String> {
    let value = match name {
        "HUB_ENV" => "production",
        "HUB_ORIGIN" => "https://hub.lumen-studio.com",
        // clerk.lumen-studio.com$
        "CLERK_PUBLISHABLE_KEY" => "pk_live_Y2xlcmsubHVtZW4tc3R1ZGlvLmNvbSQ",
        "CLERK_AUTHORIZED_PARTIES" => "https://hub.lumen-studio.com, https://app.lumen-studio.com",
        "CLERK_SECRET_KEY" => "sk_live_x",
        "CLERK_WEBHOOK_SECRETS" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "SUPABASE_URL" => "https://ref.supabase.co/",
        "SUPABASE_PUBLISHABLE_KEY" => "sb_publishable_x",
        "HUB_SIGNING_KEYS" => "{\"keys\":[]}",
        _ => return None,
    };
    Some(value.to_owned())
}

fn with(name: &'static str, value: &'static str) -> Result<Config, Vec<ConfigError>> {
    Config::parse(|other| if other == name { Some(value.to_owned()) } else { complete(other) })
}

fn refused(name: &'static str, value: &'static str) -> bool {
    with(name, value).is_err_and(|problems| problems.iter().all(|problem| problem.name == name))
}

#[test]
fn issuer_is_derived_from_the_publishable_key() {
    let config = Config::parse(complete).unwrap();
    assert_eq!(config.issuer, "https://clerk.lumen-studio.com");
    assert_eq!(config.jwks_url, "https://clerk.lumen-studio.com/.well-known/jwks.json");
    assert_eq!(config.postgrest_url, "https://ref.supabase.co/rest/v1");
    assert_eq!(config.authorized_parties.len(), 2);
    assert_eq!(config.min_tls, TlsVersion::V1_3);
}

#[test]
fn reports_all_missing_variables_together() {
    let problems = Config::parse(|_| None).unwrap_err();
    let missing: Vec<_> = problems.iter().map(|problem| problem.name).collect();
    let wanted: Vec<_> =
        VARIABLES.iter().filter(|var| var.when_missing == WhenMissing::Refused).map(|var| var.name).collect();
    assert!(wanted.iter().all(|name| missing.contains(name)), "{missing:?}");
}

/// A variable that is in the list and is not read would have no effect. A preview: production reads all of them in a
/// search for placeholders.
#[test]
fn parse_reads_exactly_the_listed_variables() {
    let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let lookup = |name: &str| {
        read.borrow_mut().insert(name.to_owned());
        if name == "HUB_ENV" { Some("preview".to_owned()) } else { complete(name) }
    };
    assert!(Config::parse(lookup).is_ok());
    assert_eq!(read.into_inner(), VARIABLES.iter().map(|var| var.name.to_owned()).collect());
}

/// T-1: every upstream is https; loopback is allowed only for a local Hub.
#[test]
fn rejects_http_upstreams_t_1() {
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
fn rejects_malformed_values() {
    for (name, value) in [
        ("HUB_ENV", "prod"),
        ("HUB_ORIGIN", "https://hub.example.com/path"),
        ("HUB_ORIGIN", "http://hub.example.com"),
        ("HUB_ORIGIN", "https://Hub.lumen-studio.com"),
        ("HUB_ORIGIN", "https://hub.lumen-studio.com:443"),
        ("CLERK_AUTHORIZED_PARTIES", "https://hub.lumen-studio.com, https://App.lumen-studio.com"),
        ("CLERK_AUTHORIZED_PARTIES", "https://hub.lumen-studio.com:443"),
        ("CLERK_ISSUER", "https://Clerk.lumen-studio.com"),
        ("HUB_HMAC_KEY", "c2hvcnQ="),
        ("HUB_HMAC_KEY", "not base64 at all, though long enough for a key"),
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
fn accepts_webhook_urls_of_common_receivers() {
    for value in [
        "https://hooks.slack.com/services/T0/B0/secret",
        "https://lumen.webhook.office.com/webhookb2/0a-1b@2c-3d/IncomingWebhook/4e/5f\n",
        " https://hooks.lumen-studio.com:8443/a;b=1,(c)!$&'*+%20?sig=a@b/c&x=%3D",
        "https://hooks.lumen-studio.com?key=secret",
    ] {
        let config = with("ALERT_WEBHOOK_URL", value).unwrap();
        assert_eq!(config.alert_webhook_url.unwrap().expose(), value.trim(), "{value:?}");
        assert_eq!(config.unused, [], "{value:?}");
    }
}

/// A variable that only alerts need does not stop the Hub.
#[test]
fn invalid_alert_webhook_is_not_fatal() {
    for value in [
        "http://hooks.slack.com/x",
        "https://user:word@hooks.slack.com/x",
        "https://user@hooks.slack.com/x",
        "https://hooks.slack.com/x?a b",
        "https://hooks.slack.com/a\nb",
        "https:///x",
        "https://",
        "nonsense",
    ] {
        let config = with("ALERT_WEBHOOK_URL", value).unwrap();
        assert!(config.alert_webhook_url.is_none(), "{value:?}");
        assert_eq!(config.unused.iter().map(|problem| problem.name).collect::<Vec<_>>(), ["ALERT_WEBHOOK_URL"]);
    }
}

#[test]
fn debug_output_contains_no_secret() {
    let config = with("HUB_SIGNING_KEYS", "very-secret").unwrap();
    assert!(!format!("{config:?}").contains("very-secret"));
}

/// Returns the problems of a deployment whose variables differ from the complete ones by `vars`.
fn deployed(vars: &[(&'static str, &'static str)]) -> Vec<ConfigError> {
    let lookup = |name: &str| {
        let given = vars.iter().find(|(other, _)| *other == name);
        given.map_or_else(|| complete(name), |(_, value)| Some((*value).to_owned()))
    };
    Config::parse(lookup).err().unwrap_or_default()
}

/// The key of clerk.lumen-studio.com$ as a development instance.
const PK_TEST: &str = "pk_test_Y2xlcmsubHVtZW4tc3R1ZGlvLmNvbSQ";

#[test]
fn keys_match_one_instance_and_production_requires_live_keys() {
    for (environment, publishable, secret, wrong) in [
        ("production", "pk_live_Y2xlcmsubHVtZW4tc3R1ZGlvLmNvbSQ", "sk_live_x", &[][..]),
        ("production", PK_TEST, "sk_test_x", &["CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY"]),
        ("production", PK_TEST, "sk_live_x", &["CLERK_SECRET_KEY", "CLERK_PUBLISHABLE_KEY"]),
        ("preview", PK_TEST, "sk_test_x", &[]),
        ("preview", PK_TEST, "sk_live_x", &["CLERK_SECRET_KEY"]),
        ("preview", "pk_live_Y2xlcmsubHVtZW4tc3R1ZGlvLmNvbSQ", "sk_test_x", &["CLERK_SECRET_KEY"]),
        ("local", PK_TEST, "sk_live_x", &["CLERK_SECRET_KEY"]),
    ] {
        let vars = [("HUB_ENV", environment), ("CLERK_PUBLISHABLE_KEY", publishable), ("CLERK_SECRET_KEY", secret)];
        let named: Vec<_> = deployed(&vars).iter().map(|problem| problem.name).collect();
        assert_eq!(named, wrong, "{environment} {publishable} {secret}");
    }
}

#[test]
fn production_rejects_placeholders() {
    let cases = [
        ("HUB_ORIGIN", "https://hub.stacklumen.example"),
        ("HUB_ORIGIN", "https://hub.example.com"),
        ("HUB_ORIGIN", "https://localhost:8787"),
        ("CLERK_AUTHORIZED_PARTIES", "https://hub.lumen-studio.com,https://app.stacklumen.example"),
        // clerk.stacklumen.example$
        ("CLERK_PUBLISHABLE_KEY", "pk_live_Y2xlcmsuc3RhY2tsdW1lbi5leGFtcGxlJA"),
        ("CLERK_ISSUER", "https://clerk.stacklumen.test"),
        ("CLERK_SECRET_KEY", "sk_live_replace_me"),
        ("SUPABASE_URL", "https://replace-me.supabase.co"),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_replace_me"),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_local_throw_away"),
        ("POSTGREST_URL", "https://rest.invalid:3000"),
    ];
    for (name, value) in cases {
        let named: Vec<_> = deployed(&[(name, value)]).iter().map(|problem| problem.name).collect();
        assert_eq!(named, [name], "{value}");
        let preview: Vec<_> = deployed(&[("HUB_ENV", "preview"), (name, value)]);
        assert_eq!(preview, [], "{value}");
    }
    for value in ["https://contest.com", "https://examples.io", "https://hub.my-example.io", "https://invalid-case.org"]
    {
        assert_eq!(deployed(&[("HUB_ORIGIN", value)]), [], "{value}");
    }
}

/// The deployment files of the repository name every variable that must still be set, and no other.
#[test]
fn unfilled_wrangler_file_is_rejected_in_production() {
    let file = include_str!("../../../wrangler.toml");
    let lookup = |name: &str| {
        let line = file.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        line.map_or_else(|| complete(name), |value| Some(value.trim().trim_matches('"').to_owned()))
    };
    let mut named: Vec<_> = Config::parse(lookup).unwrap_err().iter().map(|problem| problem.name).collect();
    named.sort_unstable();
    let wanted =
        ["CLERK_AUTHORIZED_PARTIES", "CLERK_PUBLISHABLE_KEY", "HUB_ORIGIN", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_URL"];
    assert_eq!(named, wanted);
}

/// Accepted origins are those that a browser sends: the oracle is the `url` crate, which implements the WHATWG
/// standard.
#[test]
fn origins_match_browser_serialization() {
    let labels = ["hub", "HUB", "h-b", "-hub", "hub-", "h_b", "xn--hb-hia", "0", "1", "007", "0x7f", "256", "1e3", ""];
    let tails = ["", ".com", ".COM", ".com.", ".1", ".0x1", "..com", ".localhost", ".0.0.1", ".0.0.01"];
    let ports = ["", ":", ":0", ":1", ":443", ":0443", ":80", ":8443", ":08443", ":65535", ":65536", ":+1", ":a"];
    let hosts = labels.iter().flat_map(|label| tails.iter().map(move |tail| format!("{label}{tail}")));
    let special =
        ["[::1]", "[::0001]", "[::FFFF:1]", "127.0.0.1", "127.1", "2130706433", "user@hub.com", "h\u{f6}st.com"];
    let (mut accepted, mut refused) = (0, 0);
    for host in hosts.chain(special.map(str::to_owned)) {
        for port in ports {
            for (scheme, rest) in
                [("https", ""), ("https", "/"), ("HTTPS", ""), ("http", ""), ("https", "/x"), ("https", "?")]
            {
                let text = format!("{scheme}://{host}{port}{rest}");
                for local in [true, false] {
                    let Some(origin) = values::origin(&text, local.then_some(Environment::Local)) else {
                        refused += 1;
                        continue;
                    };
                    accepted += 1;
                    assert_eq!(url::Url::parse(&text).unwrap().origin().ascii_serialization(), origin, "{text}");
                }
            }
        }
    }
    assert!(accepted > 100 && refused > 1000, "{accepted} {refused}");
    for valid in
        ["https://hub.lumen-studio.com", "https://localhost:8787", "https://10.0.0.7", "https://a.b.c.d.example:1"]
    {
        assert_eq!(values::origin(valid, None).as_deref(), Some(valid));
    }
}
