//! L-1, L-3: reads that must be recorded are recorded in the database first, and without the record no data is read.
//! The cases are generated from TABLES and FUNCTIONS, so that they include every new sensitive column, embed or
//! function.

use crate::harness::{REST, TestApp, TestResponse, default_upstream, json as vectors, upstream_response};
use hub::{
    domain::{
        access::{PrincipalKind, Purpose, StaffRole},
        functions::{Argument, FUNCTIONS, FunctionProperty},
        tables::{ColumnType, Grant, TABLES, Table},
    },
    runtime::{FetchError, UpstreamRequest, UpstreamResponse},
};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use strum::VariantArray as _;

const ID: &str = "00000000-0000-4000-8000-00000000000a";

/// One request, and its description.
#[derive(Clone, Debug)]
struct Case {
    what: String,
    persona: &'static str,
    method: &'static str,
    path: String,
    body: Option<String>,
}

fn example(kind: ColumnType) -> Value {
    match kind {
        ColumnType::Boolean => json!(true),
        ColumnType::Bytes | ColumnType::Json => json!({}),
        ColumnType::Integer => json!(1),
        ColumnType::Text => json!("x"),
        ColumnType::Texts => json!(["x"]),
        ColumnType::Timestamp => json!("2026-11-26T00:00:00Z"),
        ColumnType::Uuid => json!(ID),
    }
}

fn text(kind: ColumnType) -> String {
    let value = example(kind);
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn condition(table: &Table, column: &str) -> String {
    match table.column(column).unwrap().kind {
        ColumnType::Bytes | ColumnType::Json => format!("{column}=is.null"),
        _ if table.owner == Some(column) => format!("{column}=eq.user_2hubcarol0000000000000003"),
        kind => format!("{column}=eq.{}", text(kind)),
    }
}

/// Returns a body with the first of the permitted columns.
fn row(table: &Table, columns: &[&str]) -> Option<String> {
    let (name, rest) = columns.split_first()?;
    let mut row = Map::new();
    for name in [name].into_iter().chain(rest.first()) {
        row.insert((*name).to_owned(), example(table.column(name).unwrap().kind));
    }
    Some(Value::Object(row).to_string())
}

fn arguments(arguments: &[Argument]) -> Value {
    Value::Object(arguments.iter().map(|argument| (argument.name.to_owned(), example(argument.kind))).collect())
}

/// Returns the requests of one staff role that involve one sensitive column.
fn of_column(persona: &'static str, who: PrincipalKind, table: &Table, grant: &Grant, column: &str) -> Vec<Case> {
    let (name, key) = (table.name, table.key);
    let named = condition(table, key);
    let condition_text = condition(table, column);
    let mut cases = vec![
        ("selects", "GET", format!("{name}?select={key},{column}&{named}"), None),
        ("selects all", "GET", format!("{name}?{named}"), None),
        ("calls it otherwise", "GET", format!("{name}?select=x:{column}&{named}"), None),
        ("filters", "GET", format!("{name}?select={key}&{named}&{condition_text}"), None),
        (
            "filters in a tree",
            "GET",
            format!("{name}?select={key}&{named}&or=({},{key}.is.null)", condition_text.replacen('=', ".", 1)),
            None,
        ),
        ("counts", "HEAD", format!("{name}?select={key}&{named}&{condition_text}"), None),
        ("orders", "GET", format!("{name}?select={key}&{named}&order={column}.desc"), None),
    ];
    let returned = format!("{name}?select={key},{column}");
    if let Some(body) = row(table, grant.insert) {
        cases.push(("inserts", "POST", returned.clone(), Some(body)));
    }
    if let Some(body) = row(table, grant.update) {
        cases.push(("updates", "PATCH", format!("{returned}&{named}"), Some(body)));
    }
    if grant.delete {
        cases.push(("deletes", "DELETE", format!("{returned}&{named}"), None));
    }
    for outer in TABLES.iter().filter(|outer| outer.embeds.contains(&name) && outer.grant(who).is_some()) {
        let (over, of_outer) = (outer.name, condition(outer, outer.key));
        cases.push(("embeds", "GET", format!("{over}?select={},{name}({column})&{of_outer}", outer.key), None));
        let embed = format!("{over}?select={},{name}!inner({key})&{of_outer}", outer.key);
        cases.push(("filters an embed", "GET", format!("{embed}&{name}.{condition_text}"), None));
        cases.push(("orders an embed", "GET", format!("{embed}&{name}.order={column}"), None));
    }
    cases
        .into_iter()
        .map(|(what, method, path, body)| Case {
            what: format!("{persona} {what} {name}.{column}"),
            persona,
            method,
            path,
            body,
        })
        .collect()
}

fn personas() -> impl Iterator<Item = (&'static str, PrincipalKind)> {
    StaffRole::VARIANTS.iter().map(|role| (role.name(), PrincipalKind::Staff(*role)))
}

/// Every table × role × sensitive column × way to reveal some of it, and every function that returns such.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (persona, who) in personas() {
        for table in TABLES {
            let Some(grant) = table.grant(who) else { continue };
            for column in table.sensitive_columns.iter().filter(|column| grant.read.contains(column)) {
                cases.extend(of_column(persona, who, table, grant, column));
            }
        }
        for function in FUNCTIONS.iter().filter(|function| function.is_open_to(who)) {
            let table = function.returns.table();
            let gives = table.is_some_and(|table| {
                table
                    .grant(who)
                    .is_some_and(|grant| table.sensitive_columns.iter().any(|column| grant.read.contains(column)))
            });
            if !gives && function.mark != FunctionProperty::Sensitive {
                continue;
            }
            let body = arguments(function.arguments);
            let what = format!("{persona} calls {}", function.name);
            let path = format!("rpc/{}", function.name);
            if !function.writes {
                let query: Vec<String> = function
                    .arguments
                    .iter()
                    .map(|argument| format!("{}={}", argument.name, text(argument.kind)))
                    .collect();
                let path = format!("{path}?{}", query.join("&"));
                for method in ["GET", "HEAD"] {
                    cases.push(Case { what: what.clone(), persona, method, path: path.clone(), body: None });
                }
            }
            cases.push(Case { what, persona, method: "POST", path, body: Some(body.to_string()) });
        }
    }
    // Impersonators of a client: every table and function that the client reads.
    for table in
        TABLES.iter().filter(|table| table.grant(PrincipalKind::Customer).is_some_and(|grant| !grant.read.is_empty()))
    {
        for method in ["GET", "HEAD"] {
            for path in
                [table.name.to_owned(), format!("{}?select={}&{}", table.name, table.key, condition(table, table.key))]
            {
                let what = format!("in a client's place: {}", table.name);
                cases.push(Case { what, persona: "impersonated", method, path, body: None });
            }
        }
    }
    for function in FUNCTIONS.iter().filter(|function| function.is_open_to(PrincipalKind::Customer) && !function.writes)
    {
        let (what, path) = (format!("in a client's place: {}", function.name), format!("rpc/{}", function.name));
        let body = Some(arguments(function.arguments).to_string());
        cases.push(Case { what, persona: "impersonated", method: "POST", path, body });
    }
    cases
}

fn send(app: &TestApp, case: &Case) -> TestResponse {
    let staff_headers = [("x-hub-purpose", "sales"), ("if-match", "*"), ("prefer", "return=representation")];
    app.send(case.persona, case.method, &format!("/rest/v1/{}", case.path), &staff_headers, case.body.as_deref())
}

fn data(response: &TestResponse) -> usize {
    response.upstream.iter().filter(|sent| sent.url.starts_with(REST)).count()
}

fn unless_recorded(
    mut response_on_record: impl FnMut() -> Result<UpstreamResponse<Vec<u8>>, FetchError> + 'static,
) -> impl FnMut(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> + 'static {
    move |request| {
        if request.url.ends_with("/rpc/record_read") { response_on_record() } else { default_upstream(request) }
    }
}

#[test]
fn sensitive_read_is_recorded_before_the_data_is_requested_l_1() {
    let cases = cases();
    assert!(cases.len() > 150, "{}", cases.len());
    let (app, mut wrong) = (TestApp::new(), Vec::new());
    for case in &cases {
        let response = send(&app, case);
        let first = matches!(response.recorded[..], [(0, _)]);
        let completed = response.rows.len() == 1
            && response.rows[0]["status"] == response.status
            && response.rows[0].get("look").is_none();
        if response.status >= 400 || !first || data(&response) != 1 || !completed {
            wrong.push(format!("{}: {} {} {:?}", case.what, response.status, response.code, response.recorded));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn data_is_not_requested_if_recording_fails_l_1() {
    let failures: [fn() -> Result<UpstreamResponse<Vec<u8>>, FetchError>; 7] = [
        || Err(FetchError::Unreachable),
        || Err(FetchError::Timeout),
        || upstream_response(500, "{}"),
        || upstream_response(503, ""),
        || upstream_response(400, r#"{"code":"22P02","message":"invalid input syntax for type uuid"}"#),
        || upstream_response(403, r#"{"code":"42501","message":"permission denied"}"#),
        || upstream_response(302, ""),
    ];
    for failure in failures {
        let mut app = TestApp::with_upstream(unless_recorded(failure));
        for (place, case) in cases().into_iter().enumerate() {
            // After some failures that waited until their timeout, the session's token has expired.
            if place % 4 == 0 && failure().is_err_and(|failure| failure == FetchError::Timeout) {
                app = TestApp::with_upstream(unless_recorded(failure));
            }
            let response = send(&app, &case);
            assert_eq!((response.status, data(&response)), (503, 0), "{}", case.what);
            assert!(case.method == "HEAD" || response.code == "HUB405", "{}", case.what);
            assert_eq!(response.rows[0]["code"], "HUB405", "{}", case.what);
        }
    }
}

/// The call uses the reader's own token, so that an ended session records nothing and reads nothing.
#[test]
fn revoked_session_is_rejected_by_the_recording_call_i_2() {
    let app = TestApp::with_upstream(unless_recorded(|| {
        upstream_response(401, r#"{"code":"PT401","message":"session revoked"}"#)
    }));
    for case in cases() {
        let response = send(&app, &case);
        assert_eq!((response.status, data(&response)), (401, 0), "{}", case.what);
    }
}

/// The call contains the request's own id, route and method, and its user.
#[test]
fn read_record_call_carries_the_request_context_l_3() {
    let app = TestApp::new();
    let staff_headers = [("x-hub-purpose", "support"), ("x-request-id", "my-own-id-1")];
    let response = app.send("impersonated", "HEAD", "/rest/v1/contact_tickets", &staff_headers, None);
    let [(0, record)] = &response.recorded[..] else { panic!("{:?}", response.recorded) };
    assert_eq!(
        [&record["entity"], &record["selector"], &record["records"], &record["purpose"], &record["export"]],
        [&json!("contact_tickets"), &json!("list"), &json!([]), &json!("support"), &json!(false)]
    );
    let call = &response.calls[0];
    let header = |name: &str| call.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
    assert_eq!(header("x-request-id"), response.header("x-request-id"));
    assert_eq!(
        [header("x-hub-method"), header("x-hub-route"), header("x-client-request-id"), header("x-hub-impersonator")],
        [Some("HEAD"), Some("/rest/v1/contact_tickets"), Some("my-own-id-1"), Some("user_2hubadmin0000000000000005")]
    );
}

/// The record of each query: the records it names, the conversation it shows, the words it searches.
#[test]
fn read_record_describes_the_returned_data_l_1() {
    let app = TestApp::new();
    for read in vectors("reads.json").as_array().unwrap() {
        let path = read["path"].as_str().unwrap().to_owned();
        let method = if read["method"] == "PATCH" {
            "PATCH"
        } else if read["method"] == "POST" {
            "POST"
        } else {
            "GET"
        };
        let body = read["body"].as_str().map(str::to_owned);
        let case = Case { what: path.clone(), persona: "admin", method, path, body };
        let response = match read["headers"]["accept"].as_str() {
            Some(accept) => {
                let staff_headers = [("x-hub-purpose", "sales"), ("accept", accept)];
                app.send("admin", method, &format!("/rest/v1/{}", case.path), &staff_headers, None)
            }
            None => send(&app, &case),
        };
        let [(0, record)] = &response.recorded[..] else {
            panic!("{}: {} {}", case.what, response.status, response.text)
        };
        for name in ["entity", "selector", "records"] {
            assert_eq!(record[name], read[name], "{}: {name}", case.what);
        }
        assert!(record["filter"].as_str().unwrap().contains(read["filter"].as_str().unwrap()), "{record}");
        assert_eq!(record["purpose"], "sales");
    }
}

/// R-3, L-1: a rejected erasure states in how many rows of others an identifier occurs, so that it requires a purpose
/// like a search. Its record is permanent, so it contains none of the words that identify the user.
#[test]
fn erasure_record_contains_no_identifiers_r_3() {
    let app = TestApp::new();
    let body = r#"{"user_id":"user_2hubcarol0000000000000003","identifiers":["Carol Danvers"],"reason":"request 42","other_rows":3}"#;
    let send = |staff_headers: &[(&str, &str)]| {
        app.send("admin", "POST", "/rest/v1/rpc/erase_user", staff_headers, Some(body))
    };
    let refused = send(&[]);
    assert_eq!((refused.status, refused.code.as_str(), data(&refused)), (403, "HUB328", 0));
    let response = send(&[("x-hub-purpose", "legal")]);
    let [(0, record)] = &response.recorded[..] else { panic!("{} {}", response.status, response.text) };
    assert_eq!(
        [&record["entity"], &record["selector"], &record["records"], &record["filter"], &record["purpose"]],
        [
            &json!("erase_user"),
            &json!("list"),
            &json!([]),
            &json!("identifiers&other_rows&reason&user_id"),
            &json!("legal")
        ]
    );
}

/// A table or a function of which a staff member reads sensitive columns, and whether unnamed records may be among
/// them.
struct Entry {
    persona: &'static str,
    who: PrincipalKind,
    path: String,
    table: &'static Table,
}

/// Every table × role, and every function that returns rows of a table, by GET as by POST.
fn entries() -> Vec<(Entry, Option<String>)> {
    let mut entries = Vec::new();
    for (persona, who) in personas() {
        for table in TABLES.iter().filter(|table| table.grant(who).is_some()) {
            entries.push((Entry { persona, who, path: format!("{}?", table.name), table }, None));
        }
        for function in FUNCTIONS.iter().filter(|function| function.is_open_to(who)) {
            let Some(table) = function.returns.table() else { continue };
            let path = format!("rpc/{}?", function.name);
            let body = Some(arguments(function.arguments).to_string());
            entries.push((Entry { persona, who, path: path.clone(), table }, body));
            if !function.writes {
                let query = function.arguments.iter().map(|one| format!("{}={}&", one.name, text(one.kind)));
                entries.push((Entry { persona, who, path: path + &query.collect::<String>(), table }, None));
            }
        }
    }
    entries
}

/// Returns selections of a table that show a sensitive column, or depend on its content: its own, and those of embedded
/// tables, two deep.
fn sensitive(who: PrincipalKind, table: &Table, deep: u8) -> Vec<(String, String)> {
    let key = table.key;
    let readable = |column: &&&str| table.grant(who).is_some_and(|grant| grant.read.contains(*column));
    let mut found = Vec::new();
    for column in table.sensitive_columns.iter().filter(readable) {
        found.push((format!("{key},{column}"), String::new()));
        found.push((format!("{key},x:{column}"), String::new()));
        found.push((format!("{key},{column}"), condition(table, column)));
        found.push((format!("{key},{column}"), format!("order={column}")));
    }
    if deep < 2 {
        for inner in
            table.embeds.iter().filter_map(|name| Table::by_name(name)).filter(|inner| inner.grant(who).is_some())
        {
            for (select, rest) in sensitive(who, inner, deep + 1) {
                let rest = if rest.is_empty() { rest } else { format!("{}.{rest}", inner.name) };
                found.push((format!("{key},{}({select})", inner.name), rest.clone()));
                found.push((format!("{key},{}!inner({select})", inner.name), rest));
            }
        }
    }
    found
}

/// Returns conditions on a column that hold for rows with this value, in every available syntax.
fn namings(column: &str, value: &str) -> Vec<String> {
    let mut plain: Vec<String> = ["eq", "gte", "lte", "like", "ilike", "isdistinct", "neq", "gt", "lt"]
        .iter()
        .map(|operator| format!("{operator}.{value}"))
        .collect();
    plain.extend(["in", "like(any)", "like(all)", "ilike(any)"].map(|operator| match operator {
        "in" => format!("in.(%22{value}%22)"),
        _ => format!("{operator}.{{{value}}}"),
    }));
    let mut found = Vec::new();
    for condition in plain.iter().flat_map(|plain| [plain.clone(), format!("not.{plain}")]) {
        found.push(format!("{column}={condition}"));
        for tree in ["or", "and", "not.or", "not.and"] {
            found.push(format!("{tree}=({column}.{condition})"));
            found.push(format!("{tree}=(and({column}.{condition}),{column}.is.null)"));
        }
    }
    found
}

/// Any condition of staff on an owner, or on the record of an audit log entry: the read record names it, or the
/// condition excludes rows, or it is rejected.
#[test]
fn named_owners_are_recorded_by_name_l_1() {
    let client = "user_2hubcarol0000000000000003";
    let app = TestApp::new();
    let (mut named, mut left_out, mut refused, mut wrong) = (0, 0, 0, Vec::new());
    for (persona, who) in personas() {
        for table in TABLES.iter().filter(|table| table.grant(who).is_some_and(|grant| !grant.read.is_empty())) {
            let is_audit_log = table.name == "team_activities";
            if !(is_audit_log || table.audited && table.owner.is_some()) {
                continue;
            }
            let select = if is_audit_log { format!("{},after", table.key) } else { table.key.to_owned() };
            for column in
                table.owner.into_iter().chain(["owner_id", "entity_id"]).filter(|name| table.column(name).is_some())
            {
                let inner = table.embeds.first().map(|inner| format!("select={select},{inner}!inner(id)&{inner}."));
                let paths = namings(column, client).into_iter().flat_map(|naming| {
                    let embedded = inner.as_ref().map(|inner| (true, format!("{inner}{naming}")));
                    [Some((false, format!("select={select}&{naming}"))), embedded].into_iter().flatten()
                });
                for (embedded, query) in paths {
                    let path = format!("{}?{query}", table.name);
                    let case = Case { what: path.clone(), persona, method: "GET", path, body: None };
                    let response = send(&app, &case);
                    let tree = query.contains("=(");
                    let leaves_out = !tree && ["=neq.", "=not.eq.", "=not.in."].iter().any(|out| query.contains(out));
                    let read_record = match &response.recorded[..] {
                        [(_, read_record)] => read_record.clone(),
                        _ => response.rows[0]["look"].clone(),
                    };
                    let by_name = read_record["records"] == json!([client]) && !embedded;
                    match response.status {
                        200 if by_name && !leaves_out => named += 1,
                        200 if leaves_out && read_record["selector"] == "list" => left_out += 1,
                        400 if response.code == "HUB340" || response.code == "HUB308" => refused += 1,
                        _ => wrong.push(format!(
                            "{persona} {}: {} {} {read_record}",
                            case.what, response.status, response.code
                        )),
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(named > 20 && left_out > 40 && refused > 1000, "{named} {left_out} {refused}");
}

/// Any two conditions of staff on the key or the parent of a client's record: the read record names it, or the conditions
/// exclude rows or are one range, as a cursor is, or they are rejected.
#[test]
fn named_keys_are_recorded_by_name_l_1() {
    let app = TestApp::new();
    let mut tables = HashSet::new();
    let (mut named, mut lists, mut refused, mut wrong) = (0, 0, 0, Vec::new());
    for (persona, who) in personas() {
        for table in TABLES.iter().filter(|table| table.grant(who).is_some_and(|grant| !grant.read.is_empty())) {
            let audit_log = table.name == "team_activities";
            // The rule is the same for every role of staff.
            if !(audit_log || table.audited) || !tables.insert(table.name) {
                continue;
            }
            for column in [table.key].into_iter().chain(table.parent.map(|(column, _)| column)) {
                let select = if audit_log { "id,after" } else { table.key };
                let key = if audit_log { "17" } else { "00000000-0000-4000-8000-00000000000a" };
                let (trees, plain): (Vec<_>, Vec<_>) =
                    namings(column, key).into_iter().partition(|condition| condition.contains("=("));
                let pairs = plain.iter().enumerate().flat_map(|(at, one)| {
                    plain[at + 1..].iter().map(move |other| format!("{one}&{other}")).chain([one.clone()])
                });
                let pairs = pairs.chain(trees);
                for query in pairs {
                    let path = format!("{}?select={select}&{query}", table.name);
                    let case = Case { what: path.clone(), persona, method: "GET", path, body: None };
                    let response = send(&app, &case);
                    let record = match &response.recorded[..] {
                        [(_, record)] => record.clone(),
                        _ => response.rows.first().map_or(json!(null), |row| row["look"].clone()),
                    };
                    match response.status {
                        200 if record["records"] == json!([key]) => named += 1,
                        200 if record["selector"] == "list" && selects_many(&query) => lists += 1,
                        400 => refused += 1,
                        _ => wrong
                            .push(format!("{persona} {}: {} {} {record}", case.what, response.status, response.code)),
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(named > 100 && lists > 100 && refused > 1000, "{named} {lists} {refused}");
}

/// Returns whether each condition excludes rows, and at most one is a range.
fn selects_many(query: &str) -> bool {
    let excludes = ["=neq.", "=not.eq.", "=not.in.", "=isdistinct."];
    let ranges = ["gt.", "gte.", "lt.", "lte."];
    let count = ranges.iter().map(|range| query.matches(range).count()).sum::<usize>();
    let rest = query.split('&').filter(|one| !ranges.iter().any(|range| one.contains(range)));
    count <= 1 && rest.into_iter().all(|one| !one.contains("=(") && excludes.iter().any(|out| one.contains(out)))
}

/// A key has one spelling: another one would be recorded as the name of another record. Ranges of a key count together
/// with those of a column that refers to it, and repeated conditions on one column name what they have in common.
#[test]
fn disguised_names_are_rejected_or_recorded_l_1() {
    let app = TestApp::new();
    let carol = "user_2hubcarol0000000000000003";
    let acme = "org_2hubacme00000000000000001";
    let rejected = [
        ("admin", "team_activities?select=id,after&id=eq.%2B17".to_owned()),
        ("admin", "team_activities?select=id,after&id=eq.0000000000000000000017".to_owned()),
        ("admin", "team_activities?select=id,after&id=in.(17,%2B18)".to_owned()),
        ("admin", "team_activities?select=id,after&id=eq.-0".to_owned()),
        ("admin", format!("team_activities?select=id,action&owner_id=gte.{carol}&owner_id=lte.{carol}")),
        (
            "support",
            format!(
                "ticket_messages?select=id,contact_tickets!inner(id)&ticket_id=gte.{ID}&contact_tickets.id=lte.{ID}"
            ),
        ),
        (
            "support",
            format!(
                "contact_tickets?select=id,ticket_messages!inner(id)&id=gte.{ID}&ticket_messages.ticket_id=lte.{ID}"
            ),
        ),
        (
            "support",
            format!("chat_messages?select=id,chat_threads!inner(id)&thread_id=gte.{ID}&chat_threads.id=lte.{ID}"),
        ),
        ("support", format!("contact_tickets?select=id&id=eq.{ID}&subject=like.Abc%5C")),
        ("support", "contact_tickets?select=id&subject=ilike(any).{x,Abc%5C%5C%5C}".to_owned()),
    ];
    for (persona, path) in rejected {
        let response = send(&app, &Case { what: path.clone(), persona, method: "GET", path: path.clone(), body: None });
        assert_eq!((response.status, data(&response)), (400, 0), "{path}: {}", response.code);
    }
    let named = [
        (
            "admin",
            format!("team_activities?select=id,action&entity_id=eq.{ID}&entity_id=in.({ID},{carol})"),
            json!([ID]),
        ),
        (
            "admin",
            format!("team_activities?select=id,action&entity_id=in.({ID},{carol})&entity_id=eq.{ID}"),
            json!([ID]),
        ),
        (
            "admin",
            format!("team_activities?select=id,after&entity=eq.contact_tickets&entity_id=eq.{ID}&owner_id=eq.{carol}"),
            json!([carol]),
        ),
        (
            "support",
            format!("contact_tickets?select=id&owner_id=in.({carol},{acme})&owner_id=eq.{acme}"),
            json!([acme]),
        ),
        ("support", format!("contact_tickets?select=id&id=eq.{ID}&subject=like.Abc%5C%5C"), json!([ID])),
    ];
    for (persona, path, records) in named {
        let response = send(&app, &Case { what: path.clone(), persona, method: "GET", path: path.clone(), body: None });
        let record = match &response.recorded[..] {
            [(_, record)] => record.clone(),
            _ => response.rows[0]["look"].clone(),
        };
        assert_eq!((response.status, &record["records"]), (200, &records), "{path}");
    }
}

/// Each read of the audit log by an admin is recorded, whatever its columns: its rows are about clients.
#[test]
fn reads_of_audit_log_are_recorded_whatever_their_columns_l_1() {
    let app = TestApp::new();
    let carol = "user_2hubcarol0000000000000003";
    for (method, query, records) in [
        ("GET", format!("select=id,action,entity_id,reason,filter&owner_id=eq.{carol}"), json!([carol])),
        ("GET", format!("select=id,action&entity_id=eq.{ID}"), json!([ID])),
        ("HEAD", format!("select=id&owner_id=eq.{carol}"), json!([carol])),
        ("GET", "select=id,action&id=eq.17".to_owned(), json!(["17"])),
        ("GET", "select=id,action".to_owned(), json!([])),
    ] {
        let path = format!("team_activities?{query}");
        let response = send(&app, &Case { what: path.clone(), persona: "admin", method, path, body: None });
        assert_eq!((response.status, &response.rows[0]["look"]["records"]), (200, &records), "{query}");
    }
}

/// Any table or function that returns rows: sensitive columns are of a record that the query names, or of a list that
/// the reader's role works with.
#[test]
fn sensitive_columns_require_named_records_a_2() {
    let (app, mut wrong, mut queried) = (TestApp::new(), Vec::new(), 0);
    for (entry, body) in entries() {
        for (select, rest) in sensitive(entry.who, entry.table, 0) {
            let path = format!("{}select={select}&{rest}", entry.path);
            let method = if body.is_some() { "POST" } else { "GET" };
            for named in [false, true] {
                let path =
                    if named { format!("{path}&{}", condition(entry.table, entry.table.key)) } else { path.clone() };
                let case = Case { what: path.clone(), persona: entry.persona, method, path, body: body.clone() };
                let response = send(&app, &case);
                let listed = entry.table.lists(entry.who, Purpose::Sales);
                let right = if named || listed {
                    let recorded =
                        response.recorded.first().map(|(_, record)| record["records"].as_array().unwrap().len());
                    response.status == 200 && data(&response) == 1 && recorded == Some(usize::from(named))
                } else {
                    response.code == "HUB329" && data(&response) == 0 && response.recorded.is_empty()
                };
                queried += 1;
                if !right {
                    wrong.push(format!(
                        "{} {method} {}: {} {}",
                        case.persona, case.what, response.status, response.code
                    ));
                }
            }
        }
    }
    assert!(queried > 200, "{queried}");
    assert_eq!(wrong, Vec::<String>::new());
}

/// A change by staff that reveals rows of clients, even only that one exists, is recorded before, or reveals nothing.
#[test]
fn change_that_reveals_rows_is_recorded_as_a_read_l_1() {
    let (app, mut wrong, mut revealing) = (TestApp::new(), Vec::new(), 0);
    for (persona, who) in personas() {
        for table in TABLES.iter().filter(|table| table.audited) {
            let Some(grant) = table.grant(who) else { continue };
            let named = condition(table, table.key);
            let changed = row(table, grant.update).map(|body| ("PATCH", Some(body)));
            let methods = changed.into_iter().chain(grant.delete.then_some(("DELETE", None)));
            for (method, body) in methods {
                let plain = grant.read.iter().filter(|column| !table.sensitive_columns.contains(column));
                let mut queries = vec![(format!("{named}&select={}", table.key), "return=representation", true)];
                if let Some((_, parent)) = table.parent {
                    let path = format!("{named}&select={},{parent}(id)", table.key);
                    queries.push((path, "return=representation", true));
                }
                for column in plain.filter(|column| **column != table.key && **column != "version") {
                    for preference in ["return=minimal", "return=headers-only,count=planned"] {
                        queries.push((format!("{named}&{}", condition(table, column)), preference, true));
                    }
                }
                queries.push((format!("{named}&{}=not.is.null", table.key), "return=minimal", true));
                queries.push((
                    format!("{named}&or=({},{}.is.null)", named.replacen('=', ".", 1), table.key),
                    "return=minimal",
                    true,
                ));
                queries.push((named.clone(), "return=minimal", false));
                queries.push((named.clone(), "return=headers-only", false));
                if table.column("version").is_some() {
                    queries.push((format!("{named}&version=eq.3"), "return=minimal", false));
                }
                for (query, preference, reveals) in queries {
                    let staff_headers = [("if-match", "*"), ("prefer", preference), ("x-hub-purpose", "sales")];
                    let version = query.contains("version=eq");
                    let staff_headers = if version { &staff_headers[1..] } else { &staff_headers[..] };
                    let path = format!("/rest/v1/{}?{query}", table.name);
                    let response = app.send(persona, method, &path, staff_headers, body.as_deref());
                    revealing += usize::from(reveals);
                    let first =
                        response.recorded.first().map(|(before, record)| (*before, record["records"][0].clone()));
                    let right = response.status < 400 && first.is_some_and(|first| first == (0, json!(ID))) == reveals;
                    if !right {
                        wrong.push(format!(
                            "{persona} {method} {path} {preference}: {} {} {:?}",
                            response.status, response.code, response.recorded
                        ));
                    }
                }
                for column in ["subject", "topic", "name"].iter().filter(|column| grant.read.contains(column)) {
                    let path = format!("/rest/v1/{}?{named}&{column}=ilike.*invoice*", table.name);
                    let staff_headers = [("if-match", "*"), ("prefer", "return=headers-only,count=planned")];
                    let response = app.send(persona, method, &path, &staff_headers, body.as_deref());
                    if response.code != "HUB328" || data(&response) > 0 {
                        wrong.push(format!(
                            "{persona} {method} {path} without a purpose: {} {}",
                            response.status, response.code
                        ));
                    }
                }
            }
        }
    }
    assert!(revealing > 80, "{revealing}");
    assert_eq!(wrong, Vec::<String>::new());
}

/// The returned columns of an inserted row are in the audit log by the insert; those of its parent row are not.
#[test]
fn insert_that_returns_its_parent_row_is_recorded_l_1() {
    let body = json!({ "ticket_id": ID, "body": "x" }).to_string();
    for (select, recorded) in [("id", false), ("id,contact_tickets(subject)", true)] {
        let path = format!("/rest/v1/ticket_messages?select={select}");
        let response =
            TestApp::new().send("support", "POST", &path, &[("prefer", "return=representation")], Some(&body));
        assert_eq!(
            (response.status < 400, response.recorded.len()),
            (true, usize::from(recorded)),
            "{select} {}",
            response.text
        );
    }
}

/// A rejection that may depend on the rows is returned after its record, and other rejections leave none.
#[test]
fn rejection_that_may_reveal_rows_is_recorded_l_1() {
    for (status, code, recorded) in [
        (406, "PGRST116", true),
        (416, "PGRST103", true),
        (400, "21000", true),
        (400, "22025", true),
        (400, "22P02", true),
        (400, "PGRST100", false),
        (403, "42501", false),
        (503, "PGRST003", false),
    ] {
        let revealing = json!({ "code": code, "message": "x", "details": "The result contains 14 rows" }).to_string();
        let app = TestApp::with_upstream(move |sent| {
            if sent.url.contains("/contact_tickets") {
                upstream_response(status, &revealing)
            } else {
                default_upstream(sent)
            }
        });
        let path = "/rest/v1/contact_tickets?subject=eq.x&select=id";
        let response = app.get("support", "GET", path);
        assert!(response.status >= 400, "{code}");
        let is_recorded = response.rows.iter().any(|row| row["look"]["entity"] == "contact_tickets");
        assert_eq!(is_recorded, recorded, "{code}: {:?}", response.rows);
        let purpose = [("x-hub-purpose", "support")];
        let client = app.send("alice", "GET", path, &purpose, None);
        assert!(client.rows.iter().all(|row| row.get("look").is_none()), "{code}");
    }
}

/// The record contains the complete query, to the last value, or the query is not sent.
#[test]
fn read_record_contains_the_complete_query_l_1() {
    let app = TestApp::new();
    let padded = |letter: &str, times: usize| format!("kind=neq.{}&subject=eq.needle", letter.repeat(times));
    let mut queries: Vec<(String, Option<String>)> = Vec::new();
    for times in (0..1_300).step_by(61) {
        for letter in ["x", "%C3%A9", "'", "{", "\u{1}"] {
            queries.push((format!("contact_tickets?{}", padded(letter, times)), None));
            queries.push((
                format!("contact_tickets?select=id&or=(kind.eq.%22{}%22,subject.eq.needle)", letter.repeat(times)),
                None,
            ));
        }
    }
    for times in (0..40_000).step_by(997) {
        queries.push(("rpc/search_tickets?select=id&subject=eq.needle".to_owned(), Some("é".repeat(times))));
    }
    let keys: Vec<String> = (0..100).map(|place| format!("00000000-0000-4000-8000-{place:012}")).collect();
    let plain_query = format!("contact_tickets?id=in.({})&subject=eq.needle", keys.join(","));
    let many = (0..29).map(|place| format!("subject=neq.honest%20subject%20{place}")).collect::<Vec<_>>().join("&");
    let (mut accepted, mut refused) = (0, 0);
    for (query, search_text) in queries
        .into_iter()
        .chain([(plain_query.clone(), None), (format!("contact_tickets?{many}&subject=eq.needle"), None)])
    {
        let body = search_text.map(|search_text| json!({ "words": search_text }).to_string());
        let method = if body.is_some() { "POST" } else { "GET" };
        for persona in ["support", "impersonated"] {
            let staff_headers = [("x-hub-purpose", "support")];
            let query = if method == "POST" { query.replace("id&", "id,subject&") } else { query.clone() };
            let response = app.send(persona, method, &format!("/rest/v1/{query}"), &staff_headers, body.as_deref());
            if response.status == 200 {
                accepted += 1;
                let read_record = response
                    .recorded
                    .first()
                    .map(|(_, read_record)| read_record)
                    .or_else(|| response.rows[0].get("look"))
                    .unwrap();
                let filter = read_record["filter"].as_str().unwrap();
                assert!(filter.contains("subject") && filter.contains("needle"), "{persona} {query}: {}", filter.len());
                assert!(filter.len() <= 16_000, "{}", filter.len());
            } else {
                refused += 1;
                assert!(
                    ["HUB341", "HUB315"].contains(&response.code.as_str()),
                    "{} {}",
                    response.status,
                    response.text
                );
                assert_ne!(query, plain_query);
                assert_eq!(data(&response), 0);
            }
        }
    }
    assert!(accepted > 150 && refused > 50, "{accepted} kept, {refused} refused");
}

/// Staff reads without sensitive columns still use the queue, and clients' reads leave no record.
#[test]
fn other_reads_need_one_round_trip_l_3() {
    for (persona, path) in [
        ("support", "contact_tickets?select=id,subject"),
        ("support", "leads?select=id,name"),
        ("admin", "team_activities?select=id,action"),
        ("admin", "request_log"),
        ("alice", "ticket_messages"),
        ("alice", "rpc/search_tickets?words=x"),
    ] {
        let response = TestApp::new().get(persona, "GET", &format!("/rest/v1/{path}"));
        assert_eq!(
            (response.status, response.upstream.len(), response.recorded.len()),
            (200, 1, 0),
            "{persona} {path}"
        );
        let is_recorded = response.rows[0].get("look").is_some();
        let recorded = persona == "support" || path.starts_with("team_activities");
        assert_eq!(is_recorded, recorded, "{persona} {path}");
    }
}
