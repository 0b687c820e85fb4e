//! The address of a request: its parts as the client wrote them, and the comparison with the Hub's own host.

use crate::logic::{
    config::{Config, Environment},
    error::Error,
};

/// The address of a request, parsed from its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestUrl<'a> {
    /// True if the scheme is https.
    pub is_https: bool,
    /// Host and port, as the client wrote them.
    pub authority: &'a str,
    /// The path, still encoded.
    pub path: &'a str,
    /// The query without its `?`; empty when there is none.
    pub query: &'a str,
}

impl<'a> RequestUrl<'a> {
    /// Parses an absolute http or https URL of any length: the scheme is checked before the rest (T-3).
    ///
    /// # Errors
    /// `PathRefused` for anything else.
    pub fn parse(url: &'a str) -> Result<Self, Error> {
        let (secure, rest) = match url.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(Error::PathRefused),
        };
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let slash = before.find('/').unwrap_or(before.len());
        let (authority, path) = before.split_at_checked(slash).ok_or(Error::PathRefused)?;
        Ok(Self { is_https: secure, authority, path: if path.is_empty() { "/" } else { path }, query })
    }

    /// Compares the host with that of `HUB_ORIGIN`. A local Hub also accepts the other ports and loopback names.
    ///
    /// Over plain http the port is that of another listener, so that only the names are compared.
    #[must_use]
    pub fn is_own_host(&self, config: &Config) -> bool {
        let origin = config.origin.split_once("://").map_or("", |(_, authority)| authority);
        let name = host_name(self.authority);
        let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        let own = if self.is_https {
            let authority = self.authority.strip_suffix(":443").unwrap_or(self.authority);
            authority.eq_ignore_ascii_case(origin)
        } else {
            name.eq_ignore_ascii_case(host_name(origin))
        };
        own || (config.environment == Environment::Local && loopback)
    }
}

/// Returns the authority without its port.
fn host_name(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_url() {
        let address = RequestUrl::parse("https://hub.example:8787/rest/v1/leads?select=id&a=%2F#x").unwrap();
        assert_eq!(
            address,
            RequestUrl {
                is_https: true,
                authority: "hub.example:8787",
                path: "/rest/v1/leads",
                query: "select=id&a=%2F"
            }
        );
        assert_eq!(RequestUrl::parse("http://hub.example").unwrap().path, "/");
        assert_eq!(RequestUrl::parse("https://hub.example?x=1").unwrap().query, "x=1");
        assert!(RequestUrl::parse("/rest/v1/leads").is_err());
        assert!(
            RequestUrl::parse(&format!("http://hub.example/{}", "a".repeat(8192)))
                .is_ok_and(|address| !address.is_https)
        );
    }
}
