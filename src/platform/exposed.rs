//! Sessions whose tokens came over plain http (T-3): what of them is revoked already, and how often one person has it done.

use super::allowance::Allowance;
use crate::domain::session::Session;
use std::{cell::RefCell, collections::HashMap};

/// The exposed sessions that an isolate knows of.
#[derive(Debug)]
pub struct Exposed {
    /// By session id: up to which time of issue its tokens are revoked, Unix seconds.
    revoked: RefCell<HashMap<String, i64>>,
    allowance: Allowance,
}

impl Default for Exposed {
    fn default() -> Self {
        Self { revoked: RefCell::default(), allowance: Allowance::new(MAX_OF_ONE) }
    }
}

impl Exposed {
    /// Tells whether the database refuses this session's tokens up to this one already: a client that is configured with plain http sends
    /// each of them many times.
    #[must_use]
    pub fn are_revoked(&self, session: &Session) -> bool {
        self.revoked.borrow().get(&session.id).is_some_and(|until| session.issued_at <= *until)
    }

    /// Tells whether this person may have one more revoked within the minute; counts it if so.
    pub fn one_more(&self, user: &str, now_ms: u64) -> bool {
        self.allowance.one_more(user, now_ms)
    }

    /// Remembers that the database refuses this session's tokens up to this one.
    pub fn revoked(&self, session: &Session) {
        let mut revoked = self.revoked.borrow_mut();
        // What is forgotten is revoked once more.
        if revoked.len() >= MAX_SESSIONS {
            revoked.clear();
        }
        let until = revoked.entry(session.id.clone()).or_insert(session.issued_at);
        *until = session.issued_at.max(*until);
    }
}

/// A session has a token a minute, and one person few sessions.
const MAX_OF_ONE: u32 = 10;
const MAX_SESSIONS: usize = 1024;
