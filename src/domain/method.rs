//! Methods of HTTP: text only where a request is received, and in a row, a log line or a header.

use serde::{Serialize, Serializer};
use std::fmt;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// A method that the Hub accepts from a client or sends to an upstream (RFC 9110 §9.3, RFC 5789 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `OPTIONS`
    Options,
    /// `PATCH`
    Patch,
    /// `POST`
    Post,
}

impl Method {
    /// Returns the method with exactly this name: methods are case-sensitive (RFC 9110 §9.1).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns whether it is GET or HEAD, which change nothing.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// The method of a received request, whichever the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceivedMethod {
    /// One that a route may accept.
    Known(Method),
    /// Any other one, in a form that a row can store.
    Other(String),
}

impl ReceivedMethod {
    /// Returns the method with this name. PostgreSQL does not support NUL, and no method is longer than 100 characters.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        Method::parse(name).map_or_else(
            || Self::Other(name.chars().filter(|letter| *letter != '\0').take(MAX_OTHER_LEN).collect()),
            Self::Known,
        )
    }

    /// Returns the method, if a route may accept it.
    #[must_use]
    pub const fn known(&self) -> Option<Method> {
        match self {
            Self::Known(method) => Some(*method),
            Self::Other(_) => None,
        }
    }

    /// Returns whether it is GET or HEAD.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.known().is_some_and(Method::is_read)
    }
}

impl PartialEq<Method> for ReceivedMethod {
    fn eq(&self, other: &Method) -> bool {
        self.known() == Some(*other)
    }
}

impl fmt::Display for ReceivedMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(method) => method.fmt(formatter),
            Self::Other(name) => formatter.pad(name),
        }
    }
}

impl Serialize for ReceivedMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Returns the value of an `Allow` header (RFC 9110 §10.2.1).
#[must_use]
pub fn allow_header(methods: &[Method]) -> String {
    methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(", ")
}

const MAX_OTHER_LEN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_exactly_the_names_that_it_prints() {
        for method in Method::VARIANTS {
            assert_eq!(Method::parse(method.name()), Some(*method));
            assert_eq!(ReceivedMethod::parse(&method.to_string()), ReceivedMethod::Known(*method));
        }
        for name in ["", "get", "GET ", "PUT", "EXPORT"] {
            assert_eq!(Method::parse(name), None, "{name}");
            assert_eq!(ReceivedMethod::parse(name).to_string(), name);
            assert!(Method::VARIANTS.iter().all(|method| ReceivedMethod::parse(name) != *method), "{name}");
        }
        assert_eq!(
            ReceivedMethod::parse(&format!("\0P{}", "x".repeat(100))).to_string(),
            format!("P{}", "x".repeat(99))
        );
        assert_eq!(allow_header(&[Method::Get, Method::Options]), "GET, OPTIONS");
    }
}
