//! Percent-encoding: decoded once as the server would, and encoded in one form.

use crate::logic::query::error::{QueryError, QueryErrorKind};

/// Decodes the parameters of a query once. A plus is a space, as in `PostgREST`.
///
/// # Errors
/// `EncodingMalformed`, and `ComplexityRefused` above 64 parameters.
pub fn parameters(query: &str) -> Result<Vec<(String, String)>, QueryError> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if pairs.len() >= MAX_PARAMETERS {
            return Err(QueryErrorKind::ComplexityRefused.into());
        }
        pairs.push((decode(name)?, decode(value)?));
    }
    Ok(pairs)
}

fn decode(text: &str) -> Result<String, QueryError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(QueryErrorKind::EncodingMalformed.into()),
            },
            byte => byte,
        });
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(QueryErrorKind::EncodingMalformed.into()),
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends a name or value; unreserved characters, and those that structure a select or a filter, are not encoded.
pub fn encode(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~(),:!*".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for half in [byte >> 4, byte & 15] {
                into.push(char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
}

const MAX_PARAMETERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once() {
        let read = |query| parameters(query).unwrap();
        assert_eq!(read("a=b%20c+d&e"), [("a".into(), "b c d".into()), ("e".into(), String::new())]);
        assert_eq!(read("a=%2541"), [("a".into(), "%41".into())]);
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "%c3=1"] {
            assert!(parameters(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn encoding_round_trips() {
        let text = "a b+c&d=e%f#\"\\é,(x)";
        let mut encoded = String::new();
        encode(&mut encoded, text);
        assert_eq!(decode(&encoded).unwrap(), text);
        assert!(!encoded.contains(['&', '=', '#', '+', ' ', '"']));
    }
}
