//! The stateful parts of one isolate: sessions and keys, clients of Clerk and the database, the request log.

pub mod app_state;
pub mod browser_session;
pub mod clerk_client;
pub mod database_client;
pub mod database_token_issuer;
pub mod exposed_sessions;
pub mod jwks_cache;
pub mod rate_limiter;
pub mod request_bodies;
pub mod request_context;
pub mod request_log;
pub mod request_log_rows;
pub mod session_verifier;
