//! The request rows (L-3): what each request to the API leaves, and when it is written.
//!
//! A change that commits writes its row inside its own transaction (`hub_private.before_request`). Everything else is
//! put on a queue from here, which keeps it until the database has it: at once where the answer must not leave without it,
//! else in the background, together with the rows of other requests. A queue that refuses is gone round.

use super::{
    Level, Platform,
    database::{Job, ask, send_job},
    hub::Hub,
};
use crate::logic::{
    batch::{self, Bounds},
    fault::Fault,
    postgrest::Look,
};
use serde::Serialize;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// One request to the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// When it came in, RFC 3339.
    pub occurred_at: String,
    /// The Hub's own id for it; unique.
    pub request_id: String,
    /// The id the client gave it, if it is safe to keep.
    pub client_request_id: Option<String>,
    /// The method.
    pub method: String,
    /// The path, with a table or function only if the Hub knows it.
    pub route: String,
    /// The row of the access matrix, or `nobody`.
    pub who: &'static str,
    /// Clerk user id.
    pub actor_id: Option<String>,
    /// Clerk session id.
    pub session_id: Option<String>,
    /// The client whose rows the session reaches.
    pub owner_id: Option<String>,
    /// Who acts in the user's place.
    pub impersonator_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer; `None` while an answer is still on its way, and a second row completes this one.
    pub status: Option<u16>,
    /// The error code of the answer.
    pub code: Option<String>,
    /// How long it took, up to the answer's head.
    pub duration_ms: u64,
    /// Of that, waiting for the database.
    pub upstream_ms: Option<u64>,
    /// How many rows the answer gave.
    #[serde(rename = "row_count")]
    pub answered: Option<u64>,
    /// The data centre, three letters.
    pub colo: Option<String>,
    /// The client's country, two letters.
    pub country: Option<String>,
    /// `jti` of the session token.
    pub token_id: Option<String>,
    /// The client's address under a key of the Hub's.
    pub address_hash: Option<String>,
    /// What a member of staff looked at; it goes into the trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
    /// What the trail calls who looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was answered as asked.
    Allowed,
    /// The Hub or what is behind it could not answer.
    Failed,
    /// The caller may not, or asked what is not understood.
    Refused,
}

impl Outcome {
    /// The outcome that a status stands for.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            0..=399 => Self::Allowed,
            400..=499 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// Rows that wait to be written together, as JSON.
///
/// A row stands in one of the two lists until it is safe, so that the end of one request loses no row of another.
#[derive(Debug, Default)]
pub struct Journal {
    waiting: RefCell<Vec<String>>,
    batches: RefCell<Vec<Rc<Batch>>>,
    /// When a request began to gather them; a platform may end that request before it is done.
    gathering_since: Cell<Option<u64>>,
}

/// Rows that a request writes.
#[derive(Debug)]
struct Batch {
    since: u64,
    rows: Vec<String>,
}

impl Journal {
    /// Takes a row that may be kept after the answer has left.
    pub fn later<P: Platform>(hub: &Rc<Hub<P>>, platform: &P, row: &Row) {
        let Ok(row) = serde_json::to_string(row) else { return };
        let (now, since) = (platform.now_ms(), hub.journal.gathering_since.get());
        hub.journal.waiting.borrow_mut().push(row);
        if since.is_some_and(|since| now.saturating_sub(since) < PATIENCE_MS) {
            // Another request comes back for all of them.
            return;
        }
        hub.journal.gathering_since.set(Some(now));
        let (hub, background) = (Rc::clone(hub), platform.clone());
        platform.wait_until(async move {
            background.sleep(GATHERING_MS).await;
            hub.journal.gathering_since.set(None);
            while let Some(batch) = hub.journal.take(background.now_ms(), None) {
                keep(&hub, &background, &batch).await;
            }
        });
    }

    /// Makes one row safe now, with some of the rows that wait. Awaited from `wait_until` work only: a client that leaves would end
    /// it before.
    ///
    /// # Errors
    /// `JournalUnavailable`: the answer may not leave. The rows that waited are logged instead.
    pub async fn now<P: Platform>(hub: &Hub<P>, platform: &P, row: Row) -> Result<(), Fault> {
        let row = serde_json::to_string(&row).map_err(|_| Fault::JournalUnavailable)?;
        let batch = hub.journal.take(platform.now_ms(), Some(row)).ok_or(Fault::JournalUnavailable)?;
        if keep(hub, platform, &batch).await { Ok(()) } else { Err(Fault::JournalUnavailable) }
    }

    /// The rows of one message: this one, then those that wait, the oldest first. `None` when there is none.
    fn take(&self, now: u64, own: Option<String>) -> Option<Rc<Batch>> {
        let mut waiting = self.waiting.borrow_mut();
        let mut batches = self.batches.borrow_mut();
        batches.retain(|batch| {
            let overdue = now.saturating_sub(batch.since) >= OVERDUE_MS;
            if overdue {
                // The request that wrote them was ended; rows that stand already are left alone by the database.
                waiting.extend(batch.rows.iter().cloned());
            }
            !overdue
        });
        let mut rows: Vec<String> = own.into_iter().chain(waiting.drain(..)).collect();
        let bounds = Bounds { rows: batch::MOST_ROWS, bytes: batch::LARGEST_MESSAGE };
        let fitting = batch::split(&rows, bounds).first().map_or(0, |first| first.len());
        waiting.extend(rows.drain(fitting..));
        if rows.is_empty() {
            return None;
        }
        let batch = Rc::new(Batch { since: now, rows });
        batches.push(Rc::clone(&batch));
        Some(batch)
    }
}

/// On the queue, else in the database, else in the log, which is the last place they can be kept in; false for the last.
async fn keep<P: Platform>(hub: &Hub<P>, platform: &P, batch: &Rc<Batch>) -> bool {
    let text = batch::array(&batch.rows);
    // A row that is too large for the queue stands alone.
    let queued = text.len() <= batch::LARGEST_MESSAGE && platform.enqueue(&text).await.is_ok();
    let kept = queued || write_twice(hub, platform, &text).await;
    if !kept {
        platform.log(Level::Error, &format!("{{\"event\":\"request rows not written\",\"rows\":{text}}}"));
    }
    hub.journal.batches.borrow_mut().retain(|other| !Rc::ptr_eq(other, batch));
    kept
}

/// Writes rows into the database, which completes or leaves alone those that stand there already.
///
/// A course that has waited for Clerk and the database must end within the 30 seconds that `wait_until` has once its client has left,
/// so this waits less for the database than a client's own question does.
async fn write_twice<P: Platform>(hub: &Hub<P>, platform: &P, rows: &str) -> bool {
    let job = Job { name: "journal", timeout_ms: WRITING_MS };
    let write = async || {
        let question = ask(&hub.config.rest_url).rpc("record_requests", format!("{{\"requests\":{rows}}}"));
        send_job(hub, platform, job, question).await.is_ok()
    };
    if write().await {
        return true;
    }
    platform.sleep(RETRY_MS).await;
    write().await
}

const GATHERING_MS: u32 = 20;
const PATIENCE_MS: u64 = 1_000;
const RETRY_MS: u32 = 100;
const WRITING_MS: u32 = 4_000;
/// Longer than a batch can take: 2 s for the queue, then the database twice.
const OVERDUE_MS: u64 = 15_000;
