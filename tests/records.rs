//! L-1, L-3: every record that the Hub can create for a request is accepted by the database, whatever the content of
//! the request or of the database's response: requests are generated, the Hub itself creates the records, and the real
//! functions process them.
//!
//! `make test STAGE=database` starts a database, applies the migrations and sets `HUB_TEST_DATABASE_URL`.

#![expect(
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    dead_code,
    reason = "a test may panic, and this one uses a part of the shared modules"
)]

#[path = "integration/harness.rs"]
mod harness;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use harness::{PERSONAS, REST, TestApp, arrival, default_upstream};
use hub::domain::functions::FUNCTIONS;
use hub::domain::headers::Headers;
use hub::domain::tables::TABLES;
use hub::domain::tables::Table;
use hub::entry::incoming_request::IncomingRequest;
use hub::runtime::FetchError;
use hub::runtime::UpstreamRequest;
use hub::runtime::UpstreamResponse;
use postgres::{Client, NoTls, Transaction};
use serde_json::Value;
use std::{cell::RefCell, rc::Rc};

const CAROL: &str = "user_2hubcarol0000000000000003";

/// Marsaglia's xorshift: the same numbers on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Returns texts that are mostly invalid as a column, id, key, number or time, and some that are valid.
fn odd(chance: &mut Chance) -> String {
    let letters = ["a", "é", "🙂", "\u{1}", "\t", "\"", "\\", "'", "%", ",", "(", "\u{202e}", "\u{feff}", "0"];
    match chance.below(24) {
        0 => String::new(),
        1 => "x".repeat(1000),
        2 => "🙂".repeat(250),
        3 => "null".to_owned(),
        4 => "00000000-0000-4000-8000-00000000000A".to_owned(),
        5 => "{00000000-0000-4000-8000-00000000000a}".to_owned(),
        6 => in_other_letters(chance, CAROL),
        7 => "org_2hubacme00000000000000001".to_owned(),
        8 => "user_".to_owned(),
        9 => format!("org_{}", "x".repeat(65)),
        10 => "9223372036854775807".to_owned(),
        11 => "-1".to_owned(),
        12 => "2026-02-30T25:61:61Z".to_owned(),
        13 => "2026-11-26T00:00:00+00:00".to_owned(),
        14 => "true".to_owned(),
        15 => "\u{7f}\u{80}\u{9f}".to_owned(),
        16 => "'; drop table hub.leads; --".to_owned(),
        _ => (0..=chance.below(12)).map(|_| chance.of(&letters)).collect(),
    }
}

/// Returns an id of Clerk's, some of whose letters may be in the other case, which is another id.
fn in_other_letters(chance: &mut Chance, id: &str) -> String {
    if chance.once_in(2) {
        return id.to_owned();
    }
    let (kind, rest) = id.split_once('_').unwrap();
    let other = |letter: char| if chance.once_in(6) { letter.to_ascii_uppercase() } else { letter };
    format!("{kind}_{}", rest.chars().map(other).collect::<String>())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn condition(chance: &mut Chance, table: &Table) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let named = [table.key, table.owner.unwrap_or(table.key), table.parent.map_or(table.key, |(column, _)| column)];
    let name = if chance.once_in(2) { chance.of(&named) } else { chance.of(&columns) };
    let operator = chance.of(&["eq", "neq", "in", "is", "ilike", "gt", "like(any)", "isdistinct"]);
    let value = match operator {
        "in" => {
            let many = if chance.once_in(20) { 100 } else { 4 };
            let values: Vec<String> =
                (0..chance.below(many + 1)).map(|_| format!("%22{}%22", encoded(&odd(chance)))).collect();
            format!("({})", values.join(","))
        }
        "is" => "null".to_owned(),
        "like(any)" => format!("{{{}}}", encoded(&odd(chance))),
        _ => encoded(&odd(chance)),
    };
    // Valid values, often enough for a query to succeed.
    let value = if !chance.once_in(3) && matches!(operator, "eq" | "neq" | "gt" | "isdistinct" | "ilike") {
        use hub::domain::tables::ColumnType;
        match table.column(name).unwrap().kind {
            ColumnType::Uuid => "00000000-0000-4000-8000-00000000000A".to_owned(),
            ColumnType::Integer => "9223372036854775807".to_owned(),
            ColumnType::Timestamp => "2026-11-26".to_owned(),
            ColumnType::Boolean => "true".to_owned(),
            _ if table.owner == Some(name) => "org_2hubacme00000000000000001".to_owned(),
            _ => value,
        }
    } else {
        value
    };
    if chance.once_in(8) {
        format!("or=({name}.{operator}.{value},{name}.is.null)")
    } else {
        format!("{name}={operator}.{value}")
    }
}

fn query(chance: &mut Chance, table: &Table) -> String {
    let mut parts = Vec::new();
    if chance.once_in(2) {
        let mut names: Vec<String> = vec![table.key.to_owned()];
        names.extend(table.sensitive_columns.iter().map(|name| (*name).to_owned()));
        names.extend(table.embeds.iter().map(|embed| format!("{embed}(*)")));
        names.truncate(1 + chance.below(names.len()));
        parts.push(format!("select={}", names.join(",")));
    }
    parts.extend((0..chance.below(3)).map(|_| condition(chance, table)));
    if chance.once_in(5) {
        parts.push(format!("limit={}", chance.below(2000)));
    }
    parts.join("&")
}

/// Returns one request, of any kind.
fn request(chance: &mut Chance) -> IncomingRequest {
    let personas: Vec<&str> =
        PERSONAS.into_iter().chain(["impersonated", "admin", "sales", "support", "support"]).collect();
    let persona = chance.of(&personas);
    let table = &TABLES[chance.below(TABLES.len())];
    let (method, path, body) = match chance.below(9) {
        0 => {
            let function = &FUNCTIONS[chance.below(FUNCTIONS.len())];
            let arguments: serde_json::Map<String, Value> =
                function.arguments.iter().map(|argument| (argument.name.to_owned(), odd(chance).into())).collect();
            ("POST", format!("/rest/v1/rpc/{}", function.name), Some(Value::Object(arguments).to_string()))
        }
        1 => ("GET", format!("/rest/v1/rpc/search_tickets?words={}", encoded(&odd(chance))), None),
        2 => {
            let query_text = query(chance, table);
            (
                "PATCH",
                format!("/rest/v1/{}?{query_text}&{}=eq.00000000-0000-4000-8000-00000000000A", table.name, table.key),
                Some(r#"{"status":"new"}"#.to_owned()),
            )
        }
        3 => {
            let (name, column) =
                [("contact_tickets", "subject"), ("ticket_messages", "body"), ("chat_messages", "body")]
                    [chance.below(3)];
            let owners: Vec<String> = (0..=chance.below(4)).map(|_| in_other_letters(chance, CAROL)).collect();
            ("GET", format!("/rest/v1/{name}?select=id,{column}&owner_id=in.({})", owners.join(",")), None)
        }
        4 => (
            chance.of(&["HEAD", "PUT", "TRACE", "X\u{e9}TENSION-METHOD-THAT-IS-LONG"]),
            format!("/rest/v1/{}?{}", table.name, query(chance, table)),
            None,
        ),
        _ => ("GET", format!("/rest/v1/{}?{}", table.name, query(chance, table)), None),
    };
    let name = odd(chance);
    let purpose = chance.of(&["support", "sales", "quality", "legal", "", "curiosity"]);
    let address = odd(chance);
    let mut headers = vec![("x-request-id", name.as_str()), ("cf-connecting-ip", &address), ("if-match", "*")];
    if !purpose.is_empty() {
        headers.push(("x-hub-purpose", purpose));
    }
    if chance.once_in(3) {
        headers.push(("prefer", "return=representation"));
    }
    if chance.once_in(6) {
        headers.push(("accept", chance.of(&["text/csv", "application/x-ndjson"])));
    }
    let arrived = arrival(persona, (method, &path), &headers, body.as_deref());
    IncomingRequest { colo: Some(odd(chance)), country: Some(odd(chance)), ..arrived }
}

/// Returns a possible response of the database: rows, an invalid count, or a rejection with any code.
fn respond(chance: &mut Chance, sent: &UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> {
    if !sent.url.starts_with(REST) || sent.url.contains("/rpc/record_re") || !chance.once_in(4) {
        return default_upstream(sent);
    }
    let json = ("content-type".to_owned(), "application/json; charset=utf-8".to_owned());
    let ranges = ["0-99999999999/*", "*/0", "0-/x", "5-1/3", "0-18446744073709551614/*", "x"];
    match chance.below(4) {
        0 => Err(FetchError::Unreachable),
        1 => {
            let range = ("content-range".to_owned(), chance.of(&ranges).to_owned());
            Ok(UpstreamResponse { status: 200, headers: Headers::new(vec![json, range]), body: Some(b"[]".to_vec()) })
        }
        _ => {
            let code = format!("{}\0{}", odd(chance), odd(chance));
            let reported =
                serde_json::json!({ "code": code, "message": odd(chance), "details": odd(chance), "hint": null });
            let status = [400, 403, 404, 406, 409, 416, 500, 503][chance.below(8)];
            Ok(UpstreamResponse {
                status,
                headers: Headers::new(vec![json]),
                body: Some(reported.to_string().into_bytes()),
            })
        }
    }
}

/// Does the same as `PostgREST` before a function: claims, headers, method, role, pre-request.
fn act(transaction: &mut Transaction<'_>, claims: &Value, headers: &Value) {
    let role = claims["role"].as_str().unwrap();
    transaction
        .execute(
            "select set_config('role', 'none', true), set_config('request.method', 'POST', true), set_config('request.jwt.claims', $1, true), \
             set_config('request.headers', $2, true), set_config('role', $3, true)",
            &[&claims.to_string(), &headers.to_string(), &role],
        )
        .unwrap();
    transaction.execute("select hub_private.before_request()", &[]).unwrap();
}

/// Executes the call as it was sent.
fn call(transaction: &mut Transaction<'_>, call: &UpstreamRequest) -> i32 {
    let header =
        |name: &str| call.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str()).unwrap();
    let token = header("authorization").strip_prefix("Bearer ").unwrap();
    let claims = Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap();
    let headers = call.headers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    act(transaction, &serde_json::from_slice(&claims).unwrap(), &Value::Object(headers));
    let body = std::str::from_utf8(call.body.as_deref().unwrap()).unwrap();
    transaction
        .query_one(
            "select hub.record_read(a.entity, a.selector, a.records, a.filter, a.purpose, a.export) from json_to_record($1::text::json) \
             as a (entity text, selector text, records text[], filter text, purpose text, export boolean)",
            &[&body],
        )
        .unwrap_or_else(|error| panic!("{error}: {body}"))
        .get(0)
}

fn carol() -> Value {
    serde_json::json!({ "role": "hub_customer", "sub": CAROL, "owner": CAROL, "sid": "sess_2hubcarol0000000000000003", "sat": 1_790_000_000 })
}

fn count(transaction: &mut Transaction<'_>, query: &str, id: &str) -> i64 {
    transaction.query_one(query, &[&id]).unwrap().get(0)
}

#[test]
fn every_built_read_record_is_accepted_l_3() {
    let url = std::env::var("HUB_TEST_DATABASE_URL").expect("HUB_TEST_DATABASE_URL: run `make test STAGE=database`");
    let mut client = Client::connect(&url, NoTls).unwrap();
    let mut transaction = client.transaction().unwrap();
    let system = serde_json::json!({ "role": "hub_system", "sub": "system:request-log" });
    act(&mut transaction, &carol(), &serde_json::json!({ "x-request-id": "01ARZ3NDEKTSV4RRFFQ69G5FA0" }));
    transaction.execute("select hub.open_ticket('A question', 'Why?')", &[]).unwrap();
    transaction.execute("select set_config('role', 'none', true)", &[]).unwrap();
    let chance = Rc::new(RefCell::new(Chance(0x9e37_79b9_7f4a_7c15)));
    let upstream = Rc::clone(&chance);
    let app = TestApp::with_upstream(move |sent| respond(&mut upstream.borrow_mut(), sent));
    let (mut recorded, mut queued, mut read_count, mut owners) = (0, 0, 0, 0);
    for _ in 0..3_000 {
        app.fake.advance_time(1);
        let arrival = request(&mut chance.borrow_mut());
        let what = format!("{} {}", arrival.method, arrival.url);
        let response = app.handle(arrival);
        let id = response.header("x-request-id").unwrap().to_owned();
        for one in &response.calls {
            assert!(call(&mut transaction, one) > 0, "{what}");
            recorded += 1;
        }
        act(&mut transaction, &system, &serde_json::json!({ "x-request-id": id }));
        let rows = Value::from(response.rows.clone()).to_string();
        let sent = transaction.execute("select hub.record_requests($1::text::jsonb)", &[&rows]);
        assert!(sent.is_ok(), "{what}: {sent:?} {rows}");
        transaction.execute("select set_config('role', 'none', true)", &[]).unwrap();
        for (_, record) in response.recorded.iter().filter(|(_, record)| record["selector"] == "owner") {
            let named = record["records"].as_array().unwrap().contains(&Value::from(CAROL));
            let owns = ["contact_tickets", "ticket_messages"].contains(&record["entity"].as_str().unwrap());
            if named && owns && response.calls[0].headers.iter().all(|(name, _)| *name != "x-hub-impersonator") {
                let reported = "select count(*) from hub.team_activities where request_id = $1 and owner_id = 'user_2hubcarol0000000000000003'";
                assert_eq!(count(&mut transaction, reported, &id), 1, "{what}: {record}");
                owners += 1;
            }
        }
        queued += response.rows.len();
        let is_recorded = response.rows.iter().any(|row| row.get("look").is_some());
        let audit_rows =
            "select count(*) from hub.team_activities where request_id = $1 and action in ('read', 'list', 'export')";
        let found = count(&mut transaction, audit_rows, &id);
        assert_eq!(found > 0, is_recorded || !response.calls.is_empty(), "{what}: {rows}");
        read_count += usize::from(is_recorded);
        let whole = "select count(*) from hub.request_log where request_id = $1 and status is not null";
        assert_eq!(count(&mut transaction, whole, &id), 1, "{what}: {rows}");
    }
    assert!(
        recorded > 150 && queued > 2_000 && read_count > 50,
        "{recorded} recorded, {queued} rows, {read_count} looks"
    );
    assert!(owners > 10, "{owners} reads of Carol's by owner");
}
