//! What one sender can use up: never what keeps others safe (I-2, T-3).

use crate::world::{ORIGIN, Seen, TOKENS, World, answered, well};
use hub::{domain::headers::Headers, entry::answer::Arrival, platform::Outgoing};

const STATE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn persona(name: &str) -> &'static str {
    TOKENS["personas"][name].as_str().unwrap()
}

fn arrival(url: String, headers: &[(&str, &str)]) -> Arrival<Vec<u8>> {
    Arrival {
        method: "GET".to_owned(),
        url,
        headers: Headers::new(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: None,
    }
}

fn arrive(world: &World, url: String, headers: &[(&str, &str)]) -> Seen {
    world.arrive(arrival(url, headers))
}

fn calls_of_clerk(seen: &Seen) -> usize {
    seen.upstream.iter().filter(|sent| sent.url.starts_with("https://api.clerk.com/")).count()
}

/// A visit that comes back from Clerk, with a state that its sender has made up.
fn returning(world: &World, address: &str) -> Seen {
    arrive(
        world,
        format!("{ORIGIN}/account?hub_state={STATE}&__clerk_handshake_nonce=x"),
        &[
            ("accept", "text/html"),
            ("sec-fetch-dest", "document"),
            ("cookie", &format!("__Host-hub_state={STATE}")),
            ("cf-connecting-ip", address),
        ],
    )
}

/// Clerk's limit is one for the whole secret key: who used it up without an account would stop revocations and the checks of staff.
#[test]
fn one_address_uses_up_little_of_clerks_backend_api_i_2() {
    let world =
        World::behind(
            |request: &Outgoing| {
                if request.url.contains("handshake_payload") { answered(404, "{}") } else { well(request) }
            },
        );
    let seen: Vec<Seen> = (0..500).map(|_| returning(&world, "192.0.2.1")).collect();
    assert_eq!(seen.iter().map(calls_of_clerk).sum::<usize>(), 120);
    let last = seen.last().unwrap();
    assert_eq!((last.status, last.header("retry-after")), (503, Some("2")));
    assert_eq!(calls_of_clerk(&returning(&world, "192.0.2.2")), 1, "another address is not held up");
    let of_one_subscriber = (0..500).map(|number| returning(&world, &format!("2001:db8:0:1::{number:x}")));
    assert_eq!(of_one_subscriber.map(|seen| calls_of_clerk(&seen)).sum::<usize>(), 120);
    world.fake.wait(60_000);
    assert_eq!(calls_of_clerk(&returning(&world, "192.0.2.1")), 1);
}

/// A form may be sent again: the session is over here each time, and Clerk is asked a bounded number of times.
#[test]
fn one_user_uses_up_little_of_clerks_backend_api_i_2() {
    let world = World::behind(
        |request: &Outgoing| {
            if request.url.contains("/revoke") { answered(200, "{}") } else { well(request) }
        },
    );
    let cookie = format!("__session={}; __client_uat={}", persona("alice"), TOKENS["now"].as_i64().unwrap() - 20);
    let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let page = arrive(&world, format!("{ORIGIN}/sign-out"), &headers);
    let form = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (mut here, mut at_clerk) = (0, 0);
    for _ in 0..200 {
        let mut arrival = arrival(format!("{ORIGIN}/sign-out"), &headers);
        arrival.method = "POST".to_owned();
        arrival.body = Some(format!("csrf={form}").into_bytes());
        let seen = world.arrive(arrival);
        here += usize::from(seen.upstream.iter().any(|sent| sent.url.ends_with("/rpc/end_session")));
        at_clerk += calls_of_clerk(&seen);
    }
    assert_eq!((here, at_clerk), (200, 120));
}
