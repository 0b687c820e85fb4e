//! The Hub: a Worker that makes each promise of a studio's security page true by mechanism.

pub mod domain;
pub mod logic;
pub mod platform;
