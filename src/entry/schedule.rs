//! Runs the jobs whose cron fired.

use super::{
    jobs::{JOBS, Work},
    queues::{QUEUES, Taking},
};
use crate::{
    handlers::{alerts, house},
    platform::{Level, Platform, hub::Hub},
};
use std::rc::Rc;

/// Runs the jobs of one cron; each logs one line, and a failed job does not stop the next one.
pub async fn run<P: Platform>(hub: &Rc<Hub<P>>, platform: &P, cron: &str) {
    for job in JOBS.iter().filter(|job| job.cron == cron) {
        let started = platform.now_ms();
        let done = match job.work {
            Work::KeepHouse => house::run(hub, platform, job.name).await,
            Work::RunChecks => house::check(hub, platform, job.name).await,
            Work::SendAlerts => alerts::send(hub, platform, job.name, dead_letters()).await,
        };
        let (level, outcome) = match &done {
            Ok(()) => (Level::Info, "done".to_owned()),
            Err(fault) => (Level::Error, format!("{fault:?}")),
        };
        let line = serde_json::json!({
            "event": "job",
            "job": job.name,
            "outcome": outcome,
            "duration_ms": platform.now_ms().saturating_sub(started),
        });
        platform.log(level, &line.to_string());
    }
}

/// Returns the binding that counts the messages that could not be written for hours.
fn dead_letters() -> Option<&'static str> {
    QUEUES.iter().find(|queue| queue.work == Taking::RecordDeadLetters).and_then(|queue| queue.binding)
}
