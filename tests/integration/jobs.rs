//! The scheduled jobs: the nightly ones step by step (A-3, L-2), and the alerts for an operator.

use crate::harness::{TestApp, default_upstream, upstream_response};
use hub::{
    entry::{jobs::JOBS, scheduled::run},
    runtime::{FetchError, LogLevel, UpstreamRequest},
};
use serde_json::{Value, json};
use std::{cell::Cell, rc::Rc};

fn cron(name: &str) -> &'static str {
    JOBS.iter().find(|job| job.name == name).unwrap().cron
}

/// Runs a job; returns its requests, without their tokens, and its outcome.
fn ran(app: &TestApp, name: &str) -> (Vec<UpstreamRequest>, Value) {
    drop((app.fake.sent(), app.fake.log_lines()));
    app.fake.run(run(&app.hub, &app.fake, cron(name))).unwrap();
    let lines = app.fake.log_lines();
    let line = lines.iter().map(|(_, line)| serde_json::from_str::<Value>(line).unwrap());
    let outcome = line.filter(|line| line["event"] == "job" && line["job"] == name).map(|line| line["outcome"].clone());
    (app.fake.sent(), outcome.collect::<Vec<_>>().pop().unwrap())
}

#[test]
fn integrity_checks_run_stepwise_to_completion_a_3() {
    let steps = Rc::new(Cell::new(0));
    let counted = Rc::clone(&steps);
    let app = TestApp::with_upstream(move |request| {
        if !request.url.ends_with("/rpc/run_checks") {
            return default_upstream(request);
        }
        counted.set(counted.get() + 1);
        let step = json!({ "done": counted.get() == 7, "busy": counted.get() == 3, "checks": [] });
        upstream_response(200, &step.to_string())
    });
    let (sent, outcome) = ran(&app, "integrity-checks");
    assert_eq!((steps.get(), outcome), (7, json!("done")));
    // Cloudflare cancels a request after 100 seconds.
    assert!(sent.iter().all(|request| request.timeout_ms < 90_000));
    let body: Value = serde_json::from_slice(sent[0].body.as_ref().unwrap()).unwrap();
    assert_eq!(body, json!({ "unless_within": 720 }));
}

/// After a step that fails, or steps without end, the next run of the cron continues with the remaining work.
#[test]
fn unfinished_integrity_checks_continue_in_the_next_run_a_3() {
    let app = TestApp::with_upstream(|_| upstream_response(200, r#"{"done":false,"checks":[]}"#));
    let (sent, outcome) = ran(&app, "integrity-checks");
    assert_eq!((sent.len(), outcome), (100, json!("UpstreamTimeout")));
    let slow = TestApp::with_upstream(|_| Err(FetchError::Timeout));
    let (sent, outcome) = ran(&slow, "integrity-checks");
    assert_eq!((sent.len(), outcome), (1, json!("UpstreamTimeout")));
    for odd in ["", "[]", "{}", "<html>"] {
        let app = TestApp::with_upstream(move |_| upstream_response(200, odd));
        assert_ne!(ran(&app, "integrity-checks").1, json!("done"), "{odd}");
    }
}

/// Returns the task of a step's request.
fn task(request: &UpstreamRequest) -> String {
    let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
    body["task"].as_str().unwrap().to_owned()
}

#[test]
fn maintenance_runs_each_task_to_completion_l_2() {
    let steps = Rc::new(Cell::new(0));
    let counted = Rc::clone(&steps);
    let app = TestApp::with_upstream(move |request| {
        if task(request) == "partitions" {
            return upstream_response(200, r#"{"done":true,"partitions_made":1}"#);
        }
        counted.set(counted.get() + 1);
        upstream_response(200, &json!({ "done": counted.get() % 4 == 0, "busy": counted.get() == 2 }).to_string())
    });
    let (sent, outcome) = ran(&app, "maintenance");
    let tasks: Vec<String> = sent.iter().map(task).collect();
    let wanted = [vec!["partitions"], vec!["deletions"; 4], vec!["retention"; 4]].concat();
    assert_eq!((tasks, outcome), (wanted.into_iter().map(str::to_owned).collect(), json!("done")));
    assert!(sent.iter().all(|request| request.url.ends_with("/rpc/keep_house") && request.timeout_ms < 90_000));
}

/// Whichever task fails, the others run; the log contains the code of the database, and nothing of its message.
#[test]
fn maintenance_continues_after_a_failed_task_l_2() {
    for broken in ["partitions", "deletions", "retention"] {
        let app = TestApp::with_upstream(move |request| {
            if task(request) == broken {
                return upstream_response(500, r#"{"code":"57014","message":"canceling statement of user_secret"}"#);
            }
            upstream_response(200, r#"{"done":true}"#)
        });
        drop((app.fake.sent(), app.fake.log_lines()));
        app.fake.run(run(&app.hub, &app.fake, cron("maintenance"))).unwrap();
        let sent: Vec<String> = app.fake.sent().iter().map(task).collect();
        assert_eq!(sent, ["partitions", "deletions", "retention"], "{broken}");
        let lines = app.fake.log_lines();
        let logged = |text: &str| lines.iter().filter(|(_, line)| line.contains(text)).count();
        assert_eq!(
            (logged(r#""code":"57014""#), logged("user_secret"), logged("UpstreamInvalidResponse")),
            (1, 0, 1),
            "{lines:?}"
        );
    }
    for odd in ["<html>", r#"{"code":"no code at all"}"#, r#"{"code":7}"#, ""] {
        let app = TestApp::with_upstream(move |_| upstream_response(500, odd));
        let (sent, outcome) = ran(&app, "maintenance");
        assert_eq!(sent.len(), 3, "{odd}");
        assert_ne!(outcome, json!("done"), "{odd}");
    }
}

const HOOK: &str = "https://hooks.example/services/secret?token=secret";

fn alerting(database: Result<&'static str, FetchError>, hook: u16) -> TestApp {
    TestApp::with(&[("ALERT_WEBHOOK_URL", HOOK)], move |request| match request.url.as_str() {
        HOOK => upstream_response(hook, "ok"),
        url if url.ends_with("/rpc/find_alerts") => upstream_response(200, database?),
        _ => default_upstream(request),
    })
}

fn posted(sent: &[UpstreamRequest]) -> Option<Value> {
    let request = sent.iter().find(|request| request.url == HOOK)?;
    // The request contains no token or key of the Hub.
    assert!(request.headers.iter().all(|(name, _)| ["content-type", "user-agent"].contains(name)));
    serde_json::from_slice(request.body.as_ref()?).ok()
}

#[test]
fn alerts_are_sent_only_for_a_condition() {
    let (sent, outcome) = ran(&alerting(Ok("[]"), 200), "alerts");
    assert_eq!((sent.len(), posted(&sent), outcome), (1, None, json!("done")));
}

#[test]
fn alerts_are_logged_and_posted_once_each() {
    let app = alerting(Ok(r#"[{"alert":"server_errors","text":"21 requests failed in 15 minutes"}]"#), 204);
    app.fake.dead_letters(Some(3));
    app.fake.run(run(&app.hub, &app.fake, cron("alerts"))).unwrap();
    let lines = app.fake.log_lines();
    let logged = lines.iter().filter(|(level, line)| *level == LogLevel::Error && line.contains(r#""event":"alert""#));
    // Findings of the database do not wait for the queue.
    assert_eq!(logged.count(), 2, "{lines:?}");
    assert!(!lines.iter().any(|(_, line)| line.contains("secret")), "{lines:?}");
    let body = posted(&app.fake.sent()).unwrap();
    let names: Vec<&Value> = body["alerts"].as_array().unwrap().iter().map(|alert| &alert["alert"]).collect();
    assert_eq!(names, [&json!("server_errors"), &json!("dead_letters")]);
    assert_eq!((&body["environment"], &body["source"]), (&json!("preview"), &json!(crate::harness::ORIGIN)));
    assert!(body["text"].as_str().unwrap().contains("21 requests failed in 15 minutes; 3 messages"), "{body}");
}

/// A database that does not respond is reported to an operator first.
#[test]
fn unavailable_database_raises_an_alert() {
    for database in [Err(FetchError::Unreachable), Err(FetchError::Timeout), Ok("<html>"), Ok("{}")] {
        let app = alerting(database, 200);
        let (sent, outcome) = ran(&app, "alerts");
        assert_eq!(posted(&sent).unwrap()["alerts"][0]["alert"], "database");
        assert_ne!(outcome, json!("done"));
    }
}

/// The alert is logged whatever the outcome of the webhook, and so is a failed delivery.
#[test]
fn rejected_alert_delivery_is_an_error() {
    for status in [302, 404, 500] {
        let app = alerting(Ok(r#"[{"alert":"rejected_requests","text":"1 request rows are rejected"}]"#), status);
        assert_eq!(ran(&app, "alerts").1, json!("UpstreamUnreachable"), "{status}");
    }
    let silent = TestApp::with_upstream(|request| match request.url.as_str() {
        url if url.ends_with("/rpc/find_alerts") => upstream_response(200, r#"[{"alert":"x","text":"y"}]"#),
        _ => default_upstream(request),
    });
    silent.fake.dead_letters(None);
    assert_eq!(ran(&silent, "alerts").1, json!("done"), "without a webhook, the log is all");
}

#[test]
fn every_request_is_counted_by_its_code() {
    let app = TestApp::new();
    drop(app.get("-", "GET", "/rest/v1/leads"));
    drop(app.get("alice", "GET", "/rest/v1/contact_tickets?select=id"));
    drop(app.get("-", "GET", "/nothing/with/a/name"));
    let counted: Vec<_> = app.fake.metrics();
    let rows: Vec<(&str, u16, &str)> =
        counted.iter().map(|(code, status, route)| (code.as_str(), *status, route.as_str())).collect();
    let wanted =
        [("HUB101", 401, "/rest/v1/leads"), ("ok", 200, "/rest/v1/contact_tickets"), ("HUB006", 404, "unrouted")];
    assert_eq!(rows, wanted);
}
