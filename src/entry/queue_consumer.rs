//! Receives the messages of a queue, and returns which of them are done.

use super::queues::{QUEUES, Queue, QueueConsumer};
use crate::{
    handlers::request_log_consumer::{self, Disposition, QueueMessage, RetryPolicy},
    runtime::{LogLevel, Runtime},
    services::app_state::AppState,
};
use std::rc::Rc;

/// Returns one verdict for each delivery, in their order. The messages of an unknown queue are retried.
pub async fn consume<P: Runtime>(
    hub: &Rc<AppState<P>>,
    platform: &P,
    name: &str,
    deliveries: &[QueueMessage],
) -> Vec<Disposition> {
    let Some((queue, patience)) = find_queue(name) else {
        let line = serde_json::json!({ "event": "unknown queue", "queue": name });
        platform.log(LogLevel::Error, &line.to_string());
        return postpone(platform, name, deliveries, UNKNOWN_QUEUE_RETRY_S);
    };
    let verdicts = request_log_consumer::write_batch(hub, platform, deliveries, patience).await;
    let again = verdicts.iter().filter(|verdict| **verdict != Disposition::Ack).count();
    let line = serde_json::json!({ "event": "queue", "queue": name, "messages": deliveries.len(), "again": again });
    // A message of that queue was rejected for hours and needs an operator.
    let dead = queue.consumer == QueueConsumer::RequestLogDeadLetters;
    let level = if dead || again > 0 { LogLevel::Error } else { LogLevel::Info };
    platform.log(level, &line.to_string());
    verdicts
}

/// Returns every message to the queue, of a Hub that cannot process any.
pub fn postpone<P: Runtime>(platform: &P, name: &str, deliveries: &[QueueMessage], after_s: u32) -> Vec<Disposition> {
    // The retries of an unknown queue are not known: its messages are logged completely each time.
    let patience = find_queue(name).map_or(RetryPolicy::Hourly { last: 1 }, |(_, patience)| patience);
    deliveries.iter().map(|delivery| request_log_consumer::postpone(platform, delivery, patience, after_s)).collect()
}

fn find_queue(name: &str) -> Option<(&'static Queue, RetryPolicy)> {
    let queue = QUEUES.iter().find(|queue| queue.is_named(name))?;
    let patience = match queue.consumer {
        QueueConsumer::RequestLog => RetryPolicy::Doubling,
        // The first delivery is not a retry.
        QueueConsumer::RequestLogDeadLetters => RetryPolicy::Hourly { last: queue.max_retries + 1 },
    };
    Some((queue, patience))
}

/// Delay of messages of a queue that is not in `QUEUES`, in seconds.
const UNKNOWN_QUEUE_RETRY_S: u32 = 60;
