//! Status and headers of every response: the only place that defines them.

use crate::{
    domain::method::{Method, allow_header},
    logic::{
        authn::bearer_token::CredentialError,
        authz::PolicyError,
        error::{DatabaseError, Error, ErrorResponse},
    },
};
use std::borrow::Cow;

/// A response, before the runtime sends it.
pub struct Response<Body> {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, and values: those of this response, without the security headers.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The headers that every response carries; empty until they are added.
    pub security_headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: ResponseBody<Body>,
}

/// The body of a response.
pub enum ResponseBody<Body> {
    /// No body.
    Empty,
    /// A body that is forwarded unread.
    Stream(Body),
    /// Text of the Hub's own.
    Text(Cow<'static, str>),
}

/// Cache policy of a response; not cacheable by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePolicy {
    /// No cache (RFC 9111 §5.2.2.5): responses to a user, and errors.
    NoStore,
    /// Any cache for five minutes, then by validator: public pages and their assets (D-2).
    Public,
}

/// The scheme of the URL that a request was received at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl CachePolicy {
    const fn control(self) -> &'static str {
        match self {
            Self::NoStore => "no-store",
            Self::Public => "public, max-age=300, stale-while-revalidate=86400",
        }
    }
}

/// Media type of a response, which decides its content security policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// `text/css`
    Css,
    /// A page with a form of its own.
    HtmlWithForm,
    /// A page: its own stylesheet and pictures, nothing else.
    Html,
    /// `application/json`
    Json,
    /// `application/openapi+json`, as in `PostgREST`.
    OpenApi,
    /// `text/plain`
    Plain,
    /// `image/svg+xml`
    Svg,
}

impl ContentKind {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Css => "text/css; charset=utf-8",
            Self::HtmlWithForm | Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::OpenApi => "application/openapi+json; charset=utf-8",
            Self::Plain => "text/plain; charset=utf-8",
            Self::Svg => "image/svg+xml",
        }
    }
}

impl<Body> Response<Body> {
    /// Creates a response with the Hub's own text.
    pub fn text(status: u16, media: ContentKind, cache: CachePolicy, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            headers: vec![
                ("content-type", media.content_type().into()),
                ("content-security-policy", content_security_policy(media).into()),
                ("cache-control", cache.control().into()),
            ],
            security_headers: &[],
            body: ResponseBody::Text(text.into()),
        }
    }

    /// Creates a response without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: default_headers(), security_headers: &[], body: ResponseBody::Empty }
    }

    /// Creates a response with the body of `PostgREST`'s, forwarded unread.
    #[must_use]
    pub fn stream(status: u16, body: Option<Body>) -> Self {
        Self {
            status,
            headers: default_headers(),
            security_headers: &[],
            body: body.map_or(ResponseBody::Empty, ResponseBody::Stream),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Returns an error as JSON in `PostgREST`'s shape, never empty: supabase-js treats an empty 404 as a success.
    #[must_use]
    pub fn error(fault: &Error) -> Self {
        let own = |public: ErrorResponse| DatabaseError {
            status: public.status,
            code: public.code.to_owned(),
            message: public.message.to_owned(),
            details: fault.detail().map(str::to_owned),
            hint: fault.hint().map(Cow::into_owned),
            logged: String::new(),
        };
        let rejection = if let Error::Database(rejection) = fault {
            (**rejection).clone()
        } else {
            fault.response().map(own).unwrap_or_default()
        };
        let mut body = serde_json::json!({
            "code": rejection.code,
            "message": rejection.message,
            "details": rejection.details,
            "hint": rejection.hint,
        });
        // The shape that Clerk's `isReverificationHint` expects.
        if let (Some(step_up), Some(body)) = (fault.step_up(), body.as_object_mut()) {
            let reverification =
                serde_json::json!({ "level": step_up.level.name(), "afterMinutes": step_up.after_minutes });
            let error = serde_json::json!({
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": { "reverification": reverification },
            });
            body.insert("clerk_error".to_owned(), error);
        }
        Self::text(rejection.status, ContentKind::Json, CachePolicy::NoStore, body.to_string())
            .with_error_headers(fault)
    }

    /// Adds the headers of an error, whatever the shape of its body.
    #[must_use]
    pub fn with_error_headers(self, fault: &Error) -> Self {
        match fault {
            Error::Credential(CredentialError::Malformed) => {
                self.with_header("www-authenticate", r#"Bearer realm="hub", error="invalid_request""#)
            }
            Error::Credential(
                CredentialError::ApiKeyInsteadOfToken | CredentialError::Missing | CredentialError::PublishableKey,
            ) => self.with_header("www-authenticate", r#"Bearer realm="hub""#),
            Error::JwksUnavailable(seconds) => self.with_header("retry-after", seconds.to_string()),
            Error::MethodNotAllowed(allowed) | Error::Policy(PolicyError::MethodNotAllowed(allowed)) => {
                self.with_header("allow", allow_header(allowed))
            }
            Error::Policy(PolicyError::Forbidden) => {
                self.with_header("www-authenticate", r#"Bearer realm="hub", error="insufficient_scope""#)
            }
            Error::SessionRevoked | Error::Token(_) => {
                self.with_header("www-authenticate", r#"Bearer realm="hub", error="invalid_token""#)
            }
            Error::Busy | Error::ClerkUnavailable | Error::RequestLogUnavailable | Error::UpstreamBusy => {
                self.with_header("retry-after", "2")
            }
            Error::BodyInterrupted
            | Error::BodyTooLarge
            | Error::ClerkRevocationIncomplete
            | Error::ClerkSignOutFailed
            | Error::Configuration
            | Error::CookiesTooMany
            | Error::CsrfRejected(_)
            | Error::Database(_)
            | Error::HandshakeFailed(_)
            | Error::HeaderRefused
            | Error::HostRefused
            | Error::InsecureTransport
            | Error::OriginRefused
            | Error::PageSessionRevoked
            | Error::PasswordInRequest
            | Error::PathRefused
            | Error::Policy(
                PolicyError::Impersonated | PolicyError::NotFound | PolicyError::ReverificationRequired(_),
            )
            | Error::Query(_)
            | Error::RouteUnknown
            | Error::RuntimeFailed
            | Error::SignOutUnknown
            | Error::TemplateFailed
            | Error::TlsTooOld
            | Error::UpstreamInvalidResponse(_)
            | Error::UpstreamRejected(..)
            | Error::UpstreamTimeout
            | Error::UpstreamUnreachable
            | Error::Webhook(_)
            | Error::WebhookMalformed => self,
        }
    }

    /// Adds the headers that every response carries, errors included (T-2).
    #[must_use]
    pub fn with_security_headers(mut self, scheme: Scheme, request_id: &str) -> Self {
        // Over http the first of them, HSTS, has no effect (RFC 6797 §7.2).
        self.security_headers = match scheme {
            Scheme::Https => &SECURITY_HEADERS,
            Scheme::Http => SECURITY_HEADERS.get(1..).unwrap_or_default(),
        };
        self.headers.push(("x-request-id", request_id.to_owned().into()));
        self
    }

    /// Adds the CORS headers for an origin on the list; without one, only the `Vary` that caches need.
    #[must_use]
    pub fn with_cors(mut self, origin: Option<&str>) -> Self {
        self.headers.push(("vary", "Origin, Authorization, Accept, Prefer, Accept-Profile".into()));
        if let Some(origin) = origin {
            self.headers.push(("access-control-allow-origin", origin.to_owned().into()));
            self.headers.push(("access-control-expose-headers", CORS_EXPOSE_HEADERS.into()));
        }
        self
    }

    /// Creates the response to a preflight from an origin on the list.
    #[must_use]
    pub fn preflight(methods: &[Method]) -> Self {
        Self::empty(204)
            .with_header("access-control-allow-methods", allow_header(methods))
            .with_header("access-control-allow-headers", CORS_ALLOW_HEADERS)
            .with_header("access-control-max-age", "600")
    }
}

fn default_headers() -> Vec<(&'static str, Cow<'static, str>)> {
    vec![
        ("content-security-policy", content_security_policy(ContentKind::Json).into()),
        ("cache-control", CachePolicy::NoStore.control().into()),
    ]
}

/// The headers that unmodified supabase-js sends, and those of a trace.
const CORS_ALLOW_HEADERS: &str = "accept, accept-profile, apikey, authorization, baggage, content-profile, content-type, if-match, prefer, traceparent, tracestate, x-client-info, x-hub-purpose, x-hub-reason, x-request-id, x-retry-count";
const CORS_EXPOSE_HEADERS: &str =
    "content-range, etag, location, preference-applied, retry-after, www-authenticate, x-request-id";

/// HSTS for two years, as <https://hstspreload.org/> recommends, and OWASP's list for REST services; no response of the
/// Hub is framed, embedded or sniffed.
const SECURITY_HEADERS: [(&str, &str); 7] = [
    ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

const fn content_security_policy(media: ContentKind) -> &'static str {
    match media {
        // One source per directive: the one stylesheet, the one picture.
        ContentKind::Html => {
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        }
        ContentKind::HtmlWithForm => {
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        }
        ContentKind::Css | ContentKind::Json | ContentKind::OpenApi | ContentKind::Plain | ContentKind::Svg => {
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        }
    }
}
