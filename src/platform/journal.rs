//! The request rows (L-3): what each request to the API leaves, and when it is written.
//!
//! A change that commits writes its row inside its own transaction (`hub_private.before_request`). Everything else is
//! put on a queue from here, which keeps it until the database has it: at once where the answer must not leave without it,
//! else in the background, together with the rows of other requests. A queue that refuses is gone round.

use super::{
    Level, Platform,
    database::{ask, send},
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

/// Rows that wait to be written together.
#[derive(Debug, Default)]
pub struct Journal {
    waiting: RefCell<Vec<Row>>,
    /// When somebody began to gather them; a platform may end that request before it is done.
    gathering_since: Cell<Option<u64>>,
}

impl Journal {
    /// Takes a row that may be kept after the answer has left.
    pub fn later<P: Platform>(hub: &Rc<Hub<P>>, platform: &P, row: Row) {
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
            let rows = hub.journal.waiting.take();
            if !rows.is_empty() {
                keep_or_log(&hub, &background, &rows).await;
            }
        });
    }

    /// Makes one row safe now, with the rows that wait.
    ///
    /// # Errors
    /// `JournalUnavailable`: the answer may not leave. The rows that waited are logged instead.
    pub async fn now<P: Platform>(hub: &Hub<P>, platform: &P, row: Row) -> Result<(), Fault> {
        let mut rows = hub.journal.waiting.take();
        rows.push(row);
        if keep_or_log(hub, platform, &rows).await { Ok(()) } else { Err(Fault::JournalUnavailable) }
    }
}

/// Writes an array of request rows, as JSON, into the database; rows that stand there already are completed or left alone.
///
/// # Errors
/// What the database says.
pub async fn write<P: Platform>(hub: &Hub<P>, platform: &P, rows: &str) -> Result<(), Fault> {
    let question = ask(&hub.config.rest_url).rpc("record_requests", format!("{{\"requests\":{rows}}}"));
    send(hub, platform, "journal", "return=minimal", question).await.map(drop)
}

/// On the queue, else in the database, else in the log, which is the last place it can be kept in; false for the last.
async fn keep_or_log<P: Platform>(hub: &Hub<P>, platform: &P, rows: &[Row]) -> bool {
    let texts: Vec<String> = rows.iter().filter_map(|row| serde_json::to_string(row).ok()).collect();
    let mut kept = texts.len() == rows.len();
    for rows in batch::split(&texts, MESSAGE) {
        let text = batch::array(rows);
        // A row that is too large for the queue stands alone.
        let queued = text.len() <= MESSAGE.bytes && platform.enqueue(&text).await.is_ok();
        if queued || write_twice(hub, platform, &text).await {
            continue;
        }
        let line = format!("{{\"event\":\"request rows not written\",\"rows\":{text}}}");
        platform.log(Level::Error, &line);
        kept = false;
    }
    kept
}

async fn write_twice<P: Platform>(hub: &Hub<P>, platform: &P, rows: &str) -> bool {
    if write(hub, platform, rows).await.is_ok() {
        return true;
    }
    platform.sleep(RETRY_MS).await;
    write(hub, platform, rows).await.is_ok()
}

const GATHERING_MS: u32 = 20;
const PATIENCE_MS: u64 = 1_000;
const RETRY_MS: u32 = 100;
const MESSAGE: Bounds = Bounds { rows: batch::MOST_ROWS, bytes: batch::LARGEST_MESSAGE };
