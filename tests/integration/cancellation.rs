//! L-3, I-2: requests that end before their response, at every point where they wait.
//!
//! Cloudflare cancels awaited work once the client has disconnected, and continues `wait_until` work for 30 seconds;
//! cancelled work is never polled again. Local workerd does neither, so the fake runtime models both
//! (`src/runtime/fake/turns.rs`).

use crate::harness::{TOKENS, TestApp, WEBHOOK_SECRET, arrival, default_upstream, upstream_response};
use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, Mac as _};
use hub::domain::method::Method;
use hub::{
    entry::{
        routes::ROUTES,
        {handle_request::handle_request, incoming_request::IncomingRequest},
    },
    runtime::{
        RuntimePort as _,
        fake::{Ending, FakeRuntime},
    },
    services::app_state::AppState,
};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
};

pub type Kind = (String, Box<dyn Fn() -> IncomingRequest>);

const READ: &str = "/rest/v1/contact_tickets?select=id";
const ONE: &str = "/rest/v1/contact_tickets?id=eq.00000000-0000-4000-8000-000000000000";
const STAFF: [(&str, &str); 2] = [("x-hub-purpose", "support"), ("if-match", "*")];

/// Returns a request of each kind that the Hub processes differently.
pub fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut add = |name: &str, make: Box<dyn Fn() -> IncomingRequest>| kinds.push((name.to_owned(), make));
    add("customer's read", Box::new(|| arrival("alice", ("GET", READ), &[], None)));
    add("staff read", Box::new(|| arrival("support", ("GET", READ), &STAFF, None)));
    add(
        "recorded read",
        Box::new(|| {
            let path = "/rest/v1/ticket_messages?ticket_id=eq.00000000-0000-4000-8000-000000000000";
            arrival("support", ("GET", path), &STAFF, None)
        }),
    );
    add("customer's change", Box::new(|| arrival("alice", ("PATCH", ONE), &[], Some(r#"{"status":"closed"}"#))));
    add("staff change", Box::new(|| arrival("support", ("PATCH", ONE), &STAFF, Some(r#"{"status":"closed"}"#))));
    add("refused query", Box::new(|| arrival("alice", ("GET", "/rest/v1/contact_tickets?odd=odd"), &[], None)));
    add("no token", Box::new(|| arrival("-", ("GET", READ), &[], None)));
    add("function", Box::new(|| arrival("support", ("POST", "/rest/v1/rpc/my_activity"), &STAFF, Some("{}"))));
    add(
        "revocation",
        Box::new(|| {
            let body = r#"{"person":"user_2hubalice0000000000000001","reason":"test"}"#;
            arrival("admin", ("POST", "/rest/v1/rpc/revoke_sessions"), &STAFF, Some(body))
        }),
    );
    add(
        "export",
        Box::new(|| {
            let path = "/rest/v1/team_activities?select=id,action&actor_id=eq.user_2hubsales0000000000000006";
            arrival("admin", ("GET", path), &[("accept", "application/x-ndjson"), ("x-hub-purpose", "legal")], None)
        }),
    );
    add("page", Box::new(|| page("GET", "/account", None)));
    add("sign-out", Box::new(|| page("POST", "/sign-out", Some("csrf=wrong"))));
    add("webhook", Box::new(webhook));
    add(
        "plain http",
        Box::new(|| IncomingRequest {
            url: format!("http://hub.stacklumen.example{READ}"),
            ..arrival("alice", ("GET", READ), &[], None)
        }),
    );
    kinds
}

/// Every method of every route, for a customer, staff and a caller without a token.
pub fn generated() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for route in ROUTES {
        let path = route.path.replace("{table}", "leads").replace("{function}", "my_activity");
        for method in route.methods {
            for persona in ["-", "alice", "admin"] {
                let (path, name) = (path.clone(), format!("{persona} {method} {path}"));
                let body = matches!(method, Method::Post | Method::Patch).then_some("{}");
                kinds.push((name, Box::new(move || arrival(persona, (method.name(), &path), &STAFF, body))));
            }
        }
    }
    kinds
}

fn page(method: &str, path: &str, body: Option<&str>) -> IncomingRequest {
    let token = TOKENS["personas"]["alice"].as_str().unwrap();
    let cookie = format!("__session={token}; __client_uat={}", TOKENS["now"].as_i64().unwrap() - 20);
    let headers = [
        ("accept", "text/html"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", &cookie),
    ];
    arrival("-", (method, path), &headers, body)
}

fn webhook() -> IncomingRequest {
    let now = TOKENS["now"].as_u64().unwrap();
    let data = json!({ "object": "session", "id": "sess_2hubalice0000000000000001", "user_id": "user_2hubalice0000000000000001", "status": "revoked" });
    let body = json!({ "type": "session.revoked", "object": "event", "timestamp": now * 1000, "instance_id": "ins_1", "data": data }).to_string();
    let key = Base64::decode_vec(WEBHOOK_SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("msg_1.{now}.{body}").as_bytes());
    let signature = format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()));
    let time = now.to_string();
    arrival(
        "-",
        ("POST", "/webhooks/clerk"),
        &[("svix-id", "msg_1"), ("svix-timestamp", &time), ("svix-signature", &signature)],
        Some(&body),
    )
}

fn app() -> TestApp {
    TestApp::with_upstream(|request| {
        if request.url.ends_with("/rpc/take_clerk_event") {
            upstream_response(200, "\"taken\"")
        } else {
            default_upstream(request)
        }
    })
}

/// Returns and clears every row that was put on the queue or written since the last call.
fn rows(fake: &FakeRuntime) -> Vec<Value> {
    let written =
        fake.sent().into_iter().filter(|sent| sent.url.ends_with("/rpc/record_requests")).filter_map(|sent| {
            Some(serde_json::from_slice::<Value>(&sent.body?).unwrap()["requests"].as_array().unwrap().clone())
        });
    let queued = fake.queued().into_iter().map(|message| serde_json::from_str::<Vec<Value>>(&message).unwrap());
    queued.chain(written).flatten().collect()
}

/// Returns the content of a row, except for its id and the time.
fn row_text(row: &Value) -> String {
    format!("{} {} {} {}", row["method"], row["route"], row["who"], row["status"])
}

fn sorted_rows(rows: &[Value]) -> Vec<String> {
    let mut sorted_rows: Vec<String> = rows.iter().map(row_text).collect();
    sorted_rows.sort();
    sorted_rows
}

/// Sends requests of others whose rows wait.
fn others(app: &TestApp, count: usize) {
    for _ in 0..count {
        let response = app.fake.run(handle_request(
            &app.hub,
            &app.fake,
            arrival("-", ("GET", "/rest/v1/chat_threads"), &[], None),
        ));
        assert_eq!(response.unwrap().status, 401);
    }
}

fn of_others(rows: &[Value]) -> usize {
    let ids: std::collections::BTreeSet<&str> = rows
        .iter()
        .filter(|row| row["route"] == "/rest/v1/chat_threads")
        .map(|row| row["request_id"].as_str().unwrap())
        .collect();
    ids.len()
}

/// Asserts that the next request is processed, and has waited at most for the fetch of the keys.
fn next_request_completes(app: &TestApp, name: &str) {
    let before = app.fake.now_ms();
    let response =
        app.fake.run(handle_request(&app.hub, &app.fake, arrival("carol", ("GET", READ), &[], None))).unwrap();
    assert_eq!(response.status, 200, "{name}");
    assert!(app.fake.now_ms() - before <= 3_100, "{name}: waited {} ms", app.fake.now_ms() - before);
}

/// Runs `check` for each number of polls after which a request of this kind can end; in the last run it has its
/// response.
fn at_every_await(
    isolate: &dyn Fn() -> TestApp,
    make: &dyn Fn() -> IncomingRequest,
    mut check: impl FnMut(&TestApp, &FakeRuntime, usize, Option<u16>),
) {
    for polls in 1..400 {
        let app = isolate();
        others(&app, 2);
        let request = app.fake.another_request();
        let status =
            app.fake.leave_after(polls, handle_request(&app.hub, &request, make())).map(|response| response.status);
        check(&app, &request, polls, status);
        if status.is_some() {
            return;
        }
    }
    panic!("not answered within 400 polls");
}

/// Returns the rows of a request whose client does not disconnect.
fn undisturbed(app: &TestApp, make: &dyn Fn() -> IncomingRequest) -> Vec<String> {
    app.fake.run(handle_request(&app.hub, &app.fake, make())).unwrap();
    app.fake.run_background().unwrap();
    sorted_rows(&rows(&app.fake))
}

fn client_that_leaves_changes_no_row(isolate: &dyn Fn() -> TestApp, kinds: Vec<Kind>) {
    for (name, make) in kinds {
        let wanted = undisturbed(&isolate(), &make);
        at_every_await(isolate, &make, |app, _, polls, _| {
            let name = format!("{name}, left after {polls} polls");
            app.fake.run_background().unwrap();
            let rows = rows(&app.fake);
            let (theirs, own): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| row["route"] == "/rest/v1/chat_threads");
            assert_eq!(theirs.len(), 2, "{name}: rows of others");
            assert_eq!(sorted_rows(&own), wanted, "{name}: its own rows");
            next_request_completes(app, &name);
            app.fake.run_background().unwrap();
            assert_eq!(self::rows(&app.fake).len(), 1, "{name}: the row of the next");
        });
    }
}

#[test]
fn client_disconnect_loses_no_row_l_3() {
    client_that_leaves_changes_no_row(&app, kinds());
}

#[test]
fn client_disconnect_on_any_route_loses_no_row_l_3() {
    let warm = app();
    next_request_completes(&warm, "warm");
    warm.fake.run_background().unwrap();
    drop(rows(&warm.fake));
    client_that_leaves_changes_no_row(&|| TestApp { hub: Rc::clone(&warm.hub), fake: warm.fake.clone() }, generated());
}

/// The work of one request is cancelled, but the isolate continues: the next request writes the rows of others that it
/// held.
#[test]
fn cancelled_work_loses_no_row_of_other_requests_l_3() {
    for ending in [Ending::Dropped, Ending::Forgotten] {
        for (kind, make) in kinds() {
            at_every_await(&app, &make, |app, request, polls, status| {
                let name = format!("{kind}, {ending:?} after {polls} polls");
                let promised = rows(&app.fake);
                // The row of a change is written in its own transaction, that of a recorded read or an export by the
                // call that records it.
                if status.is_some() && ["staff read", "refused query"].contains(&kind.as_str()) {
                    assert!(promised.len() > of_others(&promised), "{name}: answered before its row was safe");
                }
                request.end(ending);
                next_request_completes(app, &name);
                app.fake.advance_time(25_000);
                others(app, 1);
                app.fake.run_background().unwrap();
                let all: Vec<Value> = promised.into_iter().chain(rows(&app.fake)).collect();
                assert_eq!(of_others(&all), 3, "{name}: rows of others");
            });
        }
    }
}

/// Two requests of a new isolate wait for the keys, and the one that fetches them is cancelled at any point.
#[test]
fn cancelled_key_fetch_does_not_block_other_requests_i_2() {
    for ending in [None, Some(Ending::Dropped), Some(Ending::Forgotten)] {
        for polls in 1..60 {
            let app = app();
            let began = app.fake.now_ms();
            let (first, second) = (app.fake.another_request(), app.fake.another_request());
            let mut leaving = Some(boxed(&app.hub, first.clone(), arrival("alice", ("GET", READ), &[], None)));
            let mut staying = boxed(&app.hub, second, arrival("carol", ("GET", READ), &[], None));
            let mut turn = 0;
            let response = app.fake.run(poll_fn(|context| {
                turn += 1;
                if turn > polls {
                    if let (Some(_), Some(ending)) = (leaving.take(), ending) {
                        first.end(ending);
                    }
                } else if let Some(future) = &mut leaving
                    && future.as_mut().poll(context).is_ready()
                {
                    leaving = None;
                }
                staying.as_mut().poll(context)
            }));
            let name = format!("{ending:?} after {polls} polls");
            assert_eq!(response.unwrap(), 200, "{name}");
            assert!(app.fake.now_ms() - began <= 3_100, "{name}: waited {} ms", app.fake.now_ms() - began);
        }
    }
}

fn boxed(hub: &Rc<AppState>, platform: FakeRuntime, arrival: IncomingRequest) -> Pin<Box<dyn Future<Output = u16>>> {
    let hub = Rc::clone(hub);
    Box::pin(async move { handle_request(&hub, &platform, arrival).await.status })
}

/// `wait_until` has 30 seconds after its client has disconnected: a request whose row is written at its end reaches
/// that in time, also if every upstream responds at the last moment, and the queue and the first write of the row fail.
#[test]
fn request_completes_within_the_runtime_limit_l_3() {
    const QUEUE_MS: u64 = 2_000;
    let unrecorded = ["customer's read", "refused query", "no token", "page", "webhook", "plain http"];
    for (kind, make) in kinds().into_iter().filter(|(kind, _)| unrecorded.contains(&kind.as_str())) {
        for broken in [false, true] {
            let clock: Rc<RefCell<Option<FakeRuntime>>> = Rc::default();
            let writings = Cell::new(0);
            let app = TestApp::with_upstream({
                let clock = Rc::clone(&clock);
                move |request| {
                    if let Some(fake) = clock.borrow().as_ref() {
                        fake.advance_time(u64::from(request.timeout_ms) - 1);
                    }
                    let is_row = request.url.ends_with("/rpc/record_requests");
                    writings.set(writings.get() + u32::from(is_row));
                    match request.url.ends_with("/rpc/take_clerk_event") {
                        true => upstream_response(200, "\"taken\""),
                        false if broken || (is_row && writings.get() == 1) => upstream_response(500, "{}"),
                        false => default_upstream(request),
                    }
                }
            });
            clock.replace(Some(app.fake.clone()));
            app.fake.fail_queue();
            let began = app.fake.now_ms();
            app.fake.run(handle_request(&app.hub, &app.fake, make())).unwrap();
            app.fake.run_background().unwrap();
            let took = app.fake.now_ms() - began + QUEUE_MS;
            assert!(took < 30_000, "{kind}: {took} ms");
        }
    }
}
