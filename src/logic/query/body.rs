//! Bodies of changes and calls: names of columns or arguments, number of rows, and types of values (A-1, I-1).

use super::value::{is_valid_json_value, typed};
use crate::{
    domain::{
        functions::{Argument, Function},
        tables::Table,
    },
    logic::{
        authn::password_fields,
        query::error::{QueryError, QueryErrorKind},
        strict_json,
    },
};
use serde_json::{Map, Value};

/// The expected form of a body.
#[derive(Debug)]
pub enum BodySchema {
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

impl BodySchema {
    /// Returns the maximum length of this body, in bytes, before it is read.
    pub const fn max_bytes(&self) -> usize {
        match self {
            Self::Rows { .. } => MAX_ROWS_BYTES,
            Self::Arguments(_) | Self::None | Self::Row { .. } => MAX_ROW_BYTES,
        }
    }

    /// Returns whether a body is within the maximum length of its actual form: an array of rows, or one row.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let is_array = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        bytes.len() <= if is_array { self.max_bytes() } else { MAX_ROW_BYTES }
    }

    /// # Errors
    /// The first violated rule.
    pub fn check(&self, bytes: &[u8]) -> Result<(), QueryError> {
        if matches!(self, Self::None) {
            return Ok(());
        }
        // A call without arguments may have no body at all.
        let bytes = if bytes.is_empty() && matches!(self, Self::Arguments(_)) { b"{}" } else { bytes };
        // I-1: a password sent by mistake is rejected by name, also below the maximum depth of the Hub's own bodies.
        let value =
            strict_json::parse_strict(bytes, 64).map_err(|_| QueryError::from(QueryErrorKind::BodyMalformed))?;
        if password_fields::json_contains_password(&value) {
            return Err(QueryErrorKind::PasswordRefused.into());
        }
        if strict_json::depth(&value) > MAX_DEPTH {
            return Err(QueryErrorKind::BodyMalformed.into());
        }
        let object = |value| Value::as_object(value).ok_or(QueryErrorKind::BodyMalformed);
        match self {
            Self::None => Ok(()),
            Self::Arguments(function) => check_arguments(function, object(&value)?),
            Self::Row { .. } if object(&value)?.is_empty() => Err(QueryErrorKind::BodyMalformed.into()),
            Self::Row { table, columns } => check_row(table, columns, object(&value)?),
            Self::Rows { table, columns } => {
                let Some(rows) = value.as_array() else { return check_row(table, columns, object(&value)?) };
                if rows.len() > MAX_ROWS {
                    return Err(QueryErrorKind::RowsTooMany.into());
                }
                if rows.is_empty() {
                    return Err(QueryErrorKind::BodyMalformed.into());
                }
                rows.iter().try_for_each(|row| check_row(table, columns, object(row)?))
            }
        }
    }
}

fn check_row(table: &Table, columns: &'static [&'static str], row: &Map<String, Value>) -> Result<(), QueryError> {
    for (name, value) in row {
        let column = table.column(name).filter(|_| columns.contains(&name.as_str()));
        let column =
            column.ok_or_else(|| QueryError::new(QueryErrorKind::ColumnRefused, name).with_allowed(columns))?;
        if !is_valid_json_value(column.kind, value) {
            return Err(QueryError::new(QueryErrorKind::ValueMalformed, name));
        }
    }
    Ok(())
}

fn check_arguments(function: &Function, arguments: &Map<String, Value>) -> Result<(), QueryError> {
    for (name, value) in arguments {
        let argument =
            argument(function, name).ok_or_else(|| QueryError::new(QueryErrorKind::ArgumentUnknown, name))?;
        if !is_valid_json_value(argument.kind, value) || (argument.required && value.is_null()) {
            return Err(QueryError::new(QueryErrorKind::ValueMalformed, name));
        }
    }
    match function.arguments.iter().find(|argument| argument.required && !arguments.contains_key(argument.name)) {
        Some(missing) => Err(QueryError::new(QueryErrorKind::ArgumentMissing, missing.name)),
        None => Ok(()),
    }
}

const MAX_DEPTH: u8 = 3;

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
pub fn arguments(function: &Function, written: &[(String, String)]) -> Result<String, QueryError> {
    let mut object = Map::new();
    for (name, text) in written {
        let argument =
            argument(function, name).ok_or_else(|| QueryError::new(QueryErrorKind::ArgumentUnknown, name))?;
        let value = typed(argument.kind, text).ok_or_else(|| QueryError::new(QueryErrorKind::ValueMalformed, name))?;
        object.insert(name.clone(), value);
    }
    check_arguments(function, &object)?;
    Ok(Value::Object(object).to_string())
}

/// Parses the `columns` that supabase-js sends with an array: quoted names of columns that may be inserted.
///
/// # Errors
/// `ColumnRefused`.
pub fn columns(text: &str, insertable: &'static [&'static str]) -> Result<Vec<&'static str>, QueryError> {
    text.split(',')
        .map(|name| {
            let name = name.trim().trim_matches('"');
            let known = insertable.iter().find(|known| **known == name);
            known.copied().ok_or_else(|| QueryError::new(QueryErrorKind::ColumnRefused, name).with_allowed(insertable))
        })
        .collect()
}

const MAX_ROWS: usize = 100;
const MAX_ROW_BYTES: usize = 128 * 1024;
const MAX_ROWS_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{functions::FUNCTIONS, tables::ColumnType};

    fn valid(kind: ColumnType) -> Value {
        match kind {
            ColumnType::Boolean => Value::Bool(true),
            ColumnType::Integer => Value::from(3),
            ColumnType::Texts => Value::Array(Vec::new()),
            ColumnType::Timestamp => Value::from("2026-01-01"),
            ColumnType::Uuid => Value::from("00000000-0000-4000-8000-000000000000"),
            ColumnType::Bytes | ColumnType::Json | ColumnType::Text => Value::from("x"),
        }
    }

    /// A lock that may be null has no effect: every required argument of every function has a value, by POST as by GET.
    #[test]
    fn required_arguments_reject_null() {
        for function in FUNCTIONS {
            for argument in function.arguments {
                let mut body: Map<String, Value> =
                    function.arguments.iter().map(|other| (other.name.to_owned(), valid(other.kind))).collect();
                body.insert(argument.name.to_owned(), Value::Null);
                let found = check_arguments(function, &body);
                let fits = !argument.required && function.arguments.iter().all(|other| other.kind != ColumnType::Json);
                if argument.required {
                    let jsons = function.arguments.iter().any(|other| other.kind == ColumnType::Json);
                    assert!(found.is_err(), "{} {}", function.name, argument.name);
                    assert!(jsons || found == Err(QueryError::new(QueryErrorKind::ValueMalformed, argument.name)));
                } else if fits {
                    assert_eq!(found, Ok(()), "{} {}", function.name, argument.name);
                }
            }
        }
    }

    /// A text is an argument, whatever its beginning.
    #[test]
    fn query_arguments_become_a_typed_body() {
        let search = Function::by_name("search_tickets").unwrap();
        for search_text in ["eq.x", "is.null", "in.(a)", "like.x", "not.eq.x", "a\"b", ""] {
            let body = arguments(search, &[("words".to_owned(), search_text.to_owned())]).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), serde_json::json!({ "words": search_text }));
        }
        let mine = Function::by_name("my_activity").unwrap();
        let body = arguments(mine, &[("most".to_owned(), "7".to_owned())]);
        assert_eq!(body, Ok("{\"most\":7}".to_owned()));
        assert_eq!(arguments(search, &[]), Err(QueryError::new(QueryErrorKind::ArgumentMissing, "words")));
        let invalid = arguments(mine, &[("most".to_owned(), "x".to_owned())]);
        assert_eq!(invalid, Err(QueryError::new(QueryErrorKind::ValueMalformed, "most")));
    }
}
