//! Every error of the Hub: one variant each, with its public row, its private reason and its log level.

pub mod database;
mod reason;
pub mod row_rejection;
mod upstream;

pub use super::error_codes::{ErrorCode, ErrorResponse};
pub use upstream::UpstreamProtocolError;

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
use strum::VariantArray as _;

/// The reason why a request failed. Its text is for the log; the client reads its public row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The client disconnected while it sent its body.
    #[error("the client disconnected while it sent its body")]
    BodyInterrupted,
    /// The body is longer than the route allows.
    #[error("the body is longer than the route allows")]
    BodyTooLarge,
    /// The isolate holds the maximum number of body bytes.
    #[error("the isolate holds the maximum number of body bytes")]
    Busy,
    /// A variable is missing or invalid; the log names it.
    #[error("a variable is missing or invalid")]
    Configuration,
    /// No usable credential in the request.
    #[error("the request has no usable credential")]
    Credential(#[source] CredentialError),
    /// More or longer cookies than are read.
    #[error("the request has more or longer cookies than are read")]
    CookiesTooMany,
    /// Clerk did not respond, and the operation requires its response.
    #[error("Clerk did not respond")]
    ClerkUnavailable,
    /// The sessions are revoked in the Hub, but Clerk has not ended them.
    #[error("Clerk has not ended the sessions")]
    ClerkRevocationIncomplete,
    /// A form that was not sent by a page of the Hub.
    #[error("the form was not sent by a page of the Hub")]
    CsrfRejected(#[source] CsrfError),
    /// The database rejected the statement; contains what the caller may read of it.
    #[error("the database rejected the statement")]
    Database(#[source] Box<DatabaseError>),
    /// A header that a well-behaved client never sends.
    #[error("the request has a header that is not allowed")]
    HeaderRefused,
    /// Another host than the Hub's own.
    #[error("the request is for another host")]
    HostRefused,
    /// Plain http (T-3).
    #[error("the request was sent over plain http")]
    InsecureTransport,
    /// The request row could not be written, so the response is withheld (L-3).
    #[error("the request row could not be written")]
    RequestLogUnavailable,
    /// No public key is available; contains the seconds to wait.
    #[error("no public key is available; retry after {0} s")]
    JwksUnavailable(u32),
    /// The route does not accept this method; contains those that it accepts.
    #[error("the route accepts other methods only")]
    MethodNotAllowed(&'static [Method]),
    /// The browser's origin is not on the list.
    #[error("the origin is not listed")]
    OriginRefused,
    /// A path that is not in its plain spelling.
    #[error("the path is not in its plain spelling")]
    PathRefused,
    /// A field that is named like a password (I-1).
    #[error("a field is named like a password")]
    PasswordInRequest,
    /// A page could not be rendered.
    #[error("a page could not be rendered")]
    TemplateFailed,
    /// The runtime rejected an operation that always succeeds: an internal error.
    #[error("the runtime rejected an operation")]
    RuntimeFailed,
    /// The caller lacks the right.
    #[error("the caller lacks the right")]
    Policy(#[source] PolicyError),
    /// The firewall cannot parse the query.
    #[error("the query cannot be parsed")]
    Query(#[source] QueryError),
    /// The session was ended before its token expired (I-2).
    #[error("the session was ended before its token expired")]
    SessionRevoked,
    /// Clerk continues a session that was signed out here.
    #[error("Clerk continues a session that was signed out")]
    ClerkSignOutFailed,
    /// No token of the browser identifies the session to end.
    #[error("no token identifies the session to end")]
    SignOutUnknown,
    /// The session of a page was ended.
    #[error("the session of a page was ended")]
    PageSessionRevoked,
    /// The browser does not store the state that the handshake needs, or another browser began it.
    #[error("the handshake failed: {0}")]
    HandshakeFailed(&'static str),
    /// No such route.
    #[error("there is no such route")]
    RouteUnknown,
    /// The TLS version is below the minimum (T-1).
    #[error("the TLS version is below the minimum")]
    TlsTooOld,
    /// The session token is invalid; the log contains the reason.
    #[error("the session token is invalid")]
    Token(#[source] TokenError),
    /// The database's response cannot be forwarded.
    #[error("the response of the database cannot be forwarded: {0}")]
    UpstreamInvalidResponse(#[source] UpstreamProtocolError),
    /// The database rejected a statement that the Hub should not have sent; contains the consequence, and the code and
    /// message without values.
    #[error("the database rejected a statement of the Hub: {0}: {1}")]
    UpstreamRejected(UpstreamProtocolError, String),
    /// The database is overloaded or restarting.
    #[error("the database is overloaded or restarting")]
    UpstreamBusy,
    /// The database did not respond in time.
    #[error("the database did not respond in time")]
    UpstreamTimeout,
    /// The database cannot be reached.
    #[error("the database cannot be reached")]
    UpstreamUnreachable,
    /// The signature of the message is invalid; the log contains the reason.
    #[error("the signature of the message is invalid")]
    Webhook(#[source] SignatureError),
    /// The message is signed, but its content is invalid.
    #[error("the message is signed, but its content is invalid")]
    WebhookMalformed,
}

/// PostgREST's error for a rejected statement, reduced to what this caller may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{logged}")]
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
        let code = match self {
            Self::BodyInterrupted => ErrorCode::BodyInterrupted,
            Self::BodyTooLarge => ErrorCode::BodyTooLarge,
            Self::Busy => ErrorCode::Busy,
            Self::ClerkUnavailable => ErrorCode::ClerkUnavailable,
            Self::ClerkRevocationIncomplete => ErrorCode::ClerkRevocationIncomplete,
            Self::CookiesTooMany => ErrorCode::CookiesTooMany,
            Self::Configuration | Self::TemplateFailed | Self::RuntimeFailed => ErrorCode::Internal,
            Self::Credential(CredentialError::Malformed) => ErrorCode::CredentialMalformed,
            Self::Credential(
                CredentialError::ApiKeyInsteadOfToken | CredentialError::Missing | CredentialError::PublishableKey,
            ) => ErrorCode::CredentialMissing,
            Self::Database(_) => return None,
            Self::CsrfRejected(_) => ErrorCode::FormRefused,
            Self::HeaderRefused => ErrorCode::HeaderRefused,
            Self::HostRefused => ErrorCode::HostRefused,
            Self::InsecureTransport => ErrorCode::InsecureTransport,
            Self::RequestLogUnavailable => ErrorCode::RequestLogUnavailable,
            Self::JwksUnavailable(_) => ErrorCode::JwksUnavailable,
            Self::MethodNotAllowed(_) | Self::Policy(PolicyError::MethodNotAllowed(_)) => ErrorCode::MethodNotAllowed,
            Self::OriginRefused => ErrorCode::OriginRefused,
            Self::PasswordInRequest => return Some(QueryErrorKind::PasswordRefused.response()),
            Self::PathRefused => ErrorCode::PathRefused,
            Self::Policy(PolicyError::Impersonated) => ErrorCode::Impersonated,
            Self::Policy(PolicyError::NotFound) => ErrorCode::ResourceNotFound,
            Self::Policy(PolicyError::Forbidden) => ErrorCode::Forbidden,
            Self::Policy(PolicyError::ReverificationRequired(_)) => ErrorCode::ReverificationRequired,
            Self::Query(error) => return Some(error.kind.response()),
            Self::RouteUnknown => ErrorCode::RouteUnknown,
            Self::ClerkSignOutFailed => ErrorCode::ClerkSignOutFailed,
            Self::SignOutUnknown => ErrorCode::SignOutUnknown,
            Self::PageSessionRevoked => ErrorCode::PageSessionRevoked,
            Self::HandshakeFailed(_) => ErrorCode::HandshakeFailed,
            Self::TlsTooOld => ErrorCode::TlsTooOld,
            Self::SessionRevoked | Self::Token(_) => ErrorCode::TokenRefused,
            Self::UpstreamInvalidResponse(_) | Self::UpstreamRejected(..) => ErrorCode::UpstreamInvalidResponse,
            Self::UpstreamBusy => ErrorCode::UpstreamBusy,
            Self::UpstreamTimeout => ErrorCode::UpstreamTimeout,
            Self::UpstreamUnreachable => ErrorCode::UpstreamUnreachable,
            Self::Webhook(_) | Self::WebhookMalformed => ErrorCode::WebhookRefused,
        };
        Some(code.response())
    }

    /// Returns whether the session's cookies are to be deleted, because they would lead to the same error again.
    #[must_use]
    pub const fn ends_session(&self) -> bool {
        matches!(self, Self::PageSessionRevoked | Self::HandshakeFailed(_))
    }

    /// Returns the factor that must be verified again.
    #[must_use]
    pub const fn step_up(&self) -> Option<StepUp> {
        if let Self::Policy(PolicyError::ReverificationRequired(step_up)) = self { Some(*step_up) } else { None }
    }

    /// Returns the plain identifier in the query that caused the error.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        if let Self::Query(error) = self { error.name.as_deref() } else { None }
    }

    /// Returns the hint of its public row, or the names that may be used instead of a rejected one.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        if let Self::Query(error) = self
            && !error.allowed.is_empty()
        {
            return Some(format!("Use: {}.", error.allowed.join(", ")).into());
        }
        self.response().map(|public| public.hint.into())
    }

    /// Returns the code for the client and the request row.
    #[must_use]
    pub fn code(&self) -> String {
        if let Self::Database(rejection) = self {
            return rejection.code.clone();
        }
        self.response().map_or_else(String::new, |public| public.code.to_owned())
    }
}

/// Returns every row of docs/errors.md: the Hub's own, then the query firewall's.
pub fn public_rows() -> impl Iterator<Item = ErrorResponse> {
    let own = ErrorCode::VARIANTS.iter().map(|code| code.response());
    own.chain(QueryErrorKind::VARIANTS.iter().map(|kind| kind.response()))
}
