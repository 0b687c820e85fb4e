//! The members of an object, each as its own text, so that unread members are skipped whatever they contain.
//!
//! `serde_json` skips a value without recursion, repeated names and lone surrogates included
//! (`Deserializer::ignore_value`), and reads a `RawValue` in the same way: 256 KiB of brackets need no stack.

use super::InvalidEvent;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// The members of one object, in their order.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Parses an object; `None` for anything else.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the text of a member; `None` if it is absent or of another type.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, InvalidEvent> {
        self.typed(name)
    }

    /// Returns the whole number of a member; `None` if it is absent or of another type.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, InvalidEvent> {
        self.typed(name)
    }

    /// Returns whether a member is `true`.
    pub(super) fn holds(&self, name: &str) -> Result<bool, InvalidEvent> {
        Ok(self.typed(name)? == Some(true))
    }

    /// Returns the members of a member; `None` unless it is an object.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, InvalidEvent> {
        Ok(self.one(name)?.and_then(|value| Self::parse(value.get())))
    }

    /// Returns the value of a member; an error if it occurs twice.
    pub(super) fn one(&self, name: &str) -> Result<Option<&'a RawValue>, InvalidEvent> {
        let mut found = self.0.iter().filter(|(other, _)| *other.0 == *name.as_bytes()).map(|(_, value)| *value);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(InvalidEvent),
            (value, None) => Ok(value),
        }
    }

    fn typed<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, InvalidEvent> {
        Ok(self.one(name)?.and_then(|value| serde_json::from_str(value.get()).ok()))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(member) = members.next_entry()? {
                    all.push(member);
                }
                Ok(Members(all))
            }
        }
        reader.deserialize_map(Object)
    }
}

/// A member's name as bytes: JSON may contain a name that is not Unicode (`"\ud800"`), which is no error in a member
/// that is not read.
#[derive(Debug)]
struct Name<'a>(Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Name<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }
            fn visit_borrowed_bytes<E: Error>(self, name: &'de [u8]) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_vec())))
            }
        }
        reader.deserialize_bytes(Bytes)
    }
}
