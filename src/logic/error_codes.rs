//! The public part of each error: the rows of the table in docs/errors.md.

use strum::VariantArray;

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

pub(super) const fn public(
    code: &'static str,
    status: u16,
    message: &'static str,
    hint: &'static str,
) -> ErrorResponse {
    ErrorResponse { code, status, message, hint }
}

/// The Hub's own rows (`HUB3…` are the query firewall's, [`QueryErrorKind`](super::query::QueryErrorKind)), in the order
/// of docs/errors.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum ErrorCode {
    /// `HUB001`
    InsecureTransport,
    /// `HUB002`
    TlsTooOld,
    /// `HUB003`
    PathRefused,
    /// `HUB004`
    HeaderRefused,
    /// `HUB005`
    BodyTooLarge,
    /// `HUB006`
    RouteUnknown,
    /// `HUB007`
    MethodNotAllowed,
    /// `HUB008`
    OriginRefused,
    /// `HUB009`
    BodyInterrupted,
    /// `HUB010`
    HostRefused,
    /// `HUB011`
    Busy,
    /// `HUB101`
    CredentialMissing,
    /// `HUB102`
    CredentialMalformed,
    /// `HUB103`
    TokenRefused,
    /// `HUB104`
    JwksUnavailable,
    /// `HUB105`
    WebhookRefused,
    /// `HUB106`
    FormRefused,
    /// `HUB107`
    HandshakeFailed,
    /// `HUB108`
    PageSessionRevoked,
    /// `HUB109`
    ClerkSignOutFailed,
    /// `HUB110`
    SignOutUnknown,
    /// `HUB111`
    CookiesTooMany,
    /// `HUB201`
    Forbidden,
    /// `HUB202`
    ResourceNotFound,
    /// `HUB203`
    ReverificationRequired,
    /// `HUB204`
    Impersonated,
    /// `HUB401`
    UpstreamUnreachable,
    /// `HUB402`
    UpstreamTimeout,
    /// `HUB403`
    UpstreamBusy,
    /// `HUB404`
    UpstreamInvalidResponse,
    /// `HUB405`
    RequestLogUnavailable,
    /// `HUB406`
    ClerkUnavailable,
    /// `HUB407`
    ClerkRevocationIncomplete,
    /// `HUB500`
    Internal,
}

impl ErrorCode {
    /// Returns the row.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one arm per code")]
    pub const fn response(self) -> ErrorResponse {
        match self {
            Self::InsecureTransport => public(
                "HUB001",
                403,
                "HTTPS is required.",
                "Revoke any credential in this request, because it was sent unencrypted, then use https.",
            ),
            Self::TlsTooOld => {
                public("HUB002", 403, "The connection's TLS version is too old.", "Connect with TLS 1.3.")
            }
            Self::PathRefused => public(
                "HUB003",
                400,
                "The path contains characters or segments that are not allowed.",
                "Remove dot segments, double slashes, backslashes and percent signs, and keep the URL under 8192 bytes.",
            ),
            Self::HeaderRefused => public(
                "HUB004",
                400,
                "The request has a header that is not allowed.",
                "Remove headers with underscores in their names, x-hub-… headers and headers that override the method or the URL.",
            ),
            Self::BodyTooLarge => public(
                "HUB005",
                413,
                "The body is too large.",
                "Send at most 128 KiB, or 1 MiB as an array of rows; split an insert into several.",
            ),
            Self::RouteUnknown => {
                public("HUB006", 404, "Not found.", "The API is at /rest/v1/{table} and /rest/v1/rpc/{function}.")
            }
            Self::MethodNotAllowed => {
                public("HUB007", 405, "Method not allowed.", "The Allow header lists the supported methods.")
            }
            Self::OriginRefused => public(
                "HUB008",
                403,
                "This origin is not allowed.",
                "Ask the operator to list the origin in CLERK_AUTHORIZED_PARTIES.",
            ),
            Self::BodyInterrupted => public("HUB009", 400, "The request body ended early.", "Send the request again."),
            Self::HostRefused => public(
                "HUB010",
                421,
                "The host is not the host of this API.",
                "Use the address that your operator gave you.",
            ),
            Self::Busy => public(
                "HUB011",
                503,
                "Too many large requests are being processed.",
                "Retry after the time in the Retry-After header.",
            ),
            Self::CredentialMissing => public(
                "HUB101",
                401,
                "Authentication required.",
                "Send Clerk's session token in the header Authorization: Bearer.",
            ),
            Self::CredentialMalformed => public(
                "HUB102",
                400,
                "The Authorization header is malformed.",
                "Send one Authorization header: Bearer, one space, the session token.",
            ),
            Self::TokenRefused => {
                public("HUB103", 401, "Invalid session token.", "Get a new token from Clerk and retry.")
            }
            Self::JwksUnavailable => public(
                "HUB104",
                503,
                "Tokens cannot be verified right now.",
                "Retry after the time in the Retry-After header; the token itself was not checked.",
            ),
            Self::WebhookRefused => public(
                "HUB105",
                400,
                "Webhook verification failed.",
                "Sign the message as Standard Webhooks specifies, and send it within five minutes.",
            ),
            Self::FormRefused => public(
                "HUB106",
                403,
                "The form was not sent from a page of this session.",
                "Reload the page and submit the form again.",
            ),
            Self::HandshakeFailed => public(
                "HUB107",
                401,
                "Sign-in could not be completed.",
                "Allow cookies for this site and reload the page. If the problem persists, send the operator the request id.",
            ),
            Self::PageSessionRevoked => public(
                "HUB108",
                401,
                "Your session has ended.",
                "Sign in again. If you did not sign out, tell the operator.",
            ),
            Self::ClerkSignOutFailed => public(
                "HUB109",
                502,
                "You are signed out here, but the sign-out at Clerk failed.",
                "Open the sign-out page again in a moment.",
            ),
            Self::SignOutUnknown => public(
                "HUB110",
                401,
                "No session was ended, because this browser has none that can be verified.",
                "Open the account page and sign out from there; if it asks you to sign in, this browser is signed out.",
            ),
            Self::CookiesTooMany => public(
                "HUB111",
                431,
                "The request has too many cookies.",
                "Delete the cookies of this site and of its parent domain, then reload the page.",
            ),
            Self::Forbidden => public(
                "HUB201",
                403,
                "Forbidden for your role.",
                "Ask an administrator for a role with this permission.",
            ),
            Self::ResourceNotFound => public(
                "HUB202",
                404,
                "Table or function not found.",
                "GET /rest/v1/ lists the tables and functions of this session.",
            ),
            Self::ReverificationRequired => public(
                "HUB203",
                403,
                "Recent re-verification required.",
                "Verify as clerk_error specifies (Clerk's useReverification does), then retry with a new token.",
            ),
            Self::Impersonated => {
                public("HUB204", 403, "Impersonated sessions are read-only.", "Sign in as yourself to make changes.")
            }
            Self::UpstreamUnreachable => public("HUB401", 502, "The database is unreachable.", "Retry in a moment."),
            Self::UpstreamTimeout => public(
                "HUB402",
                504,
                "The database did not respond in time.",
                "Check whether a change was made before you retry it.",
            ),
            Self::UpstreamBusy => public(
                "HUB403",
                503,
                "The database is busy or restarting.",
                "Retry after the time in the Retry-After header.",
            ),
            Self::UpstreamInvalidResponse => {
                public("HUB404", 502, "The database returned an invalid response.", "Send the operator the request id.")
            }
            Self::RequestLogUnavailable => public(
                "HUB405",
                503,
                "The request was rejected, because it could not be recorded.",
                "Retry in a moment.",
            ),
            Self::ClerkUnavailable => public(
                "HUB406",
                503,
                "Clerk is unavailable; nothing was done.",
                "Retry after the time in the Retry-After header.",
            ),
            Self::ClerkRevocationIncomplete => public(
                "HUB407",
                502,
                "The user is rejected here for ten minutes, but Clerk has not ended every session.",
                "Call the function again; it is idempotent.",
            ),
            Self::Internal => public("HUB500", 500, "Internal server error.", "Send the operator the request id."),
        }
    }
}
