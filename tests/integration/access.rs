//! A-2: the rights of every persona, as two grids in which a change of rights is visible.

use crate::harness::{PERSONAS, TestApp, golden};
use hub::{
    domain::{
        access::{Operation, PrincipalKind},
        functions::{FUNCTIONS, FunctionProperty},
        tables::TABLES,
    },
    entry::routes::ROUTES,
    logic::authz::grants,
};
use std::{collections::BTreeSet, fmt::Write as _};
use strum::VariantArray as _;

#[test]
fn grants_match_golden_file_a_2() {
    let mut grid = String::new();
    for table in TABLES {
        writeln!(grid, "{}", table.name).unwrap();
        if !table.sensitive_columns.is_empty() {
            writeln!(grid, "  sensitive      {}", table.sensitive_columns.join(" ")).unwrap();
        }
        for (who, purposes) in table.listed_by {
            let purposes: Vec<&str> = purposes.iter().map(|purpose| purpose.name()).collect();
            writeln!(grid, "  lists them     {} for {}", who.name(), purposes.join(" ")).unwrap();
        }
        for who in PrincipalKind::all() {
            let Some(grant) = table.grant(who) else {
                writeln!(grid, "  {:<14} -", who.name()).unwrap();
                continue;
            };
            let allowed: Vec<&str> = Operation::VARIANTS
                .iter()
                .copied()
                .filter(|operation| grants(grant, *operation))
                .map(Operation::name)
                .collect();
            writeln!(grid, "  {:<14} {}", who.name(), allowed.join(" ")).unwrap();
            for (verb, columns) in [("reads", grant.read), ("inserts", grant.insert), ("updates", grant.update)] {
                if !columns.is_empty() {
                    writeln!(grid, "    {verb:<8} {}", columns.join(" ")).unwrap();
                }
            }
        }
    }
    for function in FUNCTIONS {
        let callers: Vec<&str> = function.callers.iter().map(|who| who.name()).collect();
        let mark = match function.mark {
            FunctionProperty::Internal => "internal: ",
            FunctionProperty::Plain => "",
            FunctionProperty::Sensitive => "sensitive: ",
        };
        writeln!(grid, "{}()\n  {mark}{}", function.name, callers.join(" ")).unwrap();
    }
    golden("access.txt", &grid);
}

/// Every route, table and function, with every method, for every persona: the status, and whether a request reached the
/// database.
#[test]
fn route_persona_matrix_matches_golden_file() {
    let mut paths: Vec<String> = Vec::new();
    for route in ROUTES {
        match route.path.split_once('{') {
            Some((prefix, "table}")) => paths.extend(TABLES.iter().map(|table| format!("{prefix}{}", table.name))),
            Some((prefix, _)) => paths.extend(FUNCTIONS.iter().map(|function| format!("{prefix}{}", function.name))),
            None => paths.push(route.path.to_owned()),
        }
    }
    paths.extend(["/rest/v1/nothing", "/rest/v1/rpc/nothing", "/auth/v1/token", "/nothing"].map(str::to_owned));
    // A function with a route of its own is listed once.
    let mut response = BTreeSet::new();
    paths.retain(|path| response.insert(path.clone()));
    let app = TestApp::new();
    let mut grid = format!("{:<34} {:<7}", "path", "method");
    for persona in PERSONAS {
        write!(grid, " {persona:>10}").unwrap();
    }
    grid.push_str("\n\nA status with a star: the database was asked. What was sent is minimal but well-formed.\n\n");
    for path in &paths {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            write!(grid, "{path:<34} {method:<7}").unwrap();
            for persona in PERSONAS {
                let (query, body) = example(path, method);
                // Purpose and version, which staff must send (A-2, L-1) and clients may send.
                let staff_headers = [("x-hub-purpose", "support"), ("if-match", "*")];
                let response = app.send(persona, method, &format!("{path}{query}"), &staff_headers, body);
                let star = if response.upstream.iter().any(|sent| sent.url.starts_with(crate::harness::REST)) {
                    "*"
                } else {
                    ""
                };
                let code = if response.code.is_empty() { String::new() } else { format!(" {}", &response.code[3..]) };
                write!(grid, " {:>10}", format!("{}{star}{code}", response.status)).unwrap();
            }
            grid.push('\n');
        }
    }
    golden("routes.txt", &grid);
}

/// Returns the smallest request of a kind that the firewall accepts.
fn example(path: &str, method: &str) -> (&'static str, Option<&'static str>) {
    let key = if path.ends_with("revoked_sessions") {
        "?subject=eq.sess_2hubalice0000000000000001"
    } else if path.ends_with("team_activities") || path.ends_with("request_log") || path.ends_with("checks") {
        "?id=eq.1"
    } else {
        "?id=eq.00000000-0000-4000-8000-000000000000"
    };
    match (method, path.rsplit('/').next().unwrap()) {
        ("GET" | "HEAD", "search_tickets") => ("?words=x", None),
        ("POST", "revoke_sessions") => ("", Some(r#"{"person":"user_2hubalice0000000000000001","reason":"x"}"#)),
        ("POST", "retry_rejected_requests") => ("", Some(r#"{"reason":"x"}"#)),
        ("POST", "erase_user") => {
            ("", Some(r#"{"user_id":"user_2hubalice0000000000000001","identifiers":["Alice Liddell"],"reason":"x"}"#))
        }
        ("POST", "search_tickets") => ("", Some(r#"{"words":"x"}"#)),
        ("POST", "open_ticket") => ("", Some(r#"{"subject":"x","body":"y"}"#)),
        ("POST", "move_lead") => {
            ("", Some(r#"{"lead":"00000000-0000-4000-8000-000000000000","status":"contacted","version":1}"#))
        }
        ("POST", "move_ticket") => {
            ("", Some(r#"{"ticket":"00000000-0000-4000-8000-000000000000","status":"pending","version":1}"#))
        }
        ("POST", "merge_tickets") => (
            "",
            Some(
                r#"{"ticket":"00000000-0000-4000-8000-000000000000","target":"00000000-0000-4000-8000-000000000001","version":1}"#,
            ),
        ),
        ("POST", "retract_message") => ("", Some(r#"{"message":"00000000-0000-4000-8000-000000000000"}"#)),
        ("POST", "leads") => ("", Some(r#"{"name":"x","email":"x@example.com"}"#)),
        ("POST", "contact_tickets") => ("", Some(r#"{"subject":"x"}"#)),
        ("POST", "ticket_messages") => ("", Some(r#"{"ticket_id":"00000000-0000-4000-8000-000000000000","body":"x"}"#)),
        ("POST", "chat_threads") => ("", Some(r#"{"topic":"x"}"#)),
        ("POST", "chat_messages") => ("", Some(r#"{"thread_id":"00000000-0000-4000-8000-000000000000","body":"x"}"#)),
        ("POST", _) => ("", Some("{}")),
        ("PATCH", "ticket_messages" | "chat_messages") => (key, Some(r#"{"body":"x"}"#)),
        ("PATCH", _) => (key, Some(r#"{"status":"closed"}"#)),
        ("DELETE", _) | ("GET" | "HEAD", "leads" | "ticket_messages" | "chat_messages") => (key, None),
        _ => ("", None),
    }
}
