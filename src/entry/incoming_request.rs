//! A request as it was received, and after routing.

use crate::{
    domain::{
        headers::Headers,
        method::{Method, ReceivedMethod},
    },
    logic::http::request_url::RequestUrl,
    runtime::BodyStream,
};

/// A received request.
pub struct IncomingRequest {
    /// The method.
    pub method: ReceivedMethod,
    /// The absolute URL, as the client wrote it.
    pub url: String,
    /// The headers.
    pub headers: Headers,
    /// `request.cf.tlsVersion`.
    pub tls_version: Option<String>,
    /// `request.cf.colo`.
    pub colo: Option<String>,
    /// `request.cf.country`.
    pub country: Option<String>,
    /// The body, unread.
    pub body: Option<BodyStream>,
}

/// A request after routing, with what its handler needs of it.
pub struct RoutedRequest<'a> {
    /// The request.
    pub request: &'a IncomingRequest,
    /// Its body, unread.
    pub body: Option<BodyStream>,
    /// Its method, which the route allows.
    pub method: Method,
    /// Its URL.
    pub address: RequestUrl<'a>,
    /// The segment of the path that names a table or function.
    pub segment: &'a str,
}
