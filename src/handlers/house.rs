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

/// Calls `hub.keep_house()`; it may run any number of times.
///
/// # Errors
/// What the database said; the next day's run makes up for it, since partitions are made months ahead.
pub async fn run<P: Platform>(hub: &Hub<P>, platform: &P, job: &'static str) -> Result<(), Fault> {
    let question = ask(&hub.config.rest_url).rpc("keep_house", "{}");
    send(hub, platform, job, "return=minimal", question).await.map(drop)
}

/// Calls `hub.run_checks()`, which stores what it found in `checks`.
///
/// # Errors
/// What the database said.
pub async fn check<P: Platform>(hub: &Hub<P>, platform: &P, job: &'static str) -> Result<(), Fault> {
    let question = ask(&hub.config.rest_url).rpc("run_checks", "{}");
    send_slow(hub, platform, job, question).await.map(drop)
}
