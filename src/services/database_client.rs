//! The Hub's own requests to the database, built by the `postgrest` crate and sent by the runtime.

use crate::{
    domain::{lifetimes::JOB_REQUEST_MS, method::Method, session::Actor, upstreams::POSTGREST},
    logic::{
        config::Config,
        error::{Error, UpstreamProtocolError, database::PostgrestError},
    },
    runtime::{BodyReadError, BodyStream, FetchError, LogLevel, RuntimePort as _, UpstreamRequest, UpstreamResponse},
    services::{database_token_issuer::DatabaseTokenIssuer, request_context::RequestContext},
};
use std::rc::Rc;

/// The only exposed schema; clients still send `public`.
pub const SCHEMA: &str = "hub";

/// Maximum length of an error body of `PostgREST` that is read, in bytes.
pub const MAX_ERROR_BYTES: usize = 64 * 1024;

/// The client of the database.
pub struct DatabaseClient {
    postgrest_url: String,
    publishable_key: String,
    token_issuer: DatabaseTokenIssuer,
}

impl DatabaseClient {
    /// Returns a client of the configured database, with its own tokens.
    #[must_use]
    pub fn new(config: &Config, token_issuer: DatabaseTokenIssuer) -> Rc<Self> {
        let (postgrest_url, publishable_key) = (config.postgrest_url.clone(), config.supabase_publishable_key.clone());
        Rc::new(Self { postgrest_url, publishable_key, token_issuer })
    }

    /// Begins a request.
    #[must_use]
    pub fn query(&self) -> postgrest::Postgrest {
        postgrest::Postgrest::new(&self.postgrest_url).schema(SCHEMA)
    }

    /// Returns a token for the database that authenticates exactly this actor.
    ///
    /// # Errors
    /// `RuntimeFailed` if signing fails.
    pub async fn token(&self, context: &RequestContext, actor: &Actor<'_>) -> Result<String, Error> {
        self.token_issuer.token(context, actor).await
    }

    /// Sends a request as a job of the Hub (`system:<job>`), never as a user.
    ///
    /// `prefer` replaces the crate's own preference: it always requests the rows in the response, for which a job has no
    /// privilege.
    ///
    /// # Errors
    /// Same as [`map_fetch_error`]; a status of 400 and above is an error too.
    pub async fn execute(
        &self,
        context: &RequestContext,
        job: &'static str,
        prefer: &'static str,
        builder: postgrest::Builder,
    ) -> Result<UpstreamResponse<BodyStream>, Error> {
        self.execute_as(context, &Actor::Job(job), prefer, builder).await
    }

    /// Sends a request of the Hub's own as an actor, with only the rights of that actor.
    ///
    /// # Errors
    /// Same as [`DatabaseClient::execute`]; `SessionRevoked` for a user whose session was ended.
    pub async fn execute_as(
        &self,
        context: &RequestContext,
        actor: &Actor<'_>,
        prefer: &'static str,
        builder: postgrest::Builder,
    ) -> Result<UpstreamResponse<BodyStream>, Error> {
        let sending = Sending { actor, prefer, timeout_ms: POSTGREST.timeout_ms };
        check_status(context, actor, send(self, context, &sending, builder).await?).await
    }
}

/// Begins a request with a token of the Hub.
#[must_use]
pub fn request(publishable_key: &str, method: Method, url: String, token: &str) -> UpstreamRequest {
    UpstreamRequest::new(&POSTGREST, method, url).with_header("apikey", publishable_key).with_bearer(token)
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
/// Same as [`DatabaseClient::execute`].
pub async fn execute_job(
    client: &DatabaseClient,
    context: &RequestContext,
    job: TimedJob,
    builder: postgrest::Builder,
) -> Result<UpstreamResponse<BodyStream>, Error> {
    let sending = Sending { actor: &Actor::Job(job.name), prefer: "return=minimal", timeout_ms: job.timeout_ms };
    check_status(context, sending.actor, send(client, context, &sending, builder).await?).await
}

/// Sends one step of a nightly job.
///
/// # Errors
/// Same as [`DatabaseClient::execute`].
pub async fn execute_slow_job(
    client: &DatabaseClient,
    context: &RequestContext,
    job: &'static str,
    builder: postgrest::Builder,
) -> Result<UpstreamResponse<BodyStream>, Error> {
    execute_job(client, context, TimedJob { name: job, timeout_ms: JOB_REQUEST_MS }, builder).await
}

/// Sends a request of a job and returns any response, also a rejection with its body.
///
/// # Errors
/// Same as [`map_fetch_error`], if there is no response.
pub async fn execute_for_response(
    client: &DatabaseClient,
    context: &RequestContext,
    job: &'static str,
    builder: postgrest::Builder,
) -> Result<UpstreamResponse<BodyStream>, Error> {
    let sending = Sending { actor: &Actor::Job(job), prefer: "return=minimal", timeout_ms: POSTGREST.timeout_ms };
    send(client, context, &sending, builder).await
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

async fn send(
    client: &DatabaseClient,
    context: &RequestContext,
    sending: &Sending<'_>,
    builder: postgrest::Builder,
) -> Result<UpstreamResponse<BodyStream>, Error> {
    let built =
        builder.build().build().map_err(|_| Error::UpstreamInvalidResponse(UpstreamProtocolError::RequestNotBuilt))?;
    let token = client.token(context, sending.actor).await?;
    let method = Method::parse(built.method().as_str())
        .ok_or(Error::UpstreamInvalidResponse(UpstreamProtocolError::MethodNotSupported))?;
    let body = built.body().and_then(|body| body.as_bytes()).filter(|_| !method.is_read()).map(<[u8]>::to_vec);
    let mut outgoing = request(&client.publishable_key, method, built.url().to_string(), &token)
        .with_header("prefer", sending.prefer)
        .with_body(body)
        .with_timeout_ms(sending.timeout_ms);
    for name in ["accept-profile", "content-profile", "content-type"] {
        outgoing = outgoing.with_optional_header(name, built.headers().get(name).and_then(|value| value.to_str().ok()));
    }
    context.runtime.fetch(outgoing).await.map_err(map_fetch_error)
}

async fn check_status(
    context: &RequestContext,
    actor: &Actor<'_>,
    response: UpstreamResponse<BodyStream>,
) -> Result<UpstreamResponse<BodyStream>, Error> {
    if (200..=299).contains(&response.status) {
        return Ok(response);
    }
    let body = context.runtime.read_or_empty(response.body, MAX_ERROR_BYTES).await;
    let error = PostgrestError::parse(&body).unwrap_or_default();
    // The message beside it may hold values.
    let code = error.plain_code();
    let fault = match response.status {
        // The rejection of a revoked session by `before_request()`. Any other 401 concerns the Hub: Supabase's gateway
        // rejects an invalid `apikey` without a code, and PostgREST an untrusted key or a wrong clock with `PGRST301`
        // and `PGRST303`. No user is signed out for these.
        //
        // Source: <https://docs.postgrest.org/en/stable/references/errors.html>
        401 if matches!(actor, Actor::User(_)) && code == "PT401" => return Err(Error::SessionRevoked),
        401 => Error::UpstreamInvalidResponse(UpstreamProtocolError::CredentialRejected),
        503 => Error::UpstreamBusy,
        _ => Error::UpstreamInvalidResponse(UpstreamProtocolError::RequestRejected),
    };
    let job = if let Actor::Job(job) = actor { Some(*job) } else { None };
    let line = serde_json::json!({ "event": "database.request_rejected", "job": job, "status": response.status, "code": code });
    context.log(LogLevel::Error, line);
    Err(fault)
}

/// Returns the error for a request to the database that has no response.
#[must_use]
pub fn map_fetch_error(failure: FetchError) -> Error {
    match failure {
        FetchError::Timeout => Error::UpstreamTimeout,
        FetchError::Unreachable => Error::UpstreamUnreachable,
    }
}

/// Returns the error for a response of the database whose body could not be read completely.
#[must_use]
pub fn map_read_error(failure: BodyReadError) -> Error {
    Error::UpstreamInvalidResponse(match failure {
        BodyReadError::Broken => UpstreamProtocolError::BodyInterrupted,
        BodyReadError::TooLarge => UpstreamProtocolError::BodyTooLong,
    })
}
