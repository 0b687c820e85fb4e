//! The processing of a request for a user's page: the browser session from Clerk's cookies, then the page (I-1, I-2).

use super::routes::PageEndpoint;
use crate::{
    domain::method::Method,
    entry::incoming_request::RoutedRequest,
    handlers::account_pages::{self, HostedPage},
    logic::{error::Error, http::response::Response},
    runtime::BodyStream,
    services::{
        app_state::AppState,
        browser_session::{self, PageAuthentication, PageRequest},
        request_context::RequestContext,
    },
};

/// Serves one request for a page.
///
/// # Errors
/// The errors of the browser session and of the page.
pub async fn handle_page(
    app: &AppState,
    context: &mut RequestContext,
    endpoint: PageEndpoint,
    RoutedRequest { request, body, method, address, .. }: RoutedRequest<'_>,
) -> Result<Response<BodyStream>, Error> {
    let page = PageRequest { method, path: address.path, query: address.query, headers: &request.headers };
    // The form names its session, and the token need not be fresh.
    if endpoint == PageEndpoint::SignOut && method == Method::Post {
        let ended = account_pages::sign_out(app, context, page, body).await;
        context.session = ended.session;
        return ended.response.map_err(page_error);
    }
    let cookies = match browser_session::authenticate_page(app, context, page).await? {
        PageAuthentication::Redirect(response, why) => {
            context.auth_outcome = Some(why);
            return Ok(response);
        }
        PageAuthentication::SignedIn(session, cookies) => {
            context.session = Some(session);
            cookies
        }
        PageAuthentication::SignedOut(why, cookies) => {
            context.auth_outcome = Some(why);
            cookies
        }
    };
    let session = context.session.as_ref();
    let response = match endpoint {
        PageEndpoint::Account => account_pages::account(app, context, session).await,
        PageEndpoint::SignIn => Ok(account_pages::redirect_to_hosted_page(app, context, page, HostedPage::SignIn)),
        PageEndpoint::SignUp => Ok(account_pages::redirect_to_hosted_page(app, context, page, HostedPage::SignUp)),
        PageEndpoint::SignOut => account_pages::sign_out_form(app, session),
    };
    let response = response.map_err(page_error)?;
    Ok(cookies.into_iter().fold(response, |response, cookie| response.with_header("set-cookie", cookie)))
}

/// Converts an error of the API to that of a page.
fn page_error(fault: Error) -> Error {
    if fault == Error::SessionRevoked {
        Error::PageSessionRevoked
    } else if fault == Error::ClerkRevocationIncomplete {
        Error::ClerkSignOutFailed
    } else {
        fault
    }
}
