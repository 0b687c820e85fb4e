//! Status and headers of every response: the only place that defines them.

use super::fault::{DatabaseRefusal, Fault};
use std::borrow::Cow;

/// A response, before the platform sends it.
pub struct Reply<Body> {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, and values: those of this response, without those of its seal.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The headers that every response carries; empty before it is sealed.
    pub seal: &'static [(&'static str, &'static str)],
    /// The body.
    pub content: Content<Body>,
}

/// The body of a response.
pub enum Content<Body> {
    /// No body.
    Empty,
    /// A body that is forwarded unread.
    Stream(Body),
    /// Text of the Hub's own.
    Text(Cow<'static, str>),
}

/// Cache policy of a response; not cacheable by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// No cache (RFC 9111 §5.2.2.5): responses to a user, and errors.
    Nobody,
    /// Any cache for five minutes, then by validator: public pages and their assets (D-2).
    Public,
}

impl Cache {
    const fn control(self) -> &'static str {
        match self {
            Self::Nobody => "no-store",
            Self::Public => "public, max-age=300, stale-while-revalidate=86400",
        }
    }
}

/// Media type of a response, which decides its content security policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `text/css`
    Css,
    /// A page with a form of its own.
    Form,
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

impl Media {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Css => "text/css; charset=utf-8",
            Self::Form | Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::OpenApi => "application/openapi+json; charset=utf-8",
            Self::Plain => "text/plain; charset=utf-8",
            Self::Svg => "image/svg+xml",
        }
    }
}

impl<Body> Reply<Body> {
    /// Creates a response with the Hub's own text.
    pub fn text(status: u16, media: Media, cache: Cache, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            headers: vec![
                ("content-type", media.content_type().into()),
                ("content-security-policy", policy(media).into()),
                ("cache-control", cache.control().into()),
            ],
            seal: &[],
            content: Content::Text(text.into()),
        }
    }

    /// Creates a response without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: closed(), seal: &[], content: Content::Empty }
    }

    /// Creates a response with the body of `PostgREST`'s, forwarded unread.
    #[must_use]
    pub fn stream(status: u16, body: Option<Body>) -> Self {
        Self { status, headers: closed(), seal: &[], content: body.map_or(Content::Empty, Content::Stream) }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Returns a fault as JSON in `PostgREST`'s shape, never empty: supabase-js treats an empty 404 as a success.
    #[must_use]
    pub fn fault(fault: &Fault) -> Self {
        let refusal = match (fault, fault.public()) {
            (Fault::Database(refusal), _) => (**refusal).clone(),
            (_, Some(public)) => DatabaseRefusal {
                status: public.status,
                code: public.code.to_owned(),
                message: public.message.to_owned(),
                details: fault.at().map(str::to_owned),
                hint: fault.hint().map(Cow::into_owned),
                logged: String::new(),
            },
            (_, None) => DatabaseRefusal::default(),
        };
        let mut body = serde_json::json!({
            "code": refusal.code,
            "message": refusal.message,
            "details": refusal.details,
            "hint": refusal.hint,
        });
        // The shape that Clerk's `isReverificationHint` expects.
        if let (Some(step_up), Some(body)) = (fault.step_up(), body.as_object_mut()) {
            let asked = serde_json::json!({ "level": step_up.level.name(), "afterMinutes": step_up.after_minutes });
            let error = serde_json::json!({
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": { "reverification": asked },
            });
            body.insert("clerk_error".to_owned(), error);
        }
        Self::text(refusal.status, Media::Json, Cache::Nobody, body.to_string()).explained(fault)
    }

    /// Adds the headers of a fault, whatever the shape of its body.
    #[must_use]
    pub fn explained(self, fault: &Fault) -> Self {
        match fault {
            Fault::Credential(super::credentials::CredentialFault::Malformed) => {
                self.with("www-authenticate", r#"Bearer realm="hub", error="invalid_request""#)
            }
            Fault::Credential(_) => self.with("www-authenticate", r#"Bearer realm="hub""#),
            Fault::KeysUnavailable(seconds) => self.with("retry-after", seconds.to_string()),
            Fault::MethodNotAllowed(allowed) | Fault::Policy(super::policy::PolicyFault::MethodNotAllowed(allowed)) => {
                self.with("allow", *allowed)
            }
            Fault::Policy(super::policy::PolicyFault::RightMissing) => {
                self.with("www-authenticate", r#"Bearer realm="hub", error="insufficient_scope""#)
            }
            Fault::SessionRevoked | Fault::Token(_) => {
                self.with("www-authenticate", r#"Bearer realm="hub", error="invalid_token""#)
            }
            Fault::Busy | Fault::ClerkUnavailable | Fault::JournalUnavailable | Fault::UpstreamBusy => {
                self.with("retry-after", "2")
            }
            _ => self,
        }
    }

    /// Adds the headers that every response carries, errors included (T-2).
    #[must_use]
    pub fn sealed(mut self, secure: bool, request_id: &str) -> Self {
        // Over http the first of them, HSTS, has no effect (RFC 6797 §7.2).
        self.seal = if secure { &SEAL } else { SEAL.get(1..).unwrap_or_default() };
        self.headers.push(("x-request-id", request_id.to_owned().into()));
        self
    }

    /// Adds the CORS headers for an origin on the list; without one, only the `Vary` that caches need.
    #[must_use]
    pub fn shared(mut self, origin: Option<&str>) -> Self {
        self.headers.push(("vary", "Origin, Authorization, Accept, Prefer, Accept-Profile".into()));
        if let Some(origin) = origin {
            self.headers.push(("access-control-allow-origin", origin.to_owned().into()));
            self.headers.push(("access-control-expose-headers", EXPOSED.into()));
        }
        self
    }

    /// Creates the response to a preflight from an origin on the list.
    #[must_use]
    pub fn preflight(methods: &'static str) -> Self {
        Self::empty(204)
            .with("access-control-allow-methods", methods)
            .with("access-control-allow-headers", ACCEPTED)
            .with("access-control-max-age", "600")
    }
}

fn closed() -> Vec<(&'static str, Cow<'static, str>)> {
    vec![("content-security-policy", policy(Media::Json).into()), ("cache-control", Cache::Nobody.control().into())]
}

/// The headers that unmodified supabase-js sends, and those of a trace.
const ACCEPTED: &str = "accept, accept-profile, apikey, authorization, baggage, content-profile, content-type, if-match, prefer, traceparent, tracestate, x-client-info, x-hub-purpose, x-hub-reason, x-request-id, x-retry-count";
const EXPOSED: &str = "content-range, etag, location, preference-applied, retry-after, www-authenticate, x-request-id";

/// HSTS for two years, as <https://hstspreload.org/> recommends, and OWASP's list for REST services; no response of the
/// Hub is framed, embedded or sniffed.
const SEAL: [(&str, &str); 7] = [
    ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

const fn policy(media: Media) -> &'static str {
    match media {
        // One source per allowance: the one stylesheet, the one picture.
        Media::Html => {
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        }
        Media::Form => {
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        }
        Media::Css | Media::Json | Media::OpenApi | Media::Plain | Media::Svg => {
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        }
    }
}
