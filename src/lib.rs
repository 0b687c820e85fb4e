//! A Cloudflare Worker in front of Supabase's PostgREST that enforces a studio's security promises in code.

#![cfg_attr(doc, doc = include_str!("../docs/architecture.md"))]

// The deployed build keeps its layers private, so that a handler without a route or a guard without a caller is dead
// code and fails the lints. For the tests all layers are public.

#[cfg(deployed)]
mod domain;
#[cfg(deployed)]
mod entry;
#[cfg(deployed)]
mod handlers;
#[cfg(deployed)]
mod logic;
#[cfg(deployed)]
mod runtime;
#[cfg(deployed)]
mod services;

#[cfg(not(deployed))]
pub mod domain;
#[cfg(not(deployed))]
pub mod entry;
#[cfg(not(deployed))]
pub mod handlers;
#[cfg(not(deployed))]
pub mod logic;
#[cfg(not(deployed))]
pub mod runtime;
#[cfg(not(deployed))]
pub mod services;
