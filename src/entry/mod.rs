//! The doors: the Workers events, the tables of routes, jobs and queues, and the way of a request through the Hub.

pub mod answer;
mod course;
// A browser has no `cloudflare:workers` to import.
#[cfg(all(target_arch = "wasm32", not(feature = "open")))]
mod events;
pub mod jobs;
mod page;
pub mod queue;
pub mod queues;
pub mod routes;
pub mod schedule;
