//! The request bodies that an isolate holds: limited, and released for every outcome of the request.

use crate::harness::{TOKENS, TestApp, WEBHOOK_SECRET, arrival, default_upstream, upstream_response};
use hub::services::request_context::RequestContext;
use hub::{
    entry::{handle_request::handle_request, incoming_request::IncomingRequest},
    logic::{error::Error, http::response::ResponseBody},
    runtime::{
        RuntimePort as _,
        fake::{Ending, FakeRuntime},
    },
    services::request_bodies::{self, Incoming, Sender},
};
use serde_json::Value;
use std::{
    cell::{Cell, RefCell},
    future::{Future, pending},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

const ONE: &str = "/rest/v1/contact_tickets?id=eq.00000000-0000-4000-8000-000000000000";
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Size of the parts in which the fake runtime reads a body.
const PART: usize = 64 * KIB;

/// Returns a body of about this many KiB: rows, or one row.
fn rows(kib: usize) -> String {
    let row = format!(r#"{{"subject":"{}"}}"#, "x".repeat(10 * KIB - 14));
    format!("[{}]", vec![row; kib / 10].join(","))
}

fn row(kib: usize) -> String {
    format!(r#"{{"subject":"{}"}}"#, "x".repeat(kib * KIB))
}

fn insert(body: &str) -> IncomingRequest {
    arrival("alice", ("POST", "/rest/v1/contact_tickets"), &[], Some(body))
}

fn held(app: &TestApp) -> usize {
    app.hub.body_budget.bytes(app.fake.now_ms())
}

#[test]
fn only_row_bodies_may_exceed_128_kib() {
    for (persona, method, path, body, status) in [
        ("alice", "POST", "/rest/v1/contact_tickets", rows(1000), 201),
        ("alice", "POST", "/rest/v1/contact_tickets", rows(1030), 413),
        ("alice", "POST", "/rest/v1/contact_tickets", row(120), 201),
        ("alice", "POST", "/rest/v1/contact_tickets", row(128), 413),
        ("alice", "POST", "/rest/v1/contact_tickets", format!("  {}", row(128)), 413),
        ("alice", "PATCH", ONE, row(128), 413),
        ("support", "POST", "/rest/v1/rpc/search_tickets", format!(r#"{{"words":"{}"}}"#, "x".repeat(128 * KIB)), 413),
    ] {
        let app = TestApp::new();
        let response = app.send(persona, method, path, &[("x-hub-purpose", "support")], Some(&body));
        assert_eq!(response.status, status, "{persona} {method} {path} {} bytes: {}", body.len(), response.text);
        assert_eq!((response.code == "HUB005", response.upstream.is_empty()), (status == 413, status == 413));
        assert_eq!(held(&app), 0);
    }
}

/// Concurrent bodies of one user: those that exceed the limit are rejected with 503, and the others are not affected.
#[test]
fn concurrent_bodies_per_user_are_bounded() {
    let most = Rc::new(Cell::new(0));
    let hub: Rc<RefCell<Option<TestApp>>> = Rc::default();
    let app = TestApp::with_upstream({
        let (most, hub) = (Rc::clone(&most), Rc::clone(&hub));
        move |request| {
            if let Some(app) = hub.borrow().as_ref() {
                most.set(held(app).max(most.get()));
            }
            default_upstream(request)
        }
    });
    app.get("alice", "GET", "/rest/v1/contact_tickets");
    hub.replace(Some(TestApp { hub: Rc::clone(&app.hub), fake: app.fake.clone() }));
    let body = rows(1000);
    let outcomes = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..60 {
        let (hub, fake, outcomes, arrival) =
            (Rc::clone(&app.hub), app.fake.clone(), Rc::clone(&outcomes), insert(&body));
        app.fake.wait_until(async move {
            let response = handle_request(&hub, &fake, arrival).await;
            let retry = response.headers.iter().any(|(name, _)| *name == "retry-after");
            outcomes.borrow_mut().push((response.status, retry));
        });
    }
    app.fake.run_background().unwrap();
    let outcomes = outcomes.take();
    let made = outcomes.iter().filter(|outcome| **outcome == (201, false)).count();
    let refused = outcomes.iter().filter(|outcome| **outcome == (503, true)).count();
    assert_eq!(made + refused, 60, "{outcomes:?}");
    assert!(made >= 3 && refused >= 20, "{made} made, {refused} refused");
    assert!((2 * MIB..=4 * MIB).contains(&most.get()), "{} bytes at once", most.get());
    assert_eq!(held(&app), 0);
    assert_eq!(app.fake.run(handle_request(&app.hub, &app.fake, insert(&body))).unwrap().status, 201);
}

/// Begins requests whose bodies never end, concurrently; returns the statuses of the finished ones, in their order.
fn stalled(app: &TestApp, count: usize, arrival: impl Fn() -> IncomingRequest) -> Rc<RefCell<Vec<u16>>> {
    let statuses = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..count {
        let (hub, fake, statuses) = (Rc::clone(&app.hub), app.fake.stalled_request(), Rc::clone(&statuses));
        let arrival = arrival();
        app.fake.wait_until(async move {
            let response = handle_request(&hub, &fake, arrival).await;
            statuses.borrow_mut().push(response.status);
        });
    }
    app.fake.leave_after::<()>(100, pending());
    statuses
}

/// Adds work to the runtime, so that its clock does not advance until this is set to false.
fn at_work(app: &TestApp) -> Rc<Cell<bool>> {
    let working = Rc::new(Cell::new(true));
    let (fake, more) = (app.fake.clone(), Rc::clone(&working));
    app.fake.wait_until(async move {
        while more.get() {
            fake.cache_get("", 0).await;
        }
    });
    working
}

fn insert_of(persona: &str, body: &str) -> IncomingRequest {
    arrival(persona, ("POST", "/rest/v1/contact_tickets"), &[], Some(body))
}

fn webhook() -> IncomingRequest {
    let time = TOKENS["now"].to_string();
    let signature = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let headers = [("svix-id", "msg_1"), ("svix-timestamp", &*time), ("svix-signature", signature)];
    arrival("-", ("POST", "/webhooks/clerk"), &headers, Some(&"x".repeat(250 * KIB)))
}

/// Returns the status and the code of a request that is processed while others are pending.
fn sent(app: &TestApp, arrival: IncomingRequest) -> (u16, String) {
    let response = app.fake.run(handle_request(&app.hub, &app.fake, arrival)).unwrap();
    let retry = response.headers.iter().find(|(name, _)| *name == "retry-after").map(|(_, value)| value.to_string());
    assert_eq!(retry.as_deref(), (response.status == 503).then_some("2"));
    let code = match response.body {
        ResponseBody::Text(text) => {
            serde_json::from_str::<Value>(&text).unwrap()["code"].as_str().unwrap_or_default().to_owned()
        }
        ResponseBody::Empty | ResponseBody::Stream(_) => String::new(),
    };
    (response.status, code)
}

/// Forty slow bodies of one user, then of unauthenticated clients of the webhook: the requests of others are processed.
#[test]
fn slow_bodies_of_one_sender_do_not_block_others() {
    let app = TestApp::new();
    app.get("alice", "GET", "/rest/v1/contact_tickets");
    let working = at_work(&app);
    let of_alice = stalled(&app, 40, || insert(&rows(1000)));
    assert!((2 * MIB..=4 * MIB).contains(&held(&app)), "{} bytes", held(&app));
    let refused = of_alice.borrow().len();
    assert!(refused >= 36 && of_alice.borrow().iter().all(|status| *status == 503), "{of_alice:?}");
    let of_webhooks = stalled(&app, 40, webhook);
    assert!((4 * MIB..=12 * MIB).contains(&held(&app)), "{} bytes", held(&app));
    assert!(of_webhooks.borrow().len() >= 8, "{of_webhooks:?}");
    for persona in ["carol", "dave", "bob"] {
        for body in [row(1), row(120), rows(1000)] {
            assert_eq!(sent(&app, insert_of(persona, &body)), (201, String::new()), "{persona} {} bytes", body.len());
        }
    }
    // Requests of the same user without a body are processed as well; one more body must wait.
    assert_eq!(sent(&app, arrival("alice", ("GET", "/rest/v1/contact_tickets"), &[], None)).0, 200);
    assert_eq!(sent(&app, insert(&rows(1000))), (503, "HUB011".to_owned()));
    assert!(held(&app) > 4 * MIB, "the slow ones have gone on holding theirs");
    working.set(false);
    app.fake.run_background().unwrap();
    assert_eq!((of_alice.borrow().len(), of_webhooks.borrow().len()), (40, 40));
    assert!(of_alice.borrow().iter().skip(refused).all(|status| *status == 400), "{of_alice:?}");
    assert_eq!(held(&app), 0);
    assert_eq!(sent(&app, insert(&rows(1000))), (201, String::new()));
}

/// Returns a message of Clerk's, of about this many KiB.
fn signed_webhook(kib: usize) -> IncomingRequest {
    let time = TOKENS["now"].to_string();
    let body = format!(r#"{{"type":"email.created","data":{{"x":"{}"}}}}"#, "x".repeat(kib * KIB));
    let signature = crate::webhooks::signed(WEBHOOK_SECRET, "msg_2", &time, &body);
    let headers = [("svix-id", "msg_2"), ("svix-timestamp", &*time), ("svix-signature", &*signature)];
    arrival("-", ("POST", "/webhooks/clerk"), &headers, Some(&body))
}

/// A client that knows the format of the headers can send new bodies that never end: Clerk's messages are accepted
/// nevertheless, and evicted bodies are not held for long.
#[test]
fn slow_unauthenticated_bodies_do_not_block_clerk_webhooks_i_2() {
    let app = TestApp::with_upstream(|request| {
        if request.url.ends_with("/rpc/take_clerk_event") {
            upstream_response(200, "\"taken\"")
        } else {
            default_upstream(request)
        }
    });
    let working = at_work(&app);
    for round in 0..20 {
        stalled(&app, 30, webhook);
        app.fake.advance_time(150);
        app.fake.leave_after::<()>(100, pending());
        assert!(held(&app) <= 4 * MIB, "{} bytes in round {round}", held(&app));
        for kib in [1, 250] {
            assert_eq!(sent(&app, signed_webhook(kib)), (200, String::new()), "{kib} KiB in round {round}");
        }
    }
    working.set(false);
    app.fake.run_background().unwrap();
    assert_eq!(held(&app), 0);
}

/// Requests whose clients have left in the middle of a body, and that the runtime never polls again, block Clerk's
/// messages for less than a minute, also in an isolate that receives no other body.
#[test]
fn bodies_of_ended_requests_block_clerk_webhooks_briefly_i_2() {
    let app = TestApp::with_upstream(|request| {
        if request.url.ends_with("/rpc/take_clerk_event") {
            upstream_response(200, "\"taken\"")
        } else {
            default_upstream(request)
        }
    });
    for _ in 0..60 {
        let request = app.fake.stalled_request();
        app.fake.leave_after(40, handle_request(&app.hub, &request, webhook()));
        request.end(Ending::Forgotten);
    }
    app.fake.advance_time(41_000);
    assert_eq!(sent(&app, signed_webhook(250)), (200, String::new()));
    assert_eq!(held(&app), 0);
}

/// A form that never ends is counted and aborted, like other bodies.
#[test]
fn endless_form_is_aborted() {
    let app = TestApp::new();
    let working = at_work(&app);
    let form = "x".repeat(8 * KIB);
    let statuses =
        stalled(&app, 1, || arrival("-", ("POST", "/sign-out"), &[("sec-fetch-site", "same-origin")], Some(&form)));
    assert_eq!((held(&app), statuses.borrow().len()), (8 * KIB, 0));
    working.set(false);
    app.fake.run_background().unwrap();
    assert_eq!((held(&app), statuses.take()), (0, vec![400]));
}

/// Slow bodies of many users leave room for small ones of others, and for Clerk's messages.
#[test]
fn slow_bodies_of_many_senders_do_not_block_small_bodies() {
    let app = TestApp::new();
    app.get("alice", "GET", "/rest/v1/contact_tickets");
    let working = at_work(&app);
    for persona in ["alice", "bob", "carol", "dave"] {
        stalled(&app, 10, || insert_of(persona, &rows(1000)));
    }
    // The tokens of the tests are not of enough users to fill the limit.
    let mut others = Vec::new();
    for number in 0..120 {
        let length = if number < 60 { MIB } else { 200 * KIB };
        let mut reading = reading(&app, Sender::User(format!("user_{}", number % 3)), length);
        // Reads all but the last parts, if there is room.
        if (0..length / PART).all(|_| step(&mut reading).is_none()) {
            others.push(reading);
        }
    }
    assert!((23 * MIB..=25 * MIB).contains(&held(&app)), "{} bytes", held(&app));
    assert_eq!(sent(&app, insert_of("erin", &row(120))), (201, String::new()));
    assert_eq!(sent(&app, insert_of("erin", &rows(1000))), (503, "HUB011".to_owned()));
    drop(others);
    assert_eq!(sent(&app, insert_of("erin", &rows(1000))), (201, String::new()));
    // Read completely, then rejected for its signature.
    assert_eq!(sent(&app, webhook()), (400, "HUB105".to_owned()));
    working.set(false);
    app.fake.run_background().unwrap();
    assert_eq!(held(&app), 0);
}

/// Bodies of random lengths by random senders, which continue, stall, end or are dropped in any order: the isolate
/// holds at most 32 MiB, a sender at most 4 MiB, and a sender that holds nothing has a small body read, however much
/// twelve others send.
#[test]
fn random_body_sequences_respect_memory_shares() {
    let mut largest = 0;
    for seed in 1..40_u64 {
        let app = TestApp::new();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut chance = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap() % below
        };
        let senders = 2 + chance(11);
        let user = |number: usize| Sender::User(format!("user_{number}"));
        let mut open: Vec<Reading> = Vec::new();
        let mut fullest = 0;
        for _ in 0..400 {
            match chance(8) {
                0..=3 => {
                    let length = if chance(3) == 0 { chance(128 * KIB) } else { chance(MIB) };
                    open.push(reading(&app, user(chance(senders)), length));
                }
                4 if !open.is_empty() => drop(open.swap_remove(chance(open.len()))),
                _ => {
                    for _ in 0..chance(60) {
                        if open.is_empty() {
                            break;
                        }
                        let place = chance(open.len());
                        if step(&mut open[place]).is_some() {
                            drop(open.swap_remove(place));
                        }
                    }
                }
            }
            fullest = fullest.max(held(&app));
            assert!(held(&app) <= 32 * MIB, "seed {seed}");
            for number in 0..senders {
                assert!(app.hub.body_budget.bytes_of(&user(number)) <= 4 * MIB, "seed {seed}");
            }
            let mut newcomer = reading(&app, user(senders), 128 * KIB);
            let read = (0..10).find_map(|_| step(&mut newcomer));
            assert_eq!(read, Some(true), "seed {seed}: {} bytes of {senders} senders", held(&app));
        }
        largest = largest.max(fullest);
        drop(open);
        assert_eq!(held(&app), 0, "seed {seed}");
    }
    assert!(largest > 24 * MIB, "{largest} bytes: the reserve was never used");
}

/// A body that is being read: true once it was read completely.
type Reading = Pin<Box<dyn Future<Output = bool>>>;

fn reading(app: &TestApp, sender: Sender, length: usize) -> Reading {
    let (hub, fake) = (Rc::clone(&app.hub), app.fake.clone());
    Box::pin(async move {
        let incoming = Incoming { sender, body: Some(vec![0; length].into()), limit: MIB };
        match request_bodies::read(&hub.body_budget, &RequestContext::for_event(&fake), incoming).await {
            // A completely read body counts until it is forwarded.
            Ok(body) => {
                for _ in 0..length % 1024 {
                    fake.cache_get("", 0).await;
                }
                body.len() == length
            }
            Err(fault) => {
                assert_eq!(fault, Error::Busy);
                false
            }
        }
    })
}

fn step(reading: &mut Reading) -> Option<bool> {
    match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(whole) => Some(whole),
        Poll::Pending => None,
    }
}

/// An erasure may take longer than any other request, and its body counts until it is over.
#[test]
fn body_is_counted_until_the_slowest_request_ends() {
    let (clock, counted): (Rc<RefCell<Option<TestApp>>>, _) = (Rc::default(), Rc::new(Cell::new(None)));
    let app = TestApp::with_upstream({
        let (clock, counted) = (Rc::clone(&clock), Rc::clone(&counted));
        move |request| {
            if let (true, Some(app)) = (request.url.ends_with("/rpc/erase_user"), clock.borrow().as_ref()) {
                app.fake.advance_time(u64::from(request.timeout_ms) - 1);
                counted.set(Some(held(app)));
            }
            default_upstream(request)
        }
    });
    clock.replace(Some(TestApp { hub: Rc::clone(&app.hub), fake: app.fake.clone() }));
    let body = r#"{"user_id":"user_2hubalice0000000000000001","identifiers":["a@b.example"],"reason":"x"}"#;
    app.send("admin", "POST", "/rest/v1/rpc/erase_user", &[("x-hub-purpose", "legal")], Some(body));
    assert_eq!(counted.get(), Some(body.len()));
}

/// A request ends at any point, in each way in which it can end: its bytes no longer count.
#[test]
fn bytes_are_released_however_the_request_ends() {
    let warm = TestApp::new();
    warm.get("alice", "GET", "/rest/v1/contact_tickets");
    let body = rows(200);
    for ending in [None, Some(Ending::Dropped), Some(Ending::Forgotten)] {
        for polls in 1..100 {
            let app = TestApp { hub: Rc::clone(&warm.hub), fake: warm.fake.clone() };
            let request: FakeRuntime = app.fake.another_request();
            let ended = app.fake.leave_after(polls, handle_request(&app.hub, &request, insert(&body))).is_some();
            match ending {
                Some(ending) => request.end(ending),
                None => {
                    app.fake.run_background().unwrap();
                }
            }
            if ending == Some(Ending::Forgotten) {
                assert!(held(&app) <= body.len());
                // A request that is never dropped stops counting at the maximum age of a request.
                assert_eq!(app.hub.body_budget.bytes(app.fake.now_ms() + 120_000), 0);
            } else {
                assert_eq!(held(&app), 0, "{ending:?} after {polls} polls");
            }
            if ended {
                break;
            }
        }
    }
}
