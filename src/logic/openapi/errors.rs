//! The error responses of the API description: each status with its codes, from the tables that produce the Hub's
//! responses.

use crate::logic::error::{ErrorResponse, public_rows};
use serde_json::{Map, Value, json};

/// Statuses that a read can have besides its own.
pub(super) const READ: [u16; 10] = [400, 401, 403, 404, 406, 421, 500, 502, 503, 504];
/// Statuses that a call of a reading function can have.
pub(super) const CALL: [u16; 12] = [400, 401, 403, 404, 406, 413, 415, 421, 500, 502, 503, 504];
/// Statuses that a change can have.
pub(super) const CHANGE: [u16; 16] = [400, 401, 403, 404, 406, 409, 412, 413, 415, 421, 422, 428, 500, 502, 503, 504];

/// Rejections by rules of the database's own.
const DATABASE: [(u16, &str); 3] = [
    (
        409,
        "PT409: the state of the row does not allow this change. 23505, 23503: the change conflicts with another row.",
    ),
    (412, "PT412: the row has another version than the change is based on."),
    (
        422,
        "PT422: the change requires a resolution or a reason. 23514, 23502: a value violates a constraint of its column.",
    ),
];

/// Codes of routes other than the API's (webhooks, forms, pages), and of methods that are not described.
const ELSEWHERE: [&str; 7] = ["HUB007", "HUB105", "HUB106", "HUB107", "HUB108", "HUB109", "HUB111"];

/// Returns the responses that operations refer to, by status.
pub(super) fn responses() -> Map<String, Value> {
    let public: Vec<ErrorResponse> = public_rows().filter(|public| !ELSEWHERE.contains(&public.code)).collect();
    let described = |status: u16| {
        let own = public.iter().filter(|public| public.status == status);
        let lines: Vec<String> = own.map(|public| format!("{}: {}", public.code, public.message)).collect();
        let database = DATABASE.iter().filter(|(other, _)| *other == status).map(|(_, line)| (*line).to_owned());
        let lines: Vec<String> = lines.into_iter().chain(database).collect();
        json!({ "description": lines.join("\n"), "schema": { "$ref": "#/definitions/error" } })
    };
    CHANGE.into_iter().map(|status| (status.to_string(), described(status))).collect()
}
