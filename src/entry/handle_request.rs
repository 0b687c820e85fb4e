//! The processing of a request: one straight function, in which each step uses the result of the previous one.

use super::routes::{self, ApiEndpoint, Endpoint, PublicEndpoint, Route, RouteMatch, WebhookEndpoint, strip_base_path};
use crate::{
    domain::{
        headers::Headers,
        method::{Method, allow_header},
    },
    entry::{
        error_response::error_response,
        incoming_request::{IncomingRequest, RoutedRequest},
        page_request,
        record_request::{log_request, record_request},
    },
    handlers::{clerk_webhook, health, openapi, proxy, public_pages, revocation},
    logic::{
        authn::{bearer_token, password_fields},
        authz::Target,
        config::{Config, ConfigError},
        error::Error,
        http::{
            request_checks::{self, InsecureAction, InsecureTarget},
            request_url::RequestUrl,
            response::{Response, ResponseBody, Scheme},
        },
    },
    runtime::{BodyStream, LogLevel, Runtime, RuntimePort as _},
    services::{app_state::AppState, request_context::RequestContext},
};
use futures_channel::oneshot;
use std::rc::Rc;

/// Processes one request; every response of the Hub is returned from here.
///
/// The entire processing runs in `wait_until`, and only its response is awaited here: Cloudflare cancels awaited work
/// as soon as the client disconnects, but continues the work in `wait_until` for 30 seconds (Workers docs, Context
/// `waitUntil`). So a disconnect prevents neither the request row nor the release of shared state.
pub async fn handle_request(app: &Rc<AppState>, runtime: &Runtime, request: IncomingRequest) -> Response<BodyStream> {
    let context = match RequestContext::new(runtime, &request.url) {
        Ok(context) => context,
        Err(problem) => return misconfigured_response(runtime, &[problem]),
    };
    let (scheme, request_id) = (context.scheme, context.request_id.clone());
    let (sender, response) = oneshot::channel();
    let app = Rc::clone(app);
    runtime.wait_until(async move {
        let response = handle_in_background(&app, request, context).await;
        // A client that has disconnected receives no response.
        drop(sender.send(response));
    });
    response.await.unwrap_or_else(|_| Response::error(&Error::RuntimeFailed).with_security_headers(scheme, &request_id))
}

/// Processes one incoming request to its response, including request row and log line.
async fn handle_in_background(
    app: &Rc<AppState>,
    mut request: IncomingRequest,
    mut context: RequestContext,
) -> Response<BodyStream> {
    let body = request.body.take();
    let outcome = dispatch(app, &mut context, &request, body).await;
    let response = match outcome {
        Ok(response) => response,
        Err(fault) => error_response(app, &mut context, &request, &fault),
    };
    let response = record_request(app, &mut context, &request, response).await;
    log_request(&context, &request, response.status);
    let response = if context.is_api { response.with_cors(context.origin.as_deref()) } else { response };
    let response = response.with_security_headers(context.scheme, &context.request_id);
    if request.method == Method::Head { without_body(response, &context) } else { response }
}

/// Removes the body. supabase-js treats a 404 without a body as success, so the API sends 403 instead, which reveals no
/// more and is treated as an error.
fn without_body(response: Response<BodyStream>, context: &RequestContext) -> Response<BodyStream> {
    let status = if context.is_api && response.status == 404 { 403 } else { response.status };
    Response { status, body: ResponseBody::Empty, ..response }
}

/// Returns the response of a Hub with invalid variables; the log names them, the response does not.
#[must_use]
pub fn misconfigured_response(runtime: &Runtime, problems: &[ConfigError]) -> Response<BodyStream> {
    let context = RequestContext::for_event(runtime);
    let named: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let line = serde_json::json!({ "event": "config.invalid", "problems": named });
    context.log(LogLevel::Error, line);
    Response::error(&Error::Configuration).with_security_headers(Scheme::Https, &context.request_id)
}

/// Logs optional variables that are invalid; the Hub works without them.
pub fn log_unused_variables(runtime: &Runtime, problems: &[ConfigError]) {
    for problem in problems {
        let named = problem.to_string();
        runtime.log(
            LogLevel::Error,
            &serde_json::json!({ "event": "config.variable_ignored", "problem": named }).to_string(),
        );
    }
}

/// Checks transport, path, headers and route in this order; each may reject, and nothing is checked before its turn.
async fn dispatch(
    app: &Rc<AppState>,
    context: &mut RequestContext,
    request: &IncomingRequest,
    body: Option<BodyStream>,
) -> Result<Response<BodyStream>, Error> {
    let address = RequestUrl::parse(&request.url)?;
    let path = strip_base_path(&app.config.base_path, address.path);
    context.is_api = path.is_some_and(routes::is_api);
    // The scheme is checked first, also for unknown hosts and paths (T-3).
    if !address.is_https {
        revocation::revoke_leaked_tokens(app, context, &request.headers, &request.url);
        return reject_insecure(&app.config, &address, request);
    }
    request_checks::check_tls(request.tls_version.as_deref(), app.config.min_tls)?;
    request_checks::check_host(&address, &app.config)?;
    request_checks::check_url_length(&request.url)?;
    let path = path.ok_or(Error::RouteUnknown)?;
    request_checks::check_path(path)?;
    request_checks::check_headers(&request.headers)?;
    if password_fields::form_contains_password(address.query) {
        return Err(Error::PasswordInRequest);
    }
    context.origin = allowed_origin(app, &request.headers);
    let RouteMatch { route, segment } = routes::find(path).ok_or(Error::RouteUnknown)?;
    context.set_route(route.path, segment);
    if request.method == Method::Options {
        return handle_options(route, &request.headers, context);
    }
    let method = request.method.known().filter(|method| route.methods.contains(method));
    let method = method.ok_or(Error::MethodNotAllowed(route.methods))?;
    let routed = RoutedRequest { request, body, method, address, segment };
    match route.endpoint {
        Endpoint::Api(endpoint) => handle_api(app, context, endpoint, routed).await,
        Endpoint::Page(endpoint) => page_request::handle_page(app, context, endpoint, routed).await,
        Endpoint::Public(endpoint) => handle_public(app, context, endpoint, request).await,
        Endpoint::Webhook(endpoint) => handle_webhook(app, context, endpoint, routed).await,
    }
}

/// Serves the API's routes: credential, identity, then the proxy, which applies policy and firewall.
async fn handle_api(
    app: &Rc<AppState>,
    context: &mut RequestContext,
    endpoint: ApiEndpoint,
    RoutedRequest { request, body, method, address, segment }: RoutedRequest<'_>,
) -> Result<Response<BodyStream>, Error> {
    let token =
        bearer_token::bearer(&request.headers, &app.config.supabase_publishable_key).map_err(Error::Credential)?;
    context.session = Some(app.authenticate(context, token).await?);
    let session = context.session.as_ref().ok_or(Error::RuntimeFailed)?;
    let target = match endpoint {
        ApiEndpoint::Description => return openapi::describe(app, context, session).await,
        ApiEndpoint::Function => Target::Function(segment),
        ApiEndpoint::RevokeSessions => Target::Function("revoke_sessions"),
        ApiEndpoint::Table => Target::Table(segment),
    };
    let call = proxy::ProxyRequest {
        session,
        target,
        method,
        query: address.query,
        headers: &request.headers,
        body,
        client_request_id: request_checks::client_request_id(&request.headers),
    };
    let passed = proxy::proxy(app, context, call).await?;
    context.recorded_in_transaction = passed.recorded_in_transaction;
    context.upstream_ms = Some(passed.upstream_ms);
    context.row_count = passed.row_count;
    context.read_record = passed.read_record;
    context.pending_export = passed.pending_export;
    match endpoint {
        ApiEndpoint::RevokeSessions => revocation::revoke_at_clerk(app, context, passed.response?).await,
        ApiEndpoint::Description | ApiEndpoint::Function | ApiEndpoint::Table => passed.response,
    }
}

/// Serves the webhooks, each with the signature scheme of its sender.
async fn handle_webhook(
    app: &Rc<AppState>,
    context: &mut RequestContext,
    endpoint: WebhookEndpoint,
    routed: RoutedRequest<'_>,
) -> Result<Response<BodyStream>, Error> {
    match endpoint {
        WebhookEndpoint::Clerk => {
            let response = clerk_webhook::receive(app, context, &routed.request.headers, routed.body).await?;
            context.webhook_sender = Some("webhook:clerk");
            Ok(response)
        }
    }
}

/// Serves the public routes.
async fn handle_public(
    app: &Rc<AppState>,
    context: &RequestContext,
    endpoint: PublicEndpoint,
    request: &IncomingRequest,
) -> Result<Response<BodyStream>, Error> {
    let known = request.headers.value("if-none-match");
    Ok(match endpoint {
        PublicEndpoint::Favicon => public_pages::favicon(known),
        PublicEndpoint::Health => health::check(app, context).await,
        PublicEndpoint::Home => public_pages::home(&app.config, known)?,
        PublicEndpoint::Robots => public_pages::robots(known),
        PublicEndpoint::Security => public_pages::security(&app.config, known)?,
        PublicEndpoint::SecurityTxt => public_pages::security_txt(&app.config, context.runtime.now_ms())?,
        PublicEndpoint::Stylesheet => public_pages::stylesheet(known),
    })
}

/// T-3: a page of the Hub is redirected to its own origin, everything else is rejected.
fn reject_insecure(
    config: &Config,
    address: &RequestUrl<'_>,
    request: &IncomingRequest,
) -> Result<Response<BodyStream>, Error> {
    let path = strip_base_path(&config.base_path, address.path).filter(|path| request_checks::check_path(path).is_ok());
    let page = path.is_some_and(|path| !routes::is_api(path));
    let ours = page && address.is_own_host(config) && request_checks::check_url_length(&request.url).is_ok();
    let target = if ours { InsecureTarget::OwnPage } else { InsecureTarget::Other };
    match request_checks::insecure_action(target, &request.method, &request.headers, address.query) {
        InsecureAction::Redirect => {
            let mark = if address.query.is_empty() { "" } else { "?" };
            let location = format!("{}{}{mark}{}", config.origin, address.path, address.query);
            Ok(Response::empty(308).with_header("location", location))
        }
        InsecureAction::Refuse => Err(Error::InsecureTransport),
    }
}

/// Responds to `OPTIONS` without an upstream request; the origin must equal a listed one exactly.
fn handle_options(route: &Route, headers: &Headers, context: &RequestContext) -> Result<Response<BodyStream>, Error> {
    match (headers.value("origin"), &context.origin) {
        (Some(_), None) if context.is_api => Err(Error::OriginRefused),
        (Some(_), Some(_)) if context.is_api => Ok(Response::preflight(route.methods)),
        _ => Ok(Response::empty(204).with_header("allow", allow_header(route.methods))),
    }
}

fn allowed_origin(app: &AppState, headers: &Headers) -> Option<String> {
    let origin = headers.value("origin")?;
    app.config.authorized_parties.iter().find(|listed| *listed == origin).cloned()
}
