//! The machine behind the Hub: one trait, its Workers implementation, its fake, and what is built on it.

pub mod allowance;
pub mod bodies;
pub mod clerk;
pub mod database;
#[cfg(all(target_arch = "wasm32", not(feature = "open")))]
pub mod edge;
pub mod exposed;
#[cfg(any(not(target_arch = "wasm32"), feature = "open"))]
pub mod fakes;
pub mod hub;
pub mod journal;
pub mod keys;
pub mod mint;
pub mod request_rows;

pub mod sessions;
pub mod visits;
#[cfg(target_arch = "wasm32")]
pub mod webcrypto;

pub use crate::domain::headers::Headers;
use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// What the Hub asks of the machine it runs on.
///
/// A value of it lives for one request. Futures need not be `Send`: an isolate has one thread.
#[allow(async_fn_in_trait)]
pub trait Platform: Clone + 'static {
    /// A body that passes through unread: a stream on Workers.
    type Body: 'static;
    /// The end of a body that is still being written.
    type Sink: 'static;
    /// An imported RSA public key.
    type VerifyingKey: Clone + 'static;
    /// An imported EC P-256 private key.
    type SigningKey: Clone + 'static;

    /// Milliseconds since the Unix epoch; on Workers it stands still between I/O.
    fn now_ms(&self) -> u64;

    /// Random bytes from a cryptographic generator.
    ///
    /// # Errors
    /// When the machine has no entropy; nothing is sent then.
    fn random<const N: usize>(&self) -> Result<[u8; N], Unavailable>;

    /// Sends one request; follows no redirect; gives up after the request's timeout.
    async fn fetch(&self, request: Outgoing) -> Result<Answer<Self::Body>, FetchFailure>;

    /// Reads a body whole.
    ///
    /// # Errors
    /// `TooLarge` as soon as it passes `limit` bytes; `Broken` when the other side goes away.
    async fn read(&self, body: Self::Body, limit: usize) -> Result<Vec<u8>, ReadFailure> {
        self.read_counted(body, limit, |_| true).await
    }

    /// Reads a body whole, as long as `count`, which is given the number of bytes of each part before they are kept, allows it.
    ///
    /// # Errors
    /// As [`Platform::read`]; `TooLarge` when `count` refuses.
    async fn read_counted(
        &self,
        body: Self::Body,
        limit: usize,
        count: impl FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, ReadFailure>;

    /// A body that is written while it leaves, and its other end.
    ///
    /// # Errors
    /// When the machine makes no streams.
    fn relay(&self) -> Result<(Self::Body, Self::Sink), Unavailable>;

    /// Writes a part of it; waits while nobody takes the last one.
    ///
    /// # Errors
    /// When nobody will.
    async fn write(&self, sink: &Self::Sink, part: Vec<u8>) -> Result<(), Unavailable>;

    /// Ends it, or breaks it off, so that whoever reads it sees that it is not whole.
    async fn end(&self, sink: Self::Sink, whole: bool);

    /// What another isolate of this place kept under a URL, if it is still there. May never answer.
    async fn kept(&self, url: &str, limit: usize) -> Option<Vec<u8>>;

    /// Keeps bytes under a URL for the other isolates of this place; it may be forgotten at any time. May never answer.
    async fn keep(&self, url: &str, bytes: &[u8], seconds: u32);

    /// Imports an RSA public key for RS256 (RFC 7518 §3.3); `n` and `e` are big-endian.
    async fn import_rsa(&self, modulus: &[u8], exponent: &[u8]) -> Result<Self::VerifyingKey, Unavailable>;

    /// Whether this RS256 signature over `message` is good.
    async fn verify(&self, key: &Self::VerifyingKey, message: &[u8], signature: &[u8]) -> Result<bool, Unavailable>;

    /// Imports a private P-256 key for ES256 from its JWK members `x`, `y`, `d` (32 bytes each).
    async fn import_p256(&self, x: &[u8; 32], y: &[u8; 32], d: &[u8; 32]) -> Result<Self::SigningKey, Unavailable>;

    /// Signs `message` with ES256; 64 bytes, r then s.
    async fn sign(&self, key: &Self::SigningKey, message: &[u8]) -> Result<[u8; 64], Unavailable>;

    /// Puts one message on the queue of request rows, which keeps it until it was taken.
    ///
    /// # Errors
    /// `Unavailable` when there is no queue, or it refuses, or it does not answer in time; the message may be kept all the same.
    async fn enqueue(&self, message: &str) -> Result<(), Unavailable>;

    /// How many messages wait in the queue behind a binding.
    ///
    /// # Errors
    /// `Unavailable` when there is no such queue, or it does not say in time.
    async fn backlog(&self, binding: &str) -> Result<u64, Unavailable>;

    /// Counts one request for an operator's charts; lost without a word where there is nothing to count with.
    fn count(&self, request: &Counted<'_>);

    /// Runs a future on after the answer has left.
    fn wait_until(&self, future: impl Future<Output = ()> + 'static);

    /// Waits.
    async fn sleep(&self, milliseconds: u32);

    /// Gives what a future gives, if it does within so many milliseconds.
    ///
    /// The timer is dropped when the future is first: on Workers, what loses a `Promise.race` keeps its closures until it settles, and a
    /// promise made of a future keeps them for the life of the isolate.
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
    fn log(&self, level: Level, line: &str);
}

/// One request, as it is counted: nothing of it names a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted<'a> {
    /// The error code of its response, or `ok`.
    pub code: &'a str,
    /// The status.
    pub status: u16,
    /// The route, with a table or function only if the Hub knows it.
    pub route: &'a str,
    /// The row of the access matrix, or `nobody`.
    pub who: &'a str,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A request the Hub sends.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The method in upper case.
    pub method: &'static str,
    /// The absolute URL.
    pub url: String,
    /// Header names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// Which headers of the answer are read, in lower case: each one costs a passage out of the platform.
    pub wanted: &'static [&'static str],
    /// The body; `None` for GET and HEAD.
    pub body: Option<Vec<u8>>,
    /// How long the answer may take, its body included, in milliseconds.
    pub timeout_ms: u32,
}

/// An answer to a request that the Hub sent.
pub struct Answer<Body> {
    /// The status code.
    pub status: u16,
    /// The wanted headers that are there; repeated ones joined by `, `.
    pub headers: Headers,
    /// The body, unread.
    pub body: Option<Body>,
}

/// Why a request the Hub sent has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFailure {
    /// The other side did not answer in time.
    Timeout,
    /// No connection, or it broke.
    Unreachable,
}

/// Why a body could not be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFailure {
    /// The stream broke.
    Broken,
    /// It is longer than allowed.
    TooLarge,
}

/// The platform refused something that it always can do (a fault of the machine or of a key).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the platform refused the operation")
    }
}

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is broken and somebody should look.
    Error,
    /// What happens all day.
    Info,
    /// Somebody did what they should not, or something limps.
    Warn,
}
