//! The whole program on a fake runtime: every route and persona, every rejected token and query.
//!
//! Golden files are compared; `UPDATE_GOLDEN=1 cargo test --test integration` rewrites them, and the difference must be
//! reviewed.

#![expect(
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::type_complexity,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, and every upstream response is a Result"
)]

mod access;
mod bodies;
mod browser_sessions;
mod cancellation;
mod description;
mod export;
mod harness;
mod health;
mod jar;
mod jobs;
mod key_rotation;
mod keys;
mod logging;
mod passwords;
mod query_firewall;
mod queue;
mod recording;
mod request_checks;
mod request_log;
mod reread;
mod responses;
mod rotation;
mod shares;
mod slow_bodies;
mod step_up;
mod tokens;
mod transport;
#[expect(dead_code, reason = "the test compares the files and needs no main function")]
#[path = "../../dev/types.rs"]
mod types;
mod webhooks;
