//! The request bodies that an isolate holds at once: bounded, because its 128 MiB serve all of its requests.

use super::{Platform, ReadFailure, hub::Hub};
use crate::logic::fault::Fault;
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    ops::Deref,
    pin::pin,
    rc::Rc,
    task::Poll,
};

/// The bytes that the requests of an isolate hold.
#[derive(Debug, Default)]
pub struct Bodies {
    held: RefCell<Vec<Rc<Share>>>,
}

/// The bytes of one request.
#[derive(Debug)]
struct Share {
    since: u64,
    bytes: Cell<usize>,
}

/// The bytes of a body that is being read, given back when this is dropped.
///
/// A request that the platform ends is never dropped (`platform/fakes/turns.rs`), so what is older than any request can be does
/// not count either.
#[derive(Debug)]
struct Held<'a> {
    bodies: &'a Bodies,
    share: Rc<Share>,
}

/// A body that was read whole; it counts for as long as this lives.
#[derive(Debug)]
pub struct Body<'a> {
    bytes: Vec<u8>,
    _held: Held<'a>,
}

impl Body<'_> {
    /// Gives the bytes out, to be sent on; they count on.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

impl Deref for Body<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    /// How many bytes are held.
    #[must_use]
    pub fn bytes(&self, now_ms: u64) -> usize {
        let mut held = self.held.borrow_mut();
        held.retain(|share| now_ms.saturating_sub(share.since) < LONGEST_REQUEST_MS);
        held.iter().map(|share| share.bytes.get()).sum()
    }

    fn begin(&self, now_ms: u64) -> Held<'_> {
        let share = Rc::new(Share { since: now_ms, bytes: Cell::new(0) });
        self.held.borrow_mut().push(Rc::clone(&share));
        Held { bodies: self, share }
    }
}

impl Held<'_> {
    /// Counts more bytes of this body; false when the isolate would hold too many.
    fn grow(&self, now_ms: u64, bytes: usize) -> bool {
        let fits = self.bodies.bytes(now_ms) + bytes <= MOST_BYTES;
        if fits {
            self.share.bytes.set(self.share.bytes.get() + bytes);
        }
        fits
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.bodies.held.borrow_mut().retain(|share| !Rc::ptr_eq(share, &self.share));
    }
}

/// Reads a request's body whole.
///
/// # Errors
/// `BodyTooLarge` over `limit` bytes, `BodyBroken` when the client leaves or takes too long, `Busy` when the isolate holds too
/// many bytes already.
pub async fn read<'a, P: Platform>(
    hub: &'a Hub<P>,
    platform: &P,
    body: Option<P::Body>,
    limit: usize,
) -> Result<Body<'a>, Fault> {
    let held = hub.bodies.begin(platform.now_ms());
    let Some(body) = body else { return Ok(Body { bytes: Vec::new(), _held: held }) };
    let busy = Cell::new(false);
    let count = |bytes| {
        let fits = held.grow(platform.now_ms(), bytes);
        busy.set(!fits);
        fits
    };
    let read = within(platform, READING_MS, platform.read_counted(body, limit, count)).await;
    match read {
        Some(Ok(bytes)) => Ok(Body { bytes, _held: held }),
        _ if busy.get() => Err(Fault::Busy),
        Some(Err(ReadFailure::TooLarge)) => Err(Fault::BodyTooLarge),
        Some(Err(ReadFailure::Broken)) | None => Err(Fault::BodyBroken),
    }
}

/// What the future gives, if it does within so many milliseconds.
async fn within<P: Platform, T>(platform: &P, milliseconds: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut late = pin!(platform.sleep(milliseconds));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => late.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// A quarter of an isolate's memory: each byte is there twice while it is sent on.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// How long a client may take to send its body.
const READING_MS: u32 = 20_000;
/// Longer than a request can hold its body: reading it, then Clerk and the database.
const LONGEST_REQUEST_MS: u64 = 60_000;
