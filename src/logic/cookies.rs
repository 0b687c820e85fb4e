//! Cookies, read and written so that each has one meaning (RFC 6265).

/// The cookies of a request.
///
/// A name that stands twice with different values has none: a neighbouring host may have set the second one, and which comes first is
/// the browser's choice.
#[derive(Debug, Default)]
pub struct Cookies<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Cookies<'a> {
    /// Reads a `Cookie` header; one that is longer than 16 KiB, or has more than 100 cookies, is not read at all.
    #[must_use]
    pub fn parse(header: &'a str) -> Self {
        if header.len() > LONGEST_HEADER || header.bytes().filter(|byte| *byte == b';').count() >= MOST_COOKIES {
            return Self::default();
        }
        let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.trim(), value.trim())).filter(|(name, _)| !name.is_empty()).collect())
    }

    /// The value of this name; an empty one is none, and so is an ambiguous one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        let mut values = self.0.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value);
        let first = values.next()?;
        (!first.is_empty() && values.all(|value| value == first)).then_some(first)
    }
}

/// A cookie to set: host-only, for the whole host, over TLS only, out of reach for scripts, not sent by other sites' requests.
#[must_use]
pub fn set(name: &str, value: &str, max_age_s: u32) -> String {
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; Secure; HttpOnly; SameSite=Lax")
}

/// A cookie to forget.
#[must_use]
pub fn forget(name: &str) -> String {
    set(name, "", 0)
}

/// Name and value of a `Set-Cookie` directive. What its attributes say is not taken over, but for an end in the past.
#[must_use]
pub fn directive(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split(';').next()?.split_once('=')?;
    let gone = text.split(';').skip(1).any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
    Some((name.trim(), if gone { "" } else { value.trim() }))
}

const LONGEST_HEADER: usize = 16 * 1024;
const MOST_COOKIES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_that_have_one_meaning() {
        let cookies = Cookies::parse("a=1; b=2;c = 3 ;d; =e; f=; b=2; a=4; g=x=y");
        for (name, value) in
            [("a", None), ("b", Some("2")), ("c", Some("3")), ("d", None), ("", None), ("f", None), ("g", Some("x=y"))]
        {
            assert_eq!(cookies.value(name), value, "{name}");
        }
        assert_eq!(Cookies::parse(&format!("a=1; b={}", "x".repeat(LONGEST_HEADER))).value("a"), None);
        assert_eq!(Cookies::parse(&"a=1;".repeat(101)).value("a"), None);
        assert_eq!(Cookies::parse("").value("a"), None);
    }

    #[test]
    fn takes_name_and_value_of_a_directive_and_nothing_else() {
        assert_eq!(directive("__session=x.y.z; Path=/; Domain=evil.example"), Some(("__session", "x.y.z")));
        assert_eq!(directive("__session=x; Max-Age=0; Path=/"), Some(("__session", "")));
        assert_eq!(directive("__session"), None);
        assert_eq!(directive(""), None);
        assert_eq!(set("a", "b", 5), "a=b; Path=/; Max-Age=5; Secure; HttpOnly; SameSite=Lax");
    }
}
