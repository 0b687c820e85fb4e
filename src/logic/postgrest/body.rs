//! Bodies of changes and calls: the columns or arguments they name, how many rows, and values that fit (A-1, I-1).

use super::{
    fault::{QueryFault, Rule},
    value::{fits, takes},
};
use crate::{
    domain::{
        functions::{Argument, Function},
        tables::Table,
    },
    logic::{json, password},
};
use serde_json::{Map, Value};

/// What a body must be.
#[derive(Debug)]
pub enum Body {
    /// The arguments of a function.
    Arguments(&'static Function),
    /// There is none.
    None,
    /// One change to a row: an object of these columns.
    Row {
        /// The table.
        table: &'static Table,
        /// What may be changed.
        columns: &'static [&'static str],
    },
    /// A new row, or an array of them.
    Rows {
        /// The table.
        table: &'static Table,
        /// What may be named.
        columns: &'static [&'static str],
    },
}

impl Body {
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, bytes: &[u8]) -> Result<(), QueryFault> {
        if matches!(self, Self::None) {
            return Ok(());
        }
        // A call without arguments may have no body at all.
        let bytes = if bytes.is_empty() && matches!(self, Self::Arguments(_)) { b"{}" } else { bytes };
        // I-1: a password that was typed here by mistake is refused by name, deeper than any body of ours too.
        let value = json::strict(bytes, 64).map_err(|_| QueryFault::from(Rule::BodyMalformed))?;
        if password::in_json(&value) {
            return Err(Rule::PasswordRefused.into());
        }
        if json::depth(&value) > DEEPEST {
            return Err(Rule::BodyMalformed.into());
        }
        match (self, &value) {
            (Self::None, _) => Ok(()),
            (Self::Arguments(function), Value::Object(arguments)) => called(function, arguments),
            (Self::Row { .. }, Value::Object(row)) if row.is_empty() => Err(Rule::BodyMalformed.into()),
            (Self::Row { table, columns } | Self::Rows { table, columns }, Value::Object(row)) => {
                named(table, columns, row)
            }
            (Self::Rows { .. }, Value::Array(rows)) if rows.len() > MOST_ROWS => Err(Rule::RowsTooMany.into()),
            (Self::Rows { .. }, Value::Array(rows)) if rows.is_empty() => Err(Rule::BodyMalformed.into()),
            (Self::Rows { table, columns }, Value::Array(rows)) => rows.iter().try_for_each(|row| match row {
                Value::Object(row) => named(table, columns, row),
                _ => Err(Rule::BodyMalformed.into()),
            }),
            _ => Err(Rule::BodyMalformed.into()),
        }
    }
}

fn named(table: &Table, columns: &[&str], row: &Map<String, Value>) -> Result<(), QueryFault> {
    for (name, value) in row {
        let column = table.column(name).filter(|_| columns.contains(&name.as_str()));
        let column = column.ok_or_else(|| QueryFault::new(Rule::ColumnRefused, name))?;
        if !takes(column.kind, value) {
            return Err(QueryFault::new(Rule::ValueMalformed, name));
        }
    }
    Ok(())
}

fn called(function: &Function, arguments: &Map<String, Value>) -> Result<(), QueryFault> {
    for (name, value) in arguments {
        let argument = argument(function, name).ok_or_else(|| QueryFault::new(Rule::ArgumentUnknown, name))?;
        if !takes(argument.kind, value) {
            return Err(QueryFault::new(Rule::ValueMalformed, name));
        }
    }
    match function.arguments.iter().find(|argument| argument.required && !arguments.contains_key(argument.name)) {
        Some(missing) => Err(QueryFault::new(Rule::ArgumentMissing, missing.name)),
        None => Ok(()),
    }
}

const DEEPEST: u8 = 3;

/// The argument with this name.
#[must_use]
pub fn argument(function: &Function, name: &str) -> Option<&'static Argument> {
    function.arguments.iter().find(|argument| argument.name == name)
}

/// Checks an argument that stands in the query.
///
/// # Errors
/// `ArgumentUnknown`, `ValueMalformed`.
pub fn check_argument(function: &Function, name: &str, text: &str) -> Result<(), QueryFault> {
    let argument = argument(function, name).ok_or_else(|| QueryFault::new(Rule::ArgumentUnknown, name))?;
    if fits(argument.kind, text) { Ok(()) } else { Err(QueryFault::new(Rule::ValueMalformed, name)) }
}

/// The `columns` that supabase-js sends with an array: quoted names, each one that may be inserted.
///
/// # Errors
/// `ColumnRefused`.
pub fn columns(text: &str, insertable: &'static [&'static str]) -> Result<Vec<&'static str>, QueryFault> {
    text.split(',')
        .map(|name| {
            let name = name.trim().trim_matches('"');
            let known = insertable.iter().find(|known| **known == name);
            known.copied().ok_or_else(|| QueryFault::new(Rule::ColumnRefused, name))
        })
        .collect()
}

const MOST_ROWS: usize = 100;
