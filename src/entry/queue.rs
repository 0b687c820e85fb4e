//! Takes the messages of a queue, and says which of them are done.

use super::queues::{QUEUES, Queue, Taking};
use crate::{
    handlers::requests::{self, Delivery, Patience, Verdict},
    platform::{Level, Platform, hub::Hub},
};
use std::rc::Rc;

/// One verdict for each delivery, in their order. A queue that nobody knows keeps its messages.
pub async fn take<P: Platform>(hub: &Rc<Hub<P>>, platform: &P, name: &str, deliveries: &[Delivery]) -> Vec<Verdict> {
    let Some((queue, patience)) = found(name) else {
        let line = serde_json::json!({ "event": "unknown queue", "queue": name });
        platform.log(Level::Error, &line.to_string());
        return postpone(platform, name, deliveries, UNKNOWN_S);
    };
    let verdicts = requests::record(hub, platform, deliveries, patience).await;
    let again = verdicts.iter().filter(|verdict| **verdict != Verdict::Done).count();
    let line = serde_json::json!({ "event": "queue", "queue": name, "messages": deliveries.len(), "again": again });
    // A message there was refused for hours: somebody should look.
    let dead = queue.work == Taking::RecordDeadLetters;
    let level = if dead || again > 0 { Level::Error } else { Level::Info };
    platform.log(level, &line.to_string());
    verdicts
}

/// Has every message come again, of a Hub that can try nothing.
pub fn postpone<P: Platform>(platform: &P, name: &str, deliveries: &[Delivery], after_s: u32) -> Vec<Verdict> {
    // Nothing is known of how often another queue delivers: its messages are logged whole each time.
    let patience = found(name).map_or(Patience::Hourly { last: 1 }, |(_, patience)| patience);
    deliveries.iter().map(|delivery| requests::postpone(platform, delivery, patience, after_s)).collect()
}

fn found(name: &str) -> Option<(&'static Queue, Patience)> {
    let queue = QUEUES.iter().find(|queue| queue.is_named(name))?;
    let patience = match queue.work {
        Taking::RecordRequests => Patience::Doubling,
        // The first delivery is no retry.
        Taking::RecordDeadLetters => Patience::Hourly { last: queue.retries + 1 },
    };
    Some((queue, patience))
}

/// How long the messages of a queue wait that is none of QUEUES.
const UNKNOWN_S: u32 = 60;
