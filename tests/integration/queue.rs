//! L-3: the consumer of the queue's messages, also if the database rejects some rows, all rows or the whole batch.

use crate::harness::{TestApp, default_upstream, upstream_response};
use hub::domain::method::{Method, ReceivedMethod};
use hub::services::request_context::RequestContext;
use hub::{
    entry::{
        queue_consumer::{consume, postpone},
        queues::QUEUES,
    },
    handlers::request_log_consumer::{Disposition, QueueMessage},
    runtime::{FetchError, LogLevel, UpstreamRequest, UpstreamResponse},
    services::request_log::{Outcome, RequestRecord},
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

fn deliveries(texts: &[&str], age_s: u32) -> Vec<QueueMessage> {
    texts.iter().map(|text| QueueMessage { text: (*text).to_owned(), age_s, attempt: 1 }).collect()
}

/// Returns the dispositions, and the number of rows of each call to `record_requests`.
fn deliver(app: &TestApp, queue: &str, deliveries: &[QueueMessage]) -> (Vec<Disposition>, Vec<usize>) {
    drop((app.fake.sent(), app.fake.log_lines()));
    let dispositions = app.fake.run(consume(&app.hub, &app.fake, queue, deliveries)).unwrap();
    let rows = |sent: UpstreamRequest| {
        if sent.url.ends_with("/rpc/reject_requests") {
            return None;
        }
        assert!(sent.url.ends_with("/rpc/record_requests"));
        Some(serde_json::from_slice::<Value>(&sent.body.unwrap()).unwrap()["requests"].as_array().unwrap().len())
    };
    (dispositions, app.fake.sent().into_iter().filter_map(rows).collect())
}

const VALID: &str = r#"[{"request_id":"a"},{"request_id":"b"}]"#;
const REFUSED: &str = r#"[{"request_id":"refused"}]"#;
const AGAIN: Disposition = Disposition::Retry { after_s: 8 };

#[test]
fn batch_is_written_in_one_request_l_3() {
    let app = TestApp::new();
    let found = deliver(&app, "hub-request-log", &deliveries(&[VALID, VALID, VALID], 8));
    assert_eq!(found, (vec![Disposition::Ack; 3], vec![6]));
    assert_eq!(deliver(&app, "hub-request-log", &[]), (vec![], vec![]));
}

/// A database of request rows: it rejects those in `refused` by a constraint, stores each other row once, and fails
/// when `fails` returns true.
struct Rows {
    log: RefCell<BTreeMap<String, u32>>,
    rejected: RefCell<BTreeMap<String, (u32, String)>>,
    writes: Cell<u32>,
    refuses: fn(&str) -> Option<&'static str>,
    fails: fn(u32) -> bool,
}

impl Rows {
    fn new(refuses: fn(&str) -> Option<&'static str>, fails: fn(u32) -> bool) -> Rc<Self> {
        Rc::new(Self { log: RefCell::default(), rejected: RefCell::default(), writes: Cell::new(0), refuses, fails })
    }

    fn app(self: &Rc<Self>) -> TestApp {
        let rows = Rc::clone(self);
        TestApp::with_upstream(move |request| rows.respond(request).unwrap_or_else(|| default_upstream(request)))
    }

    /// All or nothing, as in one transaction.
    fn respond(&self, request: &UpstreamRequest) -> Option<Result<UpstreamResponse<Vec<u8>>, FetchError>> {
        let body: Value = serde_json::from_slice(request.body.as_ref()?).ok()?;
        let writes = self.writes.get() + 1;
        if request.url.ends_with("/rpc/record_requests") {
            self.writes.set(writes);
            if (self.fails)(writes) {
                return Some(upstream_response(503, r#"{"code":"PGRST001","message":"no connection"}"#));
            }
            let rows: Vec<String> = body["requests"].as_array()?.iter().map(name).collect();
            if let Some(code) = rows.iter().find_map(|row| (self.refuses)(row)) {
                let error = json!({ "code": code, "message": "refused", "details": null, "hint": null });
                return Some(upstream_response(if code == "42501" { 403 } else { 400 }, &error.to_string()));
            }
            let mut log = self.log.borrow_mut();
            for row in rows {
                *log.entry(row).or_default() += 1;
            }
        } else if request.url.ends_with("/rpc/reject_requests") {
            self.writes.set(writes);
            if (self.fails)(writes) {
                return Some(Err(FetchError::Unreachable));
            }
            let mut rejected = self.rejected.borrow_mut();
            for row in body["rows"].as_array()? {
                let of = |name: &str| row[name].as_str().unwrap().to_owned();
                let entry = rejected.entry(of("content")).or_insert_with(|| (0, of("code")));
                entry.0 += 1;
            }
        } else {
            return None;
        }
        Some(upstream_response(200, "1"))
    }
}

fn name(row: &Value) -> String {
    row["request_id"].as_str().unwrap_or("none").to_owned()
}

fn by_constraint(row: &str) -> Option<&'static str> {
    row.starts_with("refused").then_some("23514")
}

fn message(id: &str) -> String {
    format!(r#"[{{"request_id":"{id}"}}]"#)
}

/// 12 poisoned messages and 12 others, alternating, as they were starved in issue 10, point 7.
#[test]
fn rejected_messages_do_not_block_alternating_valid_ones_l_3() {
    let rows = Rows::new(by_constraint, |_| false);
    let app = rows.app();
    let texts: Vec<String> =
        (0..24).map(|place| message(&format!("{}{place}", if place % 2 == 0 { "refused" } else { "good" }))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (dispositions, writes) = deliver(&app, "hub-request-log", &deliveries(&texts, 8));
    assert_eq!(dispositions, vec![Disposition::Ack; 24]);
    assert_eq!((rows.log.borrow().len(), rows.rejected.borrow().len()), (12, 12));
    assert!(writes.len() <= 47, "{}", writes.len());
    let lines = app.fake.log_lines();
    let logged = lines.iter().filter(|(level, line)| {
        let line: Value = serde_json::from_str(line).unwrap();
        *level == LogLevel::Error
            && line["event"] == "request_log.row_rejected"
            && line["code"] == "23514"
            && name(&line["row"]).starts_with("refused")
            && line["stored"] == true
    });
    assert_eq!(logged.count(), 12, "{lines:?}");
}

/// One rejected row among a thousand needs a logarithmic number of requests.
#[test]
fn one_rejected_row_of_a_thousand_needs_logarithmic_requests_l_3() {
    for place in [0, 1, 499, 999] {
        let rows = Rows::new(by_constraint, |_| false);
        let ids: Vec<Value> = (0..1000)
            .map(|row| json!({ "request_id": format!("{}{row}", if row == place { "refused" } else { "good" }) }))
            .collect();
        let texts: Vec<String> = ids.chunks(20).map(|rows| Value::from(rows).to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (dispositions, writes) = deliver(&rows.app(), "hub-request-log", &deliveries(&texts, 8));
        assert_eq!(dispositions, vec![Disposition::Ack; 50]);
        assert_eq!((rows.log.borrow().len(), rows.rejected.borrow().len()), (999, 1));
        assert!(writes.len() <= 21, "{}", writes.len());
    }
}

/// A message that is not the Hub's is stored unchanged, and logged.
#[test]
fn foreign_message_is_stored_unchanged_l_3() {
    for odd in ["", "nonsense", "{}", "7", "[{\"request_id\":", "a\0b"] {
        let rows = Rows::new(by_constraint, |_| false);
        let found = deliver(&rows.app(), "hub-request-log", &deliveries(&[odd, VALID], 8));
        assert_eq!(found, (vec![Disposition::Ack; 2], vec![2]), "{odd}");
        let retained = odd.replace('\0', "\\u0000");
        assert_eq!(rows.rejected.borrow().get(&retained), Some(&(1, "no_rows".to_owned())), "{odd}");
    }
}

/// A rejected row that cannot be stored either is retried, and is logged completely.
#[test]
fn row_that_cannot_be_stored_is_retried_l_3() {
    let app = TestApp::with_upstream(|request| match request.url.rsplit('/').next() {
        Some("record_requests") if refuses(request) => upstream_response(400, r#"{"code":"23514"}"#),
        Some("reject_requests") => upstream_response(404, r#"{"code":"PGRST202"}"#),
        _ => default_upstream(request),
    });
    let (dispositions, _) = deliver(&app, "hub-request-log", &deliveries(&[VALID, REFUSED, "nonsense"], 8));
    assert_eq!(dispositions, [Disposition::Ack, AGAIN, AGAIN]);
    let lines = app.fake.log_lines();
    let whole =
        |wanted: Value| lines.iter().any(|(_, line)| serde_json::from_str::<Value>(line).unwrap()["row"] == wanted);
    assert!(whole(json!({ "request_id": "refused" })) && whole(json!("nonsense")), "{lines:?}");
}

fn refuses(request: &UpstreamRequest) -> bool {
    request.body.as_ref().is_some_and(|body| String::from_utf8_lossy(body).contains("refused"))
}

/// A missing privilege rejects every row: none of them is the cause, unless another one was written. A dead letter is
/// stored.
#[test]
fn missing_privilege_is_not_attributed_to_a_row_l_3() {
    let every = Rows::new(|_| Some("42501"), |_| false);
    assert_eq!(deliver(&every.app(), "hub-request-log", &deliveries(&[VALID, REFUSED], 8)).0, [AGAIN, AGAIN]);
    assert!(every.rejected.borrow().is_empty());
    assert_eq!(deliver(&every.app(), "hub-request-log-dlq", &deliveries(&[REFUSED], 8)).0, [Disposition::Ack]);
    assert_eq!(every.rejected.borrow().len(), 1);
    let one = Rows::new(|row| (row == "refused").then_some("42501"), |_| false);
    assert_eq!(
        deliver(&one.app(), "hub-request-log", &deliveries(&[VALID, REFUSED], 8)).0,
        [Disposition::Ack, Disposition::Ack]
    );
    assert_eq!((one.log.borrow().len(), one.rejected.borrow().len()), (2, 1));
}

/// A database that always fails is not requested for each message of a batch.
#[test]
fn failing_database_receives_one_request_per_batch_l_3() {
    let app = TestApp::with_upstream(|_| upstream_response(500, "{}"));
    let (dispositions, writes) = deliver(&app, "hub-request-log", &deliveries(&[REFUSED; 100], 8));
    assert_eq!((dispositions, writes.len()), (vec![AGAIN; 100], 1));
}

/// A batch that is too slow as a whole is written by halves; one that remains slow ends after three requests.
#[test]
fn slow_batch_is_split_in_halves_l_3() {
    for (most, wanted, sizes) in [(50, Disposition::Ack, vec![100, 50, 50]), (0, AGAIN, vec![100, 50, 25])] {
        let app = TestApp::with_upstream(move |request| {
            let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
            if body["requests"].as_array().unwrap().len() <= most {
                return upstream_response(200, "1");
            }
            upstream_response(500, r#"{"code":"57014","message":"canceling statement due to statement timeout"}"#)
        });
        let (dispositions, writes) = deliver(&app, "hub-request-log", &deliveries(&[REFUSED; 100], 8));
        assert_eq!((dispositions, writes), (vec![wanted; 100], sizes));
    }
}

/// A message is discarded after its last delivery, so it is logged completely before.
#[test]
fn dead_letter_is_logged_completely_at_last_delivery_l_3() {
    let app = TestApp::with_upstream(|_| Err(FetchError::Unreachable));
    let last = QUEUES[1].max_retries + 1;
    for (attempt, text) in [(1, VALID), (last - 1, VALID), (last, VALID), (last, "nonsense"), (last + 1, VALID)] {
        drop(deliver(&app, "hub-request-log-dlq", &[QueueMessage { text: text.to_owned(), age_s: 8, attempt }]));
        let lines = app.fake.log_lines();
        let given_up = lines.iter().find(|(_, line)| line.contains("request_log.retries_exhausted"));
        assert_eq!(given_up.is_some(), attempt >= last, "{attempt}");
        if let Some((level, line)) = given_up {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["rows"], serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
            assert_eq!(*level, LogLevel::Error);
        }
    }
}

/// A Hub with invalid variables, or an unknown queue, loses no message either.
#[test]
fn misconfigured_hub_logs_undeliverable_messages_l_3() {
    let app = TestApp::new();
    for (queue, attempt, logged) in [
        ("hub-request-log", 31, false),
        ("hub-request-log-dlq", QUEUES[1].max_retries, false),
        ("hub-request-log-dlq", QUEUES[1].max_retries + 1, true),
        ("another", 1, true),
    ] {
        drop(app.fake.log_lines());
        let delivery = QueueMessage { text: VALID.to_owned(), age_s: 8, attempt };
        assert_eq!(postpone(&app.fake, queue, &[delivery], 600), [Disposition::Retry { after_s: 600 }]);
        let given_up = app.fake.log_lines().iter().any(|(_, line)| line.contains("\"request_id\":\"b\""));
        assert_eq!(given_up, logged, "{queue} {attempt}");
    }
}

/// Random mixtures of valid, rejected, unreadable and huge rows, in random batches, with random outages, until all are
/// accepted: each valid row is in the log once however often it was delivered, each other one is stored, and no message
/// is acknowledged before that.
#[test]
fn every_message_is_written_or_stored_l_3() {
    for seed in 0..60_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below).unwrap()
        };
        let fails: fn(u32) -> bool =
            [|_| false, |writes| writes % 3 == 0, |writes| writes % 7 < 2, |writes| writes < 9][next(4)];
        let rows = Rows::new(|row| if row.contains("blamed") { Some("42501") } else { by_constraint(row) }, fails);
        let app = rows.app();
        let mut waiting: Vec<String> = (0..=next(40))
            .map(|place| {
                let row = |place: String, kind: usize| match kind {
                    0 | 1 => json!({ "request_id": format!("refused {place}") }),
                    2 => json!({ "request_id": format!("good {place}"), "route": "x".repeat(40_000) }),
                    3 => json!({ "request_id": format!("blamed {place}") }),
                    _ => json!({ "request_id": format!("good {place}") }),
                };
                match next(8) {
                    0 => format!("unreadable {place}"),
                    _ => Value::from((0..=next(4)).map(|n| row(format!("{place} {n}"), next(9))).collect::<Vec<_>>())
                        .to_string(),
                }
            })
            .collect();
        // A row that is not clearly the cause is rejected only beside another one that was written.
        waiting.push(message("good last"));
        let all = waiting.clone();
        let mut deliveries_left = 400;
        while !waiting.is_empty() {
            deliveries_left -= 1;
            assert!(deliveries_left > 0, "seed {seed}: never done: {waiting:?}");
            let size = 1 + next(waiting.len() as u64);
            let mut batch: Vec<String> = waiting.drain(..size).collect();
            if next(3) == 0 && deliveries_left > 300 {
                // Delivered twice.
                batch.push(batch[0].clone());
            }
            let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
            let count = batch
                .iter()
                .map(|text| serde_json::from_str::<Vec<Value>>(text).map_or(0, |rows| rows.len()))
                .sum::<usize>();
            let queue = if deliveries_left < 200 { "hub-request-log-dlq" } else { "hub-request-log" };
            let before = rows.writes.get();
            let (dispositions, _) = deliver(&app, queue, &deliveries(&texts, 8));
            // Halving, one request for each megabyte, and storing; each twice where every third request fails.
            assert!(rows.writes.get() - before <= u32::try_from(3 * count + 12).unwrap(), "seed {seed}");
            for (text, disposition) in batch.iter().zip(&dispositions) {
                match (disposition, serde_json::from_str::<Vec<Value>>(text)) {
                    (Disposition::Retry { .. }, _) if waiting.contains(text) => {}
                    (Disposition::Retry { .. }, _) => waiting.push(text.clone()),
                    (Disposition::Ack, Err(_)) => assert!(rows.rejected.borrow().contains_key(text), "seed {seed}"),
                    (Disposition::Ack, Ok(parsed)) => {
                        for row in parsed {
                            let valid = name(&row).starts_with("good");
                            let stands = rows.log.borrow().contains_key(&name(&row));
                            let stored = rows.rejected.borrow().contains_key(&row.to_string());
                            assert_eq!((stands, stored), (valid, !valid), "seed {seed}: {}", name(&row));
                        }
                    }
                }
            }
        }
        let wanted: usize =
            all.iter().map(|text| serde_json::from_str::<Vec<Value>>(text).map_or(1, |rows| rows.len())).sum();
        assert_eq!(rows.log.borrow().len() + rows.rejected.borrow().len(), wanted, "seed {seed}");
    }
}

/// An unavailable database receives one request per batch, and every message is retried.
#[test]
fn retries_whole_batch_when_database_is_down_l_3() {
    for failure in [FetchError::Unreachable, FetchError::Timeout] {
        let app = TestApp::with_upstream(move |_| Err(failure));
        let found = deliver(&app, "hub-request-log", &deliveries(&[VALID, VALID], 8));
        assert_eq!(found, (vec![AGAIN; 2], vec![4]));
    }
    let app = TestApp::with_upstream(|_| upstream_response(503, "{}"));
    assert_eq!(deliver(&app, "hub-request-log", &deliveries(&[VALID, VALID], 8)), (vec![AGAIN; 2], vec![4]));
}

#[test]
fn dead_letters_retry_hourly_and_log_error_l_3() {
    let app = TestApp::with_upstream(|_| Err(FetchError::Unreachable));
    drop(deliver(&app, "hub-request-log-dlq", &deliveries(&[VALID], 8)));
    let (dispositions, _) = deliver(&app, "hub-request-log-dlq", &deliveries(&[VALID], 8));
    assert_eq!(dispositions, [Disposition::Retry { after_s: 3600 }]);
    assert!(TestApp::new().fake.log_lines().is_empty());
    let app = TestApp::new();
    app.fake.run(consume(&app.hub, &app.fake, "hub-request-log-dlq", &deliveries(&[VALID], 8))).unwrap();
    let lines = app.fake.log_lines();
    assert!(
        lines
            .iter()
            .any(|(level, line)| *level == hub::runtime::LogLevel::Error && line.contains("hub-request-log-dlq"))
    );
}

#[test]
fn unknown_queue_retries_messages() {
    let (dispositions, writes) = deliver(&TestApp::new(), "another", &deliveries(&[VALID], 8));
    assert_eq!((dispositions, writes), (vec![Disposition::Retry { after_s: 60 }], vec![]));
}

/// A message that the Hub puts on the queue is accepted by its consumer.
#[test]
fn consumer_accepts_writer_messages_l_3() {
    let app = TestApp::new();
    let arrival = hub::entry::incoming_request::IncomingRequest {
        method: ReceivedMethod::Known(Method::Get),
        url: format!("{}/rest/v1/leads", crate::harness::ORIGIN),
        headers: hub::domain::headers::Headers::default(),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: Some("IAD".to_owned()),
        country: Some("US".to_owned()),
        body: None,
    };
    drop(app.fake.run(hub::entry::handle_request::handle_request(&app.hub, &app.fake, arrival)).unwrap());
    app.fake.run_background().unwrap();
    let messages = app.fake.queued();
    let texts: Vec<&str> = messages.iter().map(String::as_str).collect();
    drop(app.fake.sent());
    let dispositions = app.fake.run(consume(&app.hub, &app.fake, QUEUES[0].name, &deliveries(&texts, 1))).unwrap();
    assert_eq!(dispositions, [Disposition::Ack]);
    let body: Value = serde_json::from_slice(app.fake.sent()[0].body.as_ref().unwrap()).unwrap();
    let row = &body["requests"][0];
    assert_eq!([&row["colo"], &row["country"], &row["status"]], [&json!("IAD"), &json!("US"), &json!(401)]);
}

/// Rows of 13 KB, a size that twenty characters of a filter can reach: they are put on the queue, in messages that it
/// accepts, and none bypasses it.
#[test]
fn large_rows_are_split_into_accepted_messages_l_3() {
    let app = TestApp::new();
    let context = RequestContext::for_event(&app.fake);
    let rows: Vec<RequestRecord> = (0..60).map(|place| row(place, 13_000)).collect();
    let now = rows[0].clone();
    rows.into_iter().skip(1).for_each(|row| app.hub.request_log.record_deferred(&context, &row));
    app.fake.run(app.hub.request_log.record_now(&context, now)).unwrap().unwrap();
    app.fake.run_background().unwrap();
    let messages = app.fake.queued();
    let retained: usize =
        messages.iter().map(|message| serde_json::from_str::<Vec<Value>>(message).unwrap().len()).sum();
    assert_eq!((retained, app.fake.sent().len()), (60, 0));
    assert!(messages.len() <= 8 && messages.iter().all(|message| message.len() <= 127_900));
}

/// A row that fits in no message is written to the database, alone, and its neighbours to the queue.
#[test]
fn row_too_large_for_the_queue_is_written_to_the_database_l_3() {
    let app = TestApp::new();
    let context = RequestContext::for_event(&app.fake);
    for (place, bytes) in [(1, 10), (2, 200_000), (3, 10)] {
        app.hub.request_log.record_deferred(&context, &row(place, bytes));
    }
    app.fake.run_background().unwrap();
    let rows = |text: &str| serde_json::from_str::<Vec<Value>>(text).unwrap().len();
    assert_eq!(app.fake.queued().iter().map(|message| rows(message)).sum::<usize>(), 2);
    let sent = app.fake.sent();
    assert_eq!(sent.len(), 1);
    let body: Value = serde_json::from_slice(sent[0].body.as_ref().unwrap()).unwrap();
    assert_eq!(body["requests"][0]["request_id"], "row 2");
}

fn row(place: u32, bytes: usize) -> RequestRecord {
    RequestRecord {
        occurred_at: "2026-11-26T12:00:00.000Z".to_owned(),
        request_id: format!("row {place}"),
        client_request_id: None,
        method: ReceivedMethod::Known(Method::Get),
        route: "x".repeat(bytes),
        who: "nobody",
        actor_id: None,
        session_id: None,
        owner_id: None,
        impersonator_id: None,
        outcome: Outcome::Allowed,
        status: Some(200),
        code: None,
        duration_ms: 1,
        upstream_ms: None,
        row_count: None,
        colo: None,
        country: None,
        token_id: None,
        address_hash: None,
        read_record: None,
        actor_name: None,
    }
}
