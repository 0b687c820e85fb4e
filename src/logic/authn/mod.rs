//! Authentication: Clerk's session tokens and cookies, the JWKS, CSRF tokens, and the tokens that the database accepts.

pub mod bearer_token;
pub mod browser_session;
pub mod csrf;
pub mod database_token;
pub mod jwks;
pub mod password_fields;
pub mod session_token;
pub mod shared_jwks;
