//! The way of a request for a person's page: who opens it, by Clerk's cookies, then the page (I-1, I-2).

use super::{
    answer::Arrival,
    course::Course,
    routes::{Handler, Route},
};
use crate::{
    handlers::account::{self, Hosted},
    logic::{boundary::Address, cookies::Cookies, fault::Fault, reply::Reply},
    platform::{
        Platform,
        hub::Hub,
        visits::{self, Door, Entrance},
    },
};

/// Answers one request for a page.
///
/// # Errors
/// What the visit and the page say.
pub async fn page<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    body: Option<P::Body>,
    course: &mut Course,
    (route, address): (&Route, &Address<'_>),
) -> Result<Reply<P::Body>, Fault> {
    let door = Door { method: &arrival.method, path: address.path, query: address.query, headers: &arrival.headers };
    let cookies = match visits::enter(hub, platform, door).await? {
        Entrance::Elsewhere(reply, why) => {
            course.note = Some(why);
            return Ok(reply);
        }
        Entrance::SignedIn(session, cookies) => {
            course.session = Some(session);
            cookies
        }
        Entrance::SignedOut(why) => {
            course.note = Some(why);
            Vec::new()
        }
    };
    let session = course.session.as_ref();
    let reply = match route.handler {
        Handler::Account => account::account(hub, platform, session).await,
        Handler::SignIn => Ok(account::to_clerk(hub, door, Hosted::SignIn, session, browser(hub, door))),
        Handler::SignUp => Ok(account::to_clerk(hub, door, Hosted::SignUp, session, browser(hub, door))),
        Handler::SignOut if arrival.method == "POST" => account::sign_out(hub, platform, door, body, session).await,
        Handler::SignOut => account::ask_to_sign_out(hub, session),
        _ => Err(Fault::RouteUnknown),
    };
    let reply = reply.map_err(|fault| match fault {
        Fault::SessionRevoked => Fault::VisitEnded,
        Fault::ClerkUndone => Fault::SignOutUndone,
        other => other,
    })?;
    Ok(cookies.into_iter().fold(reply, |reply, cookie| reply.with("set-cookie", cookie)))
}

/// What a development instance calls this browser.
fn browser<'a, P: Platform>(hub: &Hub<P>, door: Door<'a>) -> Option<&'a str> {
    let cookies = Cookies::parse(door.headers.value("cookie")?);
    cookies.value(&format!("__clerk_db_jwt_{}", hub.instance.suffix)).or_else(|| cookies.value("__clerk_db_jwt"))
}
