//! Pure decisions: value in, value out; time and randomness are arguments.

pub mod authn;
pub mod authz;
pub mod config;
pub mod error;
pub mod error_codes;
pub mod http;
pub mod keyed_hash;
pub mod openapi;
pub mod query;
pub mod request_log_batch;
pub mod strict_json;
pub mod views;
pub mod webhook;
