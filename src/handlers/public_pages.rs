//! The public pages and files: the same for every client, cacheable, with an `ETag` (D-2).

use crate::{
    domain::time::whole_seconds,
    logic::{
        config::Config,
        error::{Error, ErrorResponse},
        http::response::{CachePolicy, ContentKind, Response, ResponseBody},
        views::{self, SiteContext},
    },
    runtime::BodyStream,
};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// `GET /`
///
/// # Errors
/// `TemplateFailed` if the template or a data file cannot be used.
pub fn home(config: &Config, known: Option<&str>) -> Result<Response<BodyStream>, Error> {
    let html = views::home(&site_context(config)).map_err(|_| Error::TemplateFailed)?;
    Ok(cacheable_response(ContentKind::Html, html, known))
}

/// `GET /security`
///
/// # Errors
/// `TemplateFailed` if the template or a data file cannot be used.
pub fn security(config: &Config, known: Option<&str>) -> Result<Response<BodyStream>, Error> {
    let html = views::security(&site_context(config)).map_err(|_| Error::TemplateFailed)?;
    Ok(cacheable_response(ContentKind::Html, html, known))
}

/// `GET /assets/hub.css`
#[must_use]
pub fn stylesheet(known: Option<&str>) -> Response<BodyStream> {
    cacheable_response(ContentKind::Css, views::STYLESHEET, known)
}

/// `GET /assets/favicon.svg`
#[must_use]
pub fn favicon(known: Option<&str>) -> Response<BodyStream> {
    cacheable_response(ContentKind::Svg, views::FAVICON, known)
}

/// `GET /robots.txt`
#[must_use]
pub fn robots(known: Option<&str>) -> Response<BodyStream> {
    cacheable_response(ContentKind::Plain, views::ROBOTS, known)
}

/// `GET /.well-known/security.txt` (RFC 9116)
///
/// # Errors
/// `TemplateFailed` if the template or a data file cannot be used.
pub fn security_txt(config: &Config, now_ms: u64) -> Result<Response<BodyStream>, Error> {
    let text = views::security_txt(&site_context(config), whole_seconds(now_ms)).map_err(|_| Error::TemplateFailed)?;
    Ok(Response::text(200, ContentKind::Plain, CachePolicy::Public, text))
}

/// Returns the page of an error; `None` if it cannot be rendered.
#[must_use]
pub fn error_page(config: &Config, public: ErrorResponse, request_id: &str) -> Option<Response<BodyStream>> {
    let html = views::error_page(
        &site_context(config),
        views::ErrorText { status: public.status, title: public.message, sentence: public.hint },
        request_id,
    )
    .ok()?;
    Some(Response::text(public.status, ContentKind::Html, CachePolicy::NoStore, html))
}

fn site_context(config: &Config) -> SiteContext<'_> {
    SiteContext {
        base_path: &config.base_path,
        origin: &config.origin,
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("HUB_COMMIT"),
    }
}

/// Returns a cacheable response whose validator is the SHA-256 of the text, the same in every build of that text.
fn cacheable_response(
    media: ContentKind,
    text: impl Into<Cow<'static, str>>,
    known: Option<&str>,
) -> Response<BodyStream> {
    let text = text.into();
    let tag = format!("\"{}\"", base16ct::lower::encode_string(&Sha256::digest(text.as_bytes())));
    let held = known
        .is_some_and(|tags| tags.split(',').any(|held| ["*", &tag].contains(&held.trim().trim_start_matches("W/"))));
    let response = Response::text(200, media, CachePolicy::Public, text).with_header("etag", tag);
    if held { Response { status: 304, body: ResponseBody::Empty, ..response } } else { response }
}
