//! Every error of the Hub: one variant each, with its public row, its private reason and its log level.

pub mod database;
pub mod row_rejection;

#[allow(unused_imports, reason = "compared with docs/errors.md")]
pub use super::error_codes::ERROR_CODES;
pub use super::error_codes::ErrorResponse;

use super::error_codes::{
    BODY_INTERRUPTED, BODY_TOO_LARGE, BUSY, CLERK_REVOCATION_INCOMPLETE, CLERK_SIGN_OUT_FAILED, CLERK_UNAVAILABLE,
    COOKIES_TOO_MANY, CREDENTIAL_MALFORMED, CREDENTIAL_MISSING, FORBIDDEN, FORM_REFUSED, HANDSHAKE_FAILED,
    HEADER_REFUSED, HOST_REFUSED, IMPERSONATED, INSECURE_TRANSPORT, INTERNAL, JWKS_UNAVAILABLE, METHOD_NOT_ALLOWED,
    ORIGIN_REFUSED, PAGE_SESSION_REVOKED, PATH_REFUSED, REQUEST_LOG_UNAVAILABLE, RESOURCE_NOT_FOUND,
    REVERIFICATION_REQUIRED, ROUTE_UNKNOWN, SIGN_OUT_UNKNOWN, TLS_TOO_OLD, TOKEN_REFUSED, UPSTREAM_BUSY,
    UPSTREAM_INVALID_RESPONSE, UPSTREAM_TIMEOUT, UPSTREAM_UNREACHABLE, WEBHOOK_REFUSED,
};
use crate::{
    domain::{access::StepUp, method::Method},
    logic::{
        authn::{bearer_token::CredentialError, csrf::CsrfError, session_token::TokenError},
        authz::PolicyError,
        query::{QueryError, QueryErrorKind},
        webhook::signature::SignatureError,
    },
};
use std::borrow::Cow;

/// The reason why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The client disconnected while it sent its body.
    BodyInterrupted,
    /// The body is longer than the route allows.
    BodyTooLarge,
    /// The isolate holds the maximum number of body bytes.
    Busy,
    /// A variable is missing or invalid; the log names it.
    Configuration,
    /// No usable credential in the request.
    Credential(CredentialError),
    /// More or longer cookies than are read.
    CookiesTooMany,
    /// Clerk did not respond, and the operation requires its response.
    ClerkUnavailable,
    /// The sessions are revoked in the Hub, but Clerk has not ended them.
    ClerkRevocationIncomplete,
    /// A form that was not sent by a page of the Hub.
    CsrfRejected(CsrfError),
    /// The database rejected the statement; contains what the caller may read of it.
    Database(Box<DatabaseError>),
    /// A header that a well-behaved client never sends.
    HeaderRefused,
    /// Another host than the Hub's own.
    HostRefused,
    /// Plain http (T-3).
    InsecureTransport,
    /// The request row could not be written, so the response is withheld (L-3).
    RequestLogUnavailable,
    /// No public key is available; contains the seconds to wait.
    JwksUnavailable(u32),
    /// The route does not accept this method; contains those that it accepts.
    MethodNotAllowed(&'static [Method]),
    /// The browser's origin is not on the list.
    OriginRefused,
    /// A path that is not in its plain spelling.
    PathRefused,
    /// A field that is named like a password (I-1).
    PasswordInRequest,
    /// A page could not be rendered.
    TemplateFailed,
    /// The runtime rejected an operation that always succeeds: an internal error.
    RuntimeFailed,
    /// The caller lacks the right.
    Policy(PolicyError),
    /// The firewall cannot parse the query.
    Query(QueryError),
    /// The session was ended before its token expired (I-2).
    SessionRevoked,
    /// Clerk continues a session that was signed out here.
    ClerkSignOutFailed,
    /// No token of the browser identifies the session to end.
    SignOutUnknown,
    /// The session of a page was ended.
    PageSessionRevoked,
    /// The browser does not store the state that the handshake needs, or another browser began it.
    HandshakeFailed(&'static str),
    /// No such route.
    RouteUnknown,
    /// The TLS version is below the minimum (T-1).
    TlsTooOld,
    /// The session token is invalid; the log contains the reason.
    Token(TokenError),
    /// The database's response cannot be forwarded.
    UpstreamInvalidResponse(&'static str),
    /// The database rejected a statement that the Hub should not have sent; contains the consequence, and the code and
    /// message without values.
    UpstreamSaid(&'static str, String),
    /// The database is overloaded or restarting.
    UpstreamBusy,
    /// The database did not respond in time.
    UpstreamTimeout,
    /// The database cannot be reached.
    UpstreamUnreachable,
    /// The signature of the message is invalid; the log contains the reason.
    Webhook(SignatureError),
    /// The message is signed, but its content is invalid.
    WebhookMalformed,
}

/// PostgREST's error for a rejected statement, reduced to what this caller may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseError {
    /// The status code.
    pub status: u16,
    /// PostgREST's or PostgreSQL's error code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Further details, for staff only.
    pub details: Option<String>,
    /// The remedy; the database's own hint is for staff only.
    pub hint: Option<String>,
    /// The message without its values, for the log.
    pub logged: String,
}

impl Error {
    /// Returns whether it may depend on the rows of a query: their number is not exactly one (`PGRST116`), or fewer
    /// than were skipped (`PGRST103`); their data cannot be evaluated (SQLSTATE classes 21 and 22).
    #[must_use]
    pub fn reveals_rows(&self) -> bool {
        let Self::Database(rejection) = self else { return false };
        let code = rejection.code.as_str();
        matches!(code, "PGRST103" | "PGRST116")
            || code.len() == 5 && ["21", "22"].iter().any(|class| code.starts_with(class))
    }

    /// Returns the public row; `None` for a rejection by the database, which has its own text.
    #[must_use]
    pub fn response(&self) -> Option<ErrorResponse> {
        Some(match self {
            Self::BodyInterrupted => BODY_INTERRUPTED,
            Self::BodyTooLarge => BODY_TOO_LARGE,
            Self::Busy => BUSY,
            Self::ClerkUnavailable => CLERK_UNAVAILABLE,
            Self::ClerkRevocationIncomplete => CLERK_REVOCATION_INCOMPLETE,
            Self::CookiesTooMany => COOKIES_TOO_MANY,
            Self::Configuration | Self::TemplateFailed | Self::RuntimeFailed => INTERNAL,
            Self::Credential(CredentialError::Malformed) => CREDENTIAL_MALFORMED,
            Self::Credential(_) => CREDENTIAL_MISSING,
            Self::Database(_) => return None,
            Self::CsrfRejected(_) => FORM_REFUSED,
            Self::HeaderRefused => HEADER_REFUSED,
            Self::HostRefused => HOST_REFUSED,
            Self::InsecureTransport => INSECURE_TRANSPORT,
            Self::RequestLogUnavailable => REQUEST_LOG_UNAVAILABLE,
            Self::JwksUnavailable(_) => JWKS_UNAVAILABLE,
            Self::MethodNotAllowed(_) | Self::Policy(PolicyError::MethodNotAllowed(_)) => METHOD_NOT_ALLOWED,
            Self::OriginRefused => ORIGIN_REFUSED,
            Self::PasswordInRequest => QueryErrorKind::PasswordRefused.response(),
            Self::PathRefused => PATH_REFUSED,
            Self::Policy(PolicyError::Impersonated) => IMPERSONATED,
            Self::Policy(PolicyError::NotFound) => RESOURCE_NOT_FOUND,
            Self::Policy(PolicyError::Forbidden) => FORBIDDEN,
            Self::Policy(PolicyError::ReverificationRequired(_)) => REVERIFICATION_REQUIRED,
            Self::Query(error) => error.kind.response(),
            Self::RouteUnknown => ROUTE_UNKNOWN,
            Self::ClerkSignOutFailed => CLERK_SIGN_OUT_FAILED,
            Self::SignOutUnknown => SIGN_OUT_UNKNOWN,
            Self::PageSessionRevoked => PAGE_SESSION_REVOKED,
            Self::HandshakeFailed(_) => HANDSHAKE_FAILED,
            Self::TlsTooOld => TLS_TOO_OLD,
            Self::SessionRevoked | Self::Token(_) => TOKEN_REFUSED,
            Self::UpstreamInvalidResponse(_) | Self::UpstreamSaid(..) => UPSTREAM_INVALID_RESPONSE,
            Self::UpstreamBusy => UPSTREAM_BUSY,
            Self::UpstreamTimeout => UPSTREAM_TIMEOUT,
            Self::UpstreamUnreachable => UPSTREAM_UNREACHABLE,
            Self::Webhook(_) | Self::WebhookMalformed => WEBHOOK_REFUSED,
        })
    }

    /// Returns whether the session's cookies are to be deleted, because they would lead to the same error again.
    #[must_use]
    pub const fn ends_session(&self) -> bool {
        matches!(self, Self::PageSessionRevoked | Self::HandshakeFailed(_))
    }

    /// Returns the factor that must be verified again.
    #[must_use]
    pub const fn step_up(&self) -> Option<StepUp> {
        match self {
            Self::Policy(PolicyError::ReverificationRequired(step_up)) => Some(*step_up),
            _ => None,
        }
    }

    /// Returns the plain identifier in the query that caused the error.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Query(error) => error.name.as_deref(),
            _ => None,
        }
    }

    /// Returns the hint of its public row, or the names that may be used instead of a rejected one.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Query(error) if !error.allowed.is_empty() => {
                Some(format!("Use: {}.", error.allowed.join(", ")).into())
            }
            _ => self.response().map(|public| public.hint.into()),
        }
    }

    /// Returns the code for the client and the request row.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Database(refusal) => refusal.code.clone(),
            _ => self.response().map_or_else(String::new, |public| public.code.to_owned()),
        }
    }

    /// Returns the exact reason, for the log only.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Credential(error) => Some(format!("{error:?}")),
            Self::Database(refusal) => Some(refusal.logged.clone()),
            Self::CsrfRejected(error) => Some(format!("{error:?}")),
            Self::Query(error) => Some(format!("{error:?}")),
            Self::SessionRevoked => Some("session-revoked".to_owned()),
            Self::Token(error) => Some(error.reason().to_owned()),
            Self::UpstreamSaid(why, said) => Some(format!("{why}: {said}")),
            Self::UpstreamInvalidResponse(why) | Self::HandshakeFailed(why) => Some((*why).to_owned()),
            Self::Webhook(error) => Some(format!("{error:?}")),
            Self::WebhookMalformed => Some("not a message of this sender".to_owned()),
            _ => None,
        }
    }
}
