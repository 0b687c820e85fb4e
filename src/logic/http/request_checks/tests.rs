//! URLs, hosts, paths and headers that are accepted or rejected.

use super::*;
use crate::domain::method::Method;

fn sent(names: &[&str]) -> Headers {
    Headers::new(names.iter().map(|name| ((*name).to_owned(), "value".to_owned())).collect())
}

#[test]
fn limits_url_to_8192_bytes() {
    let of = |bytes: usize| format!("https://hub.example/{}", "a".repeat(bytes - "https://hub.example/".len()));
    assert!(check_url_length(&of(8192)).is_ok());
    assert_eq!(check_url_length(&of(8193)), Err(Error::PathRefused));
}

/// T-3: pages without a credential are redirected, everything else is rejected.
#[test]
fn redirects_only_pages_without_credentials_t_3() {
    let none = sent(&["accept", "user-agent"]);
    assert_eq!(
        insecure_action(InsecureTarget::OwnPage, &ReceivedMethod::Known(Method::Get), &none, ""),
        InsecureAction::Redirect
    );
    assert_eq!(
        insecure_action(InsecureTarget::OwnPage, &ReceivedMethod::Known(Method::Head), &none, "a=1"),
        InsecureAction::Redirect
    );
    assert_eq!(
        insecure_action(InsecureTarget::OwnPage, &ReceivedMethod::Known(Method::Post), &none, ""),
        InsecureAction::Refuse
    );
    assert_eq!(
        insecure_action(InsecureTarget::Other, &ReceivedMethod::Known(Method::Get), &none, ""),
        InsecureAction::Refuse
    );
    for name in CREDENTIAL_HEADERS {
        assert_eq!(
            insecure_action(InsecureTarget::OwnPage, &ReceivedMethod::Known(Method::Get), &sent(&[name]), ""),
            InsecureAction::Refuse,
            "{name}"
        );
    }
    for query in ["access_token=x", "apikey=x", "a=b&__clerk_handshake=x", "PASSWORD=x"] {
        assert_eq!(
            insecure_action(InsecureTarget::OwnPage, &ReceivedMethod::Known(Method::Get), &none, query),
            InsecureAction::Refuse,
            "{query}"
        );
    }
}

/// T-1: an absent, unknown or older version is rejected.
#[test]
fn rejects_old_tls_t_1() {
    assert!(check_tls(Some("TLSv1.3"), TlsVersion::V1_3).is_ok());
    assert!(check_tls(Some("TLSv1.3"), TlsVersion::V1_2).is_ok());
    assert!(check_tls(Some("TLSv1.2"), TlsVersion::V1_2).is_ok());
    for version in [None, Some(""), Some("none"), Some("TLSv1"), Some("TLSv1.1"), Some("TLSv1.2"), Some("tlsv1.3")] {
        assert!(check_tls(version, TlsVersion::V1_3).is_err(), "{version:?}");
    }
}

#[test]
fn rejects_non_canonical_paths() {
    for valid in ["/", "/security", "/rest/v1/leads", "/.well-known/security.txt", "/rest/v1/", "/assets/hub.css"] {
        assert!(check_path(valid).is_ok(), "{valid}");
    }
    for invalid in [
        "",
        "rest",
        "//",
        "/rest//v1",
        "/rest/v1//",
        "/rest/../leads",
        "/rest/./leads",
        "/..",
        "/rest/v1/rpc%2Ff",
        "/rest/v1/%72pc/f",
        "/rest/v1/%2e%2e/leads",
        "/rest/v1/leads%00",
        "/rest/v1/%252e",
        "/rest\\v1",
        "/rest/v1/leads;x=1",
        "/rest/v1/le ads",
        "/rest/v1/\u{e9}",
        "/rest/v1/leads\t",
        "/.../x",
    ] {
        assert!(check_path(invalid).is_err(), "{invalid}");
    }
}

#[test]
fn rejects_ambiguous_headers() {
    for valid in
        ["x-forwarded-for", "x-forwarded-host", "cf-connecting-ip", "x-client-info", "x-hub-purpose", "x-hub-reason"]
    {
        assert!(check_headers(&sent(&[valid])).is_ok(), "{valid}");
    }
    for invalid in
        ["x_request_id", "content_length", "x-hub-route", "x-hub-if-match", "x-http-method-override", "x-original-url"]
    {
        assert!(check_headers(&sent(&["accept", invalid])).is_err(), "{invalid}");
    }
}

#[test]
fn accepts_only_safe_client_request_ids() {
    let id = |value: &str| {
        let headers = Headers::new(vec![("x-request-id".to_owned(), value.to_owned())]);
        client_request_id(&headers).map(str::to_owned)
    };
    assert_eq!(id("0199-abc_DEF.1").as_deref(), Some("0199-abc_DEF.1"));
    for invalid in ["short", "has space 123", "line\nbreak1", "\"quoted\"1", &"a".repeat(65)] {
        assert_eq!(id(invalid), None, "{invalid}");
    }
}
