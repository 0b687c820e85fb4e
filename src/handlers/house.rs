//! The daily jobs of the database's house: partitions ahead and months that are over (L-2), what ran out (I-2), and whether
//! everything is as the trail says (A-3, L-1).

use crate::{
    logic::fault::Fault,
    platform::{
        Platform,
        database::{ask, send, send_slow},
        hub::Hub,
    },
};
use serde::Deserialize;

/// Calls `hub.keep_house()`; it may run any number of times.
///
/// # Errors
/// What the database said; the next day's run makes up for it, since partitions are made months ahead.
pub async fn run<P: Platform>(hub: &Hub<P>, platform: &P, job: &'static str) -> Result<(), Fault> {
    let question = ask(&hub.config.rest_url).rpc("keep_house", "{}");
    send(hub, platform, job, "return=minimal", question).await.map(drop)
}

/// Calls `hub.run_checks()` step by step, until what the checks found stands in `checks`.
///
/// # Errors
/// What the database said, or `UpstreamTimeout` when it takes too long: the next run goes on where this one stopped.
pub async fn check<P: Platform>(hub: &Hub<P>, platform: &P, job: &'static str) -> Result<(), Fault> {
    let started = platform.now_ms();
    for _ in 0..MOST_STEPS {
        let step = step(hub, platform, job).await?;
        if step.done {
            return Ok(());
        }
        if platform.now_ms().saturating_sub(started) > LONGEST_MS {
            break;
        }
        if step.busy {
            platform.sleep(BUSY_MS).await;
        }
    }
    Err(Fault::UpstreamTimeout)
}

/// What a step says of itself.
#[derive(Deserialize)]
struct Step {
    done: bool,
    #[serde(default)]
    busy: bool,
}

async fn step<P: Platform>(hub: &Hub<P>, platform: &P, job: &'static str) -> Result<Step, Fault> {
    let arguments = serde_json::json!({ "unless_within": DONE_WITHIN_MINUTES });
    let question = ask(&hub.config.rest_url).rpc("run_checks", arguments.to_string());
    let answer = send_slow(hub, platform, job, question).await?;
    let body = match answer.body {
        Some(body) => platform.read(body, LONGEST_ANSWER).await.unwrap_or_default(),
        None => Vec::new(),
    };
    serde_json::from_slice(&body).map_err(|_| Fault::UpstreamBroken("the checks do not say whether they are done"))
}

/// A run of a cron may take 15 minutes: <https://developers.cloudflare.com/workers/platform/limits/>
const LONGEST_MS: u64 = 600_000;
const MOST_STEPS: u32 = 100;
/// How long to leave a step to another run that is at it.
const BUSY_MS: u32 = 20_000;
/// Checks that were done so lately are not done again: half a day.
const DONE_WITHIN_MINUTES: u32 = 720;
const LONGEST_ANSWER: usize = 1024 * 1024;
