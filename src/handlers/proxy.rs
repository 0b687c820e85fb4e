//! The proxy: exactly one request to `PostgREST` for each request of a client; for an export, one for
//! each page; and before a read that must first be in the audit log, the call that records it (L-1).

mod export;
mod recording;

use crate::{
    domain::{
        access::Operation,
        headers::Headers,
        method::Method,
        session::{Actor, Session},
        time::whole_seconds,
        upstreams::POSTGREST,
    },
    logic::{
        authz::{self, Permit, RequestedAction, Resource, Target},
        error::{
            Error, UpstreamProtocolError,
            database::{self, ErrorDetail},
        },
        http::response::Response,
        query::{self, Format, Plan, ReadRecord, When, is_expected_media_type},
    },
    runtime::{BodyStream, RuntimePort as _, UpstreamRequest, UpstreamResponse},
    services::{
        app_state::AppState,
        clerk_client,
        database_client::{self, MAX_ERROR_BYTES, SCHEMA, map_fetch_error},
        request_bodies::{self, Body, Incoming, Sender},
        request_context::{PendingExport, RequestContext},
    },
};
use std::rc::Rc;

/// A client's request.
pub struct ProxyRequest<'a> {
    /// The verified session.
    pub session: &'a Session,
    /// The requested table or function.
    pub target: Target<'a>,
    /// The HTTP method.
    pub method: Method,
    /// The query, still encoded.
    pub query: &'a str,
    /// All headers; none is forwarded unchanged.
    pub headers: &'a Headers,
    /// The body, unread.
    pub body: Option<BodyStream>,
    /// The client's request id.
    pub client_request_id: Option<&'a str>,
}

/// The outcome of a proxied request.
pub struct ProxyResponse {
    /// The response, or a rejection that reveals the number of rows.
    pub response: Result<Response<BodyStream>, Error>,
    /// True if the database has written the request row, with the change or with the read record (L-3).
    pub recorded_in_transaction: bool,
    /// Duration of the database's response, in milliseconds.
    pub upstream_ms: u64,
    /// Number of returned rows, if the database states it.
    pub row_count: Option<u64>,
    /// The read of a staff member, if it is not yet in the audit log.
    pub read_record: Option<ReadRecord>,
    /// Work to do once the head of the response may be sent: the pages of an export.
    pub pending_export: Option<PendingExport>,
}

/// Sends the request to `PostgREST` and returns its response unchanged.
///
/// The body of a change is read here, because the firewall must check which columns it contains; the same bytes are
/// forwarded. The body of the response is never read, except for errors.
///
/// # Errors
/// The errors of policy, firewall and database.
pub async fn proxy(
    app: &Rc<AppState>,
    context: &RequestContext,
    mut call: ProxyRequest<'_>,
) -> Result<ProxyResponse, Error> {
    let actor = Actor::User(call.session);
    let is_file = call.method == Method::Get && Format::from_accept(call.headers).is_some();
    let action = if is_file { RequestedAction::Export } else { RequestedAction::Method(call.method) };
    let permit = authz::authorize(&actor, call.target, action, whole_seconds(context.runtime.now_ms()))
        .map_err(Error::Policy)?;
    let plan = query::plan(&permit, call.method, call.query, call.headers).map_err(Error::Query)?;
    let mut held = read_body(app, context, &mut call, &plan).await?;
    let body = if plan.requires_body() {
        plan.check_body(&held).map_err(Error::Query)?;
        Some(held.take())
    } else {
        plan.arguments().map(|arguments| arguments.as_bytes().to_vec())
    };
    if permit.needs_recheck() {
        clerk_client::verify_current_status(app, context, call.session).await?;
    }
    let token = app.database.token(context, &actor).await?;
    let url = format!("{}/{}", app.config.postgrest_url, plan.path_and_query());
    let outgoing = database_client::request(&app.config.supabase_publishable_key, plan.method(), url, &token)
        .with_header("accept", plan.accept())
        .with_header(if plan.is_read() { "accept-profile" } else { "content-profile" }, SCHEMA)
        .with_header("x-hub-route", &context.route)
        .with_header("x-request-id", &context.request_id)
        .with_optional_header("content-type", body.as_ref().map(|_| "application/json"))
        .with_optional_header("prefer", plan.prefer())
        .with_optional_header("x-client-request-id", call.client_request_id)
        .with_optional_header("x-hub-if-match", plan.expected_version())
        .with_optional_header("x-hub-max-affected", plan.max_affected())
        .with_optional_header("x-hub-purpose", plan.purpose())
        .with_optional_header("x-hub-reason", plan.reason())
        .with_optional_header("x-hub-impersonator", call.session.impersonator.as_deref())
        .with_response_headers(&FORWARDED_RESPONSE_HEADERS)
        .with_body(body)
        .with_timeout_ms(timeout_ms(&permit));
    let read_record = plan.read_record(outgoing.body.as_deref()).map_err(Error::Query)?;
    let recorded = read_record.as_ref().is_some_and(|read_record| read_record.when == When::Before);
    if let (true, Some(read_record)) = (recorded, &read_record) {
        recording::record(app, context, &call, (read_record, &outgoing.headers)).await?;
    }
    if let Some((export, format)) = plan.export() {
        let begun = export::start(
            app,
            context,
            call.session,
            export::ExportRequest { export, format: *format, request: outgoing },
        )
        .await?;
        return Ok(ProxyResponse { recorded_in_transaction: recorded, ..begun });
    }
    let requested_at = context.runtime.now_ms();
    let (row_count, response) = match send_for_streaming(app, context, call.session, outgoing).await {
        Ok(upstream) => {
            let row_count = upstream.headers.value("content-range").and_then(row_count);
            (row_count, Ok(into_response(&app.config.base_path, upstream, plan.accept())))
        }
        Err(fault) if fault.reveals_rows() => (None, Err(fault)),
        Err(fault) => return Err(fault),
    };
    Ok(ProxyResponse {
        upstream_ms: context.runtime.now_ms().saturating_sub(requested_at),
        row_count,
        read_record: read_record.filter(|_| !recorded),
        response,
        recorded_in_transaction: permit.operation() != Operation::Select || recorded,
        pending_export: None,
    })
}

/// Sends one request whose response the Hub reads itself, all within the request's timeout.
async fn send_upstream(
    app: &AppState,
    context: &RequestContext,
    session: &Session,
    outgoing: UpstreamRequest,
) -> Result<UpstreamResponse<BodyStream>, Error> {
    let accept = outgoing.header("accept").unwrap_or_default().to_owned();
    let upstream = context.runtime.fetch(outgoing).await.map_err(map_fetch_error)?;
    check_response(app, context, session, (&accept, upstream)).await
}

/// Sends one request whose response is forwarded, with a timeout for its head only: the body may take as long as the
/// client does.
///
/// The Hub sets no limit for that body. Workers forward it without the isolate (`DeferredProxy` of cloudflare/workerd),
/// cancel it when the client disconnects, and have no limit of their own before that
/// (<https://developers.cloudflare.com/workers/platform/limits/>). A slow client holds no connection to the database:
/// `PostgREST` has ended its transaction and has the complete result before it sends the head (src/PostgREST/App.hs).
/// If Supabase's server stalls, Cloudflare in front of it aborts after 120 s without a byte (Proxy Read Timeout,
/// <https://developers.cloudflare.com/fundamentals/reference/connection-limits/>), and the client receives an
/// incomplete body.
async fn send_for_streaming(
    app: &AppState,
    context: &RequestContext,
    session: &Session,
    outgoing: UpstreamRequest,
) -> Result<UpstreamResponse<BodyStream>, Error> {
    let accept = outgoing.header("accept").unwrap_or_default().to_owned();
    let upstream = context.runtime.fetch_head(outgoing).await.map_err(map_fetch_error)?;
    check_response(app, context, session, (&accept, upstream)).await
}

/// Returns the timeout of a permitted request: that of a slow function, or that of the database.
fn timeout_ms(permit: &Permit) -> u32 {
    match permit.resource() {
        Resource::Function(function, _) => function.slow_ms().unwrap_or(POSTGREST.timeout_ms),
        Resource::Table(..) => POSTGREST.timeout_ms,
    }
}

/// Returns a successful response, which must have the requested media type.
async fn check_response(
    app: &AppState,
    context: &RequestContext,
    session: &Session,
    (accept, upstream): (&str, UpstreamResponse<BodyStream>),
) -> Result<UpstreamResponse<BodyStream>, Error> {
    match upstream.status {
        200 | 201 | 204 | 206 => match upstream.headers.value("content-type") {
            _ if upstream.status == 204 => Ok(UpstreamResponse { body: None, ..upstream }),
            // A created row that was not requested in the response.
            None if upstream.status == 201 => Ok(UpstreamResponse { body: None, ..upstream }),
            Some(found) if is_expected_media_type(accept, found) => Ok(upstream),
            // Sent by an intermediary between the Hub and the database.
            _ => Err(Error::UpstreamInvalidResponse(UpstreamProtocolError::UnexpectedMediaType)),
        },
        200..=299 => Err(Error::UpstreamInvalidResponse(UpstreamProtocolError::UnexpectedStatus)),
        // PostgREST sends no redirect; following one would send the token to another host.
        0..=399 => Err(Error::UpstreamInvalidResponse(UpstreamProtocolError::Redirect)),
        status => {
            // Without its body, the status decides.
            let error = context
                .runtime
                .within(POSTGREST.timeout_ms, context.runtime.read_or_empty(upstream.body, MAX_ERROR_BYTES))
                .await;
            let detail = if session.is_staff() { ErrorDetail::Database } else { ErrorDetail::Public };
            let fault = database::map_error(status, &error.unwrap_or_default(), detail);
            if fault == Error::SessionRevoked {
                app.evict_session(session);
            }
            Err(fault)
        }
    }
}

/// Reads the body; its bytes count towards the limit until the returned value is dropped.
async fn read_body<'a>(
    app: &'a AppState,
    context: &RequestContext,
    call: &mut ProxyRequest<'_>,
    plan: &Plan,
) -> Result<Body<'a>, Error> {
    let announced = call.headers.value("content-length").and_then(|length| length.parse::<usize>().ok());
    if plan.requires_body() && announced.is_some_and(|length| length > plan.max_body_bytes()) {
        return Err(Error::BodyTooLarge);
    }
    let body = call.body.take().filter(|_| plan.requires_body());
    let incoming = Incoming { sender: Sender::User(call.session.user.clone()), body, limit: plan.max_body_bytes() };
    let held = request_bodies::read(&app.body_budget, context, incoming).await?;
    if plan.fits(&held) { Ok(held) } else { Err(Error::BodyTooLarge) }
}

/// Returns the number of rows of `0-24/*` (RFC 9110 §14.4); `*/0` is no row.
fn row_count(range: &str) -> Option<u64> {
    let (rows, _) = range.split_once('/')?;
    if rows == "*" {
        return Some(0);
    }
    let (first, last) = rows.split_once('-')?;
    last.parse::<u64>().ok()?.checked_sub(first.parse().ok()?)?.checked_add(1)
}

/// Returns the database's response with only the headers that a client needs.
fn into_response(base_path: &str, upstream: UpstreamResponse<BodyStream>, accept: &str) -> Response<BodyStream> {
    let mut response = Response::stream(upstream.status, upstream.body);
    if upstream.status != 204 && upstream.headers.value("content-type").is_some() {
        response = response.with_header("content-type", format!("{accept}; charset=utf-8"));
    }
    for name in FORWARDED_RESPONSE_HEADERS.into_iter().filter(|name| !matches!(*name, "content-type" | "location")) {
        if let Some(value) = upstream.headers.value(name) {
            response = response.with_header(name, value.to_owned());
        }
    }
    match upstream.headers.value("location").and_then(|location| location.rsplit_once('/')) {
        Some((_, row)) => response.with_header("location", format!("{base_path}/rest/v1/{row}")),
        None => response,
    }
}

/// Headers of the database's response that a client needs; `content-type` and `location` are rewritten.
pub const FORWARDED_RESPONSE_HEADERS: [&str; 5] =
    ["content-range", "content-type", "etag", "location", "preference-applied"];
