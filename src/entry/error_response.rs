//! The response of an error.

use super::incoming_request::IncomingRequest;
use crate::{
    handlers::{account_pages, public_pages},
    logic::{
        error::Error,
        http::{request_url::RequestUrl, response::Response},
    },
    runtime::BodyStream,
    services::{app_state::AppState, request_context::RequestContext},
};

/// Returns the response of an error: a page for a browser that accepts HTML, otherwise JSON.
pub(super) fn error_response(
    app: &AppState,
    context: &mut RequestContext,
    request: &IncomingRequest,
    fault: &Error,
) -> Response<BodyStream> {
    context.error = Some(fault.clone());
    let accepts_html = request.headers.value("accept").is_some_and(|accept| accept.contains("text/html"));
    let response = match fault.response() {
        Some(reported) if accepts_html && !context.is_api => {
            public_pages::error_page(&app.config, reported, &context.request_id)
                .unwrap_or_else(|| Response::error(fault))
                .with_error_headers(fault)
        }
        _ => Response::error(fault),
    };
    // Cookies of an ended session would only be rejected again.
    let path = RequestUrl::parse(&request.url).map_or("/", |address| address.path);
    if fault.ends_session() { account_pages::clear_session_cookies(app, response, path) } else { response }
}
