//! What an isolate holds of request bodies: bounded, and given back whatever becomes of the request.

use crate::world::{World, arrival, well};
use hub::{
    entry::answer::{Arrival, answer},
    platform::{
        Platform as _,
        fakes::{Ending, Fake},
    },
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

const ONE: &str = "/rest/v1/contact_tickets?id=eq.00000000-0000-4000-8000-000000000000";
const KIB: usize = 1024;

/// A body of about so many KiB: rows, or one of them.
fn rows(kib: usize) -> String {
    let row = format!(r#"{{"subject":"{}"}}"#, "x".repeat(10 * KIB - 14));
    format!("[{}]", vec![row; kib / 10].join(","))
}

fn row(kib: usize) -> String {
    format!(r#"{{"subject":"{}"}}"#, "x".repeat(kib * KIB))
}

fn insert(body: &str) -> Arrival<Vec<u8>> {
    arrival("alice", ("POST", "/rest/v1/contact_tickets"), &[], Some(body))
}

fn held(world: &World) -> usize {
    world.hub.bodies.bytes(world.fake.now_ms())
}

#[test]
fn only_rows_may_be_longer_than_128_kib() {
    for (persona, method, path, body, status) in [
        ("alice", "POST", "/rest/v1/contact_tickets", rows(1000), 201),
        ("alice", "POST", "/rest/v1/contact_tickets", rows(1030), 413),
        ("alice", "POST", "/rest/v1/contact_tickets", row(120), 201),
        ("alice", "POST", "/rest/v1/contact_tickets", row(128), 413),
        ("alice", "POST", "/rest/v1/contact_tickets", format!("  {}", row(128)), 413),
        ("alice", "PATCH", ONE, row(128), 413),
        ("support", "POST", "/rest/v1/rpc/search_tickets", format!(r#"{{"words":"{}"}}"#, "x".repeat(128 * KIB)), 413),
    ] {
        let world = World::new();
        let seen = world.send(persona, method, path, &[("x-hub-purpose", "support")], Some(&body));
        assert_eq!(seen.status, status, "{persona} {method} {path} {} bytes: {}", body.len(), seen.text);
        assert_eq!((seen.code == "HUB005", seen.upstream.is_empty()), (status == 413, status == 413));
        assert_eq!(held(&world), 0);
    }
}

/// Bodies at once: those that an isolate has no room for are told to come again, and the others are not disturbed.
#[test]
fn bodies_at_once_are_bounded() {
    let most = Rc::new(Cell::new(0));
    let hub: Rc<RefCell<Option<World>>> = Rc::default();
    let world = World::behind({
        let (most, hub) = (Rc::clone(&most), Rc::clone(&hub));
        move |request| {
            if let Some(world) = hub.borrow().as_ref() {
                most.set(held(world).max(most.get()));
            }
            well(request)
        }
    });
    world.ask("alice", "GET", "/rest/v1/contact_tickets");
    hub.replace(Some(World { hub: Rc::clone(&world.hub), fake: world.fake.clone() }));
    let body = rows(1000);
    let answers = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..60 {
        let (hub, fake, answers, arrival) =
            (Rc::clone(&world.hub), world.fake.clone(), Rc::clone(&answers), insert(&body));
        world.fake.wait_until(async move {
            let reply = answer(&hub, &fake, arrival).await;
            let retry = reply.headers.iter().any(|(name, _)| *name == "retry-after");
            answers.borrow_mut().push((reply.status, retry));
        });
    }
    world.fake.run_background().unwrap();
    let answers = answers.take();
    let made = answers.iter().filter(|answer| **answer == (201, false)).count();
    let refused = answers.iter().filter(|answer| **answer == (503, true)).count();
    assert_eq!(made + refused, 60, "{answers:?}");
    assert!(made >= 30 && refused >= 20, "{made} made, {refused} refused");
    assert!((24 * KIB * KIB..=32 * KIB * KIB).contains(&most.get()), "{} bytes at once", most.get());
    assert_eq!(held(&world), 0);
    assert_eq!(world.fake.run(answer(&world.hub, &world.fake, insert(&body))).unwrap().status, 201);
}

/// A request ends at any point, in each way that one can end: its bytes do not count any more.
#[test]
fn bytes_are_given_back_whatever_becomes_of_the_request() {
    let warm = World::new();
    warm.ask("alice", "GET", "/rest/v1/contact_tickets");
    let body = rows(200);
    for ending in [None, Some(Ending::Dropped), Some(Ending::Forgotten)] {
        for polls in 1..100 {
            let world = World { hub: Rc::clone(&warm.hub), fake: warm.fake.clone() };
            let request: Fake = world.fake.another_request();
            let ended = world.fake.leave_after(polls, answer(&world.hub, &request, insert(&body))).is_some();
            match ending {
                Some(ending) => request.end(ending),
                None => {
                    world.fake.run_background().unwrap();
                }
            }
            if ending == Some(Ending::Forgotten) {
                assert!(held(&world) <= body.len());
                // What is never dropped stops counting when no request can be that old.
                assert_eq!(world.hub.bodies.bytes(world.fake.now_ms() + 60_000), 0);
            } else {
                assert_eq!(held(&world), 0, "{ending:?} after {polls} polls");
            }
            if ended {
                break;
            }
        }
    }
}
