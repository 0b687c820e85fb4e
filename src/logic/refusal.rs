//! What a refusal by `PostgREST` or `PostgreSQL` becomes: never a row of somebody else's, never a hint for an attacker.

use super::fault::{DatabaseRefusal, Fault};
use serde::Deserialize;

/// `PostgREST`'s error body; any member may be absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    code: Option<String>,
    message: Option<String>,
    details: Option<String>,
    hint: Option<String>,
}

/// Turns an answer of 400 and above into a fault.
///
/// Staff read the database's own words; a client reads the code, a sentence for it, and the name of the constraint.
#[must_use]
pub fn refused(status: u16, body: &[u8], staff: bool) -> Fault {
    let Ok(told) = serde_json::from_slice::<Told>(body) else {
        return if matches!(status, 429 | 503) { Fault::UpstreamBusy } else { Fault::UpstreamBroken("no JSON error") };
    };
    let code = told.code.clone().unwrap_or_default();
    match (status, code.as_str()) {
        (_, "PT401") => Fault::SessionRevoked,
        (_, "57014") => Fault::UpstreamTimeout,
        (401, _) | (_, "PT403") => Fault::UpstreamBroken("the Hub's own token was refused"),
        (404, "PGRST200" | "PGRST202" | "PGRST205") => Fault::UpstreamBroken("the schema is not the one of TABLES"),
        (429 | 503 | 504, _) => Fault::UpstreamBusy,
        (400..=499, _) if !code.is_empty() => {
            let message = told.message.unwrap_or_default();
            // supabase-js tells "no row" from "several rows" by these details; they only count.
            let counts = code == "PGRST116";
            Fault::Database(DatabaseRefusal {
                status,
                message: if staff || counts { message } else { in_words(&code, &message) },
                details: told.details.filter(|_| staff || counts),
                hint: told.hint.filter(|_| staff || code.starts_with("PT4")),
                code,
            })
        }
        _ => Fault::UpstreamBroken("an error without a code"),
    }
}

/// A sentence for a client, with the constraint's name where there is one: names are public, values are not.
fn in_words(code: &str, message: &str) -> String {
    let sentence = match code {
        "22P02" | "22007" | "22008" | "22003" => "A value has the wrong form",
        "23502" => "A value is missing",
        "23503" => "It refers to something that does not exist",
        "23505" => "It exists already",
        "23514" => "A value is not allowed here",
        "42501" => "The database's own rules refuse this",
        "PGRST103" => "There are no rows that far",
        "PT400" => "It would change more rows than it names keys",
        // Raised by the Hub's own functions and triggers, in words meant for the client.
        "P0001" | "PT404" | "PT409" | "PT412" | "PT422" => message,
        _ => "The database refused this",
    };
    match constraint(message).filter(|_| code.starts_with("23")) {
        Some(name) => format!("{sentence}: {name}"),
        None => sentence.to_owned(),
    }
}

/// The last quoted name of a message, if it looks like one.
fn constraint(message: &str) -> Option<&str> {
    let name = message.rsplit('"').nth(1)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (!name.is_empty() && name.len() <= 63 && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str, staff: bool) -> Fault {
        refused(status, body.as_bytes(), staff)
    }

    #[test]
    fn hides_details_from_clients_only() {
        let body = r#"{"code":"23505","message":"duplicate key value violates unique constraint \"leads_email_key\"","details":"Key (email)=(a@b.c) already exists.","hint":"x"}"#;
        let Fault::Database(client) = told(409, body, false) else { panic!("refusal") };
        assert_eq!(client.message, "It exists already: leads_email_key");
        assert_eq!((client.details, client.hint), (None, None));
        let Fault::Database(staff) = told(409, body, true) else { panic!("refusal") };
        assert!(staff.details.is_some_and(|details| details.contains("a@b.c")));
    }

    #[test]
    fn quotes_no_value_as_a_constraint() {
        let body = r#"{"code":"22P02","message":"invalid input syntax for type uuid: \"secret\""}"#;
        let Fault::Database(client) = told(400, body, false) else { panic!("refusal") };
        assert_eq!(client.message, "A value has the wrong form");
    }

    #[test]
    fn keeps_the_count_that_supabase_js_reads() {
        let body = r#"{"code":"PGRST116","message":"JSON object requested","details":"The result contains 0 rows"}"#;
        let Fault::Database(client) = told(406, body, false) else { panic!("refusal") };
        assert_eq!(client.details.as_deref(), Some("The result contains 0 rows"));
    }

    #[test]
    fn tells_the_hubs_own_faults_from_the_clients() {
        for (status, body, fault) in [
            (401, r#"{"code":"PT401"}"#, Fault::SessionRevoked),
            (401, r#"{"code":"PGRST301"}"#, Fault::UpstreamBroken("the Hub's own token was refused")),
            (403, r#"{"code":"PT403"}"#, Fault::UpstreamBroken("the Hub's own token was refused")),
            (404, r#"{"code":"PGRST205"}"#, Fault::UpstreamBroken("the schema is not the one of TABLES")),
            (500, r#"{"code":"57014"}"#, Fault::UpstreamTimeout),
            (503, r#"{"code":"PGRST001"}"#, Fault::UpstreamBusy),
            (503, "<html>", Fault::UpstreamBusy),
            (502, "<html>", Fault::UpstreamBroken("no JSON error")),
            (500, r#"{"code":"XX000"}"#, Fault::UpstreamBroken("an error without a code")),
            (400, "{}", Fault::UpstreamBroken("an error without a code")),
        ] {
            assert_eq!(told(status, body, false), fault, "{status} {body}");
        }
    }
}
