//! The bodies of the fake runtime: received ones have a duration and may be aborted, sent ones are stored for the test.

use super::{BodyReadError, FakeRuntime, RuntimePort as _};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A received body, or one that is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeBody {
    /// The complete content.
    pub bytes: Vec<u8>,
    /// Time of its last byte, in milliseconds since the Unix epoch; `None`: never.
    end: Option<u64>,
    /// Time at which a timeout aborts it, in milliseconds since the Unix epoch.
    cut: Option<u64>,
}

impl From<Vec<u8>> for FakeBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, end: Some(0), cut: None }
    }
}

impl FakeBody {
    /// Returns the same body, aborted at this time unless it has ended before.
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
    /// Delays the end of response bodies from URLs with this part, in milliseconds after the head; `None`: no end.
    pub fn slow_bodies(&self, part_of_url: &str, milliseconds: Option<u64>) {
        self.state.slow.replace(Some((part_of_url.to_owned(), milliseconds)));
    }

    /// Returns and clears the bodies that were written while they were sent, since the last call.
    #[must_use]
    pub fn written_bodies(&self) -> Vec<Rc<RecordedBody>> {
        self.state.written_bodies.take()
    }

    /// Returns the body of a response whose head is received now.
    pub(super) fn stream(&self, url: &str, bytes: Vec<u8>) -> FakeBody {
        let slow = self.state.slow.borrow();
        let end = match slow.as_ref().filter(|(part, _)| url.contains(part)) {
            Some((_, takes)) => takes.map(|takes| self.now_ms() + takes),
            None => Some(0),
        };
        FakeBody { bytes, end, cut: None }
    }

    /// Waits for the end of a body.
    ///
    /// # Errors
    /// `Broken` if it is aborted before.
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
