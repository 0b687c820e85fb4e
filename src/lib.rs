//! A Cloudflare Worker in front of Supabase's PostgREST that enforces a studio's security promises in code.

#![cfg_attr(doc, doc = include_str!("../docs/architecture.md"))]

// The deployed build keeps its layers private, so that a handler without a route or a guard without a caller is dead
// code and fails the lints. For the tests all layers are public.

#[cfg(all(target_arch = "wasm32", not(feature = "test-internals")))]
mod domain;
#[cfg(all(target_arch = "wasm32", not(feature = "test-internals")))]
mod entry;
#[cfg(all(target_arch = "wasm32", not(feature = "test-internals")))]
mod handlers;
#[cfg(all(target_arch = "wasm32", not(feature = "test-internals")))]
mod logic;
#[cfg(all(target_arch = "wasm32", not(feature = "test-internals")))]
mod runtime;
#[cfg(all(target_arch = "wasm32", not(feature = "test-internals")))]
mod services;

#[cfg(any(not(target_arch = "wasm32"), feature = "test-internals"))]
pub mod domain;
#[cfg(any(not(target_arch = "wasm32"), feature = "test-internals"))]
pub mod entry;
#[cfg(any(not(target_arch = "wasm32"), feature = "test-internals"))]
pub mod handlers;
#[cfg(any(not(target_arch = "wasm32"), feature = "test-internals"))]
pub mod logic;
#[cfg(any(not(target_arch = "wasm32"), feature = "test-internals"))]
pub mod runtime;
#[cfg(any(not(target_arch = "wasm32"), feature = "test-internals"))]
pub mod services;
