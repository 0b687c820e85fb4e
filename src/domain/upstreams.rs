//! The upstreams of the Hub: one row each, with the timeout of a request and the headers that may be sent.
//!
//! Clerk's Frontend API is both the place of the key set and the target of redirects; the Hub sends it nothing else.

/// A server to which the Hub sends requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The name in documents.
    pub name: &'static str,
    /// The variable with its URL; the default is derived from another one.
    pub variable: &'static str,
    /// Timeout of a request, in milliseconds, where none is stated for it.
    pub timeout_ms: u32,
    /// The headers of each request, names in lower case.
    pub default_headers: &'static [(&'static str, &'static str)],
    /// The names of the other headers that may be sent.
    pub optional_headers: &'static [&'static str],
}

impl Upstream {
    /// Returns whether a header may be sent.
    #[must_use]
    pub fn may_receive(&self, header: &str) -> bool {
        self.default_headers.iter().any(|(name, _)| *name == header) || self.optional_headers.contains(&header)
    }
}

/// All upstreams.
#[cfg_attr(deployed, expect(dead_code, reason = "compared with docs/architecture.md"))]
pub const UPSTREAMS: [&Upstream; 4] = [&ALERT_WEBHOOK, &CLERK_BACKEND_API, &CLERK_JWKS, &POSTGREST];

/// The receiver of alerts.
pub const ALERT_WEBHOOK: Upstream = Upstream {
    name: "alert webhook",
    variable: "ALERT_WEBHOOK_URL",
    timeout_ms: 5_000,
    default_headers: &[CONTENT_TYPE_JSON, FROM_HUB],
    optional_headers: &[],
};

/// Clerk's Backend API.
pub const CLERK_BACKEND_API: Upstream = Upstream {
    name: "Clerk Backend API",
    variable: "CLERK_API_URL",
    timeout_ms: 2_000,
    default_headers: &[ACCEPT_JSON, ("clerk-api-version", CLERK_API_VERSION), CONTENT_TYPE_JSON, FROM_HUB],
    optional_headers: &["authorization"],
};

/// The key set of Clerk's Frontend API.
pub const CLERK_JWKS: Upstream = Upstream {
    name: "Clerk JWKS",
    variable: "CLERK_JWKS_URL",
    timeout_ms: 3_000,
    default_headers: &[ACCEPT_JSON, FROM_HUB],
    optional_headers: &[],
};

/// The database.
pub const POSTGREST: Upstream = Upstream {
    name: "PostgREST",
    variable: "POSTGREST_URL",
    timeout_ms: 10_000,
    default_headers: &[ACCEPT_JSON, FROM_HUB],
    optional_headers: &[
        "accept-profile",
        "apikey",
        "authorization",
        "content-profile",
        "content-type",
        "prefer",
        "x-client-request-id",
        "x-hub-if-match",
        "x-hub-impersonator",
        "x-hub-max-affected",
        "x-hub-method",
        "x-hub-purpose",
        "x-hub-reason",
        "x-hub-route",
        "x-request-id",
    ],
};

/// Version of the Backend API whose responses the Hub parses.
pub const CLERK_API_VERSION: &str = "2026-05-12";

const ACCEPT_JSON: (&str, &str) = ("accept", "application/json");
const CONTENT_TYPE_JSON: (&str, &str) = ("content-type", "application/json");
/// The Hub's user agent: Supabase rejects secret keys from clients that appear to be browsers.
const FROM_HUB: (&str, &str) = ("user-agent", concat!("stacklumen-hub/", env!("CARGO_PKG_VERSION")));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_upstream_receives_cookies_or_the_address_of_a_client() {
        for upstream in UPSTREAMS {
            for header in ["cookie", "cf-connecting-ip", "forwarded", "x-forwarded-for", "x-real-ip"] {
                assert!(!upstream.may_receive(header), "{} {header}", upstream.name);
            }
            assert!(upstream.may_receive("user-agent"), "{}", upstream.name);
        }
    }

    #[test]
    fn only_the_database_and_the_backend_api_receive_a_credential() {
        let credential =
            |upstream: &&&Upstream| upstream.may_receive("authorization") || upstream.may_receive("apikey");
        let names: Vec<_> = UPSTREAMS.iter().filter(credential).map(|upstream| upstream.name).collect();
        assert_eq!(names, ["Clerk Backend API", "PostgREST"]);
    }
}
