//! The runtime of Cloudflare: `fetch`, streams and the clock, used as the runtime's own objects.

mod fetch;

use super::{
    BodyEnd, BodyReadError, FetchError, Headers, LogLevel, RequestMetric, RuntimeError, RuntimePort, UpstreamRequest,
    UpstreamResponse, webcrypto,
};
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use std::{future::Future, rc::Rc, time::Duration};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CryptoKey, ReadableStream, ReadableStreamDefaultReader, Response, TransformStream, WritableStreamDefaultWriter,
};

/// The runtime of one event.
#[derive(Clone)]
pub struct WorkersRuntime {
    event: Rc<WorkerEvent>,
    env: worker::Env,
    queue: Option<&'static str>,
}

/// The context that extends the lifetime of an event beyond its response.
pub enum WorkerEvent {
    /// A request.
    Fetch(worker::Context),
    /// Messages of a queue.
    Queue(worker::Context),
    /// A cron trigger.
    Schedule(worker::ScheduleContext),
}

impl WorkersRuntime {
    /// Returns the runtime of this event, with the bindings of this Worker, one of which sends messages to the queue.
    #[must_use]
    pub fn new(event: WorkerEvent, env: worker::Env, queue: Option<&'static str>) -> Self {
        Self { event: Rc::new(event), env, queue }
    }
}

impl RuntimePort for WorkersRuntime {
    type Body = ReadableStream;
    type BodyWriter = WritableStreamDefaultWriter;
    type VerifyingKey = CryptoKey;
    type SigningKey = CryptoKey;

    fn now_ms(&self) -> u64 {
        // `worker::Date` would create an object for each call.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds since 1970 are whole, positive and below 2^53"
        )]
        let now = js_sys::Date::now() as u64;
        now
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], RuntimeError> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(|_| RuntimeError)?;
        Ok(bytes)
    }

    async fn fetch(&self, request: UpstreamRequest) -> Result<UpstreamResponse<ReadableStream>, FetchError> {
        fetch::whole(&request).await
    }

    async fn fetch_head(&self, request: UpstreamRequest) -> Result<UpstreamResponse<ReadableStream>, FetchError> {
        fetch::head(&request).await
    }

    async fn read_counted(
        &self,
        body: ReadableStream,
        limit: usize,
        mut count: impl FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, BodyReadError> {
        let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into().map_err(|_| BodyReadError::Broken)?;
        let mut reading = Reading { reader, ended: false };
        let mut bytes = Vec::new();
        loop {
            let part = JsFuture::from(reading.reader.read()).await;
            reading.ended = part.is_err();
            let part = part.map_err(|_| BodyReadError::Broken)?;
            let done = Reflect::get(&part, &"done".into()).map_err(|_| BodyReadError::Broken)?;
            if done.is_truthy() {
                reading.ended = true;
                return Ok(bytes);
            }
            let value = Reflect::get(&part, &"value".into()).map_err(|_| BodyReadError::Broken)?;
            let chunk: Uint8Array = value.dyn_into().map_err(|_| BodyReadError::Broken)?;
            let length = chunk.length() as usize;
            if bytes.len() + length > limit || !count(length) {
                return Err(BodyReadError::TooLarge);
            }
            bytes.extend(chunk.to_vec());
        }
    }

    fn body_channel(&self) -> Result<(ReadableStream, WritableStreamDefaultWriter), RuntimeError> {
        let stream = TransformStream::new().map_err(|_| RuntimeError)?;
        let writer = stream.writable().get_writer().map_err(|_| RuntimeError)?;
        Ok((stream.readable(), writer))
    }

    async fn write(&self, sink: &WritableStreamDefaultWriter, part: Vec<u8>) -> Result<(), RuntimeError> {
        let written = sink.write_with_chunk(&Uint8Array::from(part.as_slice()));
        JsFuture::from(written).await.map(drop).map_err(|_| RuntimeError)
    }

    async fn finish(&self, sink: WritableStreamDefaultWriter, end: BodyEnd) {
        let ended = match end {
            BodyEnd::Complete => sink.close(),
            BodyEnd::Aborted => sink.abort_with_reason(&"broken off".into()),
        };
        // A failure means that the client has disconnected.
        drop(JsFuture::from(ended).await);
    }

    async fn cache_get(&self, url: &str, limit: usize) -> Option<Vec<u8>> {
        let response: Response = cache_call("match", &[url.into()]).await.ok()?.dyn_into().ok()?;
        self.read(response.body()?, limit).await.ok()
    }

    async fn cache_put(&self, url: &str, bytes: &[u8], seconds: u32) {
        // Without a cache each isolate fetches for itself.
        let _ = async {
            let headers = web_sys::Headers::new()?;
            headers.set("cache-control", &format!("public, max-age={seconds}"))?;
            let init = web_sys::ResponseInit::new();
            init.set_headers(&headers);
            let mut bytes = bytes.to_vec();
            let response = Response::new_with_opt_u8_array_and_init(Some(&mut bytes), &init)?;
            cache_call("put", &[url.into(), response.into()]).await
        }
        .await;
    }

    async fn import_rsa(&self, modulus: &[u8], exponent: &[u8]) -> Result<CryptoKey, RuntimeError> {
        webcrypto::import_rsa(modulus, exponent).await
    }

    async fn verify(&self, key: &CryptoKey, message: &[u8], signature: &[u8]) -> Result<bool, RuntimeError> {
        webcrypto::verify(key, message, signature).await
    }

    async fn import_p256(&self, x: &[u8; 32], y: &[u8; 32], d: &[u8; 32]) -> Result<CryptoKey, RuntimeError> {
        webcrypto::import_p256(x, y, d).await
    }

    async fn sign(&self, key: &CryptoKey, message: &[u8]) -> Result<[u8; 64], RuntimeError> {
        webcrypto::sign(key, message).await
    }

    async fn enqueue(&self, message: &str) -> Result<(), RuntimeError> {
        let binding = self.queue.ok_or(RuntimeError)?;
        let options = Object::new();
        Reflect::set(&options, &"contentType".into(), &"text".into()).map_err(|_| RuntimeError)?;
        let sent_message: Promise =
            call_binding(&self.env, binding, "send", &[message.into(), options.into()]).map_err(|_| RuntimeError)?;
        let sent_message =
            self.within(QUEUE_SEND_TIMEOUT_MS, JsFuture::from(sent_message)).await.ok_or(RuntimeError)?;
        sent_message.map(drop).map_err(|_| RuntimeError)
    }

    async fn backlog(&self, binding: &str) -> Result<u64, RuntimeError> {
        let metric: Promise = call_binding(&self.env, binding, "metrics", &[]).map_err(|_| RuntimeError)?;
        let metrics = self
            .within(QUEUE_SEND_TIMEOUT_MS, JsFuture::from(metric))
            .await
            .ok_or(RuntimeError)?
            .map_err(|_| RuntimeError)?;
        let count = Reflect::get(&metrics, &"backlogCount".into()).ok().and_then(|count| count.as_f64());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is whole and positive")]
        count.map(|count| count as u64).ok_or(RuntimeError)
    }

    fn record_metric(&self, request: &RequestMetric<'_>) {
        // Limits: <https://developers.cloudflare.com/analytics/analytics-engine/limits/>; failures are ignored.
        let point = || {
            let blobs =
                [request.code, &request.status.to_string(), request.route, request.principal].map(JsValue::from);
            #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^53")]
            let doubles = [1.0, request.duration_ms as f64].map(JsValue::from);
            let point = Object::new();
            Reflect::set(&point, &"indexes".into(), &Array::of1(&request.code.into()))?;
            Reflect::set(&point, &"blobs".into(), &blobs.iter().collect::<Array>())?;
            Reflect::set(&point, &"doubles".into(), &doubles.iter().collect::<Array>())?;
            call_binding::<JsValue>(&self.env, "METRICS", "writeDataPoint", &[point.into()])
        };
        drop(point());
    }

    fn wait_until(&self, future: impl Future<Output = ()> + 'static) {
        match &*self.event {
            WorkerEvent::Fetch(context) | WorkerEvent::Queue(context) => context.wait_until(future),
            WorkerEvent::Schedule(context) => context.wait_until(future),
        }
    }

    async fn sleep(&self, milliseconds: u32) {
        worker::Delay::from(Duration::from_millis(milliseconds.into())).await;
    }

    fn log(&self, level: LogLevel, line: &str) {
        match level {
            LogLevel::Error => worker::console_error!("{line}"),
            LogLevel::Info => worker::console_log!("{line}"),
            LogLevel::Warn => worker::console_warn!("{line}"),
        }
    }
}

/// A body that is being read, cancelled if reading ends before the body, by a limit or a timeout: an abandoned stream
/// holds its connection for as long as the request runs.
struct Reading {
    reader: ReadableStreamDefaultReader,
    ended: bool,
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.reader.cancel());
        }
    }
}

/// Reads all headers in one call into JavaScript: a value contains no line break, and a name no comma.
#[must_use]
pub fn read_headers(headers: &web_sys::Headers) -> Headers {
    let lines = Array::from(headers).join("\n");
    let pairs = String::from(lines);
    Headers::new(
        pairs
            .split('\n')
            .filter_map(|pair| pair.split_once(','))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

/// Timeout of the queue for accepting a message, before its row is sent to the database directly, or for returning its
/// number of messages.
const QUEUE_SEND_TIMEOUT_MS: u32 = 2_000;

/// Calls a method of a binding.
///
/// # Errors
/// `undefined` without the binding; otherwise the value that the method throws.
fn call_binding<T: JsCast>(
    env: &worker::Env,
    binding: &str,
    method: &str,
    arguments: &[JsValue],
) -> Result<T, JsValue> {
    let bound = Reflect::get(env, &binding.into())?;
    // Reading a method of `undefined` throws, and each caught exception leaves an entry in the table of references
    // (seen by `make soak`: 24,000 requests without the binding METRICS left 32,000 entries).
    if bound.is_undefined() {
        return Err(JsValue::UNDEFINED);
    }
    let method: Function = Reflect::get(&bound, &method.into())?.dyn_into()?;
    method.apply(&bound, &arguments.iter().collect::<Array>())?.dyn_into()
}

/// Calls a method of `caches.default`, the cache of this data centre.
async fn cache_call(method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let caches = Reflect::get(&js_sys::global(), &"caches".into())?;
    let cache = Reflect::get(&caches, &"default".into())?;
    let method: Function = Reflect::get(&cache, &method.into())?.dyn_into()?;
    let promise: Promise = method.apply(&cache, &arguments.iter().collect::<Array>())?.dyn_into()?;
    JsFuture::from(promise).await
}
