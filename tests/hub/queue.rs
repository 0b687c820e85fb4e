//! L-3: what the consumer does with the messages of the queue, also when the database refuses some, all or the whole batch.

use crate::world::{World, answered, well};
use hub::{
    entry::{queue::take, queues::QUEUES},
    handlers::requests::{Delivery, Verdict},
    platform::{
        FetchFailure, Outgoing,
        journal::{Journal, Outcome, Row},
    },
};
use serde_json::{Value, json};

fn deliveries(texts: &[&str], age_s: u32) -> Vec<Delivery> {
    texts.iter().map(|text| Delivery { text: (*text).to_owned(), age_s }).collect()
}

/// The verdicts, and how many rows each call to the database had.
fn taken(world: &World, queue: &str, deliveries: &[Delivery]) -> (Vec<Verdict>, Vec<usize>) {
    drop((world.fake.sent(), world.fake.lines()));
    let verdicts = world.fake.run(take(&world.hub, &world.fake, queue, deliveries)).unwrap();
    let rows = |sent: Outgoing| {
        assert!(sent.url.ends_with("/rpc/record_requests"));
        serde_json::from_slice::<Value>(&sent.body.unwrap()).unwrap()["requests"].as_array().unwrap().len()
    };
    (verdicts, world.fake.sent().into_iter().map(rows).collect())
}

const GOOD: &str = r#"[{"request_id":"a"},{"request_id":"b"}]"#;
const REFUSED: &str = r#"[{"request_id":"refused"}]"#;
const AGAIN: Verdict = Verdict::Again { after_s: 8 };

fn refuses(request: &Outgoing) -> bool {
    request.body.as_ref().is_some_and(|body| String::from_utf8_lossy(body).contains("refused"))
}

#[test]
fn a_batch_is_one_request_l_3() {
    let world = World::new();
    let found = taken(&world, "hub-audit", &deliveries(&[GOOD, GOOD, GOOD], 8));
    assert_eq!(found, (vec![Verdict::Done; 3], vec![6]));
    assert_eq!(taken(&world, "hub-audit", &[]), (vec![], vec![]));
}

#[test]
fn a_row_that_is_refused_keeps_no_other_l_3() {
    let world = World::behind(|request| if refuses(request) { answered(400, "{}") } else { well(request) });
    let found = taken(&world, "hub-audit", &deliveries(&[GOOD, REFUSED, GOOD], 8));
    assert_eq!(found, (vec![Verdict::Done, AGAIN, Verdict::Done], vec![5, 2, 1, 2]));
    let mixed = r#"[{"request_id":"a"},{"request_id":"refused"},{"request_id":"b"}]"#;
    let found = taken(&world, "hub-audit", &deliveries(&[mixed], 8));
    assert_eq!(found, (vec![AGAIN], vec![3, 3, 1, 1, 1]), "of one message too");
}

/// A database that refuses everything is not asked for each message of a batch.
#[test]
fn a_database_that_refuses_everything_is_left_alone_l_3() {
    let world = World::behind(|_| answered(500, "{}"));
    let (verdicts, asked) = taken(&world, "hub-audit", &deliveries(&[REFUSED; 100], 8));
    assert_eq!((verdicts, asked.len()), (vec![AGAIN; 100], 4));
}

#[test]
fn what_is_no_message_of_ours_keeps_no_other_l_3() {
    let world = World::new();
    for odd in ["", "nonsense", "{}", "7", "[{\"request_id\":"] {
        let found = taken(&world, "hub-audit", &deliveries(&[odd, GOOD], 8));
        assert_eq!(found, (vec![AGAIN, Verdict::Done], vec![2]), "{odd}");
    }
}

/// A database that is away is asked once a batch, and everything comes again.
#[test]
fn nothing_is_done_while_the_database_is_away_l_3() {
    for failure in [FetchFailure::Unreachable, FetchFailure::Timeout] {
        let world = World::behind(move |_| Err(failure));
        let found = taken(&world, "hub-audit", &deliveries(&[GOOD, GOOD], 8));
        assert_eq!(found, (vec![AGAIN; 2], vec![4]));
    }
    let world = World::behind(|_| answered(503, "{}"));
    assert_eq!(taken(&world, "hub-audit", &deliveries(&[GOOD, GOOD], 8)), (vec![AGAIN; 2], vec![4]));
}

#[test]
fn dead_letters_come_again_each_hour_and_are_seen_l_3() {
    let world = World::behind(|_| Err(FetchFailure::Unreachable));
    drop(taken(&world, "hub-audit-dead", &deliveries(&[GOOD], 8)));
    let (verdicts, _) = taken(&world, "hub-audit-dead", &deliveries(&[GOOD], 8));
    assert_eq!(verdicts, [Verdict::Again { after_s: 3600 }]);
    assert!(World::new().fake.lines().is_empty());
    let world = World::new();
    world.fake.run(take(&world.hub, &world.fake, "hub-audit-dead", &deliveries(&[GOOD], 8))).unwrap();
    let lines = world.fake.lines();
    assert!(lines.iter().any(|(level, line)| *level == hub::platform::Level::Error && line.contains("hub-audit-dead")));
}

#[test]
fn a_queue_that_nobody_knows_keeps_its_messages() {
    let (verdicts, asked) = taken(&World::new(), "another", &deliveries(&[GOOD], 8));
    assert_eq!((verdicts, asked), (vec![Verdict::Again { after_s: 60 }], vec![]));
}

/// What the Hub puts on the queue is what its consumer takes.
#[test]
fn takes_what_the_journal_puts_there_l_3() {
    let world = World::new();
    let arrival = hub::entry::answer::Arrival {
        method: "GET".to_owned(),
        url: format!("{}/rest/v1/leads", crate::world::ORIGIN),
        headers: hub::domain::headers::Headers::default(),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: Some("IAD".to_owned()),
        country: Some("US".to_owned()),
        body: None,
    };
    drop(world.fake.run(hub::entry::answer::answer(&world.hub, &world.fake, arrival)).unwrap());
    world.fake.run_background().unwrap();
    let messages = world.fake.queued();
    let texts: Vec<&str> = messages.iter().map(String::as_str).collect();
    drop(world.fake.sent());
    let verdicts = world.fake.run(take(&world.hub, &world.fake, QUEUES[0].name, &deliveries(&texts, 1))).unwrap();
    assert_eq!(verdicts, [Verdict::Done]);
    let body: Value = serde_json::from_slice(world.fake.sent()[0].body.as_ref().unwrap()).unwrap();
    let row = &body["requests"][0];
    assert_eq!([&row["colo"], &row["country"], &row["status"]], [&json!("IAD"), &json!("US"), &json!(401)]);
}

/// Rows of 13 KB, which twenty letters of a filter may be: they go on the queue, in messages that it takes, and none past it.
#[test]
fn large_rows_go_in_messages_that_the_queue_takes_l_3() {
    let world = World::new();
    let rows: Vec<Row> = (0..60).map(|place| row(place, 13_000)).collect();
    let now = rows[0].clone();
    rows.into_iter().skip(1).for_each(|row| Journal::later(&world.hub, &world.fake, &row));
    world.fake.run(Journal::now(&world.hub, &world.fake, now)).unwrap().unwrap();
    world.fake.run_background().unwrap();
    let messages = world.fake.queued();
    let kept: usize = messages.iter().map(|message| serde_json::from_str::<Vec<Value>>(message).unwrap().len()).sum();
    assert_eq!((kept, world.fake.sent().len()), (60, 0));
    assert!(messages.len() <= 8 && messages.iter().all(|message| message.len() <= 127_900));
}

/// A row that no message holds goes to the database, alone, and its neighbours on the queue.
#[test]
fn a_row_too_large_for_the_queue_goes_to_the_database_l_3() {
    let world = World::new();
    for (place, bytes) in [(1, 10), (2, 200_000), (3, 10)] {
        Journal::later(&world.hub, &world.fake, &row(place, bytes));
    }
    world.fake.run_background().unwrap();
    let rows = |text: &str| serde_json::from_str::<Vec<Value>>(text).unwrap().len();
    assert_eq!(world.fake.queued().iter().map(|message| rows(message)).sum::<usize>(), 2);
    let sent = world.fake.sent();
    assert_eq!(sent.len(), 1);
    let body: Value = serde_json::from_slice(sent[0].body.as_ref().unwrap()).unwrap();
    assert_eq!(body["requests"][0]["request_id"], "row 2");
}

fn row(place: u32, bytes: usize) -> Row {
    Row {
        occurred_at: "2026-11-26T12:00:00.000Z".to_owned(),
        request_id: format!("row {place}"),
        client_request_id: None,
        method: "GET".to_owned(),
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
        answered: None,
        colo: None,
        country: None,
        token_id: None,
        address_hash: None,
        look: None,
        actor_name: None,
    }
}
