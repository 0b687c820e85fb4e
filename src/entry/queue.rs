//! Receives the messages of a queue, and returns which of them are done.

use super::queues::{QUEUES, Queue, Taking};
use crate::{
    handlers::requests::{self, Delivery, Patience, Verdict},
    platform::{Level, Platform, hub::Hub},
};
use std::rc::Rc;

/// Returns one verdict for each delivery, in their order. The messages of an unknown queue are retried.
pub async fn take<P: Platform>(hub: &Rc<Hub<P>>, platform: &P, name: &str, deliveries: &[Delivery]) -> Vec<Verdict> {
    let Some((queue, patience)) = found(name) else {
        let line = serde_json::json!({ "event": "unknown queue", "queue": name });
        platform.log(Level::Error, &line.to_string());
        return postpone(platform, name, deliveries, UNKNOWN_S);
    };
    let verdicts = requests::record(hub, platform, deliveries, patience).await;
    let again = verdicts.iter().filter(|verdict| **verdict != Verdict::Done).count();
    let line = serde_json::json!({ "event": "queue", "queue": name, "messages": deliveries.len(), "again": again });
    // A message of that queue was rejected for hours and needs an operator.
    let dead = queue.work == Taking::RecordDeadLetters;
    let level = if dead || again > 0 { Level::Error } else { Level::Info };
    platform.log(level, &line.to_string());
    verdicts
}

/// Returns every message to the queue, of a Hub that cannot process any.
pub fn postpone<P: Platform>(platform: &P, name: &str, deliveries: &[Delivery], after_s: u32) -> Vec<Verdict> {
    // The retries of an unknown queue are not known: its messages are logged completely each time.
    let patience = found(name).map_or(Patience::Hourly { last: 1 }, |(_, patience)| patience);
    deliveries.iter().map(|delivery| requests::postpone(platform, delivery, patience, after_s)).collect()
}

fn found(name: &str) -> Option<(&'static Queue, Patience)> {
    let queue = QUEUES.iter().find(|queue| queue.is_named(name))?;
    let patience = match queue.work {
        Taking::RecordRequests => Patience::Doubling,
        // The first delivery is not a retry.
        Taking::RecordDeadLetters => Patience::Hourly { last: queue.retries + 1 },
    };
    Some((queue, patience))
}

/// Delay of messages of a queue that is not in `QUEUES`, in seconds.
const UNKNOWN_S: u32 = 60;
