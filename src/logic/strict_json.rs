//! JSON with one meaning only: no repeated names, bounded depth, no trailing data.

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The reason why a text is rejected as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum JsonError {
    /// Not JSON, not UTF-8, a byte order mark, or trailing data.
    Malformed,
    /// Nested deeper than allowed.
    TooDeep,
    /// A name that occurs twice in one object, also if written with escapes.
    DuplicateKey,
}

/// Parses a whole text.
///
/// # Errors
/// See the variants; `depth` is the maximum number of nested objects and arrays, 0 for a bare value.
pub fn parse_strict(text: &[u8], depth: u8) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = RemainingDepth(depth).deserialize(&mut reader).map_err(|error| {
        let message = error.to_string();
        if message.starts_with(DUPLICATE_KEY) {
            JsonError::DuplicateKey
        } else if message.starts_with(TOO_DEEP) || message.starts_with("recursion limit") {
            JsonError::TooDeep
        } else {
            JsonError::Malformed
        }
    })?;
    reader.end().map_err(|_| JsonError::Malformed)?;
    Ok(value)
}

/// Returns the number of nested objects and arrays of a value; 0 for a bare value.
#[must_use]
pub fn depth(value: &Value) -> u8 {
    let below = match value {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => members.values().map(depth).max().unwrap_or(0),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => return 0,
    };
    below.saturating_add(1)
}

/// The remaining levels.
#[derive(Clone, Copy)]
struct RemainingDepth(u8);

impl RemainingDepth {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(TOO_DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for RemainingDepth {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RemainingDepth {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(below)?;
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom(DUPLICATE_KEY));
            }
        }
        Ok(Value::Object(object))
    }
}

const TOO_DEEP: &str = "nested too deep";
const DUPLICATE_KEY: &str = "a name occurs twice";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_json_parses_as_with_serde_json() {
        let text = br#"{"a":[1,-2,1.5,true,null,"\u00e9"],"b":{"c":{}}}"#;
        assert_eq!(parse_strict(text, 4), serde_json::from_slice(text).map_err(|_| JsonError::Malformed));
    }

    #[test]
    fn rejects_duplicate_keys() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"b":{"a":1,"a":1}}]"#] {
            assert_eq!(parse_strict(text.as_bytes(), 8), Err(JsonError::DuplicateKey), "{text}");
        }
    }

    #[test]
    fn rejects_excessive_depth_and_malformed_json() {
        assert_eq!(parse_strict(b"[[[]]]", 2), Err(JsonError::TooDeep));
        assert_eq!(parse_strict(b"[[]]", 2), Ok(serde_json::json!([[]])));
        assert_eq!(parse_strict("[".repeat(20_000).as_bytes(), 16), Err(JsonError::TooDeep));
        for text in
            [&b"\xef\xbb\xbf{}"[..], b"{} x", b"{}{}", b"", b"{", b"{\"a\":\"\xff\"}", b"{'a':1}", b"NaN", b"01"]
        {
            assert_eq!(parse_strict(text, 16), Err(JsonError::Malformed), "{text:?}");
        }
    }
}
