//! Writes the request rows delivered by the queue (L-3): together, and by halves if the batch is rejected.
//!
//! A message is acknowledged once each of its rows is in the request log, or complete in `request_log_rejected`.

mod halves;

use crate::{
    logic::{
        error::row_rejection::RowRejection,
        request_log_batch::{self, Bounds},
    },
    runtime::{LogLevel, RuntimePort as _},
    services::{
        app_state::AppState,
        request_context::RequestContext,
        request_log_rows::{self, RejectedRecord},
    },
};
use halves::{End, MAX_UNANSWERED, RETRY_MS, write_individually};
use serde_json::{json, value::RawValue};

/// A delivered message: an array of request rows, made by
/// [`RequestLogWriter`](crate::services::request_log::RequestLogWriter).
#[derive(Clone, Debug)]
pub struct QueueMessage {
    /// The text of the message.
    pub text: String,
    /// Time since it was put on the queue, in seconds.
    pub age_s: u32,
    /// Number of this delivery, from 1.
    pub attempt: u32,
}

/// The outcome of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Delivered again after a delay.
    Retry {
        /// Delay in seconds, at most an hour.
        after_s: u32,
    },
    /// All its rows are in the database.
    Ack,
}

/// Delay before a message is delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// The time it has waited so far, so that each delay is twice the previous one; at most ten minutes.
    Doubling,
    /// An hour; after the last delivery the message has no further queue.
    Hourly {
        /// Number of the last delivery.
        last: u32,
    },
}

/// A row of a batch, with the index of its message.
struct BatchRow<'a> {
    message: usize,
    text: &'a str,
    end: End,
}

/// Writes the rows of all messages; returns one disposition each, in their order.
///
/// A message may be delivered twice, also while its first delivery is still being written: the database stores each row
/// once.
pub async fn write_batch(
    app: &AppState,
    context: &RequestContext,
    messages: &[QueueMessage],
    policy: RetryPolicy,
) -> Vec<Disposition> {
    let mut rows = Vec::new();
    for (message, delivery) in messages.iter().enumerate() {
        match serde_json::from_str::<Vec<&RawValue>>(&delivery.text) {
            Ok(parsed) => {
                rows.extend(parsed.into_iter().map(|row| BatchRow { message, text: row.get(), end: End::Waits }));
            }
            Err(_) => rows.push(BatchRow { message, text: &delivery.text, end: End::Refused(malformed_message()) }),
        }
    }
    let written = write_individually(app, context, &mut rows).await;
    // A missing privilege rejects every row alike; a row is the cause only if another row was written. A message that
    // has been retried for hours is stored in any case, so that no row is lost.
    let blamed = written || policy != RetryPolicy::Doubling;
    if blamed {
        for row in &mut rows {
            if let End::Unclear(rejection) = &row.end {
                row.end = End::Refused(rejection.clone());
            }
        }
    }
    write_messages(app, context, &mut rows).await;
    let done = |message| rows.iter().filter(|row| row.message == message).all(|row| row.end == End::Stored);
    let disposition = |(message, delivery): (usize, &QueueMessage)| {
        if done(message) {
            return Disposition::Ack;
        }
        retry(context, delivery, policy);
        Disposition::Retry { after_s: retry_delay_s(policy, delivery.age_s) }
    };
    messages.iter().enumerate().map(disposition).collect()
}

/// Logs that no attempt was possible, as for a Hub with invalid variables; on the last delivery, with the complete
/// message.
#[must_use]
pub fn postpone(context: &RequestContext, delivery: &QueueMessage, policy: RetryPolicy, after_s: u32) -> Disposition {
    retry(context, delivery, policy);
    Disposition::Retry { after_s }
}

/// Stores the rows that the request log rejects, and logs them completely.
async fn write_messages(app: &AppState, context: &RequestContext, rows: &mut [BatchRow<'_>]) {
    let mut refused: Vec<(&mut End, RejectedRecord<'_>)> = Vec::new();
    for BatchRow { text, end, .. } in rows {
        let rejection = match end {
            End::Refused(rejection) => rejection.clone(),
            End::Stored | End::Unclear(_) | End::Waits => continue,
        };
        refused.push((end, RejectedRecord { content: text, rejection }));
    }
    let contents: Vec<&str> = refused.iter().map(|(_, row)| row.content).collect();
    let sizes: Vec<usize> = request_log_batch::split(&contents, REQUEST).iter().map(|part| part.len()).collect();
    let mut refused = refused.into_iter();
    for size in sizes {
        let (ends, part): (Vec<_>, Vec<_>) = refused.by_ref().take(size).unzip();
        let stored = store_rejected(app, context, &part).await;
        for (end, row) in ends.into_iter().zip(part) {
            let line = json!({
                "event": "request_log.row_rejected",
                "stored": stored,
                "code": row.rejection.code,
                "reason": row.rejection.message,
                "row": as_json(row.content),
            });
            context.log(LogLevel::Error, line);
            if stored {
                *end = End::Stored;
            }
        }
    }
}

async fn store_rejected(app: &AppState, context: &RequestContext, rows: &[RejectedRecord<'_>]) -> bool {
    for attempt in 1..=MAX_UNANSWERED {
        if request_log_rows::reject(&app.database, context, rows).await.is_ok() {
            return true;
        }
        if attempt < MAX_UNANSWERED {
            context.runtime.sleep(RETRY_MS).await;
        }
    }
    false
}

/// Logs one line for a message that will be delivered again. On the last delivery it contains the complete message,
/// which is stored nowhere else afterwards.
fn retry(context: &RequestContext, delivery: &QueueMessage, policy: RetryPolicy) {
    let last = matches!(policy, RetryPolicy::Hourly { last } if delivery.attempt >= last);
    let line = if last {
        json!({ "event": "request_log.retries_exhausted", "age_s": delivery.age_s, "rows": as_json(&delivery.text) })
    } else {
        json!({ "event": "request_log.retry", "age_s": delivery.age_s, "attempt": delivery.attempt })
    };
    context.log(if last { LogLevel::Error } else { LogLevel::Warn }, line);
}

/// Returns a text parsed as JSON, or as a string if it is not JSON.
fn as_json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn malformed_message() -> RowRejection {
    RowRejection { code: "no_rows".to_owned(), message: "The message is no JSON array.".to_owned() }
}

const fn retry_delay_s(policy: RetryPolicy, age_s: u32) -> u32 {
    match policy {
        RetryPolicy::Hourly { .. } => MAX_RETRY_S,
        RetryPolicy::Doubling if age_s < MIN_RETRY_S => MIN_RETRY_S,
        RetryPolicy::Doubling if age_s > 600 => 600,
        RetryPolicy::Doubling => age_s,
    }
}

/// An hour, in seconds.
const MAX_RETRY_S: u32 = 3600;
const MIN_RETRY_S: u32 = 2;
/// Bounds of one request to the database, which it can process within its statement timeout.
const REQUEST: Bounds = Bounds { rows: 2_000, bytes: 1_000_000 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delay_doubles_up_to_ten_minutes_l_3() {
        let mut age = 1;
        let waits: Vec<u32> = (0..12)
            .map(|_| {
                let next = retry_delay_s(RetryPolicy::Doubling, age);
                age += next;
                next
            })
            .collect();
        assert_eq!(waits, [2, 3, 6, 12, 24, 48, 96, 192, 384, 600, 600, 600]);
        assert_eq!(retry_delay_s(RetryPolicy::Hourly { last: 91 }, 5), 3600);
    }
}
