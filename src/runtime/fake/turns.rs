//! The executor of the fake runtime: every operation waits once, and the clock advances when no future can continue
//! otherwise.
//!
//! A test can end a request in the two ways of production: its client disconnects, so that only the work in
//! `wait_until` continues, or the runtime ends that work as well. The latter drops no future: it is not polled any
//! more, and its resources remain held (rocicorp/cf-global-state, README: the lock of a cancelled request is never
//! released).

use super::{FakeRuntime, RuntimeError};
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

/// The ways in which the runtime ends the work of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its futures are dropped.
    Dropped,
    /// Its futures are never polled again and never dropped.
    Forgotten,
}

/// The running tasks, and the time.
#[derive(Default)]
pub(super) struct Turns {
    pub(super) now_ms: Cell<u64>,
    moved: Cell<bool>,
    alarms: RefCell<Vec<u64>>,
    background: RefCell<Vec<Task>>,
}

struct Task {
    request: u32,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

impl Turns {
    pub(super) fn spawn(&self, request: u32, future: impl Future<Output = ()> + 'static) {
        self.moved.set(true);
        self.background.borrow_mut().push(Task { request, future: Box::pin(future) });
    }

    /// Waits for one turn, as every operation of the runtime does at least.
    pub(super) async fn turn(&self) {
        let mut waited = false;
        poll_fn(|context| {
            if waited {
                return Poll::Ready(());
            }
            waited = true;
            self.moved.set(true);
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    pub(super) async fn sleep(&self, milliseconds: u64) {
        let until = self.now_ms.get() + milliseconds;
        self.alarms.borrow_mut().push(until);
        poll_fn(|_| if self.now_ms.get() < until { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    /// Polls each background future once; returns false if none can ever continue.
    fn round(&self) -> bool {
        let mut pending = Vec::new();
        for mut task in self.background.take() {
            match task.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(()) => self.moved.set(true),
                Poll::Pending => pending.push(task),
            }
        }
        pending.append(&mut self.background.borrow_mut());
        self.background.replace(pending);
        self.moved.replace(false) || self.advance()
    }

    /// Advances the clock to the next alarm.
    fn advance(&self) -> bool {
        let now = self.now_ms.get();
        let mut alarms = self.alarms.borrow_mut();
        alarms.retain(|alarm| *alarm > now);
        let next = alarms.iter().min().copied();
        if let Some(next) = next {
            self.now_ms.set(next);
        }
        next.is_some()
    }
}

impl FakeRuntime {
    /// Returns a handle of the same runtime for another request, which can be ended separately.
    #[must_use]
    pub fn another_request(&self) -> Self {
        let request = self.state.requests.get() + 1;
        self.state.requests.set(request);
        Self { state: self.state.clone(), request, stalls: false }
    }

    /// Returns a handle of the same runtime for a request whose client never ends its body.
    #[must_use]
    pub fn stalled_request(&self) -> Self {
        Self { stalls: true, ..self.another_request() }
    }

    /// Runs a future to its end, along with the background work.
    ///
    /// # Errors
    /// `RuntimeError` if it waits for an event that never happens.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, RuntimeError> {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Ok(value);
            }
            if !self.state.turns.round() {
                return Err(RuntimeError);
            }
        }
    }

    /// Polls a future this many times, along with the background work, and drops it, as when the client disconnects.
    /// Returns its result if it ended before.
    pub fn leave_after<T>(&self, polls: usize, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        for _ in 0..polls {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Some(value);
            }
            self.state.turns.round();
        }
        None
    }

    /// Ends the background work of this request, as Cloudflare does 30 seconds after its client has disconnected.
    pub fn end(&self, ending: Ending) {
        let (ended, others): (Vec<_>, Vec<_>) =
            self.state.turns.background.take().into_iter().partition(|task| task.request == self.request);
        self.state.turns.background.replace(others);
        match ending {
            Ending::Dropped => drop(ended),
            Ending::Forgotten => ended.into_iter().for_each(mem::forget),
        }
    }

    /// Discards all background work, as Cloudflare does when it ends an isolate.
    pub fn drop_background(&self) {
        self.state.turns.background.take();
    }

    /// Runs the background work to its end; returns the number of its tasks.
    ///
    /// # Errors
    /// `RuntimeError` for a task that never ends.
    pub fn run_background(&self) -> Result<usize, RuntimeError> {
        let turns = &self.state.turns;
        let count = turns.background.borrow().len();
        while !turns.background.borrow().is_empty() {
            if !turns.round() {
                return Err(RuntimeError);
            }
        }
        Ok(count)
    }
}
