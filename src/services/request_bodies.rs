//! The request bodies that an isolate holds at once: limited in total, because all its requests share 128 MiB, and per
//! sender, so that one sender of many slow bodies leaves room for others.
//!
//! Senders that are unknown until the body is read share one limit, because a signature is verified over the whole
//! body. A new body evicts the oldest one of that share, so that slow bodies of unauthenticated clients do not block
//! Clerk's messages, which arrive at once.

use crate::{
    domain::lifetimes::{BODY_READ_MS, MAX_BODY_MS, MAX_UNKNOWN_BODY_MS},
    logic::error::Error,
    runtime::{BodyReadError, BodyStream, RuntimePort as _},
    services::request_context::RequestContext,
};
use std::{
    cell::{Cell, RefCell},
    ops::Deref,
    pin::pin,
    rc::Rc,
};

/// The bytes held by the requests of an isolate.
#[derive(Debug, Default)]
pub struct BodyBudget {
    held: RefCell<Vec<Rc<Share>>>,
}

/// The sender of a body: all bodies of one sender share a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A user whose token was verified, by Clerk's user id: one user may have many sessions.
    User(String),
    /// A client that is unknown until the body is read.
    Unknown,
}

/// A body that is not yet read.
#[derive(Debug)]
pub struct Incoming {
    /// The sender.
    pub sender: Sender,
    /// The stream, if there is one.
    pub body: Option<BodyStream>,
    /// Maximum size in bytes.
    pub limit: usize,
}

/// The bytes of one request.
#[derive(Debug)]
struct Share {
    sender: Sender,
    since: u64,
    bytes: Cell<usize>,
    /// True if a newer body evicts it; its bytes are held until its request notices.
    gives_way: Cell<bool>,
}

/// The bytes of a body that is being read, released when this is dropped.
///
/// A request that the runtime ends is never dropped (`runtime/fake/turns.rs`), so bodies older than any request can
/// be do not count either.
#[derive(Debug)]
struct BudgetShare<'a> {
    bodies: &'a BodyBudget,
    share: Rc<Share>,
}

/// A completely read body; it counts as long as this exists.
#[derive(Debug)]
pub struct Body<'a> {
    bytes: Vec<u8>,
    _held: BudgetShare<'a>,
}

impl Body<'_> {
    /// Returns the bytes, to be forwarded; they still count.
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

impl BodyBudget {
    /// Returns the number of held bytes.
    #[must_use]
    pub fn bytes(&self, now_ms: u64) -> usize {
        self.prune(now_ms);
        self.held.borrow().iter().map(|share| share.bytes.get()).sum()
    }

    /// Stops counting the bodies of requests that must have ended by now.
    fn prune(&self, now_ms: u64) {
        let max_ms = |share: &Share| match share.sender {
            Sender::Unknown => MAX_UNKNOWN_BODY_MS,
            Sender::User(_) => MAX_BODY_MS,
        };
        self.held.borrow_mut().retain(|share| now_ms.saturating_sub(share.since) < max_ms(share));
    }

    /// Returns the number of held bytes of one sender, without evicted bodies.
    #[must_use]
    pub fn bytes_of(&self, sender: &Sender) -> usize {
        let held = self.held.borrow();
        let own = held.iter().filter(|share| share.sender == *sender && !share.gives_way.get());
        own.map(|share| share.bytes.get()).sum()
    }

    /// Returns the number of bytes of evicted bodies that are still held.
    fn bytes_given_way(&self) -> usize {
        self.held.borrow().iter().filter(|share| share.gives_way.get()).map(|share| share.bytes.get()).sum()
    }

    /// Evicts the oldest bodies of unknown senders until their share has room for more bytes of this one.
    fn make_room(&self, this: &Rc<Share>, bytes: usize) {
        while self.bytes_of(&Sender::Unknown) + bytes > MAX_BYTES_PER_SENDER {
            let held = self.held.borrow();
            let may = |share: &&Rc<Share>| {
                let counts = share.sender == Sender::Unknown && !share.gives_way.get() && share.bytes.get() > 0;
                counts && !Rc::ptr_eq(share, this)
            };
            match held.iter().find(may) {
                Some(oldest) => oldest.gives_way.set(true),
                None => return,
            }
        }
    }

    fn begin(&self, now_ms: u64, sender: Sender) -> BudgetShare<'_> {
        let share = Rc::new(Share { sender, since: now_ms, bytes: Cell::new(0), gives_way: Cell::new(false) });
        self.held.borrow_mut().push(Rc::clone(&share));
        BudgetShare { bodies: self, share }
    }
}

impl BudgetShare<'_> {
    /// Counts more bytes of this body; returns false if the isolate, or its sender, would hold too many.
    fn grow(&self, now_ms: u64, bytes: usize) -> bool {
        // First, so that bodies of ended requests block no other: nothing else may prune in a quiet isolate.
        self.bodies.prune(now_ms);
        if self.share.sender == Sender::Unknown {
            if self.share.gives_way.get() || self.bodies.bytes_given_way() + bytes > MAX_EVICTED_BYTES {
                return false;
            }
            self.bodies.make_room(&self.share, bytes);
        }
        let all = self.bodies.bytes(now_ms) + bytes;
        let own = self.bodies.bytes_of(&self.share.sender) + bytes;
        let this = self.share.bytes.get() + bytes;
        let fits = own <= MAX_BYTES_PER_SENDER
            && (all <= MAX_BYTES - RESERVED_BYTES
                || (all <= MAX_BYTES && this <= SMALL_BODY_BYTES && own <= MAX_RESERVED_BYTES_PER_SENDER));
        if fits {
            self.share.bytes.set(this);
        }
        fits
    }
}

impl Drop for BudgetShare<'_> {
    fn drop(&mut self) {
        self.bodies.held.borrow_mut().retain(|share| !Rc::ptr_eq(share, &self.share));
    }
}

/// Reads a request's body completely.
///
/// # Errors
/// `BodyTooLarge` over the limit, `BodyInterrupted` if the client disconnects or is too slow, `Busy` if the isolate
/// already holds too many bytes, in total or of this sender.
pub async fn read<'a>(
    budget: &'a BodyBudget,
    context: &RequestContext,
    Incoming { sender, body, limit }: Incoming,
) -> Result<Body<'a>, Error> {
    let held = budget.begin(context.runtime.now_ms(), sender);
    let Some(body) = body else { return Ok(Body { bytes: Vec::new(), _held: held }) };
    let busy = Cell::new(false);
    let count = |bytes| {
        let fits = held.grow(context.runtime.now_ms(), bytes);
        busy.set(!fits);
        fits
    };
    let (may_give_way, began) = (held.share.sender == Sender::Unknown, context.runtime.now_ms());
    let read = {
        let mut reading = pin!(context.runtime.read_counted(body, limit, count));
        loop {
            let policy = if may_give_way { EVICTION_POLL_MS } else { BODY_READ_MS };
            let read = context.runtime.within(policy, reading.as_mut()).await;
            let late = context.runtime.now_ms().saturating_sub(began) >= BODY_READ_MS.into();
            if read.is_some() || late || held.share.gives_way.get() {
                break read;
            }
        }
    };
    match read {
        Some(Ok(bytes)) => Ok(Body { bytes, _held: held }),
        _ if busy.get() || held.share.gives_way.get() => Err(Error::Busy),
        Some(Err(BodyReadError::TooLarge)) => Err(Error::BodyTooLarge),
        Some(Err(BodyReadError::Broken)) | None => Err(Error::BodyInterrupted),
    }
}

/// A quarter of an isolate's memory: each byte is held twice while it is forwarded.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Maximum of one sender: four bodies of the largest kind.
const MAX_BYTES_PER_SENDER: usize = 4 * 1024 * 1024;
/// Bytes that large bodies leave free for small ones.
const RESERVED_BYTES: usize = 8 * 1024 * 1024;
/// Maximum of one sender whose body is read into the reserve, so that only many senders can fill it.
const MAX_RESERVED_BYTES_PER_SENDER: usize = 1024 * 1024;
/// Maximum size of a small body: only arrays of rows and long webhooks are larger.
const SMALL_BODY_BYTES: usize = 128 * 1024;
/// Maximum bytes of evicted bodies whose requests have not yet noticed.
const MAX_EVICTED_BYTES: usize = MAX_BYTES_PER_SENDER;
/// Interval at which they check: one request must not wake another.
const EVICTION_POLL_MS: u32 = 100;
