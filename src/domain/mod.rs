//! Types shared by every layer: audiences, the table catalogue, errors. No clock, no randomness, no I/O.

pub mod access;
pub mod clerk_webhooks;
pub mod functions;
pub mod headers;
pub mod ids;
pub mod lifetimes;
pub mod method;
pub mod secret;
pub mod session;
pub mod tables;
pub mod time;
pub mod upstreams;
