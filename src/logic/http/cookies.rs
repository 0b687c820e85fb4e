//! Cookies, read and written so that each has one meaning (RFC 6265).

/// The cookies of a request.
///
/// A name that occurs twice with different values has none: a neighbouring host may have set the second one, and their
/// order is the browser's choice.
#[derive(Debug, Default)]
pub struct Cookies<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Cookies<'a> {
    /// Returns whether a `Cookie` header is read: at most 16 KiB and 100 cookies.
    #[must_use]
    pub fn are_readable(header: &str) -> bool {
        header.len() <= MAX_HEADER_LEN && header.bytes().filter(|byte| *byte == b';').count() < MAX_COOKIES
    }

    /// Parses a `Cookie` header; empty for one that is not readable.
    #[must_use]
    pub fn parse(header: &'a str) -> Self {
        if !Self::are_readable(header) {
            return Self::default();
        }
        let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.trim(), value.trim())).filter(|(name, _)| !name.is_empty()).collect())
    }

    /// Returns the value of this name; `None` for an empty or ambiguous one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        let mut values = self.values(name);
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }

    /// Returns every non-empty value of this name, in the order of the header.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, value)| *other == name && !value.is_empty()).map(|(_, value)| *value)
    }

    /// Returns the greatest whole number among the values of this name.
    ///
    /// For a time or a count, which only grow, that is the latest value, whichever domain it was set for: beside
    /// Clerk's `__client_uat` of the parent domain a host may have one of its own
    /// (<https://github.com/clerk/javascript/pull/3318>).
    #[must_use]
    pub fn greatest(&self, name: &str) -> Option<u64> {
        self.values(name).filter_map(|value| value.parse().ok()).max()
    }
}

/// Returns a cookie to set: host-only, for all paths, over TLS only, inaccessible to scripts, not sent with cross-site
/// requests.
#[must_use]
pub fn set(name: &str, value: &str, max_age_s: u32) -> String {
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; Secure; HttpOnly; SameSite=Lax")
}

/// Returns a cookie of a parent domain to set. Scripts of the domain's other hosts read and write it, so it is not
/// `HttpOnly`.
#[must_use]
pub fn set_on(domain: &str, name: &str, value: &str, max_age_s: u32) -> String {
    format!("{name}={value}; Path=/; Domain={domain}; Max-Age={max_age_s}; Secure; SameSite=Lax")
}

/// Returns a cookie to delete.
#[must_use]
pub fn delete(name: &str) -> String {
    set(name, "", 0)
}

/// Returns a cookie to delete that was set for a domain and a path; a browser stores each pair of them separately (RFC
/// 6265 §5.3).
#[must_use]
pub fn delete_at(domain: Option<&str>, path: &str, name: &str) -> String {
    let domain = domain.map_or_else(String::new, |domain| format!("; Domain={domain}"));
    format!("{name}=; Path={path}{domain}; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

/// Returns the domains that a cookie of this origin's host may name: the host itself and every parent with a dot.
///
/// The Hub does not know which of them is registrable; a browser ignores a cookie for a public suffix (RFC 6265 §5.3).
#[must_use]
pub fn domains(origin: &str) -> Vec<String> {
    let host = origin.split_once("://").map_or(origin, |(_, rest)| rest).split(':').next().unwrap_or_default();
    let address = host.starts_with('[') || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if address {
        return Vec::new();
    }
    let parents = host.match_indices('.').filter_map(|(dot, _)| host.get(dot + 1..));
    std::iter::once(host).chain(parents).filter(|domain| domain.contains('.')).map(str::to_owned).collect()
}

/// One cookie of a `Set-Cookie` directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value; empty when the cookie is to be deleted.
    pub value: &'a str,
    /// Its `Domain`, without a leading dot.
    pub domain: Option<&'a str>,
}

/// Parses a `Set-Cookie` directive; of its attributes, only `Domain` and an expiry in the past.
#[must_use]
pub fn parse_set_cookie(text: &str) -> Option<Directive<'_>> {
    let (name, value) = text.split(';').next()?.split_once('=')?;
    let attributes = || text.split(';').skip(1).map(str::trim);
    let expired = attributes().any(|attribute| attribute.eq_ignore_ascii_case("max-age=0"));
    let domain = attributes().filter_map(|attribute| attribute.split_once('=')).find_map(|(key, domain)| {
        let domain = domain.trim();
        key.trim().eq_ignore_ascii_case("domain").then(|| domain.strip_prefix('.').unwrap_or(domain))
    });
    Some(Directive { name: name.trim(), value: if expired { "" } else { value.trim() }, domain })
}

const MAX_HEADER_LEN: usize = 16 * 1024;
const MAX_COOKIES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_cookie_has_no_value() {
        let cookies = Cookies::parse("a=1; b=2;c = 3 ;d; =e; f=; b=2; a=4; g=x=y");
        for (name, value) in
            [("a", None), ("b", Some("2")), ("c", Some("3")), ("d", None), ("", None), ("f", None), ("g", Some("x=y"))]
        {
            assert_eq!(cookies.value(name), value, "{name}");
        }
        assert_eq!(Cookies::parse(&format!("a=1; b={}", "x".repeat(MAX_HEADER_LEN))).value("a"), None);
        assert_eq!(Cookies::parse(&"a=1;".repeat(101)).value("a"), None);
        assert_eq!(Cookies::parse("").value("a"), None);
    }

    #[test]
    fn returns_greatest_of_repeated_numbers() {
        for (header, greatest) in [
            ("a=1; a=3; a=2", Some(3)),
            ("a=0; a=5", Some(5)),
            ("a=x; a=5; a=", Some(5)),
            ("a=0", Some(0)),
            ("a=x", None),
            ("a=-1", None),
            ("b=1", None),
            ("", None),
        ] {
            assert_eq!(Cookies::parse(header).greatest("a"), greatest, "{header}");
        }
    }

    #[test]
    fn lists_domains_that_a_host_may_set() {
        for (origin, domains) in [
            ("https://hub.example.com", &["hub.example.com", "example.com"][..]),
            ("https://example.com:8443", &["example.com"]),
            ("https://a.b.example.co.uk", &["a.b.example.co.uk", "b.example.co.uk", "example.co.uk", "co.uk"]),
            ("https://localhost:8787", &[]),
            ("https://127.0.0.1:8787", &[]),
            ("https://[::1]:8787", &[]),
        ] {
            assert_eq!(super::domains(origin), domains, "{origin}");
        }
    }

    #[test]
    fn parses_name_value_and_domain_of_set_cookie() {
        let read = |text| parse_set_cookie(text).map(|found| (found.name, found.value, found.domain));
        assert_eq!(read("__session=x.y.z; Path=/"), Some(("__session", "x.y.z", None)));
        assert_eq!(read("a=1; Path=/; domain=.example.com; Secure"), Some(("a", "1", Some("example.com"))));
        assert_eq!(read("a=1; Domain = example.com"), Some(("a", "1", Some("example.com"))));
        assert_eq!(read("__session=x; Max-Age=0; Path=/"), Some(("__session", "", None)));
        assert_eq!(read("a=; Domain=a.b; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), Some(("a", "", Some("a.b"))));
        assert_eq!(parse_set_cookie("__session"), None);
        assert_eq!(parse_set_cookie(""), None);
        assert_eq!(set("a", "b", 5), "a=b; Path=/; Max-Age=5; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(set_on("x.y", "a", "b", 5), "a=b; Path=/; Domain=x.y; Max-Age=5; Secure; SameSite=Lax");
        assert_eq!(
            delete_at(Some("x.y"), "/p", "a"),
            "a=; Path=/p; Domain=x.y; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
        );
    }
}
