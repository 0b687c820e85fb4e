//! Context of a request besides its query: the version of a change, the purpose of a read by staff, and a reason (A-2,
//! L-1).

use super::fault::{QueryFault, Rule};
use crate::{
    domain::{access::PURPOSES, headers::Headers},
    logic::return_to::decoded,
};
use base64ct::{Base64, Encoding as _};

/// The context of a request, from its headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The version on which a change is based.
    pub version: Option<Version>,
    /// One of [`PURPOSES`].
    pub purpose: Option<&'static str>,
    /// The reason, as the caller wrote it: base64 of UTF-8, because a header upstream is ASCII.
    pub reason: Option<String>,
}

/// The version on which a change is based (RFC 9110 §13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `*`: any version, stated explicitly.
    Any,
    /// `"3"`: this version, otherwise 412.
    Exactly(u32),
}

impl Context {
    /// Parses `If-Match`, `x-hub-purpose` and `x-hub-reason`; the last is percent-encoded UTF-8 of at most 500
    /// characters.
    ///
    /// # Errors
    /// `VersionMalformed`, `PurposeRefused`, `ReasonMalformed`.
    pub fn parse(headers: &Headers) -> Result<Self, QueryFault> {
        let version = match headers.value("if-match") {
            None => None,
            Some("*") => Some(Version::Any),
            Some(tag) => {
                let number = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or_default();
                Some(Version::Exactly(number.parse().map_err(|_| Rule::VersionMalformed)?))
            }
        };
        let purpose = match headers.value("x-hub-purpose") {
            None => None,
            Some(named) => {
                let known = PURPOSES.into_iter().find(|purpose| *purpose == named.trim());
                Some(known.ok_or(Rule::PurposeRefused)?)
            }
        };
        let reason = match headers.value("x-hub-reason") {
            None => None,
            Some(written) => {
                let reason = decoded(written).filter(|reason| is_sentence(reason)).ok_or(Rule::ReasonMalformed)?;
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

    fn read(name: &str, value: &str) -> Result<Context, Rule> {
        let headers = Headers::new(vec![(name.to_owned(), value.to_owned())]);
        Context::parse(&headers).map_err(|fault| fault.rule)
    }

    #[test]
    fn reads_one_strong_version_or_any() {
        assert_eq!(read("if-match", "\"3\"").map(|context| context.version), Ok(Some(Version::Exactly(3))));
        assert_eq!(read("if-match", "*").map(|context| context.version), Ok(Some(Version::Any)));
        for bad in ["3", "W/\"3\"", "\"3\", \"4\"", "\"\"", "\"-1\"", "\"99999999999\"", "\"x\"", ""] {
            assert_eq!(read("if-match", bad), Err(Rule::VersionMalformed), "{bad}");
        }
    }

    #[test]
    fn purposes_are_a_closed_list_and_reasons_are_one_sentence() {
        for purpose in PURPOSES {
            assert_eq!(read("x-hub-purpose", purpose).map(|context| context.purpose), Ok(Some(purpose)));
        }
        assert_eq!(read("x-hub-purpose", "curiosity"), Err(Rule::PurposeRefused));
        let reason = read("x-hub-reason", "Kein%20Budget%20f%C3%BCr%202026").map(|context| context.reason);
        assert_eq!(reason, Ok(Some(Base64::encode_string("Kein Budget für 2026".as_bytes()))));
        for bad in ["", "%20", "a%0Ab", "%FF", &"x".repeat(501)] {
            assert_eq!(read("x-hub-reason", bad), Err(Rule::ReasonMalformed), "{bad}");
        }
    }
}
