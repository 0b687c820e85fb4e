//! The request rows (L-3): the content of a row, and the time at which it is written.
//!
//! A change that commits writes its row in its own transaction (`hub_private.before_request`). All other rows are put
//! on a queue from here, which stores them until they are in the database: before the response where it must not be
//! sent without the row, otherwise in the background, together with the rows of other requests. If the queue rejects a
//! message, its rows are written to the database directly.

use crate::{
    domain::method::ReceivedMethod,
    logic::{
        error::Error,
        query::ReadRecord,
        request_log_batch::{self, Bounds},
    },
    runtime::{LogLevel, RuntimePort as _},
    services::{
        database_client::{DatabaseClient, TimedJob, execute_job},
        request_context::RequestContext,
    },
};
use serde::Serialize;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// The row of one request to the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// Time of receipt, RFC 3339.
    pub occurred_at: String,
    /// The Hub's request id; unique.
    pub request_id: String,
    /// The client's request id, if it is safe to store.
    pub client_request_id: Option<String>,
    /// The method.
    pub method: ReceivedMethod,
    /// The path, with a table or function only if it is in the catalogue.
    pub route: String,
    /// The row of the access matrix, or `nobody`.
    pub who: &'static str,
    /// Clerk user id.
    pub actor_id: Option<String>,
    /// Clerk session id.
    pub session_id: Option<String>,
    /// The owner whose rows the session may access.
    pub owner_id: Option<String>,
    /// User id of the impersonator.
    pub impersonator_id: Option<String>,
    /// The outcome.
    pub outcome: Outcome,
    /// The status of the response; `None` if it has not been sent yet, and a second row completes this one.
    pub status: Option<u16>,
    /// The error code of the response.
    pub code: Option<String>,
    /// Duration until the head of the response, in milliseconds.
    pub duration_ms: u64,
    /// The part of it spent waiting for the database, in milliseconds.
    pub upstream_ms: Option<u64>,
    /// Number of rows in the response.
    #[serde(rename = "row_count")]
    pub row_count: Option<u64>,
    /// The data centre, three letters.
    pub colo: Option<String>,
    /// The client's country, two letters.
    pub country: Option<String>,
    /// `jti` of the session token.
    pub token_id: Option<String>,
    /// HMAC of the client's address with a key of the Hub.
    pub address_hash: Option<String>,
    /// The read of a staff member, for the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "look")]
    pub read_record: Option<ReadRecord>,
    /// The staff member's name in the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Processed as requested.
    Allowed,
    /// The Hub or an upstream failed.
    Failed,
    /// The caller has no permission, or the request is invalid.
    Refused,
}

impl Outcome {
    /// Returns the outcome of a status.
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
/// A row remains in one of the two lists until it is stored, so that the end of one request loses no row of another.
pub struct RequestLogWriter {
    database: Rc<DatabaseClient>,
    pending: RefCell<Vec<String>>,
    batches: RefCell<Vec<Rc<Batch>>>,
    /// Time at which a request began to gather them; the runtime may end that request before it is done.
    gathering_since: Cell<Option<u64>>,
}

/// Rows that a request is writing.
#[derive(Debug)]
struct Batch {
    since: u64,
    rows: Vec<String>,
}

impl RequestLogWriter {
    /// Starts without rows.
    #[must_use]
    pub fn new(database: Rc<DatabaseClient>) -> Rc<Self> {
        Rc::new(Self {
            database,
            pending: RefCell::default(),
            batches: RefCell::default(),
            gathering_since: Cell::default(),
        })
    }

    /// Accepts a row that may be stored after the response.
    pub fn record_deferred(self: &Rc<Self>, context: &RequestContext, row: &RequestRecord) {
        let Ok(row) = serde_json::to_string(row) else { return };
        let (now, since) = (context.runtime.now_ms(), self.gathering_since.get());
        self.pending.borrow_mut().push(row);
        if since.is_some_and(|since| now.saturating_sub(since) < BATCH_TIMEOUT_MS) {
            // Another request will write all of them.
            return;
        }
        self.gathering_since.set(Some(now));
        let (writer, background) = (Rc::clone(self), context.background());
        context.runtime.wait_until(async move {
            background.runtime.sleep(BATCH_DELAY_MS).await;
            writer.gathering_since.set(None);
            while let Some(batch) = writer.take_batch(background.runtime.now_ms(), None) {
                enqueue_or_insert_or_log(&writer, &background, &batch).await;
            }
        });
    }

    /// Stores one row now, with some of the waiting rows. Awaited from `wait_until` work only: a client that
    /// disconnects would cancel it otherwise.
    ///
    /// # Errors
    /// `RequestLogUnavailable`: the response must not be sent. The waiting rows are logged instead.
    pub async fn record_now(&self, context: &RequestContext, row: RequestRecord) -> Result<(), Error> {
        let row = serde_json::to_string(&row).map_err(|_| Error::RequestLogUnavailable)?;
        let batch = self.take_batch(context.runtime.now_ms(), Some(row)).ok_or(Error::RequestLogUnavailable)?;
        if enqueue_or_insert_or_log(self, context, &batch).await { Ok(()) } else { Err(Error::RequestLogUnavailable) }
    }

    /// Returns the rows of one message: this one, then the waiting ones, the oldest first. `None` if there is none.
    fn take_batch(&self, now: u64, own: Option<String>) -> Option<Rc<Batch>> {
        let mut waiting = self.pending.borrow_mut();
        let mut batches = self.batches.borrow_mut();
        batches.retain(|batch| {
            let overdue = now.saturating_sub(batch.since) >= OVERDUE_MS;
            if overdue {
                // The request that wrote them was ended; the database ignores rows that it already has.
                waiting.extend(batch.rows.iter().cloned());
            }
            !overdue
        });
        let mut rows: Vec<String> = own.into_iter().chain(waiting.drain(..)).collect();
        let bounds = Bounds { rows: request_log_batch::MAX_ROWS, bytes: request_log_batch::MAX_MESSAGE_BYTES };
        let fitting = request_log_batch::split(&rows, bounds).first().map_or(0, |first| first.len());
        waiting.extend(rows.drain(fitting..));
        if rows.is_empty() {
            return None;
        }
        let batch = Rc::new(Batch { since: now, rows });
        batches.push(Rc::clone(&batch));
        Some(batch)
    }
}

/// Stores rows in the queue, otherwise in the database, otherwise in the log, which is the last resort; returns false
/// in the last case.
async fn enqueue_or_insert_or_log(writer: &RequestLogWriter, context: &RequestContext, batch: &Rc<Batch>) -> bool {
    let text = request_log_batch::array(&batch.rows);
    // A row that is too large for the queue is a batch of its own.
    let queued = text.len() <= request_log_batch::MAX_MESSAGE_BYTES && context.runtime.enqueue(&text).await.is_ok();
    let is_stored = queued || insert_with_retry(&writer.database, context, &text).await;
    if !is_stored {
        let rows: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        context.log(LogLevel::Error, serde_json::json!({ "event": "request_log.write_failed", "rows": rows }));
    }
    writer.batches.borrow_mut().retain(|other| !Rc::ptr_eq(other, batch));
    is_stored
}

/// Writes rows into the database, which completes or ignores those that it already has.
///
/// A request that has waited for Clerk and the database must end within the 30 seconds that `wait_until` has after its
/// client has disconnected, so this timeout is shorter than that of a client's own request.
async fn insert_with_retry(database: &DatabaseClient, context: &RequestContext, rows: &str) -> bool {
    let job = TimedJob { name: "request-log", timeout_ms: INSERT_TIMEOUT_MS };
    let write = async || {
        let builder = database.query().rpc("record_requests", format!("{{\"requests\":{rows}}}"));
        execute_job(database, context, job, builder).await.is_ok()
    };
    if write().await {
        return true;
    }
    context.runtime.sleep(RETRY_MS).await;
    write().await
}

const BATCH_DELAY_MS: u32 = 20;
const BATCH_TIMEOUT_MS: u64 = 1_000;
const RETRY_MS: u32 = 100;
const INSERT_TIMEOUT_MS: u32 = 4_000;
/// Longer than a batch can take: 2 s for the queue, then the database twice.
const OVERDUE_MS: u64 = 15_000;
