//! Rejections: the texts for a customer, for staff and for the log.

use super::*;

fn detail(staff: bool) -> ErrorDetail {
    if staff { ErrorDetail::Database } else { ErrorDetail::Public }
}

fn mapped(status: u16, body: &str, staff: bool) -> Error {
    map_error(status, body.as_bytes(), detail(staff))
}

#[test]
fn details_are_hidden_from_customers_and_shown_to_staff() {
    let body = r#"{"code":"23505","message":"duplicate key value violates unique constraint \"leads_email_key\"","details":"Key (email)=(a@b.c) already exists.","hint":"x"}"#;
    let Error::Database(client) = mapped(409, body, false) else { panic!("refusal") };
    assert_eq!(client.message, "The row already exists: leads_email_key");
    assert_eq!(client.details, None);
    assert!(client.hint.is_some_and(|hint| hint != "x"));
    let Error::Database(staff) = mapped(409, body, true) else { panic!("refusal") };
    assert!(staff.details.is_some_and(|details| details.contains("a@b.c")));
}

#[test]
fn values_are_not_reported_as_constraint_names() {
    let body = r#"{"code":"22P02","message":"invalid input syntax for type uuid: \"secret\""}"#;
    let Error::Database(client) = mapped(400, body, false) else { panic!("refusal") };
    assert_eq!(client.message, "A value has an invalid format");
}

#[test]
fn row_count_for_supabase_js_is_preserved() {
    let body = r#"{"code":"PGRST116","message":"JSON object requested","details":"The result contains 0 rows"}"#;
    let Error::Database(client) = mapped(406, body, false) else { panic!("refusal") };
    assert_eq!(client.details.as_deref(), Some("The result contains 0 rows"));
}

/// PostgREST writes lists into `details` too (PGRST201): the code and the message count all the same.
#[test]
fn parses_errors_with_non_text_details() {
    let body =
        r#"{"code":"PGRST201","message":"Could not embed","details":[{"cardinality":"one-to-many"}],"hint":null}"#;
    let Error::Database(staff) = mapped(400, body, true) else { panic!("refusal") };
    assert_eq!((staff.code.as_str(), staff.details), ("PGRST201", None));
}

#[test]
fn distinguishes_hub_errors_from_client_errors() {
    let ours = |why, text: &str| Error::UpstreamRejected(why, text.to_owned());
    for (status, body, fault) in [
        (401, r#"{"code":"PT401"}"#, Error::SessionRevoked),
        (401, r#"{"code":"PGRST301"}"#, ours(UpstreamProtocolError::TokenRejected, "PGRST301 ")),
        (403, r#"{"code":"PT403"}"#, ours(UpstreamProtocolError::TokenRejected, "PT403 ")),
        (404, r#"{"code":"PGRST205"}"#, ours(UpstreamProtocolError::SchemaMismatch, "PGRST205 ")),
        (
            400,
            r#"{"code":"42703","message":"column contact_tickets.nothing does not exist"}"#,
            ours(UpstreamProtocolError::SchemaMismatch, "42703 column contact_tickets.nothing does not exist"),
        ),
        (500, r#"{"code":"57014"}"#, Error::UpstreamTimeout),
        (503, r#"{"code":"PGRST001"}"#, Error::UpstreamBusy),
        (503, "<html>", Error::UpstreamBusy),
        (502, "<html>", Error::UpstreamInvalidResponse(UpstreamProtocolError::MalformedError)),
        (401, r#"["PT401"]"#, Error::UpstreamInvalidResponse(UpstreamProtocolError::MalformedError)),
        (500, r#"{"code":"XX000","message":"x 5"}"#, ours(UpstreamProtocolError::UnexpectedError, "XX000 x …")),
        (400, "{}", ours(UpstreamProtocolError::UnexpectedError, " ")),
    ] {
        assert_eq!(mapped(status, body, false), fault, "{status} {body}");
    }
}

/// The messages of PostgreSQL 17 and PostgREST for a rejection, each with a value where they quote one.
const MESSAGES: [(&str, &str, &str); 16] = [
    ("22P02", "invalid input syntax for type uuid: \"$\"", ""),
    ("22P02", "invalid input value for enum hub.kind: \"$\"", ""),
    ("22003", "value \"$\" is out of range for type integer", ""),
    ("22007", "invalid input syntax for type timestamp with time zone: \"$\"", ""),
    ("22008", "date/time field value out of range: \"$\"", ""),
    ("22001", "value too long for type character varying(10) $", ""),
    (
        "23502",
        "null value in column \"subject\" of relation \"contact_tickets\" violates not-null constraint",
        "subject",
    ),
    (
        "23503",
        "insert or update on table \"ticket_messages\" violates foreign key constraint \"ticket_messages_ticket\"",
        "ticket_messages_ticket",
    ),
    ("23503", "the conversation does not exist", ""),
    ("23505", "duplicate key value violates unique constraint \"leads_email_key\"", "leads_email_key"),
    ("23514", "new row for relation \"leads\" violates check constraint \"leads_source\"", "leads_source"),
    ("42501", "new row violates row-level security policy for table \"contact_tickets\"", ""),
    ("P0001", "no user '$' (email=$)", ""),
    // A trigger checks a status before its CHECK does, so it is any text that was sent.
    ("PT409", "the status cannot go from open to $", ""),
    ("PT409", "a new row cannot begin as $", ""),
    ("PGRST204", "Could not find the '$' column of 'leads' in the schema cache", ""),
];

#[test]
fn message_names_column_or_constraint_but_not_table() {
    for (code, message, name) in MESSAGES.iter().filter(|(code, ..)| code.starts_with("23")) {
        let sentence = public_message(code, message);
        assert_eq!(sentence.split_once(": ").map_or("", |(_, name)| name), *name, "{message}");
    }
}

/// The log contains what was rejected and never the client's input, whatever its form.
#[test]
fn logged_message_contains_no_values() {
    let values = [
        "secret",
        "4111111111111111",
        "a@b.example",
        "x\" column \"secret",
        "secret\" of relation \"leads",
        "'secret'",
        "(secret)",
        "column \"secret\"",
        "user_2hubalice0000000000000001",
        "+49 170 5551234",
        "grüße",
    ];
    for (code, message, name) in MESSAGES {
        for value in values {
            let body = serde_json::json!({
                "code": code, "message": message.replace('$', value), "details": format!("Key ({value})"), "hint": value,
            });
            for staff in [false, true] {
                let Error::Database(rejection) = map_error(400, body.to_string().as_bytes(), detail(staff)) else {
                    panic!("{code}")
                };
                let reason = Error::Database(rejection).reason().unwrap();
                for part in ["secret", "4111", "@", "2hub", "555", "ß"] {
                    assert!(!reason.contains(part), "{message} {value}: {reason}");
                }
                assert!(reason.contains(name), "{message}: {reason}");
                assert!(reason.split(' ').count() >= 2, "{reason}");
            }
        }
    }
}

/// Every rejection has a hint: those of the database, of the Hub and of its firewall.
#[test]
fn every_rejection_has_a_hint() {
    let codes = MESSAGES.iter().map(|(code, ..)| *code);
    for code in codes.chain(["PGRST103", "PGRST116", "PT400", "PT404", "PT409", "PT412", "PT422", "42P17", "99999"]) {
        for staff in [false, true] {
            let body = serde_json::json!({ "code": code, "message": "x", "hint": null }).to_string();
            let Error::Database(rejection) = mapped(400, &body, staff) else { panic!("{code}") };
            assert!(rejection.hint.is_some_and(|hint| hint.ends_with('.') && hint.len() > 10), "{code}");
        }
    }
    for public in crate::logic::error::public_rows() {
        assert!(public.hint.ends_with('.') && public.hint.len() > 10, "{} {}", public.code, public.hint);
    }
}
