//! Takes the messages of a queue, and says which of them are done.

use super::queues::{QUEUES, Taking};
use crate::{
    handlers::requests::{self, Delivery, Patience, Verdict},
    platform::{Level, Platform, hub::Hub},
};
use std::rc::Rc;

/// One verdict for each delivery, in their order. A queue that nobody knows keeps its messages.
pub async fn take<P: Platform>(hub: &Rc<Hub<P>>, platform: &P, name: &str, deliveries: &[Delivery]) -> Vec<Verdict> {
    let Some(queue) = QUEUES.iter().find(|queue| queue.is_named(name)) else {
        let line = serde_json::json!({ "event": "unknown queue", "queue": name });
        platform.log(Level::Error, &line.to_string());
        return deliveries.iter().map(|_| Verdict::Again { after_s: 60 }).collect();
    };
    let patience = match queue.work {
        Taking::RecordRequests => Patience::Doubling,
        Taking::RecordDeadLetters => Patience::Hourly,
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
