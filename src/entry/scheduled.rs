//! Runs the jobs whose cron fired.

use super::{
    jobs::{JOBS, JobKind},
    queues::{QUEUES, QueueConsumer},
};
use crate::{
    handlers::{alerts, maintenance},
    runtime::{LogLevel, Runtime, RuntimePort as _},
    services::{app_state::AppState, request_context::RequestContext},
};
use std::rc::Rc;

/// Runs the jobs of one cron; each logs one line, and a failed job does not stop the next one.
pub async fn run(app: &Rc<AppState>, runtime: &Runtime, cron: &str) {
    let context = &RequestContext::for_event(runtime);
    for job in JOBS.iter().filter(|job| job.cron == cron) {
        let started = context.runtime.now_ms();
        let done = match job.kind {
            JobKind::Maintenance => maintenance::run_maintenance(app, context, job.name).await,
            JobKind::IntegrityChecks => maintenance::run_integrity_checks(app, context, job.name).await,
            JobKind::SendAlerts => alerts::send(app, context, job.name, dead_letters()).await,
        };
        let (level, outcome) = match &done {
            Ok(()) => (LogLevel::Info, "done".to_owned()),
            Err(error) => (LogLevel::Error, format!("{error:?}")),
        };
        let line = serde_json::json!({
            "event": "job",
            "job": job.name,
            "outcome": outcome,
            "duration_ms": context.runtime.now_ms().saturating_sub(started),
        });
        context.log(level, line);
    }
}

/// Returns the binding that counts the messages that could not be written for hours.
fn dead_letters() -> Option<&'static str> {
    QUEUES.iter().find(|queue| queue.consumer == QueueConsumer::RequestLogDeadLetters).and_then(|queue| queue.binding)
}
