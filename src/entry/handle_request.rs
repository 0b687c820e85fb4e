//! The processing of a request: one straight function, in which each step uses the result of the previous one.

use super::routes::{self, Endpoint, Route, RouteKind, strip_base_path};
use crate::{
    domain::{headers::Headers, ids},
    entry::{
        page_request,
        request_context::{RequestContext, log_request, record_request},
    },
    handlers::{account_pages, clerk_webhook, health, openapi, proxy, public_pages, revocation},
    logic::{
        authn::{bearer_token, password_fields},
        authz::Target,
        config::{Config, ConfigError},
        error::Error,
        http::{
            request_checks::{self, InsecureAction, RequestUrl},
            response::{Response, ResponseBody},
        },
    },
    runtime::{LogLevel, Runtime},
    services::app_state::AppState,
};
use futures_channel::oneshot;
use std::rc::Rc;

/// A received request.
pub struct IncomingRequest<Body> {
    /// The method, in upper case.
    pub method: String,
    /// The absolute URL, as the client wrote it.
    pub url: String,
    /// The headers.
    pub headers: Headers,
    /// `request.cf.tlsVersion`.
    pub tls_version: Option<String>,
    /// `request.cf.colo`.
    pub colo: Option<String>,
    /// `request.cf.country`.
    pub country: Option<String>,
    /// The body, unread.
    pub body: Option<Body>,
}

/// Processes one request; every response of the Hub is returned from here.
///
/// The entire processing runs in `wait_until`, and only its response is awaited here: Cloudflare cancels awaited work
/// as soon as the client disconnects, but continues the work in `wait_until` for 30 seconds (Workers docs, Context
/// `waitUntil`). So a disconnect prevents neither the request row nor the release of shared state.
pub async fn handle_request<P: Runtime>(
    hub: &Rc<AppState<P>>,
    platform: &P,
    arrival: IncomingRequest<P::Body>,
) -> Response<P::Body> {
    let course = match RequestContext::new(platform, &arrival.url) {
        Ok(course) => course,
        Err(problem) => return misconfigured_response(platform, &[problem]),
    };
    let (secure, request_id) = (course.is_https, course.request_id.clone());
    let (sender, reply) = oneshot::channel();
    let (hub, background) = (Rc::clone(hub), platform.clone());
    platform.wait_until(async move {
        let reply = handle_in_background(&hub, &background, arrival, course).await;
        // A client that has disconnected receives no response.
        drop(sender.send(reply));
    });
    reply.await.unwrap_or_else(|_| Response::error(&Error::RuntimeFailed).with_security_headers(secure, &request_id))
}

/// Runs one request from its arrival to its response, including request row and log line.
async fn handle_in_background<P: Runtime>(
    hub: &Rc<AppState<P>>,
    platform: &P,
    mut arrival: IncomingRequest<P::Body>,
    mut course: RequestContext,
) -> Response<P::Body> {
    let body = arrival.body.take();
    let outcome = dispatch(hub, platform, &arrival, body, &mut course).await;
    let reply = match outcome {
        Ok(reply) => reply,
        Err(fault) => error_response(hub, &arrival, &mut course, &fault),
    };
    let reply = record_request(hub, platform, &arrival, &mut course, reply).await;
    log_request(platform, &arrival, &course, reply.status);
    let reply = if course.is_api { reply.with_cors(course.origin.as_deref()) } else { reply };
    let reply = reply.with_security_headers(course.is_https, &course.request_id);
    if arrival.method == "HEAD" { without_body(reply, course.is_api) } else { reply }
}

/// Removes the body. supabase-js treats a 404 without a body as success, so the API sends 403 instead, which reveals no
/// more and is treated as an error.
fn without_body<Body>(reply: Response<Body>, api: bool) -> Response<Body> {
    let status = if api && reply.status == 404 { 403 } else { reply.status };
    Response { status, body: ResponseBody::Empty, ..reply }
}

/// Returns the response of a Hub with invalid variables; the log names them, the response does not.
pub fn misconfigured_response<P: Runtime>(platform: &P, problems: &[ConfigError]) -> Response<P::Body> {
    let request_id = ids::ulid(platform.now_ms(), platform.random().unwrap_or_default());
    let named: Vec<_> = problems.iter().map(|problem| format!("{} {}", problem.name, problem.reason)).collect();
    let line = serde_json::json!({ "event": "unconfigured", "request_id": request_id, "problems": named });
    platform.log(LogLevel::Error, &line.to_string());
    Response::error(&Error::Configuration).with_security_headers(true, &request_id)
}

/// Logs optional variables that are invalid; the Hub works without them.
pub fn log_unused_variables<P: Runtime>(platform: &P, problems: &[ConfigError]) {
    for problem in problems {
        let named = format!("{} {}", problem.name, problem.reason);
        platform
            .log(LogLevel::Error, &serde_json::json!({ "event": "variable not used", "problem": named }).to_string());
    }
}

/// Checks transport, path, headers and route in this order; each may reject, and nothing is checked before its turn.
async fn dispatch<P: Runtime>(
    hub: &Rc<AppState<P>>,
    platform: &P,
    arrival: &IncomingRequest<P::Body>,
    body: Option<P::Body>,
    course: &mut RequestContext,
) -> Result<Response<P::Body>, Error> {
    let address = RequestUrl::parse(&arrival.url)?;
    let path = strip_base_path(&hub.config.base_path, address.path);
    course.is_api = path.is_some_and(routes::is_api);
    // The scheme is checked first, also for unknown hosts and paths (T-3).
    if !address.is_https {
        revocation::revoke_leaked_tokens(hub, platform, &arrival.headers, &arrival.url);
        return reject_insecure(&hub.config, &address, arrival);
    }
    request_checks::check_tls(arrival.tls_version.as_deref(), hub.config.min_tls)?;
    request_checks::check_host(&address, &hub.config)?;
    request_checks::check_url_length(&arrival.url)?;
    let path = path.ok_or(Error::RouteUnknown)?;
    request_checks::check_path(path)?;
    request_checks::check_headers(&arrival.headers)?;
    if password_fields::form_contains_password(address.query) {
        return Err(Error::PasswordInRequest);
    }
    course.origin = allowed_origin(hub, &arrival.headers);
    let (route, segment) = routes::find(path).ok_or(Error::RouteUnknown)?;
    course.set_route(route, segment);
    if arrival.method == "OPTIONS" {
        return handle_options(route, &arrival.headers, course);
    }
    if !route.methods.split(", ").any(|method| method == arrival.method) {
        return Err(Error::MethodNotAllowed(route.methods));
    }
    match route.kind {
        RouteKind::Api => handle_api(hub, platform, arrival, body, course, (route, segment, address.query)).await,
        RouteKind::Page => page_request::handle_page(hub, platform, arrival, body, course, (route, &address)).await,
        RouteKind::Public => handle_public(hub, platform, arrival, route).await,
        RouteKind::Webhook => handle_webhook(hub, platform, arrival, body, course, route).await,
    }
}

/// Serves the API's routes: credential, identity, then the proxy, which applies policy and firewall.
async fn handle_api<P: Runtime>(
    hub: &Rc<AppState<P>>,
    platform: &P,
    arrival: &IncomingRequest<P::Body>,
    body: Option<P::Body>,
    course: &mut RequestContext,
    (route, segment, query): (&Route, &str, &str),
) -> Result<Response<P::Body>, Error> {
    let token =
        bearer_token::bearer(&arrival.headers, &hub.config.supabase_publishable_key).map_err(Error::Credential)?;
    let session = &*course.session.insert(hub.authenticate(platform, token).await?);
    let target = match route.endpoint {
        Endpoint::Description => return openapi::describe(hub, platform, session).await,
        Endpoint::Function => Target::Function(segment),
        Endpoint::RevokeSessions => Target::Function("revoke_sessions"),
        _ => Target::Table(segment),
    };
    let call = proxy::ProxyRequest {
        session,
        target,
        method: &arrival.method,
        query,
        headers: &arrival.headers,
        body,
        request_id: &course.request_id,
        client_request_id: request_checks::client_request_id(&arrival.headers),
        route: &course.route,
    };
    let passed = proxy::proxy(hub, platform, call).await?;
    course.recorded_in_transaction = passed.recorded_in_transaction;
    course.upstream_ms = Some(passed.upstream_ms);
    course.row_count = passed.row_count;
    course.read_record = passed.read_record;
    course.pending_export = passed.pending_export;
    match route.endpoint {
        Endpoint::RevokeSessions => revocation::revoke_at_clerk(hub, platform, passed.response?).await,
        _ => passed.response,
    }
}

/// Serves the webhooks, each with the signature scheme of its sender.
async fn handle_webhook<P: Runtime>(
    hub: &Rc<AppState<P>>,
    platform: &P,
    arrival: &IncomingRequest<P::Body>,
    body: Option<P::Body>,
    course: &mut RequestContext,
    route: &Route,
) -> Result<Response<P::Body>, Error> {
    match route.endpoint {
        Endpoint::ClerkWebhook => {
            let reply = clerk_webhook::receive(hub, platform, &arrival.headers, body).await?;
            course.webhook_sender = Some("webhook:clerk");
            Ok(reply)
        }
        _ => Err(Error::RouteUnknown),
    }
}

/// Serves the public routes.
async fn handle_public<P: Runtime>(
    hub: &Rc<AppState<P>>,
    platform: &P,
    arrival: &IncomingRequest<P::Body>,
    route: &Route,
) -> Result<Response<P::Body>, Error> {
    let known = arrival.headers.value("if-none-match");
    Ok(match route.endpoint {
        Endpoint::Favicon => public_pages::favicon(known),
        Endpoint::Health => health::check(hub, platform).await,
        Endpoint::Home => public_pages::home(&hub.config, known)?,
        Endpoint::Robots => public_pages::robots(known),
        Endpoint::Security => public_pages::security(&hub.config, known)?,
        Endpoint::SecurityTxt => public_pages::security_txt(&hub.config, platform.now_ms())?,
        Endpoint::Stylesheet => public_pages::stylesheet(known),
        _ => return Err(Error::RouteUnknown),
    })
}

/// T-3: a page of the Hub is redirected to its own origin, everything else is rejected.
fn reject_insecure<Body, Carried>(
    config: &Config,
    address: &RequestUrl<'_>,
    arrival: &IncomingRequest<Carried>,
) -> Result<Response<Body>, Error> {
    let path = strip_base_path(&config.base_path, address.path).filter(|path| request_checks::check_path(path).is_ok());
    let page = path.is_some_and(|path| !routes::is_api(path));
    let ours = page && address.is_own_host(config) && request_checks::check_url_length(&arrival.url).is_ok();
    match request_checks::insecure_action(ours, &arrival.method, &arrival.headers, address.query) {
        InsecureAction::Redirect => {
            let mark = if address.query.is_empty() { "" } else { "?" };
            let location = format!("{}{}{mark}{}", config.origin, address.path, address.query);
            Ok(Response::empty(308).with_header("location", location))
        }
        InsecureAction::Refuse => Err(Error::InsecureTransport),
    }
}

/// Responds to `OPTIONS` without an upstream request; the origin must equal a listed one exactly.
fn handle_options<Body>(route: &Route, headers: &Headers, course: &RequestContext) -> Result<Response<Body>, Error> {
    match (headers.value("origin"), &course.origin) {
        (Some(_), None) if course.is_api => Err(Error::OriginRefused),
        (Some(_), Some(_)) if course.is_api => Ok(Response::preflight(route.methods)),
        _ => Ok(Response::empty(204).with_header("allow", route.methods)),
    }
}

fn allowed_origin<P: Runtime>(hub: &AppState<P>, headers: &Headers) -> Option<String> {
    let origin = headers.value("origin")?;
    hub.config.authorized_parties.iter().find(|listed| *listed == origin).cloned()
}

/// Returns the response of a fault: a page for a browser that accepts HTML, otherwise JSON.
pub(super) fn error_response<P: Runtime>(
    hub: &AppState<P>,
    arrival: &IncomingRequest<P::Body>,
    course: &mut RequestContext,
    fault: &Error,
) -> Response<P::Body> {
    course.error = Some(fault.clone());
    let asks_for_a_page = arrival.headers.value("accept").is_some_and(|accept| accept.contains("text/html"));
    let reply = match fault.response() {
        Some(told) if asks_for_a_page && !course.is_api => {
            public_pages::error_page(&hub.config, told, &course.request_id)
                .unwrap_or_else(|| Response::error(fault))
                .with_error_headers(fault)
        }
        _ => Response::error(fault),
    };
    // Cookies of an ended session would only be rejected again.
    let path = RequestUrl::parse(&arrival.url).map_or("/", |address| address.path);
    if fault.ends_session() { account_pages::clear_session_cookies(hub, reply, path) } else { reply }
}
