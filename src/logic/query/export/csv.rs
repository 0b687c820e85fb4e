//! A page of CSV: split into complete records, and made safe for spreadsheets.

use super::{ExportPage, MalformedPage, PagePosition};
use crate::domain::tables::ColumnType;

/// Returns the header line, as `PostgREST` writes it.
pub fn header_line(columns: &[(String, ColumnType)]) -> String {
    columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",")
}

/// Splits a page. Records end at a line feed outside quotes (RFC 4180 §2); `PostgREST` does not terminate the last one.
///
/// # Errors
/// `MalformedPage` for a page whose header or records do not match the requested columns.
pub fn parse_page(
    columns: &[(String, ColumnType)],
    mut body: Vec<u8>,
    position: PagePosition,
) -> Result<ExportPage, MalformedPage> {
    if body.last() != Some(&b'\n') {
        body.push(b'\n');
    }
    let mut scan = Scan { columns, body: &body, starts: vec![0], formulas: Vec::new() };
    scan.records()?;
    let Scan { starts, formulas, .. } = scan;
    let head = starts.get(1).copied().unwrap_or(body.len());
    if body.get(..head.saturating_sub(1)) != Some(header_line(columns).as_bytes()) {
        return Err(MalformedPage);
    }
    let records = starts.len() as u64 - 1;
    let last = match starts.last() {
        Some(start) if records > 0 => Some(row_key(body.get(*start..).unwrap_or_default()).ok_or(MalformedPage)?),
        _ => None,
    };
    let from = match position {
        PagePosition::First => 0,
        PagePosition::Later => head,
    };
    Ok(ExportPage { text: escape_formulas(body, from, &formulas), records, last })
}

/// Returns the bytes from an offset on, with an apostrophe before each value that a spreadsheet would execute.
fn escape_formulas(mut body: Vec<u8>, from: usize, formulas: &[usize]) -> Vec<u8> {
    if formulas.is_empty() {
        body.drain(..from);
        return body;
    }
    let mut text = Vec::with_capacity(body.len() + formulas.len());
    let mut done = from;
    for place in formulas {
        text.extend_from_slice(body.get(done..*place).unwrap_or_default());
        text.push(b'\'');
        done = *place;
    }
    text.extend_from_slice(body.get(done..).unwrap_or_default());
    text
}

/// Returns the first field of a record.
fn row_key(record: &[u8]) -> Option<String> {
    let key = record.split(|byte| *byte == b',' || *byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(key).ok().map(str::to_owned)
}

/// One pass over a page.
struct Scan<'a> {
    columns: &'a [(String, ColumnType)],
    body: &'a [u8],
    /// Offset of each line, the header line included.
    starts: Vec<usize>,
    /// Offsets of the values that a spreadsheet would execute.
    formulas: Vec<usize>,
}

impl Scan<'_> {
    fn records(&mut self) -> Result<(), MalformedPage> {
        let (mut quoted, mut column) = (false, 0);
        let mut value = Some(0);
        for (place, byte) in self.body.iter().enumerate() {
            if value == Some(place) && !quoted {
                match byte {
                    b'"' => self.value(column, place + 1),
                    // An empty value at the end of a line.
                    b'\n' => {}
                    _ => self.value(column, place),
                }
                value = None;
            }
            match byte {
                b'"' => quoted = !quoted,
                b';' | b'\t' | b'\r' => self.inside(column, place + 1),
                b'\n' if quoted => self.inside(column, place + 1),
                b',' if !quoted => {
                    column += 1;
                    value = Some(place + 1);
                }
                b'\n' if !quoted => {
                    if column + 1 != self.columns.len() {
                        return Err(MalformedPage);
                    }
                    column = 0;
                    value = Some(place + 1);
                    self.starts.push(place + 1);
                }
                _ => {}
            }
        }
        if quoted || self.starts.pop() != Some(self.body.len()) {
            return Err(MalformedPage);
        }
        Ok(())
    }

    /// Records a value that a spreadsheet would execute. A number, a time or a key of the database is not changed.
    fn value(&mut self, column: usize, start: usize) {
        let rest = self.body.get(start..).unwrap_or_default();
        if self.is_text(column) && (begins_formula(rest) || rest.starts_with(b"\t") || is_break(rest)) {
            self.formulas.push(start);
        }
    }

    /// Records a formula after a separator inside a text. Where the comma is the decimal sign, a spreadsheet separates
    /// cells by semicolons or tabs; a quote inside a cell has no meaning then, so that a line break in a text ends a
    /// row, and quotes may begin the next cell.
    fn inside(&mut self, column: usize, start: usize) {
        let rest = self.body.get(start..).unwrap_or_default();
        let quotes = rest.iter().take_while(|byte| **byte == b'"').count();
        if self.is_text(column) && begins_formula(rest.get(quotes..).unwrap_or_default()) {
            self.formulas.push(start);
        }
    }

    fn is_text(&self, column: usize) -> bool {
        let plain = [ColumnType::Boolean, ColumnType::Integer, ColumnType::Timestamp, ColumnType::Uuid];
        let typed = self.columns.get(column).is_some_and(|(_, kind)| plain.contains(kind));
        !typed && self.starts.len() > 1
    }
}

fn begins_formula(text: &[u8]) -> bool {
    FORMULAS.iter().any(|begin| text.starts_with(begin))
}

fn is_break(text: &[u8]) -> bool {
    text.starts_with(b"\r") || text.starts_with(b"\n")
}

/// First characters of a cell that a spreadsheet interprets as a formula, besides a tab and a line break, in ASCII and
/// in the wide forms; a separator of another language or a quote may precede them.
///
/// Source: <https://owasp.org/www-community/attacks/CSV_Injection>
const FORMULAS: [&[u8]; 8] = [
    b"=",
    b"+",
    b"-",
    b"@",
    "\u{ff1d}".as_bytes(),
    "\u{ff0b}".as_bytes(),
    "\u{ff0d}".as_bytes(),
    "\u{ff20}".as_bytes(),
];
