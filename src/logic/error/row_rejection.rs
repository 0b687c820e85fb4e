//! Cause for which the database did not write request rows, from its response: one of the rows, or none (L-3).
//!
//! Sources: <https://www.postgresql.org/docs/current/errcodes-appendix.html> and
//! <https://docs.postgrest.org/en/v12/references/errors.html>.

use crate::logic::error::database::PostgrestError;

/// Code and message of a rejection; an operator reads them beside the row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowRejection {
    /// SQLSTATE, or `PostgREST`'s own code.
    pub code: String,
    /// Its message; it may quote the row.
    pub message: String,
}

/// The reason why rows were not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteFailure {
    /// The content of a row violates a rule: it is rejected on every retry.
    Row(RowRejection),
    /// The statement failed with a code of the database's that a row or the schema may have caused.
    Unclear(RowRejection),
    /// The statement exceeded the database's time limit: fewer rows may succeed.
    Slow,
    /// The database cannot write at the moment, or its gateway rejected the request; no row is the cause.
    Unavailable,
}

/// Returns the cause of a response of 400 and above.
#[must_use]
pub fn write_failure(status: u16, body: &[u8]) -> WriteFailure {
    let error = PostgrestError::parse(body).unwrap_or_default();
    // A text column of the database cannot contain a zero byte.
    let plain = |text: Option<String>| text.unwrap_or_default().replace('\0', "");
    let rejection = RowRejection { code: plain(error.code), message: plain(error.message) };
    if status == 413 {
        // A gateway's limit on bodies, or class 54: fewer rows may succeed.
        return WriteFailure::Row(RowRejection {
            code: if rejection.code.is_empty() { "413".to_owned() } else { rejection.code },
            ..rejection
        });
    }
    let code = rejection.code.clone();
    match (class(&code), code.as_str()) {
        (_, "57014") => WriteFailure::Slow,
        // The Hub's own token, and a schema that differs from that of the source.
        (_, "PT401" | "PT403" | "42883" | "42P01" | "3F000")
        | (Some("08" | "25" | "28" | "40" | "53" | "55" | "57" | "58" | "F0" | "HV") | None, _)
            if code != "PGRST102" =>
        {
            WriteFailure::Unavailable
        }
        (_, "PGRST102") | (Some("21" | "22" | "23" | "44" | "54" | "P0" | "PT"), _) => WriteFailure::Row(rejection),
        _ => WriteFailure::Unclear(rejection),
    }
}

/// Returns the class of an SQLSTATE; `None` for anything else.
fn class(code: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    if code.len() == 5 && code.bytes().all(plain) { code.get(..2) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: &str) -> WriteFailure {
        write_failure(status, format!(r#"{{"code":"{code}","message":"m"}}"#).as_bytes())
    }

    #[test]
    fn constraint_codes_are_attributed_to_the_row_l_3() {
        for (status, code) in [
            (400, "22P02"),
            (400, "22P05"),
            (409, "23505"),
            (400, "23514"),
            (413, "54000"),
            (400, "P0001"),
            (400, "PGRST102"),
            (409, "PT409"),
        ] {
            let rejection = RowRejection { code: code.to_owned(), message: "m".to_owned() };
            assert_eq!(of(status, code), WriteFailure::Row(rejection), "{code}");
        }
        assert!(matches!(write_failure(413, b"<html>"), WriteFailure::Row(rejection) if rejection.code == "413"));
    }

    #[test]
    fn outages_are_not_attributed_to_a_row_l_3() {
        for (status, code) in [
            (503, "PGRST001"),
            (504, "PGRST003"),
            (404, "PGRST202"),
            (401, "PGRST301"),
            (401, "PT401"),
            (403, "PT403"),
            (500, "57P03"),
            (503, "53100"),
            (500, "40P01"),
            (500, "40001"),
            (500, "55P03"),
            (500, "58030"),
            (404, "42883"),
            (400, "short"),
        ] {
            assert_eq!(of(status, code), WriteFailure::Unavailable, "{code}");
        }
        for (status, body) in
            [(500, "{}"), (429, "slow down"), (502, "<html>"), (400, ""), (401, r#"{"message":"Invalid API key"}"#)]
        {
            assert_eq!(write_failure(status, body.as_bytes()), WriteFailure::Unavailable, "{status} {body}");
        }
    }

    #[test]
    fn timeouts_are_a_separate_class_l_3() {
        assert_eq!(of(500, "57014"), WriteFailure::Slow);
    }

    #[test]
    fn privilege_and_internal_errors_are_ambiguous_l_3() {
        for (status, code) in [(403, "42501"), (500, "XX000"), (400, "42703")] {
            assert!(matches!(of(status, code), WriteFailure::Unclear(_)), "{code}");
        }
    }
}
