//! Whether a value fits a column's type, so that the database never has to say so.

use crate::domain::tables::Kind;
use serde_json::Value;

/// Whether a filter's text fits.
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

/// A filter's or an argument's text as the JSON value that a body would have; `None`: it does not fit.
#[must_use]
pub fn typed(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        _ if !fits(kind, text) => None,
        Kind::Boolean => Some(Value::Bool(text == "true")),
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        _ => Some(Value::from(text)),
    }
}

/// Whether a body's value fits; `null` fits every column, and the database says which must have a value.
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

/// A value in double quotes, which `PostgREST` reads back as it is.
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

/// RFC 3339 or a part of it; words such as `now` or `infinity` are not taken.
fn is_timestamp(text: &str) -> bool {
    let starts = text.bytes().take(4).filter(u8::is_ascii_digit).count() == 4;
    starts
        && (10..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+ TtZz".contains(&byte))
}

const LONGEST_FILTER: usize = 1000;
