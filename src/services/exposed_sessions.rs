//! Sessions whose tokens were sent over plain http (T-3): the tokens that are already revoked, and a limit of
//! revocations per user.

use crate::{domain::session::Session, services::rate_limiter::RateLimiter};
use std::{cell::RefCell, collections::HashMap};

/// The exposed sessions known to an isolate.
#[derive(Debug)]
pub struct ExposedSessions {
    /// Latest time of issue of its revoked tokens by session id, in Unix seconds.
    revoked: RefCell<HashMap<String, i64>>,
    limiter: RateLimiter,
}

impl Default for ExposedSessions {
    fn default() -> Self {
        Self { revoked: RefCell::default(), limiter: RateLimiter::new(MAX_PER_USER) }
    }
}

impl ExposedSessions {
    /// Returns whether the database already rejects this session's tokens up to this one: a client that is configured
    /// with plain http sends each of them many times.
    #[must_use]
    pub fn are_revoked(&self, session: &Session) -> bool {
        self.revoked.borrow().get(&session.id).is_some_and(|until| session.issued_at <= *until)
    }

    /// Returns whether this user may have one more revocation within the minute, and counts it.
    pub fn try_acquire(&self, user: &str, now_ms: u64) -> bool {
        self.limiter.try_acquire(user, now_ms)
    }

    /// Records that the database rejects this session's tokens up to this one.
    pub fn mark_revoked(&self, session: &Session) {
        let mut revoked = self.revoked.borrow_mut();
        // An evicted session is revoked again.
        if revoked.len() >= MAX_SESSIONS {
            revoked.clear();
        }
        let until = revoked.entry(session.id.clone()).or_insert(session.issued_at);
        *until = session.issued_at.max(*until);
    }
}

/// A session has one token a minute, and a user has few sessions.
const MAX_PER_USER: u32 = 10;
const MAX_SESSIONS: usize = 1024;
