//! The entry points: the Workers events, the tables of routes, jobs and queues, and the processing of a request.

pub mod answer;
mod course;
// Browsers do not provide `cloudflare:workers`.
#[cfg(all(target_arch = "wasm32", not(feature = "open")))]
mod events;
pub mod jobs;
mod page;
pub mod queue;
pub mod queues;
pub mod routes;
pub mod schedule;
