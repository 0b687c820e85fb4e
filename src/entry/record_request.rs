//! State of a request during processing, and its records at the end: one request row (L-3), one log line.

use crate::{
    domain::{
        method::Method,
        session::{NO_PRINCIPAL, Session},
        time,
    },
    entry::{error_response::error_response, incoming_request::IncomingRequest},
    logic::{
        error::Error,
        http::{client_ip, request_checks, response::Response},
    },
    runtime::{BodyStream, LogLevel, RequestMetric, RuntimePort as _},
    services::{
        app_state::AppState,
        request_context::{PendingExport, RequestContext},
        request_log::{Outcome, RequestRecord},
    },
};
use std::rc::Rc;

/// Writes the request row; before the response where the response must not be sent without it.
pub async fn record_request(
    app: &Rc<AppState>,
    context: &mut RequestContext,
    request: &IncomingRequest,
    response: Response<BodyStream>,
) -> Response<BodyStream> {
    let written = context.recorded_in_transaction && response.status < 400;
    let is_stored = context.is_api || context.session.is_some();
    // An accepted preflight requests no data; a rejected one is a rejected request.
    if !is_stored || (request.method == Method::Options && response.status < 400) {
        return response;
    }
    let row = build_record(app, context, request, response.status);
    if let Some(pages) = context.pending_export.take() {
        return record_export(app, context, request, ExportResponse { row, pages, response }).await;
    }
    if written {
        // The row was written with the change or before the read, without the response; this completes it.
        app.request_log.record_deferred(context, &row);
        return response;
    }
    let staff = context.session.as_ref().is_some_and(Session::is_staff);
    let changes = !request.method.is_read();
    let refused = (400..500).contains(&response.status);
    // After an upstream failure no data of the database is returned, and its request log would only fail too.
    let first = context.session.is_some() && response.status < 500 && (staff || changes || refused);
    if !first {
        app.request_log.record_deferred(context, &row);
        return response;
    }
    match app.request_log.record_now(context, row).await {
        Err(fault) if staff || changes => error_response(app, context, request, &fault),
        _ => response,
    }
}

/// The response of an export, and what follows it.
struct ExportResponse {
    row: RequestRecord,
    pages: PendingExport,
    response: Response<BodyStream>,
}

/// Returns the response of an export once its request row is written; the row is completed in the background with the
/// number of records.
async fn record_export(
    app: &Rc<AppState>,
    context: &mut RequestContext,
    request: &IncomingRequest,
    ExportResponse { row, pages, response }: ExportResponse,
) -> Response<BodyStream> {
    if !context.recorded_in_transaction {
        let begun = RequestRecord { status: None, ..row.clone() };
        if let Err(fault) = app.request_log.record_now(context, begun).await {
            return error_response(app, context, request, &fault);
        }
    }
    let (app, background) = (Rc::clone(app), context.background());
    context.runtime.wait_until(async move {
        let body = pages.await;
        let duration_ms = background.elapsed_ms();
        let line = serde_json::json!({
            "event": "export",
            "row_count": body.row_count,
            "reason": body.error.as_ref().map(|fault| fault.reason().unwrap_or_else(|| fault.code())),
            "duration_ms": duration_ms,
        });
        background.log(if body.error.is_none() { LogLevel::Info } else { LogLevel::Warn }, line);
        let ended = RequestRecord {
            outcome: if body.error.is_none() { Outcome::Allowed } else { Outcome::Failed },
            code: body.error.as_ref().map(Error::code),
            row_count: Some(body.row_count),
            duration_ms,
            read_record: None,
            ..row
        };
        // A row that cannot be written is logged.
        drop(app.request_log.record_now(&background, ended).await);
    });
    response
}

fn build_record(app: &AppState, context: &RequestContext, request: &IncomingRequest, status: u16) -> RequestRecord {
    let session = context.session.as_ref();
    let code = |text: &Option<String>, length, allowed: fn(u8) -> bool| {
        text.as_ref().filter(|text| text.len() == length && text.bytes().all(allowed)).cloned()
    };
    let address = request.headers.value("cf-connecting-ip");
    // Rejected data was not read, except for a rejection that reveals the number of rows.
    let reveals = status < 400 || context.error.as_ref().is_some_and(Error::reveals_rows);
    let read_record = context.read_record.clone().filter(|_| reveals);
    RequestRecord {
        occurred_at: time::rfc3339(context.started_at_ms),
        request_id: context.request_id.clone(),
        client_request_id: request_checks::client_request_id(&request.headers).map(str::to_owned),
        method: request.method.clone(),
        route: context.route.clone(),
        who: context.webhook_sender.unwrap_or_else(|| session.map_or(NO_PRINCIPAL, Session::principal_name)),
        actor_id: session.map(|session| session.user.clone()),
        session_id: session.map(|session| session.id.clone()),
        owner_id: session.filter(|session| session.is_customer()).map(|session| session.owner().to_owned()),
        impersonator_id: session.and_then(|session| session.impersonator.clone()),
        outcome: Outcome::of(status),
        status: Some(status),
        code: context.error.as_ref().map(|fault| storable(&fault.code())),
        duration_ms: context.elapsed_ms(),
        upstream_ms: context.upstream_ms,
        row_count: context.row_count,
        colo: code(&request.colo, 3, |byte| byte.is_ascii_uppercase()),
        // `T1` is Tor: <https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-ipcountry>.
        country: code(&request.country, 2, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
        token_id: session.and_then(|session| session.token_id.clone()),
        address_hash: address.map(|address| client_ip::hash(&app.client_ip_key, address)),
        actor_name: read_record.as_ref().and(session).and_then(|session| session.display_name.clone()),
        read_record,
    }
}

/// Returns a text that a row can store: PostgreSQL does not support NUL, and codes are short.
fn storable(text: &str) -> String {
    text.chars().filter(|letter| *letter != '\0').take(100).collect()
}

/// Logs one structured line for a request: no body, token, address or name of a user.
pub fn log_request(context: &RequestContext, request: &IncomingRequest, status: u16) {
    let principal = context.webhook_sender.or_else(|| Some(context.session.as_ref()?.principal_kind()?.name()));
    let line = serde_json::json!({
        "event": "request",
        "method": request.method,
        "route": context.route,
        "principal": principal,
        "status": status,
        "code": context.error.as_ref().map(Error::code),
        "reason": context.error.as_ref().and_then(Error::reason).or_else(|| context.auth_outcome.map(str::to_owned)),
        "duration_ms": context.elapsed_ms(),
    });
    let level = match status {
        500.. => LogLevel::Error,
        400..=499 => LogLevel::Warn,
        _ => LogLevel::Info,
    };
    context.log(level, line);
    let code = context.error.as_ref().map(Error::code);
    context.runtime.record_metric(&RequestMetric {
        code: code.as_deref().unwrap_or("ok"),
        status,
        route: &context.route,
        principal: principal.unwrap_or(NO_PRINCIPAL),
        duration_ms: context.elapsed_ms(),
    });
}
