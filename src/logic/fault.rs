//! Every way the Hub says no: one variant, its public row, its private reason and how loud it is logged.

mod public;

#[allow(unused_imports, reason = "compared with the README")]
pub use public::PUBLIC;
pub use public::Public;

use super::{
    credentials::CredentialFault,
    csrf::CsrfFault,
    policy::PolicyFault,
    postgrest::{QueryFault, Rule},
    signature::SignatureFault,
    token::TokenFault,
};
use crate::domain::access::StepUp;
use public::{
    BODY_BROKEN, BODY_TOO_LARGE, BUSY, CLERK_UNAVAILABLE, CLERK_UNDONE, COOKIES_TOO_MANY, CREDENTIAL_MALFORMED,
    CREDENTIAL_MISSING, FACTOR_STALE, FORM_REFUSED, HEADER_REFUSED, HOST_REFUSED, IMPERSONATED, INSECURE_TRANSPORT,
    INTERNAL, JOURNAL_UNAVAILABLE, KEYS_UNAVAILABLE, METHOD_NOT_ALLOWED, ORIGIN_REFUSED, PATH_REFUSED,
    RESOURCE_UNKNOWN, RIGHT_MISSING, ROUTE_UNKNOWN, SIGN_OUT_UNDONE, SIGN_OUT_UNKNOWN, TLS_TOO_OLD, TOKEN_REFUSED,
    UPSTREAM_BROKEN, UPSTREAM_BUSY, UPSTREAM_TIMEOUT, UPSTREAM_UNREACHABLE, VISIT_ENDED, VISIT_STUCK, WEBHOOK_REFUSED,
};
use std::borrow::Cow;

/// Why a request was not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client went away while it sent its body.
    BodyBroken,
    /// The body is longer than the route allows.
    BodyTooLarge,
    /// The isolate holds as many bytes of bodies as it may.
    Busy,
    /// A variable is missing or wrong; the log names it.
    Configuration,
    /// No usable credential in the request.
    Credential(CredentialFault),
    /// More cookies than are read, or longer ones.
    CookiesTooMany,
    /// Clerk could not be asked, and without it nothing may be done.
    ClerkUnavailable,
    /// The sessions are refused here, but Clerk has not ended them.
    ClerkUndone,
    /// A form that no page of the Hub sent.
    Form(CsrfFault),
    /// The database refused the statement; what it may tell the caller.
    Database(Box<DatabaseRefusal>),
    /// A header that no honest client sends.
    HeaderRefused,
    /// Another host than the Hub's own.
    HostRefused,
    /// Plain http (T-3).
    InsecureTransport,
    /// The request row could not be written, so the answer may not leave (L-3).
    JournalUnavailable,
    /// No public key can be had; says how many seconds to wait.
    KeysUnavailable(u32),
    /// The route does not take this method; says which it takes.
    MethodNotAllowed(&'static str),
    /// The browser's origin is not on the list.
    OriginRefused,
    /// A path that is not written plainly.
    PathRefused,
    /// A field that is named like a password (I-1).
    Password,
    /// A page could not be rendered.
    Page,
    /// The machine refused what it always can do: a fault of ours.
    Platform,
    /// The caller may not.
    Policy(PolicyFault),
    /// The query is not one that the firewall understands.
    Query(QueryFault),
    /// The session was ended before its token ran out (I-2).
    SessionRevoked,
    /// Clerk goes on with a session that was signed out here.
    SignOutUndone,
    /// No token of the browser says whose session it would end.
    SignOutUnknown,
    /// The session behind a page is over.
    VisitEnded,
    /// The browser does not keep what the way to Clerk and back needs, or another one began it.
    VisitStuck(&'static str),
    /// No such route.
    RouteUnknown,
    /// The TLS version is below the minimum (T-1).
    TlsTooOld,
    /// The session token is not good; the log says why.
    Token(TokenFault),
    /// The database answered what cannot be passed on.
    UpstreamBroken(&'static str),
    /// The database refused what the Hub should not have asked; why that matters, and its code and message without values.
    UpstreamSaid(&'static str, String),
    /// The database is overloaded or restarting.
    UpstreamBusy,
    /// The database did not answer in time.
    UpstreamTimeout,
    /// The database cannot be reached.
    UpstreamUnreachable,
    /// The message is not signed as it should be; the log says why.
    Webhook(SignatureFault),
    /// The message is signed, but it is none that its sender sends.
    WebhookMalformed,
}

/// What PostgREST said of a refused statement, cut down to what this caller may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseRefusal {
    /// The status code.
    pub status: u16,
    /// PostgREST's or PostgreSQL's error code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// More, for staff only.
    pub details: Option<String>,
    /// What to do about it; the database's own advice is for staff only.
    pub hint: Option<String>,
    /// The message without its values, for the log.
    pub logged: String,
}

impl Fault {
    /// Whether it says how many rows a query finds: not exactly one (`PGRST116`), or fewer than were skipped (`PGRST103`).
    #[must_use]
    pub fn counts_rows(&self) -> bool {
        matches!(self, Self::Database(refusal) if matches!(refusal.code.as_str(), "PGRST103" | "PGRST116"))
    }

    /// What the client sees; a refusal by the database has its own words.
    #[must_use]
    pub fn public(&self) -> Option<Public> {
        Some(match self {
            Self::BodyBroken => BODY_BROKEN,
            Self::BodyTooLarge => BODY_TOO_LARGE,
            Self::Busy => BUSY,
            Self::ClerkUnavailable => CLERK_UNAVAILABLE,
            Self::ClerkUndone => CLERK_UNDONE,
            Self::CookiesTooMany => COOKIES_TOO_MANY,
            Self::Configuration | Self::Page | Self::Platform => INTERNAL,
            Self::Credential(CredentialFault::Malformed) => CREDENTIAL_MALFORMED,
            Self::Credential(_) => CREDENTIAL_MISSING,
            Self::Database(_) => return None,
            Self::Form(_) => FORM_REFUSED,
            Self::HeaderRefused => HEADER_REFUSED,
            Self::HostRefused => HOST_REFUSED,
            Self::InsecureTransport => INSECURE_TRANSPORT,
            Self::JournalUnavailable => JOURNAL_UNAVAILABLE,
            Self::KeysUnavailable(_) => KEYS_UNAVAILABLE,
            Self::MethodNotAllowed(_) | Self::Policy(PolicyFault::MethodNotAllowed(_)) => METHOD_NOT_ALLOWED,
            Self::OriginRefused => ORIGIN_REFUSED,
            Self::Password => Rule::PasswordRefused.public(),
            Self::PathRefused => PATH_REFUSED,
            Self::Policy(PolicyFault::Impersonated) => IMPERSONATED,
            Self::Policy(PolicyFault::ResourceUnknown) => RESOURCE_UNKNOWN,
            Self::Policy(PolicyFault::RightMissing) => RIGHT_MISSING,
            Self::Policy(PolicyFault::FactorStale(_)) => FACTOR_STALE,
            Self::Query(fault) => fault.rule.public(),
            Self::RouteUnknown => ROUTE_UNKNOWN,
            Self::SignOutUndone => SIGN_OUT_UNDONE,
            Self::SignOutUnknown => SIGN_OUT_UNKNOWN,
            Self::VisitEnded => VISIT_ENDED,
            Self::VisitStuck(_) => VISIT_STUCK,
            Self::TlsTooOld => TLS_TOO_OLD,
            Self::SessionRevoked | Self::Token(_) => TOKEN_REFUSED,
            Self::UpstreamBroken(_) | Self::UpstreamSaid(..) => UPSTREAM_BROKEN,
            Self::UpstreamBusy => UPSTREAM_BUSY,
            Self::UpstreamTimeout => UPSTREAM_TIMEOUT,
            Self::UpstreamUnreachable => UPSTREAM_UNREACHABLE,
            Self::Webhook(_) | Self::WebhookMalformed => WEBHOOK_REFUSED,
        })
    }

    /// Tells whether the session's cookies are to be deleted, because they would lead to the same error again.
    #[must_use]
    pub const fn ends_visit(&self) -> bool {
        matches!(self, Self::VisitEnded | Self::VisitStuck(_))
    }

    /// The factor that must be verified again.
    #[must_use]
    pub const fn step_up(&self) -> Option<StepUp> {
        match self {
            Self::Policy(PolicyFault::FactorStale(step_up)) => Some(*step_up),
            _ => None,
        }
    }

    /// The plain identifier in the query that the fault is about.
    #[must_use]
    pub fn at(&self) -> Option<&str> {
        match self {
            Self::Query(fault) => fault.name.as_deref(),
            _ => None,
        }
    }

    /// The advice: the hint of its public row, or the names that may be used in the place of a refused one.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Query(fault) if !fault.allowed.is_empty() => {
                Some(format!("Use: {}.", fault.allowed.join(", ")).into())
            }
            _ => self.public().map(|public| public.hint.into()),
        }
    }

    /// The code that the client and the request row see.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Database(refusal) => refusal.code.clone(),
            _ => self.public().map_or_else(String::new, |public| public.code.to_owned()),
        }
    }

    /// The exact reason, for the log line alone.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Credential(fault) => Some(format!("{fault:?}")),
            Self::Database(refusal) => Some(refusal.logged.clone()),
            Self::Form(fault) => Some(format!("{fault:?}")),
            Self::Query(fault) => Some(format!("{fault:?}")),
            Self::SessionRevoked => Some("session-revoked".to_owned()),
            Self::Token(fault) => Some(fault.reason().to_owned()),
            Self::UpstreamSaid(why, said) => Some(format!("{why}: {said}")),
            Self::UpstreamBroken(why) | Self::VisitStuck(why) => Some((*why).to_owned()),
            Self::Webhook(fault) => Some(format!("{fault:?}")),
            Self::WebhookMalformed => Some("not a message of this sender".to_owned()),
            _ => None,
        }
    }
}
