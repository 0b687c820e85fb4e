//! The runtime in tests: clock, random bytes and network are set by the test, the cryptography is pure Rust.

mod bodies;
mod turns;

pub use bodies::{FakeBody, RecordedBody};
pub use turns::Ending;

use super::{
    BodyEnd, BodyReadError, FetchError, LogLevel, RequestMetric, RuntimeError, RuntimePort, UpstreamRequest,
    UpstreamResponse,
};
use jwt_compact::{
    Algorithm as _, AlgorithmSignature as _,
    alg::{Es256, Rsa, RsaPublicKey},
    jwk::JsonWebKey,
};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
};
use turns::Turns;

/// The upstreams of a test: a response for every request.
pub type Upstream = dyn FnMut(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError>;

/// A fake runtime; clones share its state.
#[derive(Clone)]
pub struct FakeRuntime {
    state: Rc<FakeState>,
    request: u32,
    /// True if the client of this request sends all but the end of its body and then stalls.
    stalls: bool,
}

struct FakeState {
    turns: Turns,
    /// Number of requests with their own handle.
    requests: Cell<u32>,
    chance: Cell<u32>,
    upstream: RefCell<Box<Upstream>>,
    /// The cache that the isolates of a data centre share: URL, bytes, expiry.
    cached: RefCell<Vec<(String, Vec<u8>, u64)>>,
    cache_hangs: Cell<bool>,
    sent: RefCell<Vec<UpstreamRequest>>,
    written_bodies: RefCell<Vec<Rc<RecordedBody>>>,
    /// The slow responses, by a part of the URL, and the milliseconds from head to end of body; `None`: no end.
    slow: RefCell<Option<(String, Option<u64>)>>,
    /// Waiting messages; `None`: there is no queue.
    queue: RefCell<Option<Vec<String>>>,
    dead_letters: Cell<Option<u64>>,
    metrics: RefCell<Vec<(String, u16, String)>>,
    log_lines: RefCell<Vec<(LogLevel, String)>>,
}

impl FakeRuntime {
    /// Starts at this time, with these upstreams.
    #[must_use]
    pub fn new(
        now_ms: u64,
        upstream: impl FnMut(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> + 'static,
    ) -> Self {
        let inside = FakeState {
            turns: Turns::default(),
            requests: Cell::new(0),
            chance: Cell::new(0),
            upstream: RefCell::new(Box::new(upstream)),
            cached: RefCell::default(),
            cache_hangs: Cell::default(),
            sent: RefCell::default(),
            written_bodies: RefCell::default(),
            slow: RefCell::default(),
            queue: RefCell::new(Some(Vec::new())),
            log_lines: RefCell::default(),
            dead_letters: Cell::new(Some(0)),
            metrics: RefCell::default(),
        };
        inside.turns.now_ms.set(now_ms);
        Self { state: Rc::new(inside), request: 0, stalls: false }
    }

    async fn turn(&self) {
        self.state.turns.turn().await;
    }

    /// Advances the clock.
    pub fn advance_time(&self, milliseconds: u64) {
        self.state.turns.now_ms.set(self.state.turns.now_ms.get() + milliseconds);
    }

    /// Returns and clears the requests sent since the last call.
    #[must_use]
    pub fn sent(&self) -> Vec<UpstreamRequest> {
        self.state.sent.take()
    }

    /// Returns and clears the messages put on the queue since the last call.
    #[must_use]
    pub fn queued(&self) -> Vec<String> {
        self.state.queue.borrow_mut().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sets the number of dead letters; `None`: the queue does not return it.
    pub fn dead_letters(&self, count: Option<u64>) {
        self.state.dead_letters.set(count);
    }

    /// Returns and clears the counted requests since the last call: code, status and route.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, u16, String)> {
        self.state.metrics.take()
    }

    /// Makes the queue reject every message from now on.
    pub fn fail_queue(&self) {
        self.state.queue.replace(None);
    }

    /// Makes the shared cache hang: neither reads nor writes complete.
    pub fn hang_cache(&self) {
        self.state.cache_hangs.set(true);
    }

    /// Waits for the cache.
    async fn cache(&self) {
        self.turn().await;
        if self.state.cache_hangs.get() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns and clears the lines logged since the last call.
    #[must_use]
    pub fn log_lines(&self) -> Vec<(LogLevel, String)> {
        self.state.log_lines.take()
    }
}

impl RuntimePort for FakeRuntime {
    type Body = FakeBody;
    type BodyWriter = Rc<RecordedBody>;
    type VerifyingKey = RsaPublicKey;
    type SigningKey = <Es256 as jwt_compact::Algorithm>::SigningKey;

    fn now_ms(&self) -> u64 {
        self.state.turns.now_ms.get()
    }

    /// Counts, so that ids are unique and a run is reproducible.
    fn random<const N: usize>(&self) -> Result<[u8; N], RuntimeError> {
        let next = self.state.chance.get().wrapping_add(1);
        self.state.chance.set(next);
        let [a, b, c, low] = next.to_be_bytes();
        let mut bytes = [low; N];
        for (byte, high) in bytes.iter_mut().zip([a, b, c]).filter(|_| next > 255) {
            *byte = high;
        }
        Ok(bytes)
    }

    async fn fetch(&self, request: UpstreamRequest) -> Result<UpstreamResponse<FakeBody>, FetchError> {
        let cut = self.now_ms() + u64::from(request.timeout_ms);
        let response = self.fetch_head(request).await?;
        Ok(UpstreamResponse { body: response.body.map(|body| body.cut_at(cut)), ..response })
    }

    async fn fetch_head(&self, request: UpstreamRequest) -> Result<UpstreamResponse<FakeBody>, FetchError> {
        self.turn().await;
        let response = self.state.upstream.borrow_mut()(&request);
        let (policy, url) = (request.timeout_ms, request.url.clone());
        self.state.sent.borrow_mut().push(request);
        if response.as_ref().is_err_and(|failure| *failure == FetchError::Timeout) {
            self.sleep(policy).await;
        } else {
            self.turn().await;
        }
        let UpstreamResponse { status, headers, body } = response?;
        Ok(UpstreamResponse { status, headers, body: body.map(|bytes| self.stream(&url, bytes)) })
    }

    async fn read_counted(
        &self,
        body: FakeBody,
        limit: usize,
        mut count: impl FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, BodyReadError> {
        self.turn().await;
        self.ended(&body).await?;
        let bytes = body.bytes;
        let mut read = 0;
        for part in bytes.chunks(PART_BYTES) {
            read += part.len();
            if read > limit || !count(part.len()) {
                return Err(BodyReadError::TooLarge);
            }
            if self.stalls && read == bytes.len() {
                std::future::pending::<()>().await;
            }
            self.turn().await;
        }
        Ok(bytes)
    }

    fn body_channel(&self) -> Result<(FakeBody, Rc<RecordedBody>), RuntimeError> {
        let relayed = Rc::new(RecordedBody::default());
        self.state.written_bodies.borrow_mut().push(Rc::clone(&relayed));
        Ok((Vec::new().into(), relayed))
    }

    async fn write(&self, sink: &Rc<RecordedBody>, part: Vec<u8>) -> Result<(), RuntimeError> {
        self.turn().await;
        if sink.left.get() {
            return Err(RuntimeError);
        }
        sink.bytes.borrow_mut().extend(part);
        Ok(())
    }

    async fn finish(&self, sink: Rc<RecordedBody>, end: BodyEnd) {
        self.turn().await;
        sink.whole.set(Some(end == BodyEnd::Complete));
    }

    async fn cache_get(&self, url: &str, limit: usize) -> Option<Vec<u8>> {
        self.cache().await;
        let now = self.now_ms();
        let entries = self.state.cached.borrow();
        let (_, bytes, _) = entries.iter().find(|(other, _, until)| other == url && now < *until)?;
        (bytes.len() <= limit).then(|| bytes.clone())
    }

    async fn cache_put(&self, url: &str, bytes: &[u8], seconds: u32) {
        self.cache().await;
        let until = self.now_ms() + u64::from(seconds) * 1000;
        let mut entries = self.state.cached.borrow_mut();
        entries.retain(|(other, ..)| other != url);
        entries.push((url.to_owned(), bytes.to_vec(), until));
    }

    async fn import_rsa(&self, modulus: &[u8], exponent: &[u8]) -> Result<RsaPublicKey, RuntimeError> {
        self.turn().await;
        let key = JsonWebKey::Rsa { modulus: modulus.into(), public_exponent: exponent.into(), private_parts: None };
        RsaPublicKey::try_from(&key).map_err(|_| RuntimeError)
    }

    async fn verify(&self, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<bool, RuntimeError> {
        self.turn().await;
        let signature =
            <Rsa as jwt_compact::Algorithm>::Signature::try_from_slice(signature).map_err(|_| RuntimeError)?;
        Ok(Rsa::rs256().verify_signature(&signature, key, message))
    }

    async fn import_p256(&self, _: &[u8; 32], _: &[u8; 32], d: &[u8; 32]) -> Result<Self::SigningKey, RuntimeError> {
        self.turn().await;
        Self::SigningKey::from_slice(d).map_err(|_| RuntimeError)
    }

    async fn sign(&self, key: &Self::SigningKey, message: &[u8]) -> Result<[u8; 64], RuntimeError> {
        self.turn().await;
        Es256.sign(key, message).as_bytes().as_ref().try_into().map_err(|_| RuntimeError)
    }

    async fn enqueue(&self, message: &str) -> Result<(), RuntimeError> {
        self.turn().await;
        // The limit of Cloudflare: 128 KB of 1000 bytes, about 100 of them its own.
        let fits = message.len() <= 127_900;
        let entries =
            self.state.queue.borrow_mut().as_mut().filter(|_| fits).map(|queue| queue.push(message.to_owned()));
        self.turn().await;
        entries.ok_or(RuntimeError)
    }

    async fn backlog(&self, binding: &str) -> Result<u64, RuntimeError> {
        self.turn().await;
        self.state.dead_letters.get().filter(|_| binding == "REQUEST_LOG_DLQ").ok_or(RuntimeError)
    }

    fn record_metric(&self, request: &RequestMetric<'_>) {
        self.state.metrics.borrow_mut().push((request.code.to_owned(), request.status, request.route.to_owned()));
    }

    fn wait_until(&self, future: impl Future<Output = ()> + 'static) {
        self.state.turns.spawn(self.request, future);
    }

    async fn sleep(&self, milliseconds: u32) {
        self.state.turns.sleep(milliseconds.into()).await;
    }

    fn log(&self, level: LogLevel, line: &str) {
        self.state.log_lines.borrow_mut().push((level, line.to_owned()));
    }
}

/// Size of one part of a body.
const PART_BYTES: usize = 64 * 1024;
