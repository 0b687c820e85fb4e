//! Pure decisions: value in, value out; time and randomness are arguments.

pub mod config;
pub mod views;
