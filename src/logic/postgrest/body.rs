//! Bodies of changes and calls: names of columns or arguments, number of rows, and types of values (A-1, I-1).

use super::{
    fault::{QueryFault, Rule},
    value::{takes, typed},
};
use crate::{
    domain::{
        functions::{Argument, Function},
        tables::Table,
    },
    logic::{json, password},
};
use serde_json::{Map, Value};

/// The expected form of a body.
#[derive(Debug)]
pub enum Body {
    /// The arguments of a function.
    Arguments(&'static Function),
    /// No body.
    None,
    /// One change to a row: an object of these columns.
    Row {
        /// The table.
        table: &'static Table,
        /// The columns that may be changed.
        columns: &'static [&'static str],
    },
    /// A new row, or an array of them.
    Rows {
        /// The table.
        table: &'static Table,
        /// The columns that may be named.
        columns: &'static [&'static str],
    },
}

impl Body {
    /// Returns the maximum length of this body, in bytes, before it is read.
    pub const fn longest(&self) -> usize {
        match self {
            Self::Rows { .. } => LONGEST_ROWS,
            Self::Arguments(_) | Self::None | Self::Row { .. } => LONGEST_ROW,
        }
    }

    /// Returns whether a body is within the maximum length of its actual form: an array of rows, or one row.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let is_array = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        bytes.len() <= if is_array { self.longest() } else { LONGEST_ROW }
    }

    /// # Errors
    /// The first violated rule.
    pub fn check(&self, bytes: &[u8]) -> Result<(), QueryFault> {
        if matches!(self, Self::None) {
            return Ok(());
        }
        // A call without arguments may have no body at all.
        let bytes = if bytes.is_empty() && matches!(self, Self::Arguments(_)) { b"{}" } else { bytes };
        // I-1: a password sent by mistake is rejected by name, also below the maximum depth of the Hub's own bodies.
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

fn named(table: &Table, columns: &'static [&'static str], row: &Map<String, Value>) -> Result<(), QueryFault> {
    for (name, value) in row {
        let column = table.column(name).filter(|_| columns.contains(&name.as_str()));
        let column = column.ok_or_else(|| QueryFault::new(Rule::ColumnRefused, name).among(columns))?;
        if !takes(column.kind, value) {
            return Err(QueryFault::new(Rule::ValueMalformed, name));
        }
    }
    Ok(())
}

fn called(function: &Function, arguments: &Map<String, Value>) -> Result<(), QueryFault> {
    for (name, value) in arguments {
        let argument = argument(function, name).ok_or_else(|| QueryFault::new(Rule::ArgumentUnknown, name))?;
        if !takes(argument.kind, value) || (argument.required && value.is_null()) {
            return Err(QueryFault::new(Rule::ValueMalformed, name));
        }
    }
    match function.arguments.iter().find(|argument| argument.required && !arguments.contains_key(argument.name)) {
        Some(missing) => Err(QueryFault::new(Rule::ArgumentMissing, missing.name)),
        None => Ok(()),
    }
}

const DEEPEST: u8 = 3;

/// Returns the argument with this name.
#[must_use]
pub fn argument(function: &Function, name: &str) -> Option<&'static Argument> {
    function.arguments.iter().find(|argument| argument.name == name)
}

/// Returns the arguments of a query as the JSON object that is sent upstream: `PostgREST` would interpret one whose
/// text begins like an operator as a filter.
///
/// # Errors
/// `ArgumentMissing`, `ArgumentUnknown`, `ValueMalformed`.
pub fn arguments(function: &Function, written: &[(String, String)]) -> Result<String, QueryFault> {
    let mut object = Map::new();
    for (name, text) in written {
        let argument = argument(function, name).ok_or_else(|| QueryFault::new(Rule::ArgumentUnknown, name))?;
        let value = typed(argument.kind, text).ok_or_else(|| QueryFault::new(Rule::ValueMalformed, name))?;
        object.insert(name.clone(), value);
    }
    called(function, &object)?;
    Ok(Value::Object(object).to_string())
}

/// Parses the `columns` that supabase-js sends with an array: quoted names of columns that may be inserted.
///
/// # Errors
/// `ColumnRefused`.
pub fn columns(text: &str, insertable: &'static [&'static str]) -> Result<Vec<&'static str>, QueryFault> {
    text.split(',')
        .map(|name| {
            let name = name.trim().trim_matches('"');
            let known = insertable.iter().find(|known| **known == name);
            known.copied().ok_or_else(|| QueryFault::new(Rule::ColumnRefused, name).among(insertable))
        })
        .collect()
}

const MOST_ROWS: usize = 100;
const LONGEST_ROW: usize = 128 * 1024;
const LONGEST_ROWS: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{functions::FUNCTIONS, tables::Kind};

    fn good(kind: Kind) -> Value {
        match kind {
            Kind::Boolean => Value::Bool(true),
            Kind::Integer => Value::from(3),
            Kind::Texts => Value::Array(Vec::new()),
            Kind::Timestamp => Value::from("2026-01-01"),
            Kind::Uuid => Value::from("00000000-0000-4000-8000-000000000000"),
            Kind::Bytes | Kind::Json | Kind::Text => Value::from("x"),
        }
    }

    /// A lock that may be null has no effect: every required argument of every function has a value, by POST as by GET.
    #[test]
    fn null_never_fits_a_required_argument() {
        for function in FUNCTIONS {
            for argument in function.arguments {
                let mut body: Map<String, Value> =
                    function.arguments.iter().map(|other| (other.name.to_owned(), good(other.kind))).collect();
                body.insert(argument.name.to_owned(), Value::Null);
                let found = called(function, &body);
                let fits = !argument.required && function.arguments.iter().all(|other| other.kind != Kind::Json);
                if argument.required {
                    let jsons = function.arguments.iter().any(|other| other.kind == Kind::Json);
                    assert!(found.is_err(), "{} {}", function.name, argument.name);
                    assert!(jsons || found == Err(QueryFault::new(Rule::ValueMalformed, argument.name)));
                } else if fits {
                    assert_eq!(found, Ok(()), "{} {}", function.name, argument.name);
                }
            }
        }
    }

    /// A text is an argument, whatever its beginning.
    #[test]
    fn arguments_of_a_query_become_a_typed_body() {
        let search = Function::named("search_tickets").unwrap();
        for words in ["eq.x", "is.null", "in.(a)", "like.x", "not.eq.x", "a\"b", ""] {
            let body = arguments(search, &[("words".to_owned(), words.to_owned())]).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), serde_json::json!({ "words": words }));
        }
        let mine = Function::named("my_activity").unwrap();
        let body = arguments(mine, &[("most".to_owned(), "7".to_owned())]);
        assert_eq!(body, Ok("{\"most\":7}".to_owned()));
        assert_eq!(arguments(search, &[]), Err(QueryFault::new(Rule::ArgumentMissing, "words")));
        let bad = arguments(mine, &[("most".to_owned(), "x".to_owned())]);
        assert_eq!(bad, Err(QueryFault::new(Rule::ValueMalformed, "most")));
    }
}
