//! Pure decisions: value in, value out; time and randomness are arguments.

pub mod boundary;
pub mod clerk_event;
pub mod config;
pub mod credentials;
pub mod fault;
pub mod json;
pub mod jwks;
pub mod policy;
pub mod postgrest;
pub mod refusal;
pub mod reply;
pub mod signature;
pub mod token;
pub mod upstream_token;
pub mod vars;
pub mod views;
