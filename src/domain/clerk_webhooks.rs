//! The webhook catalogue: one row per message type on which the Hub acts. Any other is recorded and has no effect.

/// A message type of Clerk's and its effect (I-2).
#[derive(Debug)]
pub struct ClerkWebhook {
    /// `type` of the message.
    pub event: &'static str,
    /// Its effect.
    pub effect: ClerkEventEffect,
}

/// The effect of a message on sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClerkEventEffect {
    /// `data.id` is a session that ended.
    EndSession,
    /// A user left an organization.
    RevokeMembership,
    /// A user joined an organization, perhaps again.
    RestoreMembership,
    /// `data.id` is a user whose ban, lock or role may have changed.
    SyncUserStatus,
    /// `data.id` is a user or an organization that was deleted.
    RevokeSubject,
}

impl ClerkWebhook {
    /// Returns the row of this type.
    #[must_use]
    pub fn by_name(event: &str) -> Option<&'static Self> {
        WEBHOOKS.iter().find(|webhook| webhook.event == event)
    }
}

const fn on(event: &'static str, effect: ClerkEventEffect) -> ClerkWebhook {
    ClerkWebhook { event, effect }
}

/// Every type that has an effect. The endpoint at Clerk subscribes to these.
///
/// Source: <https://clerk.com/docs/guides/development/webhooks/overview>
pub const WEBHOOKS: &[ClerkWebhook] = &[
    on("organization.deleted", ClerkEventEffect::RevokeSubject),
    on("organizationMembership.created", ClerkEventEffect::RestoreMembership),
    on("organizationMembership.deleted", ClerkEventEffect::RevokeMembership),
    on("session.ended", ClerkEventEffect::EndSession),
    on("session.removed", ClerkEventEffect::EndSession),
    on("session.revoked", ClerkEventEffect::EndSession),
    on("user.deleted", ClerkEventEffect::RevokeSubject),
    on("user.updated", ClerkEventEffect::SyncUserStatus),
];
