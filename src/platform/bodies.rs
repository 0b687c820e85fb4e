//! The request bodies that an isolate holds at once: bounded, because its 128 MiB serve all of its requests, and shared out, so that one
//! sender of many slow bodies leaves room for those of others.
//!
//! Those who are not known before their body was read have one share together: a signature is checked over the whole body. The oldest
//! body of that share gives way to a new one, so that slow bodies of strangers keep none of Clerk's messages away, which come at once.

use super::{Platform, ReadFailure, hub::Hub};
use crate::logic::fault::Fault;
use std::{
    cell::{Cell, RefCell},
    ops::Deref,
    pin::pin,
    rc::Rc,
};

/// The bytes that the requests of an isolate hold.
#[derive(Debug, Default)]
pub struct Bodies {
    held: RefCell<Vec<Rc<Share>>>,
}

/// The sender of a body: all bodies of one together have a share of the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A person whose token was verified, by Clerk's user id: one person may have many sessions.
    Person(String),
    /// A caller who is not known before the body was read.
    Unknown,
}

/// A body that was not read yet.
#[derive(Debug)]
pub struct Incoming<B> {
    /// Its sender.
    pub sender: Sender,
    /// The stream, if there is one.
    pub body: Option<B>,
    /// How many bytes it may have.
    pub limit: usize,
}

/// The bytes of one request.
#[derive(Debug)]
struct Share {
    sender: Sender,
    since: u64,
    bytes: Cell<usize>,
    /// Whether a newer body takes its place; its bytes are held until its request notices.
    gives_way: Cell<bool>,
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

    /// How many of them are one sender's, without those that give way.
    #[must_use]
    pub fn bytes_of(&self, sender: &Sender) -> usize {
        let held = self.held.borrow();
        let own = held.iter().filter(|share| share.sender == *sender && !share.gives_way.get());
        own.map(|share| share.bytes.get()).sum()
    }

    /// How many bytes of strangers give way and are held still.
    fn bytes_given_way(&self) -> usize {
        self.held.borrow().iter().filter(|share| share.gives_way.get()).map(|share| share.bytes.get()).sum()
    }

    /// Has the oldest bodies of strangers give way until there is room in their share for more bytes of this one.
    fn make_room(&self, this: &Rc<Share>, bytes: usize) {
        while self.bytes_of(&Sender::Unknown) + bytes > MOST_OF_ONE {
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

    fn begin(&self, now_ms: u64, sender: Sender) -> Held<'_> {
        let share = Rc::new(Share { sender, since: now_ms, bytes: Cell::new(0), gives_way: Cell::new(false) });
        self.held.borrow_mut().push(Rc::clone(&share));
        Held { bodies: self, share }
    }
}

impl Held<'_> {
    /// Counts more bytes of this body; false when the isolate, or its sender, would hold too many.
    fn grow(&self, now_ms: u64, bytes: usize) -> bool {
        if self.share.sender == Sender::Unknown {
            if self.share.gives_way.get() || self.bodies.bytes_given_way() + bytes > MOST_GIVEN_WAY {
                return false;
            }
            self.bodies.make_room(&self.share, bytes);
        }
        let all = self.bodies.bytes(now_ms) + bytes;
        let own = self.bodies.bytes_of(&self.share.sender) + bytes;
        let this = self.share.bytes.get() + bytes;
        let fits = own <= MOST_OF_ONE
            && (all <= MOST_BYTES - RESERVED || (all <= MOST_BYTES && this <= SMALL && own <= MOST_RESERVED_OF_ONE));
        if fits {
            self.share.bytes.set(this);
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
/// `BodyTooLarge` over the limit, `BodyBroken` when the client leaves or takes too long, `Busy` when the isolate holds too many
/// bytes already, of everybody or of this sender.
pub async fn read<'a, P: Platform>(
    hub: &'a Hub<P>,
    platform: &P,
    Incoming { sender, body, limit }: Incoming<P::Body>,
) -> Result<Body<'a>, Fault> {
    let held = hub.bodies.begin(platform.now_ms(), sender);
    let Some(body) = body else { return Ok(Body { bytes: Vec::new(), _held: held }) };
    let busy = Cell::new(false);
    let count = |bytes| {
        let fits = held.grow(platform.now_ms(), bytes);
        busy.set(!fits);
        fits
    };
    let (may_give_way, began) = (held.share.sender == Sender::Unknown, platform.now_ms());
    let read = {
        let mut reading = pin!(platform.read_counted(body, limit, count));
        loop {
            let patience = if may_give_way { NOTICING_MS } else { READING_MS };
            let read = platform.within(patience, reading.as_mut()).await;
            let late = platform.now_ms().saturating_sub(began) >= READING_MS.into();
            if read.is_some() || late || held.share.gives_way.get() {
                break read;
            }
        }
    };
    match read {
        Some(Ok(bytes)) => Ok(Body { bytes, _held: held }),
        _ if busy.get() || held.share.gives_way.get() => Err(Fault::Busy),
        Some(Err(ReadFailure::TooLarge)) => Err(Fault::BodyTooLarge),
        Some(Err(ReadFailure::Broken)) | None => Err(Fault::BodyBroken),
    }
}

/// A quarter of an isolate's memory: each byte is there twice while it is sent on.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// What one sender may hold: four bodies of the largest kind.
const MOST_OF_ONE: usize = 4 * 1024 * 1024;
/// What large bodies leave free for small ones.
const RESERVED: usize = 8 * 1024 * 1024;
/// What one sender may hold for a body to be read into the reserve, so that it takes many senders to fill that as well.
const MOST_RESERVED_OF_ONE: usize = 1024 * 1024;
/// A small body: all but arrays of rows and long webhooks are no longer.
const SMALL: usize = 128 * 1024;
/// How much of strangers may wait for its requests to notice that it gives way.
const MOST_GIVEN_WAY: usize = MOST_OF_ONE;
/// How soon they notice: what belongs to one request is not woken from another.
const NOTICING_MS: u32 = 100;
/// How long a client may take to send its body.
const READING_MS: u32 = 20_000;
/// Longer than a request can hold its body: reading it, then Clerk and the database.
const LONGEST_REQUEST_MS: u64 = 60_000;
