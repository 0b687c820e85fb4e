//! The Workers side.
