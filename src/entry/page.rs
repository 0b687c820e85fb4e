//! The processing of a request for a user's page: the visit, identified by Clerk's cookies, then the page (I-1, I-2).

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

/// Serves one request for a page.
///
/// # Errors
/// The faults of the visit and of the page.
pub async fn page<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    arrival: &Arrival<P::Body>,
    body: Option<P::Body>,
    course: &mut Course,
    (route, address): (&Route, &Address<'_>),
) -> Result<Reply<P::Body>, Fault> {
    let door = Door { method: &arrival.method, path: address.path, query: address.query, headers: &arrival.headers };
    // The form names its session, and the token need not be fresh.
    if route.handler == Handler::SignOut && arrival.method == "POST" {
        let (reply, session) = account::sign_out(hub, platform, door, body).await;
        course.session = session;
        return reply.map_err(of_page);
    }
    let cookies = match visits::enter(hub, platform, door).await? {
        Entrance::Elsewhere(reply, why) => {
            course.note = Some(why);
            return Ok(reply);
        }
        Entrance::SignedIn(session, cookies) => {
            course.session = Some(session);
            cookies
        }
        Entrance::SignedOut(why, cookies) => {
            course.note = Some(why);
            cookies
        }
    };
    let session = course.session.as_ref();
    let reply = match route.handler {
        Handler::Account => account::account(hub, platform, session).await,
        Handler::SignIn => Ok(account::to_clerk(hub, door, Hosted::SignIn, session, browser(hub, door))),
        Handler::SignUp => Ok(account::to_clerk(hub, door, Hosted::SignUp, session, browser(hub, door))),
        Handler::SignOut => account::ask_to_sign_out(hub, session),
        _ => Err(Fault::RouteUnknown),
    };
    let reply = reply.map_err(of_page)?;
    Ok(cookies.into_iter().fold(reply, |reply, cookie| reply.with("set-cookie", cookie)))
}

/// Returns the fault in a page's terms.
fn of_page(fault: Fault) -> Fault {
    match fault {
        Fault::SessionRevoked => Fault::VisitEnded,
        Fault::ClerkUndone => Fault::SignOutUndone,
        other => other,
    }
}

/// Returns the development instance's id of this browser.
fn browser<'a, P: Platform>(hub: &Hub<P>, door: Door<'a>) -> Option<&'a str> {
    let cookies = Cookies::parse(door.headers.value("cookie")?);
    let suffixed = format!("__clerk_db_jwt_{}", hub.instance.suffix);
    cookies.values(&suffixed).next().or_else(|| cookies.values("__clerk_db_jwt").next())
}
