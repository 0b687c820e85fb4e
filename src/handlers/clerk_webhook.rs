//! `POST /webhooks/clerk`: Clerk's messages about sessions and users, processed once and applied from the next request
//! on (I-2).

use crate::{
    domain::{headers::Headers, time::whole_seconds},
    logic::{
        error::{Error, UpstreamProtocolError},
        http::response::{CachePolicy, ContentKind, Response},
        webhook::{clerk_event, signature::WebhookSignature},
    },
    runtime::{BodyStream, RuntimePort as _},
    services::{
        app_state::AppState,
        database_client::map_read_error,
        request_bodies::{self, Incoming, Sender},
        request_context::RequestContext,
    },
};

/// Receives one delivery.
///
/// Returns 200 once the message is stored in the database, also if it was stored before. After any other response Svix
/// delivers it again.
///
/// # Errors
/// `Webhook` for an invalid signature, which is verified before the body is parsed. The errors of the database.
pub async fn receive(
    app: &AppState,
    context: &RequestContext,
    headers: &Headers,
    body: Option<BodyStream>,
) -> Result<Response<BodyStream>, Error> {
    let now_ms = context.runtime.now_ms();
    let envelope = WebhookSignature::parse(headers, whole_seconds(now_ms)).map_err(Error::Webhook)?;
    let incoming = Incoming { sender: Sender::Unknown, body, limit: MAX_MESSAGE_BYTES };
    let bytes = request_bodies::read(&app.body_budget, context, incoming).await?;
    envelope.verify(&app.config.webhook_secrets, &bytes).map_err(Error::Webhook)?;
    let event = clerk_event::parse(&bytes, now_ms).map_err(|_| Error::WebhookMalformed)?;
    let arguments = serde_json::json!({
        "message": envelope.id,
        "event": event.name,
        "happened_at": event.occurred_at,
        "verdicts": event.revocations,
    });
    let builder = app.database.query().rpc("take_clerk_event", arguments.to_string());
    let response = app.database.execute(context, "clerk", "return=representation", builder).await?;
    let outcome = match response.body {
        Some(body) => context.runtime.read(body, MAX_RESPONSE_BYTES).await.map_err(map_read_error)?,
        None => Vec::new(),
    };
    let message = match serde_json::from_slice::<&str>(&outcome) {
        Ok("taken") => "accepted",
        Ok("repeated") => "duplicate",
        Ok(_) | Err(_) => return Err(Error::UpstreamInvalidResponse(UpstreamProtocolError::UnknownOutcome)),
    };
    let body = serde_json::json!({ "message": message });
    Ok(Response::text(200, ContentKind::Json, CachePolicy::NoStore, body.to_string()))
}

const MAX_MESSAGE_BYTES: usize = 256 * 1024;
const MAX_RESPONSE_BYTES: usize = 1024;
