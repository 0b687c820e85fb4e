//! HTTP: checks of a request, cookies, redirects, and the response with its headers.

pub mod client_ip;
pub mod cookies;
pub mod query_string;
pub mod redirect_url;
pub mod request_checks;
pub mod request_url;
pub mod response;
