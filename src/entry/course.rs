//! What is known of a request on its way, and what is written of it at the end: one request row (L-3), one log line.

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

/// A request on its way, filled step by step.
pub struct Course {
    /// The Hub's own id for it. A client's id is kept beside it, never in its place: one that is used twice would
    /// otherwise hide the second request from the request rows.
    pub request_id: String,
    /// Whether it came over https.
    pub secure: bool,
    /// Whether it knocked at the API.
    pub api: bool,
    /// Its `Origin`, if that is on the list.
    pub origin: Option<String>,
    /// The route, with the table or function if the Hub knows one of that name.
    pub route: String,
    /// Whose it is.
    pub session: Option<Session>,
    /// Which sender's message it was, once its signature is known to be good.
    pub sender: Option<&'static str>,
    /// Whether the database has written the request row, with the change or with the record of the read.
    pub written: bool,
    /// How long the database took.
    pub upstream_ms: Option<u64>,
    /// How many rows it gave.
    pub row_count: Option<u64>,
    /// What a member of staff looked at.
    pub look: Option<Look>,
    /// What is left to do once the head of the answer may leave.
    pub rest: Option<Rest>,
    /// What became of a visit that is nobody's, for the log.
    pub note: Option<&'static str>,
    /// Why it was refused.
    pub fault: Option<Fault>,
    started: u64,
}

impl Course {
    /// Starts with an id that nobody else has.
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

    /// Notes the door; a name that the Hub does not know is a client's text and is not kept.
    pub fn enter(&mut self, route: &Route, segment: &str) {
        let known = Table::named(segment).is_some() || Function::named(segment).is_some();
        route.path.clone_into(&mut self.route);
        if let (true, Some((prefix, _))) = (known, route.path.split_once('{')) {
            self.route = format!("{prefix}{segment}");
        }
    }
}

/// Writes the request row, at once where the answer must not leave without it.
pub async fn record<P: Platform>(
    hub: &Rc<Hub<P>>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    course: &mut Course,
    reply: Reply<P::Body>,
) -> Reply<P::Body> {
    let written = course.written && reply.status < 400;
    let kept = course.api || course.session.is_some();
    // A preflight that is answered asks for nothing; one that is refused is a refused request.
    if !kept || (arrival.method == "OPTIONS" && reply.status < 400) {
        return reply;
    }
    let row = row(hub, platform, arrival, course, reply.status);
    if let Some(rest) = course.rest.take() {
        return exported(hub, platform, arrival, course, (row, rest), reply).await;
    }
    if written {
        // Its row came with the change or before the read, when there was no answer to tell of; this completes it.
        Journal::later(hub, platform, &row);
        return reply;
    }
    let staff = course.session.as_ref().is_some_and(|session| !session.is_customer());
    let changes = !matches!(arrival.method.as_str(), "GET" | "HEAD");
    let refused = (400..500).contains(&reply.status);
    // After a failure upstream nothing of the database leaves, and its journal would only fail too.
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

/// An export leaves once its row is safe; how many records it had completes the row behind it.
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
        // What cannot be written stands in the log.
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
    // What was refused was not seen, but for a refusal that says how many rows there are.
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

/// A text that a row can hold: PostgreSQL knows no NUL, and neither a method nor a code is long.
fn storable(text: &str) -> String {
    text.chars().filter(|letter| *letter != '\0').take(100).collect()
}

/// One structured line a request: no body, no token, no address, no name of a person.
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
