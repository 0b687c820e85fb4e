//! Every way the Hub says no: one variant, its public row, its private reason and how loud it is logged.

use super::{credentials::CredentialFault, policy::PolicyFault, postgrest::QueryFault, token::TokenFault};

/// Why a request was not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client went away while it sent its body.
    BodyBroken,
    /// The body is longer than the route allows.
    BodyTooLarge,
    /// A variable is missing or wrong; the log names it.
    Configuration,
    /// No usable credential in the request.
    Credential(CredentialFault),
    /// The database refused the statement; what it may tell the caller.
    Database(DatabaseRefusal),
    /// A header that no honest client sends.
    HeaderRefused,
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
    /// No such route.
    RouteUnknown,
    /// The TLS version is below the minimum (T-1).
    TlsTooOld,
    /// The session token is not good; the log says why.
    Token(TokenFault),
    /// The database answered what cannot be passed on.
    UpstreamBroken(&'static str),
    /// The database is overloaded or restarting.
    UpstreamBusy,
    /// The database did not answer in time.
    UpstreamTimeout,
    /// The database cannot be reached.
    UpstreamUnreachable,
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
    /// Advice, for staff only.
    pub hint: Option<String>,
}

/// What the client sees of a fault: a row of the README's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Public {
    /// A stable code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// One sentence.
    pub message: &'static str,
    /// What to do about it.
    pub hint: &'static str,
}

const fn public(code: &'static str, status: u16, message: &'static str, hint: &'static str) -> Public {
    Public { code, status, message, hint }
}

/// The Hub's own rows (`HUB3…` are the query firewall's), in the order of the README.
#[allow(dead_code, reason = "compared with the README")]
pub const PUBLIC: &[Public] = &[
    INSECURE_TRANSPORT,
    TLS_TOO_OLD,
    PATH_REFUSED,
    HEADER_REFUSED,
    BODY_TOO_LARGE,
    ROUTE_UNKNOWN,
    METHOD_NOT_ALLOWED,
    ORIGIN_REFUSED,
    BODY_BROKEN,
    CREDENTIAL_MISSING,
    CREDENTIAL_MALFORMED,
    TOKEN_REFUSED,
    KEYS_UNAVAILABLE,
    RIGHT_MISSING,
    RESOURCE_UNKNOWN,
    SECOND_FACTOR_STALE,
    IMPERSONATED,
    UPSTREAM_UNREACHABLE,
    UPSTREAM_TIMEOUT,
    UPSTREAM_BUSY,
    UPSTREAM_BROKEN,
    JOURNAL_UNAVAILABLE,
    INTERNAL,
];

const INSECURE_TRANSPORT: Public = public(
    "HUB001",
    403,
    "This address answers over https only.",
    "Any credential in this request travelled in the clear: revoke it, then use https.",
);
const TLS_TOO_OLD: Public = public("HUB002", 403, "The connection's TLS version is too old.", "Connect with TLS 1.3.");
const PATH_REFUSED: Public = public(
    "HUB003",
    400,
    "The path is not written plainly.",
    "Write it without dot segments, double slashes, backslashes or percent signs, and keep the URL under 8192 bytes.",
);
const HEADER_REFUSED: Public = public(
    "HUB004",
    400,
    "The request has a header that is not accepted here.",
    "Leave out names with underscores, x-hub-… and headers that rewrite the method or the URL.",
);
const BODY_TOO_LARGE: Public =
    public("HUB005", 413, "The body is too large.", "Send at most 1 MiB; split an insert into several.");
const ROUTE_UNKNOWN: Public = public(
    "HUB006",
    404,
    "There is nothing at this address.",
    "The API is at /rest/v1/{table} and /rest/v1/rpc/{function}.",
);
const METHOD_NOT_ALLOWED: Public = public(
    "HUB007",
    405,
    "The address does not take this method.",
    "The Allow header lists the methods that it takes.",
);
const ORIGIN_REFUSED: Public = public(
    "HUB008",
    403,
    "This origin may not call the API.",
    "Ask the operator to list the origin in CLERK_AUTHORIZED_PARTIES.",
);
const BODY_BROKEN: Public = public("HUB009", 400, "The body broke off.", "Send it again.");
const CREDENTIAL_MISSING: Public =
    public("HUB101", 401, "A session token is needed.", "Send the Clerk session token as Authorization: Bearer.");
const CREDENTIAL_MALFORMED: Public = public(
    "HUB102",
    400,
    "The Authorization header is malformed.",
    "Send exactly one: Bearer, one space, the session token.",
);
const TOKEN_REFUSED: Public =
    public("HUB103", 401, "The session token was refused.", "Ask Clerk for a fresh token and try once more.");
const KEYS_UNAVAILABLE: Public = public(
    "HUB104",
    503,
    "Tokens cannot be verified at the moment.",
    "Try again after the time in Retry-After; the token itself was not judged.",
);
const RIGHT_MISSING: Public =
    public("HUB201", 403, "You may not do this.", "Ask an administrator for the role that may.");
const RESOURCE_UNKNOWN: Public = public(
    "HUB202",
    404,
    "There is no such table or function for you.",
    "See the README for the tables and functions of each role.",
);
const SECOND_FACTOR_STALE: Public = public(
    "HUB203",
    403,
    "This needs a second factor verified in the last 10 minutes.",
    "Verify the second factor again in Clerk, then repeat with a fresh token.",
);
const IMPERSONATED: Public =
    public("HUB204", 403, "An impersonated session may not change anything.", "Act as yourself.");
const UPSTREAM_UNREACHABLE: Public = public("HUB401", 502, "The database cannot be reached.", "Try again in a moment.");
const UPSTREAM_TIMEOUT: Public = public(
    "HUB402",
    504,
    "The database did not answer in time.",
    "Read before you repeat a change: it may have been made.",
);
const UPSTREAM_BUSY: Public =
    public("HUB403", 503, "The database is busy or restarting.", "Try again after the time in Retry-After.");
const UPSTREAM_BROKEN: Public =
    public("HUB404", 502, "The database gave an answer that cannot be passed on.", "Tell the operator the request id.");
const JOURNAL_UNAVAILABLE: Public =
    public("HUB405", 503, "The request could not be recorded, so it is not answered.", "Try again in a moment.");
const INTERNAL: Public = public("HUB500", 500, "Something is wrong on our side.", "Tell the operator the request id.");

impl Fault {
    /// What the client sees; a refusal by the database has its own words.
    #[must_use]
    pub fn public(&self) -> Option<Public> {
        Some(match self {
            Self::BodyBroken => BODY_BROKEN,
            Self::BodyTooLarge => BODY_TOO_LARGE,
            Self::Configuration | Self::Page | Self::Platform => INTERNAL,
            Self::Credential(CredentialFault::Malformed) => CREDENTIAL_MALFORMED,
            Self::Credential(_) => CREDENTIAL_MISSING,
            Self::Database(_) => return None,
            Self::HeaderRefused => HEADER_REFUSED,
            Self::InsecureTransport => INSECURE_TRANSPORT,
            Self::JournalUnavailable => JOURNAL_UNAVAILABLE,
            Self::KeysUnavailable(_) => KEYS_UNAVAILABLE,
            Self::MethodNotAllowed(_) | Self::Policy(PolicyFault::MethodNotAllowed(_)) => METHOD_NOT_ALLOWED,
            Self::OriginRefused => ORIGIN_REFUSED,
            Self::PathRefused => PATH_REFUSED,
            Self::Policy(PolicyFault::Impersonated) => IMPERSONATED,
            Self::Policy(PolicyFault::ResourceUnknown) => RESOURCE_UNKNOWN,
            Self::Policy(PolicyFault::RightMissing) => RIGHT_MISSING,
            Self::Policy(PolicyFault::SecondFactorStale) => SECOND_FACTOR_STALE,
            Self::Query(fault) => fault.rule.public(),
            Self::RouteUnknown => ROUTE_UNKNOWN,
            Self::TlsTooOld => TLS_TOO_OLD,
            Self::SessionRevoked | Self::Token(_) => TOKEN_REFUSED,
            Self::UpstreamBroken(_) => UPSTREAM_BROKEN,
            Self::UpstreamBusy => UPSTREAM_BUSY,
            Self::UpstreamTimeout => UPSTREAM_TIMEOUT,
            Self::UpstreamUnreachable => UPSTREAM_UNREACHABLE,
        })
    }

    /// The plain identifier in the query that the fault is about.
    #[must_use]
    pub fn at(&self) -> Option<&str> {
        match self {
            Self::Query(fault) => fault.name.as_deref(),
            _ => None,
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
            Self::Query(fault) => Some(format!("{fault:?}")),
            Self::SessionRevoked => Some("session-revoked".to_owned()),
            Self::Token(fault) => Some(fault.reason().to_owned()),
            Self::UpstreamBroken(why) => Some((*why).to_owned()),
            _ => None,
        }
    }
}
