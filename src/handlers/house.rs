//! The daily job that keeps the database's house: partitions ahead, revocations that ran out (L-2, I-2).

use crate::{
    logic::fault::Fault,
    platform::{
        Platform,
        database::{ask, send},
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
