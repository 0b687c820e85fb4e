//! Writes the request rows delivered by the queue (L-3): together, and by halves if the batch is rejected.
//!
//! A message is acknowledged once each of its rows is in the request log, or complete in `request_log_rejected`.

mod halves;

use crate::{
    logic::{
        batch::{self, Bounds},
        row_refusal::RowRefusal,
    },
    platform::{
        Level, Platform,
        hub::Hub,
        request_rows::{self, Rejected},
    },
};
use halves::{End, MOST_UNANSWERED, RETRY_MS, write_apart};
use serde_json::{json, value::RawValue};

/// A delivered message: an array of request rows, made by [`journal`](crate::platform::journal).
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The text of the message.
    pub text: String,
    /// Time since it was put on the queue, in seconds.
    pub age_s: u32,
    /// Number of this delivery, from 1.
    pub attempt: u32,
}

/// The outcome of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered again after a delay.
    Again {
        /// Delay in seconds, at most an hour.
        after_s: u32,
    },
    /// All its rows are in the database.
    Done,
}

/// Delay before a message is delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
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

/// Writes the rows of all messages; returns one verdict each, in their order.
///
/// A message may be delivered twice, also while its first delivery is still being written: the database stores each row
/// once.
pub async fn record<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    deliveries: &[Delivery],
    patience: Patience,
) -> Vec<Verdict> {
    let mut rows = Vec::new();
    for (message, delivery) in deliveries.iter().enumerate() {
        match serde_json::from_str::<Vec<&RawValue>>(&delivery.text) {
            Ok(parsed) => {
                rows.extend(parsed.into_iter().map(|row| BatchRow { message, text: row.get(), end: End::Waits }));
            }
            Err(_) => rows.push(BatchRow { message, text: &delivery.text, end: End::Refused(no_rows()) }),
        }
    }
    let written = write_apart(hub, platform, &mut rows).await;
    // A missing privilege rejects every row alike; a row is at fault only if another row was written. A message that
    // has been retried for hours is stored in any case, so that no row is lost.
    let blamed = written || patience != Patience::Doubling;
    store(hub, platform, &mut rows, blamed).await;
    let done = |message| rows.iter().filter(|row| row.message == message).all(|row| row.end == End::Stands);
    let verdict = |(message, delivery): (usize, &Delivery)| {
        if done(message) {
            return Verdict::Done;
        }
        again(platform, delivery, patience);
        Verdict::Again { after_s: wait(patience, delivery.age_s) }
    };
    deliveries.iter().enumerate().map(verdict).collect()
}

/// Logs that no attempt was possible, as for a Hub with invalid variables; on the last delivery, with the complete
/// message.
pub fn postpone<P: Platform>(platform: &P, delivery: &Delivery, patience: Patience, after_s: u32) -> Verdict {
    again(platform, delivery, patience);
    Verdict::Again { after_s }
}

/// Stores the rows that the request log rejects, and logs them completely.
async fn store<P: Platform>(hub: &Hub<P>, platform: &P, rows: &mut [BatchRow<'_>], blamed: bool) {
    let mut refused: Vec<(&mut End, Rejected<'_>)> = Vec::new();
    for BatchRow { text, end, .. } in rows {
        let refusal = match end {
            End::Refused(refusal) => refusal.clone(),
            End::Unclear(refusal) if blamed => refusal.clone(),
            End::Stands | End::Unclear(_) | End::Waits => continue,
        };
        refused.push((end, Rejected { content: text, refusal }));
    }
    let contents: Vec<&str> = refused.iter().map(|(_, row)| row.content).collect();
    let sizes: Vec<usize> = batch::split(&contents, REQUEST).iter().map(|part| part.len()).collect();
    let mut refused = refused.into_iter();
    for size in sizes {
        let (ends, part): (Vec<_>, Vec<_>) = refused.by_ref().take(size).unzip();
        let stored = stored(hub, platform, &part).await;
        for (end, row) in ends.into_iter().zip(part) {
            let line = json!({
                "event": "request row rejected",
                "stored": stored,
                "code": row.refusal.code,
                "reason": row.refusal.message,
                "row": whole(row.content),
            });
            platform.log(Level::Error, &line.to_string());
            if stored {
                *end = End::Stands;
            }
        }
    }
}

async fn stored<P: Platform>(hub: &Hub<P>, platform: &P, rows: &[Rejected<'_>]) -> bool {
    for attempt in 1..=MOST_UNANSWERED {
        if request_rows::reject(hub, platform, rows).await.is_ok() {
            return true;
        }
        if attempt < MOST_UNANSWERED {
            platform.sleep(RETRY_MS).await;
        }
    }
    false
}

/// Logs one line for a message that will be delivered again. On the last delivery it contains the complete message,
/// which is stored nowhere else afterwards.
fn again<P: Platform>(platform: &P, delivery: &Delivery, patience: Patience) {
    let last = matches!(patience, Patience::Hourly { last } if delivery.attempt >= last);
    let line = if last {
        json!({ "event": "request rows given up", "age_s": delivery.age_s, "rows": whole(&delivery.text) })
    } else {
        json!({ "event": "request rows come again", "age_s": delivery.age_s, "attempt": delivery.attempt })
    };
    platform.log(if last { Level::Error } else { Level::Warn }, &line.to_string());
}

/// Returns a text parsed as JSON, or as a string if it is not JSON.
fn whole(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn no_rows() -> RowRefusal {
    RowRefusal { code: "no_rows".to_owned(), message: "The message is no JSON array.".to_owned() }
}

const fn wait(patience: Patience, age_s: u32) -> u32 {
    match patience {
        Patience::Hourly { .. } => LONGEST_S,
        Patience::Doubling if age_s < SHORTEST_S => SHORTEST_S,
        Patience::Doubling if age_s > 600 => 600,
        Patience::Doubling => age_s,
    }
}

/// An hour, in seconds.
const LONGEST_S: u32 = 3600;
const SHORTEST_S: u32 = 2;
/// Bounds of one request to the database, which it can process within its statement timeout.
const REQUEST: Bounds = Bounds { rows: 2_000, bytes: 1_000_000 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_last_up_to_ten_minutes_l_3() {
        let mut age = 1;
        let waits: Vec<u32> = (0..12)
            .map(|_| {
                let next = wait(Patience::Doubling, age);
                age += next;
                next
            })
            .collect();
        assert_eq!(waits, [2, 3, 6, 12, 24, 48, 96, 192, 384, 600, 600, 600]);
        assert_eq!(wait(Patience::Hourly { last: 91 }, 5), 3600);
    }
}
