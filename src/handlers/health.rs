//! `GET /healthz`: the Hub's version, and whether what it needs can be reached.

use crate::{
    logic::reply::{Cache, Media, Reply},
    platform::{
        Outgoing, Platform,
        database::{USER_AGENT, ask, send},
        hub::{Finding, Hub},
    },
};

/// Anybody may ask, so the parties behind are asked at most every five seconds.
///
/// Answers 200 when all is well and 503 when something cannot be reached; no host, no key, no reason.
pub async fn check<P: Platform>(hub: &Hub<P>, platform: &P) -> Reply<P::Body> {
    let now = platform.now_ms();
    let finding = match hub.health.get() {
        Some(finding) if now.saturating_sub(finding.at_ms) < FRESH_MS => finding,
        _ => {
            let finding =
                Finding { at_ms: now, database: database(hub, platform).await, jwks: jwks(hub, platform).await };
            hub.health.set(Some(finding));
            finding
        }
    };
    let well = finding.database && finding.jwks;
    let word = |reached| if reached { "reached" } else { "not reached" };
    let body = serde_json::json!({
        "status": if well { "ok" } else { "degraded" },
        "version": env!("CARGO_PKG_VERSION"),
        "commit": env!("HUB_COMMIT"),
        "environment": hub.config.environment.name(),
        "database": word(finding.database),
        "jwks": word(finding.jwks),
    });
    Reply::text(if well { 200 } else { 503 }, Media::Json, Cache::Nobody, body.to_string())
}

/// A token of the Hub's own, a role, a grant and a row: all that a client's request needs.
async fn database<P: Platform>(hub: &Hub<P>, platform: &P) -> bool {
    let question = ask(&hub.config.rest_url).from("request_log").select("request_id").limit(1);
    send(hub, platform, "health", "count=none", question).await.is_ok()
}

async fn jwks<P: Platform>(hub: &Hub<P>, platform: &P) -> bool {
    let request = Outgoing {
        method: "GET",
        url: hub.config.jwks_url.clone(),
        headers: vec![("accept", "application/json".to_owned()), ("user-agent", USER_AGENT.to_owned())],
        wanted: &[],
        body: None,
        timeout_ms: TIMEOUT_MS,
    };
    platform.fetch(request).await.is_ok_and(|answer| answer.status == 200)
}

const FRESH_MS: u64 = 5_000;
const TIMEOUT_MS: u32 = 3_000;
