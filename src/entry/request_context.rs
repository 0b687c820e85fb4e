//! State of a request during processing, and its records at the end: one request row (L-3), one log line.

use super::routes::Route;
use crate::{
    domain::{
        functions::Function,
        ids,
        method::Method,
        session::{NO_PRINCIPAL, Session},
        tables::Table,
        time,
    },
    entry::handle_request::{IncomingRequest, error_response},
    handlers::proxy::PendingExport,
    logic::{
        config::ConfigError,
        error::Error,
        http::{client_ip, request_checks, response::Response},
        query::ReadRecord,
    },
    runtime::{BodyStream, LogLevel, RequestMetric, Runtime, RuntimePort as _},
    services::{
        app_state::AppState,
        request_log::{Outcome, RequestLogWriter, RequestRecord},
    },
};
use std::rc::Rc;

/// The state of a request, filled step by step.
pub struct RequestContext {
    /// The Hub's own id of the request. A client's id is stored beside it, never instead of it: one that is used twice
    /// would otherwise hide the second request from the request rows.
    pub request_id: String,
    /// True if it was received over https.
    pub is_https: bool,
    /// True if it addressed the API.
    pub is_api: bool,
    /// The `Origin` header, if that is listed.
    pub origin: Option<String>,
    /// The route, with the table or function if it is in the catalogue.
    pub route: String,
    /// The verified session.
    pub session: Option<Session>,
    /// The sender of a message, once its signature is verified.
    pub webhook_sender: Option<&'static str>,
    /// True if the database has written the request row, with the change or with the read record.
    pub recorded_in_transaction: bool,
    /// Duration of the database's response, in milliseconds.
    pub upstream_ms: Option<u64>,
    /// Number of rows that the database returned.
    pub row_count: Option<u64>,
    /// The read of a staff member.
    pub read_record: Option<ReadRecord>,
    /// Work to do once the head of the response may be sent.
    pub pending_export: Option<PendingExport>,
    /// The outcome of a page request without a session, for the log.
    pub auth_outcome: Option<&'static str>,
    /// The reason for a rejection.
    pub error: Option<Error>,
    started_at_ms: u64,
}

impl RequestContext {
    /// Starts with a unique id.
    pub fn new(runtime: &Runtime, url: &str) -> Result<Self, ConfigError> {
        let random = runtime.random().map_err(|_| ConfigError { name: "crypto", reason: "gives no random bytes" })?;
        let started = runtime.now_ms();
        Ok(Self {
            request_id: ids::ulid(started, random),
            is_https: url.starts_with("https://"),
            is_api: false,
            origin: None,
            route: "unrouted".to_owned(),
            session: None,
            webhook_sender: None,
            recorded_in_transaction: false,
            upstream_ms: None,
            row_count: None,
            read_record: None,
            pending_export: None,
            auth_outcome: None,
            error: None,
            started_at_ms: started,
        })
    }

    /// Sets the route; a name that is not in the catalogue is text of the client and is not stored.
    pub fn set_route(&mut self, route: &Route, segment: &str) {
        let known = Table::by_name(segment).is_some() || Function::by_name(segment).is_some();
        route.path.clone_into(&mut self.route);
        if let (true, Some((prefix, _))) = (known, route.path.split_once('{')) {
            self.route = format!("{prefix}{segment}");
        }
    }
}

/// Writes the request row; before the response where the response must not be sent without it.
pub async fn record_request(
    app: &Rc<AppState>,
    runtime: &Runtime,
    request: &IncomingRequest,
    context: &mut RequestContext,
    reply: Response<BodyStream>,
) -> Response<BodyStream> {
    let written = context.recorded_in_transaction && reply.status < 400;
    let kept = context.is_api || context.session.is_some();
    // An accepted preflight requests no data; a rejected one is a rejected request.
    if !kept || (request.method == Method::Options && reply.status < 400) {
        return reply;
    }
    let row = build_record(app, runtime, request, context, reply.status);
    if let Some(rest) = context.pending_export.take() {
        return record_export(app, runtime, request, context, (row, rest), reply).await;
    }
    if written {
        // The row was written with the change or before the read, without the response; this completes it.
        RequestLogWriter::record_deferred(app, runtime, &row);
        return reply;
    }
    let staff = context.session.as_ref().is_some_and(Session::is_staff);
    let changes = !request.method.is_read();
    let refused = (400..500).contains(&reply.status);
    // After an upstream failure no data of the database is returned, and its request log would only fail too.
    let first = context.session.is_some() && reply.status < 500 && (staff || changes || refused);
    if !first {
        RequestLogWriter::record_deferred(app, runtime, &row);
        return reply;
    }
    match RequestLogWriter::record_now(app, runtime, row).await {
        Err(fault) if staff || changes => error_response(app, request, context, &fault),
        _ => reply,
    }
}

/// Returns the response of an export once its request row is written; the row is completed in the background with the
/// number of records.
async fn record_export(
    app: &Rc<AppState>,
    runtime: &Runtime,
    request: &IncomingRequest,
    context: &mut RequestContext,
    (row, rest): (RequestRecord, PendingExport),
    reply: Response<BodyStream>,
) -> Response<BodyStream> {
    if !context.recorded_in_transaction {
        let begun = RequestRecord { status: None, ..row.clone() };
        if let Err(fault) = RequestLogWriter::record_now(app, runtime, begun).await {
            return error_response(app, request, context, &fault);
        }
    }
    let (app, background, started) = (Rc::clone(app), runtime.clone(), context.started_at_ms);
    runtime.wait_until(async move {
        let body = rest.await;
        let duration_ms = background.now_ms().saturating_sub(started);
        let line = serde_json::json!({
            "event": "export",
            "request_id": row.request_id,
            "row_count": body.row_count,
            "reason": body.error.as_ref().map(|fault| fault.reason().unwrap_or_else(|| fault.code())),
            "duration_ms": duration_ms,
        });
        background.log(if body.error.is_none() { LogLevel::Info } else { LogLevel::Warn }, &line.to_string());
        let ended = RequestRecord {
            outcome: if body.error.is_none() { Outcome::Allowed } else { Outcome::Failed },
            code: body.error.as_ref().map(Error::code),
            row_count: Some(body.row_count),
            duration_ms,
            read_record: None,
            ..row
        };
        // A row that cannot be written is logged.
        drop(RequestLogWriter::record_now(&app, &background, ended).await);
    });
    reply
}

fn build_record(
    app: &AppState,
    runtime: &Runtime,
    request: &IncomingRequest,
    context: &RequestContext,
    status: u16,
) -> RequestRecord {
    let session = context.session.as_ref();
    let code = |text: &Option<String>, length, allowed: fn(u8) -> bool| {
        text.as_ref().filter(|text| text.len() == length && text.bytes().all(allowed)).cloned()
    };
    let address = request.headers.value("cf-connecting-ip");
    // Rejected data was not read, except for a rejection that reveals the number of rows.
    let tells = status < 400 || context.error.as_ref().is_some_and(Error::reveals_rows);
    let look = context.read_record.clone().filter(|_| tells);
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
        duration_ms: runtime.now_ms().saturating_sub(context.started_at_ms),
        upstream_ms: context.upstream_ms,
        row_count: context.row_count,
        colo: code(&request.colo, 3, |byte| byte.is_ascii_uppercase()),
        // `T1` is Tor: <https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-ipcountry>.
        country: code(&request.country, 2, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
        token_id: session.and_then(|session| session.token_id.clone()),
        address_hash: address.map(|address| client_ip::hash(&app.client_ip_key, address)),
        actor_name: look.as_ref().and(session).and_then(|session| session.display_name.clone()),
        read_record: look,
    }
}

/// Returns a text that a row can store: PostgreSQL does not support NUL, and codes are short.
fn storable(text: &str) -> String {
    text.chars().filter(|letter| *letter != '\0').take(100).collect()
}

/// Logs one structured line for a request: no body, token, address or name of a user.
pub fn log_request(runtime: &Runtime, request: &IncomingRequest, context: &RequestContext, status: u16) {
    let principal = context.webhook_sender.or_else(|| Some(context.session.as_ref()?.principal_kind()?.name()));
    let line = serde_json::json!({
        "event": "request",
        "request_id": context.request_id,
        "method": request.method,
        "route": context.route,
        "principal": principal,
        "status": status,
        "code": context.error.as_ref().map(Error::code),
        "reason": context.error.as_ref().and_then(Error::reason).or_else(|| context.auth_outcome.map(str::to_owned)),
        "duration_ms": runtime.now_ms().saturating_sub(context.started_at_ms),
    });
    let level = match status {
        500.. => LogLevel::Error,
        400..=499 => LogLevel::Warn,
        _ => LogLevel::Info,
    };
    runtime.log(level, &line.to_string());
    let code = context.error.as_ref().map(Error::code);
    runtime.record_metric(&RequestMetric {
        code: code.as_deref().unwrap_or("ok"),
        status,
        route: &context.route,
        principal: principal.unwrap_or(NO_PRINCIPAL),
        duration_ms: runtime.now_ms().saturating_sub(context.started_at_ms),
    });
}
