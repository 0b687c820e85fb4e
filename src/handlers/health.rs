//! `GET /healthz`: the Hub's version, and the reachability of its upstreams.

use crate::{
    domain::{method::Method, upstreams::CLERK_JWKS},
    logic::http::response::{CachePolicy, ContentKind, Response},
    runtime::{BodyStream, RuntimePort as _, UpstreamRequest},
    services::{
        app_state::{AppState, HealthStatus},
        database_client::{TimedJob, execute_job},
        request_context::RequestContext,
    },
};

/// Returns the last health status. One request of an isolate at a time renews it, at most every five seconds, because
/// the route is public.
///
/// Responds with 200 if all upstreams are reachable and 503 otherwise, without a host, key or reason.
pub async fn check(app: &AppState, context: &RequestContext) -> Response<BodyStream> {
    let since = |time: u64| context.runtime.now_ms().saturating_sub(time);
    let last = app.health.get().filter(|finding| since(finding.at_ms) < STALE_AFTER_MS);
    let is_probing = app.probing_since.get().is_some_and(|began| since(began) < MAX_PROBE_MS);
    let finding = match last {
        Some(finding) if is_probing || since(finding.at_ms) < FRESH_FOR_MS => finding,
        _ if is_probing => wait_for_probe(app, context).await,
        _ => probe(app, context).await,
    };
    let healthy = finding.database && finding.jwks;
    let state = |is_up| if is_up { "up" } else { "down" };
    let body = serde_json::json!({
        "status": if healthy { "ok" } else { "degraded" },
        "version": env!("CARGO_PKG_VERSION"),
        "commit": env!("HUB_COMMIT"),
        "environment": app.config.environment.name(),
        "database": state(finding.database),
        "jwks": state(finding.jwks),
    });
    Response::text(if healthy { 200 } else { 503 }, ContentKind::Json, CachePolicy::NoStore, body.to_string())
}

/// Requests both upstreams; the status has the time of the end of the probe.
async fn probe(app: &AppState, context: &RequestContext) -> HealthStatus {
    app.probing_since.set(Some(context.runtime.now_ms()));
    let (database, jwks) = (is_database_up(app, context).await, is_jwks_up(app, context).await);
    let finding = HealthStatus { at_ms: context.runtime.now_ms(), database, jwks };
    app.health.set(Some(finding));
    app.probing_since.set(None);
    finding
}

/// Waits for the status from another request by polling: an object of one request must not be awaited in another.
async fn wait_for_probe(app: &AppState, context: &RequestContext) -> HealthStatus {
    let (began, before) = (context.runtime.now_ms(), app.health.get().map(|finding| finding.at_ms));
    while context.runtime.now_ms().saturating_sub(began) < MAX_PROBE_MS {
        context.runtime.sleep(POLL_INTERVAL_MS).await;
        if let Some(finding) = app.health.get().filter(|finding| Some(finding.at_ms) != before) {
            return finding;
        }
    }
    HealthStatus { at_ms: context.runtime.now_ms(), database: false, jwks: false }
}

/// Probes the database with a token of the Hub, a role, a grant and a row, as a client's request needs them.
async fn is_database_up(app: &AppState, context: &RequestContext) -> bool {
    let builder = app.database.query().from("request_log").select("request_id").limit(1);
    execute_job(&app.database, context, TimedJob { name: "health", timeout_ms: TIMEOUT_MS }, builder).await.is_ok()
}

async fn is_jwks_up(app: &AppState, context: &RequestContext) -> bool {
    let url = app.config.jwks_url.clone();
    let request = UpstreamRequest::new(&CLERK_JWKS, Method::Get, url).with_timeout_ms(TIMEOUT_MS);
    context.runtime.fetch(request).await.is_ok_and(|response| response.status == 200)
}

const FRESH_FOR_MS: u64 = 5_000;
/// Maximum age of a status that is returned while another request probes.
const STALE_AFTER_MS: u64 = 60_000;
const TIMEOUT_MS: u32 = 2_000;
/// Both upstreams, each until it times out.
const MAX_PROBE_MS: u64 = 2 * TIMEOUT_MS as u64 + 500;
const POLL_INTERVAL_MS: u32 = 50;
