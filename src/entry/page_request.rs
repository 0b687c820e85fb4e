//! The processing of a request for a user's page: the visit, identified by Clerk's cookies, then the page (I-1, I-2).

use super::routes::{Endpoint, Route};
use crate::{
    entry::{handle_request::IncomingRequest, request_context::RequestContext},
    handlers::account_pages::{self, HostedPage},
    logic::{
        error::Error,
        http::{cookies::Cookies, request_checks::RequestUrl, response::Response},
    },
    runtime::Runtime,
    services::{
        app_state::AppState,
        browser_session::{self, PageAuthentication, PageRequest},
    },
};

/// Serves one request for a page.
///
/// # Errors
/// The faults of the visit and of the page.
pub async fn handle_page<P: Runtime>(
    hub: &AppState<P>,
    platform: &P,
    arrival: &IncomingRequest<P::Body>,
    body: Option<P::Body>,
    course: &mut RequestContext,
    (route, address): (&Route, &RequestUrl<'_>),
) -> Result<Response<P::Body>, Error> {
    let door =
        PageRequest { method: &arrival.method, path: address.path, query: address.query, headers: &arrival.headers };
    // The form names its session, and the token need not be fresh.
    if route.endpoint == Endpoint::SignOut && arrival.method == "POST" {
        let (reply, session) = account_pages::sign_out(hub, platform, door, body).await;
        course.session = session;
        return reply.map_err(page_error);
    }
    let cookies = match browser_session::authenticate_page(hub, platform, door).await? {
        PageAuthentication::Redirect(reply, why) => {
            course.auth_outcome = Some(why);
            return Ok(reply);
        }
        PageAuthentication::SignedIn(session, cookies) => {
            course.session = Some(session);
            cookies
        }
        PageAuthentication::SignedOut(why, cookies) => {
            course.auth_outcome = Some(why);
            cookies
        }
    };
    let session = course.session.as_ref();
    let reply = match route.endpoint {
        Endpoint::Account => account_pages::account(hub, platform, session).await,
        Endpoint::SignIn => Ok(account_pages::redirect_to_hosted_page(
            hub,
            door,
            HostedPage::SignIn,
            session,
            dev_browser_token(hub, door),
        )),
        Endpoint::SignUp => Ok(account_pages::redirect_to_hosted_page(
            hub,
            door,
            HostedPage::SignUp,
            session,
            dev_browser_token(hub, door),
        )),
        Endpoint::SignOut => account_pages::sign_out_form(hub, session),
        _ => Err(Error::RouteUnknown),
    };
    let reply = reply.map_err(page_error)?;
    Ok(cookies.into_iter().fold(reply, |reply, cookie| reply.with_header("set-cookie", cookie)))
}

/// Returns the fault in a page's terms.
fn page_error(fault: Error) -> Error {
    match fault {
        Error::SessionRevoked => Error::PageSessionRevoked,
        Error::ClerkRevocationIncomplete => Error::ClerkSignOutFailed,
        other => other,
    }
}

/// Returns the development instance's id of this browser.
fn dev_browser_token<'a, P: Runtime>(hub: &AppState<P>, door: PageRequest<'a>) -> Option<&'a str> {
    let cookies = Cookies::parse(door.headers.value("cookie")?);
    let suffixed = format!("__clerk_db_jwt_{}", hub.clerk_instance.suffix);
    cookies.values(&suffixed).next().or_else(|| cookies.values("__clerk_db_jwt").next())
}
