//! The daily maintenance jobs of the database: partitions of future and past months (L-2), expired rows (I-2), and
//! checks of the tables against the audit log (A-3, L-1).

use crate::{
    domain::lifetimes::{CHECKS_DONE_MINUTES, JOB_RUN_MS, JOB_STEP_MS},
    logic::error::{Error, UpstreamProtocolError},
    runtime::RuntimePort as _,
    services::{app_state::AppState, database_client::execute_slow_job, request_context::RequestContext},
};
use serde::Deserialize;

/// Calls `hub.keep_house()` step by step for each task until it is done. A failed task does not stop the next one.
///
/// # Errors
/// The error of the first task that failed, as [`run_integrity_checks`]: its finished steps remain, and the next run
/// continues.
pub async fn run_maintenance(app: &AppState, context: &RequestContext, job: &'static str) -> Result<(), Error> {
    let started = context.runtime.now_ms();
    let mut outcome = Ok(());
    for task in TASKS {
        let arguments = serde_json::json!({ "task": task });
        let work = JobRun { job, function: "keep_house", arguments: arguments.to_string(), started };
        outcome = outcome.and(run_until_done(app, context, &work).await);
    }
    outcome
}

/// Calls `hub.run_checks()` step by step, until its findings are stored in `checks`.
///
/// # Errors
/// The error of the database, or `UpstreamTimeout` if the checks take too long: the next run continues from there.
pub async fn run_integrity_checks(app: &AppState, context: &RequestContext, job: &'static str) -> Result<(), Error> {
    let arguments = serde_json::json!({ "unless_within": CHECKS_DONE_MINUTES });
    let started = context.runtime.now_ms();
    run_until_done(app, context, &JobRun { job, function: "run_checks", arguments: arguments.to_string(), started })
        .await
}

/// The work of a job that runs in steps.
struct JobRun {
    job: &'static str,
    function: &'static str,
    arguments: String,
    /// Start of the run, in milliseconds since the Unix epoch.
    started: u64,
}

async fn run_until_done(app: &AppState, context: &RequestContext, work: &JobRun) -> Result<(), Error> {
    for _ in 0..MAX_STEPS {
        let step = run_step(app, context, work).await?;
        if step.done {
            return Ok(());
        }
        if context.runtime.now_ms().saturating_sub(work.started) > u64::from(JOB_RUN_MS) {
            break;
        }
        if step.busy {
            // Another run executes the same step.
            context.runtime.sleep(JOB_STEP_MS).await;
        }
    }
    Err(Error::UpstreamTimeout)
}

/// The result of a step.
#[derive(Deserialize)]
struct StepReport {
    done: bool,
    #[serde(default)]
    busy: bool,
}

async fn run_step(app: &AppState, context: &RequestContext, work: &JobRun) -> Result<StepReport, Error> {
    let builder = app.database.query().rpc(work.function, work.arguments.clone());
    let response = execute_slow_job(&app.database, context, work.job, builder).await?;
    let body = context.runtime.read_or_empty(response.body, MAX_RESPONSE_BYTES).await;
    serde_json::from_slice(&body)
        .map_err(|_| Error::UpstreamInvalidResponse(UpstreamProtocolError::MalformedStepReport))
}

/// Tasks of `hub.keep_house()`, in this order: a change without its partition is rejected, so partitions are first.
const TASKS: [&str; 3] = ["partitions", "deletions", "retention"];
const MAX_STEPS: u32 = 100;
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
