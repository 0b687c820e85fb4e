//! Upstream requests, with a timeout for the complete response or for its head.

use super::super::{FetchError, Headers, UpstreamRequest, UpstreamResponse};
use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, ReadableStream, Response, WorkerGlobalScope};

/// Sends a request; the timeout includes the body of its response, also while that is forwarded.
pub(super) async fn whole(request: &UpstreamRequest) -> Result<UpstreamResponse<ReadableStream>, FetchError> {
    fetch_response(request, &AbortSignal::timeout_with_u32(request.timeout_ms)).await
}

/// Sends a request; the timeout ends with the head of its response.
///
/// A signal of `AbortSignal.timeout` cannot be stopped, and it aborts the body of a response as well for as long as its
/// request runs (<https://fetch.spec.whatwg.org/#abort-fetch>): a forwarded body was aborted after 10 s when the queue
/// did not accept a message.
pub(super) async fn head(request: &UpstreamRequest) -> Result<UpstreamResponse<ReadableStream>, FetchError> {
    let mut limit = Limit::start(request.timeout_ms).map_err(|_| FetchError::Unreachable)?;
    let response = fetch_response(request, &limit.controller.signal()).await;
    limit.completed = response.is_ok();
    response
}

/// A timer that aborts a request, until this is dropped. It calls no closure of the Hub, which would have to outlive
/// it.
struct Limit {
    controller: AbortController,
    timer: i32,
    /// True if the head was received in time. A request that ends without it, its future dropped included, is aborted.
    completed: bool,
}

impl Limit {
    fn start(milliseconds: u32) -> Result<Self, JsValue> {
        let controller = AbortController::new()?;
        let abort: Function = Reflect::get(&controller, &"abort".into())?.dyn_into()?;
        let abort = abort.bind0(&controller);
        let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
        let timer = scope().set_timeout_with_callback_and_timeout_and_arguments_0(&abort, milliseconds)?;
        Ok(Self { controller, timer, completed: false })
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        scope().clear_timeout_with_handle(self.timer);
        if !self.completed {
            self.controller.abort();
        }
    }
}

fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

async fn fetch_response(
    request: &UpstreamRequest,
    signal: &AbortSignal,
) -> Result<UpstreamResponse<ReadableStream>, FetchError> {
    let response = sent(request, signal)
        .await
        .map_err(|_| if signal.aborted() { FetchError::Timeout } else { FetchError::Unreachable })?;
    let headers = response.headers();
    let read = |name: &&str| Some(((*name).to_owned(), headers.get(name).ok()??));
    let headers = Headers::new(request.response_headers.iter().filter_map(read).collect());
    Ok(UpstreamResponse { status: response.status(), headers, body: response.body() })
}

async fn sent(request: &UpstreamRequest, signal: &AbortSignal) -> Result<Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in &request.headers {
        headers.set(name, value)?;
    }
    let init = web_sys::RequestInit::new();
    init.set_method(request.method.name());
    init.set_headers(&headers);
    // Workers forward Authorization to the target of a redirect.
    init.set_redirect(web_sys::RequestRedirect::Manual);
    // A response for one user must not be cached for others (RFC 9111 §3.5), whatever its headers state.
    init.set_cache(web_sys::RequestCache::NoStore);
    init.set_signal(Some(signal));
    // A request without a body is retried when a kept-alive connection is closed (capnproto#2785), so a DELETE could be
    // executed twice. PostgREST reads no body of a DELETE (src/PostgREST/ApiRequest/Payload.hs, `shouldParsePayload`).
    let changes = !request.method.is_read();
    if let Some(body) = request.body.as_deref().or(changes.then_some(b"{}".as_slice())) {
        init.set_body(&Uint8Array::from(body));
    }
    let fetch: Function = Reflect::get(&js_sys::global(), &"fetch".into())?.dyn_into()?;
    let promise: Promise = fetch.call2(&JsValue::UNDEFINED, &request.url.as_str().into(), &init)?.dyn_into()?;
    JsFuture::from(promise).await?.dyn_into()
}
