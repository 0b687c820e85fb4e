//! A request to an upstream, and its response. Only this file creates one.

use crate::domain::{headers::Headers, method::Method, upstreams::Upstream};

/// A request that the Hub sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamRequest {
    /// The receiver.
    pub upstream: &'static Upstream,
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// Header names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// Headers of the response that are read, in lower case: each one costs a call into the runtime.
    pub response_headers: &'static [&'static str],
    /// The body; `None` for GET and HEAD.
    pub body: Option<Vec<u8>>,
    /// Timeout of the response in milliseconds: including its body, unless it is sent by
    /// [`RuntimePort::fetch_head`](super::RuntimePort::fetch_head).
    pub timeout_ms: u32,
}

impl UpstreamRequest {
    /// Creates a request with the headers and the timeout of the upstream's row.
    #[must_use]
    pub fn new(upstream: &'static Upstream, method: Method, url: String) -> Self {
        let headers = upstream.default_headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { upstream, method, url, headers, response_headers: &[], body: None, timeout_ms: upstream.timeout_ms }
    }

    /// Sets a header; one that the upstream's row does not list is not sent.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if self.upstream.may_receive(name) {
            self.headers.retain(|(other, _)| *other != name);
            self.headers.push((name, value.into()));
        }
        self
    }

    /// Sets a header, if it has a value.
    #[must_use]
    pub fn with_optional_header(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with_header(name, value),
            None => self,
        }
    }

    /// Sets the bearer token.
    #[must_use]
    pub fn with_bearer(self, token: &str) -> Self {
        self.with_header("authorization", format!("Bearer {token}"))
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(self, body: impl Into<Option<Vec<u8>>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Sets the headers of the response that are read.
    #[must_use]
    pub fn with_response_headers(self, response_headers: &'static [&'static str]) -> Self {
        Self { response_headers, ..self }
    }

    /// Sets another timeout than that of the upstream's row.
    #[must_use]
    pub fn with_timeout_ms(self, timeout_ms: u32) -> Self {
        Self { timeout_ms, ..self }
    }

    /// Sets another URL, for the next page of the same query.
    #[must_use]
    pub fn with_url(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// Returns the value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

/// The response to a request that the Hub sent.
pub struct UpstreamResponse<Body> {
    /// The status code.
    pub status: u16,
    /// The `response_headers` that are present; repeated ones joined by `, `.
    pub headers: Headers,
    /// The body, unread.
    pub body: Option<Body>,
}

/// The reason why a request of the Hub has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// No response in time.
    Timeout,
    /// No connection, or a broken one.
    Unreachable,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::upstreams::{CLERK_JWKS, POSTGREST};

    #[test]
    fn request_has_the_headers_and_the_timeout_of_its_row() {
        let request = UpstreamRequest::new(&CLERK_JWKS, Method::Get, "https://clerk.example/jwks".to_owned());
        assert_eq!(request.header("accept"), Some("application/json"));
        assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("stacklumen-hub/")));
        assert_eq!(request.timeout_ms, CLERK_JWKS.timeout_ms);
        assert_eq!(request.with_timeout_ms(1).timeout_ms, 1);
    }

    #[test]
    fn header_outside_the_row_is_not_sent_and_a_repeated_one_replaces_the_first() {
        let keys = UpstreamRequest::new(&CLERK_JWKS, Method::Get, String::new()).with_bearer("a.b.c");
        assert_eq!(keys.header("authorization"), None);
        let rows = UpstreamRequest::new(&POSTGREST, Method::Get, String::new())
            .with_bearer("a.b.c")
            .with_bearer("d.e.f")
            .with_header("accept", "text/csv")
            .with_header("cookie", "__session=x")
            .with_optional_header("prefer", None);
        assert_eq!(rows.header("authorization"), Some("Bearer d.e.f"));
        assert_eq!(rows.header("accept"), Some("text/csv"));
        assert_eq!(rows.headers.len(), 3);
    }
}
