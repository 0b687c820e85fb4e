//! Exports: all rows of a query as one file, page after page by key (L-1, A-2).
//!
//! A client requests one by `Accept: text/csv` or `application/x-ndjson`. A page is split here into complete records;
//! an incomplete one is never forwarded.

mod csv;
#[cfg(test)]
mod tests;

use super::value::is_valid_filter_value;
use crate::{
    domain::{
        headers::Headers,
        tables::{ColumnType, Table},
    },
    logic::query::error::{QueryError, QueryErrorKind},
};
use serde_json::value::RawValue;
use std::collections::HashMap;
use strum::{IntoStaticStr, VariantArray};

/// An export: the query of its pages, and the conversion of their records into one file.
#[derive(Clone, Debug)]
pub struct Export {
    /// Table, selection and filters, without order and limit.
    pub(super) base_query: String,
    /// The table whose rows are exported.
    pub(super) table: &'static Table,
    /// True for ascending order by key: the oldest records first.
    pub(super) ascending: bool,
    /// Maximum number of records; `None`: all.
    pub(super) max_rows: Option<u64>,
    /// Names of the columns, and their types: `PostgREST` returns no header line without records, and a text that a
    /// spreadsheet would execute must be distinguished from a number.
    pub(super) columns: Vec<(String, ColumnType)>,
}

/// The formats of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// RFC 4180, with a header line.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

impl Format {
    /// Returns the format that the client requests; `None` if it requests no file.
    #[must_use]
    pub fn from_accept(headers: &Headers) -> Option<Self> {
        let accepted = headers.value("accept")?.split(';').next().unwrap_or_default().trim();
        Self::VARIANTS.iter().copied().find(|format| format.media_type() == accepted)
    }

    /// Returns the media type by which a client requests it.
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// Returns the media type of the file, with its character set.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
        }
    }

    /// Returns the extension of the file's name.
    #[must_use]
    pub fn file_extension(self) -> &'static str {
        self.into()
    }

    /// Returns the media type requested from `PostgREST`.
    #[must_use]
    pub const fn upstream_accept(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/json",
        }
    }
}

/// A page, split into records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPage {
    /// The part of the file.
    pub text: Vec<u8>,
    /// Number of its records.
    pub records: u64,
    /// The key of the last record; `None` without records.
    pub last: Option<String>,
}

impl Export {
    /// Creates an export of a whole table, the newest records first.
    pub(super) const fn new(table: &'static Table) -> Self {
        Self { base_query: String::new(), table, ascending: false, max_rows: None, columns: Vec::new() }
    }

    /// Returns the name of the table whose rows are exported.
    #[must_use]
    pub const fn table(&self) -> &'static str {
        self.table.name
    }

    /// Adds an order or a limit of the client's.
    ///
    /// # Errors
    /// `ExportMalformed`: pages are ordered by the key alone. `LimitRefused` for a limit that is not a number.
    pub(super) fn apply_parameter(mut self, name: &str, value: &str) -> Result<Self, QueryError> {
        match name {
            "limit" => {
                self.max_rows = Some(value.parse().map_err(|_| QueryError::new(QueryErrorKind::LimitRefused, name))?);
            }
            "order" => {
                self.ascending = match value.strip_prefix(self.table.key) {
                    Some("" | ".asc") => true,
                    Some(".desc") => false,
                    _ => return Err(QueryErrorKind::ExportMalformed.into()),
                }
            }
            _ => return Err(QueryErrorKind::ExportMalformed.into()),
        }
        Ok(self)
    }

    /// Returns path and query of the page after a key, or of the first one; `size` is its maximum number of records.
    #[must_use]
    pub fn page_query(&self, behind: Option<&str>, size: u64) -> String {
        let (direction, beyond) = if self.ascending { ("asc", "gt") } else { ("desc", "lt") };
        let key = self.table.key;
        let behind = behind.map_or_else(String::new, |last| format!("&{key}={beyond}.{last}"));
        format!("{}&order={key}.{direction}&limit={size}{behind}", self.base_query)
    }

    /// Returns the maximum number of records of the next page, after `out` records; 0 without a next page.
    #[must_use]
    pub fn next_page_size(&self, size: u64, out: u64) -> u64 {
        self.max_rows.map_or(size, |most| most.saturating_sub(out).min(size))
    }

    /// Splits the body of a page; only the first page retains its header line.
    ///
    /// # Errors
    /// `MalformedPage` for an incomplete body.
    pub fn parse_page(
        &self,
        format: Format,
        body: Vec<u8>,
        position: PagePosition,
    ) -> Result<ExportPage, MalformedPage> {
        let page = match format {
            Format::Csv if body.trim_ascii().is_empty() => {
                let text = match position {
                    PagePosition::First => format!("{}\n", csv::header_line(&self.columns)).into_bytes(),
                    PagePosition::Later => Vec::new(),
                };
                ExportPage { text, records: 0, last: None }
            }
            Format::Csv => csv::parse_page(&self.columns, body, position)?,
            Format::Ndjson => parse_ndjson(self.table.key, &body)?,
        };
        // The query of the next page contains it, so it must have the form of a key.
        let kind = self.table.column(self.table.key).map_or(ColumnType::Bytes, |column| column.kind);
        let valid = page.last.as_ref().is_none_or(|last| is_valid_filter_value(kind, last))
            && page.last.is_some() == (page.records > 0);
        if valid { Ok(page) } else { Err(MalformedPage) }
    }
}

/// Position of a page in its export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagePosition {
    /// The first page, which has the header line of a CSV file.
    First,
    /// Any other one.
    Later,
}

/// A page that is not an array of records with a key, or not lines of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page is not a list of records with a key")]
pub struct MalformedPage;

fn parse_ndjson(key: &str, body: &[u8]) -> Result<ExportPage, MalformedPage> {
    let records: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| MalformedPage)?;
    let mut text = Vec::with_capacity(body.len());
    for record in &records {
        text.extend_from_slice(record.get().as_bytes());
        text.push(b'\n');
    }
    let last = records.last().map(|record| row_key(key, record).ok_or(MalformedPage)).transpose()?;
    Ok(ExportPage { text, records: records.len() as u64, last })
}

/// Returns a record's key: a number as written, or a text.
fn row_key(key: &str, record: &RawValue) -> Option<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(record.get()).ok()?;
    let value = members.get(key)?.get();
    if value.starts_with('"') { serde_json::from_str(value).ok() } else { Some(value.to_owned()) }
}
