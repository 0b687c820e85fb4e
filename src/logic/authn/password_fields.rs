//! I-1: the Hub never receives a password. A field with the name of one is rejected whatever its value, and the value
//! is discarded.

use crate::logic::http::query_string::{decode, pairs};
use serde_json::Value;

/// Returns whether a field name is that of a password: `password`, `newPassword`, `user[password]`, `passwd`, …
#[must_use]
pub fn is_password_field(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    plain.ends_with("password")
        || plain.ends_with("passphrase")
        || ["passwd", "passcode", "pwd"].contains(&plain.as_str())
}

/// Returns whether a value contains such a name at any depth.
#[must_use]
pub fn json_contains_password(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(json_contains_password),
        Value::Object(members) => {
            members.iter().any(|(name, value)| is_password_field(name) || json_contains_password(value))
        }
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => false,
    }
}

/// Returns whether a query or an `application/x-www-form-urlencoded` body contains such a name.
#[must_use]
pub fn form_contains_password(form: &str) -> bool {
    pairs(form).any(|pair| decode(pair.name).is_some_and(|name| is_password_field(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_password_fields_by_name_i_1() {
        for name in [
            "password",
            "Password",
            "PASSWORD",
            "new_password",
            "newPassword",
            "password_",
            "user[password]",
            "pass-word",
            "passwd",
            "pwd",
            "passphrase",
            " password",
        ] {
            assert!(is_password_field(name), "{name}");
        }
        for name in ["password_enabled", "passport", "pass", "subject", "forwarded", ""] {
            assert!(!is_password_field(name), "{name}");
        }
    }

    #[test]
    fn detects_passwords_at_any_json_depth_and_in_forms_i_1() {
        assert!(json_contains_password(&serde_json::json!([{ "a": [{ "b": { "Password": 1 } }] }])));
        assert!(!json_contains_password(&serde_json::json!([{ "a": "password" }])));
        for form in ["password=x", "a=1&new_password=x", "a=1&pass%77ord=x", "user%5Bpassword%5D=x", "password"] {
            assert!(form_contains_password(form), "{form}");
        }
        for form in ["", "a=password", "x=1&y=2", "password_enabled=true"] {
            assert!(!form_contains_password(form), "{form}");
        }
    }
}
