//! The public part of each error: the rows of the table in docs/errors.md.

/// The public part of an error: a row of the table in docs/errors.md.
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
    "HTTPS is required.",
    "Revoke any credential in this request, because it was sent unencrypted, then use https.",
);
pub(super) const TLS_TOO_OLD: ErrorResponse =
    public("HUB002", 403, "The connection's TLS version is too old.", "Connect with TLS 1.3.");
pub(super) const PATH_REFUSED: ErrorResponse = public(
    "HUB003",
    400,
    "The path contains characters or segments that are not allowed.",
    "Remove dot segments, double slashes, backslashes and percent signs, and keep the URL under 8192 bytes.",
);
pub(super) const HEADER_REFUSED: ErrorResponse = public(
    "HUB004",
    400,
    "The request has a header that is not allowed.",
    "Remove headers with underscores in their names, x-hub-… headers and headers that override the method or the URL.",
);
pub(super) const BODY_TOO_LARGE: ErrorResponse = public(
    "HUB005",
    413,
    "The body is too large.",
    "Send at most 128 KiB, or 1 MiB as an array of rows; split an insert into several.",
);
pub(super) const ROUTE_UNKNOWN: ErrorResponse =
    public("HUB006", 404, "Not found.", "The API is at /rest/v1/{table} and /rest/v1/rpc/{function}.");
pub(super) const METHOD_NOT_ALLOWED: ErrorResponse =
    public("HUB007", 405, "Method not allowed.", "The Allow header lists the supported methods.");
pub(super) const ORIGIN_REFUSED: ErrorResponse = public(
    "HUB008",
    403,
    "This origin is not allowed.",
    "Ask the operator to list the origin in CLERK_AUTHORIZED_PARTIES.",
);
pub(super) const BODY_INTERRUPTED: ErrorResponse =
    public("HUB009", 400, "The request body ended early.", "Send the request again.");
pub(super) const HOST_REFUSED: ErrorResponse =
    public("HUB010", 421, "The host is not the host of this API.", "Use the address that your operator gave you.");
pub(super) const BUSY: ErrorResponse = public(
    "HUB011",
    503,
    "Too many large requests are being processed.",
    "Retry after the time in the Retry-After header.",
);
pub(super) const CREDENTIAL_MISSING: ErrorResponse = public(
    "HUB101",
    401,
    "Authentication required.",
    "Send Clerk's session token in the header Authorization: Bearer.",
);
pub(super) const CREDENTIAL_MALFORMED: ErrorResponse = public(
    "HUB102",
    400,
    "The Authorization header is malformed.",
    "Send one Authorization header: Bearer, one space, the session token.",
);
pub(super) const TOKEN_REFUSED: ErrorResponse =
    public("HUB103", 401, "Invalid session token.", "Get a new token from Clerk and retry.");
pub(super) const JWKS_UNAVAILABLE: ErrorResponse = public(
    "HUB104",
    503,
    "Tokens cannot be verified right now.",
    "Retry after the time in the Retry-After header; the token itself was not checked.",
);
pub(super) const WEBHOOK_REFUSED: ErrorResponse = public(
    "HUB105",
    400,
    "Webhook verification failed.",
    "Sign the message as Standard Webhooks specifies, and send it within five minutes.",
);
pub(super) const FORM_REFUSED: ErrorResponse = public(
    "HUB106",
    403,
    "The form was not sent from a page of this session.",
    "Reload the page and submit the form again.",
);
pub(super) const HANDSHAKE_FAILED: ErrorResponse = public(
    "HUB107",
    401,
    "Sign-in could not be completed.",
    "Allow cookies for this site and reload the page. If the problem persists, send the operator the request id.",
);
pub(super) const PAGE_SESSION_REVOKED: ErrorResponse =
    public("HUB108", 401, "Your session has ended.", "Sign in again. If you did not sign out, tell the operator.");
pub(super) const CLERK_SIGN_OUT_FAILED: ErrorResponse = public(
    "HUB109",
    502,
    "You are signed out here, but the sign-out at Clerk failed.",
    "Open the sign-out page again in a moment.",
);
pub(super) const SIGN_OUT_UNKNOWN: ErrorResponse = public(
    "HUB110",
    401,
    "No session was ended, because this browser has none that can be verified.",
    "Open the account page and sign out from there; if it asks you to sign in, this browser is signed out.",
);
pub(super) const COOKIES_TOO_MANY: ErrorResponse = public(
    "HUB111",
    431,
    "The request has too many cookies.",
    "Delete the cookies of this site and of its parent domain, then reload the page.",
);
pub(super) const FORBIDDEN: ErrorResponse =
    public("HUB201", 403, "Forbidden for your role.", "Ask an administrator for a role with this permission.");
pub(super) const RESOURCE_NOT_FOUND: ErrorResponse = public(
    "HUB202",
    404,
    "Table or function not found.",
    "GET /rest/v1/ lists the tables and functions of this session.",
);
pub(super) const REVERIFICATION_REQUIRED: ErrorResponse = public(
    "HUB203",
    403,
    "Recent re-verification required.",
    "Verify as clerk_error specifies (Clerk's useReverification does), then retry with a new token.",
);
pub(super) const IMPERSONATED: ErrorResponse =
    public("HUB204", 403, "Impersonated sessions are read-only.", "Sign in as yourself to make changes.");
pub(super) const UPSTREAM_UNREACHABLE: ErrorResponse =
    public("HUB401", 502, "The database is unreachable.", "Retry in a moment.");
pub(super) const UPSTREAM_TIMEOUT: ErrorResponse = public(
    "HUB402",
    504,
    "The database did not respond in time.",
    "Check whether a change was made before you retry it.",
);
pub(super) const UPSTREAM_BUSY: ErrorResponse =
    public("HUB403", 503, "The database is busy or restarting.", "Retry after the time in the Retry-After header.");
pub(super) const UPSTREAM_INVALID_RESPONSE: ErrorResponse =
    public("HUB404", 502, "The database returned an invalid response.", "Send the operator the request id.");
pub(super) const REQUEST_LOG_UNAVAILABLE: ErrorResponse =
    public("HUB405", 503, "The request was rejected, because it could not be recorded.", "Retry in a moment.");
pub(super) const CLERK_UNAVAILABLE: ErrorResponse =
    public("HUB406", 503, "Clerk is unavailable; nothing was done.", "Retry after the time in the Retry-After header.");
pub(super) const CLERK_REVOCATION_INCOMPLETE: ErrorResponse = public(
    "HUB407",
    502,
    "The user is rejected here for ten minutes, but Clerk has not ended every session.",
    "Call the function again; it is idempotent.",
);
pub(super) const INTERNAL: ErrorResponse =
    public("HUB500", 500, "Internal server error.", "Send the operator the request id.");
