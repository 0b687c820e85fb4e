//! Pages of a signed-in user, and redirects to Clerk's hosted pages: `/sign-in`, `/sign-up`, `/sign-out`, `/account`
//! (I-1).

use crate::{
    domain::{
        access::PrincipalKind,
        session::{Actor, Session},
    },
    logic::{
        authn::{browser_session::delete_cookies, csrf, password_fields},
        error::Error,
        http::{
            cookies::Cookies,
            query_string::{Unescaped, decode, encode, first_value},
            redirect_url,
            response::{CachePolicy, ContentKind, Response},
        },
        views::{self, Account, SiteContext},
    },
    runtime::{BodyStream, LogLevel, RuntimePort as _},
    services::{
        app_state::AppState,
        browser_session::{self, PageRequest},
        clerk_client,
        request_bodies::{self, Incoming, Sender},
        request_context::RequestContext,
    },
};

/// One of Clerk's hosted pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostedPage {
    /// The sign-in page, for users with an account.
    SignIn,
    /// The sign-up page, for new users.
    SignUp,
}

/// The outcome of a sign-out.
pub struct SignOut {
    /// The response.
    pub response: Result<Response<BodyStream>, Error>,
    /// The session to which the form belonged, for the request row.
    pub session: Option<Session>,
}

/// `GET /sign-in` and `GET /sign-up`: redirects to Clerk, or back to the Hub if a user is already signed in.
///
/// The return address is always a page of the Hub, whatever `redirect_url` contains.
#[must_use]
pub fn redirect_to_hosted_page(
    app: &AppState,
    context: &RequestContext,
    page: PageRequest<'_>,
    hosted: HostedPage,
) -> Response<BodyStream> {
    let wanted = first_value(page.query, "redirect_url").and_then(decode);
    let account = format!("{}/account", app.config.base_path);
    let checked = |wanted| redirect_url::validate(wanted, &app.config.origin, &app.config.base_path);
    let back = wanted.as_deref().and_then(checked).unwrap_or(&account);
    let back = format!("{}{back}", app.config.origin);
    if context.session.is_some() {
        return Response::empty(303).with_header("location", back);
    }
    let hosted_path = match hosted {
        HostedPage::SignIn => "sign-in",
        HostedPage::SignUp => "sign-up",
    };
    let mut location =
        format!("{}/{hosted_path}?redirect_url={}", app.config.accounts_url, encode(&back, Unescaped::None));
    if let Some(browser) = dev_browser_token(app, page).filter(|_| app.clerk_instance.is_development) {
        location = format!("{location}&__clerk_db_jwt={}", encode(browser, Unescaped::None));
    }
    Response::empty(303).with_header("location", location)
}

/// `GET /account`: shows the data that the Hub has of this session; redirects to `/sign-in` without one.
///
/// # Errors
/// `SessionRevoked` if the session was ended: the database rejects it for pages as for the API (I-2).
pub async fn account(
    app: &AppState,
    context: &RequestContext,
    session: Option<&Session>,
) -> Result<Response<BodyStream>, Error> {
    let Some(session) = session else {
        let location = format!(
            "{}/sign-in?redirect_url={}",
            app.config.base_path,
            encode(&format!("{}/account", app.config.base_path), Unescaped::None)
        );
        return Ok(Response::empty(303).with_header("location", location));
    };
    // The database checks the session's rights; a session without any needs no check.
    if session.principal_kind().is_some() {
        let builder = app.database.query().rpc("who_am_i", "{}");
        if let Err(fault) = app.database.execute_as(context, &Actor::User(session), "count=none", builder).await {
            if fault == Error::SessionRevoked {
                app.evict_session(session);
            }
            return Err(fault);
        }
    }
    let account = Account {
        user: &session.user,
        session: &session.id,
        role: session.principal_kind().map_or(UNRECOGNIZED_ROLE, PrincipalKind::name),
        organization: session.organization.as_ref().map(|organization| organization.id.as_str()),
        organization_role: session.organization.as_ref().map(|organization| organization.role.as_str()),
        permissions: session.organization.as_ref().map_or(&[], |organization| &organization.permissions),
        impersonator: session.impersonator.as_deref(),
        csrf: &csrf::issue(&app.csrf_key, &session.id),
        profile: &format!("{}/user", app.config.accounts_url),
    };
    let html = views::account(&site_context(app), &account).map_err(|_| Error::TemplateFailed)?;
    Ok(Response::text(200, ContentKind::HtmlWithForm, CachePolicy::NoStore, html))
}

/// `GET /sign-out`: shows a form, because a plain link would let other sites sign users out.
///
/// # Errors
/// `TemplateFailed` if the template cannot be rendered.
pub fn sign_out_form(app: &AppState, session: Option<&Session>) -> Result<Response<BodyStream>, Error> {
    let Some(session) = session else { return Ok(redirect_home(app)) };
    let html = views::sign_out(&site_context(app), &csrf::issue(&app.csrf_key, &session.id))
        .map_err(|_| Error::TemplateFailed)?;
    Ok(Response::text(200, ContentKind::HtmlWithForm, CachePolicy::NoStore, html))
}

/// `POST /sign-out`: revokes the session in the Hub at once, ends it at Clerk, and deletes its cookies.
///
/// The session is that of a verified token of any age, and the form must belong to that session. The session is
/// returned with the response for the request row.
///
/// Errors of the response: `CsrfRejected` if the form does not belong to this session, `SignOutUnknown` if there is no
/// session to end, `ClerkRevocationIncomplete` if Clerk did not end it.
pub async fn sign_out(
    app: &AppState,
    context: &RequestContext,
    page: PageRequest<'_>,
    body: Option<BodyStream>,
) -> SignOut {
    match ending_session(app, context, page, body).await {
        Ok(session) => {
            let response = end_at_both(app, context, page, &session).await;
            SignOut { response, session: Some(session) }
        }
        Err(fault) => SignOut { response: Err(fault), session: None },
    }
}

/// Returns the session to which the form belongs.
async fn ending_session(
    app: &AppState,
    context: &RequestContext,
    page: PageRequest<'_>,
    body: Option<BodyStream>,
) -> Result<Session, Error> {
    csrf::same_origin(page.headers, &app.config.origin).map_err(Error::CsrfRejected)?;
    let form = request_bodies::read(
        &app.body_budget,
        context,
        Incoming { sender: Sender::Unknown, body, limit: MAX_FORM_BYTES },
    )
    .await?;
    if std::str::from_utf8(&form).is_ok_and(password_fields::form_contains_password) {
        return Err(Error::PasswordInRequest);
    }
    browser_session::ending_session(app, context, page.headers, |id| csrf::verify(&app.csrf_key, id, &form).is_ok())
        .await
}

async fn end_at_both(
    app: &AppState,
    context: &RequestContext,
    page: PageRequest<'_>,
    session: &Session,
) -> Result<Response<BodyStream>, Error> {
    app.evict_session(session);
    let arguments = serde_json::json!({ "session": session.id });
    let builder = app.database.query().rpc("end_session", arguments.to_string());
    // Each of the two is useful without the other: Clerk then issues no further tokens, and the Hub rejects issued ones.
    let here = app.database.execute(context, "sign-out", "return=minimal", builder).await;
    // The form may be submitted repeatedly, and Clerk limits requests per secret key, not per user.
    let at_clerk = if app.clerk_request_limiter.try_acquire(&session.user, context.runtime.now_ms()) {
        clerk_client::end_session(app, context, &session.id, &session.user).await
    } else {
        Err(Error::ClerkRevocationIncomplete)
    };
    if here.is_err() || at_clerk.is_err() {
        let line = serde_json::json!({
            "event": "sign_out.incomplete",
            "session_id": session.id,
            "revoked_at_hub": here.is_ok(),
            "revoked_at_clerk": at_clerk.is_ok(),
        });
        context.log(LogLevel::Warn, line);
    }
    here?;
    at_clerk?;
    Ok(clear_session_cookies(app, redirect_home(app), page.path))
}

/// Deletes every cookie of an ended session, in every form that a page at this path may receive.
#[must_use]
pub fn clear_session_cookies(app: &AppState, response: Response<BodyStream>, path: &str) -> Response<BodyStream> {
    let deletions = delete_cookies::everything(&app.clerk_instance, path);
    deletions.into_iter().fold(response, |response, cookie| response.with_header("set-cookie", cookie))
}

fn redirect_home(app: &AppState) -> Response<BodyStream> {
    Response::empty(303).with_header("location", format!("{}{}/", app.config.origin, app.config.base_path))
}

fn site_context(app: &AppState) -> SiteContext<'_> {
    SiteContext {
        base_path: &app.config.base_path,
        origin: &app.config.origin,
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("HUB_COMMIT"),
    }
}

const MAX_FORM_BYTES: usize = 8192;
const UNRECOGNIZED_ROLE: &str = "not recognized: no access";

/// Returns the development instance's id of this browser.
fn dev_browser_token<'a>(app: &AppState, page: PageRequest<'a>) -> Option<&'a str> {
    let cookies = Cookies::parse(page.headers.value("cookie")?);
    let suffixed = format!("__clerk_db_jwt_{}", app.clerk_instance.suffix);
    cookies.values(&suffixed).next().or_else(|| cookies.values("__clerk_db_jwt").next())
}
