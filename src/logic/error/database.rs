//! Translation of an error of `PostgREST` or `PostgreSQL`: never another owner's row, never a hint for an attacker.

#[cfg(test)]
mod tests;

use crate::logic::error::{DatabaseError, Error, UpstreamProtocolError};
use serde::Deserialize;
use serde_json::Value;

/// The body of an error of `PostgREST`'s; any member may be absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PostgrestError {
    /// An SQLSTATE, or `PostgREST`'s own code.
    pub code: Option<String>,
    /// Its message, which may hold values.
    pub message: Option<String>,
    details: Option<Value>,
    hint: Option<String>,
}

impl PostgrestError {
    /// Parses one; `None` for anything but a JSON object of these members. A derived `Deserialize` also accepts a list,
    /// in the order of the members.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let object = body.trim_ascii_start().starts_with(b"{");
        serde_json::from_slice(body).ok().filter(|_| object)
    }

    /// Returns the code in a form that is safe to log; empty without one, or for one of another form.
    #[must_use]
    pub fn plain_code(&self) -> &str {
        let plain = |code: &&str| code.len() <= 10 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.code.as_deref().filter(plain).unwrap_or_default()
    }
}

/// The text of an error that its reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorDetail {
    /// The database's own text, for staff.
    Database,
    /// A sentence for the code, for everyone else.
    Public,
}

/// Converts a response of 400 and above into an error.
///
/// Staff read the database's own text; a customer reads the code, a sentence for it, and the name of the column or
/// constraint. The log contains the code and the message without its values, for every caller.
#[must_use]
pub fn map_error(status: u16, body: &[u8], detail: ErrorDetail) -> Error {
    let staff = detail == ErrorDetail::Database;
    let Some(error) = PostgrestError::parse(body) else {
        return if matches!(status, 429 | 503) {
            Error::UpstreamBusy
        } else {
            Error::UpstreamInvalidResponse(UpstreamProtocolError::MalformedError)
        };
    };
    let plain_code = error.plain_code().to_owned();
    let code = error.code.unwrap_or_default();
    let message = error.message.unwrap_or_default();
    let logged = without_values(&message);
    let ours = |why| Error::UpstreamRejected(why, format!("{plain_code} {logged}"));
    match (status, code.as_str()) {
        (_, "PT401") => Error::SessionRevoked,
        (_, "57014") => Error::UpstreamTimeout,
        (401, _) | (_, "PT403") => ours(UpstreamProtocolError::TokenRejected),
        (404, "PGRST200" | "PGRST202" | "PGRST205") | (_, "42703" | "42P01" | "42883") => {
            ours(UpstreamProtocolError::SchemaMismatch)
        }
        (_, "PGRST123") => ours(UpstreamProtocolError::AggregatesDisabled),
        (429 | 503 | 504, _) => Error::UpstreamBusy,
        (400..=499, _) if !code.is_empty() => {
            // supabase-js distinguishes "no row" from "several rows" by these details; they contain only a count.
            let counts = code == "PGRST116";
            let hint = error.hint.filter(|_| staff || code.starts_with("PT4"));
            let details = error.details.as_ref().and_then(Value::as_str);
            Error::Database(Box::new(DatabaseError {
                status,
                message: if staff || counts { message } else { public_message(&code, &message) },
                details: details.filter(|_| staff || counts).map(str::to_owned),
                hint: hint.or_else(|| Some(hint_for(&code).to_owned())),
                logged,
                code,
            }))
        }
        _ => ours(UpstreamProtocolError::UnexpectedError),
    }
}

/// Returns a sentence for a customer, with the name of the column or constraint if there is one: names are public,
/// values are not.
fn public_message(code: &str, message: &str) -> String {
    let sentence = match code {
        "22P02" | "22007" | "22008" | "22003" => "A value has an invalid format",
        "23502" => "A required value is missing",
        "23503" => "A referenced row does not exist",
        "23505" => "The row already exists",
        "23514" => "A value violates a constraint",
        "42501" => "The database does not permit this operation",
        "PGRST103" => "The offset is beyond the last row",
        "PT400" => "The change would affect more rows than keys were given",
        // Raised by the Hub's own functions and triggers, with a text intended for the client.
        "P0001" | "PT404" | "PT409" | "PT412" | "PT422" => message,
        _ => "The database rejected the request",
    };
    // PostgreSQL names the column first and its table after it, and a constraint after its table
    // (src/backend/executor/execMain.c).
    let name = match code {
        "23502" => quoted(message, "column"),
        _ if code.starts_with("23") => quoted(message, "constraint"),
        _ => None,
    };
    match name {
        Some(name) => format!("{sentence}: {name}"),
        None => sentence.to_owned(),
    }
}

/// Returns the remedy for a rejection, independent of the database's message.
#[must_use]
pub fn hint_for(code: &str) -> &'static str {
    match code {
        "22P02" | "22007" | "22008" | "22003" => "Check the type and the format of each value.",
        "23502" => "Send a value for this column.",
        "23503" => "Reference an existing row that you can read.",
        "23505" => "Update the existing row, or send another value.",
        "23514" => "GET /rest/v1/ describes the columns.",
        "42501" => "Check that you own the row and that its state allows this change.",
        "P0001" => "Check the arguments.",
        "PGRST103" => "Use a smaller offset.",
        "PGRST116" => "Filter for exactly one row, or request a list.",
        "PT400" => "Filter by the key of each row.",
        "PT404" => "Check the id; the row does not exist, or you cannot access it.",
        "PT409" => "Read the current row, then retry the change if it still applies.",
        "PT412" => "Read the row again, then apply the change to its current version.",
        "PT422" => "Send the missing value.",
        _ => "Send the operator the request id.",
    }
}

/// Returns the quoted name after a given word of a message.
fn quoted<'a>(message: &'a str, term: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(&format!("{term} \""))?;
    let (name, _) = rest.split_once('"')?;
    is_name(name).then_some(name)
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=63).contains(&text.len()) && text.bytes().all(plain)
}

/// Returns a message up to the first part that may be a value. A quoted string is a name only after one of the words in
/// `MESSAGES_WITH_NAMES`, and is retained only if it has the form of one; after a value everything is dropped.
fn without_values(message: &str) -> String {
    let bare = BEFORE_VALUES.iter().filter_map(|terms| Some(message.find(terms)? + terms.len())).min();
    let (mut rest, cut) = message.split_at_checked(bare.unwrap_or(message.len())).unwrap_or_default();
    let mut retained = String::new();
    loop {
        let end = rest.find(['"', '\'', ':', '=', '@', '(', '{', '[']).unwrap_or(rest.len());
        let (terms, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        retained.push_str(terms);
        let named = MESSAGES_WITH_NAMES.iter().any(|term| terms.ends_with(term));
        let name = after
            .strip_prefix('"')
            .and_then(|inside| inside.split_once('"'))
            .filter(|(name, _)| named && is_name(name));
        let Some((name, behind)) = name else {
            if !(after.is_empty() && cut.is_empty()) {
                retained.push('…');
            }
            break;
        };
        retained.extend(["\"", name, "\""]);
        rest = behind;
    }
    let plain = |letter: char| letter.is_ascii_alphabetic() || " \".,_…-".contains(letter);
    let terms =
        retained.split(' ').map(|term| if term.chars().all(plain) || is_quoted_name(term) { term } else { "…" });
    terms.collect::<Vec<_>>().join(" ").chars().take(MAX_MESSAGE_LEN).collect()
}

/// Returns whether a word is a quoted name, which may contain digits.
fn is_quoted_name(term: &str) -> bool {
    let term = term.trim_end_matches([',', '.']);
    term.strip_prefix('"').and_then(|term| term.strip_suffix('"')).is_some_and(is_name)
}

/// The words before a quoted name in a message of `PostgreSQL` or `PostgREST`.
const MESSAGES_WITH_NAMES: [&str; 9] = [
    "column ",
    "constraint ",
    "function ",
    "policy for table ",
    "relation ",
    "role ",
    "schema ",
    "security policy ",
    "table ",
];
/// The words after which a message of the Hub's own functions contains a status without quotes. A trigger checks it
/// before the column's CHECK does, so it may be any text that was sent.
const BEFORE_VALUES: [&str; 2] = ["cannot begin as ", "cannot go from "];
const MAX_MESSAGE_LEN: usize = 200;
