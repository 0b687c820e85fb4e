//! The Hub's own requests to the database, built by the `postgrest` crate and sent by the platform.

use super::{Answer, FetchFailure, Level, Outgoing, Platform, hub::Hub};
use crate::{
    domain::session::Actor,
    logic::{fault::Fault, refusal::PostgrestError},
};

/// The Hub's user agent: Supabase rejects secret keys from clients that appear to be browsers.
pub const USER_AGENT: &str = concat!("stacklumen-hub/", env!("CARGO_PKG_VERSION"));

/// The only exposed schema; clients still send `public`.
pub const SCHEMA: &str = "hub";

/// Timeout of the database for a client's request, in milliseconds.
pub const TIMEOUT_MS: u32 = 10_000;

/// Timeout of one step of a nightly job, in milliseconds: slightly longer than the `statement_timeout` of
/// `hub.run_checks` and `hub.keep_house`, and well below the 100 seconds after which Cloudflare, which proxies
/// Supabase, cancels a request.
///
/// Source: <https://developers.cloudflare.com/fundamentals/reference/connection-limits/>
const STEP_MS: u32 = 65_000;

/// Maximum length of an error body of `PostgREST` that is read, in bytes.
pub const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Begins a request.
#[must_use]
pub fn ask(rest_url: &str) -> postgrest::Postgrest {
    postgrest::Postgrest::new(rest_url).schema(SCHEMA)
}

/// Sends a request as a job of the Hub (`system:<job>`), never as a user.
///
/// `prefer` replaces the crate's own preference: it always requests the rows in the response, for which a job has no
/// privilege.
///
/// # Errors
/// Same as [`failure`]; a status of 400 and above is an error too.
pub async fn send<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    job: &'static str,
    prefer: &'static str,
    question: postgrest::Builder,
) -> Result<Answer<P::Body>, Fault> {
    send_as(hub, platform, &Actor::Job(job), prefer, question).await
}

/// A job of the Hub, with the timeout of its request.
#[derive(Clone, Copy, Debug)]
pub struct TimedJob {
    /// The name, without `system:`.
    pub name: &'static str,
    /// Timeout in milliseconds.
    pub timeout_ms: u32,
}

/// Sends a request of a job with its own timeout; the rows are not requested in the response.
///
/// # Errors
/// Same as [`send`].
pub async fn send_job<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    job: TimedJob,
    question: postgrest::Builder,
) -> Result<Answer<P::Body>, Fault> {
    let sending = Sending { actor: &Actor::Job(job.name), prefer: "return=minimal", timeout_ms: job.timeout_ms };
    judged(platform, sending.actor, sent(hub, platform, &sending, question).await?).await
}

/// Sends one step of a nightly job.
///
/// # Errors
/// Same as [`send`].
pub async fn send_slow<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    job: &'static str,
    question: postgrest::Builder,
) -> Result<Answer<P::Body>, Fault> {
    send_job(hub, platform, TimedJob { name: job, timeout_ms: STEP_MS }, question).await
}

/// Sends a request of a job and returns any response, also a rejection with its body.
///
/// # Errors
/// Same as [`failure`], if there is no response.
pub async fn send_for_answer<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    job: &'static str,
    question: postgrest::Builder,
) -> Result<Answer<P::Body>, Fault> {
    let sending = Sending { actor: &Actor::Job(job), prefer: "return=minimal", timeout_ms: TIMEOUT_MS };
    sent(hub, platform, &sending, question).await
}

/// Sends a request of the Hub's own as an actor, with only the rights of that actor.
///
/// # Errors
/// Same as [`send`]; `SessionRevoked` for a user whose session was ended.
pub async fn send_as<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    actor: &Actor<'_>,
    prefer: &'static str,
    question: postgrest::Builder,
) -> Result<Answer<P::Body>, Fault> {
    let sending = Sending { actor, prefer, timeout_ms: TIMEOUT_MS };
    judged(platform, actor, sent(hub, platform, &sending, question).await?).await
}

/// Parameters of sending a request.
struct Sending<'a> {
    /// The actor.
    actor: &'a Actor<'a>,
    /// The `Prefer` header.
    prefer: &'static str,
    /// Timeout of the response, in milliseconds.
    timeout_ms: u32,
}

async fn sent<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    sending: &Sending<'_>,
    question: postgrest::Builder,
) -> Result<Answer<P::Body>, Fault> {
    let built = question.build().build().map_err(|_| Fault::UpstreamBroken("the question could not be built"))?;
    let token = hub.mint(platform, sending.actor).await?;
    let mut headers = vec![
        ("accept", "application/json".to_owned()),
        ("apikey", hub.config.publishable_key.clone()),
        ("authorization", format!("Bearer {token}")),
        ("prefer", sending.prefer.to_owned()),
        ("user-agent", USER_AGENT.to_owned()),
    ];
    for name in ["accept-profile", "content-profile", "content-type"] {
        if let Some(value) = built.headers().get(name).and_then(|value| value.to_str().ok()) {
            headers.push((name, value.to_owned()));
        }
    }
    let reads = built.method().as_str() == "GET";
    let outgoing = Outgoing {
        method: if reads { "GET" } else { "POST" },
        url: built.url().to_string(),
        headers,
        body: built.body().and_then(|body| body.as_bytes()).filter(|_| !reads).map(<[u8]>::to_vec),
        wanted: &[],
        timeout_ms: sending.timeout_ms,
    };
    platform.fetch(outgoing).await.map_err(failure)
}

async fn judged<P: Platform>(
    platform: &P,
    actor: &Actor<'_>,
    answer: Answer<P::Body>,
) -> Result<Answer<P::Body>, Fault> {
    if (200..=299).contains(&answer.status) {
        return Ok(answer);
    }
    let body = platform.read_or_empty(answer.body, MAX_ERROR_BYTES).await;
    let error = PostgrestError::read(&body).unwrap_or_default();
    // The message beside it may hold values.
    let code = error.plain_code();
    let fault = match answer.status {
        // The rejection of a revoked session by `before_request()`. Any other 401 concerns the Hub: Supabase's gateway
        // rejects an invalid `apikey` without a code, and PostgREST an untrusted key or a wrong clock with `PGRST301`
        // and `PGRST303`. No user is signed out for these.
        //
        // Source: <https://docs.postgrest.org/en/stable/references/errors.html>
        401 if matches!(actor, Actor::Person(_)) && code == "PT401" => return Err(Fault::SessionRevoked),
        401 => Fault::UpstreamBroken("the Hub's own token or key was refused"),
        503 => Fault::UpstreamBusy,
        _ => Fault::UpstreamBroken("a question of the Hub was refused"),
    };
    let job = if let Actor::Job(job) = actor { Some(*job) } else { None };
    let line = serde_json::json!({ "event": "question refused", "job": job, "status": answer.status, "code": code });
    platform.log(Level::Error, &line.to_string());
    Err(fault)
}

/// Returns the fault for a request to the database that has no response.
#[must_use]
pub fn failure(failure: FetchFailure) -> Fault {
    match failure {
        FetchFailure::Timeout => Fault::UpstreamTimeout,
        FetchFailure::Unreachable => Fault::UpstreamUnreachable,
    }
}
