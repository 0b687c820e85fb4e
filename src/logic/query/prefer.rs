//! Preferences and media types: parsed, checked, and re-serialized.

use crate::{
    domain::{access::PrincipalKind, headers::Headers, tables::Table},
    logic::query::error::{QueryError, QueryErrorKind},
};

/// The preferences that a client may send.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `count`
    pub count: Option<&'static str>,
    /// `return`
    pub returns: Option<&'static str>,
    /// `missing=default`
    pub missing_default: bool,
    /// `max-affected`
    pub max_affected: Option<usize>,
}

impl Preferences {
    /// Returns whether a change returns its rows, or their number.
    #[must_use]
    pub fn returns_rows(&self) -> bool {
        matches!(self.returns, Some("headers-only" | "representation"))
    }

    /// Returns the count that is sent upstream. `PostgREST` derives `planned` and `estimated` from EXPLAIN, and
    /// PostgreSQL estimates with statistics of every row, also of those that row-level security hides, where an
    /// operator is leakproof. Therefore only staff receive such a number: a policy for them depends on their role and
    /// on no row (tests/database/plans.test.mjs).
    ///
    /// Source: `statistic_proc_security_check` in
    /// <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/selfuncs.c>
    ///
    /// # Errors
    /// `CountRefused`.
    pub fn count_for(&self, who: PrincipalKind, table: Option<&Table>) -> Result<Option<&'static str>, QueryError> {
        let count = match who {
            PrincipalKind::Staff(_) => self.count,
            PrincipalKind::Customer | PrincipalKind::System | PrincipalKind::Visitor => self.count.map(|_| "exact"),
        };
        if count == Some("exact") && !table.is_some_and(|table| table.exact_count) {
            return Err(QueryErrorKind::CountRefused.into());
        }
        Ok(count)
    }

    /// Parses the `Prefer` header (RFC 7240), already joined if there were several.
    ///
    /// # Errors
    /// `PreferenceRefused`, `UpsertRefused`.
    pub fn parse(headers: &Headers) -> Result<Self, QueryError> {
        let mut preferences = Self::default();
        let mut used: Vec<&str> = Vec::new();
        let written = headers.value("prefer").unwrap_or_default();
        for preference in written.split(',').map(str::trim).filter(|preference| !preference.is_empty()) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            if used.contains(&name) {
                return Err(QueryError::new(QueryErrorKind::PreferenceRefused, name));
            }
            used.push(name);
            match (name, value) {
                ("count", "exact") => preferences.count = Some("exact"),
                ("count", "planned") => preferences.count = Some("planned"),
                ("count", "estimated") => preferences.count = Some("estimated"),
                ("return", "minimal") => preferences.returns = Some("minimal"),
                ("return", "representation") => preferences.returns = Some("representation"),
                ("return", "headers-only") => preferences.returns = Some("headers-only"),
                ("missing", "default") => preferences.missing_default = true,
                ("max-affected", count) => {
                    let count = count.parse().map_err(|_| QueryError::new(QueryErrorKind::PreferenceRefused, name))?;
                    preferences.max_affected = Some(count);
                }
                // The Hub is strict in any case.
                ("missing", "null") | ("handling", "strict" | "lenient") => {}
                ("resolution", _) => return Err(QueryErrorKind::UpsertRefused.into()),
                _ => return Err(QueryError::new(QueryErrorKind::PreferenceRefused, name)),
            }
        }
        Ok(preferences)
    }
}

/// Returns the available media type that the client accepts.
///
/// # Errors
/// `AcceptRefused` for unavailable types: CSV, `GeoJSON`, query plans, the `OpenAPI` document.
pub fn accept(headers: &Headers) -> Result<&'static str, QueryError> {
    let wanted = headers.value("accept").unwrap_or("*/*");
    let media = wanted.split(',').find_map(|media| {
        let mut parts = media.split(';').map(str::trim);
        let name = parts.next()?;
        let stripped = parts.any(|part| part == "nulls=stripped");
        match (name, stripped) {
            ("application/json" | "application/*" | "*/*" | "application/vnd.pgrst.array+json", false) => {
                Some("application/json")
            }
            ("application/vnd.pgrst.array+json", true) => Some("application/vnd.pgrst.array+json;nulls=stripped"),
            ("application/vnd.pgrst.object+json" | "application/vnd.pgrst.object", false) => {
                Some("application/vnd.pgrst.object+json")
            }
            ("application/vnd.pgrst.object+json", true) => Some("application/vnd.pgrst.object+json;nulls=stripped"),
            _ => None,
        }
    });
    media.ok_or_else(|| QueryErrorKind::AcceptRefused.into())
}

/// Checks the headers that are restricted for every query.
///
/// # Errors
/// `ProfileRefused`, `RangeRefused`.
pub fn check_profile_and_range(headers: &Headers) -> Result<(), QueryError> {
    let ours = |name| headers.value(name).is_none_or(|profile| matches!(profile, "public" | "hub"));
    if !ours("accept-profile") || !ours("content-profile") {
        return Err(QueryErrorKind::ProfileRefused.into());
    }
    if headers.value("range").is_some() || headers.value("range-unit").is_some() {
        return Err(QueryErrorKind::RangeRefused.into());
    }
    Ok(())
}

/// # Errors
/// `ContentTypeRefused` for anything but JSON in UTF-8.
pub fn check_content_type(headers: &Headers) -> Result<(), QueryError> {
    let written = headers.value("content-type").unwrap_or_default().to_ascii_lowercase();
    let mut parts = written.split(';').map(str::trim);
    let json = parts.next() == Some("application/json");
    if json && parts.all(|part| matches!(part, "charset=utf-8" | "charset=\"utf-8\"")) {
        Ok(())
    } else {
        Err(QueryErrorKind::ContentTypeRefused.into())
    }
}

/// Returns whether a media type is the requested one, in UTF-8: compared as a whole, so that no other type is accepted.
#[must_use]
pub fn is_expected_media_type(accept: &str, found: &str) -> bool {
    let parts =
        |text: &str| text.to_ascii_lowercase().split(';').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    let (wanted, mut found) = (parts(accept), parts(found));
    found.retain(|part| part != "charset=utf-8");
    found == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_type_must_match_accept() {
        let stripped = "application/vnd.pgrst.array+json;nulls=stripped";
        for (accept, found) in [
            ("application/json", "application/json; charset=utf-8"),
            ("application/json", "Application/JSON;charset=UTF-8"),
            ("application/json", "application/json"),
            (stripped, "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8"),
            ("text/csv", "text/csv; charset=utf-8"),
        ] {
            assert!(is_expected_media_type(accept, found), "{found}");
        }
        for (accept, found) in [
            ("application/json", ""),
            ("application/json", "text/html; x=json"),
            ("application/json", "text/html, application/json"),
            ("application/json", "application/json; charset=latin1"),
            ("application/json", "application/jsonp"),
            ("application/json", "text/csv"),
            ("text/csv", "application/json"),
            (stripped, "application/vnd.pgrst.array+json"),
            ("application/json", stripped),
        ] {
            assert!(!is_expected_media_type(accept, found), "{found}");
        }
    }
}
