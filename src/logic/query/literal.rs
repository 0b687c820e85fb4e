//! Formats of values: quotes and lists of `PostgREST`, arrays of `PostgreSQL`.

use super::value::quote;

/// Returns the end of a value inside a tree: the comma or parenthesis that is neither quoted nor inside a list or an
/// array of patterns.
#[must_use]
pub fn end_of_value(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped, mut braced, mut depth) = (false, false, false, 0_u32);
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted && text.get(..place).is_some_and(|before| before.ends_with(").")) => braced = true,
            b'}' if !quoted => braced = false,
            _ if braced => {}
            b'(' if !quoted => depth += 1,
            b')' if !quoted && depth > 0 => depth -= 1,
            b',' | b')' if !quoted && depth == 0 => return Some(place),
            _ => {}
        }
    }
    None
}

/// Parses the values of `("a,b",c)`.
#[must_use]
pub fn list(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut values = Vec::new();
    if rest.is_empty() {
        return Some(values);
    }
    loop {
        let end = if rest.starts_with('"') { end_of_quoted(rest)? } else { rest.find(',').unwrap_or(rest.len()) };
        let (value, after) = rest.split_at_checked(end)?;
        values.push(unquoted(value)?);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(values),
            None => return None,
        }
    }
}

fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(place + 1),
            _ => {}
        }
    }
    None
}

/// Returns a value without its quotes and escapes; an unquoted one must not contain a delimiter.
#[must_use]
pub fn unquoted(text: &str) -> Option<String> {
    let Some(inside) = text.strip_prefix('"') else {
        return (!text.contains(['"', '(', ')', ',', '\\'])).then(|| text.to_owned());
    };
    let inside = inside.strip_suffix('"').filter(|_| end_of_quoted(text) == Some(text.len()))?;
    let mut value = String::with_capacity(inside.len());
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        value.push(if letter == '\\' { letters.next()? } else { letter });
    }
    Some(value)
}

/// Parses the elements of `{a,"b,c"}`, an array literal of `PostgreSQL` without nulls, escapes outside quotes, and
/// inner arrays.
#[must_use]
pub fn array(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut values = Vec::new();
    if rest.is_empty() {
        return Some(values);
    }
    loop {
        let quoted = rest.starts_with('"');
        let end = if quoted { end_of_quoted(rest)? } else { rest.find(',').unwrap_or(rest.len()) };
        let (value, after) = rest.split_at_checked(end)?;
        values.push(if quoted { unquoted(value)? } else { element(value)? });
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(values),
            None => return None,
        }
    }
}

/// Parses an element without quotes; the database trims the white space around it.
fn element(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = !text.is_empty() && !text.contains(['{', '}', '"', '\\']) && !text.eq_ignore_ascii_case("null");
    plain.then(|| text.to_owned())
}

/// Returns an array literal, every element in quotes.
#[must_use]
pub fn array_of(values: &[String]) -> String {
    format!("{{{}}}", values.iter().map(|value| quote(value)).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_literals_parse_as_in_postgresql_or_are_rejected() {
        for (text, values) in [
            ("{}", vec![]),
            ("{%a%,*b*}", vec!["%a%", "*b*"]),
            ("{ a b ,c}", vec!["a b", "c"]),
            ("{\"c,\\\"d}\"}", vec!["c,\"d}"]),
        ] {
            let found = array(text);
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            assert_eq!(found.as_ref(), Some(&values), "{text}");
            assert_eq!(array(&array_of(&values)), Some(values), "{text}");
        }
        for invalid in [
            "",
            "{",
            "a",
            "{a",
            "a}",
            "{a,}",
            "{,a}",
            "{{a}}",
            "{null}",
            "{NULL}",
            "{a\\b}",
            "{\"a}",
            "{\"a\"b}",
            "{a\"b}",
            "{a, \"b\"}",
        ] {
            assert_eq!(array(invalid), None, "{invalid}");
        }
    }
}
