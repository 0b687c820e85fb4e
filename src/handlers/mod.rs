//! The handlers of the routes, jobs and queues: a file per audience or job. They never use each other.

pub mod account;
pub mod alerts;
pub mod clerk;
pub mod data;
pub mod description;
pub mod health;
pub mod house;
pub mod public;
pub mod requests;
pub mod revocation;
