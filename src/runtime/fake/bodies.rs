//! The bodies of the fake runtime: received ones take their time and may be cut off, sent ones are kept for the test.

use super::{BodyReadError, FakeRuntime, Runtime as _};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A body that comes in, or that is passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeBody {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Time of its last byte in milliseconds; `None` for a body without an end.
    end: Option<u64>,
    /// Time at which a timeout interrupts it, in milliseconds.
    cut: Option<u64>,
}

impl From<Vec<u8>> for FakeBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, end: Some(0), cut: None }
    }
}

impl FakeBody {
    /// The same, unless it takes longer.
    pub(super) fn cut_at(self, milliseconds: u64) -> Self {
        Self { cut: Some(milliseconds), ..self }
    }
}

/// A body written while it is sent; its response contains an empty one.
#[derive(Debug, Default)]
pub struct RecordedBody {
    /// The written bytes.
    pub bytes: RefCell<Vec<u8>>,
    /// True if it ended completely; `None` while it is open.
    pub whole: Cell<Option<bool>>,
    /// True if the client has stopped reading.
    pub left: Cell<bool>,
}

impl FakeRuntime {
    /// Has the bodies of answers from URLs with this part end so many milliseconds after their heads; `None`: never.
    pub fn slow_bodies(&self, part_of_url: &str, milliseconds: Option<u64>) {
        self.state.slow.replace(Some((part_of_url.to_owned(), milliseconds)));
    }

    /// Takes the bodies that were written while they were sent, since the last call.
    #[must_use]
    pub fn written_bodies(&self) -> Vec<Rc<RecordedBody>> {
        self.state.written_bodies.take()
    }

    /// The body of an answer whose head is there now.
    pub(super) fn stream(&self, url: &str, bytes: Vec<u8>) -> FakeBody {
        let slow = self.state.slow.borrow();
        let end = match slow.as_ref().filter(|(part, _)| url.contains(part)) {
            Some((_, takes)) => takes.map(|takes| self.now_ms() + takes),
            None => Some(0),
        };
        FakeBody { bytes, end, cut: None }
    }

    /// Waits until a body is there.
    ///
    /// # Errors
    /// `Broken` when it is cut off before.
    pub(super) async fn ended(&self, body: &FakeBody) -> Result<(), BodyReadError> {
        let cut = body.cut.filter(|cut| body.end.is_none_or(|end| *cut < end));
        let Some(until) = cut.or(body.end) else { return std::future::pending().await };
        let left = until.saturating_sub(self.now_ms());
        if left > 0 {
            self.state.turns.sleep(left).await;
        }
        if cut.is_some() { Err(BodyReadError::Broken) } else { Ok(()) }
    }
}
