//! The webhook catalogue: one row a message type that the Hub acts on. Any other is remembered and does nothing.

/// A message type of Clerk's and what it does here (I-2).
#[derive(Debug)]
pub struct Webhook {
    /// `type` of the message.
    pub event: &'static str,
    /// What it does.
    pub effect: Effect,
}

/// What a message does to sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `data.id` is a session that is over.
    EndSession,
    /// A user left an organization.
    EndMembership,
    /// A user joined an organization, perhaps again.
    BeginMembership,
    /// `data.id` is a user who may be banned, locked or of another role now, or no longer.
    JudgeUser,
    /// `data.id` is a user or an organization that is gone.
    Remove,
}

impl Webhook {
    /// The row of this type.
    #[must_use]
    pub fn named(event: &str) -> Option<&'static Self> {
        WEBHOOKS.iter().find(|webhook| webhook.event == event)
    }
}

const fn on(event: &'static str, effect: Effect) -> Webhook {
    Webhook { event, effect }
}

/// Every type that does something. The endpoint at Clerk subscribes to these.
///
/// Source: <https://clerk.com/docs/guides/development/webhooks/overview>
pub const WEBHOOKS: &[Webhook] = &[
    on("organization.deleted", Effect::Remove),
    on("organizationMembership.created", Effect::BeginMembership),
    on("organizationMembership.deleted", Effect::EndMembership),
    on("session.ended", Effect::EndSession),
    on("session.removed", Effect::EndSession),
    on("session.revoked", Effect::EndSession),
    on("user.deleted", Effect::Remove),
    on("user.updated", Effect::JudgeUser),
];
