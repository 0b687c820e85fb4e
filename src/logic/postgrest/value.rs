//! Check of a value against a column's type, so that the database never rejects it.

use crate::domain::tables::Kind;
use serde_json::Value;

/// Returns whether a filter's text has the type.
#[must_use]
pub fn fits(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Boolean => matches!(text, "true" | "false"),
        Kind::Bytes | Kind::Json | Kind::Texts => false,
        Kind::Integer => text.parse::<i64>().is_ok(),
        Kind::Text => text.len() <= LONGEST_FILTER,
        Kind::Timestamp => is_timestamp(text),
        Kind::Uuid => is_uuid(text),
    }
}

/// Returns a filter's or an argument's text as the JSON value of a body; `None` if it does not have the type.
#[must_use]
pub fn typed(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        _ if !fits(kind, text) => None,
        Kind::Boolean => Some(Value::Bool(text == "true")),
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        _ => Some(Value::from(text)),
    }
}

/// Returns whether a body's value has the type; every column accepts `null`, and the database rejects it where a value
/// is required.
#[must_use]
pub fn takes(kind: Kind, value: &Value) -> bool {
    match (kind, value) {
        (_, Value::Null) | (Kind::Boolean, Value::Bool(_)) => true,
        (Kind::Integer, Value::Number(number)) => number.is_i64(),
        (Kind::Text, Value::String(text)) => !text.contains('\0'),
        (Kind::Texts, Value::Array(texts)) => texts.iter().all(|text| text.is_string() && takes(Kind::Text, text)),
        (Kind::Timestamp, Value::String(text)) => is_timestamp(text),
        (Kind::Uuid, Value::String(text)) => is_uuid(text),
        _ => false,
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

const LONGEST_FILTER: usize = 1000;
