//! Query strings and `application/x-www-form-urlencoded` bodies: the only splitter, decoder and encoder of the Hub.
//!
//! The form is that of the WHATWG URL Standard (<https://url.spec.whatwg.org/#urlencoded-parsing>) with these choices:
//!
//! - A plus is a space, as in `PostgREST` and in forms; a literal plus is written `%2B`.
//! - An invalid escape, or bytes that are not UTF-8, make a text undecodable, where the standard replaces them: a lenient
//!   parser after the Hub would read another text.
//! - A name may occur several times; the caller decides. [`first_value`] returns the first value, the query firewall
//!   accepts or rejects a repetition by parameter, and a check for forbidden names covers all pairs.
//! - NUL is accepted here and rejected by the query firewall, because PostgreSQL cannot store it.
//!
//! Cookies (`logic/http/cookies.rs`) have another syntax, without escapes (RFC 6265 §4.1.1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

/// One pair of a query string, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPair<'a> {
    /// The whole pair, as the client wrote it.
    pub text: &'a str,
    /// The part before the first `=`.
    pub name: &'a str,
    /// The part after it; `None` without a `=`.
    pub value: Option<&'a str>,
}

/// The characters that an encoded text contains unescaped, besides the unreserved ones (RFC 3986 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unescaped {
    /// None: a value for the query of any URL.
    None,
    /// Those that structure a select or a filter of `PostgREST`.
    PostgrestSyntax,
}

/// Returns the pairs of a query string in its order; empty ones are skipped.
pub fn pairs(query: &str) -> impl Iterator<Item = RawPair<'_>> {
    query.split('&').filter(|text| !text.is_empty()).map(|text| {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        RawPair { text, name, value }
    })
}

/// Returns the value of the first pair with this name and a `=`, still encoded; `None` if that value is empty.
///
/// Names are compared as written: a parameter of the Hub or of Clerk has no character that needs an escape.
#[must_use]
pub fn first_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let value = pairs(query).filter(|pair| pair.name == name).find_map(|pair| pair.value)?;
    (!value.is_empty()).then_some(value)
}

/// Decodes a name or a value once; `None` for an invalid escape and for a text that is not UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let is_escape = |part: &str| part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

/// Returns the encoded parts of a text, to be formatted or appended.
#[must_use]
pub fn encode(text: &str, unescaped: Unescaped) -> PercentEncode<'_> {
    let escaped = match unescaped {
        Unescaped::None => ESCAPED,
        Unescaped::PostgrestSyntax => ESCAPED_FOR_POSTGREST,
    };
    utf8_percent_encode(text, escaped)
}

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const ESCAPED_FOR_POSTGREST: &AsciiSet =
    &ESCAPED.remove(b'(').remove(b')').remove(b',').remove(b':').remove(b'!').remove(b'*');

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random texts (xorshift) of the characters that matter to a query string.
    fn texts() -> impl Iterator<Item = String> {
        const LETTERS: [&str; 24] = [
            "a", "Z", "0", "-", "~", "&", "=", "%", "%4", "%41", "%2B", "%zz", "%e9", "%C3%A9", "%00", "+", " ", "*",
            "(", ",", "é", "🙂", "\0", "#",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap()
        };
        (0..20_000).map(move |_| (0..next() % 12).map(|_| LETTERS[next() % LETTERS.len()]).collect())
    }

    #[test]
    fn parses_as_form_urlencoded_wherever_every_escape_is_valid() {
        let (mut valid, mut rejected) = (0, 0);
        for text in texts() {
            let ours: Option<Vec<(String, String)>> =
                pairs(&text).map(|pair| Some((decode(pair.name)?, decode(pair.value.unwrap_or_default())?))).collect();
            let standard: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            if let Some(ours) = ours {
                assert_eq!(ours, standard, "{text:?}");
                valid += 1;
            } else {
                // The standard keeps an invalid escape, and replaces bytes that are not UTF-8.
                let odd = |text: &String| text.contains(['%', '\u{fffd}']);
                assert!(standard.iter().any(|(name, value)| odd(name) || odd(value)), "{text:?}");
                rejected += 1;
            }
        }
        assert!(valid > 1_000 && rejected > 1_000, "{valid} {rejected}");
    }

    #[test]
    fn encoded_texts_are_read_as_written_by_form_urlencoded() {
        for text in texts() {
            for unescaped in [Unescaped::None, Unescaped::PostgrestSyntax] {
                let query = format!("{}={}", encode("n&=", unescaped), encode(&text, unescaped));
                let read: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                assert_eq!(read, [("n&=".to_owned(), text.clone())], "{query}");
            }
            let written: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            assert_eq!(decode(&written).as_deref(), Some(text.as_str()));
        }
    }

    #[test]
    fn decodes_once_and_rejects_invalid_escapes() {
        for (text, decoded) in
            [("", Some("")), ("a+b", Some("a b")), ("%2541", Some("%41")), ("%c3%A9", Some("é")), ("%00", Some("\0"))]
        {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
        for text in ["%", "%2", "%zz", "%+1", "%%41", "a%4", "%ff", "%é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn encodes_everything_but_unreserved_characters_and_the_syntax_of_postgrest() {
        let text = "aZ0-._~ é&=+#%(),:!*/\"\\";
        assert_eq!(
            encode(text, Unescaped::None).to_string(),
            "aZ0-._~%20%C3%A9%26%3D%2B%23%25%28%29%2C%3A%21%2A%2F%22%5C"
        );
        assert_eq!(
            encode(text, Unescaped::PostgrestSyntax).to_string(),
            "aZ0-._~%20%C3%A9%26%3D%2B%23%25(),:!*%2F%22%5C"
        );
    }

    #[test]
    fn returns_first_value_of_exactly_this_name() {
        for (query, value) in [
            ("a=1&b=2&b=3", Some("2")),
            ("b&b=2", Some("2")),
            ("b=&b=2", None),
            ("b=x%20y=z", Some("x%20y=z")),
            ("bb=1&B=2&%62=3", None),
            ("", None),
        ] {
            assert_eq!(first_value(query, "b"), value, "{query}");
        }
    }
}
