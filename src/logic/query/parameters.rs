//! The parameters of a query: decoded once as the server would, and encoded in one form.

use crate::logic::{
    http::query_string::{Unescaped, decode, encode, pairs},
    query::error::{QueryError, QueryErrorKind},
};

/// Decodes the parameters of a query.
///
/// # Errors
/// `EncodingMalformed`, also for NUL, which PostgreSQL cannot store; `ComplexityRefused` above 64 parameters.
pub fn parse(query: &str) -> Result<Vec<(String, String)>, QueryError> {
    let mut parameters = Vec::new();
    for pair in pairs(query) {
        if parameters.len() >= MAX_PARAMETERS {
            return Err(QueryErrorKind::ComplexityRefused.into());
        }
        parameters.push((decode_text(pair.name)?, decode_text(pair.value.unwrap_or_default())?));
    }
    Ok(parameters)
}

fn decode_text(text: &str) -> Result<String, QueryError> {
    decode(text).filter(|text| !text.contains('\0')).ok_or_else(|| QueryErrorKind::EncodingMalformed.into())
}

/// Appends `name=value` to a query, each encoded in the one form that the Hub sends.
pub fn append_pair(query: &mut String, name: &str, value: &str) {
    query.extend(encode(name, Unescaped::PostgrestSyntax));
    query.push('=');
    query.extend(encode(value, Unescaped::PostgrestSyntax));
}

const MAX_PARAMETERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once() {
        let read = |query| parse(query).unwrap();
        assert_eq!(read("a=b%20c+d&e"), [("a".into(), "b c d".into()), ("e".into(), String::new())]);
        assert_eq!(read("a=%2541"), [("a".into(), "%41".into())]);
        for invalid in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "%c3=1"] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
        assert!(parse(&"a&".repeat(64)).is_ok() && parse(&"a&".repeat(65)).is_err());
    }
}
