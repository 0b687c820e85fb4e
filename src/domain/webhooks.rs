//! The webhook catalogue: one row per message type on which the Hub acts. Any other is recorded and has no effect.

/// A message type of Clerk's and its effect (I-2).
#[derive(Debug)]
pub struct Webhook {
    /// `type` of the message.
    pub event: &'static str,
    /// Its effect.
    pub effect: Effect,
}

/// The effect of a message on sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `data.id` is a session that ended.
    EndSession,
    /// A user left an organization.
    EndMembership,
    /// A user joined an organization, perhaps again.
    BeginMembership,
    /// `data.id` is a user whose ban, lock or role may have changed.
    JudgeUser,
    /// `data.id` is a user or an organization that was deleted.
    Remove,
}

impl Webhook {
    /// Returns the row of this type.
    #[must_use]
    pub fn named(event: &str) -> Option<&'static Self> {
        WEBHOOKS.iter().find(|webhook| webhook.event == event)
    }
}

const fn on(event: &'static str, effect: Effect) -> Webhook {
    Webhook { event, effect }
}

/// Every type that has an effect. The endpoint at Clerk subscribes to these.
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
