//! Pure decisions: values in, values out; time and randomness are arguments.

pub mod address;
pub mod batch;
pub mod boundary;
pub mod clerk_event;
pub mod config;
pub mod cookies;
pub mod credentials;
pub mod csrf;
pub mod fault;
pub mod json;
pub mod jwks;
pub mod openapi;
pub mod password;
pub mod policy;
pub mod postgrest;
pub mod refusal;
pub mod reply;
pub mod return_to;
pub mod row_refusal;
pub mod shared_set;
pub mod signature;
pub mod token;
pub mod upstream_token;
pub mod vars;
pub mod views;
pub mod visit;
