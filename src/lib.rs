#![doc = include_str!("../README.md")]

mod domain;
mod entry;
mod handlers;
mod logic;
mod platform;

pub use domain::{functions::FUNCTIONS, tables::TABLES};
pub use logic::{
    fault::{PUBLIC, Public},
    postgrest::Rule,
    vars::{Absent, VARS, Var, VarKind},
};
