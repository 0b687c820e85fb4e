//! The runtime: its port as a trait, the Workers implementation (wasm32), and a fake one (tests).

#[cfg(not(deployed))]
pub mod fake;
mod upstream_request;
#[cfg(target_arch = "wasm32")]
pub mod webcrypto;
#[cfg(deployed)]
pub mod workers;

pub use crate::domain::headers::Headers;
use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};
pub use upstream_request::{FetchError, UpstreamRequest, UpstreamResponse};

/// The runtime of this build: that of Cloudflare.
#[cfg(deployed)]
pub type Runtime = workers::WorkersRuntime;

/// The runtime of this build: the fake one, which the tests control.
#[cfg(not(deployed))]
pub type Runtime = fake::FakeRuntime;

/// A body that is forwarded unread.
pub type BodyStream = <Runtime as RuntimePort>::Body;
/// The writing end of a body.
pub type BodyWriter = <Runtime as RuntimePort>::BodyWriter;
/// An imported RSA public key.
pub type ImportedVerifyingKey = <Runtime as RuntimePort>::VerifyingKey;
/// An imported EC P-256 private key.
pub type ImportedSigningKey = <Runtime as RuntimePort>::SigningKey;

/// The runtime operations that the Hub needs; both implementations fulfil it, so that what the tests see is what is
/// deployed.
///
/// A value exists for one request. Futures need not be `Send`: an isolate has one thread.
#[cfg_attr(not(deployed), expect(async_fn_in_trait, reason = "an isolate has one thread, so no future is `Send`"))]
pub trait RuntimePort: Clone + 'static {
    /// A body that is forwarded unread: a stream on Workers.
    type Body: 'static;
    /// The writing end of a body.
    type BodyWriter: 'static;
    /// An imported RSA public key.
    type VerifyingKey: Clone + 'static;
    /// An imported EC P-256 private key.
    type SigningKey: Clone + 'static;

    /// Returns milliseconds since the Unix epoch; on Workers the clock does not advance between I/O.
    fn now_ms(&self) -> u64;

    /// Returns random bytes from a cryptographic generator.
    ///
    /// # Errors
    /// If the runtime has no entropy; nothing is sent then.
    fn random<const N: usize>(&self) -> Result<[u8; N], RuntimeError>;

    /// Sends one request; follows no redirect; the request's timeout covers the body of the response as well.
    async fn fetch(&self, request: UpstreamRequest) -> Result<UpstreamResponse<Self::Body>, FetchError>;

    /// Does the same, but the timeout ends with the response's head: forwarding the body may take any time. A caller
    /// that reads it instead does so [`within`](RuntimePort::within) a time limit.
    async fn fetch_head(&self, request: UpstreamRequest) -> Result<UpstreamResponse<Self::Body>, FetchError>;

    /// Reads a body completely.
    ///
    /// # Errors
    /// `TooLarge` as soon as it exceeds `limit` bytes; `Broken` if the stream breaks.
    async fn read(&self, body: Self::Body, limit: usize) -> Result<Vec<u8>, BodyReadError> {
        self.read_counted(body, limit, |_| true).await
    }

    /// Reads the body of a response; empty if there is none, if it is longer than `limit`, and if it is incomplete.
    async fn read_or_empty(&self, body: Option<Self::Body>, limit: usize) -> Vec<u8> {
        match body {
            Some(body) => self.read(body, limit).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Reads a body completely, while `count` allows it, which is called with the size of each part before the part is
    /// stored.
    ///
    /// # Errors
    /// Same as [`RuntimePort::read`]; `TooLarge` if `count` returns false.
    async fn read_counted(
        &self,
        body: Self::Body,
        limit: usize,
        count: impl FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, BodyReadError>;

    /// Returns a body that is written while it is sent, and its writing end.
    ///
    /// # Errors
    /// If the runtime cannot create streams.
    fn body_channel(&self) -> Result<(Self::Body, Self::BodyWriter), RuntimeError>;

    /// Writes a part of it; waits until the previous part was read.
    ///
    /// # Errors
    /// If the reader has disconnected.
    async fn write(&self, sink: &Self::BodyWriter, part: Vec<u8>) -> Result<(), RuntimeError>;

    /// Ends it, or aborts it, so that the reader detects that it is incomplete.
    async fn finish(&self, sink: Self::BodyWriter, end: BodyEnd);

    /// Returns the bytes that another isolate of this data centre cached under a URL, if they still exist. May never
    /// complete.
    async fn cache_get(&self, url: &str, limit: usize) -> Option<Vec<u8>>;

    /// Caches bytes under a URL for the other isolates of this data centre; they may be evicted at any time. May never
    /// complete.
    async fn cache_put(&self, url: &str, bytes: &[u8], seconds: u32);

    /// Imports an RSA public key for RS256 (RFC 7518 §3.3); `modulus` and `exponent` are big-endian.
    async fn import_rsa(&self, modulus: &[u8], exponent: &[u8]) -> Result<Self::VerifyingKey, RuntimeError>;

    /// Returns whether this RS256 signature over `message` is valid.
    async fn verify(&self, key: &Self::VerifyingKey, message: &[u8], signature: &[u8]) -> Result<bool, RuntimeError>;

    /// Imports a private P-256 key for ES256 from its JWK members `x`, `y`, `d` (32 bytes each).
    async fn import_p256(&self, x: &[u8; 32], y: &[u8; 32], d: &[u8; 32]) -> Result<Self::SigningKey, RuntimeError>;

    /// Signs `message` with ES256; returns 64 bytes, r then s.
    async fn sign(&self, key: &Self::SigningKey, message: &[u8]) -> Result<[u8; 64], RuntimeError>;

    /// Sends one message to the queue of request rows, which stores it until it is consumed.
    ///
    /// # Errors
    /// `RuntimeError` if there is no queue, or it rejects, or it does not respond in time; the message may be stored
    /// nevertheless.
    async fn enqueue(&self, message: &str) -> Result<(), RuntimeError>;

    /// Returns the number of messages that wait in the queue of a binding.
    ///
    /// # Errors
    /// `RuntimeError` if there is no such queue, or it does not respond in time.
    async fn backlog(&self, binding: &str) -> Result<u64, RuntimeError>;

    /// Counts one request for an operator's charts; without effect if counting is not available.
    fn record_metric(&self, request: &RequestMetric<'_>);

    /// Continues a future after the response was sent.
    fn wait_until(&self, future: impl Future<Output = ()> + 'static);

    /// Waits.
    async fn sleep(&self, milliseconds: u32);

    /// Returns the output of a future, if it completes within this many milliseconds.
    ///
    /// The timer is dropped if the future is first: on Workers, the loser of a `Promise.race` holds its closures until
    /// it settles, and a promise made of a future holds them for the lifetime of the isolate.
    async fn within<T>(&self, milliseconds: u32, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut late = pin!(self.sleep(milliseconds));
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => late.as_mut().poll(context).map(|()| None),
        })
        .await
    }

    /// Writes one structured log line (a JSON object).
    fn log(&self, level: LogLevel, line: &str);
}

/// A counted request, without data of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestMetric<'a> {
    /// The error code of its response, or `ok`.
    pub code: &'a str,
    /// The status.
    pub status: u16,
    /// The route, with a table or function only if it is in the catalogue.
    pub route: &'a str,
    /// The row of the access matrix, or `nobody`.
    pub principal: &'a str,
    /// Duration in milliseconds.
    pub duration_ms: u64,
}

/// The way in which a body ends that was written while it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// All of it was written.
    Complete,
    /// It is incomplete, and the reader detects that.
    Aborted,
}

/// The reason why a body could not be read completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyReadError {
    /// The stream broke.
    Broken,
    /// The body is longer than allowed.
    TooLarge,
}

/// Failure of an operation that always succeeds, caused by the runtime or by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeError;

impl fmt::Display for RuntimeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the runtime rejected the operation")
    }
}

/// The severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// A failure that needs an operator.
    Error,
    /// Normal operation.
    Info,
    /// A rejected request, or a partial failure.
    Warn,
}
