//! The public part of each fault: the rows of the table in docs/errors.md.

/// The public part of a fault: a row of the table in docs/errors.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// A stable code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// One sentence.
    pub message: &'static str,
    /// The remedy.
    pub hint: &'static str,
}

const fn public(code: &'static str, status: u16, message: &'static str, hint: &'static str) -> ErrorResponse {
    ErrorResponse { code, status, message, hint }
}

/// The Hub's own rows (`HUB3…` are the query firewall's), in the order of docs/errors.md.
#[allow(dead_code, reason = "compared with docs/errors.md")]
pub const ERROR_CODES: &[ErrorResponse] = &[
    INSECURE_TRANSPORT,
    TLS_TOO_OLD,
    PATH_REFUSED,
    HEADER_REFUSED,
    BODY_TOO_LARGE,
    ROUTE_UNKNOWN,
    METHOD_NOT_ALLOWED,
    ORIGIN_REFUSED,
    BODY_INTERRUPTED,
    HOST_REFUSED,
    BUSY,
    CREDENTIAL_MISSING,
    CREDENTIAL_MALFORMED,
    TOKEN_REFUSED,
    JWKS_UNAVAILABLE,
    WEBHOOK_REFUSED,
    FORM_REFUSED,
    HANDSHAKE_FAILED,
    PAGE_SESSION_REVOKED,
    CLERK_SIGN_OUT_FAILED,
    SIGN_OUT_UNKNOWN,
    COOKIES_TOO_MANY,
    FORBIDDEN,
    RESOURCE_NOT_FOUND,
    REVERIFICATION_REQUIRED,
    IMPERSONATED,
    UPSTREAM_UNREACHABLE,
    UPSTREAM_TIMEOUT,
    UPSTREAM_BUSY,
    UPSTREAM_INVALID_RESPONSE,
    REQUEST_LOG_UNAVAILABLE,
    CLERK_UNAVAILABLE,
    CLERK_REVOCATION_INCOMPLETE,
    INTERNAL,
];

pub(super) const INSECURE_TRANSPORT: ErrorResponse = public(
    "HUB001",
    403,
    "This address answers over https only.",
    "Any credential in this request travelled in the clear: revoke it, then use https.",
);
pub(super) const TLS_TOO_OLD: ErrorResponse =
    public("HUB002", 403, "The connection's TLS version is too old.", "Connect with TLS 1.3.");
pub(super) const PATH_REFUSED: ErrorResponse = public(
    "HUB003",
    400,
    "The path is not written plainly.",
    "Write it without dot segments, double slashes, backslashes or percent signs, and keep the URL under 8192 bytes.",
);
pub(super) const HEADER_REFUSED: ErrorResponse = public(
    "HUB004",
    400,
    "The request has a header that is not accepted here.",
    "Leave out names with underscores, x-hub-… and headers that rewrite the method or the URL.",
);
pub(super) const BODY_TOO_LARGE: ErrorResponse = public(
    "HUB005",
    413,
    "The body is too large.",
    "Send at most 128 KiB, or 1 MiB as an array of rows; split an insert into several.",
);
pub(super) const ROUTE_UNKNOWN: ErrorResponse = public(
    "HUB006",
    404,
    "There is nothing at this address.",
    "The API is at /rest/v1/{table} and /rest/v1/rpc/{function}.",
);
pub(super) const METHOD_NOT_ALLOWED: ErrorResponse = public(
    "HUB007",
    405,
    "The address does not take this method.",
    "The Allow header lists the methods that it takes.",
);
pub(super) const ORIGIN_REFUSED: ErrorResponse = public(
    "HUB008",
    403,
    "This origin may not call the API.",
    "Ask the operator to list the origin in CLERK_AUTHORIZED_PARTIES.",
);
pub(super) const BODY_INTERRUPTED: ErrorResponse = public("HUB009", 400, "The body broke off.", "Send it again.");
pub(super) const HOST_REFUSED: ErrorResponse = public(
    "HUB010",
    421,
    "This is not the address of the Hub.",
    "Use the address that your operator gave you; the Hub answers at that one only.",
);
pub(super) const BUSY: ErrorResponse =
    public("HUB011", 503, "Too many large requests are under way.", "Try again after the time in Retry-After.");
pub(super) const CREDENTIAL_MISSING: ErrorResponse =
    public("HUB101", 401, "A session token is needed.", "Send the Clerk session token as Authorization: Bearer.");
pub(super) const CREDENTIAL_MALFORMED: ErrorResponse = public(
    "HUB102",
    400,
    "The Authorization header is malformed.",
    "Send exactly one: Bearer, one space, the session token.",
);
pub(super) const TOKEN_REFUSED: ErrorResponse =
    public("HUB103", 401, "The session token was refused.", "Get a new token from Clerk and retry.");
pub(super) const JWKS_UNAVAILABLE: ErrorResponse = public(
    "HUB104",
    503,
    "Tokens cannot be verified at the moment.",
    "Try again after the time in Retry-After; the token itself was not judged.",
);
pub(super) const WEBHOOK_REFUSED: ErrorResponse = public(
    "HUB105",
    400,
    "The message was refused.",
    "Send it signed, as Standard Webhooks says, within five minutes.",
);
pub(super) const FORM_REFUSED: ErrorResponse = public(
    "HUB106",
    403,
    "The form did not come from a page of this session.",
    "Open the page anew and send it from there.",
);
pub(super) const HANDSHAKE_FAILED: ErrorResponse = public(
    "HUB107",
    401,
    "Signing in did not get through.",
    "Allow cookies for this site and open the page anew; if it stays so, tell the operator the request id.",
);
pub(super) const PAGE_SESSION_REVOKED: ErrorResponse =
    public("HUB108", 401, "Your session has ended.", "Sign in again; if you did not end it, tell the operator.");
pub(super) const CLERK_SIGN_OUT_FAILED: ErrorResponse = public(
    "HUB109",
    502,
    "You are signed out here, but the sign-out at Clerk failed.",
    "Open the sign-out page again in a moment.",
);
pub(super) const SIGN_OUT_UNKNOWN: ErrorResponse = public(
    "HUB110",
    401,
    "No session was ended: this browser shows none that can be verified.",
    "Open the account page and sign out from there; if it asks you to sign in, this browser is signed out.",
);
pub(super) const COOKIES_TOO_MANY: ErrorResponse = public(
    "HUB111",
    431,
    "This browser sends more cookies than are read here.",
    "Delete the cookies of this site and of its parent domain, then open the page anew.",
);
pub(super) const FORBIDDEN: ErrorResponse =
    public("HUB201", 403, "You may not do this.", "Ask an administrator for the role that may.");
pub(super) const RESOURCE_NOT_FOUND: ErrorResponse = public(
    "HUB202",
    404,
    "There is no such table or function for you.",
    "GET /rest/v1/ lists the tables and functions of this session.",
);
pub(super) const REVERIFICATION_REQUIRED: ErrorResponse = public(
    "HUB203",
    403,
    "This needs a factor that was verified lately.",
    "Verify as clerk_error says (Clerk's useReverification does), then repeat with a fresh token.",
);
pub(super) const IMPERSONATED: ErrorResponse =
    public("HUB204", 403, "An impersonated session may not change anything.", "Act as yourself.");
pub(super) const UPSTREAM_UNREACHABLE: ErrorResponse =
    public("HUB401", 502, "The database cannot be reached.", "Try again in a moment.");
pub(super) const UPSTREAM_TIMEOUT: ErrorResponse = public(
    "HUB402",
    504,
    "The database did not answer in time.",
    "Read before you repeat a change: it may have been made.",
);
pub(super) const UPSTREAM_BUSY: ErrorResponse =
    public("HUB403", 503, "The database is busy or restarting.", "Try again after the time in Retry-After.");
pub(super) const UPSTREAM_INVALID_RESPONSE: ErrorResponse =
    public("HUB404", 502, "The database gave an answer that cannot be passed on.", "Tell the operator the request id.");
pub(super) const REQUEST_LOG_UNAVAILABLE: ErrorResponse =
    public("HUB405", 503, "The request could not be recorded, so it is not answered.", "Try again in a moment.");
pub(super) const CLERK_UNAVAILABLE: ErrorResponse =
    public("HUB406", 503, "Clerk could not be asked, so nothing was done.", "Try again after the time in Retry-After.");
pub(super) const CLERK_REVOCATION_INCOMPLETE: ErrorResponse = public(
    "HUB407",
    502,
    "The person is refused here for ten minutes, but Clerk has not ended every session.",
    "Call it again; it may be repeated.",
);
pub(super) const INTERNAL: ErrorResponse =
    public("HUB500", 500, "Something is wrong on our side.", "Tell the operator the request id.");
