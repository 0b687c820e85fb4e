//! Webhooks: the signature of a message and the meaning of Clerk's events.

pub mod clerk_event;
pub mod signature;
