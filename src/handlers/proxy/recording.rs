//! Reads that are recorded in the database before the data is requested (L-1, L-3): one call with the reader's own
//! token, without which the table is not queried.
//!
//! The call uses the reader's token, not that of a job: `before_request()` rejects an ended session before the read
//! is recorded, states who reads, and writes the request row, which the queue later completes. Clients and staff cannot
//! call it themselves: the function is internal, and no token issued by the Hub leaves the Hub.

use super::{ProxyRequest, send_upstream};
use crate::{
    domain::{method::Method, upstreams::POSTGREST},
    logic::{error::Error, query::ReadRecord},
    runtime::{LogLevel, UpstreamRequest},
    services::{app_state::AppState, database_client::SCHEMA, request_context::RequestContext},
};

/// Records a read; `headers` are those of the request that follows it.
///
/// # Errors
/// `SessionRevoked` from the database; `RequestLogUnavailable` for any other error: the data is not requested then.
pub(super) async fn record(
    app: &AppState,
    context: &RequestContext,
    call: &ProxyRequest<'_>,
    (read_record, headers): (&ReadRecord, &[(&'static str, String)]),
) -> Result<(), Error> {
    let forwarded =
        ["apikey", "authorization", "x-client-request-id", "x-hub-impersonator", "x-hub-route", "x-request-id"];
    let url = format!("{}/rpc/record_read", app.config.postgrest_url);
    let repeated = headers.iter().filter(|(name, _)| forwarded.contains(name));
    let outgoing = repeated
        .fold(UpstreamRequest::new(&POSTGREST, Method::Post, url), |request, (name, value)| {
            request.with_header(name, value.as_str())
        })
        .with_header("content-profile", SCHEMA)
        .with_header("content-type", "application/json")
        .with_header("x-hub-method", call.method.name())
        .with_response_headers(&["content-type"])
        .with_body(serde_json::to_vec(read_record).map_err(|_| Error::RequestLogUnavailable)?);
    match send_upstream(app, context, call.session, outgoing).await {
        Ok(_) => Ok(()),
        Err(Error::SessionRevoked) => Err(Error::SessionRevoked),
        Err(fault) => {
            let line = serde_json::json!({
                "event": "audited_read.not_recorded",
                "code": fault.code(),
                "reason": fault.reason(),
            });
            context.log(LogLevel::Error, line);
            Err(Error::RequestLogUnavailable)
        }
    }
}
