//! The handlers of the routes, jobs and queues: a file per audience or job. They never use each other.

pub mod account_pages;
pub mod alerts;
pub mod clerk_webhook;
pub mod health;
pub mod maintenance;
pub mod openapi;
pub mod proxy;
pub mod public_pages;
pub mod request_log_consumer;
pub mod revocation;
