//! The exact reason of an error, which only the log contains.

use super::Error;
use std::error::Error as _;

impl Error {
    /// Returns the exact reason, for the log only; `None` if the code alone is exact.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Credential(_)
            | Self::CsrfRejected(_)
            | Self::Database(_)
            | Self::Query(_)
            | Self::Token(_)
            | Self::Webhook(_) => self.source().map(ToString::to_string),
            Self::SessionRevoked => Some("session-revoked".to_owned()),
            Self::UpstreamRejected(why, text) => Some(format!("{why}: {text}")),
            Self::HandshakeFailed(why) => Some((*why).to_owned()),
            Self::UpstreamInvalidResponse(violation) => Some(violation.to_string()),
            Self::WebhookMalformed => Some("message-malformed".to_owned()),
            Self::BodyInterrupted
            | Self::BodyTooLarge
            | Self::Busy
            | Self::ClerkRevocationIncomplete
            | Self::ClerkSignOutFailed
            | Self::ClerkUnavailable
            | Self::Configuration
            | Self::CookiesTooMany
            | Self::HeaderRefused
            | Self::HostRefused
            | Self::InsecureTransport
            | Self::JwksUnavailable(_)
            | Self::MethodNotAllowed(_)
            | Self::OriginRefused
            | Self::PageSessionRevoked
            | Self::PasswordInRequest
            | Self::PathRefused
            | Self::Policy(_)
            | Self::RequestLogUnavailable
            | Self::RouteUnknown
            | Self::RuntimeFailed
            | Self::SignOutUnknown
            | Self::TemplateFailed
            | Self::TlsTooOld
            | Self::UpstreamBusy
            | Self::UpstreamTimeout
            | Self::UpstreamUnreachable => None,
        }
    }
}
