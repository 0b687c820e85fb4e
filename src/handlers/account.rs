//! Pages of a signed-in user, and redirects to Clerk's hosted pages: `/sign-in`, `/sign-up`, `/sign-out`, `/account`
//! (I-1).

use crate::{
    domain::session::{Actor, Session},
    logic::{
        csrf,
        fault::Fault,
        password,
        reply::{Cache, Media, Reply},
        return_to::{self, encoded},
        views::{self, Account, Page},
        visit::{forget, query_value},
    },
    platform::{
        Level, Platform,
        bodies::{self, Incoming, Sender},
        clerk,
        database::{ask, send, send_as},
        hub::Hub,
        visits::{self, Door},
    },
};

/// One of Clerk's hosted pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosted {
    /// The sign-in page, for users with an account.
    SignIn,
    /// The sign-up page, for new users.
    SignUp,
}

/// `GET /sign-in` and `GET /sign-up`: redirects to Clerk, or back to the Hub if a user is already signed in.
///
/// The return address is always a page of the Hub, whatever `redirect_url` contains.
#[must_use]
pub fn to_clerk<P: Platform>(
    hub: &Hub<P>,
    door: Door<'_>,
    hosted: Hosted,
    session: Option<&Session>,
    browser: Option<&str>,
) -> Reply<P::Body> {
    let wanted = query_value(door.query, "redirect_url").and_then(return_to::decoded);
    let account = format!("{}/account", hub.config.base_path);
    let checked = |wanted| return_to::checked(wanted, &hub.config.origin, &hub.config.base_path);
    let back = wanted.as_deref().and_then(checked).unwrap_or(&account);
    let back = format!("{}{back}", hub.config.origin);
    if session.is_some() {
        return Reply::empty(303).with("location", back);
    }
    let page = match hosted {
        Hosted::SignIn => "sign-in",
        Hosted::SignUp => "sign-up",
    };
    let mut location = format!("{}/{page}?redirect_url={}", hub.config.accounts_url, encoded(&back));
    if let Some(browser) = browser.filter(|_| hub.instance.development) {
        location = format!("{location}&__clerk_db_jwt={}", encoded(browser));
    }
    Reply::empty(303).with("location", location)
}

/// `GET /account`: shows the data that the Hub has of this session; redirects to `/sign-in` without one.
///
/// # Errors
/// `SessionRevoked` if the session was ended: the database rejects it for pages as for the API (I-2).
pub async fn account<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    session: Option<&Session>,
) -> Result<Reply<P::Body>, Fault> {
    let Some(session) = session else {
        let location = format!(
            "{}/sign-in?redirect_url={}",
            hub.config.base_path,
            encoded(&format!("{}/account", hub.config.base_path))
        );
        return Ok(Reply::empty(303).with("location", location));
    };
    // The database checks the session's rights; a session without any needs no check.
    if session.who().is_some() {
        let question = ask(&hub.config.rest_url).rpc("who_am_i", "{}");
        if let Err(fault) = send_as(hub, platform, &Actor::Person(session), "count=none", question).await {
            if fault == Fault::SessionRevoked {
                hub.forget(session);
            }
            return Err(fault);
        }
    }
    let account = Account {
        user: &session.user,
        session: &session.id,
        who: session.who().map_or("nobody", |who| who.name()),
        organization: session.organization.as_ref().map(|organization| organization.id.as_str()),
        organization_role: session.organization.as_ref().map(|organization| organization.role.as_str()),
        permissions: session.organization.as_ref().map_or(&[], |organization| &organization.permissions),
        impersonator: session.impersonator.as_deref(),
        csrf: &csrf::token(&hub.forms, &session.id),
        profile: &format!("{}/user", hub.config.accounts_url),
    };
    let html = views::account(&page(hub), &account).map_err(|_| Fault::Page)?;
    Ok(Reply::text(200, Media::Form, Cache::Nobody, html))
}

/// `GET /sign-out`: shows a form, because a plain link would let other sites sign users out.
///
/// # Errors
/// `Page` if the template cannot be rendered.
pub fn ask_to_sign_out<P: Platform>(hub: &Hub<P>, session: Option<&Session>) -> Result<Reply<P::Body>, Fault> {
    let Some(session) = session else { return Ok(home(hub)) };
    let html = views::sign_out(&page(hub), &csrf::token(&hub.forms, &session.id)).map_err(|_| Fault::Page)?;
    Ok(Reply::text(200, Media::Form, Cache::Nobody, html))
}

/// `POST /sign-out`: revokes the session in the Hub at once, ends it at Clerk, and deletes its cookies.
///
/// The session is that of a verified token of any age, and the form must belong to that session. The session is
/// returned with the response for the request row.
///
/// Errors of the response: `Form` if the form does not belong to this session, `SignOutUnknown` if there is no session
/// to end, `ClerkUndone` if Clerk did not end it.
pub async fn sign_out<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    door: Door<'_>,
    body: Option<P::Body>,
) -> (Result<Reply<P::Body>, Fault>, Option<Session>) {
    match departing(hub, platform, door, body).await {
        Ok(session) => (ended(hub, platform, door, &session).await, Some(session)),
        Err(fault) => (Err(fault), None),
    }
}

/// Returns the session to which the form belongs.
async fn departing<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    door: Door<'_>,
    body: Option<P::Body>,
) -> Result<Session, Fault> {
    csrf::same_origin(door.headers, &hub.config.origin).map_err(Fault::Form)?;
    let form = bodies::read(hub, platform, Incoming { sender: Sender::Unknown, body, limit: LONGEST_FORM }).await?;
    if std::str::from_utf8(&form).is_ok_and(password::in_form) {
        return Err(Fault::Password);
    }
    visits::departing(hub, platform, door.headers, |id| csrf::check(&hub.forms, id, &form).is_ok()).await
}

async fn ended<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    door: Door<'_>,
    session: &Session,
) -> Result<Reply<P::Body>, Fault> {
    hub.forget(session);
    let arguments = serde_json::json!({ "session": session.id });
    let question = ask(&hub.config.rest_url).rpc("end_session", arguments.to_string());
    // Each of the two is useful without the other: Clerk then issues no further tokens, and the Hub rejects issued ones.
    let here = send(hub, platform, "sign-out", "return=minimal", question).await;
    // The form may be submitted repeatedly, and Clerk limits requests per secret key, not per user.
    let at_clerk = if hub.clerk_questions.one_more(&session.user, platform.now_ms()) {
        clerk::end_session(hub, platform, &session.id, &session.user).await
    } else {
        Err(Fault::ClerkUndone)
    };
    if here.is_err() || at_clerk.is_err() {
        let line = serde_json::json!({
            "event": "sign-out incomplete",
            "session_id": session.id,
            "ended_here": here.is_ok(),
            "ended_at_clerk": at_clerk.is_ok(),
        });
        platform.log(Level::Warn, &line.to_string());
    }
    here?;
    at_clerk?;
    Ok(forgotten(hub, home(hub), door.path))
}

/// Deletes every cookie of an ended session, in every form that a page at this path may receive.
#[must_use]
pub fn forgotten<P: Platform>(hub: &Hub<P>, reply: Reply<P::Body>, path: &str) -> Reply<P::Body> {
    let gone = forget::everything(&hub.instance, path);
    gone.into_iter().fold(reply, |reply, cookie| reply.with("set-cookie", cookie))
}

fn home<P: Platform>(hub: &Hub<P>) -> Reply<P::Body> {
    Reply::empty(303).with("location", format!("{}{}/", hub.config.origin, hub.config.base_path))
}

fn page<P: Platform>(hub: &Hub<P>) -> Page<'_> {
    Page {
        base_path: &hub.config.base_path,
        origin: &hub.config.origin,
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("HUB_COMMIT"),
    }
}

const LONGEST_FORM: usize = 8192;
