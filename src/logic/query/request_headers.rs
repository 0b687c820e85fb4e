//! Context of a request besides its query: the version of a change, the purpose of a read by staff, and a reason (A-2,
//! L-1).

use crate::{
    domain::{access::Purpose, headers::Headers},
    logic::{
        http::query_string::decode,
        query::error::{QueryError, QueryErrorKind},
    },
};
use base64ct::{Base64, Encoding as _};

/// The context of a request, from its headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryHeaders {
    /// The version on which a change is based.
    pub version: Option<IfMatch>,
    /// The purpose of a read by staff.
    pub purpose: Option<Purpose>,
    /// The reason, as the caller wrote it: base64 of UTF-8, because a header upstream is ASCII.
    pub reason: Option<String>,
}

/// The version on which a change is based (RFC 9110 §13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any version, stated explicitly.
    Any,
    /// `"3"`: this version, otherwise 412.
    Exactly(u32),
}

impl QueryHeaders {
    /// Parses `If-Match`, `x-hub-purpose` and `x-hub-reason`; the last is percent-encoded UTF-8 of at most 500
    /// characters.
    ///
    /// # Errors
    /// `VersionMalformed`, `PurposeRefused`, `ReasonMalformed`.
    pub fn parse(headers: &Headers) -> Result<Self, QueryError> {
        let version = match headers.value("if-match") {
            None => None,
            Some("*") => Some(IfMatch::Any),
            Some(tag) => {
                let number = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or_default();
                Some(IfMatch::Exactly(number.parse().map_err(|_| QueryErrorKind::VersionMalformed)?))
            }
        };
        let purpose = match headers.value("x-hub-purpose") {
            None => None,
            Some(named) => Some(Purpose::parse(named.trim()).ok_or(QueryErrorKind::PurposeRefused)?),
        };
        let reason = match headers.value("x-hub-reason") {
            None => None,
            Some(written) => {
                let reason =
                    decode(written).filter(|reason| is_sentence(reason)).ok_or(QueryErrorKind::ReasonMalformed)?;
                Some(Base64::encode_string(reason.as_bytes()))
            }
        };
        Ok(Self { version, purpose, reason })
    }
}

fn is_sentence(text: &str) -> bool {
    (1..=500).contains(&text.chars().count()) && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::VariantArray as _;

    fn read(name: &str, value: &str) -> Result<QueryHeaders, QueryErrorKind> {
        let headers = Headers::new(vec![(name.to_owned(), value.to_owned())]);
        QueryHeaders::parse(&headers).map_err(|fault| fault.kind)
    }

    #[test]
    fn if_match_is_one_strong_version_or_a_wildcard() {
        assert_eq!(read("if-match", "\"3\"").map(|context| context.version), Ok(Some(IfMatch::Exactly(3))));
        assert_eq!(read("if-match", "*").map(|context| context.version), Ok(Some(IfMatch::Any)));
        for invalid in ["3", "W/\"3\"", "\"3\", \"4\"", "\"\"", "\"-1\"", "\"99999999999\"", "\"x\"", ""] {
            assert_eq!(read("if-match", invalid), Err(QueryErrorKind::VersionMalformed), "{invalid}");
        }
    }

    #[test]
    fn purpose_is_a_listed_value_and_reason_one_sentence() {
        for purpose in Purpose::VARIANTS.iter().copied() {
            assert_eq!(read("x-hub-purpose", purpose.name()).map(|context| context.purpose), Ok(Some(purpose)));
        }
        assert_eq!(read("x-hub-purpose", "curiosity"), Err(QueryErrorKind::PurposeRefused));
        let reason = read("x-hub-reason", "Kein%20Budget%20f%C3%BCr%202026").map(|context| context.reason);
        assert_eq!(reason, Ok(Some(Base64::encode_string("Kein Budget für 2026".as_bytes()))));
        for invalid in ["", "%20", "a%0Ab", "%FF", &"x".repeat(501)] {
            assert_eq!(read("x-hub-reason", invalid), Err(QueryErrorKind::ReasonMalformed), "{invalid}");
        }
    }
}
