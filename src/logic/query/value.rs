//! Check of a value against a column's type, so that the database never rejects it.

use crate::domain::tables::ColumnType;
use serde_json::Value;

/// Returns whether a filter's text has the type.
#[must_use]
pub fn is_valid_filter_value(kind: ColumnType, text: &str) -> bool {
    match kind {
        ColumnType::Boolean => matches!(text, "true" | "false"),
        ColumnType::Bytes | ColumnType::Json | ColumnType::Texts => false,
        // One spelling of each number: the audit log names a row by it.
        ColumnType::Integer => text.parse::<i64>().is_ok_and(|number| number.to_string() == text),
        ColumnType::Text => text.len() <= MAX_VALUE_LEN,
        ColumnType::Timestamp => is_timestamp(text),
        ColumnType::Uuid => is_uuid(text),
    }
}

/// Returns a filter's or an argument's text as the JSON value of a body; `None` if it does not have the type.
#[must_use]
pub fn typed(kind: ColumnType, text: &str) -> Option<Value> {
    if !is_valid_filter_value(kind, text) {
        return None;
    }
    match kind {
        ColumnType::Boolean => Some(Value::Bool(text == "true")),
        ColumnType::Integer => text.parse::<i64>().ok().map(Value::from),
        ColumnType::Bytes
        | ColumnType::Json
        | ColumnType::Text
        | ColumnType::Texts
        | ColumnType::Timestamp
        | ColumnType::Uuid => Some(Value::from(text)),
    }
}

/// Returns whether a body's value has the type; every column accepts `null`, and the database rejects it where a value
/// is required.
#[must_use]
pub fn is_valid_json_value(kind: ColumnType, value: &Value) -> bool {
    if value.is_null() {
        return true;
    }
    match kind {
        ColumnType::Boolean => value.is_boolean(),
        ColumnType::Bytes | ColumnType::Json => false,
        ColumnType::Integer => value.is_i64(),
        ColumnType::Text => value.as_str().is_some_and(|text| !text.contains('\0')),
        ColumnType::Texts => value.as_array().is_some_and(|texts| {
            texts.iter().all(|text| text.is_string() && is_valid_json_value(ColumnType::Text, text))
        }),
        ColumnType::Timestamp => value.as_str().is_some_and(is_timestamp),
        ColumnType::Uuid => value.as_str().is_some_and(is_uuid),
    }
}

/// Returns a value in double quotes, which `PostgREST` reads back unchanged.
#[must_use]
pub fn quote(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns whether a text is RFC 3339 or a part of it; words such as `now` or `infinity` are rejected.
fn is_timestamp(text: &str) -> bool {
    let starts = text.bytes().take(4).filter(u8::is_ascii_digit).count() == 4;
    starts
        && (10..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+ TtZz".contains(&byte))
}

const MAX_VALUE_LEN: usize = 1000;
