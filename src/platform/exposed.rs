//! Sessions whose tokens were sent over plain http (T-3): the tokens that are already revoked, and a limit of
//! revocations per user.

use super::allowance::Allowance;
use crate::domain::session::Session;
use std::{cell::RefCell, collections::HashMap};

/// The exposed sessions known to an isolate.
#[derive(Debug)]
pub struct Exposed {
    /// Latest time of issue of its revoked tokens by session id, in Unix seconds.
    revoked: RefCell<HashMap<String, i64>>,
    allowance: Allowance,
}

impl Default for Exposed {
    fn default() -> Self {
        Self { revoked: RefCell::default(), allowance: Allowance::new(MAX_OF_ONE) }
    }
}

impl Exposed {
    /// Returns whether the database already rejects this session's tokens up to this one: a client that is configured
    /// with plain http sends each of them many times.
    #[must_use]
    pub fn are_revoked(&self, session: &Session) -> bool {
        self.revoked.borrow().get(&session.id).is_some_and(|until| session.issued_at <= *until)
    }

    /// Returns whether this user may have one more revocation within the minute, and counts it.
    pub fn one_more(&self, user: &str, now_ms: u64) -> bool {
        self.allowance.one_more(user, now_ms)
    }

    /// Records that the database rejects this session's tokens up to this one.
    pub fn revoked(&self, session: &Session) {
        let mut revoked = self.revoked.borrow_mut();
        // A forgotten session is revoked once more.
        if revoked.len() >= MAX_SESSIONS {
            revoked.clear();
        }
        let until = revoked.entry(session.id.clone()).or_insert(session.issued_at);
        *until = session.issued_at.max(*until);
    }
}

/// A session has one token a minute, and a user has few sessions.
const MAX_OF_ONE: u32 = 10;
const MAX_SESSIONS: usize = 1024;
