//! `GET /healthz`: the Hub's version, and the reachability of its upstreams.

use crate::{
    logic::http::response::{CachePolicy, ContentKind, Response},
    runtime::{Runtime, UpstreamRequest},
    services::{
        app_state::{AppState, HealthStatus},
        database_client::{TimedJob, USER_AGENT, execute_job, query},
    },
};

/// Returns the last finding. One request of an isolate at a time renews it, at most every five seconds, because the
/// route is public.
///
/// Responds with 200 if all upstreams are reachable and 503 otherwise, without a host, key or reason.
pub async fn check<P: Runtime>(hub: &AppState<P>, platform: &P) -> Response<P::Body> {
    let since = |time: u64| platform.now_ms().saturating_sub(time);
    let last = hub.health.get().filter(|finding| since(finding.at_ms) < STALE_AFTER_MS);
    let is_probing = hub.probing_since.get().is_some_and(|began| since(began) < MAX_PROBE_MS);
    let finding = match last {
        Some(finding) if is_probing || since(finding.at_ms) < FRESH_FOR_MS => finding,
        _ if is_probing => wait_for_probe(hub, platform).await,
        _ => probe(hub, platform).await,
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
    Response::text(if well { 200 } else { 503 }, ContentKind::Json, CachePolicy::NoStore, body.to_string())
}

/// Requests both upstreams; the finding's time is the end of the probe.
async fn probe<P: Runtime>(hub: &AppState<P>, platform: &P) -> HealthStatus {
    hub.probing_since.set(Some(platform.now_ms()));
    let (database, jwks) = (is_database_up(hub, platform).await, is_jwks_up(hub, platform).await);
    let finding = HealthStatus { at_ms: platform.now_ms(), database, jwks };
    hub.health.set(Some(finding));
    hub.probing_since.set(None);
    finding
}

/// Waits for the finding of another request by polling: an object of one request must not be awaited in another.
async fn wait_for_probe<P: Runtime>(hub: &AppState<P>, platform: &P) -> HealthStatus {
    let (began, before) = (platform.now_ms(), hub.health.get().map(|finding| finding.at_ms));
    while platform.now_ms().saturating_sub(began) < MAX_PROBE_MS {
        platform.sleep(POLL_INTERVAL_MS).await;
        if let Some(finding) = hub.health.get().filter(|finding| Some(finding.at_ms) != before) {
            return finding;
        }
    }
    HealthStatus { at_ms: platform.now_ms(), database: false, jwks: false }
}

/// Probes the database with a token of the Hub, a role, a grant and a row, as a client's request needs them.
async fn is_database_up<P: Runtime>(hub: &AppState<P>, platform: &P) -> bool {
    let question = query(&hub.config.postgrest_url).from("request_log").select("request_id").limit(1);
    execute_job(hub, platform, TimedJob { name: "health", timeout_ms: TIMEOUT_MS }, question).await.is_ok()
}

async fn is_jwks_up<P: Runtime>(hub: &AppState<P>, platform: &P) -> bool {
    let request = UpstreamRequest {
        method: "GET",
        url: hub.config.jwks_url.clone(),
        headers: vec![("accept", "application/json".to_owned()), ("user-agent", USER_AGENT.to_owned())],
        response_headers: &[],
        body: None,
        timeout_ms: TIMEOUT_MS,
    };
    platform.fetch(request).await.is_ok_and(|answer| answer.status == 200)
}

const FRESH_FOR_MS: u64 = 5_000;
/// Maximum age of a finding that is returned while another request probes.
const STALE_AFTER_MS: u64 = 60_000;
const TIMEOUT_MS: u32 = 2_000;
/// Both upstreams, each until it times out.
const MAX_PROBE_MS: u64 = 2 * TIMEOUT_MS as u64 + 500;
const POLL_INTERVAL_MS: u32 = 50;
