//! The processing of a request: one straight function, in which each step uses the result of the previous one.

use super::{
    course::{Course, log, record},
    page,
    routes::{self, Door, Handler, Route},
};
use crate::{
    domain::{headers::Headers, ids},
    handlers::{account, clerk, data, description, health, public, revocation},
    logic::{
        boundary::{self, Address, Insecure},
        config::{Config, Problem},
        credentials,
        fault::Fault,
        password,
        policy::Target,
        reply::{Content, Reply},
    },
    platform::{Level, Platform, hub::Hub},
};
use futures_channel::oneshot;
use std::rc::Rc;

/// A received request.
pub struct Arrival<Body> {
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
pub async fn answer<P: Platform>(hub: &Rc<Hub<P>>, platform: &P, arrival: Arrival<P::Body>) -> Reply<P::Body> {
    let course = match Course::start(platform, &arrival.url) {
        Ok(course) => course,
        Err(problem) => return unconfigured(platform, &[problem]),
    };
    let (secure, request_id) = (course.secure, course.request_id.clone());
    let (sender, reply) = oneshot::channel();
    let (hub, background) = (Rc::clone(hub), platform.clone());
    platform.wait_until(async move {
        let reply = run_course(&hub, &background, arrival, course).await;
        // A client that has disconnected receives no response.
        drop(sender.send(reply));
    });
    reply.await.unwrap_or_else(|_| Reply::fault(&Fault::Platform).sealed(secure, &request_id))
}

/// Runs one request from its arrival to its response, including request row and log line.
async fn run_course<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    mut arrival: Arrival<P::Body>,
    mut course: Course,
) -> Reply<P::Body> {
    let body = arrival.body.take();
    let outcome = run(hub, platform, &arrival, body, &mut course).await;
    let reply = match outcome {
        Ok(reply) => reply,
        Err(fault) => refuse(hub, &arrival, &mut course, &fault),
    };
    let reply = record(hub, platform, &arrival, &mut course, reply).await;
    log(platform, &arrival, &course, reply.status);
    let reply = if course.api { reply.shared(course.origin.as_deref()) } else { reply };
    let reply = reply.sealed(course.secure, &course.request_id);
    if arrival.method == "HEAD" { without_body(reply, course.api) } else { reply }
}

/// Removes the body. supabase-js treats a 404 without a body as success, so the API sends 403 instead, which reveals no
/// more and is treated as an error.
fn without_body<Body>(reply: Reply<Body>, api: bool) -> Reply<Body> {
    let status = if api && reply.status == 404 { 403 } else { reply.status };
    Reply { status, content: Content::Empty, ..reply }
}

/// Returns the response of a Hub with invalid variables; the log names them, the response does not.
pub fn unconfigured<P: Platform>(platform: &P, problems: &[Problem]) -> Reply<P::Body> {
    let request_id = ids::ulid(platform.now_ms(), platform.random().unwrap_or_default());
    let named: Vec<_> = problems.iter().map(|problem| format!("{} {}", problem.name, problem.wrong)).collect();
    let line = serde_json::json!({ "event": "unconfigured", "request_id": request_id, "problems": named });
    platform.log(Level::Error, &line.to_string());
    Reply::fault(&Fault::Configuration).sealed(true, &request_id)
}

/// Logs optional variables that are invalid; the Hub works without them.
pub fn unused<P: Platform>(platform: &P, problems: &[Problem]) {
    for problem in problems {
        let named = format!("{} {}", problem.name, problem.wrong);
        platform.log(Level::Error, &serde_json::json!({ "event": "variable not used", "problem": named }).to_string());
    }
}

/// Checks transport, path, headers and route in this order; each may reject, and nothing is checked before its turn.
async fn run<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    body: Option<P::Body>,
    course: &mut Course,
) -> Result<Reply<P::Body>, Fault> {
    let address = Address::parse(&arrival.url)?;
    let path = inside(&hub.config.base_path, address.path);
    course.api = path.is_some_and(routes::is_api);
    // The scheme is checked first, also for unknown hosts and paths (T-3).
    if !address.secure {
        revocation::burn(hub, platform, &arrival.headers, &arrival.url);
        return insecure(&hub.config, &address, arrival);
    }
    boundary::tls(arrival.tls_version.as_deref(), hub.config.min_tls)?;
    boundary::host(&address, &hub.config)?;
    boundary::length(&arrival.url)?;
    let path = path.ok_or(Fault::RouteUnknown)?;
    boundary::path(path)?;
    boundary::headers(&arrival.headers)?;
    if password::in_form(address.query) {
        return Err(Fault::Password);
    }
    course.origin = listed_origin(hub, &arrival.headers);
    let (route, segment) = routes::find(path).ok_or(Fault::RouteUnknown)?;
    course.enter(route, segment);
    if arrival.method == "OPTIONS" {
        return options(route, &arrival.headers, course);
    }
    if !route.methods.split(", ").any(|method| method == arrival.method) {
        return Err(Fault::MethodNotAllowed(route.methods));
    }
    match route.door {
        Door::Api => api(hub, platform, arrival, body, course, (route, segment, address.query)).await,
        Door::Page => page::page(hub, platform, arrival, body, course, (route, &address)).await,
        Door::Public => open(hub, platform, arrival, route).await,
        Door::Webhook => webhook(hub, platform, arrival, body, course, route).await,
    }
}

/// Serves the API's routes: credential, identity, then the proxy, which applies policy and firewall.
async fn api<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    body: Option<P::Body>,
    course: &mut Course,
    (route, segment, query): (&Route, &str, &str),
) -> Result<Reply<P::Body>, Fault> {
    let token = credentials::bearer(&arrival.headers, &hub.config.publishable_key).map_err(Fault::Credential)?;
    let session = &*course.session.insert(hub.identify(platform, token).await?);
    let target = match route.handler {
        Handler::Description => return description::describe(hub, platform, session).await,
        Handler::Function => Target::Function(segment),
        Handler::RevokeSessions => Target::Function("revoke_sessions"),
        _ => Target::Table(segment),
    };
    let call = data::Call {
        session,
        target,
        method: &arrival.method,
        query,
        headers: &arrival.headers,
        body,
        request_id: &course.request_id,
        client_request_id: boundary::client_request_id(&arrival.headers),
        route: &course.route,
    };
    let passed = data::pass(hub, platform, call).await?;
    course.written = passed.written;
    course.upstream_ms = Some(passed.upstream_ms);
    course.row_count = passed.row_count;
    course.look = passed.look;
    course.rest = passed.rest;
    match route.handler {
        Handler::RevokeSessions => revocation::at_clerk(hub, platform, passed.reply?).await,
        _ => passed.reply,
    }
}

/// Serves the webhooks, each with the signature scheme of its sender.
async fn webhook<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    body: Option<P::Body>,
    course: &mut Course,
    route: &Route,
) -> Result<Reply<P::Body>, Fault> {
    match route.handler {
        Handler::ClerkWebhook => {
            let reply = clerk::receive(hub, platform, &arrival.headers, body).await?;
            course.sender = Some("webhook:clerk");
            Ok(reply)
        }
        _ => Err(Fault::RouteUnknown),
    }
}

/// Serves the public routes.
async fn open<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    route: &Route,
) -> Result<Reply<P::Body>, Fault> {
    let known = arrival.headers.value("if-none-match");
    Ok(match route.handler {
        Handler::Favicon => public::favicon(known),
        Handler::Health => health::check(hub, platform).await,
        Handler::Home => public::home(&hub.config, known)?,
        Handler::Robots => public::robots(known),
        Handler::Security => public::security(&hub.config, known)?,
        Handler::SecurityTxt => public::security_txt(&hub.config, platform.now_ms())?,
        Handler::Stylesheet => public::stylesheet(known),
        _ => return Err(Fault::RouteUnknown),
    })
}

/// T-3: a page of the Hub is redirected to its own origin, everything else is rejected.
fn insecure<Body, Carried>(
    config: &Config,
    address: &Address<'_>,
    arrival: &Arrival<Carried>,
) -> Result<Reply<Body>, Fault> {
    let path = inside(&config.base_path, address.path).filter(|path| boundary::path(path).is_ok());
    let page = path.is_some_and(|path| !routes::is_api(path));
    let ours = page && address.is_own_host(config) && boundary::length(&arrival.url).is_ok();
    match boundary::insecure(ours, &arrival.method, &arrival.headers, address.query) {
        Insecure::Redirect => {
            let mark = if address.query.is_empty() { "" } else { "?" };
            let location = format!("{}{}{mark}{}", config.origin, address.path, address.query);
            Ok(Reply::empty(308).with("location", location))
        }
        Insecure::Refuse => Err(Fault::InsecureTransport),
    }
}

/// Responds to `OPTIONS` without an upstream request; the origin must equal a listed one exactly.
fn options<Body>(route: &Route, headers: &Headers, course: &Course) -> Result<Reply<Body>, Fault> {
    match (headers.value("origin"), &course.origin) {
        (Some(_), None) if course.api => Err(Fault::OriginRefused),
        (Some(_), Some(_)) if course.api => Ok(Reply::preflight(route.methods)),
        _ => Ok(Reply::empty(204).with("allow", route.methods)),
    }
}

fn listed_origin<P: Platform>(hub: &Hub<P>, headers: &Headers) -> Option<String> {
    let origin = headers.value("origin")?;
    hub.config.authorized_parties.iter().find(|listed| *listed == origin).cloned()
}

/// Returns the path below the mount path.
fn inside<'path>(base: &str, path: &'path str) -> Option<&'path str> {
    match path.strip_prefix(base)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// Returns the response of a fault: a page for a browser that accepts HTML, otherwise JSON.
pub(super) fn refuse<P: Platform>(
    hub: &Hub<P>,
    arrival: &Arrival<P::Body>,
    course: &mut Course,
    fault: &Fault,
) -> Reply<P::Body> {
    course.fault = Some(fault.clone());
    let asks_for_a_page = arrival.headers.value("accept").is_some_and(|accept| accept.contains("text/html"));
    let reply = match fault.public() {
        Some(told) if asks_for_a_page && !course.api => public::problem(&hub.config, told, &course.request_id)
            .unwrap_or_else(|| Reply::fault(fault))
            .explained(fault),
        _ => Reply::fault(fault),
    };
    // Cookies of an ended session would only be rejected again.
    let path = Address::parse(&arrival.url).map_or("/", |address| address.path);
    if fault.ends_visit() { account::forgotten(hub, reply, path) } else { reply }
}
