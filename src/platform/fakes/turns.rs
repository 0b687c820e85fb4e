//! The executor of the fake machine: every operation waits once, and the clock moves when no future can go on otherwise.
//!
//! A test can end a request in the two ways of production: its client leaves, so that only the work in `wait_until` goes on, or
//! the platform ends that work as well. The latter drops no future: it is not polled any more, and what it holds stays held
//! (rocicorp/cf-global-state, README: the lock of a cancelled request is never released).

use super::{Fake, Unavailable};
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

/// How the platform ends the work of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its futures are dropped.
    Dropped,
    /// Its futures are never polled again and never dropped.
    Forgotten,
}

/// What runs, and the time.
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

    /// Waits for one turn, as every operation of the platform does at least.
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

    /// Polls each background future once; false when nothing can ever go on.
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

    /// Moves the clock to the next alarm.
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

impl Fake {
    /// The same machine for another request, which can be ended by itself.
    #[must_use]
    pub fn another_request(&self) -> Self {
        let request = self.inside.requests.get() + 1;
        self.inside.requests.set(request);
        Self { inside: self.inside.clone(), request, stalls: false }
    }

    /// The same machine for a request whose client never ends its body.
    #[must_use]
    pub fn stalled_request(&self) -> Self {
        Self { stalls: true, ..self.another_request() }
    }

    /// Runs a future to its end, and what was put off beside it.
    ///
    /// # Errors
    /// `Unavailable` when it waits for what never comes.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, Unavailable> {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Ok(value);
            }
            if !self.inside.turns.round() {
                return Err(Unavailable);
            }
        }
    }

    /// Polls a future so many times, with what was put off beside it, and drops it: the client has left. Gives what came of it,
    /// if it came to its end before.
    pub fn leave_after<T>(&self, polls: usize, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        for _ in 0..polls {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Some(value);
            }
            self.inside.turns.round();
        }
        None
    }

    /// Ends what this request has put off, as a platform does 30 seconds after its client has left.
    pub fn end(&self, ending: Ending) {
        let (ended, others): (Vec<_>, Vec<_>) =
            self.inside.turns.background.take().into_iter().partition(|task| task.request == self.request);
        self.inside.turns.background.replace(others);
        match ending {
            Ending::Dropped => drop(ended),
            Ending::Forgotten => ended.into_iter().for_each(mem::forget),
        }
    }

    /// Forgets everything that was put off, as a platform does that ends an isolate.
    pub fn lose_background(&self) {
        self.inside.turns.background.take();
    }

    /// Runs what was put off until after the answer to its end; gives how many things that were.
    ///
    /// # Errors
    /// `Unavailable` for one that never ends.
    pub fn run_background(&self) -> Result<usize, Unavailable> {
        let turns = &self.inside.turns;
        let count = turns.background.borrow().len();
        while !turns.background.borrow().is_empty() {
            if !turns.round() {
                return Err(Unavailable);
            }
        }
        Ok(count)
    }
}
