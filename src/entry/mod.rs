//! The entry points: the Workers events, the tables of routes, jobs and queues, and the processing of a request.

mod error_response;
pub mod handle_request;
pub mod incoming_request;
// Browsers do not provide `cloudflare:workers`.
pub mod jobs;
mod page_request;
pub mod queue_consumer;
pub mod queues;
mod record_request;
pub mod routes;
pub mod scheduled;
#[cfg(deployed)]
mod worker;
