//! The machine that tests run on: a clock that is set, keys in pure Rust, upstreams that answer as told.
