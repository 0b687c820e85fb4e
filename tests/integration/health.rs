//! `/healthz` with failing upstreams: the route is public, and its clients cannot cause more requests to them.

use crate::harness::{REST, TestApp, arrival, default_upstream, upstream_response};
use hub::{
    entry::handle_request::handle_request,
    runtime::{
        FetchError, RuntimePort as _, UpstreamRequest,
        fake::{Ending, FakeRuntime},
    },
};
use std::{cell::RefCell, rc::Rc};

fn slow(request: &UpstreamRequest) -> bool {
    request.url.starts_with(REST) && !request.url.ends_with("/rpc/record_requests")
}

/// Returns an app whose database does not respond in time.
fn app() -> TestApp {
    TestApp::with_upstream(|request| if slow(request) { Err(FetchError::Timeout) } else { default_upstream(request) })
}

/// Makes this many calls at once; returns their statuses, and the numbers of requests to the database and to the
/// issuer.
fn at_once(app: &TestApp, count: usize) -> (Vec<u16>, usize, usize) {
    drop(app.fake.sent());
    let statuses = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..count {
        let (hub, fake, statuses) = (Rc::clone(&app.hub), app.fake.clone(), Rc::clone(&statuses));
        app.fake.wait_until(async move {
            let response = handle_request(&hub, &fake, arrival("-", ("GET", "/healthz"), &[], None)).await;
            statuses.borrow_mut().push(response.status);
        });
    }
    app.fake.run_background().unwrap();
    let sent = app.fake.sent();
    (statuses.take(), sent.iter().filter(|sent| slow(sent)).count(), sent.iter().filter(|sent| !slow(sent)).count())
}

#[test]
fn concurrent_health_checks_probe_once() {
    let app = app();
    let began = app.fake.now_ms();
    assert_eq!(at_once(&app, 56), (vec![503; 56], 1, 1));
    assert!(app.fake.now_ms() - began <= 4_500, "took {} ms", app.fake.now_ms() - began);
    assert_eq!(at_once(&app, 56), (vec![503; 56], 0, 0), "the finding is as old as its end, not as its beginning");
    app.fake.advance_time(5_000);
    let began = app.fake.now_ms();
    assert_eq!(at_once(&app, 56), (vec![503; 56], 1, 1));
    assert!(app.fake.now_ms() - began <= 4_500);
}

/// While one request probes, the others receive the last status.
#[test]
fn last_status_is_returned_during_a_probe() {
    let app = TestApp::with_upstream({
        let calls = RefCell::new(0);
        move |request| {
            if !slow(request) {
                return default_upstream(request);
            }
            *calls.borrow_mut() += 1;
            if *calls.borrow() == 1 { upstream_response(200, "[]") } else { Err(FetchError::Timeout) }
        }
    });
    assert_eq!(at_once(&app, 1).0, [200]);
    app.fake.advance_time(5_000);
    let (mut statuses, fetches, _) = at_once(&app, 10);
    statuses.sort_unstable();
    assert_eq!((statuses, fetches), ([[200; 9].as_slice(), &[503]].concat(), 1));
}

/// The probing request is cancelled at any point: the next ones probe again, after the limit at the latest.
#[test]
fn cancelled_probe_does_not_block_later_probes() {
    for ending in [Ending::Dropped, Ending::Forgotten] {
        for polls in 1..12 {
            let app = TestApp::new();
            let request: FakeRuntime = app.fake.another_request();
            let ended = app
                .fake
                .leave_after(polls, handle_request(&app.hub, &request, arrival("-", ("GET", "/healthz"), &[], None)));
            request.end(ending);
            drop(ended);
            let began = app.fake.now_ms();
            drop(at_once(&app, 3));
            assert!(app.fake.now_ms() - began <= 5_000, "{ending:?} after {polls} polls");
            app.fake.advance_time(5_000);
            assert_eq!(at_once(&app, 3).0, [200; 3], "{ending:?} after {polls} polls");
        }
    }
}
