//! Writes request rows to the database (L-3), or stores rejected ones beside the request log.

use crate::{
    logic::error::{
        Error, UpstreamProtocolError,
        row_rejection::{RowRejection, WriteFailure, write_failure},
    },
    runtime::RuntimePort as _,
    services::{
        database_client::{DatabaseClient, MAX_ERROR_BYTES, execute_for_response},
        request_context::RequestContext,
    },
};

/// A row that the database rejects, as stored in `request_log_rejected`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecord<'a> {
    /// The complete text; it need not be JSON.
    pub content: &'a str,
    /// The reason.
    pub rejection: RowRejection,
}

/// Writes request rows, each a JSON text, in one request; a row that already exists is completed or ignored.
///
/// # Errors
/// The cause that the response states for the rows; without a response [`WriteFailure::Unavailable`].
pub async fn insert(database: &DatabaseClient, context: &RequestContext, rows: &[&str]) -> Result<(), WriteFailure> {
    let body = format!("{{\"requests\":[{}]}}", rows.join(","));
    let builder = database.query().rpc("record_requests", body);
    let response =
        execute_for_response(database, context, JOB, builder).await.map_err(|_| WriteFailure::Unavailable)?;
    match response.status {
        200..=299 => Ok(()),
        status => Err(write_failure(status, &context.runtime.read_or_empty(response.body, MAX_ERROR_BYTES).await)),
    }
}

/// Stores rows that the request log rejects; one that already exists remains unchanged.
///
/// # Errors
/// Any response other than success: the rows are not stored then.
pub async fn reject(
    database: &DatabaseClient,
    context: &RequestContext,
    rows: &[RejectedRecord<'_>],
) -> Result<(), Error> {
    // PostgreSQL text cannot contain a zero byte; its six-character JSON escape has the same meaning.
    let contents: Vec<_> = rows
        .iter()
        .map(|row| serde_json::json!({ "content": row.content.replace('\0', "\\u0000"), "code": row.rejection.code, "message": row.rejection.message }))
        .collect();
    let builder = database.query().rpc("reject_requests", serde_json::json!({ "rows": contents }).to_string());
    match execute_for_response(database, context, JOB, builder).await?.status {
        200..=299 => Ok(()),
        503 => Err(Error::UpstreamBusy),
        _ => Err(Error::UpstreamInvalidResponse(UpstreamProtocolError::RejectedRowsNotStored)),
    }
}

/// The database records it as `system:request-log`.
const JOB: &str = "request-log";
