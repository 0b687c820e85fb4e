//! Exports: everything that fits a query, as one file, page after page by key (L-1, A-2).
//!
//! A client asks for it by `Accept: text/csv` or `application/x-ndjson`. A page is cut here into whole records; what is not whole
//! is never passed on.

use super::fault::{QueryFault, Rule};
use crate::domain::{headers::Headers, tables::Table};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An export: what each of its pages asks, and how their records become one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Table, selection and filters, without order and limit.
    pub(super) base: String,
    /// The column that pages go by; the selection begins with it.
    pub(super) key: &'static str,
    /// Whether the oldest come first.
    pub(super) ascending: bool,
    /// How many records at most; `None`: all.
    pub(super) most: Option<u64>,
    /// What the columns are called, for a file without records: `PostgREST` gives no header line then.
    pub(super) names: String,
}

/// The kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header line.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// What the client asks for, if it asks for a file.
    #[must_use]
    pub fn asked(headers: &Headers) -> Option<Self> {
        match headers.value("accept")?.split(';').next().unwrap_or_default().trim() {
            "application/x-ndjson" => Some(Self::Ndjson),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The media type of the file.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
        }
    }

    /// The ending of the file's name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// What `PostgREST` is asked for.
    #[must_use]
    pub const fn upstream(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/json",
        }
    }
}

/// A page, cut into records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The part of the file.
    pub text: Vec<u8>,
    /// How many records it has.
    pub records: u64,
    /// The key of the last one; `None`: there is none.
    pub last: Option<i64>,
}

impl Export {
    /// All of a table, the newest first.
    pub(super) const fn of(table: &'static Table) -> Self {
        Self { base: String::new(), key: table.key, ascending: false, most: None, names: String::new() }
    }

    /// With an order or a limit of the client's.
    ///
    /// # Errors
    /// `ExportMalformed`: pages go by the key alone. `LimitRefused` for no number.
    pub(super) fn with(mut self, name: &str, value: &str) -> Result<Self, QueryFault> {
        match name {
            "limit" => self.most = Some(value.parse().map_err(|_| QueryFault::new(Rule::LimitRefused, name))?),
            "order" => {
                self.ascending = match value.strip_prefix(self.key) {
                    Some("" | ".asc") => true,
                    Some(".desc") => false,
                    _ => return Err(Rule::ExportMalformed.into()),
                }
            }
            _ => return Err(Rule::ExportMalformed.into()),
        }
        Ok(self)
    }

    /// Path and query of the page behind a key, or of the first one; `size` is how many records it has at most.
    #[must_use]
    pub fn page(&self, behind: Option<i64>, size: u64) -> String {
        let (direction, beyond) = if self.ascending { ("asc", "gt") } else { ("desc", "lt") };
        let key = self.key;
        let behind = behind.map_or_else(String::new, |last| format!("&{key}={beyond}.{last}"));
        format!("{}&order={key}.{direction}&limit={size}{behind}", self.base)
    }

    /// How many records the next page may have, when so many are out already; 0 when there is no next page.
    #[must_use]
    pub fn next(&self, size: u64, out: u64) -> u64 {
        self.most.map_or(size, |most| most.saturating_sub(out).min(size))
    }

    /// Cuts the body of a page; only the first one keeps its header line.
    ///
    /// # Errors
    /// `Broken` for a body that is not whole.
    pub fn cut(&self, format: Format, body: Vec<u8>, first: bool) -> Result<Page, Broken> {
        match format {
            Format::Csv if body.trim_ascii().is_empty() => {
                let text = if first { format!("{}\n", self.names).into_bytes() } else { Vec::new() };
                Ok(Page { text, records: 0, last: None })
            }
            Format::Csv => csv(body, first),
            Format::Ndjson => ndjson(&body),
        }
    }
}

/// A page that is no array of records with a key, or no lines of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

#[derive(Deserialize)]
struct Keyed {
    id: i64,
}

fn ndjson(body: &[u8]) -> Result<Page, Broken> {
    let records: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| Broken)?;
    let mut text = Vec::with_capacity(body.len());
    for record in &records {
        text.extend_from_slice(record.get().as_bytes());
        text.push(b'\n');
    }
    let last = records.last().map(|record| serde_json::from_slice::<Keyed>(record.get().as_bytes())).transpose();
    Ok(Page { text, records: records.len() as u64, last: last.map_err(|_| Broken)?.map(|keyed| keyed.id) })
}

/// Records end at a line feed outside quotes (RFC 4180 §2); `PostgREST` ends the last one with none.
fn csv(mut body: Vec<u8>, first: bool) -> Result<Page, Broken> {
    let (mut quoted, mut starts) = (false, vec![0]);
    for (place, byte) in body.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => starts.push(place + 1),
            _ => {}
        }
    }
    if quoted || body.is_empty() {
        return Err(Broken);
    }
    if starts.last().is_some_and(|start| *start == body.len()) {
        starts.pop();
    } else {
        body.push(b'\n');
    }
    let records = starts.len() as u64 - 1;
    let last = match starts.last() {
        Some(start) if records > 0 => {
            let record = body.get(*start..).unwrap_or_default();
            let key = record.split(|byte| *byte == b',' || *byte == b'\n').next().unwrap_or_default();
            Some(std::str::from_utf8(key).ok().and_then(|key| key.parse().ok()).ok_or(Broken)?)
        }
        _ => None,
    };
    if !first {
        body.drain(..starts.get(1).copied().unwrap_or(body.len()));
    }
    Ok(Page { text: body, records, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export() -> Export {
        Export {
            base: "team_activities?select=id".into(),
            key: "id",
            ascending: false,
            most: Some(5),
            names: "id,reason".into(),
        }
    }

    fn cut(format: Format, body: &str, first: bool) -> Result<(String, u64, Option<i64>), Broken> {
        let page = export().cut(format, body.into(), first)?;
        Ok((String::from_utf8(page.text).unwrap_or_default(), page.records, page.last))
    }

    #[test]
    fn pages_go_by_the_key() {
        let mut export = export();
        assert_eq!(export.page(None, 2), "team_activities?select=id&order=id.desc&limit=2");
        assert_eq!(export.page(Some(7), 2), "team_activities?select=id&order=id.desc&limit=2&id=lt.7");
        assert_eq!([export.next(2, 0), export.next(2, 4), export.next(2, 5)], [2, 1, 0]);
        (export.ascending, export.most) = (true, None);
        assert_eq!(export.page(Some(7), 2), "team_activities?select=id&order=id.asc&limit=2&id=gt.7");
        assert_eq!(export.next(2, 1_000_000), 2);
    }

    #[test]
    fn a_line_is_a_record_whatever_is_in_it() {
        let body = "[{\"id\":3,\"reason\":\"a\\nb ], [\"}, \n {\"id\":2,\"after\":{\"x\":[1, 2]}}]";
        let lines = "{\"id\":3,\"reason\":\"a\\nb ], [\"}\n{\"id\":2,\"after\":{\"x\":[1, 2]}}\n";
        assert_eq!(cut(Format::Ndjson, body, true), Ok((lines.to_owned(), 2, Some(2))));
        assert_eq!(cut(Format::Ndjson, "[]", true), Ok((String::new(), 0, None)));
        for broken in ["", "[{\"id\":3}", "{\"id\":3}", "[{\"name\":3}]", "[{\"id\":3}] [", "null"] {
            assert_eq!(cut(Format::Ndjson, broken, true), Err(Broken), "{broken}");
        }
    }

    #[test]
    fn a_field_may_hold_lines_commas_and_quotes() {
        let body = "id,reason\n3,\"a\n\"\"b\"\", c\"\n2,";
        assert_eq!(cut(Format::Csv, body, true), Ok((format!("{body}\n"), 2, Some(2))));
        assert_eq!(cut(Format::Csv, body, false), Ok(("3,\"a\n\"\"b\"\", c\"\n2,\n".to_owned(), 2, Some(2))));
        assert_eq!(cut(Format::Csv, "id\n1\n", true), Ok(("id\n1\n".to_owned(), 1, Some(1))));
        assert_eq!(cut(Format::Csv, "id,reason", true), Ok(("id,reason\n".to_owned(), 0, None)));
        assert_eq!(cut(Format::Csv, "id,reason\n", false), Ok((String::new(), 0, None)));
        assert_eq!(cut(Format::Csv, "\n", true), Ok(("id,reason\n".to_owned(), 0, None)));
        assert_eq!(cut(Format::Csv, "", false), Ok((String::new(), 0, None)));
        for broken in ["id\n\"3", "id\nx,3", "id\n\n"] {
            assert_eq!(cut(Format::Csv, broken, true), Err(Broken), "{broken}");
        }
    }
}
