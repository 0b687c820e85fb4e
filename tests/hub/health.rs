//! `/healthz` with failing upstreams: the route is public, and its clients cannot cause more requests to them.

use crate::world::{REST, World, answered, arrival, well};
use hub::{
    entry::answer::answer,
    platform::{
        FetchFailure, Outgoing, Platform as _,
        fakes::{Ending, Fake},
    },
};
use std::{cell::RefCell, rc::Rc};

fn slow(request: &Outgoing) -> bool {
    request.url.starts_with(REST) && !request.url.ends_with("/rpc/record_requests")
}

/// Returns a world whose database does not respond in time.
fn world() -> World {
    World::behind(|request| if slow(request) { Err(FetchFailure::Timeout) } else { well(request) })
}

/// Makes this many calls at once; returns their statuses, and the numbers of requests to the database and to the
/// issuer.
fn at_once(world: &World, count: usize) -> (Vec<u16>, usize, usize) {
    drop(world.fake.sent());
    let statuses = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..count {
        let (hub, fake, statuses) = (Rc::clone(&world.hub), world.fake.clone(), Rc::clone(&statuses));
        world.fake.wait_until(async move {
            let reply = answer(&hub, &fake, arrival("-", ("GET", "/healthz"), &[], None)).await;
            statuses.borrow_mut().push(reply.status);
        });
    }
    world.fake.run_background().unwrap();
    let sent = world.fake.sent();
    (statuses.take(), sent.iter().filter(|sent| slow(sent)).count(), sent.iter().filter(|sent| !slow(sent)).count())
}

#[test]
fn many_calls_ask_a_slow_database_once() {
    let world = world();
    let began = world.fake.now_ms();
    assert_eq!(at_once(&world, 56), (vec![503; 56], 1, 1));
    assert!(world.fake.now_ms() - began <= 4_500, "took {} ms", world.fake.now_ms() - began);
    assert_eq!(at_once(&world, 56), (vec![503; 56], 0, 0), "the finding is as old as its end, not as its beginning");
    world.fake.wait(5_000);
    let began = world.fake.now_ms();
    assert_eq!(at_once(&world, 56), (vec![503; 56], 1, 1));
    assert!(world.fake.now_ms() - began <= 4_500);
}

/// While one request probes, the others receive the last finding.
#[test]
fn last_finding_is_given_meanwhile() {
    let world = World::behind({
        let calls = RefCell::new(0);
        move |request| {
            if !slow(request) {
                return well(request);
            }
            *calls.borrow_mut() += 1;
            if *calls.borrow() == 1 { answered(200, "[]") } else { Err(FetchFailure::Timeout) }
        }
    });
    assert_eq!(at_once(&world, 1).0, [200]);
    world.fake.wait(5_000);
    let (mut statuses, asked, _) = at_once(&world, 10);
    statuses.sort_unstable();
    assert_eq!((statuses, asked), ([[200; 9].as_slice(), &[503]].concat(), 1));
}

/// The probing request is cancelled at any point: the next ones probe again, after the limit at the latest.
#[test]
fn probe_that_is_ended_keeps_no_other() {
    for ending in [Ending::Dropped, Ending::Forgotten] {
        for polls in 1..12 {
            let world = World::new();
            let request: Fake = world.fake.another_request();
            let ended = world
                .fake
                .leave_after(polls, answer(&world.hub, &request, arrival("-", ("GET", "/healthz"), &[], None)));
            request.end(ending);
            drop(ended);
            let began = world.fake.now_ms();
            drop(at_once(&world, 3));
            assert!(world.fake.now_ms() - began <= 5_000, "{ending:?} after {polls} polls");
            world.fake.wait(5_000);
            assert_eq!(at_once(&world, 3).0, [200; 3], "{ending:?} after {polls} polls");
        }
    }
}
