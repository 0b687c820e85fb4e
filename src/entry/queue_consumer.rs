//! Receives the messages of a queue, and returns which of them are done.

use super::queues::{QUEUES, Queue, QueueConsumer};
use crate::{
    handlers::request_log_consumer::{self, Disposition, QueueMessage, RetryPolicy},
    runtime::{LogLevel, Runtime},
    services::{app_state::AppState, request_context::RequestContext},
};
use std::rc::Rc;

/// Returns one disposition for each delivery, in their order. The messages of an unknown queue are retried.
pub async fn consume(app: &Rc<AppState>, runtime: &Runtime, name: &str, messages: &[QueueMessage]) -> Vec<Disposition> {
    let context = &RequestContext::for_event(runtime);
    let Some((queue, policy)) = find_queue(name) else {
        let line = serde_json::json!({ "event": "queue.unknown", "queue": name });
        context.log(LogLevel::Error, line);
        return postpone_all(context, name, messages, UNKNOWN_QUEUE_RETRY_S);
    };
    let dispositions = request_log_consumer::write_batch(app, context, messages, policy).await;
    let retried = dispositions.iter().filter(|disposition| **disposition != Disposition::Ack).count();
    let line = serde_json::json!({ "event": "queue", "queue": name, "messages": messages.len(), "retried": retried });
    // A message of that queue was rejected for hours and needs an operator.
    let dead = queue.consumer == QueueConsumer::RequestLogDeadLetters;
    let level = if dead || retried > 0 { LogLevel::Error } else { LogLevel::Info };
    context.log(level, line);
    dispositions
}

/// Returns every message to the queue, of a Hub that cannot process any.
#[must_use]
pub fn postpone(runtime: &Runtime, name: &str, messages: &[QueueMessage], after_s: u32) -> Vec<Disposition> {
    postpone_all(&RequestContext::for_event(runtime), name, messages, after_s)
}

fn postpone_all(context: &RequestContext, name: &str, messages: &[QueueMessage], after_s: u32) -> Vec<Disposition> {
    // The maximum retries of an unknown queue are not configured here: its messages are logged completely each time.
    let policy = find_queue(name).map_or(RetryPolicy::Hourly { last: 1 }, |(_, policy)| policy);
    messages.iter().map(|message| request_log_consumer::postpone(context, message, policy, after_s)).collect()
}

fn find_queue(name: &str) -> Option<(&'static Queue, RetryPolicy)> {
    let queue = QUEUES.iter().find(|queue| queue.is_named(name))?;
    let policy = match queue.consumer {
        QueueConsumer::RequestLog => RetryPolicy::Doubling,
        // The first delivery is not a retry.
        QueueConsumer::RequestLogDeadLetters => RetryPolicy::Hourly { last: queue.max_retries + 1 },
    };
    Some((queue, policy))
}

/// Delay of messages of a queue that is not in `QUEUES`, in seconds.
const UNKNOWN_QUEUE_RETRY_S: u32 = 60;
