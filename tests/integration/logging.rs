//! The log lines of every route, job and queue, with all kinds of upstream failures.

use crate::harness::{ORIGIN, PERSONAS, TestApp, arrival, default_upstream, upstream_response};
use hub::{
    entry::{
        jobs::JOBS,
        queue_consumer::{consume, postpone},
        queues::QUEUES,
        routes::ROUTES,
        scheduled::run,
    },
    handlers::request_log_consumer::QueueMessage,
    runtime::{FetchError, UpstreamRequest, UpstreamResponse},
};
use serde_json::Value;
use std::collections::BTreeSet;

type Upstream = fn(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError>;

/// Returns what an upstream other than the key set responds with in each case.
const UPSTREAMS: [Upstream; 5] = [
    default_upstream,
    |request| if request.url.contains("jwks") { default_upstream(request) } else { Err(FetchError::Unreachable) },
    |request| if request.url.contains("jwks") { default_upstream(request) } else { upstream_response(500, "{}") },
    |request| {
        if request.url.contains("clerk.com/v1/") { upstream_response(500, "{}") } else { default_upstream(request) }
    },
    |_| Err(FetchError::Unreachable),
];

fn lines(app: &TestApp) -> Vec<Value> {
    app.fake.log_lines().iter().map(|(_, line)| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn log_lines_of_a_request_carry_its_id() {
    let mut events = BTreeSet::new();
    for upstream in UPSTREAMS {
        let app = TestApp::with_upstream(upstream);
        for (route, persona) in ROUTES.iter().flat_map(|route| PERSONAS.map(|persona| (route, persona))) {
            let path = route.path.replace("{table}", "contact_tickets").replace("{function}", "my_activity");
            for scheme in ["https", "http"] {
                for method in ["GET", "POST", "PATCH", "OPTIONS", "TRACE"] {
                    let body = (method != "GET").then_some("{}");
                    let mut request = arrival(persona, (method, &path), &[], body);
                    request.url = request.url.replacen("https", scheme, 1);
                    assert!(request.url.ends_with(&format!("{}{path}", &ORIGIN[5..])));
                    let response = app.handle(request);
                    let id = response.header("x-request-id").unwrap();
                    assert!(!response.lines.is_empty());
                    for line in &response.lines {
                        assert_eq!(line["request_id"], id, "{method} {path} {persona}: {line}");
                        events.insert(line["event"].as_str().unwrap().to_owned());
                    }
                }
            }
        }
    }
    for event in ["database.request_rejected", "insecure_transport.token_revoked", "jwks", "request"] {
        assert!(events.contains(event), "{event} is not in {events:?}");
    }
}

#[test]
fn log_lines_of_jobs_and_messages_carry_one_id_per_event() {
    let mut compared = 0;
    for upstream in UPSTREAMS {
        let app = TestApp::with_upstream(upstream);
        let mut same_id = || {
            let lines = lines(&app);
            let ids: BTreeSet<_> = lines.iter().map(|line| line["request_id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(ids.len(), 1, "{lines:?}");
            compared += lines.len();
        };
        for job in JOBS {
            app.fake.run(run(&app.hub, &app.fake, job.cron)).unwrap();
            same_id();
        }
        let messages = [QueueMessage { text: "[{}]".to_owned(), age_s: 1, attempt: 1 }];
        for queue in QUEUES.iter().map(|queue| queue.name).chain(["unknown"]) {
            app.fake.run(consume(&app.hub, &app.fake, queue, &messages)).unwrap();
            same_id();
            assert_eq!(postpone(&app.fake, queue, &messages, 60).len(), 1);
            same_id();
        }
    }
    assert!(compared > 20, "{compared}");
}
