//! The public pages and files: the same for every client, cacheable, with an `ETag` (D-2).

use crate::logic::{
    config::Config,
    fault::{Fault, Public},
    reply::{Cache, Content, Media, Reply},
    views::{self, Page},
};
use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// `GET /`
///
/// # Errors
/// `Page` if the template or a data file cannot be used.
pub fn home<Body>(config: &Config, known: Option<&str>) -> Result<Reply<Body>, Fault> {
    let html = views::home(&page(config)).map_err(|_| Fault::Page)?;
    Ok(kept(Media::Html, html, known))
}

/// `GET /security`
///
/// # Errors
/// `Page` if the template or a data file cannot be used.
pub fn security<Body>(config: &Config, known: Option<&str>) -> Result<Reply<Body>, Fault> {
    let html = views::security(&page(config)).map_err(|_| Fault::Page)?;
    Ok(kept(Media::Html, html, known))
}

/// `GET /assets/hub.css`
#[must_use]
pub fn stylesheet<Body>(known: Option<&str>) -> Reply<Body> {
    kept(Media::Css, views::STYLESHEET, known)
}

/// `GET /assets/favicon.svg`
#[must_use]
pub fn favicon<Body>(known: Option<&str>) -> Reply<Body> {
    kept(Media::Svg, views::FAVICON, known)
}

/// `GET /robots.txt`
#[must_use]
pub fn robots<Body>(known: Option<&str>) -> Reply<Body> {
    kept(Media::Plain, views::ROBOTS, known)
}

/// `GET /.well-known/security.txt` (RFC 9116)
///
/// # Errors
/// `Page` if the template or a data file cannot be used.
pub fn security_txt<Body>(config: &Config, now_ms: u64) -> Result<Reply<Body>, Fault> {
    let text = views::security_txt(&page(config), now_ms / 1000).map_err(|_| Fault::Page)?;
    Ok(Reply::text(200, Media::Plain, Cache::Public, text))
}

/// Returns the page of an error; `None` if it cannot be rendered.
#[must_use]
pub fn problem<Body>(config: &Config, told: Public, request_id: &str) -> Option<Reply<Body>> {
    let html = views::problem(&page(config), told.status, told.message, told.hint, request_id).ok()?;
    Some(Reply::text(told.status, Media::Html, Cache::Nobody, html))
}

fn page(config: &Config) -> Page<'_> {
    Page {
        base_path: &config.base_path,
        origin: &config.origin,
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("HUB_COMMIT"),
    }
}

/// Returns a cacheable response whose validator is a hash of the text. The hash protects no secret, so that any hash
/// that differs between texts is sufficient.
fn kept<Body>(media: Media, text: impl Into<Cow<'static, str>>, known: Option<&str>) -> Reply<Body> {
    let text = text.into();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let held = known
        .is_some_and(|tags| tags.split(',').any(|held| ["*", &tag].contains(&held.trim().trim_start_matches("W/"))));
    let reply = Reply::text(200, media, Cache::Public, text).with("etag", tag);
    if held { Reply { status: 304, content: Content::Empty, ..reply } } else { reply }
}
