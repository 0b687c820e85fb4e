//! Split pages: the output is the database's data, record by record.

use super::*;
use crate::domain::tables::ColumnType;

fn export(table: &str) -> Export {
    Export {
        base_query: format!("{table}?select=id"),
        max_rows: Some(5),
        columns: vec![("id".to_owned(), ColumnType::Integer), ("reason".to_owned(), ColumnType::Text)],
        ..Export::new(Table::by_name(table).unwrap())
    }
}

fn cut(format: Format, body: &str, first: bool) -> Result<(String, u64, Option<String>), MalformedPage> {
    let page = export("team_activities").parse_page(
        format,
        body.into(),
        if first { PagePosition::First } else { PagePosition::Later },
    )?;
    Ok((String::from_utf8(page.text).unwrap(), page.records, page.last))
}

#[expect(clippy::unnecessary_wraps, reason = "compared with a fallible function")]
fn whole(text: &str, records: u64, last: Option<&str>) -> Result<(String, u64, Option<String>), MalformedPage> {
    Ok((text.to_owned(), records, last.map(str::to_owned)))
}

#[test]
fn pages_are_ordered_by_the_key() {
    let mut numbered = export("team_activities");
    assert_eq!(numbered.page_query(None, 2), "team_activities?select=id&order=id.desc&limit=2");
    assert_eq!(numbered.page_query(Some("7"), 2), "team_activities?select=id&order=id.desc&limit=2&id=lt.7");
    assert_eq!(
        [numbered.next_page_size(2, 0), numbered.next_page_size(2, 4), numbered.next_page_size(2, 5)],
        [2, 1, 0]
    );
    (numbered.ascending, numbered.max_rows) = (true, None);
    assert_eq!(numbered.page_query(Some("7"), 2), "team_activities?select=id&order=id.asc&limit=2&id=gt.7");
    assert_eq!(numbered.next_page_size(2, 1_000_000), 2);
}

#[test]
fn each_line_is_one_record() {
    let body = "[{\"id\":3,\"reason\":\"a\\nb ], [\"}, \n {\"id\":2,\"after\":{\"x\":[1, 2]}}]";
    let lines = "{\"id\":3,\"reason\":\"a\\nb ], [\"}\n{\"id\":2,\"after\":{\"x\":[1, 2]}}\n";
    assert_eq!(cut(Format::Ndjson, body, true), whole(lines, 2, Some("2")));
    assert_eq!(cut(Format::Ndjson, "[]", true), whole("", 0, None));
    for broken in ["", "[{\"id\":3}", "{\"id\":3}", "[{\"name\":3}]", "[{\"id\":3}] [", "null", "[{\"id\":\"3&x=1\"}]"]
    {
        assert_eq!(cut(Format::Ndjson, broken, true), Err(MalformedPage), "{broken}");
    }
}

/// The key of a client's own rows is a uuid, and no other text is written into the next page's query.
#[test]
fn pages_may_be_ordered_by_a_uuid() {
    let tickets = export("contact_tickets");
    let key = "0a0b0c0d-0000-4000-8000-000000000001";
    let page = tickets
        .parse_page(Format::Ndjson, format!("[{{\"id\":\"{key}\"}}]").into_bytes(), PagePosition::First)
        .unwrap();
    assert_eq!(page.last.as_deref(), Some(key));
    assert_eq!(
        tickets.page_query(page.last.as_deref(), 9),
        format!("contact_tickets?select=id&order=id.desc&limit=9&id=lt.{key}")
    );
    let page =
        tickets.parse_page(Format::Csv, format!("id,reason\n{key},x").into_bytes(), PagePosition::First).unwrap();
    assert_eq!(page.last.as_deref(), Some(key));
    for other in ["1", "x", "", "0a0b0c0d-0000-4000-8000-00000000000&"] {
        assert_eq!(
            tickets.parse_page(Format::Csv, format!("id,reason\n{other},x").into_bytes(), PagePosition::First),
            Err(MalformedPage),
            "{other}"
        );
    }
}

#[test]
fn csv_fields_may_contain_newlines_commas_and_quotes() {
    let body = "id,reason\n3,\"a\n\"\"b\"\", c\"\n2,";
    assert_eq!(cut(Format::Csv, body, true), whole(&format!("{body}\n"), 2, Some("2")));
    assert_eq!(cut(Format::Csv, body, false), whole("3,\"a\n\"\"b\"\", c\"\n2,\n", 2, Some("2")));
    assert_eq!(cut(Format::Csv, "id,reason\n1,\n", true), whole("id,reason\n1,\n", 1, Some("1")));
    assert_eq!(cut(Format::Csv, "id,reason", true), whole("id,reason\n", 0, None));
    assert_eq!(cut(Format::Csv, "id,reason\n", false), whole("", 0, None));
    assert_eq!(cut(Format::Csv, "\n", true), whole("id,reason\n", 0, None));
    assert_eq!(cut(Format::Csv, "", false), whole("", 0, None));
    for broken in
        ["id,reason\n\"3", "id,reason\nx,3", "id,reason\n\n", "id,reason\n3", "id,reason\n3,4,5", "reason,id\n3,4"]
    {
        assert_eq!(cut(Format::Csv, broken, true), Err(MalformedPage), "{broken}");
    }
}

#[test]
fn spreadsheet_formulas_are_escaped() {
    for begin in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\u{ff1d}1", "\u{ff0b}1", "\u{ff0d}1", "\u{ff20}x"]
    {
        let body = format!("id,reason\n-3,\"{begin}\"\n-4,\"a{begin}\"");
        // A tab and a line break begin a cell themselves.
        let inside = begin.replace("\t=", "\t'=").replace("\r=", "\r'=").replace("\n=", "\n'=");
        let text = format!("id,reason\n-3,\"'{inside}\"\n-4,\"a{inside}\"\n");
        assert_eq!(cut(Format::Csv, &body, true), whole(&text, 2, Some("-4")), "{begin:?}");
    }
    for (cell, safe) in [
        ("a;=1+1;b", "a;'=1+1;b"),
        ("\"a\n@x\"", "\"a\n'@x\""),
        ("\"a;\"\"=1&\"\"\"", "\"a;'\"\"=1&\"\"\""),
        ("\"a\t\u{ff1d}1\"", "\"a\t'\u{ff1d}1\""),
        ("a; -5", "a; -5"),
    ] {
        let safe = format!("id,reason\n1,{safe}\n");
        assert_eq!(cut(Format::Csv, &format!("id,reason\n1,{cell}"), true), whole(&safe, 1, Some("1")), "{cell:?}");
    }
    assert_eq!(cut(Format::Csv, "id,reason\n1,=1+1\n2,-", false), whole("1,'=1+1\n2,'-\n", 2, Some("2")));
}

/// A number generator without a library: the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % most).unwrap()
    }
}

/// Writes a record as `PostgREST` does: quoted where required, or where allowed.
fn field(text: &str, quoted: bool) -> String {
    let must = text.is_empty() || text.contains([',', '"', '\n', '\r', '\t', ' ', '(', ')', '\\']);
    if must || quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Reads RFC 4180 with a parser other than the one under test.
fn read(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut value, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => value.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut value)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut value));
                records.push(std::mem::take(&mut record));
            }
            letter => value.push(letter),
        }
    }
    assert!(!quoted && value.is_empty() && record.is_empty());
    records
}

/// A file as a spreadsheet reads it whose cells end at this separator: quotes mean something only where a cell begins.
fn sheet(text: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut quoted, mut begins) = (Vec::new(), String::new(), false, true);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if begins => (quoted, begins) = (true, false),
            '"' if quoted && letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            '"' if quoted => quoted = false,
            letter if !quoted && (letter == separator || letter == '\n' || letter == '\r') => {
                cells.push(std::mem::take(&mut cell));
                begins = true;
            }
            letter => {
                cell.push(letter);
                begins = false;
            }
        }
    }
    cells.push(cell);
    cells
}

/// A text with the apostrophes that the export adds.
fn safe(text: &str) -> String {
    let runs = |text: &str| text.starts_with(['=', '+', '-', '@', '\u{ff1d}']);
    let mut safe = String::new();
    if runs(text) || text.starts_with(['\t', '\r', '\n']) {
        safe.push('\'');
    }
    for (place, letter) in text.char_indices() {
        safe.push(letter);
        if matches!(letter, ';' | '\t' | '\r' | '\n') && runs(text[place + 1..].trim_start_matches('"')) {
            safe.push('\'');
        }
    }
    safe
}

/// Any content of the cells: every record occurs once, unchanged but for the apostrophes; no spreadsheet executes a
/// cell, with any separator; the count and the key are correct; every truncated body is rejected or is a complete page
/// of fewer records.
#[test]
fn csv_pages_are_parsed_into_their_records() {
    let parts = ["=", "+", "-", "@", ";", "\t", "\r", "\n", ",", "\"", "'", " ", "a", "\u{ff1d}", "é", "{", "\\"];
    let mut dice = Dice(10);
    for round in 0..400 {
        let count = dice.below(6);
        let cells: Vec<String> =
            (0..count).map(|_| (0..dice.below(6)).map(|_| parts[dice.below(parts.len() as u64)]).collect()).collect();
        let lines: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(id, cell)| format!("{},{}", id + 1, field(cell, dice.below(2) == 0)))
            .collect();
        let body = std::iter::once("id,reason".to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
        let (text, records, last) = cut(Format::Csv, &body, true).unwrap();
        let found = read(&text);
        assert_eq!((records, found.len()), (count as u64, count + 1), "{round} {body:?}");
        assert_eq!(last, (count > 0).then(|| count.to_string()));
        for (record, cell) in found.iter().skip(1).zip(&cells) {
            assert_eq!(record[1], safe(cell), "{round} {body:?}");
        }
        for separator in [',', ';', '\t'] {
            let ran =
                sheet(&text, separator).into_iter().find(|cell| cell.starts_with(['=', '+', '-', '@', '\u{ff1d}']));
            assert_eq!(ran, None, "{round} {separator:?} {text:?}");
        }
        let (rest, ..) = cut(Format::Csv, &body, false).unwrap();
        assert_eq!(format!("id,reason\n{rest}"), text);
        let json = serde_json::json!(
            cells
                .iter()
                .enumerate()
                .map(|(id, cell)| serde_json::json!({"id": id + 1, "reason": cell}))
                .collect::<Vec<_>>()
        )
        .to_string();
        let (lines, records, last) = cut(Format::Ndjson, &json, false).unwrap();
        assert_eq!(
            (records, lines.lines().count(), last),
            (count as u64, count, (count > 0).then(|| count.to_string()))
        );
        for (line, cell) in lines.lines().zip(&cells) {
            assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap()["reason"], **cell);
        }
        for end in (0..json.len()).filter(|end| json.is_char_boundary(*end)) {
            assert_eq!(cut(Format::Ndjson, &json[..end], true), Err(MalformedPage), "{round} {end}");
        }
        for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
            if let Ok((_, fewer, _)) = cut(Format::Csv, &body[..end], true) {
                assert!(fewer <= records, "{round} {end}");
            }
        }
    }
}
