//! State of a request during processing, and its records at the end: one request row (L-3), one log line.

use super::{
    answer::{Arrival, refuse},
    routes::Route,
};
use crate::{
    domain::{functions::Function, ids, session::Session, tables::Table, time},
    handlers::data::Rest,
    logic::{address, boundary, config::Problem, fault::Fault, postgrest::Look, reply::Reply},
    platform::{
        Counted, Level, Platform,
        hub::Hub,
        journal::{Journal, Outcome, Row},
    },
};
use std::rc::Rc;

/// The state of a request, filled step by step.
pub struct Course {
    /// The Hub's own id of the request. A client's id is stored beside it, never instead of it: one that is used twice
    /// would otherwise hide the second request from the request rows.
    pub request_id: String,
    /// True if it was received over https.
    pub secure: bool,
    /// True if it addressed the API.
    pub api: bool,
    /// The `Origin` header, if that is listed.
    pub origin: Option<String>,
    /// The route, with the table or function if the Hub knows one of that name.
    pub route: String,
    /// The verified session.
    pub session: Option<Session>,
    /// The sender of a message, once its signature is verified.
    pub sender: Option<&'static str>,
    /// True if the database has written the request row, with the change or with the read record.
    pub written: bool,
    /// Duration of the database's response, in milliseconds.
    pub upstream_ms: Option<u64>,
    /// Number of rows that the database returned.
    pub row_count: Option<u64>,
    /// The read of a staff member.
    pub look: Option<Look>,
    /// Work to do once the head of the response may be sent.
    pub rest: Option<Rest>,
    /// The outcome of a visit without a session, for the log.
    pub note: Option<&'static str>,
    /// The reason for a rejection.
    pub fault: Option<Fault>,
    started: u64,
}

impl Course {
    /// Starts with a unique id.
    pub fn start<P: Platform>(platform: &P, url: &str) -> Result<Self, Problem> {
        let random = platform.random().map_err(|_| Problem { name: "crypto", wrong: "gives no random bytes" })?;
        let started = platform.now_ms();
        Ok(Self {
            request_id: ids::ulid(started, random),
            secure: url.starts_with("https://"),
            api: false,
            origin: None,
            route: "unrouted".to_owned(),
            session: None,
            sender: None,
            written: false,
            upstream_ms: None,
            row_count: None,
            look: None,
            rest: None,
            note: None,
            fault: None,
            started,
        })
    }

    /// Sets the route; a name that the Hub does not know is text of the client and is not stored.
    pub fn enter(&mut self, route: &Route, segment: &str) {
        let known = Table::named(segment).is_some() || Function::named(segment).is_some();
        route.path.clone_into(&mut self.route);
        if let (true, Some((prefix, _))) = (known, route.path.split_once('{')) {
            self.route = format!("{prefix}{segment}");
        }
    }
}

/// Writes the request row; before the response where the response must not be sent without it.
pub async fn record<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    course: &mut Course,
    reply: Reply<P::Body>,
) -> Reply<P::Body> {
    let written = course.written && reply.status < 400;
    let kept = course.api || course.session.is_some();
    // An accepted preflight requests no data; a rejected one is a rejected request.
    if !kept || (arrival.method == "OPTIONS" && reply.status < 400) {
        return reply;
    }
    let row = row(hub, platform, arrival, course, reply.status);
    if let Some(rest) = course.rest.take() {
        return exported(hub, platform, arrival, course, (row, rest), reply).await;
    }
    if written {
        // The row was written with the change or before the read, without the response; this completes it.
        Journal::later(hub, platform, &row);
        return reply;
    }
    let staff = course.session.as_ref().is_some_and(|session| !session.is_customer());
    let changes = !matches!(arrival.method.as_str(), "GET" | "HEAD");
    let refused = (400..500).contains(&reply.status);
    // After an upstream failure no data of the database is returned, and its request log would only fail too.
    let first = course.session.is_some() && reply.status < 500 && (staff || changes || refused);
    if !first {
        Journal::later(hub, platform, &row);
        return reply;
    }
    match Journal::now(hub, platform, row).await {
        Err(fault) if staff || changes => refuse(hub, arrival, course, &fault),
        _ => reply,
    }
}

/// Returns the response of an export once its request row is written; the row is completed in the background with the
/// number of records.
async fn exported<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    course: &mut Course,
    (row, rest): (Row, Rest),
    reply: Reply<P::Body>,
) -> Reply<P::Body> {
    if !course.written {
        let begun = Row { status: None, ..row.clone() };
        if let Err(fault) = Journal::now(hub, platform, begun).await {
            return refuse(hub, arrival, course, &fault);
        }
    }
    let (hub, background, started) = (Rc::clone(hub), platform.clone(), course.started);
    platform.wait_until(async move {
        let told = rest.await;
        let duration_ms = background.now_ms().saturating_sub(started);
        let line = serde_json::json!({
            "event": "export",
            "request_id": row.request_id,
            "records": told.records,
            "reason": told.fault.as_ref().map(|fault| fault.reason().unwrap_or_else(|| fault.code())),
            "duration_ms": duration_ms,
        });
        background.log(if told.fault.is_none() { Level::Info } else { Level::Warn }, &line.to_string());
        let ended = Row {
            outcome: if told.fault.is_none() { Outcome::Allowed } else { Outcome::Failed },
            code: told.fault.as_ref().map(Fault::code),
            answered: Some(told.records),
            duration_ms,
            look: None,
            ..row
        };
        // A row that cannot be written is logged.
        drop(Journal::now(&hub, &background, ended).await);
    });
    reply
}

fn row<P: Platform>(hub: &Hub<P>, platform: &P, arrival: &Arrival<P::Body>, course: &Course, status: u16) -> Row {
    let session = course.session.as_ref();
    let code = |text: &Option<String>, length, allowed: fn(u8) -> bool| {
        text.as_ref().filter(|text| text.len() == length && text.bytes().all(allowed)).cloned()
    };
    let address = arrival.headers.value("cf-connecting-ip");
    // Rejected data was not read, except for a rejection that reveals the number of rows.
    let tells = status < 400 || course.fault.as_ref().is_some_and(Fault::counts_rows);
    let look = course.look.clone().filter(|_| tells);
    Row {
        occurred_at: time::rfc3339(course.started),
        request_id: course.request_id.clone(),
        client_request_id: boundary::client_request_id(&arrival.headers).map(str::to_owned),
        method: storable(&arrival.method),
        route: course.route.clone(),
        who: course.sender.unwrap_or_else(|| session.and_then(Session::who).map_or("nobody", |who| who.name())),
        actor_id: session.map(|session| session.user.clone()),
        session_id: session.map(|session| session.id.clone()),
        owner_id: session.filter(|session| session.is_customer()).map(|session| session.owner().to_owned()),
        impersonator_id: session.and_then(|session| session.impersonator.clone()),
        outcome: Outcome::of(status),
        status: Some(status),
        code: course.fault.as_ref().map(|fault| storable(&fault.code())),
        duration_ms: platform.now_ms().saturating_sub(course.started),
        upstream_ms: course.upstream_ms,
        answered: course.row_count,
        colo: code(&arrival.colo, 3, |byte| byte.is_ascii_uppercase()),
        // `T1` is Tor: <https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-ipcountry>.
        country: code(&arrival.country, 2, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
        token_id: session.and_then(|session| session.token_id.clone()),
        address_hash: address.map(|address| address::hashed(&hub.addresses, address)),
        actor_name: look.as_ref().and(session).and_then(|session| session.name.clone()),
        look,
    }
}

/// Returns a text that a row can store: PostgreSQL does not support NUL, and methods and codes are short.
fn storable(text: &str) -> String {
    text.chars().filter(|letter| *letter != '\0').take(100).collect()
}

/// Logs one structured line for a request: no body, token, address or name of a user.
pub fn log<P: Platform>(platform: &P, arrival: &Arrival<P::Body>, course: &Course, status: u16) {
    let who = course.sender.or_else(|| Some(course.session.as_ref()?.who()?.name()));
    let line = serde_json::json!({
        "event": "request",
        "request_id": course.request_id,
        "method": arrival.method,
        "route": course.route,
        "who": who,
        "status": status,
        "code": course.fault.as_ref().map(Fault::code),
        "reason": course.fault.as_ref().and_then(Fault::reason).or_else(|| course.note.map(str::to_owned)),
        "duration_ms": platform.now_ms().saturating_sub(course.started),
    });
    let level = match status {
        500.. => Level::Error,
        400..=499 => Level::Warn,
        _ => Level::Info,
    };
    platform.log(level, &line.to_string());
    let code = course.fault.as_ref().map(Fault::code);
    platform.count(&Counted {
        code: code.as_deref().unwrap_or("ok"),
        status,
        route: &course.route,
        who: who.unwrap_or("nobody"),
        duration_ms: platform.now_ms().saturating_sub(course.started),
    });
}
