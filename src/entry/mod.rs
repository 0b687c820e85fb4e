//! The doors: the Workers events, the tables of routes and jobs, and the way of a request through the Hub.

pub mod answer;
mod course;
#[cfg(target_arch = "wasm32")]
mod events;
pub mod jobs;
pub mod routes;
pub mod schedule;
